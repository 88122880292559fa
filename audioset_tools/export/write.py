"""Writing an export: its parts, several at once, each made, read back, and told in `export.json`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from ..clock import steady
from ..files import leftovers, write_beside
from ..tasks.division import Division
from ..tasks.engine import Engine, run_tasks
from ..tasks.part import WHOLE, ArrayPart
from ..types import OnProgress, Progress, message
from .examples import Example, Exported
from .folder import (
    AUDIO,
    NAME,
    Contents,
    Told,
    account_name,
    accounts,
    is_linked,
    link_clips,
    read_contents,
    standing,
    stands,
    write_contents,
)
from .part import ExportPart, ExportPlan, FileThere

LINKED_AT_ONCE = 64
"""Clips that are a task."""

SAY_EVERY_S = 2.0
"""How often `export.json` is brought up to date; a killed export makes again what it did since."""


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What there is after an export.

    Args:
        folder: where all of it lies.
        files: how many, clips that are linked among them.
        made, kept: how many of its parts were made now, and how many stood already.
        missing: how many files an array's other parts still have to make; only without any it is finished.
        bytes: of its parts; linked clips take none.
        clips: how many there are of each split.
        targets: how many they are.
        left_out: labels that are none of the 527, and how many clips have each.
        notes: what a user should know of it, a sentence each.
    """

    folder: Path
    files: int
    made: int
    kept: int
    missing: int
    bytes: int
    clips: Mapping[str, int]
    targets: int
    left_out: Mapping[str, int]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Target:
    """Where an export goes.

    Args:
        folder: a new one, or one of the same export.
        format, targets: what it is an export of, as `export.json` says it.
        before: the files that were said to be there.
    """

    folder: Path
    format: str
    targets: str
    before: Told


def write_export(
    target: Target,
    data: Exported,
    plan: ExportPlan,
    linked: Sequence[Example],
    division: Division,
    on_progress: OnProgress,
) -> ExportResult:
    """Bring a folder to what a plan says.

    Args:
        target: the folder, and what stands in it.
        data: what is exported, for the account of it.
        plan: what files there are to be.
        linked: the clips to link to `audio/`.
        division: who makes the files, and which of them now. What is made of all is made by who finds all.
        on_progress: called as clips are written.

    Raises:
        DataMismatch: a clip is gone or damaged, or what was read back is not what was written.
        EnvironmentProblem: the disk is full.
    """
    folder, mine, links = target.folder, division.part.share(plan.parts), division.part.share(linked)
    if division.is_whole:
        _tidy(target, plan, linked)
    standing = _standing(target, mine)
    todo = [part for part in mine if part.name not in standing]
    account = _Account(target, division.part, standing, on_progress)
    account.begin(_clips(mine) - _clips(todo), len(links) + _clips(mine))
    last: Sequence[ExportPart] = ()
    with division.engine(folder, lambda text: on_progress(message(text))) as by:
        _link(by, links, account)
        _make_all(by, todo, account)
        # Said before one looks at what others say: of two that end at once, one sees all.
        account.say(finished=False)
        missing = 0 if division.is_whole else _absent(account, plan, linked)
        if not missing:
            if not division.is_whole:
                _tidy(target, plan, linked)
            files = {part.name: account.files[part.name] for part in plan.parts}
            closing = [closing(files) for closing in plan.closing.values()]
            account.files |= _standing(target, closing)
            last = [part for part in closing if part.name not in account.files]
            _make_all(by, last, account)
    account.say(finished=not missing)
    return ExportResult(
        folder=folder,
        files=len(account.files) + len(links),
        made=len(todo) + len(last),
        kept=len(account.files) - len(todo) - len(last),
        missing=missing,
        bytes=sum(one.bytes for one in account.files.values()),
        clips={split: len(examples) for split, examples in data.splits.items()},
        targets=len(data.target_names),
        left_out=data.left_out,
        notes=tuple(plan.notes),
    )


class _Account:
    """What stands in the folder so far, as `export.json` says it, and how far the whole is.

    An array's part has an account of its own, until one of them finds that all is there.
    """

    def __init__(
        self, target: Target, part: ArrayPart, files: dict[str, FileThere], on_progress: OnProgress
    ) -> None:
        self.target, self.files, self._part = target, files, part
        self._on_progress, self._done, self._total = on_progress, 0, 0
        self._said = steady()

    def begin(self, done: int, total: int) -> None:
        """Say what stands, and how many clips there are to be."""
        self._total = total
        self.target.folder.mkdir(parents=True, exist_ok=True)
        self.say(finished=False)
        self.count(done)

    def add(self, part: ExportPart, made: FileThere) -> None:
        """A part that stands now."""
        self.files[part.name] = made
        self.count(part.clips)
        if steady() - self._said >= SAY_EVERY_S:
            self.say(finished=False)

    def count(self, clips: int) -> None:
        """So many clips more are there."""
        self._done += clips
        self._on_progress(Progress(self._done, self._total))

    def say(self, finished: bool) -> None:
        """Write what stands."""
        self._said = steady()
        target = self.target
        name = NAME if finished or self._part == WHOLE else account_name(self._part)
        write_contents(target.folder, Contents(target.format, target.targets, finished, self.files), name)
        if finished:
            for path in accounts(target.folder):
                path.unlink(missing_ok=True)


def _standing(target: Target, parts: Iterable[ExportPart]) -> dict[str, FileThere]:
    """Of some parts those that are there, as they were made."""
    told = {part.name: target.before.get(part.name, {}).get(part.inputs) for part in parts}
    return {name: one for name, one in told.items() if one and stands(target.folder, name, one)}


def _clips(parts: Sequence[ExportPart]) -> int:
    return sum(part.clips for part in parts)


def _link(by: Engine, linked: Sequence[Example], account: _Account) -> None:
    """Link clips to `audio/`, some of them a task."""
    tasks = [linked[start : start + LINKED_AT_ONCE] for start in range(0, len(linked), LINKED_AT_ONCE)]
    work = partial(link_clips, folder=by.place(account.target.folder))
    run_tasks(by, work, tasks, lambda task, _: account.count(len(task)))


def _make_all(by: Engine, parts: Sequence[ExportPart], account: _Account) -> None:
    run_tasks(by, partial(_make, folder=by.place(account.target.folder)), parts, account.add)


def _make(part: ExportPart, folder: Path) -> FileThere:
    """Write a part beside its place, read it back, and put it there."""
    target = folder / part.name
    with write_beside(target) as temporary:
        part.make(temporary)
        part.check(temporary)
        return standing(temporary, part.inputs)


def _absent(account: _Account, plan: ExportPlan, linked: Sequence[Example]) -> int:
    """How many files are not there; those that others made are believed to be what they say they are."""
    target = account.target
    told = read_contents(target.folder, target.format, target.targets)
    for part in plan.parts:
        one = account.files.get(part.name) or told.get(part.name, {}).get(part.inputs)
        if one and _size(target.folder / part.name) == one.bytes:
            account.files[part.name] = one
    lacking = sum(part.name not in account.files for part in plan.parts)
    return lacking + sum(not is_linked(one, target.folder) for one in linked)


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _tidy(target: Target, plan: ExportPlan, linked: Sequence[Example]) -> None:
    """Remove the files of an earlier export that are none of this one, and what killed exports left."""
    folder, names = target.folder, {part.name for part in plan.parts} | plan.closing.keys()
    for name in target.before.keys() - names:
        (folder / name).unlink(missing_ok=True)
    for place in {(folder / name).parent for name in (NAME, *names)}:
        for path in leftovers(place):
            path.unlink(missing_ok=True)
    clips = {f"{one.name}.wav" for one in linked}
    for path in [*(folder / AUDIO).glob("*.wav"), *leftovers(folder / AUDIO)]:
        if path.name not in clips:
            path.unlink(missing_ok=True)

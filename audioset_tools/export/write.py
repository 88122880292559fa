"""Writing an export: its parts, several at once, each made, read back, and told in `export.json`."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from ..clock import steady
from ..files import leftovers, write_beside
from ..shards.reader import cores
from ..types import OnProgress, Progress
from .examples import Example, Exported
from .folder import AUDIO, NAME, Contents, link_clip, standing, stands, write_contents
from .part import ExportPart, ExportPlan, FileThere

Item = TypeVar("Item")
Done = TypeVar("Done")

SAY_EVERY_S = 2.0
"""How often `export.json` is brought up to date; a killed export makes again what it did since."""


@dataclass(frozen=True, slots=True)
class ExportResult:
    """What there is after an export.

    Args:
        folder: where all of it lies.
        files: how many, clips that are linked among them.
        made, kept: how many of its parts were made now, and how many stood already.
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
        before: the files that `export.json` said there are.
    """

    folder: Path
    format: str
    targets: str
    before: Mapping[str, FileThere]


def write_export(
    target: Target,
    data: Exported,
    plan: ExportPlan,
    linked: Sequence[Example],
    jobs: int | None,
    on_progress: OnProgress,
) -> ExportResult:
    """Bring a folder to what a plan says.

    Args:
        target: the folder, and what stands in it.
        data: what is exported, for the account of it.
        plan: what files there are to be.
        linked: the clips to link to `audio/`.
        jobs: files made at once; None for as many as there are cores.
        on_progress: called as clips are written.

    Raises:
        DataMismatch: a clip is gone or damaged, or what was read back is not what was written.
        EnvironmentProblem: the disk is full.
    """
    folder, before = target.folder, target.before
    missing = partial(_missing, folder, before)
    todo = missing(plan.parts)
    kept = sum(part.clips for part in plan.parts) - sum(part.clips for part in todo)
    account = _Account(target, on_progress, kept, len(linked) + _clips(plan.parts))
    names = {part.name for part in plan.parts} | plan.closing.keys()
    account.forget(before.keys() - names)
    _remove_leftovers(folder, [NAME, *names])
    _in_parallel(linked, partial(link_clip, folder=folder), lambda _: account.count(1), jobs)
    _remove_strangers(folder / AUDIO, linked)
    _in_parallel(todo, partial(_make, folder=folder), account.add, jobs)
    files = {part.name: account.files[part.name] for part in plan.parts}
    last = missing([closing(files) for closing in plan.closing.values()])
    _in_parallel(last, partial(_make, folder=folder), account.add, jobs)
    account.say(finished=True)
    return ExportResult(
        folder=folder,
        files=len(account.files) + len(linked),
        made=len(todo) + len(last),
        kept=len(account.files) - len(todo) - len(last),
        bytes=sum(one.bytes for one in account.files.values()),
        clips={split: len(examples) for split, examples in data.splits.items()},
        targets=len(data.target_names),
        left_out=data.left_out,
        notes=tuple(plan.notes),
    )


def _missing(folder: Path, before: Mapping[str, FileThere], parts: Iterable[ExportPart]) -> list[ExportPart]:
    """The parts that are not there yet, or no longer as they were made."""
    return [part for part in parts if not stands(folder, part.name, before.get(part.name), part.inputs)]


def _clips(parts: Sequence[ExportPart]) -> int:
    return sum(part.clips for part in parts)


def _make(part: ExportPart, folder: Path) -> tuple[ExportPart, FileThere]:
    """Write a part beside its place, read it back, and put it there."""
    target = folder / part.name
    with write_beside(target) as temporary:
        part.make(temporary)
        part.check(temporary)
        told = standing(temporary, part.inputs)
    return part, told


def _remove_strangers(audio: Path, linked: Sequence[Example]) -> None:
    """Remove the clips of an earlier export that are none of this one, and what killed exports left."""
    names = {f"{one.name}.wav" for one in linked}
    for path in [*audio.glob("*.wav"), *leftovers(audio)]:
        if path.name not in names:
            path.unlink(missing_ok=True)


def _remove_leftovers(folder: Path, names: Iterable[str]) -> None:
    """Remove what killed exports were writing."""
    for place in {(folder / name).parent for name in names}:
        for path in leftovers(place):
            path.unlink(missing_ok=True)


class _Account:
    """What stands in the folder so far, as `export.json` says it, and how far the whole is."""

    def __init__(self, target: Target, on_progress: OnProgress, done: int, total: int) -> None:
        self._target, self.files = target, dict(target.before)
        self._on_progress, self._done, self._total = on_progress, done, total
        self._said = steady()
        target.folder.mkdir(parents=True, exist_ok=True)
        self.say(finished=False)
        self.count(0)

    def forget(self, names: Iterable[str]) -> None:
        """Remove files that the export no longer has."""
        for name in names:
            (self._target.folder / name).unlink(missing_ok=True)
            del self.files[name]

    def add(self, made: tuple[ExportPart, FileThere]) -> None:
        """A part that stands now."""
        part, self.files[part.name] = made
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
        told = Contents(self._target.format, self._target.targets, finished, self.files)
        write_contents(self._target.folder, told)


def _in_parallel(
    items: Sequence[Item], work: Callable[[Item], Done], on_done: Callable[[Done], object], jobs: int | None
) -> None:
    """Do some work for each item, several at once; after an error or Ctrl-C nothing new is begun."""
    with ThreadPoolExecutor(jobs or cores(), thread_name_prefix="export") as pool:
        try:
            waiting = {pool.submit(work, item) for item in items}
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                for one in done:
                    on_done(one.result())
        finally:
            pool.shutdown(cancel_futures=True)

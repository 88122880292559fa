"""The shards against their index, `dataset.csv` and the ledger: what is wrong, and what is taken away.

What is taken away `featurize` makes again from the clips. The caller holds the workspace's lock.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..audio.clip import read_clip
from ..exceptions import DataMismatch
from ..featurize.run import FeaturizeConfig
from ..shards.dataset import RESTORE, read_dataset
from ..shards.index import NAME as INDEX
from ..shards.index import Index, Listed, half_written, read_index, shard_files
from ..shards.placements import SPLITS, Names, Numbers, Placement, Placements, named
from ..shards.shard import Accumulator, Shard, Statistics, classes_of, combined, keys_of, open_shard
from ..shards.spec import PRESETS
from ..tasks.engine import Engine, run_tasks
from ..types import SAMPLE_RATES, Progress, silent
from ..workspace import Workspace, smaller_set
from .findings import Finding, Kind, Look, Report

YOURS = "What it cannot name it never deletes: look at the file, then move it out of shards/."

_UNHARMED = {Kind.MISSING, Kind.ORPHANED}

_ROWS_AT_ONCE = 32

_MOST_LISTED = 100
"""Noise copies that are named one by one."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the ledger says, as far as shards are made from it: its recipe's name, and the accepted clips."""

    recipe: str
    class_names: tuple[str, ...]
    clips: Placements


def look_at_shards(look: Look, recorded: Recorded) -> Report:
    """What is wrong with a workspace's shards; changes nothing."""
    workspace = look.workspace
    folders = sorted(path for path in workspace.shards.glob("*") if path.is_dir())
    strays = sorted(path for path in workspace.shards.glob("*") if not path.is_dir())
    total, done = sum(len(shard_files(folder)) for folder in folders), 0

    def step() -> None:
        nonlocal done
        done += 1
        look.on_progress(Progress(min(done, total), total, "shards"))

    found: list[Finding] = []
    sizes = [smaller_set(folder.name) for folder in folders]
    read = {size: _read_dataset(workspace.dataset_of(size)) for size in sizes}
    if look.part.is_first:
        found += (Finding(Kind.ORPHANED, _below(path, workspace), "", YOURS) for path in strays)
        for size, (trouble, placements) in read.items():
            found += trouble
            table = workspace.dataset_of(size).name
            found += _look_at_dataset(placements or Placements(), recorded.clips, table, size)
    if folders:
        for folder, size in zip(folders, sizes, strict=True):
            table = workspace.dataset_of(size).name
            expected = Expected(workspace.root, recorded.recipe, recorded.class_names, read[size][1], table)
            try:
                index = read_index(folder)
            except DataMismatch:
                index = None
                if look.part.is_first:
                    found.append(_without_index(folder, workspace))
            found += check_folder(folder, expected, index, look, step)
    return Report(shards=total, findings=tuple(found), left=tuple(found))


def repair_shards(look: Look, recorded: Recorded) -> Report:
    """Remove shards that are not as they should be, for `featurize` to make again from the clips.

    The index of their folder goes with them, so that no training uses what is left.
    """
    report = look_at_shards(look, recorded)
    workspace, removed = look.workspace, []
    for name in dict.fromkeys(finding.path for finding in report.findings if _is_made_again(finding)):
        path = workspace.root / name
        # Also what is no file: a pipe or a link in a shard's place.
        if os.path.lexists(path) and (path.is_symlink() or not path.is_dir()):
            if path.suffix != ".part":
                (workspace.root / Path(*Path(name).parts[:2]) / INDEX).unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            removed.append(name)
    if not removed:
        return report
    left = look_at_shards(replace(look, deep=False, on_progress=silent), recorded).findings
    return Report(0, report.shards, report.findings, left, removed=tuple(removed))


def _is_made_again(finding: Finding) -> bool:
    """Whether a finding is about a file that featurize makes, and might otherwise take for right."""
    path = finding.path
    return path.endswith(".part") or (path.endswith((".h5", INDEX)) and finding.kind not in _UNHARMED)


def _read_dataset(table: Path) -> tuple[list[Finding], Placements | None]:
    name = table.name
    try:
        placements = read_dataset(table)
    except DataMismatch as error:
        detail = error.what.replace(str(table), "").lstrip(", :")
        return [Finding(Kind.DAMAGED, name, detail, RESTORE)], None
    if not placements:
        return [Finding(Kind.MISSING, name, "is missing or empty, and there are shards", RESTORE)], None
    return [], placements


def _look_at_dataset(
    placements: Placements, recorded: Placements, table: str, size: int | None
) -> Iterator[Finding]:
    """Clips of which the ledger says something else; one that is in the queue again is no fault here."""
    at = recorded.by_key(placements.key)
    there = np.flatnonzero(at >= 0)
    classes = {kind[:2]: number for number, kind in enumerate(placements.kinds)}
    here, now = (of.of_kinds(classes, slice(0, 2)) for of in (placements, recorded))
    other_class = here[there] != now[at[there]]
    other_file = placements.sha256[there] != recorded.sha256[at[there]]
    for number in there[other_class | other_file].tolist():
        placement, clip = placements[number], recorded[int(at[number])]
        if named(clip) != named(placement):
            detail = f"clip {clip.key} is of class {named(placement)}, and {named(clip)} in the ledger"
            yield Finding(Kind.DAMAGED, table, detail, RESTORE)
        else:
            detail = f"clip {clip.key} was fetched again since its mel was taken"
            again = f"Run: audioset-tools featurize{_asking_for(size)}"
            yield Finding(Kind.OUT_OF_DATE, table, detail, again)


def _without_index(folder: Path, workspace: Workspace) -> Finding:
    """Why the shards of a folder are of no use: its index is damaged, or not there."""
    run = f"Run: {make_again(folder)}"
    if (folder / INDEX).exists():
        return Finding(Kind.DAMAGED, _below(folder / INDEX, workspace), "is damaged", run)
    detail = "featurize did not complete it, or forget, --exclude or a repair took a shard away"
    return Finding(Kind.UNFINISHED, _below(folder, workspace), detail, run)


def _below(path: Path, workspace: Workspace) -> str:
    return path.relative_to(workspace.root).as_posix()


@dataclass(frozen=True, slots=True)
class Expected:
    """What the shards of the workspace at `root` should be made from.

    `recipe` is the name of the ledger's; `placements` are the clips of `dataset.csv`, or of the `table`
    of a smaller set, None if it cannot be read.
    """

    root: Path
    recipe: str
    class_names: tuple[str, ...]
    placements: Placements | None
    table: str = "dataset.csv"

    def of(self, shard: Shard, by: Engine) -> "Expected":
        """What concerns one shard, for those who read it elsewhere."""
        known = Placements() if self.placements is None else self.placements
        at = known.by_key(shard.key)
        return replace(self, root=by.place(self.root), placements=known.take(at[at >= 0]))

    def each(self, shard: Shard) -> list[Placement | None]:
        """The placement of every row of a shard; None of one that is of no clip."""
        assert self.placements is not None
        at = self.placements.by_key(shard.key)
        found = iter(self.placements.take(at[at >= 0]))
        return [next(found) if there else None for there in (at >= 0).tolist()]


@dataclass(frozen=True, slots=True)
class _Subject:
    """A file or folder that findings are about, and how what is in it is made again."""

    name: str
    again: str
    deep: bool

    @property
    def absent(self) -> Finding:
        return self.stale(Kind.MISSING, "is missing")

    def stale(self, kind: Kind, detail: str) -> Finding:
        """What featurize sees and puts right by itself."""
        return Finding(kind, self.name, detail, f"Run: {self.again}")

    def wrong(self, kind: Kind, detail: str) -> Finding:
        """What featurize would take for right."""
        repair = f"audioset-tools verify {'--deep ' if self.deep else ''}--repair"
        return Finding(kind, self.name, detail, f"Run: {repair}, and then: {self.again}")


def _asking_for(per_class: int | None) -> str:
    return "" if per_class is None else f" --per-class {per_class}"


def make_again(folder: Path) -> str:
    """The command that makes the shards of a folder."""
    per_class = smaller_set(folder.name)
    for preset, rate in product(PRESETS, SAMPLE_RATES):
        if FeaturizeConfig(preset=preset, sample_rate=rate, per_class=per_class).folder == folder.name:
            return f"audioset-tools featurize --preset {preset}{_asking_for(per_class)}"
    return f"delete {folder.name}, which no preset makes any more"


def check_folder(
    folder: Path,
    expected: Expected,
    index: Index | None,
    look: Look,
    on_shard: Callable[[], None],
) -> Iterator[Finding]:
    """All that is wrong with the shards of one spec.

    Args:
        folder: where they lie, named after the spec.
        expected: what they should be made from.
        index: what `index.json` says; None if the folder is unfinished.
        look: how they are looked at.
        on_shard: called after each shard.
    """
    at = _Subject(folder.relative_to(expected.root).as_posix(), make_again(folder), look.deep)
    there = dict.fromkeys(sorted(_names_in(folder)))
    names = sorted(index.shards) if index else [name for name in there if name.endswith(".h5")]
    # An array's other part may be writing just now.
    dead = {path.relative_to(folder).as_posix() for path in half_written(folder)}
    strangers = [
        name for name in there if name not in {*names, INDEX} and (name in dead or not name.endswith(".part"))
    ]
    found = {name: [_stranger(name, at)] for name in strangers if look.part.is_first}
    whole = _Whole(index is not None)
    mine, deep = {*look.part.share(names)}, []
    # What concerns all shards at once is in their headers and small columns.
    for name in names if look.part.is_first else look.part.share(names):
        here = _Subject(f"{at.name}/{name}", at.again, look.deep)
        shard, wrong = _opened(folder / name, here) if name in there else (None, [here.absent])
        whole.add(shard)
        if name not in mine:
            continue
        found[name] = wrong
        if shard is not None:
            found[name] += _look_at_header(shard, here, expected, index.shards[name] if index else None)
            found[name] += _look_at_rows(shard, here, expected)
        if shard is not None and look.deep:
            deep.append(_MelCheck(name, look.by.place(folder / name), here, expected.of(shard, look.by)))
        else:
            on_shard()

    def add(check: _MelCheck, wrong: list[Finding]) -> None:
        found[check.name] += wrong
        on_shard()

    run_tasks(look.by, _check_mels, deep, add)
    for name in [*strangers, *names]:
        yield from found.get(name, ())
    if look.part.is_first and whole.is_there:
        yield from whole.look(index, at, expected)


@dataclass(frozen=True, slots=True)
class _MelCheck:
    """A task: to read all mels of the shard at `path`; of `expected` it has what concerns this shard."""

    name: str
    path: Path
    at: _Subject
    expected: Expected


def _check_mels(check: _MelCheck) -> list[Finding]:
    shard, wrong = _opened(check.path, check.at)
    return wrong if shard is None else list(_look_at_mels(shard, check.at, check.expected))


def _opened(path: Path, at: _Subject) -> tuple[Shard | None, list[Finding]]:
    """A shard, or what is wrong with it."""
    try:
        return open_shard(path), []
    except DataMismatch as error:
        return None, [at.wrong(Kind.DAMAGED, error.what.replace(f"{path} ", ""))]


class _Whole:
    """What concerns all shards of a folder at once; `is_there` while none is missing or damaged."""

    def __init__(self, is_there: bool) -> None:
        self.is_there = is_there
        self._keys: list[Names] = []
        self._noise: list[npt.NDArray[np.integer]] = []
        self._train: list[Statistics] = []

    def add(self, shard: Shard | None) -> None:
        """Take in a shard; None for one that cannot be opened."""
        if shard is None:
            self.is_there = False
            return
        if shard.header.split == "train":
            self._train.append(shard.statistics)
        self._keys.append(shard.key)
        self._noise.append(shard.noise)

    def look(self, index: Index | None, at: _Subject, expected: Expected) -> Iterator[Finding]:
        """What is wrong with them together."""
        if index and not _agree(index, self._train):
            here = _Subject(f"{at.name}/{INDEX}", at.again, at.deep)
            yield here.wrong(Kind.DAMAGED, "its mean and deviation are not those of the train split")
        if expected.placements is not None and self._keys:
            rows = expected.placements.by_key(np.concatenate(self._keys))
            yield from _look_at_copies(rows, np.concatenate(self._noise), at, expected.placements)


def _names_in(folder: Path) -> Iterator[str]:
    """What lies in a folder of shards, and in those below it that each hold a thousand."""
    for path in folder.iterdir():
        if path.name.isdecimal() and path.is_dir():
            yield from (f"{path.name}/{inner.name}" for inner in path.iterdir())
        else:
            yield path.name


def _stranger(name: str, at: _Subject) -> Finding:
    path = f"{at.name}/{name}"
    if name.endswith(".part"):
        return Finding(Kind.ORPHANED, path, "half-written by a process that was killed", f"Run: {at.again}")
    if name.endswith(".h5"):
        return Finding(Kind.ORPHANED, path, f"is not in {INDEX}", f"Run: {at.again}")
    return Finding(Kind.ORPHANED, path, "", YOURS)


def _look_at_header(
    shard: Shard, at: _Subject, expected: Expected, listed: Listed | None
) -> Iterator[Finding]:
    header = shard.header
    if listed and listed != Listed(header.split, len(shard), header.inputs):
        yield at.wrong(Kind.DAMAGED, f"is not the shard that {INDEX} names")
    if shard.path.name.rpartition("-")[0] != header.split:
        yield at.wrong(Kind.DAMAGED, f"says that it is of the {header.split} split")
    if (header.recipe, header.class_names) != (expected.recipe, expected.class_names):
        classes = ", ".join(header.class_names)
        yield at.stale(Kind.OUT_OF_DATE, f"was made with recipe {header.recipe!r} and the classes {classes}")
    spec = header.spec
    if header.spec_digest != spec.digest:
        yield at.wrong(Kind.DAMAGED, f"is of spec {spec.digest} and says {header.spec_digest}")
    elif not spec.digest.startswith(Path(at.name).parts[1].rpartition("-")[2] or "?"):
        yield at.wrong(Kind.DAMAGED, f"is of spec {spec.digest}, which is not that of its folder")
    if shard.shape != spec.shape:
        yield at.wrong(Kind.DAMAGED, f"has mels of {shard.shape} instead of {spec.shape}")


def _look_at_rows(shard: Shard, at: _Subject, expected: Expected) -> Iterator[Finding]:
    split, groups = shard.header.split, [group.decode("ascii", "replace") for group in shard.group.tolist()]
    regrouped: list[str] = []
    known = None if expected.placements is None else expected.each(shard)
    columns = zip(keys_of(shard), classes_of(shard), shard.noise.tolist(), shard.sha256.tolist(), strict=True)
    for row, (key, classes, noise, sha256) in enumerate(columns):
        row_name = f"row {row}, clip {key}"
        if noise < 0 or (noise and split != "train"):
            yield at.wrong(Kind.WRONG_ROW, f"{row_name}: noise copy {noise} in the {split} split")
        if known is None:
            continue
        placement = known[row]
        if placement is None:
            yield at.wrong(Kind.WRONG_ROW, f"{row_name}: it is not in {expected.table}")
            continue
        if placement.split != split:
            yield at.wrong(Kind.WRONG_ROW, f"{row_name}: it belongs to the {placement.split} split")
        if (classes[0], {*classes}) != (placement.class_name, {placement.class_name, *placement.also}):
            labelled = f"labelled {', '.join(classes)}, and its class is {named(placement)}"
            yield at.wrong(Kind.WRONG_ROW, f"{row_name}: {labelled}")
        if placement.sha256 != sha256.decode("ascii", "replace"):
            other = f"made from another file than {expected.table} names"
            yield at.wrong(Kind.OUT_OF_DATE, f"{row_name}: {other}")
        if placement.group not in ("", groups[row]):
            regrouped.append(key)
    if regrouped:
        others = f" and {len(regrouped) - 1:,} rows more" if len(regrouped) > 1 else ""
        yield at.wrong(Kind.OUT_OF_DATE, f"clip {regrouped[0]}{others}: made when its group was another")


def _look_at_copies(
    rows: Numbers, noise: npt.NDArray[np.integer], at: _Subject, placements: Placements
) -> Iterator[Finding]:
    """Every clip once, with all the noise copies that the others of its split have.

    Args:
        rows: of every row of all shards the number of its clip in `placements`, -1 for none, [rows].
        noise: the number of its noise copy, [rows].
    """
    order = np.lexsort((noise, rows))
    order = order[rows[order] >= 0]
    copies = noise[order]
    numbers, begin, many = np.unique(rows[order], return_index=True, return_counts=True)
    found, first, last = np.zeros((3, len(placements)), np.int64)
    found[numbers], first[numbers], last[numbers] = many, begin, copies[begin + many - 1]
    # In a row: each but the first is one more than the one before.
    place = np.arange(len(order)) - np.repeat(begin, many)
    in_row = np.ones(len(placements), np.bool_)
    np.logical_and.at(in_row, rows[order], copies == place)
    train = placements.split == SPLITS.index("train")
    # A damaged number may be any: so they are not counted by their places.
    most, how_often = np.unique(last[train & (found > 0)], return_counts=True)
    noisy = max(0, int(most[how_often.argmax()])) if len(most) else 0
    for number in np.flatnonzero((found != np.where(train, 1 + noisy, 1)) | ~in_row).tolist():
        placement = placements[number]
        if not found[number]:
            yield at.stale(Kind.OUT_OF_DATE, f"lacks clip {placement.key} of the {placement.split} split")
            continue
        its = copies[first[number] : first[number] + found[number]].tolist()
        wanted = _counted_to(noisy if train[number] else 0)
        yield at.wrong(Kind.WRONG_ROW, f"clip {placement.key} has the copies {its} instead of {wanted}")


def _counted_to(last: int) -> str:
    return str([*range(last + 1)]) if last < _MOST_LISTED else f"0 to {last:,}"


def _look_at_mels(shard: Shard, at: _Subject, expected: Expected) -> Iterator[Finding]:
    keys = keys_of(shard)
    found, damaged = Accumulator(shard.shape), False
    for start in range(0, len(keys), _ROWS_AT_ONCE):
        for row, mel in _read(shard, start, min(start + _ROWS_AT_ONCE, len(keys))):
            row_name = f"row {row}, clip {keys[row]}"
            if isinstance(mel, DataMismatch):
                damaged = True
                yield at.wrong(Kind.DAMAGED, f"{row_name}: its bytes are not those that were written")
                continue
            found.add(mel)
            if not np.isfinite(mel).all():
                yield at.wrong(Kind.DAMAGED, f"{row_name}: it holds NaN or infinity")
            elif mel.min() == mel.max() and (sound := _sound_of(keys[row], int(shard.noise[row]), expected)):
                yield at.wrong(Kind.DAMAGED, f"{row_name}: it is {mel.flat[0]:g} throughout, {sound}")
    if not damaged and not _same(found.statistics(), shard.statistics):
        yield at.wrong(Kind.DAMAGED, "its mean and deviation are not those of its rows")


def _agree(index: Index, train: list[Statistics]) -> bool:
    if not train or len({len(part.mean) for part in train}) > 1:
        return not train and not index.mean and not index.std
    return _same(combined(train), Statistics(0, np.array(index.mean), np.array(index.std)))


def _same(one: Statistics, other: Statistics) -> bool:
    """Equal but for what another processor may round differently."""
    return all(
        a.shape == b.shape and np.allclose(a, b, rtol=1e-6, atol=1e-12, equal_nan=True)
        for a, b in ((one.mean, other.mean), (one.std, other.std))
    )


def _read(
    shard: Shard, start: int, stop: int
) -> Iterator[tuple[int, npt.NDArray[np.float32] | DataMismatch]]:
    """Some rows, each with its mel, or with what is wrong with its bytes."""
    try:
        yield from enumerate(shard.read(start, stop), start)
    except DataMismatch as error:
        if stop - start == 1:
            yield start, error
        else:
            for row in range(start, stop):
                yield from _read(shard, row, row + 1)


def _sound_of(key: str, noise: int, expected: Expected) -> str:
    """Why a row of one value throughout is damage; empty if its clip explains it.

    Silence has such a mel, and so has a constant, whose noise copies are noise.
    """
    known = Placements() if expected.placements is None else expected.placements
    (number,) = known.by_key(np.array([key.encode()])).tolist()
    if number < 0:
        return ""
    placement = known[number]
    try:
        samples = read_clip(expected.root / placement.path, placement.sha256)
    except DataMismatch:
        return "and its clip cannot be read"
    is_silent = not samples.any() or (noise == 0 and samples.min() == samples.max())
    return "" if is_silent else "and its clip is not silent"

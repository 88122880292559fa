"""Whether a folder's shards are what their index, `dataset.csv` and the ledger say."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import DataMismatch
from ..findings import Finding, Kind
from .audio import read_clip
from .index import NAME as INDEX
from .index import Index, Listed
from .rows import classes_of, keys_of
from .run import FeaturizeConfig
from .shard import Shard, open_shard
from .spec import PRESETS, read_spec
from .split import Placement, named
from .statistics import Accumulator, Statistics, combined

YOURS = "What it cannot name it never deletes: look at the file, then move it out of shards/."

_ROWS_AT_ONCE = 32


@dataclass(frozen=True, slots=True)
class Expected:
    """What the shards of a workspace should be made from.

    Args:
        root: the workspace.
        recipe: name of the ledger's recipe.
        class_names: its classes.
        placements: the clips of `dataset.csv` by key; None if it cannot be read.
    """

    root: Path
    recipe: str
    class_names: tuple[str, ...]
    placements: Mapping[str, Placement] | None


@dataclass(frozen=True, slots=True)
class _Place:
    """A file or folder that findings are about, and how what is in it is made anew."""

    name: str
    again: str
    deep: bool

    def stale(self, kind: Kind, detail: str) -> Finding:
        """What featurize sees and puts right by itself."""
        return Finding(kind, self.name, detail, f"Run: {self.again}")

    def wrong(self, kind: Kind, detail: str) -> Finding:
        """What featurize would take for right."""
        repair = f"audioset-tools verify {'--deep ' if self.deep else ''}--repair"
        return Finding(kind, self.name, detail, f"Run: {repair}, and then: {self.again}")


def make_again(folder: Path) -> str:
    """The command that makes the shards of a folder."""
    for preset in PRESETS:
        if FeaturizeConfig(preset=preset).folder == folder.name:
            return f"audioset-tools featurize --preset {preset}"
    return f"delete {folder.name}, which no preset makes any more"


def look_at_folder(
    folder: Path,
    expected: Expected,
    index: Index | None,
    deep: bool,
    on_shard: Callable[[], None],
) -> Iterator[Finding]:
    """All that is wrong with the shards of one spec.

    Args:
        folder: of the shards.
        expected: what they should be made from.
        index: what `index.json` says; None if the folder is unfinished.
        deep: read every row.
        on_shard: told after each shard.
    """
    at = _Place(folder.relative_to(expected.root).as_posix(), make_again(folder), deep)
    there = sorted(path.name for path in folder.iterdir())
    names = sorted(index.shards) if index else [name for name in there if name.endswith(".h5")]
    for name in there:
        if name not in names and name != INDEX:
            yield _stranger(folder / name, at)
    copies: dict[str, list[int]] = {}
    whole = index is not None
    train: list[Statistics] = []
    for name in names:
        here = _Place(f"{at.name}/{name}", at.again, deep)
        if name not in there:
            yield here.stale(Kind.MISSING, "is missing")
            whole = False
            continue
        try:
            shard = open_shard(folder / name)
        except DataMismatch as error:
            yield here.wrong(Kind.DAMAGED, error.what.replace(f"{folder / name} ", ""))
            whole = False
        else:
            yield from _look_at_header(shard, here, expected, index.shards[name] if index else None)
            yield from _look_at_rows(shard, here, expected)
            if deep:
                yield from _look_at_mels(shard, here, expected)
            if shard.header.split == "train":
                train.append(shard.statistics)
            for key, noise in zip(keys_of(shard), shard.noise.tolist(), strict=True):
                copies.setdefault(key, []).append(noise)
        on_shard()
    if whole and index and not _agree(index, train):
        here = _Place(f"{at.name}/{INDEX}", at.again, deep)
        yield here.wrong(Kind.DAMAGED, "its mean and deviation are not those of the train split")
    if whole and expected.placements is not None:
        yield from _look_at_copies(copies, at, expected.placements)


def _stranger(path: Path, at: _Place) -> Finding:
    name = f"{at.name}/{path.name}"
    if path.name.endswith(".part"):
        return Finding(Kind.ORPHANED, name, "half-written by a process that was killed", f"Run: {at.again}")
    if path.suffix == ".h5":
        return Finding(Kind.ORPHANED, name, f"is not in {INDEX}", f"Run: {at.again}")
    return Finding(Kind.ORPHANED, name, "", YOURS)


def _look_at_header(shard: Shard, at: _Place, expected: Expected, listed: Listed | None) -> Iterator[Finding]:
    header = shard.header
    if listed and listed != Listed(header.split, len(shard), header.inputs):
        yield at.wrong(Kind.DAMAGED, f"is not the shard that {INDEX} names")
    if shard.path.name.rpartition("-")[0] != header.split:
        yield at.wrong(Kind.DAMAGED, f"says that it is of the {header.split} split")
    if (header.recipe, header.class_names) != (expected.recipe, expected.class_names):
        classes = ", ".join(header.class_names)
        yield at.stale(Kind.OUT_OF_DATE, f"was made with recipe {header.recipe!r} and the classes {classes}")
    try:
        spec = read_spec(header.spec)
    except DataMismatch as error:
        yield at.wrong(Kind.DAMAGED, f"has no spec: {error.what}")
        return
    if header.spec_digest != spec.digest:
        yield at.wrong(Kind.DAMAGED, f"is of spec {spec.digest} and says {header.spec_digest}")
    elif not spec.digest.startswith(shard.path.parent.name.rpartition("-")[2] or "?"):
        yield at.wrong(Kind.DAMAGED, f"is of spec {spec.digest}, which is not that of its folder")
    if shard.shape != spec.shape:
        yield at.wrong(Kind.DAMAGED, f"has mels of {shard.shape} instead of {spec.shape}")


def _look_at_rows(shard: Shard, at: _Place, expected: Expected) -> Iterator[Finding]:
    split = shard.header.split
    columns = zip(keys_of(shard), classes_of(shard), shard.noise.tolist(), shard.sha256.tolist(), strict=True)
    for row, (key, classes, noise, sha256) in enumerate(columns):
        who = f"row {row}, clip {key}"
        if noise < 0 or (noise and split != "train"):
            yield at.wrong(Kind.WRONG_ROW, f"{who}: noise copy {noise} in the {split} split")
        if expected.placements is None:
            continue
        placement = expected.placements.get(key)
        if placement is None:
            yield at.wrong(Kind.WRONG_ROW, f"{who}: it is not in dataset.csv")
            continue
        if placement.split != split:
            yield at.wrong(Kind.WRONG_ROW, f"{who}: it belongs to the {placement.split} split")
        if (classes[0], {*classes}) != (placement.class_name, {placement.class_name, *placement.also}):
            labelled = f"labelled {', '.join(classes)}, and its class is {named(placement)}"
            yield at.wrong(Kind.WRONG_ROW, f"{who}: {labelled}")
        if placement.sha256 != sha256.decode("ascii", "replace"):
            yield at.wrong(Kind.OUT_OF_DATE, f"{who}: made from another file than dataset.csv names")


def _look_at_copies(
    copies: Mapping[str, list[int]], at: _Place, placements: Mapping[str, Placement]
) -> Iterator[Finding]:
    """Every clip once, with all the noise copies that the others of its split have."""
    train = [key for key in copies if key in placements and placements[key].split == "train"]
    most = Counter(max(copies[key]) for key in train)
    noisy = most.most_common(1)[0][0] if most else 0
    for key, placement in placements.items():
        wanted = list(range(1 + noisy)) if placement.split == "train" else [0]
        found = sorted(copies.get(key, []))
        if not found:
            yield at.stale(Kind.OUT_OF_DATE, f"lacks clip {key} of the {placement.split} split")
        elif found != wanted:
            yield at.wrong(Kind.WRONG_ROW, f"clip {key} has the copies {found} instead of {wanted}")


def _look_at_mels(shard: Shard, at: _Place, expected: Expected) -> Iterator[Finding]:
    keys = keys_of(shard)
    found, damaged = Accumulator(shard.shape), False
    for start in range(0, len(keys), _ROWS_AT_ONCE):
        for row, mel in _read(shard, start, min(start + _ROWS_AT_ONCE, len(keys))):
            who = f"row {row}, clip {keys[row]}"
            if isinstance(mel, DataMismatch):
                damaged = True
                yield at.wrong(Kind.DAMAGED, f"{who}: its bytes are not those that were written")
                continue
            found.add(mel)
            if not np.isfinite(mel).all():
                yield at.wrong(Kind.DAMAGED, f"{who}: it holds NaN or infinity")
            elif mel.min() == mel.max() and (sound := _sound_of(keys[row], int(shard.noise[row]), expected)):
                yield at.wrong(Kind.DAMAGED, f"{who}: it is {mel.flat[0]:g} throughout, {sound}")
    if not damaged and not _same(found.statistics(), shard.statistics):
        yield at.wrong(Kind.DAMAGED, "its mean and deviation are not those of its rows")


def _agree(index: Index, train: list[Statistics]) -> bool:
    if not train or len({len(part.mean) for part in train}) > 1:
        return not train and not index.mean and not index.std
    said = Statistics(0, np.array(index.mean), np.array(index.std))
    return _same(combined(train), said)


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
    """Why a row of one value throughout is damage; empty if that is what its clip sounds like.

    Silence has such a mel, and so has a constant, whose noise copies are noise.
    """
    placement = (expected.placements or {}).get(key)
    if placement is None:
        return ""
    try:
        samples = read_clip(expected.root / placement.path, placement.sha256)
    except DataMismatch:
        return "and its clip cannot be read"
    is_silent = not samples.any() or (noise == 0 and samples.min() == samples.max())
    return "" if is_silent else "and its clip is not silent"

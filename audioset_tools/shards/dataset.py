"""`dataset.csv`: which clip is for training, for validation and for the test, decided once and for good.

A pure decision: `assign` looks at what was frozen before and at the clips there are, and touches no disk. The
file has one clip a row, for people and spreadsheets to read as well.
"""

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..csvfile import MOST_BYTES, parse_csv, write_csv
from ..exceptions import DataMismatch
from ..files import read_file
from ..types import Clip, Splits, join_classes, split_classes

SPLITS = ("train", "validation", "test")

MORE_CLIPS = "Fetch more clips with `audioset-tools fetch`; every class needs at least 3, one for each split."


@dataclass(frozen=True, slots=True)
class Placement:
    """One clip of the data set and the split it belongs to, for good.

    `also` are its other classes, `labels` all that the lists say of it.
    """

    key: str
    class_name: str
    also: tuple[str, ...]
    split: str
    path: str
    sha256: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assignment:
    """Every clip's place, and per class how many clips wait for the other classes to catch up."""

    placements: tuple[Placement, ...]
    waiting: Mapping[str, int]


def assign(
    existing: Sequence[Placement],
    clips: Sequence[Clip],
    class_names: Sequence[str],
    splits: Splits,
    seed: int,
    of_list: bool = False,
) -> Assignment:
    """Give every clip a split, equally many per class, never moving one that has a split already.

    The smallest class bounds all; of the others the best-ranked clips are taken. A clip that carries several
    classes counts for the one it was drawn for. New clips fill first what validation and test lack, then
    train; which one goes where is decided by a seeded hash of its key.

    Args:
        existing: the placements frozen before, in their order.
        clips: all accepted clips, in any order.
        class_names: the classes of the recipe.
        seed: goes into the hash.
        of_list: whether the clips are those of a list: all are taken, however many a class has, into the
            splits that the list names (see `_place_listed`).

    Returns:
        The placements: those of `existing` first, in the same order, then the new ones by key.

    Raises:
        DataMismatch: a frozen clip is gone or changed its class, a class has fewer than 3 clips, or a clip
            is of no class.
    """
    by_key = {clip.key: clip for clip in clips}
    kept = [_renew(placement, by_key) for placement in existing]
    by_class = _by_class(clips, class_names)
    new = []
    if of_list:
        named = {clip.split for clip in clips if clip.split}
        for members in by_class.values():
            new += _place_listed(kept, members, named, splits, seed)
    else:
        _refuse_small(by_class)
        target = min(len(members) for members in by_class.values())
        for members in by_class.values():
            new += _place_new(kept, members, target, splits, seed)
    placed = Counter(placement.class_name for placement in [*kept, *new])
    return Assignment(
        placements=(*kept, *sorted(new, key=lambda placement: placement.key)),
        waiting={name: len(by_class[name]) - placed[name] for name in class_names},
    )


def quotas(splits: Splits, clips: int) -> dict[str, int]:
    """How many of a class's clips belong into each split: exact for the paper's 2,400, at least one each.

    Args:
        clips: how many the class has, at least 3.
    """
    total = splits.train + splits.validation + splits.test
    validation = min(max(1, clips * splits.validation // total), clips - 2)
    test = min(max(1, clips * splits.test // total), clips - 1 - validation)
    return {"train": clips - validation - test, "validation": validation, "test": test}


def _renew(placement: Placement, by_key: Mapping[str, Clip]) -> Placement:
    clip = by_key.get(placement.key)
    if clip is None or (clip.class_name, clip.also) != (placement.class_name, placement.also):
        fate = "is no longer among the clips" if clip is None else f"is now of class {named(clip)}"
        raise DataMismatch(
            f"clip {placement.key} of the frozen {placement.split} split {fate}",
            "Run `audioset-tools fetch` again to get it back, or begin a data set in a new workspace.",
        )
    # A clip that was lost and fetched again may have other bytes; it keeps its split.
    return _placement(clip, placement.split)


def _placement(clip: Clip, split: str) -> Placement:
    return Placement(clip.key, clip.class_name, clip.also, split, clip.path, clip.sha256, clip.labels)


def named(clip: Clip | Placement) -> str:
    """The classes of a clip in words: the one it was drawn for first."""
    return ", ".join((clip.class_name, *clip.also))


def _by_class(clips: Iterable[Clip], class_names: Sequence[str]) -> dict[str, list[Clip]]:
    by_class: dict[str, list[Clip]] = {name: [] for name in class_names}
    for clip in clips:
        if clip.class_name not in by_class:
            raise DataMismatch(
                f"clip {clip.key} is of class {clip.class_name!r}, which the recipe does not have",
                "Use the recipe that the clips were fetched with, or another workspace.",
            )
        by_class[clip.class_name].append(clip)
    return by_class


def _refuse_small(by_class: Mapping[str, Sequence[Clip]]) -> None:
    for name, members in by_class.items():
        if len(members) < len(SPLITS):
            raise DataMismatch(f"class {name!r} has {len(members)} clips: too few to split", MORE_CLIPS)


def _place_new(
    kept: Sequence[Placement], members: Sequence[Clip], target: int, splits: Splits, seed: int
) -> list[Placement]:
    old = {placement.key: placement.split for placement in kept}
    fresh = [clip for clip in members if clip.key not in old]
    room = max(0, target - (len(members) - len(fresh)))
    chosen = _shuffled(sorted(fresh, key=lambda clip: (clip.rank, clip.key))[:room], seed)

    have = Counter(old[clip.key] for clip in members if clip.key in old)
    quota = quotas(splits, target)
    seats = [split for split in ("validation", "test") for _ in range(quota[split] - have[split])]
    seats += ["train"] * (len(chosen) - len(seats))
    return [_placement(clip, split) for clip, split in zip(chosen, seats, strict=False)]


def _place_listed(
    kept: Sequence[Placement], members: Sequence[Clip], named: Collection[str], splits: Splits, seed: int
) -> list[Placement]:
    """Place all new clips of a class of a list, whose own splits are kept.

    A clip whose split the list leaves open is drawn as `assign` draws. Where the list names splits, and not
    one clip for validation, or for the test, its train clips give as many as `quotas` says: VGGSound has no
    validation split.

    Args:
        named: the splits that the list names, of any class.
    """
    old = {placement.key: placement.split for placement in kept}
    have = Counter(old[clip.key] for clip in members if clip.key in old)
    fresh = _shuffled([clip for clip in members if clip.key not in old], seed)
    placed = [_placement(clip, clip.split) for clip in fresh if clip.split and clip.split != "train"]
    have += Counter(placement.split for placement in placed)
    if len(members) < len(SPLITS):
        return placed + [_placement(c, "train") for c in fresh if c.split in ("", "train")]
    quota = quotas(splits, len(members))
    # Those that are open come first: a train clip moves only into a split that the list does not have.
    free = sorted((clip for clip in fresh if clip.split in ("", "train")), key=lambda clip: clip.split)
    for split in ("validation", "test"):
        for _ in range(quota[split] - have[split]):
            if not free or (free[0].split and split in named):
                break
            placed.append(_placement(free.pop(0), split))
    return placed + [_placement(clip, "train") for clip in free]


def _shuffled(clips: Iterable[Clip], seed: int) -> list[Clip]:
    """Clips in an order that depends on each one's key and the seed alone."""
    return sorted(clips, key=lambda clip: hashlib.sha256(f"{seed}\n{clip.key}".encode()).digest())


HEADER = ["key", "class", "also", "split", "path", "sha256", "labels"]
"""`also` holds the other classes that a clip carries, `labels` what the lists say: see `join_classes`."""

RESTORE = (
    "Restore the file from a copy; if there is none, delete it together with shards/ and runs/: "
    "the splits are then drawn again and old test figures no longer count."
)


def read_dataset(path: Path) -> list[Placement]:
    """The placements of a `dataset.csv`, or none if there is no such file yet.

    Raises:
        DataMismatch: the file is damaged; the message has the line.
    """
    try:
        content = read_file(path, MOST_BYTES)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise DataMismatch(f"{path} cannot be read: {error.strerror}", RESTORE) from error
    if not content.endswith(b"\n"):
        raise DataMismatch(f"{path} is cut off: its last line does not end", RESTORE)
    keys: set[str] = set()

    def parse(row: dict[str, str]) -> Placement:
        placement = _parse(row)
        if placement.key in keys:
            raise ValueError(f"clip {placement.key} stands there twice")
        keys.add(placement.key)
        return placement

    return parse_csv(content, str(path), HEADER, parse, RESTORE)


def _parse(row: dict[str, str]) -> Placement:
    key, class_name, also, split, path, sha256, labels = row.values()
    if not all((key, class_name, split, path, sha256)):
        raise ValueError("an empty field")
    if split not in SPLITS:
        raise ValueError(f"no such split: {split!r}")
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        raise ValueError(f"no sha256: {sha256!r}")
    return Placement(key, class_name, split_classes(also), split, path, sha256, split_classes(labels))


def write_dataset(path: Path, placements: Iterable[Placement]) -> None:
    """Write a `dataset.csv` whole or not at all."""
    write_csv(
        path,
        HEADER,
        (
            (
                one.key,
                one.class_name,
                join_classes(one.also),
                one.split,
                one.path,
                one.sha256,
                join_classes(one.labels),
            )
            for one in placements
        ),
    )

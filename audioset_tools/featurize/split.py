"""Which clip is for training, which for validation and which for the test, decided once and for good.

A pure decision: `assign` looks at what was frozen before and at the clips there are, and touches no disk.
"""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ..errors import DataMismatch
from ..types import Clip, Splits

SPLITS = ("train", "validation", "test")

MORE_CLIPS = "Fetch more clips with `audioset-tools fetch`; every class needs at least 3, one for each split."


@dataclass(frozen=True, slots=True)
class Placement:
    """One clip of the data set and the split it belongs to, for good; `also` are its other classes."""

    key: str
    class_name: str
    also: tuple[str, ...]
    split: str
    path: str
    sha256: str


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
) -> Assignment:
    """Give every clip a split, equally many per class, never moving one that has a split already.

    The smallest class bounds all; of the others the best-ranked clips are taken. A clip that carries several
    classes counts for the one it was drawn for. New clips fill first what validation and test lack, then
    train; which one goes where is decided by a seeded hash of its key.

    Args:
        existing: the placements frozen before, in their order.
        clips: all accepted clips, in any order.
        class_names: the classes of the recipe.
        splits: the proportions.
        seed: of the hash.

    Returns:
        The placements: those of `existing` first, in the same order, then the new ones by key.

    Raises:
        DataMismatch: a frozen clip is gone or changed its class, a class has fewer than 3 clips, or a clip
            is of no class.
    """
    by_key = {clip.key: clip for clip in clips}
    kept = [_renew(placement, by_key) for placement in existing]
    by_class = _by_class(clips, class_names)
    target = min(len(members) for members in by_class.values())

    new = []
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
        splits: the proportions.
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
            "Run `audioset-tools fetch` again to have it back, or begin a data set in a new workspace.",
        )
    # A clip that was lost and fetched anew may have other bytes; it keeps its split.
    return _placement(clip, placement.split)


def _placement(clip: Clip, split: str) -> Placement:
    return Placement(clip.key, clip.class_name, clip.also, split, clip.path, clip.sha256)


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
    for name, members in by_class.items():
        if len(members) < len(SPLITS):
            raise DataMismatch(f"class {name!r} has {len(members)} clips: too few to split", MORE_CLIPS)
    return by_class


def _place_new(
    kept: Sequence[Placement], members: Sequence[Clip], target: int, splits: Splits, seed: int
) -> list[Placement]:
    old = {placement.key: placement.split for placement in kept}
    fresh = [clip for clip in members if clip.key not in old]
    room = max(0, target - (len(members) - len(fresh)))
    chosen = sorted(fresh, key=lambda clip: (clip.rank, clip.key))[:room]
    chosen.sort(key=lambda clip: hashlib.sha256(f"{seed}\n{clip.key}".encode()).digest())

    have = Counter(old[clip.key] for clip in members if clip.key in old)
    quota = quotas(splits, target)
    seats = [split for split in ("validation", "test") for _ in range(quota[split] - have[split])]
    seats += ["train"] * (len(chosen) - len(seats))
    return [_placement(clip, split) for clip, split in zip(chosen, seats, strict=False)]

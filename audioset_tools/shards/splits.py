"""Which clip goes into which split: a pure decision that touches no disk.

No two clips of one group come to stand in two splits. A clip that has a split keeps it, and one that comes
later goes where its group is; the other groups are taken in an order that a seeded hash of their names
decides, and fill validation and the test as exactly as whole groups allow. What does not fit is for training,
unless a class had nothing in a split then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..exceptions import DataMismatch
from ..types import Clip, Splits
from ..words import counted
from .draw import Grouped, draw
from .groups import find_groups
from .placements import SPLITS, Codes, Numbers, Placement, Placements, joined, named
from .table import ClipTable

MORE_CLIPS = "Fetch more clips with `audioset-tools fetch`; every class needs at least 3, one for each split."


@dataclass(frozen=True, slots=True)
class Assignment:
    """Every clip's place, and what could not be as it should.

    Args:
        placements: those frozen before, in their order, then the new ones by key.
        waiting: per class, how many clips wait for the other classes to catch up.
        short: by class and split, how many clips validation or the test lacks since no whole group fits.
        twins: keys of clips that are one sound and stand in several splits, one of them placed now.
    """

    placements: Placements
    waiting: Mapping[str, int]
    short: Mapping[tuple[str, str], int]
    twins: tuple[tuple[str, ...], ...]


def assign(
    existing: Placements | Sequence[Placement],
    clips: ClipTable | Sequence[Clip],
    class_names: Sequence[str],
    splits: Splits,
    seed: int,
    of_list: bool = False,
) -> Assignment:
    """Give every clip a split, equally many per class, never moving one that has a split already.

    The smallest class bounds all; of the others the best-ranked clips are taken. A clip that carries several
    classes counts for the one it was drawn for.

    Args:
        existing: the placements frozen before, in their order.
        clips: all accepted clips, in any order.
        class_names: the classes of the recipe.
        seed: goes into the hash.
        of_list: whether the clips are those of a list: all are taken, however many a class has, into the
            splits that the list names. Where it names splits, and not one clip for validation, or for the
            test, its train clips give as many as `quotas` says: VGGSound has no validation split.

    Raises:
        DataMismatch: a frozen clip is gone or changed its class, a class has fewer than 3 clips, or a clip
            is of no class; or all clips are of so few groups that a split is left without any.
    """
    table = clips if isinstance(clips, ClipTable) else ClipTable.of(clips)
    before = existing if isinstance(existing, Placements) else Placements(existing)
    at = _checked(before, table)
    found, of_class = find_groups(table, before), table.clips.of_kinds(_numbered(class_names))
    _refuse_strangers(table, of_class)
    # A clip that was lost and fetched again may have other bytes; it keeps its split.
    its = found.number[at]
    kept = Grouped(table.clips.take(at).placed(before.split, found.titles[its]), its)
    fresh = np.setdiff1d(np.arange(len(table.clips)), at, assume_unique=True)
    members = np.bincount(of_class, minlength=len(class_names))
    sizes = dict(zip(class_names, members.tolist(), strict=True))
    if not of_list:
        sizes = dict.fromkeys(sizes, _smallest(sizes))
        fresh = _best(table, of_class, fresh, sizes, np.bincount(of_class[at], minlength=len(class_names)))
    wanted = {name: quotas(splits, size) for name, size in sizes.items() if size >= len(SPLITS)}
    by_key = table.clips.order
    fresh = by_key[np.isin(by_key, fresh)]
    new = Grouped(table.clips.take(fresh), found.number[fresh])
    drawn, short = draw(kept, new, found.titles, class_names, wanted, seed, _listed(table))
    placements = joined(kept.clips, new.clips.placed(drawn, found.titles[new.group]))
    if not of_list:
        _refuse_empty(placements)
    taken = members - np.bincount(of_class[np.concatenate([at, fresh])], minlength=len(class_names))
    return Assignment(
        placements=placements,
        waiting=dict(zip(class_names, taken.tolist(), strict=True)),
        short=short,
        twins=_divided(found.twins, before, placements),
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


@dataclass(frozen=True, slots=True)
class Leak:
    """What stands on both sides of a split, so that figures look better than they are.

    Args:
        groups: how many there are.
        divided: how many of them stand in several splits.
        tested: how many clips of validation and test have their group in train as well.
        clips: how many clips validation and test have.
    """

    groups: int
    divided: int
    tested: int
    clips: int

    def __str__(self) -> str:
        return (
            f"{self.divided:,} of {self.groups:,} groups (a video, a channel, one sound) stand in several"
            f" splits: of {self.clips:,} clips in validation and test {self.tested:,} have theirs in train"
        )

    def remark(self, of_list: bool, clips: str) -> str:
        """The same in a sentence or two, with what to do about it.

        Args:
            of_list: whether a list has named the splits.
            clips: where the clips lie.
        """
        if of_list:
            return f"{self}. The list's own splits stand; figures on them look better than the model is."
        return (
            f"{self}. dataset.csv is frozen and stays as it is; figures on it look better than the model is."
            " For splits by group fetch into a new --workspace;"
            f" --source local:{clips} takes the clips along."
        )


def leak_of(placements: Placements | Sequence[Placement], clips: ClipTable | Sequence[Clip] = ()) -> Leak:
    """What some splits leak.

    Args:
        placements: all clips of the splits.
        clips: those of them that are known; where the splits are of before there were groups, these are found
            by videos, channels and bytes, without comparing sounds.
    """
    placed = placements if isinstance(placements, Placements) else Placements(placements)
    names = np.where(placed.group != b"", placed.group, placed.key.astype(placed.group.dtype))
    table = clips if isinstance(clips, ClipTable) else ClipTable.of(clips)
    if len(table.clips) and not (placed.group != b"").all():
        found = find_groups(table, placed, by_sound=False)
        at = table.clips.by_key(placed.key)
        names = np.where(at >= 0, found.of[at], names)
    groups, which = np.unique(names, return_inverse=True)
    counts = np.zeros((len(groups), len(SPLITS)), np.int64)
    np.add.at(counts, (which, placed.split), 1)
    outside = counts[:, 1:].sum(axis=1)
    return Leak(
        groups=len(groups),
        divided=int(((counts > 0).sum(axis=1) > 1).sum()),
        tested=int(outside[counts[:, 0] > 0].sum()),
        clips=int(outside.sum()),
    )


def _checked(before: Placements, table: ClipTable) -> Numbers:
    """Where among the clips each that was placed before stands.

    Raises:
        DataMismatch: one is not there, or of other classes.
    """
    at = table.clips.by_key(before.key)
    numbers = {kind[:2]: number for number, kind in enumerate({kind[:2]: kind for kind in before.kinds})}
    now, then = (of.of_kinds(numbers, slice(0, 2)) for of in (table.clips, before))
    wrong = np.flatnonzero((at < 0) | (now[at] != then)) if len(table.clips) else np.arange(len(before))
    if len(wrong):
        placement, clip = before[int(wrong[0])], int(at[wrong[0]])
        fate = "is no longer among the clips"
        if clip >= 0:
            fate = f"is now of class {named(table.clips[clip])}"
        raise DataMismatch(
            f"clip {placement.key} of the frozen {placement.split} split {fate}",
            "Run `audioset-tools fetch` again to get it back, or begin a data set in a new workspace.",
        )
    return at


def _numbered(class_names: Sequence[str]) -> dict[tuple[str, ...], int]:
    return {(name,): number for number, name in enumerate(class_names)}


def _refuse_strangers(table: ClipTable, of_class: Codes) -> None:
    strangers = np.flatnonzero(of_class < 0)
    if len(strangers):
        clip = table.clips[int(strangers[0])]
        raise DataMismatch(
            f"clip {clip.key} is of class {clip.class_name!r}, which the recipe does not have",
            "Use the recipe that the clips were fetched with, or another workspace.",
        )


def _smallest(sizes: Mapping[str, int]) -> int:
    for name, size in sizes.items():
        if size < len(SPLITS):
            raise DataMismatch(f"class {name!r} has {counted(size, 'clip')}: too few to split", MORE_CLIPS)
    return min(sizes.values())


def _best(
    table: ClipTable, of_class: Codes, fresh: Numbers, sizes: Mapping[str, int], have: Numbers
) -> Numbers:
    """The best-ranked of some clips that bring each class to its size."""
    room = np.array([*sizes.values()], np.int64) - have
    order = fresh[np.lexsort((table.clips.key[fresh], table.rank[fresh], of_class[fresh]))]
    classes = of_class[order]
    # How many of its class stand before each.
    place = np.arange(len(order)) - np.searchsorted(classes, classes)
    return order[place < room[classes]]


def _listed(table: ClipTable) -> frozenset[str]:
    """The splits that a list names."""
    return frozenset(SPLITS[number] for number in np.unique(table.clips.split).tolist() if number >= 0)


def _refuse_empty(placements: Placements) -> None:
    there = {SPLITS[number] for number in np.unique(placements.split).tolist()}
    if lacking := [split for split in SPLITS if split not in there]:
        groups = len(np.unique(placements.group))
        raise DataMismatch(
            f"{len(placements):,} clips of {groups:,} groups (a video, a channel, one sound) leave none for"
            f" {' and '.join(lacking)}: a group is not divided",
            "Fetch more clips with `audioset-tools fetch`, of other videos and channels.",
        )


def _divided(
    twins: Sequence[tuple[str, ...]], before: Placements, placements: Placements
) -> tuple[tuple[str, ...], ...]:
    """Of clips that are one sound those that stand in several splits, one of them placed now."""
    keys = np.array([key.encode() for twin in twins for key in twin], placements.key.dtype)
    at = placements.by_key(keys)
    splits = np.where(at >= 0, placements.split[at] if len(placements) else -1, -1)
    new, ends = before.by_key(keys) < 0, np.cumsum([len(twin) for twin in twins]).tolist()
    found = []
    for twin, end in zip(twins, ends, strict=True):
        its = slice(end - len(twin), end)
        if len({*splits[its].tolist()} - {-1}) > 1 and new[its].any():
            found.append(twin)
    return tuple(found)

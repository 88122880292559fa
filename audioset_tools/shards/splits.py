"""Which clip goes into which split: a pure decision that touches no disk.

No two clips of one group come to stand in two splits. A clip that has a split keeps it, and one that comes
later goes where its group is; the other groups are taken in an order that a seeded hash of their names
decides, and fill validation and the test as exactly as whole groups allow. What does not fit is for training,
unless a class had nothing in a split then.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ..exceptions import DataMismatch
from ..types import Clip, Splits
from .dataset import SPLITS, Placement, named
from .groups import find_groups

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

    placements: tuple[Placement, ...]
    waiting: Mapping[str, int]
    short: Mapping[tuple[str, str], int]
    twins: tuple[tuple[str, ...], ...]


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
    by_key = {clip.key: clip for clip in clips}
    found = find_groups(clips, [_checked(placement, by_key) for placement in existing])
    # A clip that was lost and fetched again may have other bytes; it keeps its split.
    kept = [_placement(by_key[one.key], one.split, found.names) for one in existing]
    by_class = _by_class(clips, class_names)
    old = {placement.key for placement in kept}
    fresh = [clip for clip in clips if clip.key not in old]
    sizes = {name: len(members) for name, members in by_class.items()}
    if not of_list:
        sizes = dict.fromkeys(sizes, _smallest(sizes))
        fresh = _best(fresh, sizes, Counter(placement.class_name for placement in kept))
    wanted = {name: quotas(splits, size) for name, size in sizes.items() if size >= len(SPLITS)}
    listed = {clip.split for clip in clips if clip.split}
    split_of, short = _draw(kept, fresh, found.names, wanted, listed, seed)
    new = [_placement(clip, split_of[clip.key], found.names) for clip in fresh]
    placements = (*kept, *sorted(new, key=lambda placement: placement.key))
    if not of_list:
        _refuse_empty(placements)
    placed, split_of = Counter(one.class_name for one in placements), {p.key: p.split for p in placements}
    return Assignment(
        placements=placements,
        waiting={name: len(by_class[name]) - placed[name] for name in class_names},
        short=short,
        twins=tuple(
            keys
            for keys in found.twins
            if not old.issuperset(keys) and len({split_of.get(key) for key in keys} - {None}) > 1
        ),
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


def leak_of(placements: Sequence[Placement], clips: Sequence[Clip] = ()) -> Leak:
    """What some splits leak.

    Args:
        placements: all clips of the splits.
        clips: those of them that are known; where the splits are of before there were groups, these are found
            by videos, channels and bytes, without comparing sounds.
    """
    names = {one.key: one.group or one.key[:11] for one in placements}
    if clips and not all(one.group for one in placements):
        names |= find_groups(clips, placements, by_sound=False).names
    splits: dict[str, Counter[str]] = defaultdict(Counter)
    for one in placements:
        splits[names[one.key]][one.split] += 1
    outside = {name: found.total() - found["train"] for name, found in splits.items()}
    return Leak(
        groups=len(splits),
        divided=sum(len(found) > 1 for found in splits.values()),
        tested=sum(outside[name] for name, found in splits.items() if found["train"]),
        clips=sum(outside.values()),
    )


def _checked(placement: Placement, by_key: Mapping[str, Clip]) -> Placement:
    clip = by_key.get(placement.key)
    if clip is None or (clip.class_name, clip.also) != (placement.class_name, placement.also):
        fate = "is no longer among the clips" if clip is None else f"is now of class {named(clip)}"
        raise DataMismatch(
            f"clip {placement.key} of the frozen {placement.split} split {fate}",
            "Run `audioset-tools fetch` again to get it back, or begin a data set in a new workspace.",
        )
    return placement


def _placement(clip: Clip, split: str, groups: Mapping[str, str]) -> Placement:
    about = clip.key, clip.class_name, clip.also, split, clip.path, clip.sha256, clip.labels
    return Placement(*about, groups[clip.key])


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


def _smallest(sizes: Mapping[str, int]) -> int:
    for name, size in sizes.items():
        if size < len(SPLITS):
            raise DataMismatch(f"class {name!r} has {size} clips: too few to split", MORE_CLIPS)
    return min(sizes.values())


def _best(fresh: Iterable[Clip], sizes: Mapping[str, int], have: Mapping[str, int]) -> list[Clip]:
    """The best-ranked clips that bring each class to its size."""
    room = {name: size - have[name] for name, size in sizes.items()}
    best = []
    for clip in sorted(fresh, key=lambda clip: (clip.rank, clip.key)):
        if room[clip.class_name] > 0:
            room[clip.class_name] -= 1
            best.append(clip)
    return best


def _refuse_empty(placements: Sequence[Placement]) -> None:
    there = {placement.split for placement in placements}
    if lacking := [split for split in SPLITS if split not in there]:
        groups = len({placement.group for placement in placements})
        raise DataMismatch(
            f"{len(placements):,} clips of {groups:,} groups (a video, a channel, one sound) leave none for"
            f" {' and '.join(lacking)}: a group is not divided",
            "Fetch more clips with `audioset-tools fetch`, of other videos and channels.",
        )


Wanted = Mapping[str, Mapping[str, int]]
"""How many clips of a class each split is to have; a class that is not there is for training."""


def _draw(
    kept: Sequence[Placement],
    fresh: Sequence[Clip],
    groups: Mapping[str, str],
    wanted: Wanted,
    listed: Collection[str],
    seed: int,
) -> tuple[dict[str, str], dict[tuple[str, str], int]]:
    """The split of every new clip, and how many clips a class lacks in a split that no whole group fits.

    Args:
        listed: the splits that a list names. Train clips of its own move only into one that it does not name.
    """
    drawn, free = _settled(kept, fresh, groups, listed)
    have = Counter((placement.class_name, placement.split) for placement in kept)
    have.update((clip.class_name, drawn[clip.key]) for clip in fresh if clip.key in drawn)
    # Those whose split is open come first.
    order = sorted(free, key=lambda name: (any(clip.split for clip in free[name]), _hash(name, seed)))
    for split, later in (("validation", 2), ("test", 1)):
        open_ = [name for name in order if split not in listed or not any(clip.split for clip in free[name])]
        sizes = [Counter(clip.class_name for clip in free[name]) for name in open_]
        left = {name: max(0, quota[split] - have[name, split]) for name, quota in wanted.items()}
        taken = {*_fitting(sizes, left)}
        for name in wanted:
            if not have[name, split] and not any(sizes[n][name] for n in taken):
                taken |= _spare(name, sizes, taken, later)
        names = {open_[n] for n in taken}
        for clip in (clip for name in names for clip in free[name]):
            drawn[clip.key] = split
            have[clip.class_name, split] += 1
        order = [name for name in order if name not in names]
    rest = Counter(clip.class_name for name in order for clip in free[name])
    drawn.update((clip.key, "train") for name in order for clip in free[name])
    short = {
        (name, split): min(quota[split] - have[name, split], rest[name])
        for name, quota in wanted.items()
        for split in ("validation", "test")
        if split not in listed and rest[name] and quota[split] > have[name, split]
    }
    return drawn, short


def _settled(
    kept: Sequence[Placement], fresh: Sequence[Clip], groups: Mapping[str, str], listed: Collection[str]
) -> tuple[dict[str, str], dict[str, list[Clip]]]:
    """The splits that are no question: a list's own, and where a group stands; by group the other clips."""
    stands = defaultdict[str, set[str]](set)
    for placement in kept:
        stands[placement.group].add(placement.split)
    drawn: dict[str, str] = {}
    for clip in fresh:
        if clip.split and (clip.split != "train" or {"validation", "test"} <= {*listed}):
            drawn[clip.key] = clip.split
            stands[groups[clip.key]].add(clip.split)
    free = defaultdict[str, list[Clip]](list)
    for clip in fresh:
        if clip.key not in drawn and (splits := stands.get(groups[clip.key])):
            # Where a group stands in several, in train it spoils no further test clip.
            drawn[clip.key] = clip.split or min(splits, key=SPLITS.index)
        elif clip.key not in drawn:
            free[groups[clip.key]].append(clip)
    return drawn, free


def _spare(class_name: str, groups: Sequence[Counter[str]], taken: Collection[int], later: int) -> set[int]:
    """The smallest group with clips of a class, too many though they be, for a split that has none of it.

    Args:
        groups: how many clips of each class each has.
        taken: the numbers of those that are gone.
        later: how many splits are still to have one.
    """
    there = [n for n, group in enumerate(groups) if group[class_name] and n not in taken]
    smallest = sorted(there, key=lambda n: groups[n].total())
    return {*smallest[:1]} if len(there) > later else set()


def _hash(name: str, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\n{name}".encode()).digest()


_EXACT = 8_192
"""Clips of a class in a split up to which every sum of groups is thought of: beyond, one more or less is
nothing, and 50 MB would be needed."""


def _fitting(groups: Sequence[Counter[str]], left: dict[str, int]) -> Iterator[int]:
    """Choose groups for a split, each whole: the first of them from which the rest can still be filled best.

    A group of one class is taken unless the later ones of that class could fill better without it; one of
    several classes if that holds for each of them. `left` goes down with what is taken.

    Args:
        groups: how many clips of each class each has, in order.
        left: how many clips of each class there is room for.

    Yields:
        The numbers of those taken.
    """
    sums = _sums(groups, left)
    for number, group in enumerate(groups):
        if len(group) == 1:
            sums[next(iter(group))].pop()
        without = {name: left.get(name, 0) for name in group}
        having = {name: room - group[name] for name, room in without.items()}
        if min(having.values()) >= 0 and all(
            _unfilled(having[name], sums[name][-1]) <= _unfilled(without[name], sums[name][-1])
            for name in group
        ):
            left.update(having)
            yield number


def _sums(groups: Sequence[Counter[str]], left: Mapping[str, int]) -> dict[str, list[int]]:
    """By class, what groups of that class alone can sum up to: as bits of a number.

    The last is of all groups; without it, the last is of all but the first, and so on.
    """
    sums = defaultdict[str, list[int]](lambda: [1])
    sums.update({name: [1 if room <= _EXACT else (2 << room) - 1] for name, room in left.items()})
    for group in reversed(groups):
        if len(group) == 1:
            ((name, size),) = group.items()
            so_far, room = sums[name][-1], left.get(name, 0)
            more = so_far | (so_far << size & (2 << room) - 1) if size <= room else so_far
            # Most are the same in the end, and need no memory then.
            sums[name].append(so_far if more == so_far else more)
    return sums


def _unfilled(room: int, sums: int) -> int:
    """What stays free of so much room at the least."""
    return room + 1 - (sums & (2 << room) - 1).bit_length()

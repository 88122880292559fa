"""Drawing whole groups into validation and the test: the order decides, and how well the classes fit.

The groups come in the order of a seeded hash of their names; the first of them are taken from which the
rest can still be filled best. What is left is for training.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ..compiled import compiled
from .placements import SPLITS, Codes, Names, Numbers, Placements, SplitCodes

Wanted = Mapping[str, Mapping[str, int]]
"""How many clips of a class each split is to have; a class that is not there is for training."""

TRAIN, VALIDATION, TEST = range(len(SPLITS))

Flags = npt.NDArray[np.bool_]


class Grouped(NamedTuple):
    """Some clips, and of each the number of its group, [clips]."""

    clips: Placements
    group: Codes


def draw(
    kept: Grouped,
    fresh: Grouped,
    groups: Names,
    class_names: Sequence[str],
    wanted: Wanted,
    seed: int,
    listed: Collection[str],
) -> tuple[SplitCodes, dict[tuple[str, str], int]]:
    """The split of every new clip, and how many clips a class lacks in a split that no whole group fits.

    Args:
        kept: those that have a split and a group already.
        fresh: the new ones, in the split that a list names for each, or none.
        groups: the names of all groups, by their numbers.
        class_names: all that there are, by their numbers.
        wanted: by class, what each split is to have.
        seed: goes into the hash that orders the groups.
        listed: the splits that a list names. Train clips of its own move only into one that it does not name.
    """
    number = {(name,): n for n, name in enumerate(class_names)}
    (old, of_old), (new, of) = kept, fresh
    of_class = new.of_kinds(number)
    stands = np.zeros((len(groups), len(SPLITS)), np.bool_)
    stands[of_old, old.split] = True
    drawn = _settled(new, of, stands, listed)
    settled = drawn >= 0
    have = np.zeros((len(class_names), len(SPLITS)), np.int64)
    np.add.at(have, (old.of_kinds(number), old.split), 1)
    np.add.at(have, (of_class[settled], drawn[settled]), 1)

    open_ = np.flatnonzero(~settled)
    free = _Free(groups, of[open_], of_class[open_], new.split[open_] >= 0, class_names, seed)
    quota = {class_names.index(name): quotas for name, quotas in wanted.items()}
    left = np.ones(len(free), np.bool_)
    for split, later in ((VALIDATION, 2), (TEST, 1)):
        able = left & ~free.named if SPLITS[split] in listed else left
        room = np.zeros(len(class_names), np.int64)
        for n, of_each in quota.items():
            room[n] = max(0, of_each[SPLITS[split]] - have[n, split])
        taken = free.fitting(able, room)
        got = free.sizes(taken)
        for n in quota:
            if not have[n, split] and not got[n]:
                taken |= free.spare(n, able & ~taken, later)
                got = free.sizes(taken)
        drawn[open_[free.clips(taken)]] = split
        have[:, split] += got
        left &= ~taken
    drawn[open_[free.clips(left)]] = TRAIN
    rest = free.sizes(left).tolist()
    lacking = {
        (class_names[n], SPLITS[split]): min(of_each[SPLITS[split]] - int(have[n, split]), rest[n])
        for n, of_each in quota.items()
        for split in (VALIDATION, TEST)
        if SPLITS[split] not in listed and rest[n] and of_each[SPLITS[split]] > have[n, split]
    }
    return drawn, lacking


def _settled(fresh: Placements, of: Codes, stands: Flags, listed: Collection[str]) -> SplitCodes:
    """The splits that are no question: a list's own, and where a group stands; -1 for the other clips.

    Args:
        of: the number of each one's group, [fresh].
        stands: in which splits each group stands; what is settled by the list is added.
    """
    own = fresh.split
    whole = {"validation", "test"} <= {*listed}
    drawn = np.where((own >= 0) & ((own != TRAIN) | whole), own, -1).astype(np.int8)
    stands[of[drawn >= 0], drawn[drawn >= 0]] = True
    there = stands[of]
    # Where a group stands in several, in train it spoils no further test clip.
    by_group = np.where(own >= 0, own, there.argmax(axis=1))
    return np.where((drawn < 0) & there.any(axis=1), by_group, drawn).astype(np.int8)


class _Free:
    """Groups of which no clip stands in a split yet, in the order that decides.

    Args:
        names: what all groups are called, by their numbers.
        of: the number of the group of every clip among these, [clips].
        of_class: the number of its class, [clips].
        named: whether a list names a split for it, [clips].
        class_names: all that there are, by their numbers.
        seed: goes into the hash that orders the groups.

    Attributes:
        named: whether a list names a split for a clip of the group, [groups].
    """

    def __init__(
        self,
        names: Names,
        of: Codes,
        of_class: Codes,
        named: Flags,
        class_names: Sequence[str],
        seed: int,
    ) -> None:
        there, its = np.unique(of, return_inverse=True)
        with_split = np.zeros(len(there), np.bool_)
        with_split[its[named]] = True
        # Those whose split is open come first.
        order = np.lexsort((_hashes(names[there], seed), with_split))
        self.named = with_split[order]
        self._of = np.argsort(order)[its]
        self._many = len(class_names)
        pairs, counts = np.unique(self._of * self._many + of_class, return_counts=True)
        self._group, self._class = np.divmod(pairs, self._many)
        self._counts = counts

    def __len__(self) -> int:
        return len(self.named)

    def clips(self, groups: Flags) -> Flags:
        """Which clips are of some groups."""
        return groups[self._of]

    def sizes(self, groups: Flags) -> npt.NDArray[np.int64]:
        """How many clips of each class some groups have, [classes]."""
        its = groups[self._group]
        return np.bincount(self._class[its], self._counts[its], self._many).astype(np.int64)

    def fitting(self, able: Flags, room: Numbers) -> Flags:
        """The groups to take of those that are able, while there is room for clips of each class."""
        taken = np.zeros(len(self), np.bool_)
        if room.any():
            its = able[self._group]
            numbers, first = np.unique(self._group[its], return_index=True)
            sizes = _Sizes(self._class[its], self._counts[its], np.append(first, its.sum()))
            taken[numbers[_fitting(sizes, room)]] = True
        return taken

    def spare(self, number: int, able: Flags, later: int) -> Flags:
        """The smallest group with clips of a class, too many though they be, for a split with none of it.

        Args:
            number: which class it is of which the split has nothing.
            able: the groups to choose from.
            later: how many splits are still to have one.
        """
        there = self._group[(self._class == number) & able[self._group]]
        chosen = np.zeros(len(self), np.bool_)
        if len(there) > later:
            totals = np.bincount(self._group, self._counts)[there]
            chosen[there[totals.argmin()]] = True
        return chosen


def _hashes(names: Names, seed: int) -> npt.NDArray[np.uint64]:
    """The beginning of the hash of every name, [names]."""
    digests = b"".join([sha256(b"%d\n%s" % (seed, name)).digest()[:8] for name in names.tolist()])
    return np.frombuffer(digests, ">u8").astype(np.uint64)


@dataclass(frozen=True, slots=True)
class _Sizes:
    """How many clips of each class each of some groups has.

    Args:
        classes, counts: of every class in every group, a group after the other, [pairs].
        first: where each group begins among these, and where the last one ends, [groups + 1].
    """

    classes: Numbers
    counts: Numbers
    first: Numbers

    def __len__(self) -> int:
        return len(self.first) - 1

    def alone(self, many: int) -> list[tuple[Numbers, Numbers]]:
        """For each of so many classes the groups of it alone, in order, and how many clips each has."""
        groups = np.flatnonzero(np.diff(self.first) == 1)
        pairs = self.first[groups]
        by_class = np.argsort(self.classes[pairs], kind="stable")
        ends = np.searchsorted(self.classes[pairs][by_class], np.arange(1, many))
        return [*zip(*(np.split(of[by_class], ends) for of in (groups, self.counts[pairs])), strict=True)]


_EXACT = 8_192
"""Clips of a class in a split up to which every sum of groups is thought of: beyond, one more or less is
nothing, and 50 MB would be needed."""


def _fitting(sizes: _Sizes, room: Numbers) -> Flags:
    """Choose groups for a split, each whole: the first of them from which the rest can still be filled best.

    A group of one class is taken unless the later ones of that class could fill better without it; one of
    several classes if that holds for each of them. `room` goes down with what is taken.

    Args:
        sizes: how many clips the groups have, in order.
        room: how many clips of each class there is room for, [classes].

    Returns:
        Which are taken, [groups].
    """
    sums = [_Sums(*alone, most) for alone, most in zip(sizes.alone(len(room)), room.tolist(), strict=True)]
    sure = np.array([one.full_behind(len(sizes)) for one in sums])
    taken, group = np.zeros(len(sizes), np.bool_), 0
    while (group := _take(sizes.first, sizes.classes, sizes.counts, sure, room, taken, group)) < len(sizes):
        its = slice(sizes.first[group], sizes.first[group + 1])
        classes, counts = sizes.classes[its], sizes.counts[its]
        if all(
            _unfilled(most - size, behind) <= _unfilled(most, behind)
            for most, size, behind in zip(
                room[classes].tolist(),
                counts.tolist(),
                [sums[number].behind(group) for number in classes.tolist()],
                strict=True,
            )
        ):
            room[classes] -= counts
            taken[group] = True
        group += 1
    return taken


@compiled
def _take(
    first: Numbers, classes: Numbers, counts: Numbers, sure: Numbers, room: Numbers, taken: Flags, group: int
) -> int:
    """Take groups, from one on, up to the first that fits and yet might better be left.

    Args:
        first, classes, counts: the columns that a `_Sizes` has.
        sure: the group before which the later ones fill any room of a class, [classes].
        room: for clips of each class, [classes]; goes down.
        taken: which groups are, [groups].
        group: the first to look at.

    Returns:
        The group that is to be thought about, or how many there are.
    """
    while group < len(taken):
        fits, certain = True, True
        for pair in range(first[group], first[group + 1]):
            fits &= counts[pair] <= room[classes[pair]]
            certain &= group < sure[classes[pair]]
        if fits and not certain:
            return group
        if fits:
            for pair in range(first[group], first[group + 1]):
                room[classes[pair]] -= counts[pair]
            taken[group] = True
        group += 1
    return group


class _Sums:
    """What groups of one class alone can sum up to, as bits of a number: all of them, all but the first, ...

    Args:
        groups: their numbers among all groups, in order.
        sizes: how many clips each has.
        room: how many there is room for.
    """

    def __init__(self, groups: Numbers, sizes: Numbers, room: int) -> None:
        self._groups, self._full = groups, (2 << room) - 1
        self._sums = [1 if room <= _EXACT else self._full]
        for size in reversed(sizes.tolist()):
            so_far = self._sums[-1]
            if so_far == self._full:
                break
            more = so_far | (so_far << size & self._full) if size <= room else so_far
            # Most are the same in the end, and need no memory then.
            self._sums.append(so_far if more == so_far else more)

    def full_behind(self, groups: int) -> int:
        """The group before which those behind each can fill any room; `groups` if they always can."""
        if self._sums[-1] != self._full:
            return 0
        return groups if len(self._sums) == 1 else int(self._groups[1 - len(self._sums)])

    def behind(self, group: int) -> int:
        """The sums of those behind a group."""
        later = len(self._groups) - int(np.searchsorted(self._groups, group, "right"))
        return self._sums[min(later, len(self._sums) - 1)]


def _unfilled(room: int, sums: int) -> int:
    """What stays free of so much room at the least."""
    return room + 1 - (sums & (2 << room) - 1).bit_length()

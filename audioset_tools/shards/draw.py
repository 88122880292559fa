"""Drawing whole groups into validation and the test: the order decides, and how well the classes fit.

The groups come in the order of a seeded hash of their names; the first of them are taken from which the
rest can still be filled best. What is left is for training.
"""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TypeVar, overload

import numpy as np
import numpy.typing as npt

from .placements import SPLITS, Codes, Names, Numbers, Placements, SplitCodes

Wanted = Mapping[str, Mapping[str, int]]
"""How many clips of a class each split is to have; a class that is not there is for training."""

TRAIN, VALIDATION, TEST = range(len(SPLITS))

Class = TypeVar("Class", str, int)
"""What names a class."""

Flags = npt.NDArray[np.bool_]

_AT_ONCE = 4_096
"""Names that are objects at the same time."""


def draw(
    kept: Placements,
    fresh: Placements,
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
        groups: the group of each new one, [fresh].
        class_names: all that there are, by their numbers.
        wanted: by class, what each split is to have.
        seed: goes into the hash that orders the groups.
        listed: the splits that a list names. Train clips of its own move only into one that it does not name.
    """
    number = {(name,): n for n, name in enumerate(class_names)}
    names = np.unique(np.concatenate([kept.group, groups]))
    of, of_class = np.searchsorted(names, groups), fresh.of_kinds(number)
    drawn = _settled(fresh, of, _stands(kept, names), listed)
    settled = drawn >= 0
    have = np.zeros((len(class_names), len(SPLITS)), np.int64)
    np.add.at(have, (kept.of_kinds(number), kept.split), 1)
    np.add.at(have, (of_class[settled], drawn[settled]), 1)

    open_ = np.flatnonzero(~settled)
    free = _Free(names[of[open_]], of_class[open_], fresh.split[open_] >= 0, class_names, seed)
    quota = {class_names.index(name): quotas for name, quotas in wanted.items()}
    left = np.ones(len(free), np.bool_)
    for split, later in ((VALIDATION, 2), (TEST, 1)):
        able = left & ~free.named if SPLITS[split] in listed else left
        room = {n: max(0, of_each[SPLITS[split]] - int(have[n, split])) for n, of_each in quota.items()}
        taken = free.fitting(able, room)
        for n in quota:
            if not have[n, split] and not free.sizes(taken)[n]:
                taken |= free.spare(n, able & ~taken, later)
        drawn[open_[free.clips(taken)]] = split
        have[:, split] += free.sizes(taken)
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


def _stands(kept: Placements, names: Names) -> Flags:
    """In which splits each group stands, [names, splits]."""
    stands = np.zeros((len(names), len(SPLITS)), np.bool_)
    stands[np.searchsorted(names, kept.group), kept.split] = True
    return stands


def _settled(fresh: Placements, of: Numbers, stands: Flags, listed: Collection[str]) -> SplitCodes:
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
        groups: the name of the group of every clip, [clips].
        of_class: the number of its class, [clips].
        named: whether a list names a split for it, [clips].
        class_names: all that there are, by their numbers.
        seed: goes into the hash that orders the groups.

    Attributes:
        named: whether a list names a split for a clip of the group, [groups].
    """

    def __init__(
        self, groups: Names, of_class: Codes, named: Flags, class_names: Sequence[str], seed: int
    ) -> None:
        names, of = np.unique(groups, return_inverse=True)
        with_split = np.zeros(len(names), np.bool_)
        with_split[of[named]] = True
        # Those whose split is open come first.
        order = np.lexsort((*_hashes(names, seed), with_split))
        self.named = with_split[order]
        self._of = np.argsort(order)[of]
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

    def fitting(self, able: Flags, room: dict[int, int]) -> Flags:
        """The groups to take of those that are able, while there is room for clips of each class."""
        taken = np.zeros(len(self), np.bool_)
        if any(room.values()):
            its = able[self._group]
            numbers, first = np.unique(self._group[its], return_index=True)
            sizes = _Sizes(self._class[its].tolist(), self._counts[its].tolist(), first.tolist())
            taken[numbers[[*_fitting(sizes, room)]]] = True
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


def _hashes(names: Names, seed: int) -> tuple[npt.NDArray[np.uint64], ...]:
    """The hash of every name as four numbers, the last first, as `lexsort` takes them."""
    digests = bytearray()
    for start in range(0, len(names), _AT_ONCE):
        for name in names[start : start + _AT_ONCE].tolist():
            digests += hashlib.sha256(b"%d\n%s" % (seed, name)).digest()
    return tuple(np.frombuffer(digests, ">u8").reshape(-1, 4).astype(np.uint64).T[::-1])


class _Sizes(Sequence[dict[int, int]]):
    """How many clips of each class each of some groups has; as objects these would take a gigabyte.

    Args:
        classes, counts: of every class in every group, a group after the other.
        first: where each group begins among these.
    """

    def __init__(self, classes: list[int], counts: list[int], first: list[int]) -> None:
        self._classes, self._counts, self._first = classes, counts, [*first, len(classes)]

    def __len__(self) -> int:
        return len(self._first) - 1

    @overload
    def __getitem__(self, number: int) -> dict[int, int]: ...
    @overload
    def __getitem__(self, number: slice) -> list[dict[int, int]]: ...
    def __getitem__(self, number: int | slice) -> dict[int, int] | list[dict[int, int]]:
        if isinstance(number, slice):
            return [self[n] for n in range(*number.indices(len(self)))]
        its = slice(self._first[number], self._first[number + 1])
        return dict(zip(self._classes[its], self._counts[its], strict=True))


_EXACT = 8_192
"""Clips of a class in a split up to which every sum of groups is thought of: beyond, one more or less is
nothing, and 50 MB would be needed."""


def _fitting(groups: Sequence[Mapping[Class, int]], left: dict[Class, int]) -> Iterator[int]:
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


def _sums(groups: Sequence[Mapping[Class, int]], left: Mapping[Class, int]) -> dict[Class, list[int]]:
    """By class, what groups of that class alone can sum up to: as bits of a number.

    The last is of all groups; without it, the last is of all but the first, and so on.
    """
    sums = defaultdict[Class, list[int]](lambda: [1])
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

"""Which clips belong together: from one, a model would learn what it is asked about another.

A group are clips of one video, of one channel as far as the ledger knows it, of one name in the column
`group` of a list, of the same sound, or frozen as one group before; and whatever these join, over as many
clips as it takes. It has the name that one of its videos gives it, a digest: a video that is forgotten is not
named by those that stay.
"""

import hashlib
from base64 import b32encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import DisjointSet
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..types import Clip
from .duplicates import same_sound
from .placements import Names, Numbers, Placement, Placements
from .table import ClipTable

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Groups:
    """Which clips belong together.

    Args:
        keys: of the clips, in the order given, [clips].
        of: the name of the group of each, [clips].
        twins: the keys of clips that are one sound, for every sound that a new clip shares with another.
    """

    keys: Names
    of: Names
    twins: tuple[tuple[str, ...], ...]

    @property
    def names(self) -> dict[str, str]:
        """The group of every clip, by key."""
        pairs = zip(self.keys.tolist(), self.of.tolist(), strict=True)
        return {key.decode(): name.decode() for key, name in pairs}


def find_groups(
    clips: ClipTable | Sequence[Clip],
    frozen: Placements | Sequence[Placement] = (),
    by_sound: bool = True,
) -> Groups:
    """Find the groups of some clips, whatever their order.

    Two that were frozen as one stay one, and what was frozen is compared by its sound with new clips only.

    Args:
        clips: all that there are.
        frozen: those of them that were placed before.
        by_sound: whether to compare their sounds: seconds for 10,000 clips.
    """
    table = clips if isinstance(clips, ClipTable) else ClipTable.of(clips)
    before = frozen if isinstance(frozen, Placements) else Placements(frozen)
    keys = table.clips.key
    order = np.argsort(keys, kind="stable")
    at = before.by_key(keys)
    twins = _twins(table, order, _fresh(table, before, at)) if by_sound else []

    own, known = _videos(keys), _videos(before.key)
    frozen_as = before.group[at] if len(before) else np.zeros(len(keys), before.group.dtype)
    grouped = np.flatnonzero((at >= 0) & (frozen_as != b""))
    # As a video's: what comes later of the one that gave a group its name belongs there too.
    nodes = _Nodes([own, known, frozen_as[grouped]])
    its = nodes.of(own)
    channelled, named = np.flatnonzero(table.channel != b""), np.flatnonzero(table.named >= 0)
    edges = [
        (its[grouped], nodes.of(frozen_as[grouped])),
        (its[channelled], nodes.further(table.channel[channelled])),
        (its[named], nodes.further(table.named[named])),
        *((its[[one]], its[[other]]) for twin in twins for one, other in pairwise(twin)),
    ]
    part = nodes.joined(edges)
    # What was frozen first gives its name; else the video of the first key.
    naming = np.concatenate([nodes.of(known), its[order]])
    titles = np.concatenate([np.where(before.group != b"", before.group, known), own[order]])
    parts, first = np.unique(part[naming], return_index=True)
    of = titles[first][np.searchsorted(parts, part[its])] if len(keys) else own
    told = sorted(tuple(keys[n].decode() for n in twin) for twin in twins)
    return Groups(keys, of, tuple(told))


def group_name(ytid: str) -> str:
    """The name of a group that is named after a video; `GROUP` matches it."""
    return _name_of(ytid.encode()).decode()


def _name_of(ytid: bytes) -> bytes:
    return b"g" + b32encode(hashlib.sha256(ytid).digest()[:10])[:10].lower()


def _videos(keys: Names) -> Names:
    """Of every key the name that its video gives, [keys]."""
    ytids, which = np.unique(keys.astype("S11"), return_inverse=True)
    return np.fromiter(map(_name_of, ytids.tolist()), "S11", len(ytids))[which]


class _Nodes:
    """What is joined: names of videos' groups, and whatever else clips may have in common.

    Args:
        videos: all such names, in any order, any number of times.
    """

    def __init__(self, videos: Iterable[Names]) -> None:
        self._videos = np.unique(np.concatenate([names.astype("S11") for names in videos]))
        self._many = len(self._videos)

    def of(self, names: Names) -> Numbers:
        """The numbers of names of videos."""
        found: Numbers = np.searchsorted(self._videos, names)
        return found

    def further(self, things: npt.NDArray[np.generic]) -> Numbers:
        """New numbers for things of another kind, for the same thing the same."""
        things, which = np.unique(things, return_inverse=True)
        self._many += len(things)
        numbers: Numbers = which + (self._many - len(things))
        return numbers

    def joined(self, edges: Sequence[tuple[Numbers, Numbers]]) -> npt.NDArray[np.int32]:
        """Of every number the part that it belongs to, where these are joined, directly or by others."""
        one, other = (np.concatenate([edge[side] for edge in edges]) for side in (0, 1))
        graph = coo_array((np.ones(len(one), np.bool_), (one, other)), (self._many, self._many))
        part: npt.NDArray[np.int32] = connected_components(graph, directed=False)[1]
        return part


def _fresh(table: ClipTable, before: Placements, at: Numbers) -> Flags:
    """Which clips are new; frozen before there were groups, or fetched again since, is as good as new."""
    if not len(before):
        return np.ones(len(at), np.bool_)
    fresh: Flags = (at < 0) | (before.group[at] == b"") | (before.sha256[at] != table.clips.sha256)
    return fresh


def _twins(table: ClipTable, order: Numbers, fresh: Flags) -> list[list[int]]:
    """The numbers of clips of the same bytes or that sound the same, one of them new; each by key."""
    if not fresh.any():
        return []
    sounds = DisjointSet()
    place = np.empty(len(order), np.intp)
    place[order] = np.arange(len(order))
    _, first, which = np.unique(table.clips.sha256[order], return_index=True, return_inverse=True)
    firsts = first[which]
    for again in np.flatnonzero(firsts != np.arange(len(order))).tolist():
        one, other = order[firsts[again]], order[again]
        if fresh[one] or fresh[other]:
            _join(sounds, int(firsts[again]), again)
    for one, other in same_sound(table.sounds, fresh, order[np.sort(first)]):
        _join(sounds, int(place[one]), int(place[other]))
    return [order[sorted(places)].tolist() for places in sounds.subsets()]


def _join(sets: DisjointSet, one: object, other: object) -> None:
    sets.add(one)
    sets.add(other)
    sets.merge(one, other)

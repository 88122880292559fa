"""Which clips belong together: from one, a model would learn what it is asked about another.

A group are clips of one video, of one channel as far as the ledger knows it, of one name in the column
`group` of a list, of the same sound, or frozen as one group before; and whatever these join, over as many
clips as it takes. It has the name that one of its videos gives it, a digest: a video that is forgotten is not
named by those that stay.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import DisjointSet
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ..types import Clip
from .duplicates import same_sound
from .placements import Codes, Names, Numbers, Placement, Placements
from .table import ClipTable

Flags = npt.NDArray[np.bool_]

_BASE32 = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz234567", np.uint8)


@dataclass(frozen=True, slots=True)
class Groups:
    """Which clips belong together.

    Args:
        keys: of the clips, in the order given, [clips].
        titles: the names of all groups.
        number: which of them each is in, [clips].
        twins: the keys of clips that are one sound, for every sound that a new clip shares with another.
    """

    keys: Names
    titles: Names
    number: Codes
    twins: tuple[tuple[str, ...], ...]

    @property
    def of(self) -> Names:
        """The name of the group of each, [clips]."""
        return self.titles[self.number]

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
    keys, order = table.clips.key, table.clips.order
    at = before.by_key(keys)
    twins = _twins(table, order, _fresh(table, before, at)) if by_sound else []

    own, known = _videos(keys), _videos(before.key)
    frozen_as = before.group[at] if len(before) else np.zeros(len(keys), before.group.dtype)
    grouped = np.flatnonzero((at >= 0) & (frozen_as != b""))
    # As a video's: what comes later of the one that gave a group its name belongs there too.
    nodes = _Nodes([own, known, frozen_as[grouped]])
    its, of_known, of_frozen = nodes.videos
    channelled, named = np.flatnonzero(table.channel != b""), np.flatnonzero(table.named >= 0)
    edges = [
        (its[grouped], of_frozen),
        (its[channelled], nodes.further(table.channel[channelled])),
        (its[named], nodes.further(table.named[named])),
        *((its[[one]], its[[other]]) for twin in twins for one, other in pairwise(twin)),
    ]
    part = nodes.joined(edges)
    # What was frozen first gives its name; else the video of the first key.
    naming = np.concatenate([of_known, its[order]])
    titles = np.concatenate([np.where(before.group != b"", before.group, known), own[order]])
    # Of each part: there is none without a video.
    _, first = np.unique(part[naming], return_index=True)
    told = sorted(tuple(keys[n].decode() for n in twin) for twin in twins)
    return Groups(keys, titles[first], part[its], tuple(told))


def group_name(ytid: str) -> str:
    """The name of a group that is named after a video; `GROUP` matches it."""
    (name,) = _videos(np.array([ytid.encode()])).tolist()
    return str(name.decode())


def _videos(keys: Names) -> Names:
    """Of every key the name that its video gives, [keys]: the beginning of a digest in base32."""
    digests = b"".join([sha256(ytid).digest()[:8] for ytid in keys.astype("S11").tolist()])
    bits = np.frombuffer(digests, ">u8").astype(np.uint64)
    names = np.full((len(keys), 11), ord("g"), np.uint8)
    for place in range(1, 11):
        names[:, place] = _BASE32[bits >> np.uint64(64 - 5 * place) & np.uint64(31)]
    return names.view("S11")[:, 0]


class _Nodes:
    """What is joined: names of videos' groups, and whatever else clips may have in common.

    Args:
        videos: columns of such names, in any order, any number of times.

    Attributes:
        videos: their numbers, for the same name the same.
    """

    def __init__(self, videos: Sequence[Names]) -> None:
        names, which = np.unique(
            np.concatenate([column.astype("S11") for column in videos]), return_inverse=True
        )
        self.videos = np.split(which, np.cumsum([len(column) for column in videos[:-1]]))
        self._many = len(names)

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
    # Those of the same bytes stand one after the other, by key.
    by_bytes = order[np.argsort(table.clips.sha256[order], kind="stable")]
    is_first = _differ(table.clips.sha256[by_bytes])
    first, again = by_bytes[is_first], by_bytes[~is_first]
    firsts = first[np.cumsum(is_first)[~is_first] - 1]
    for one, other in zip(firsts.tolist(), again.tolist(), strict=True):
        if fresh[one] or fresh[other]:
            _join(sounds, int(place[one]), int(place[other]))
    for one, other in same_sound(table.sounds, fresh, order[np.sort(place[first])]):
        _join(sounds, int(place[one]), int(place[other]))
    return [order[sorted(places)].tolist() for places in sounds.subsets()]


def _differ(digests: Names) -> Flags:
    """Which differ from the one before, [digests]."""
    differ = np.ones(len(digests), np.bool_)
    differ[1:] = digests[1:] != digests[:-1]
    return differ


def _join(sets: DisjointSet, one: object, other: object) -> None:
    sets.add(one)
    sets.add(other)
    sets.merge(one, other)

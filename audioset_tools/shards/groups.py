"""Which clips belong together: from one, a model would learn what it is asked about another.

A group are clips of one video, of one channel as far as the ledger knows it, of one name in the column
`group` of a list, of the same sound, or frozen as one group before; and whatever these join, over as many
clips as it takes. It has the name that one of its videos gives it, a digest: a video that is forgotten is not
named by those that stay.
"""

import hashlib
from base64 import b32encode
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from scipy.cluster.hierarchy import DisjointSet

from ..types import CHANNEL_ID, Clip
from .dataset import Placement
from .duplicates import same_sound


@dataclass(frozen=True, slots=True)
class Groups:
    """Which clips belong together.

    Args:
        names: the group of every clip, by key.
        twins: the keys of clips that are one sound, for every sound that a new clip shares with another.
    """

    names: Mapping[str, str]
    twins: tuple[tuple[str, ...], ...]


def find_groups(clips: Sequence[Clip], frozen: Sequence[Placement] = (), by_sound: bool = True) -> Groups:
    """Find the groups of some clips, whatever their order.

    Two that were frozen as one stay one, and what was frozen is compared by its sound with new clips only.

    Args:
        clips: all that there are.
        frozen: those of them that were placed before.
        by_sound: whether to compare their sounds: seconds for 10,000 clips.
    """
    ordered, placed = sorted(clips, key=lambda clip: clip.key), {one.key: one for one in frozen}
    # Frozen before there were groups, or fetched again since: as good as new.
    fresh = [
        not ((one := placed.get(clip.key)) and one.group and one.sha256 == clip.sha256) for clip in ordered
    ]
    twins = _twins(ordered, fresh) if by_sound else []
    joined: DisjointSet = DisjointSet(map(_video, (*placed, *(clip.key for clip in ordered))))
    for clip in ordered:
        for kind, other in _relations(clip, placed.get(clip.key)):
            _join(joined, _video(clip.key), (kind, other))
    for first, *others in twins:
        for other in others:
            _join(joined, _video(first), _video(other))
    names: dict[object, str] = {}
    for placement in frozen:
        names.setdefault(joined[_video(placement.key)], placement.group or group_name(placement.key[:11]))
    for clip in ordered:
        names.setdefault(joined[_video(clip.key)], group_name(clip.key[:11]))
    return Groups({clip.key: names[joined[_video(clip.key)]] for clip in ordered}, tuple(twins))


def group_name(ytid: str) -> str:
    """The name of a group that is named after a video; `GROUP` matches it."""
    return f"g{b32encode(hashlib.sha256(ytid.encode()).digest())[:10].decode().lower()}"


def _video(key: str) -> tuple[str, str]:
    return "video", group_name(key[:11])


def _relations(clip: Clip, placement: Placement | None) -> Iterator[tuple[str, str]]:
    """What a clip may have in common with another, besides its video."""
    if clip.video and CHANNEL_ID.fullmatch(clip.video.channel_id):
        yield "channel", clip.video.channel_id
    if clip.group:
        yield "group", clip.group
    if placement and placement.group:
        # As a video's: what comes later of the one that gave the name belongs there too.
        yield "video", placement.group


def _twins(clips: Sequence[Clip], fresh: Sequence[bool]) -> list[tuple[str, ...]]:
    """The clips of the same bytes or that sound the same, one of them new."""
    first, sounds = dict[str, int](), DisjointSet()
    for n, clip in enumerate(clips):
        other = first.setdefault(clip.sha256, n)
        if other != n and (fresh[n] or fresh[other]):
            _join(sounds, other, n)
    different = list(first.values())
    prints, new = [clips[n].fingerprint for n in different], [fresh[n] for n in different]
    for i, j in same_sound(prints, new):
        _join(sounds, different[i], different[j])
    return sorted(tuple(clips[n].key for n in sorted(numbers)) for numbers in sounds.subsets())


def _join(sets: DisjointSet, one: object, other: object) -> None:
    sets.add(one)
    sets.add(other)
    sets.merge(one, other)

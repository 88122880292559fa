"""All clips of a ledger, as far as deciding their splits asks, in columns: three hundred bytes each."""

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Self

import numpy as np
import numpy.typing as npt

from ..ledger.columns import ClipColumns, columns_of
from ..types import CHANNEL_ID, Clip
from .duplicates import Prints, Sketching, Sounds
from .placements import Codes, Gathering, Names, Placements

_CHANNEL = 24
_NO_CHANNEL = b"\0" * _CHANNEL
_AT_ONCE = 1_024
"""Clips that are taken in together."""


@dataclass(frozen=True, slots=True)
class ClipTable:
    """Clips to be placed.

    Args:
        clips: as they would be placed: in the split that a list names, or none, and in no group yet.
        rank: of every clip its place in its class's queue, [clips].
        channel: of every clip the id of its channel, empty where none is known, [clips].
        named: of every clip the number of the group that a list names, -1 where it names none, [clips].
        sounds: what they sound like.
    """

    clips: Placements
    rank: npt.NDArray[np.int64]
    channel: Names
    named: Codes
    sounds: Sounds

    @classmethod
    def of(cls, clips: Iterable[Clip]) -> Self:
        """Some clips as columns, in any order."""
        held, rest = list[bytes](), iter(clips)

        def some() -> Iterator[ClipColumns]:
            while block := list(islice(rest, _AT_ONCE)):
                held.extend(clip.fingerprint for clip in block)
                yield columns_of(block)

        return cls.gathered(some(), lambda numbers: [held[number] for number in numbers.tolist()])

    @classmethod
    def gathered(cls, some: Iterable[ClipColumns], prints: Prints) -> Self:
        """The same of clips that are columns already.

        Args:
            some: a part of the clips after the other.
            prints: gives the fingerprints of clips by their numbers, which of very many are too large to be
                held.
        """
        gathering, sketching = Gathering(), Sketching()
        ranks, channels, names, groups = array("q"), bytearray(), array("i"), dict[str, int]()
        for columns in some:
            gathering.add(columns.key, columns.path, columns.sha256, columns.split, columns.classes)
            sketching.add(columns.fingerprint)
            ranks.extend(columns.rank)
            channels += b"".join([_channel(one) if one else _NO_CHANNEL for one in columns.channel_id])
            names.extend([groups.setdefault(one, len(groups)) if one else -1 for one in columns.group])
        return cls(
            gathering.placements(),
            np.frombuffer(ranks, np.int64),
            np.frombuffer(channels, f"S{_CHANNEL}"),
            np.frombuffer(names, np.int32),
            sketching.sounds(prints),
        )


def _channel(told: str) -> bytes:
    return told.encode() if CHANNEL_ID.fullmatch(told) else _NO_CHANNEL

"""All clips of a ledger, as far as deciding their splits asks, in columns: three hundred bytes each."""

from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from ..types import CHANNEL_ID, Clip
from .duplicates import Prints, Sketching, Sounds
from .placements import Codes, Names, Placement, Placements, placement_of

_CHANNEL = 24


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
    def of(cls, clips: Iterable[Clip], prints: Prints | None = None) -> Self:
        """Some clips as columns.

        Args:
            clips: in any order, one after the other.
            prints: gives the fingerprints of clips by their numbers, which of very many are too large to be
                held; None to hold those of the clips.
        """
        ranks, channels, names = array("q"), bytearray(), array("i")
        groups, held, sketching = dict[str, int](), list[bytes](), Sketching()

        def placements() -> Iterable[Placement]:
            for clip in clips:
                ranks.append(clip.rank)
                channel = clip.video.channel_id if clip.video else ""
                channels.extend(
                    channel.encode() if CHANNEL_ID.fullmatch(channel) else b"\0" * _CHANNEL,
                )
                names.append(groups.setdefault(clip.group, len(groups)) if clip.group else -1)
                sketching.add(clip.fingerprint)
                if prints is None:
                    held.append(clip.fingerprint)
                yield placement_of(clip)

        placed = Placements(placements())
        return cls(
            placed,
            np.frombuffer(ranks, np.int64),
            np.frombuffer(channels, f"S{_CHANNEL}"),
            np.frombuffer(names, np.int32),
            sketching.sounds(prints or (lambda numbers: [held[number] for number in numbers.tolist()])),
        )

"""A video's sound as a file that is never written: small headers and references to prepared packets.

What is the same for both containers lives here: the order of the packets (`Score`), and a file made of parts
of which only those that are asked for are ever put together (`VirtualFile`).
"""

from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
import numpy.typing as npt

from .plan import PHRASE_MS, Video

Numbers = npt.NDArray[np.int64]

Part = tuple[int, Callable[[], bytes]]
"""The size of a stretch of a file in bytes, and how to make it."""


class VirtualFile:
    """A file as a row of parts; reading a range makes only the parts that it touches.

    Args:
        parts: in order; what a part makes must have the size it states.
    """

    def __init__(self, parts: Sequence[Part]) -> None:
        self._ends = list(accumulate(size for size, _ in parts))
        self._make = [make for _, make in parts]

    def __len__(self) -> int:
        return self._ends[-1]

    def read(self, begin: int, end: int) -> Iterator[bytes]:
        """The bytes from `begin` up to `end` (not included), part by part."""
        at = bisect_right(self._ends, begin)
        while begin < end:
            data = self._make[at]()
            start = self._ends[at] - len(data)
            piece = data[begin - start : end - start]
            yield piece
            begin += len(piece)
            at += 1


@dataclass(frozen=True, slots=True)
class Bank:
    """What ffmpeg made of all phrases of a voice, taken apart.

    `head` is the part of the header that describes the codec (webm: the Tracks element; m4a: ftyp and moov),
    `packets` the coded sound, `sizes` their lengths. Phrase `i` begins with packet `i * per_phrase`.
    """

    head: bytes
    packets: tuple[bytes, ...]
    sizes: Numbers
    per_phrase: int

    def phrase(self, index: int) -> Numbers:
        """The numbers of the packets of one phrase."""
        return np.arange(self.per_phrase) + index * self.per_phrase

    @property
    def phrases(self) -> int:
        return len(self.packets) // self.per_phrase


@dataclass(frozen=True, slots=True)
class Score:
    """Which packets a video plays: `order` indexes `packets` and their `sizes`."""

    packets: tuple[bytes, ...]
    sizes: Numbers
    order: Numbers


def score(video: Video, voice: Bank, decoy: Bank) -> Score:
    """Decoy up to the segment, the video's phrases in it, decoy again to the end.

    A segment that begins inside a packet begins with it; the container's `lay_out` shifts all packets by
    the rest, at the very beginning of the video, so that the segment's time is exact to a reader of time
    stamps and 21 ms off at worst to one who counts the samples from the beginning.

    Args:
        video: what is played when.
        voice: packets of the video's voice.
        decoy: packets of what stands around it, of the same format.
    """

    def packets_in(time_ms: int) -> int:
        return time_ms * voice.per_phrase // PHRASE_MS

    total = max(1, packets_in(video.length_ms))
    begin = min(total, packets_in(video.start_ms))
    # Two more than fit: for what is left of the segment, and because what a decoder gives for a packet lags
    # behind its time, in AAC by all of a frame.
    end = min(total, begin + packets_in(video.end_ms - video.start_ms) + 2)
    wanted = np.concatenate([voice.phrase(index) for index in video.phrases])
    around = len(voice.packets) + np.concatenate([decoy.phrase(index) for index in range(decoy.phrases)])
    order = np.resize(around, total)
    # A phrase ends in silence: its last packet keeps what is beside the segment from sounding into it.
    order[[max(0, begin - 1), min(total - 1, end)]] = wanted[-1]
    order[begin:end] = np.resize(wanted, end - begin)
    return Score(
        packets=voice.packets + decoy.packets, sizes=np.concatenate([voice.sizes, decoy.sizes]), order=order
    )

"""From several channels to one, without the sound that opposed channels would take from one another.

ffmpeg gives the mixture and the first channel (of a stereo mix, where there are more); the other follows from
the two. Stereo with one channel's wires crossed mixes down to silence, although there is all to hear: there
the louder channel is the recording's sound.
"""

import numpy as np
import numpy.typing as npt

CHANNELS = 2
"""The mixture, and one channel."""

Pairs = npt.NDArray[np.float32]
"""[samples, 2]: the mixture and one channel, of full scale 1."""

Mono = npt.NDArray[np.float32]

_CANCELLED = 0.01
"""A mixture with less power than this, as a fraction of what unrelated channels would give, is cancelled."""

_LOUDER = 1.001
"""The second channel is louder from this ratio of powers on: of equal ones the first is taken, however a
processor rounds their sums."""


def mixed_down(pairs: Pairs, rate: int) -> Mono:
    """One channel, [samples]: second by second the mixture, or the louder channel where that cancels."""
    mono = pairs[:, 0].copy()
    for begin in range(0, len(pairs), rate):
        second = slice(begin, begin + rate)
        if (louder := _louder(pairs[second])) is not None:
            mono[second] = louder
    return mono


def to_pcm(mono: Mono) -> npt.NDArray[np.int16]:
    """As 16-bit samples; what exceeds full scale is clipped."""
    samples: npt.NDArray[np.int16] = np.clip(np.rint(mono * np.float32(32768)), -32768, 32767).astype(
        np.int16
    )
    return samples


def _louder(pairs: Pairs) -> Mono | None:
    """The louder of two channels that cancel; None where they do not."""
    mixture, first = pairs[:, 0], pairs[:, 1]
    other = 2 * mixture - first
    mixed, powers = _power(mixture), (_power(first), _power(other))
    if mixed >= _CANCELLED * sum(powers) / 4:
        return None
    return other if powers[1] > _LOUDER * powers[0] else first


def _power(samples: Mono) -> float:
    return float(np.sum(np.square(samples, dtype=np.float64)))

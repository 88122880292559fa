"""Whether there is anything to hear in a window: by how long its energy says so, and not by its peak.

A click reaches full scale and is over; soft music stays far below it and goes on. So the energy of each
second is taken in frames of 10 ms, about the offset of that second, which is no sound, and what counts is
for how long it lies above a threshold. That is set so that no music whose peak is above -60 dB of full scale,
which is what `fetch` takes for a clip, falls below it.
"""

from typing import cast

import numpy as np
import numpy.typing as npt

AUDIBLE_DB = -75.0
"""The level of a frame, of full scale, from which on it is sound."""

LEAST_S = 0.1
"""A window with less sound is silent; one shorter than twice that, with less than half of it."""

_FRAMES = 100
"""In a second."""

_LEAST_POWER = (32_768 * 10 ** (AUDIBLE_DB / 20)) ** 2


def is_silent(samples: npt.NDArray[np.int16], rate: int) -> bool:
    """Whether there is nothing to hear.

    Args:
        samples: of a window, [any number above 0].
        rate: samples a second, in hertz.
    """
    return audible_s(samples, rate) < min(LEAST_S, len(samples) / rate / 2)


def audible_s(samples: npt.NDArray[np.int16], rate: int) -> float:
    """How many seconds of sound there are.

    Args:
        samples: [any number]; of the last frame what it holds.
        rate: samples a second, in hertz.
    """
    frame = rate // _FRAMES
    second = frame * _FRAMES
    whole = len(samples) // second * second
    heard = 0.0
    for part in (samples[:whole].reshape(-1, _FRAMES, frame), _as_frames(samples[whole:], frame)):
        if part.size:
            level = part.astype(np.float32)
            # The median, since a click moves the mean of its whole second.
            level -= np.median(level.mean(axis=2, keepdims=True), axis=1, keepdims=True)
            power = np.einsum("ijk,ijk->ij", level, level) / frame
            heard += cast(int, np.count_nonzero(power >= _LEAST_POWER)) / _FRAMES
    return heard


def _as_frames(samples: npt.NDArray[np.int16], frame: int) -> npt.NDArray[np.int16]:
    """What is less than a second as frames, [1, frames, samples]; what is less than a frame is one."""
    if len(samples) < frame:
        return samples.reshape(1, 1, -1)
    return samples[: len(samples) // frame * frame].reshape(1, -1, frame)

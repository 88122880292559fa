"""A fingerprint of a clip's sound, by which it is known again after another encoding or decoding.

The bytes of a clip say whether it is the same to the last bit; two builds of ffmpeg already differ in that.
What stays is how the spectrum moves: 400 times in ten seconds the levels of 32 bands, from 150 to 7,000 Hz,
are compared with those of their neighbours, and each difference with its own mean over two seconds. Each of
the 31 comparisons is a bit, after Haitsma and Kalker, "A highly robust audio fingerprinting system", 2002.
Where hardly anything moves, the sign of the difference itself is the bit. What lies 50 dB below the loudest
band is taken as if it lay just there, and frames of which little is to be heard are marked and do not count.

Of the simulator's sounds re-encoded (Opus and MP3 at 64 kbit/s, AAC at 128), made half as loud or shifted by
100 ms at most 0.09 of the bits differ, with Opus at 32 kbit/s 0.19; of different sounds at least 0.32. Pure
tones are hard to tell apart: 440 Hz and 1,000 Hz differ in 0.14. See bench/fingerprint.py.
"""

from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.fft import rfft
from scipy.sparse import csr_array

from ..types import CLIP_SECONDS

FRAMES, BANDS = 400, 32

FINGERPRINT_BYTES = FRAMES * (BANDS - 1) // 8 + FRAMES // 8
"""The bits, a frame after the other, and then one bit a frame: whether there is something to be heard."""

SAME_BELOW = 0.2
"""Two fingerprints are of the same sound where a smaller share of the bits differs."""

_WINDOW_S, _FRAME_S = 0.256, 0.025
_LOWEST_HZ, _HIGHEST_HZ = 150, 7_000
_HALF_MEAN = 40
_STILL = 0.1
"""A difference that moves by less (in the logarithm of the power) does not move."""
_RANGE_DB = 50
_QUIET_DB = 40
_NOTHING = 1e-11
_SHIFT = 4
"""So many frames two recordings may be apart."""
_LEAST_FRAMES = 20
_AT_ONCE = 20
"""Frames transformed together, so that they stay in a processor's cache."""

Bits = npt.NDArray[np.bool_]


def fingerprint(samples: npt.NDArray[np.int16]) -> bytes:
    """The fingerprint of ten seconds of mono sound, [10 * rate]: `FINGERPRINT_BYTES` at any rate."""
    levels = _levels(samples)
    loudness = np.log(np.exp(levels).sum(axis=1))
    heard = loudness > max(loudness.max() - _nepers(_QUIET_DB), np.log(1.5 * BANDS * _NOTHING))
    levels = np.maximum(levels, levels.max() - _nepers(_RANGE_DB))
    slope = levels[:, :-1] - levels[:, 1:]
    moved = slope - _running_mean(slope)
    bits = np.where(np.abs(moved) > _STILL, moved > 0, slope > 0)
    return np.packbits(bits).tobytes() + np.packbits(heard).tobytes()


def distance(one: bytes, other: bytes) -> float | None:
    """Which share of the bits of two fingerprints differs, 0 to 1, where they fit best.

    Of a frame in which only one of them has something to be heard half of the bits count as different.

    Returns:
        None where there is too little to be heard to tell, or one is no fingerprint.
    """
    if len(one) != FINGERPRINT_BYTES or len(other) != FINGERPRINT_BYTES:
        return None
    (bits, heard), (others, others_heard) = _unpacked(one), _unpacked(other)
    if min(heard.sum(), others_heard.sum()) < _LEAST_FRAMES:
        return None
    found = []
    for shift in range(-_SHIFT, _SHIFT + 1):
        here = slice(max(0, shift), FRAMES + min(0, shift))
        there = slice(max(0, -shift), FRAMES + min(0, -shift))
        both = heard[here] & others_heard[there]
        alone = int((heard[here] ^ others_heard[there]).sum())
        differing = int((bits[here][both] ^ others[there][both]).sum())
        total = (int(both.sum()) + alone) * (BANDS - 1)
        found.append((differing + alone * (BANDS - 1) / 2) / total if total else 1.0)
    return min(found)


def _levels(samples: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
    """The logarithm of the power in each band, [FRAMES, BANDS]."""
    sample_rate = round(len(samples) / CLIP_SECONDS)
    window, filters = _analysis(sample_rate)
    length, half = len(window), len(window) // 2
    whole = np.zeros(len(samples) + 2 * length, np.float32)
    whole[half : half + len(samples)] = samples
    whole /= 32768
    centres = np.round((np.arange(FRAMES) + 0.5) * _FRAME_S * sample_rate).astype(np.intp)
    every = np.lib.stride_tricks.sliding_window_view(whole, length)
    levels = np.empty((FRAMES, BANDS))
    for begin in range(0, FRAMES, _AT_ONCE):
        frames = every[centres[begin : begin + _AT_ONCE]]
        frames *= window
        # A quarter of the time of numpy's.
        spectrum = rfft(frames, axis=1, overwrite_x=True)
        levels[begin : begin + _AT_ONCE] = (filters @ (spectrum.real**2 + spectrum.imag**2).T).T
    return np.log(levels + _NOTHING)


@cache
def _analysis(sample_rate: int) -> tuple[npt.NDArray[np.float32], Any]:
    """The window of a frame, and what each bin gives to each band, [BANDS, bins]: nothing, for nearly all.

    As a sparse matrix it is summed in one order on every processor, and by one thread: a worker's own.
    """
    length = round(_WINDOW_S * sample_rate)
    pitch = np.log(np.maximum(np.arange(length // 2 + 1) * sample_rate / length, 1.0))[:, None]
    edges = np.linspace(np.log(_LOWEST_HZ), np.log(_HIGHEST_HZ), BANDS + 2)
    rising = (pitch - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - pitch) / (edges[2:] - edges[1:-1])
    filters = np.clip(np.minimum(rising, falling), 0, None) / length**2
    return np.hanning(length).astype(np.float32), csr_array(filters.T.astype(np.float32))


def _running_mean(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The mean of each column over some frames before and behind, fewer at the ends."""
    sums = np.cumsum(np.vstack([np.zeros((1, values.shape[1])), values]), axis=0)
    frame = np.arange(len(values))
    begin, end = np.maximum(0, frame - _HALF_MEAN), np.minimum(len(values), frame + _HALF_MEAN + 1)
    means: npt.NDArray[np.float64] = (sums[end] - sums[begin]) / (end - begin)[:, None]
    return means


def _nepers(decibels: float) -> float:
    return float(decibels * np.log(10) / 10)


def _unpacked(packed: bytes) -> tuple[Bits, Bits]:
    """The bits, [FRAMES, BANDS - 1], and which frames have something to be heard, [FRAMES]."""
    flags = np.unpackbits(np.frombuffer(packed, np.uint8)).astype(np.bool_)
    split = FRAMES * (BANDS - 1)
    return flags[:split].reshape(FRAMES, BANDS - 1), flags[split:]

"""By how much one sound of a segment lies behind another, by generalised cross-correlation.

The phases of the two are compared and the loudness of each frequency left out (GCC-PHAT: Knapp and Carter,
1976), which makes a peak of one sample's width for anything noisy. A periodic sound has a peak at every
period, and which of them is highest says nothing: `clarity` tells by how much the highest exceeds all others.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.fft

from ..types import SAMPLE_RATE

Samples = npt.NDArray[np.int16]

LONGEST_MS = 2_500
"""Farther apart than this no two cuts are looked for."""

CLEAR = 2.0
"""A peak that exceeds every other so many times is no period's: see `bench/cuts.py`."""

_BAND_HZ = (100.0, 6_000.0)
"""Outside it lossy codecs leave noise of their own."""

_PEAK_MS = 10
"""So near the highest peak all belongs to it."""


@dataclass(frozen=True, slots=True)
class Offset:
    """Milliseconds by which what is heard in the second sound comes later than in the first.

    `clarity` is how many times the peak exceeds the highest other one.
    """

    ms: float
    clarity: float

    @property
    def is_clear(self) -> bool:
        """Whether the peak is no mere period of the sound."""
        return self.clarity >= CLEAR


def offset_between(first: Samples, second: Samples) -> Offset:
    """The offset of the second of two sounds [160000] of the same segment."""
    size = scipy.fft.next_fast_len(len(first) + len(second), real=True)
    # Cut off sharply, the ends of the two would be what they have most in common: an offset of nothing.
    spectra = [scipy.fft.rfft(sound * np.hanning(len(sound)), size) for sound in (first, second)]
    cross = spectra[1] * np.conj(spectra[0])
    frequencies = np.arange(len(cross)) * (SAMPLE_RATE / size)
    in_band = (frequencies >= _BAND_HZ[0]) & (frequencies <= _BAND_HZ[1])
    cross = np.where(in_band, cross / np.maximum(np.abs(cross), 1e-9), 0)
    farthest = LONGEST_MS * SAMPLE_RATE // 1000
    # Behind the middle of the inverse lie the negative lags.
    correlation = np.roll(scipy.fft.irfft(cross, size), farthest)[: 2 * farthest + 1]
    peak = int(np.argmax(correlation))
    near = _PEAK_MS * SAMPLE_RATE // 1000
    others = np.concatenate([correlation[: max(0, peak - near)], correlation[peak + near + 1 :]])
    highest_other = max(float(others.max(initial=0.0)), 1e-12)
    return Offset((peak - farthest) * 1000 / SAMPLE_RATE, float(correlation[peak]) / highest_other)

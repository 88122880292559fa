"""How late the sound of a cut comes: the instrument of `bench/fetch.py` and of many tests."""

import math

import numpy as np
import numpy.typing as npt
from scipy.signal import correlate

from audioset_tools.types import SAMPLE_RATE

Signal = npt.NDArray[np.float32]

SEARCH_MS = 11_000
"""How far from its place a cut is looked for: a little more than a clip."""


def offset_ms(reference: Signal, decoded: Signal, rate: int = SAMPLE_RATE) -> float:
    """How much later the sound comes in `decoded` than in `reference`, by cross-correlation.

    Args:
        reference: what a perfect cut holds, [N].
        decoded: the cut to judge, [M].
        rate: of both, in hertz.

    Returns:
        Milliseconds within `SEARCH_MS` either side: 0 for a perfect cut, positive when the cut begins too
        early. Not a number when either holds nothing but zeros.
    """
    if not reference.any() or not decoded.any():
        return math.nan
    products = correlate(decoded.astype(np.float64), reference.astype(np.float64), mode="full", method="fft")
    lags = np.arange(len(products)) - (len(reference) - 1)
    near = np.abs(lags) <= SEARCH_MS * rate // 1000
    lags, products = lags[near], products[near]

    # Far from its place only a small part of the sound overlaps: what counts is how alike that part is. The
    # least energy taken into account keeps a few stray samples at the ends from looking alike by chance.
    begin, end = np.maximum(0, -lags), np.minimum(len(reference), len(decoded) - lags)
    energies = []
    for sound, shift in ((reference, 0), (decoded, lags)):
        until = np.concatenate([[0.0], np.cumsum(np.square(sound, dtype=np.float64))])
        energies.append((until[np.maximum(begin, end) + shift] - until[begin + shift]) / until[-1] + 0.02)
    return float(lags[np.argmax(products / np.sqrt(energies[0] * energies[1]))]) * 1000 / rate

"""Hand-picked features of mels, for the baselines: cepstra, their summary over a clip, and their course.

Cepstral coefficients with their changes over time are what Eronen and Klapuri (2000), the paper's reference
[2], found to tell instruments apart. One thread computes them, so their bits depend on nothing else.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.fft import dct

from ..exceptions import UsageError
from ..shards.reader import MelShards
from ..types import OnProgress, Progress, silent
from .levels import FLOOR, RANGE_DB

Mels = npt.NDArray[np.float32]
Features = npt.NDArray[np.float32]

Extract = Callable[[Mels, bool], Features]
"""From mels, [B, bands, frames], and whether they are decibels, to features, [B, ...]."""

SUMMARY_CEPSTRA = 40
COURSE_CEPSTRA = 20
COURSE_STEPS = 100
"""Steps that a clip is cut into: 100 ms each where it lasts ten seconds."""

AT_ONCE = 64
"""Mels in memory; 26 MB of the paper's."""


def summary(mels: Mels, decibels: bool) -> Features:
    """Mean and deviation over the clip of each cepstral coefficient, and deviation of its changes.

    Args:
        mels: float32, [B, bands, frames].
        decibels: whether they are, rather than power.

    Returns:
        [B, 3 x coefficients].
    """
    cepstra = _cepstra(mels, decibels, SUMMARY_CEPSTRA)
    changes = np.diff(cepstra, axis=2)
    parts = [cepstra.mean(axis=2), cepstra.std(axis=2), changes.std(axis=2)]
    return np.concatenate(parts, axis=1, dtype=np.float32)


def course(mels: Mels, decibels: bool) -> Features:
    """The cepstral coefficients over time, means of short steps.

    Args:
        mels: float32, [B, bands, frames].
        decibels: whether they are, rather than power.

    Returns:
        [B, steps, coefficients].
    """
    cepstra = _cepstra(mels, decibels, COURSE_CEPSTRA)
    frames = cepstra.shape[2]
    starts = np.linspace(0, frames, min(frames, COURSE_STEPS), endpoint=False).astype(np.int64)
    sums = np.add.reduceat(cepstra, starts, axis=2)
    return (sums / np.diff(starts, append=frames)).transpose(0, 2, 1).astype(np.float32)


def _cepstra(mels: Mels, decibels: bool, count: int) -> Features:
    """The first coefficients of the cosine transform over the bands' decibels: [B, coefficients, frames]."""
    if mels.shape[2] < 2:
        raise UsageError("a baseline needs mels of two frames at least", "Featurize with a shorter hop.")
    level = mels
    if not decibels:
        level = 10 * np.log10(np.maximum(mels, np.float32(FLOOR)))
        level = np.maximum(level, level.max(axis=(1, 2), keepdims=True) - np.float32(RANGE_DB))
    transformed: Features = dct(level, axis=1, norm="ortho")[:, :count]
    return transformed


def read_features(
    shards: MelShards, extract: Extract, decibels: bool, on_progress: OnProgress = silent
) -> Features:
    """The features of all rows of a split, in their order; the mels pass through memory a few at a time.

    Args:
        shards: the split, which should not keep its mels in memory.
        decibels: whether the mels are.
        on_progress: called after every batch, with rows.

    Raises:
        DataMismatch: a value is no number.
    """
    parts: list[Features] = []
    done = 0
    for mels, _ in shards.batches(AT_ONCE):
        parts.append(extract(mels, decibels))
        done += len(mels)
        on_progress(Progress(done, len(shards), "features"))
    return np.concatenate(parts)

"""Mean and standard deviation of every mel band: a row at a time, then over the shards of a split.

A row adds to two sums per band, of the differences from a pivot and of their squares; the pivot is the mean
of the first row. Taking the mean's share off the sum of squares afterwards costs no digits then: with n rows
of f frames, and the first row's mean d away from that of all, that share is n f d^2, while that row alone
brings the squared deviations to f d^2 at least.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .compiled import compiled

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

LANES = 64
"""Sums kept side by side, so that an addition need not wait for the one before it: 0.03 ms a row."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the values of some rows are like.

    Args:
        rows: how many.
        mean, std: of every band over rows and frames, float64, [bands].
    """

    rows: int
    mean: Doubles
    std: Doubles


class Accumulator:
    """Takes in rows as they come.

    Args:
        shape: bands and frames of each.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        bands, self._frames = shape
        self._rows = 0
        self._pivot, self._sums, self._squares = np.zeros((3, bands))

    def add(self, mel: Floats) -> None:
        """Take in a row, float32, [bands, frames]."""
        if not self._rows:
            self._pivot = mel.astype(np.float64).sum(axis=1) / self._frames
        _add(mel, self._pivot, self._sums, self._squares)
        self._rows += 1

    def statistics(self) -> Statistics:
        """Of all rows so far; there must be one."""
        values = self._rows * self._frames
        # Rows that hold infinity or NaN have no statistics; `verify` is there to find them.
        with np.errstate(invalid="ignore", over="ignore"):
            offset = self._sums / values
            variance = np.maximum(self._squares / values - offset**2, 0)
            return Statistics(self._rows, self._pivot + offset, np.sqrt(variance))


def combined(parts: Sequence[Statistics]) -> Statistics:
    """The statistics of all rows of some parts; there must be one."""
    rows = np.array([part.rows for part in parts], np.float64)
    means = np.stack([part.mean for part in parts])
    deviations = np.stack([part.std for part in parts])
    with np.errstate(invalid="ignore", over="ignore"):
        mean = np.average(means, axis=0, weights=rows)
        variance = np.average(deviations**2 + (means - mean) ** 2, axis=0, weights=rows)
        return Statistics(int(rows.sum()), mean, np.sqrt(variance))


@compiled
def _add(mel: Floats, pivot: Doubles, sums: Doubles, squares: Doubles) -> None:
    bands, frames = mel.shape
    sum_lanes, square_lanes = np.empty(LANES), np.empty(LANES)
    for band in range(bands):
        sum_lanes[:] = 0
        square_lanes[:] = 0
        for start in range(0, frames - frames % LANES, LANES):
            values = mel[band, start : start + LANES]
            for lane in range(LANES):
                difference = values[lane] - pivot[band]
                sum_lanes[lane] += difference
                square_lanes[lane] += difference * difference
        for lane in range(frames % LANES):
            difference = mel[band, frames - 1 - lane] - pivot[band]
            sum_lanes[lane] += difference
            square_lanes[lane] += difference * difference
        sums[band] += sum_lanes.sum()
        squares[band] += square_lanes.sum()

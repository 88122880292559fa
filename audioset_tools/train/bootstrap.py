"""How far the figures of a split would move with other clips of the same kind: 95 % bootstrap intervals.

Clips are drawn with replacement, as many as there are, and the figures computed anew, many times; the
interval is what the middle 95 % of them span (Efron and Tibshirani 1993, section 13.3). Whole clips are
drawn, so that the rows of one clip, such as its noise copies, go together. What no drawing can tell is how
another training run would have turned out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .metrics import MultiHot, Rates, rates

LEVEL = 0.95

RESAMPLES = 2_000

_BLOCK_VALUES = 4_000_000
"""Draws at a time: 32 MB of numbers, however many clips."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """Lower and upper ends on the last axis, between 0 and 1.

    Args:
        classes: of precision, recall and F1 of every class, [3, classes, 2].
        macro, micro: of their averages, [3, 2].
        ranking: of mAP and the mean AUC, [2, 2]; None where every clip has one class.
        resamples, seed: how many drawings, and what decided them.
    """

    classes: Rates
    macro: Rates
    micro: Rates
    ranking: Rates | None
    resamples: int
    seed: int


def intervals(
    clips: Sequence[str],
    actual: MultiHot,
    predicted: MultiHot,
    probability: Rates | None,
    seed: int,
    resamples: int = RESAMPLES,
) -> Intervals:
    """The intervals of all figures of a split.

    Args:
        clips: which clip each row is of, [rows].
        actual, predicted: zeros and ones, [rows, classes].
        probability: [rows, classes], for intervals of mAP and AUC; None to leave those out.
        seed: decides the drawings.
        resamples: how many.
    """
    _, clip_of = np.unique(np.asarray(clips), return_inverse=True)
    n_clips, n_classes = int(clip_of.max()) + 1, actual.shape[1]
    per_clip = np.zeros((n_clips, 3 * n_classes))
    np.add.at(per_clip, clip_of, np.hstack([actual & predicted, actual, predicted]))
    orders = (
        [] if probability is None else [_Order(*pair) for pair in zip(actual.T, probability.T, strict=True)]
    )
    counts, ranked = [], []
    for weight in _draws(n_clips, resamples, np.random.default_rng(seed)):
        # Whole numbers below 2^53: the sums are exact, whatever order and threads they are added in.
        counts.append(weight @ per_clip)
        if orders:
            by_class = np.array([order.figures(weight[:, clip_of]) for order in orders])
            ranked.append(_mean_of_defined(by_class))
    hits, sounding, named = np.split(np.concatenate(counts), 3, axis=1)
    by_class = np.array(rates(hits, sounding, named))
    together = np.array(rates(*(part.sum(axis=1) for part in (hits, sounding, named))))
    return Intervals(
        classes=_middle(by_class.transpose(0, 2, 1)),
        macro=_middle(by_class.mean(axis=2)),
        micro=_middle(together),
        ranking=_middle(np.concatenate(ranked, axis=1)) if orders else None,
        resamples=resamples,
        seed=seed,
    )


def _draws(n_clips: int, resamples: int, rng: np.random.Generator) -> Iterator[Rates]:
    """How often each clip was drawn, in blocks of resamples: [block, clips]."""
    block = max(1, _BLOCK_VALUES // n_clips)
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = rng.integers(0, n_clips, (size, n_clips)) + n_clips * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * n_clips).reshape(size, n_clips).astype(np.float64)


class _Order:
    """The rows by falling probability of one class: sorted once, whatever their weights."""

    def __init__(self, sounds: npt.NDArray[np.uint8], probability: Rates) -> None:
        self._order = np.argsort(-probability, kind="stable")
        self._sounds = sounds[self._order].astype(np.float64)
        ordered = probability[self._order]
        # Rows of equal probability pass a threshold together.
        self._ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))

    def figures(self, weight: Rates) -> Rates:
        """AP and AUC for each row of weights, NaN where a class sounds in none or in all: [2, block]."""
        drawn = weight[:, self._order]
        hits = np.cumsum(drawn * self._sounds, axis=1)[:, self._ends]
        passed = np.cumsum(drawn, axis=1)[:, self._ends]
        more = np.diff(hits, prepend=0, axis=1)
        alarms = passed - hits
        below = np.diff(alarms, prepend=0, axis=1) * (hits - more / 2)
        positive, negative = hits[:, -1], alarms[:, -1]
        with np.errstate(invalid="ignore", divide="ignore"):
            ap = (more * hits / np.maximum(passed, 1)).sum(axis=1) / positive
            auc = below.sum(axis=1) / (positive * negative)
        undefined = (positive == 0) | (negative == 0)
        return np.where(undefined, np.nan, np.array([ap, auc]))


def _mean_of_defined(by_class: Rates) -> Rates:
    """Over the first axis, without what is NaN; NaN only where all is."""
    defined = ~np.isnan(by_class)
    total = np.where(defined, by_class, 0).sum(axis=0)
    mean: Rates = np.where(defined.any(axis=0), total / np.maximum(defined.sum(axis=0), 1), np.nan)
    return mean


def _middle(values: Rates) -> Rates:
    """The ends of the middle `LEVEL` of the last axis, which becomes two; NaN where nothing is defined."""
    tail = (1 - LEVEL) / 2
    defined = np.isfinite(values).any(axis=-1)
    ends = np.full((*values.shape[:-1], 2), np.nan)
    if defined.any():
        ends[defined] = np.moveaxis(np.nanquantile(values[defined], [tail, 1 - tail], axis=-1), 0, -1)
    return ends

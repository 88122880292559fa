"""The figures: precision, recall and F1 of the paper's tables; AP, AUC and d' of AudioSet's papers.

How far they would move with other clips of the same kind say 95 % bootstrap intervals: clips are drawn with
replacement, as many as there are, and the figures computed again, many times; the interval is what the
middle 95 % of them span (Efron and Tibshirani 1993, section 13.3). Whole clips are drawn, so that the rows of
one clip, such as its noise copies, go together. What no drawing can tell is how another training run would
have turned out.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int64]
MultiHot = npt.NDArray[np.uint8]

Logits = npt.NDArray[np.float64]
"""Of every class, [..., classes]; any number."""

Probabilities = npt.NDArray[np.float64]
"""Of every class, [..., classes], between 0 and 1."""

Rates = npt.NDArray[np.float64]
"""Shares of clips or decisions, such as precision, between 0 and 1; NaN where there is none."""

Weights = npt.NDArray[np.float64]
"""How often each clip, or what is counted of it, was drawn: whole numbers."""

THRESHOLD = 0.5
"""The probability above which a class counts as predicted, where a clip may have several."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Precision, recall and F1 of every class, [classes], each between 0 and 1.

    A class that was never predicted has precision 0, one that never occurs recall 0.

    Args:
        precision, recall, f1: of every class, [classes].
        micro: the three over all decisions together, whatever their class; equal to one another and to the
            accuracy where every clip has one class and one prediction.
    """

    precision: Rates
    recall: Rates
    f1: Rates
    micro: tuple[float, float, float]

    @property
    def macro(self) -> tuple[float, float, float]:
        """Means over the classes of the three: the column Total of the paper's Table 2."""
        return float(self.precision.mean()), float(self.recall.mean()), float(self.f1.mean())


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well the probabilities order the clips, whatever the threshold (Gemmeke et al. 2017, section 4).

    A class that no clip has, or all of them, has no order to judge: its figures are NaN and the
    means leave it out.

    Args:
        ap: average precision of every class, [classes].
        auc: area under the curve of hits over false alarms, [classes].
    """

    ap: Rates
    auc: Rates

    @property
    def d_prime(self) -> npt.NDArray[np.float64]:
        """The distance, in standard deviations, of two normal distributions with such an AUC, [classes]."""
        return d_prime(self.auc)

    @property
    def macro(self) -> tuple[float, float, float]:
        """mAP, the mean AUC, and d' of the mean AUC, as Kong et al. (2020) compute it; NaN if all are."""
        defined = ~np.isnan(self.ap)
        if not defined.any():
            return np.nan, np.nan, np.nan
        auc = self.auc[defined].mean()
        return float(self.ap[defined].mean()), float(auc), float(d_prime(auc))


def multi_hot(labels: npt.ArrayLike, n_classes: int) -> MultiHot:
    """One class a row as a row of zeros and a one: [rows, classes]."""
    hot: MultiHot = np.eye(n_classes, dtype=np.uint8)[np.asarray(labels, np.int64)]
    return hot


def rates(hits: Weights, actual: Weights, predicted: Weights) -> tuple[Rates, Rates, Rates]:
    """Precision, recall and F1 from counts of any shape: hits, clips of the class, predictions of it."""
    return (
        hits / np.maximum(predicted, 1),
        hits / np.maximum(actual, 1),
        2 * hits / np.maximum(actual + predicted, 1),
    )


def scores(confusion: Counts) -> Scores:
    """Precision, recall and F1 from a confusion matrix whose rows are the actual classes."""
    return _scores(np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0))


def label_scores(actual: MultiHot, predicted: MultiHot) -> Scores:
    """Precision, recall and F1 where a clip may have any number of classes.

    Args:
        actual, predicted: zeros and ones, [rows, classes].
    """
    hits = (actual & predicted).sum(axis=0, dtype=np.int64)
    return _scores(hits, actual.sum(axis=0, dtype=np.int64), predicted.sum(axis=0, dtype=np.int64))


def _scores(hits: Counts, actual: Counts, predicted: Counts) -> Scores:
    together = rates(*(count.sum(dtype=np.float64) for count in (hits, actual, predicted)))
    precision, recall, f1 = rates(*(count.astype(np.float64) for count in (hits, actual, predicted)))
    return Scores(precision, recall, f1, micro=(float(together[0]), float(together[1]), float(together[2])))


def ranking(actual: MultiHot, probability: Probabilities) -> Ranking:
    """Average precision and AUC of every class.

    Args:
        actual: zeros and ones, [rows, classes].
        probability: [rows, classes]; only its order within a class counts.
    """
    # Imported here: scikit-learn is of an extra, and whoever reads a run needs none.
    from sklearn.metrics import average_precision_score, roc_auc_score

    ap, auc = (np.full(actual.shape[1], np.nan) for _ in range(2))
    for number, present in enumerate(actual.T):
        if 0 < present.sum() < len(present):
            ap[number] = average_precision_score(present, probability[:, number])
            auc[number] = roc_auc_score(present, probability[:, number])
    return Ranking(ap, auc)


def d_prime(auc: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """The normal deviate of an AUC times the root of 2; infinite where no clip is out of order."""
    # Imported here: who only reads a run need not wait for SciPy.
    from scipy.special import ndtri

    distance: npt.NDArray[np.float64] = np.sqrt(2) * ndtri(np.asarray(auc, np.float64))
    return distance


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
    probability: Probabilities | None,
    seed: int,
    resamples: int = RESAMPLES,
) -> Intervals:
    """The intervals of all figures of a split.

    Args:
        clips: which clip each row is of, [rows].
        actual, predicted: zeros and ones, [rows, classes].
        probability: [rows, classes], for intervals of mAP and AUC; None to leave those out.
        seed: it decides the drawings.
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
    hits, actual_clips, predicted_clips = np.split(np.concatenate(counts), 3, axis=1)
    by_class = np.array(rates(hits, actual_clips, predicted_clips))
    together = np.array(rates(*(part.sum(axis=1) for part in (hits, actual_clips, predicted_clips))))
    return Intervals(
        classes=_middle(by_class.transpose(0, 2, 1)),
        macro=_middle(by_class.mean(axis=2)),
        micro=_middle(together),
        ranking=_middle(np.concatenate(ranked, axis=1)) if orders else None,
        resamples=resamples,
        seed=seed,
    )


def _draws(n_clips: int, resamples: int, rng: np.random.Generator) -> Iterator[Weights]:
    """How often each clip was drawn, in blocks of resamples: [block, clips]."""
    block = max(1, _BLOCK_VALUES // n_clips)
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = rng.integers(0, n_clips, (size, n_clips)) + n_clips * np.arange(size)[:, None]
        yield np.bincount(drawn.ravel(), minlength=size * n_clips).reshape(size, n_clips).astype(np.float64)


class _Order:
    """The rows by falling probability of one class: sorted once, whatever their weights."""

    def __init__(self, present: npt.NDArray[np.uint8], probability: Probabilities) -> None:
        self._order = np.argsort(-probability, kind="stable")
        self._present = present[self._order].astype(np.float64)
        ordered = probability[self._order]
        # Rows of equal probability pass a threshold together.
        self._ends = np.flatnonzero(np.append(ordered[1:] != ordered[:-1], True))

    def figures(self, weight: Weights) -> Rates:
        """AP and AUC for each row of weights, NaN where none drawn has the class, or all: [2, block]."""
        drawn = weight[:, self._order]
        hits = np.cumsum(drawn * self._present, axis=1)[:, self._ends]
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

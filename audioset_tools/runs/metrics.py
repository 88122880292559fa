"""The figures: precision, recall and F1 of the paper's tables; AP, AUC and d' of AudioSet's papers."""

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

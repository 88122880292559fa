"""The figures: precision, recall and F1 of the paper's tables; AP, AUC and d' of AudioSet's papers."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from sklearn.metrics import average_precision_score, roc_auc_score
from sklearn.metrics import confusion_matrix as sklearn_confusion

Counts = npt.NDArray[np.int64]
Rates = npt.NDArray[np.float64]
MultiHot = npt.NDArray[np.uint8]

THRESHOLD = 0.5
"""The probability above which a class counts as heard, where several may sound at once."""


@dataclass(frozen=True, slots=True)
class Scores:
    """Precision, recall and F1 of every class, [classes], each between 0 and 1.

    A class that was never predicted has precision 0, one that never occurs recall 0.

    Args:
        precision, recall, f1: of every class.
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

    A class that sounds in no clip, or in all of them, has no order to judge: its figures are NaN and the
    means leave it out.

    Args:
        ap: average precision of every class, [classes].
        auc: area under the curve of hits over false alarms, [classes].
    """

    ap: Rates
    auc: Rates

    @property
    def d_prime(self) -> Rates:
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


def confusion_matrix(actual: npt.ArrayLike, predicted: npt.ArrayLike, n_classes: int) -> Counts:
    """How often each actual class (row) was predicted as which (column): [classes, classes]."""
    counts: Counts = sklearn_confusion(actual, predicted, labels=range(n_classes))
    return counts


def multi_hot(labels: npt.ArrayLike, n_classes: int) -> MultiHot:
    """One class a row as a row of zeros and a one: [rows, classes]."""
    hot: MultiHot = np.eye(n_classes, dtype=np.uint8)[np.asarray(labels, np.int64)]
    return hot


def rates(hits: Rates, actual: Rates, predicted: Rates) -> tuple[Rates, Rates, Rates]:
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


def ranking(actual: MultiHot, probability: Rates) -> Ranking:
    """Average precision and AUC of every class.

    Args:
        actual: zeros and ones, [rows, classes].
        probability: [rows, classes]; only its order within a class counts.
    """
    ap, auc = (np.full(actual.shape[1], np.nan) for _ in range(2))
    for number, sounds in enumerate(actual.T):
        if 0 < sounds.sum() < len(sounds):
            ap[number] = average_precision_score(sounds, probability[:, number])
            auc[number] = roc_auc_score(sounds, probability[:, number])
    return Ranking(ap, auc)


def d_prime(auc: npt.ArrayLike) -> Rates:
    """The normal deviate of an AUC times the root of 2; infinite where no clip is out of order."""
    distance: Rates = np.sqrt(2) * ndtri(np.asarray(auc, np.float64))
    return distance

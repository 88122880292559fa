"""What a model predicts for every clip of a split, and how good that is."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .calibration import Calibration, calibration
from .intervals import Intervals, intervals
from .metrics import (
    THRESHOLD,
    Counts,
    Logits,
    MultiHot,
    Probabilities,
    Ranking,
    Scores,
    label_scores,
    multi_hot,
    ranking,
    scores,
)

Mels = npt.NDArray[np.float32]

ToLogits = Callable[[Mels], Logits]
"""A model: from mels, float32, [B, bands, frames], to a logit for every class, [B, classes]."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """A model's predictions on one split, row by row.

    Args:
        group: of each clip; those of one group, such as segments of a video, resemble each other.
        actual: its class, int64, [rows]; where it may have several, zeros and ones, uint8, [rows, classes].
        probability: of every class, [rows, classes].
        loss: mean cross-entropy; where a clip may have several, the mean binary one over clips and classes.
    """

    key: tuple[str, ...]
    group: tuple[str, ...]
    actual: npt.NDArray[np.integer]
    probability: Probabilities
    loss: float

    @property
    def multi_label(self) -> bool:
        """Whether a clip may have several classes."""
        return self.actual.ndim == 2

    @property
    def predicted(self) -> npt.NDArray[np.integer]:
        """In the form of `actual`: the most probable class, or each of a probability above 0.5."""
        if self.multi_label:
            return (self.probability > THRESHOLD).astype(np.uint8)
        winners: npt.NDArray[np.int64] = self.probability.argmax(axis=1)
        return winners

    @property
    def hot(self) -> tuple[MultiHot, MultiHot]:
        """`actual` and `predicted` as zeros and ones, uint8, [rows, classes]."""
        if self.multi_label:
            return self.actual.astype(np.uint8), self.predicted.astype(np.uint8)
        n_classes = self.probability.shape[1]
        return multi_hot(self.actual, n_classes), multi_hot(self.predicted, n_classes)

    @property
    def confusion(self) -> Counts:
        """In how many clips of a class (row) which class (column) was predicted: [classes, classes].

        Where several may sound at once a row may add up to more, or to less, than the clips of its class.
        """
        actual, predicted = (hot.astype(np.int64) for hot in self.hot)
        return actual.T @ predicted

    @property
    def scores(self) -> Scores:
        """Precision, recall and F1."""
        return label_scores(*self.hot) if self.multi_label else scores(self.confusion)

    @property
    def macro_f1(self) -> float:
        """What models are chosen by."""
        return self.scores.macro[2]


@dataclass(frozen=True, slots=True)
class NotJudged:
    """A recording that a list of labelled ones names and that could not be judged, and why."""

    path: str
    why: str


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A model's predictions on a split, or on recordings of one's own, and how good they are.

    Args:
        split: train, validation or test; files where the recordings are one's own.
        class_names: what the predictions count.
        scores: precision, recall and F1.
        ranking: AP and AUC, where a clip may have several classes; else None.
        intervals: of scores and ranking.
        calibration: whether its probabilities are what they say.
        run: the folder of the run that was judged, where there is one.
        folder: the one that the evaluation was written to, where it was.
        files: the CSV that lists the recordings, where they are no split.
        left_out: those of them that could not be judged.
    """

    split: str
    class_names: tuple[str, ...]
    predictions: Predictions
    scores: Scores
    ranking: Ranking | None
    intervals: Intervals
    calibration: Calibration
    run: Path | None = None
    folder: Path | None = None
    files: Path | None = None
    left_out: tuple[NotJudged, ...] = ()

    @property
    def macro_f1(self) -> float:
        """Mean F1 of the classes, between 0 and 1."""
        return self.scores.macro[2]


def predictions(
    key: tuple[str, ...], group: tuple[str, ...], actual: npt.NDArray[np.integer], logits: Logits
) -> Predictions:
    """What logits, [rows, classes], amount to."""
    return Predictions(key, group, actual, to_probability(logits, actual.ndim == 2), loss_of(logits, actual))


def group_of(key: str) -> str:
    """The group of a clip of which nothing is known but its key: its video."""
    return key[:11]


def to_probability(logits: Logits, multi_label: bool) -> Probabilities:
    """Softmax, or, where a clip may have several classes, the logistic function: [B, classes]."""
    # Imported here, as below: who only reads a run need not wait for SciPy.
    from scipy.special import expit, softmax

    with np.errstate(invalid="ignore"):
        probability: Probabilities = expit(logits) if multi_label else softmax(logits, axis=1)
    return probability


def loss_of(logits: Logits, actual: npt.NDArray[np.integer]) -> float:
    """Mean cross-entropy, or mean binary cross-entropy where `actual` is zeros and ones, in nat.

    Of logits that are no numbers the loss is none either.
    """
    several = actual.ndim == 2
    return cross_entropy(logits, actual if several else multi_hot(actual, logits.shape[1]), several)


def best_temperature(logits: Logits, actual: npt.NDArray[np.integer]) -> float:
    """What logits must be divided by to have the least loss (Guo et al., ICML 2017, section 4.2).

    One number for all: which class comes first stays as it is. Targets are those of Laplace's rule of
    succession, as Platt (1999, section 2.2) has them: that so many were right does not say that all are.

    Args:
        logits: or scores of any scale, [rows, classes].
        actual: as `Predictions` has it.
    """
    from scipy.optimize import minimize_scalar

    rows, n_classes = logits.shape
    several = actual.ndim == 2
    outcomes = 2 if several else n_classes
    hot = actual if several else multi_hot(actual, n_classes)
    target = (rows * hot.astype(np.float64) + 1) / (rows + outcomes)

    def loss(power: float) -> float:
        return cross_entropy(np.exp(-power) * logits, target, several)

    return float(np.exp(minimize_scalar(loss, bounds=(-6, 12), method="bounded").x))


def cross_entropy(logits: Logits, target: npt.NDArray[np.number[Any]], multi_label: bool) -> float:
    """The mean over rows; multi-label, of binary ones over rows and classes; in nat.

    Args:
        target: probability of every class, [rows, classes].
    """
    from scipy.special import log_softmax

    with np.errstate(invalid="ignore"):
        if multi_label:
            return float((np.logaddexp(0, logits) - target * logits).mean())
        return 0.0 - float((target * log_softmax(logits, axis=1)).sum(axis=1).mean())


def judge(predictions: Predictions, class_names: tuple[str, ...], split: str, seed: int = 0) -> Evaluation:
    """All figures of some predictions.

    Args:
        split: which they are of.
        seed: of the drawings behind the intervals.
    """
    probability = predictions.probability if predictions.multi_label else None
    actual, predicted = predictions.hot
    return Evaluation(
        split=split,
        class_names=class_names,
        predictions=predictions,
        scores=predictions.scores,
        ranking=None if probability is None else ranking(actual, probability),
        intervals=intervals(predictions.group, actual, predicted, probability, seed),
        calibration=calibration(predictions.actual, predictions.probability),
    )

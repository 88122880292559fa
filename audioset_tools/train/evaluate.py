"""What a model says about every clip of a split, and how good that is."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import expit, log_softmax, softmax
from torch import nn

from ..featurize.reader import MelShards
from .bootstrap import Intervals, intervals
from .metrics import (
    THRESHOLD,
    Counts,
    MultiHot,
    Ranking,
    Rates,
    Scores,
    label_scores,
    multi_hot,
    ranking,
    scores,
)

Mels = npt.NDArray[np.float32]

Logits = Callable[[Mels], Rates]
"""From mels, float32, [B, bands, frames], to a logit for every class, float64, [B, classes]."""

AT_ONCE = 16
"""Clips of a batch where nothing is learned."""


@dataclass(frozen=True, slots=True)
class Predictions:
    """A model's answers on one split, row by row.

    Args:
        key: which clip.
        actual: its class, int64, [rows]; where several may sound zeros and ones, uint8, [rows, classes].
        probability: of every class, [rows, classes].
        loss: mean cross-entropy; where several may sound the mean binary one over clips and classes.
    """

    key: tuple[str, ...]
    actual: npt.NDArray[np.integer]
    probability: Rates
    loss: float

    @property
    def multi_label(self) -> bool:
        """Whether several classes may sound at once."""
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
class Evaluation:
    """Predictions and all that is told of them.

    Args:
        split: train, validation or test.
        class_names: what the predictions count.
        predictions: the answers.
        scores: precision, recall and F1.
        ranking: AP and AUC, where several classes may sound at once; else None.
        intervals: of all these.
    """

    split: str
    class_names: tuple[str, ...]
    predictions: Predictions
    scores: Scores
    ranking: Ranking | None
    intervals: Intervals


def predict(model: nn.Module, shards: MelShards, batch_size: int, device: torch.device) -> Predictions:
    """Run a network over a split, in the order of the shards.

    Args:
        model: on `device`; left in evaluation mode.
        shards: the split.
        batch_size: rows at once.
        device: where the model is.
    """
    return answers(network_logits(model, device), shards, batch_size)


def network_logits(model: nn.Module, device: torch.device) -> Logits:
    """What a network says to mels, with no more than evaluation needs."""

    def logits(mels: Mels) -> Rates:
        model.eval()
        with torch.inference_mode():
            said: Rates = model(torch.from_numpy(mels).unsqueeze(1).to(device)).cpu().double().numpy()
        return said

    return logits


def answers(
    logits: Logits,
    shards: MelShards,
    batch_size: int,
    on_batch: Callable[[int, int], None] = lambda done, total: None,
) -> Predictions:
    """Ask anything that gives logits about the clips of a split, in the order of the shards.

    Noise copies, which only the train split has, are left out: a model is judged by clips.

    Args:
        logits: the model.
        shards: the split.
        batch_size: rows at once.
        on_batch: told after every batch how many clips are done and how many there are.
    """
    rows = np.flatnonzero(shards.noise == 0)
    parts = []
    for start in range(0, len(rows), batch_size):
        parts.append(logits(shards.take(rows[start : start + batch_size])))
        on_batch(min(start + batch_size, len(rows)), len(rows))
    said = np.concatenate(parts)
    multi_label = shards.header.multi_label
    actual = shards.target[rows] if multi_label else shards.label[rows].astype(np.int64)
    return predictions(tuple(key.decode() for key in shards.key[rows]), actual, said)


def predictions(key: tuple[str, ...], actual: npt.NDArray[np.integer], logits: Rates) -> Predictions:
    """What logits, [rows, classes], amount to."""
    return Predictions(key, actual, to_probability(logits, actual.ndim == 2), loss_of(logits, actual))


def to_probability(logits: Rates, multi_label: bool) -> Rates:
    """Softmax, or, where several classes may sound at once, the logistic function: [B, classes]."""
    with np.errstate(invalid="ignore"):
        probability: Rates = expit(logits) if multi_label else softmax(logits, axis=1)
    return probability


def loss_of(logits: Rates, actual: npt.NDArray[np.integer]) -> float:
    """Mean cross-entropy, or mean binary cross-entropy where `actual` is zeros and ones, in nat.

    Of logits that are no numbers the loss is none either.
    """
    with np.errstate(invalid="ignore"):
        if actual.ndim == 2:
            return float((np.logaddexp(0, logits) - actual * logits).mean())
        return 0.0 - float(log_softmax(logits, axis=1)[np.arange(len(actual)), actual].mean())


def judge(predictions: Predictions, class_names: tuple[str, ...], split: str, seed: int = 0) -> Evaluation:
    """All figures of some predictions.

    Args:
        predictions: the answers.
        class_names: what they count.
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
        intervals=intervals(predictions.key, actual, predicted, probability, seed),
    )

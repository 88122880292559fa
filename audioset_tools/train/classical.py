"""The classical baselines of the paper's related work, by name: they learn from hand-picked features.

What one has learned is arrays, and what answers is our own arithmetic upon them (or a public function of
scikit-learn): nothing of scikit-learn or hmmlearn itself is ever stored.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize_scalar
from threadpoolctl import threadpool_limits

from ..errors import DataMismatch
from . import gmm, hmm, knn, svm
from .about import NOT_OURS, About
from .evaluate import Logits, Mels, loss_of
from .features import Extract, Features, course, summary
from .metrics import MultiHot, Rates
from .weights import Tensors

Settings = Mapping[str, float]

COMMON_SHAPES = {"mean": ("features",), "std": ("features",), "scale": ()}


@dataclass(frozen=True, slots=True)
class Baseline:
    """How one of them works.

    Args:
        extract: its features of mels.
        grid: settings to choose from.
        shapes: names of the axes of every array that `fit` gives.
        fit: from standardised features, targets as zeros and ones, settings, a seed and whether classes
            overlap to arrays.
        score: from these, standardised features and whether classes overlap to scores, [rows, classes].
    """

    extract: Extract
    grid: tuple[Settings, ...]
    shapes: Mapping[str, tuple[str, ...]]
    fit: Callable[[Features, MultiHot, Settings, int, bool], Tensors]
    score: Callable[[Tensors, Features, bool], Rates]


CLASSICAL: dict[str, Baseline] = {
    "svm": Baseline(summary, svm.GRID, svm.SHAPES, svm.fit, svm.score),
    "gmm": Baseline(summary, gmm.GRID, gmm.SHAPES, gmm.fit, gmm.score),
    "knn": Baseline(summary, knn.GRID, knn.SHAPES, knn.fit, knn.score),
    "hmm": Baseline(course, hmm.GRID, hmm.SHAPES, hmm.fit, hmm.score),
}


def standardiser(features: Features) -> Tensors:
    """Mean and deviation of each feature over all other axes; what never changes has deviation 1."""
    axes = tuple(range(features.ndim - 1))
    mean = features.mean(axes, np.float64).astype(np.float32)
    std = features.std(axes, np.float64).astype(np.float32)
    return {"mean": mean, "std": np.where(std > 1e-6, std, 1).astype(np.float32)}


def standardised(features: Features, tensors: Tensors) -> Features:
    """Features with mean 0 and deviation 1 over the train split."""
    return ((features - tensors["mean"]) / tensors["std"]).astype(np.float32, copy=False)


def best_scale(scores: Rates, actual: npt.NDArray[np.integer]) -> float:
    """What scores must be multiplied by to be the logits of the least loss on the validation split.

    One number for all: which class comes first stays as it is (Guo et al. 2017, temperature scaling).

    Args:
        scores: [rows, classes].
        actual: as `Predictions` has it.
    """

    def loss(power: float) -> float:
        return loss_of(np.exp(power) * scores, actual)

    return float(np.exp(minimize_scalar(loss, bounds=(-12, 6), method="bounded").x))


def classical_logits(name: str, tensors: Tensors, about: About, path: Path) -> Logits:
    """What a stored baseline says to mels.

    Args:
        name: one of `CLASSICAL`.
        tensors: what it learned.
        about: of the run.
        path: of the weights, for the message.

    Raises:
        DataMismatch: the arrays are not those of such a baseline.
    """
    baseline = CLASSICAL[name]
    _require_shapes(tensors, {**baseline.shapes, **COMMON_SHAPES}, about, path)
    decibels = bool(about.spec.get("log"))

    def logits(mels: Mels) -> Rates:
        with threadpool_limits(1), np.errstate(all="ignore"):
            features = standardised(baseline.extract(mels, decibels), tensors)
            said: Rates = float(tensors["scale"]) * baseline.score(tensors, features, about.multi_label)
        return said

    return logits


def _require_shapes(
    tensors: Tensors, shapes: Mapping[str, tuple[str, ...]], about: About, path: Path
) -> None:
    """See that every array is there, of floating-point numbers, and that equal axes have equal lengths."""
    n_classes = len(about.class_names)
    lengths = {"classes": n_classes, "groups": n_classes * (2 if about.multi_label else 1)}
    fit = sorted(tensors) == sorted(shapes)
    for name in shapes if fit else ():
        axes, found = shapes[name], tensors[name]
        fit &= found.dtype.kind == "f" and found.ndim == len(axes)
        fit &= all(
            0 < length == lengths.setdefault(axis, length)
            for axis, length in zip(axes, found.shape, strict=False)
        )
    if not fit:
        raise DataMismatch(f"{path} holds no such arrays as a {about.config['model']} has", NOT_OURS)

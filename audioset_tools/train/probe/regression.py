"""A multinomial logistic regression on features; where classes overlap, one for each class against the rest.

What it has learned is arrays, as with the baselines.
"""

import warnings
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from ...exceptions import DataMismatch
from ...runs.about import About
from ...runs.evaluation import ToLogits
from ...runs.metrics import Logits, MultiHot
from ..baselines import Classifier, ClassScores, Settings, groups, require_shapes, standardised, standardiser
from ..weights import Tensors
from .embedder import Features

STRENGTHS = (0.001, 0.01, 0.1, 1.0)
"""Of C, the inverse of how much large weights cost, on standardised features."""

LEAST_SCORE = 1e-5
"""Of a tagger's scores; what is below says no more than this."""

SHAPES = {
    "weights": ("classes", "features"),
    "intercepts": ("classes",),
    "logarithm": (),
    "mean": ("features",),
    "std": ("features",),
}

ROUNDS = 1_000


def grid_for(features: Features) -> tuple[Settings, ...]:
    """The settings that are tried: each strength, and, where features are scores, also their logarithms.

    Scores, all of them between 0 and 1, range over powers of ten.
    """
    are_scores = features.min() >= 0 and features.max() <= 1
    logarithms = (0.0, 1.0) if are_scores else (0.0,)
    return tuple({"C": strength, "log": logarithm} for logarithm in logarithms for strength in STRENGTHS)


def fit_regression(
    features: Features, target: MultiHot, settings: Settings, seed: int, multi_label: bool
) -> Tensors:
    """Fit to some rows.

    Args:
        features: as the embedder gives them, [rows, features].
        target: zeros and ones, [rows, classes].
        seed: not used: the least loss is the same from everywhere.

    Raises:
        DataMismatch: a class is in none of the rows, or, where they overlap, in all.
    """
    list(groups(target, multi_label))
    logarithm = {"logarithm": np.array(settings["log"])}
    transformed = _transformed(features, logarithm)
    scaling = standardiser(transformed)
    rows = standardised(transformed, scaling)
    if multi_label:
        parts = [_fitted(rows, present, settings["C"]) for present in target.T]
        weights, intercepts = (np.concatenate(each) for each in zip(*parts, strict=True))
    else:
        weights, intercepts = _fitted(rows, target.argmax(axis=1), settings["C"])
        if len(weights) == 1:
            # Of two classes the library has the second one's odds.
            weights, intercepts = np.stack([0 * weights[0], weights[0]]), np.array([0, intercepts[0]])
    # As a file gives them back: products of another layout differ in their last bits.
    return {"weights": np.ascontiguousarray(weights), "intercepts": intercepts, **logarithm, **scaling}


def _fitted(rows: Features, labels: MultiHot, strength: float) -> tuple[ClassScores, ClassScores]:
    # Imported here: who only predicts need not wait for it.
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=strength, max_iter=ROUNDS)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(rows.astype(np.float64), labels)
    return model.coef_, model.intercept_


def score_regression(tensors: Tensors, features: Features, multi_label: bool) -> ClassScores:
    """The logit of each class, [rows, classes]."""
    rows = standardised(_transformed(features, tensors), tensors).astype(np.float64)
    scores: ClassScores = rows @ tensors["weights"].T + tensors["intercepts"]
    return scores


def _transformed(features: Features, tensors: Tensors) -> Features:
    if not tensors["logarithm"]:
        return features
    logarithms: Features = np.log(np.maximum(features, np.float32(LEAST_SCORE)))
    return logarithms


REGRESSION = Classifier(shapes=SHAPES, fit=fit_regression, score=score_regression)


def regression_logits(tensors: Tensors, about: About, path: Path) -> ToLogits:
    """A stored regression as a model, from features to logits.

    Args:
        path: of the weights, for the message.

    Raises:
        DataMismatch: the arrays are not those of a regression; or, later, features are of another number.
    """
    require_shapes(tensors, SHAPES, about, path)
    learned = len(tensors["mean"])

    def to_logits(features: Features) -> Logits:
        if features.shape[1] != learned:
            found = f"{features.shape[1]:,} of the embedding file"
            raise DataMismatch(
                f"{path} takes {learned:,} features, not {found}", "Train again with that file."
            )
        with threadpool_limits(1), np.errstate(all="ignore"):
            logits: Logits = score_regression(tensors, features, about.multi_label)
        return logits

    return to_logits

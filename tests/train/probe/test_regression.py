"""The regression answers as scikit-learn's own pipeline would, and refuses arrays of others."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from audioset_tools.exceptions import DataMismatch
from audioset_tools.runs.metrics import multi_hot
from audioset_tools.train.probe.regression import (
    LEAST_SCORE,
    fit_regression,
    grid_for,
    regression_logits,
    score_regression,
)
from tests.train.small import CLASSES, about


def scores(labels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """What a tagger may say of clips of some classes: five scores that range over powers of ten."""
    exponents = rng.normal(-3, 0.7, (len(labels), 5))
    exponents[np.arange(len(labels)), labels] += 1.5
    return np.minimum(10**exponents, 1).astype(np.float32)


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Features of a train split, its labels, and features to judge."""
    rng = np.random.default_rng(0)
    labels = rng.permutation(np.arange(60) % 3)
    return scores(labels, rng), labels, scores(labels[:20], rng)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("log", [0.0, 1.0])
def test_probabilities_are_those_of_the_library(
    rows: tuple[np.ndarray, np.ndarray, np.ndarray], n_classes: int, log: float
) -> None:
    features, labels, others = rows
    labels = labels % n_classes
    tensors = fit_regression(features, multi_hot(labels, n_classes), {"C": 0.1, "log": log}, 0, False)
    change = (lambda x: np.log(np.maximum(x, LEAST_SCORE))) if log else None
    own = make_pipeline(
        FunctionTransformer(change), StandardScaler(), LogisticRegression(C=0.1, max_iter=1_000, tol=1e-8)
    ).fit(features.astype(np.float64), labels)
    found = softmax(score_regression(tensors, others, False), axis=1)
    np.testing.assert_allclose(found, own.predict_proba(others.astype(np.float64)), atol=2e-3)


def test_classes_that_overlap_are_told_each_by_itself(
    rows: tuple[np.ndarray, np.ndarray, np.ndarray],
) -> None:
    features, labels, others = rows
    target = multi_hot(labels, 3) | (features[:, :3] > 0.02)
    tensors = fit_regression(features, target, {"C": 1.0, "log": 1.0}, 0, True)
    logarithms = [np.log(np.maximum(each, LEAST_SCORE)) for each in (features, others)]
    scaler = StandardScaler().fit(logarithms[0])
    found = expit(score_regression(tensors, others, True))
    for one in range(3):
        own = LogisticRegression(C=1.0).fit(scaler.transform(logarithms[0]), target[:, one])
        wanted = own.predict_proba(scaler.transform(logarithms[1]))[:, 1]
        np.testing.assert_allclose(found[:, one], wanted, atol=2e-3)


def test_logarithms_are_tried_of_scores_alone() -> None:
    given = np.array([[0.0, 0.5], [1.0, 0.25]], np.float32)
    tried = {setting["log"] for setting in grid_for(given)}
    assert tried == {0.0, 1.0}
    for embeddings in (given * 2, given - 0.1):
        assert {setting["log"] for setting in grid_for(embeddings)} == {0.0}


def test_a_feature_that_never_changes_and_one_that_is_zero_do_no_harm() -> None:
    features = np.array([[0, 0.5, 0.1], [0, 0.5, 0.9]] * 5, np.float32)
    target = multi_hot(np.array([0, 1] * 5), 2)
    for settings in grid_for(features):
        tensors = fit_regression(features, target, settings, 0, False)
        assert score_regression(tensors, features, False).argmax(axis=1).tolist() == [0, 1] * 5


@pytest.mark.parametrize("multi_label", [False, True])
def test_a_class_without_clips_is_an_error(multi_label: bool) -> None:
    target = np.array([[1, 0, 0], [0, 1, 0]], np.uint8)
    with pytest.raises(DataMismatch, match="in none of the training clips"):
        fit_regression(np.ones((2, 4), np.float32), target, {"C": 1.0, "log": 0.0}, 0, multi_label)


def test_arrays_of_another_model_are_refused(rows: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    features, labels, others = rows
    one = about(config={"model": "probe", "seed": 0})
    tensors = fit_regression(features, multi_hot(labels, len(CLASSES)), {"C": 0.1, "log": 1.0}, 0, False)
    assert regression_logits(tensors, one, Path("w"))(others).shape == (20, 3)
    with pytest.raises(DataMismatch, match="features"):
        regression_logits(tensors, one, Path("w"))(others[:, :4])
    wrong = [
        {name: tensor for name, tensor in tensors.items() if name != "logarithm"},
        tensors | {"weights": tensors["weights"][:2]},
        tensors | {"mean": tensors["mean"][:4]},
        tensors | {"logarithm": np.array(1)},
    ]
    for each in wrong:
        with pytest.raises(DataMismatch, match="holds no such arrays as a probe has"):
            regression_logits(each, one, Path("w"))

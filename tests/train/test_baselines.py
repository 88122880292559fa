"""The baselines learn, answer as the fitted models of the libraries would, and refuse arrays of others."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC

from audioset_tools.exceptions import DataMismatch
from audioset_tools.runs.folder import Run
from audioset_tools.runs.metrics import multi_hot
from audioset_tools.train import fit
from audioset_tools.train.baselines import (
    GMM_LEAST_VARIANCE,
    HMM_LEAST_VARIANCE,
    ROUNDS,
    classical_logits,
    fit_gmm,
    fit_hmm,
    fit_knn,
    fit_svm,
    score_gmm,
    score_hmm,
    score_knn,
    score_svm,
)
from audioset_tools.train.config import TrainConfig
from audioset_tools.train.weights import read_weights
from audioset_tools.workspace import Workspace
from tests.train.small import CLASSES, FITTED, about, place


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take most of the time of a small run, and test_trained.py has them."""
    monkeypatch.setattr("audioset_tools.plots.draw_confusion", lambda *args: None)


def go(workspace: Workspace, model: str, seed: int = 0) -> Run:
    return fit.fit_baseline(workspace, TrainConfig(model=model, seed=seed))


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standardised features with classes, and others to judge."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    features = (rng.standard_normal((60, 5)) + labels[:, None]).astype(np.float32)
    return features, labels, rng.standard_normal((20, 5)).astype(np.float32)


def test_svm_answers_as_the_fitted_machines(rows: tuple[np.ndarray, ...]) -> None:
    features, labels, others = rows
    tensors = fit_svm(features, multi_hot(labels, 3), {"C": 2.0, "gamma": 0.5}, 0, False)
    found = score_svm(tensors, others, False)
    for number in range(3):
        machine = SVC(C=2, gamma=0.1, class_weight="balanced").fit(features, labels == number)
        np.testing.assert_allclose(found[:, number], machine.decision_function(others), atol=1e-6)


def test_svm_takes_a_class_that_no_clip_has_or_every_one(rows: tuple[np.ndarray, ...]) -> None:
    features, labels, others = rows
    target = np.stack([labels == 0, 0 * labels, 0 * labels + 1], axis=1).astype(np.uint8)
    found = score_svm(fit_svm(features, target, {"C": 2.0, "gamma": 0.5}, 0, True), others, True)
    machine = SVC(C=2, gamma=0.1, class_weight="balanced").fit(features, labels == 0)
    np.testing.assert_allclose(found[:, 0], machine.decision_function(others), atol=1e-6)
    assert (found[:, 1] == -1).all() and (found[:, 2] == 1).all()
    with pytest.raises(DataMismatch, match="nothing to tell apart"):
        fit_svm(features, target[:, 1:], {"C": 2.0, "gamma": 0.5}, 0, True)


def test_knn_answers_as_the_fitted_neighbours(rows: tuple[np.ndarray, ...]) -> None:
    features, labels, others = rows
    tensors = fit_knn(features, multi_hot(labels, 3), {"k": 7.0}, 0, False)
    share = KNeighborsClassifier(7).fit(features, labels).predict_proba(others)
    wanted = (7 * share + 1 / 3) / 8
    np.testing.assert_allclose(softmax(score_knn(tensors, others, False), axis=1), wanted)
    odds = np.exp(score_knn(tensors, others, True))
    np.testing.assert_allclose(odds / (1 + odds), (7 * share + 0.5) / 8)


def test_gmm_answers_as_the_fitted_mixtures(rows: tuple[np.ndarray, ...]) -> None:
    features, labels, others = rows
    tensors = fit_gmm(features, multi_hot(labels, 3), {"components": 2.0}, 3, False)
    found = score_gmm(tensors, others, False)
    for number in range(3):
        mixture = GaussianMixture(2, covariance_type="diag", reg_covar=GMM_LEAST_VARIANCE, random_state=3)
        mixture.fit(features[labels == number].astype(np.float64))
        wanted = mixture.score_samples(others.astype(np.float64)) + np.log(1 / 3)
        np.testing.assert_allclose(found[:, number], wanted)


def test_mixtures_of_different_sizes_are_stored_together(rows: tuple[np.ndarray, ...]) -> None:
    features, labels, others = rows
    few = np.flatnonzero((labels != 1) | (np.arange(60) < 6))
    tensors = fit_gmm(features[few], multi_hot(labels[few], 3), {"components": 4.0}, 0, False)
    assert tensors["weights"].shape == (3, 4) and tensors["weights"][1, 2:].tolist() == [0, 0]
    assert np.isfinite(score_gmm(tensors, others, False)).all()


@pytest.mark.skipif("hmm" not in FITTED, reason="there is no hmmlearn for this Python")
def test_hmm_answers_as_the_fitted_models() -> None:
    from hmmlearn.hmm import GaussianHMM

    rng = np.random.default_rng(0)
    labels = np.arange(30) % 3
    rows = (rng.standard_normal((30, 9, 4)) + labels[:, None, None]).astype(np.float32)
    others = rng.standard_normal((10, 9, 4)).astype(np.float32)
    tensors = fit_hmm(rows, multi_hot(labels, 3), {"states": 2.0}, 3, False)
    found = score_hmm(tensors, others, False)
    for number in range(3):
        members = rows[labels == number].astype(np.float64)
        model = GaussianHMM(2, n_iter=ROUNDS, min_covar=HMM_LEAST_VARIANCE, random_state=3)
        model.fit(members.reshape(-1, 4), lengths=[9] * 10)
        wanted = [model.score(other.astype(np.float64)) + np.log(1 / 3) for other in others]
        np.testing.assert_allclose(found[:, number], wanted)


@pytest.mark.parametrize("target", [np.zeros((6, 2), np.uint8), np.ones((6, 2), np.uint8)])
def test_a_class_that_sounds_never_or_always_cannot_be_modelled(target: np.ndarray) -> None:
    with pytest.raises(DataMismatch, match="none of the training clips, or in all"):
        fit_gmm(np.zeros((6, 3), np.float32), target, {"components": 1.0}, 0, True)


@pytest.mark.parametrize("model", FITTED)
def test_arrays_of_another_model_or_shape_are_refused(tmp_path: Path, model: str) -> None:
    path = go(place(tmp_path), model).path / "model.safetensors"
    weights = read_weights(path)
    found, tensors = weights.about, weights.tensors
    classical_logits(model, tensors, found, path)
    for name, tensor in tensors.items():
        without = {other: value for other, value in tensors.items() if other != name}
        for wrong in (without, tensors | {name: tensor.astype(np.int64)}, tensors | {name: tensor[None]}):
            with pytest.raises(DataMismatch, match=f"such arrays as a {model}"):
                classical_logits(model, wrong, found, path)
    with pytest.raises(DataMismatch):
        classical_logits(model, tensors, about(config={"model": model}, class_names=CLASSES[:2]), path)
    with pytest.raises(DataMismatch):
        classical_logits(model, tensors | {"more": tensors["mean"]}, found, path)

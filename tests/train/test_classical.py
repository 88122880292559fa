"""The baselines learn, answer as the fitted models of the libraries would, and refuse arrays of others."""

import json
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hmmlearn.hmm import GaussianHMM
from scipy.special import softmax
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import SVC
from threadpoolctl import threadpool_limits

from audioset_tools.errors import DataMismatch, UsageError
from audioset_tools.featurize.reader import MelShards
from audioset_tools.train import fit, gmm, hmm, knn, svm
from audioset_tools.train.classical import CLASSICAL, best_scale, classical_logits
from audioset_tools.train.config import TrainConfig
from audioset_tools.train.evaluate import loss_of
from audioset_tools.train.features import COURSE_STEPS, course, summary
from audioset_tools.train.folder import Run, Trial, read_history
from audioset_tools.train.metrics import multi_hot
from audioset_tools.train.weights import read_weights
from audioset_tools.workspace import Workspace

from .small import CLASSES, about, place


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take most of the time of a small run, and test_evaluate.py has them."""
    monkeypatch.setattr("audioset_tools.train.folder.draw_confusion", lambda *args: None)


def go(workspace: Workspace, model: str, seed: int = 0) -> Run:
    return fit.fit_baseline(workspace, TrainConfig(model=model, seed=seed), lambda trial: None)


@pytest.mark.parametrize("model", CLASSICAL)
def test_it_learns_to_tell_the_classes_apart(tmp_path: Path, model: str) -> None:
    trials: list[Trial] = []
    steps: list[tuple[int, int]] = []
    workspace = place(tmp_path, noise_copies=1)
    run = fit.fit_baseline(
        workspace, TrainConfig(model=model), trials.append, lambda *step: steps.append(step)
    )
    assert run.test.macro_f1 > 0.9
    assert run.path == workspace.runs / model
    assert tuple(trials) == run.history == read_history(run.path)
    assert [trial.settings.endswith("noise copies too") for trial in trials] == [False] * len(
        CLASSICAL[model].grid
    ) + [True]
    assert steps == [(60, 60), (12, 12)]
    best = trials[run.best_epoch - 1]
    assert (best.validation_f1, best.validation_loss) == (
        pytest.approx(run.validation.macro_f1),
        pytest.approx(run.validation.loss, abs=1e-9),
    )
    assert not (run.path / "curves.png").exists()


@pytest.mark.parametrize("model", CLASSICAL)
def test_several_classes_at_once(tmp_path: Path, model: str) -> None:
    run = go(place(tmp_path, multi_label=True, clips=(60, 30, 30)), model)
    assert run.test.macro_f1 > 0.8
    test = json.loads((run.path / "metrics.json").read_text())["test"]
    assert test["macro"]["map"] > 0.85
    assert (run.test.probability > 0.5).sum(axis=1).max() > 1


@pytest.mark.parametrize("model", CLASSICAL)
def test_the_seed_decides_whatever_the_number_of_threads(tmp_path: Path, model: str) -> None:
    workspace = place(tmp_path, noise_copies=1)
    with threadpool_limits(2):
        first = go(workspace, model)
    with threadpool_limits(1):
        again = go(workspace, model)
    assert again.path.name == f"{model}-2"
    for name in ("model.safetensors", "predictions.csv", "metrics.json"):
        assert (first.path / name).read_bytes() == (again.path / name).read_bytes()


def test_mels_that_the_split_does_not_keep_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[bool | None] = []

    class Watched(MelShards):
        def __init__(self, folder: Path, split: str, in_memory: bool | None = None) -> None:
            super().__init__(folder, split, in_memory)
            kept.append(in_memory)

    monkeypatch.setattr(fit, "MelShards", Watched)
    go(place(tmp_path), "knn")
    assert kept == [False] * 3


@pytest.fixture(scope="module")
def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Standardised features with classes, and others to judge."""
    rng = np.random.default_rng(0)
    labels = np.arange(60) % 3
    features = (rng.standard_normal((60, 5)) + labels[:, None]).astype(np.float32)
    return features, labels, rng.standard_normal((20, 5)).astype(np.float32)


def test_svm_answers_as_the_fitted_machines(rows: tuple[np.ndarray, ...]) -> None:
    features, labels, others = rows
    tensors = svm.fit(features, multi_hot(labels, 3), {"C": 2.0, "gamma": 0.5}, 0, False)
    found = svm.score(tensors, others, False)
    for number in range(3):
        machine = SVC(C=2, gamma=0.1, class_weight="balanced").fit(features, labels == number)
        np.testing.assert_allclose(found[:, number], machine.decision_function(others), atol=1e-6)


def test_knn_answers_as_the_fitted_neighbours(rows: tuple[np.ndarray, ...]) -> None:
    features, labels, others = rows
    tensors = knn.fit(features, multi_hot(labels, 3), {"k": 7.0}, 0, False)
    share = KNeighborsClassifier(7).fit(features, labels).predict_proba(others)
    wanted = (7 * share + 1 / 3) / 8
    np.testing.assert_allclose(softmax(knn.score(tensors, others, False), axis=1), wanted)
    odds = np.exp(knn.score(tensors, others, True))
    np.testing.assert_allclose(odds / (1 + odds), (7 * share + 0.5) / 8)


def test_gmm_answers_as_the_fitted_mixtures(rows: tuple[np.ndarray, ...]) -> None:
    features, labels, others = rows
    tensors = gmm.fit(features, multi_hot(labels, 3), {"components": 2.0}, 3, False)
    found = gmm.score(tensors, others, False)
    for number in range(3):
        mixture = GaussianMixture(2, covariance_type="diag", reg_covar=gmm.LEAST_VARIANCE, random_state=3)
        mixture.fit(features[labels == number].astype(np.float64))
        wanted = mixture.score_samples(others.astype(np.float64)) + np.log(1 / 3)
        np.testing.assert_allclose(found[:, number], wanted)


def test_mixtures_of_different_sizes_are_stored_together(rows: tuple[np.ndarray, ...]) -> None:
    features, labels, others = rows
    few = np.flatnonzero((labels != 1) | (np.arange(60) < 6))
    tensors = gmm.fit(features[few], multi_hot(labels[few], 3), {"components": 4.0}, 0, False)
    assert tensors["weights"].shape == (3, 4) and tensors["weights"][1, 2:].tolist() == [0, 0]
    assert np.isfinite(gmm.score(tensors, others, False)).all()


def test_hmm_answers_as_the_fitted_models() -> None:
    rng = np.random.default_rng(0)
    labels = np.arange(30) % 3
    rows = (rng.standard_normal((30, 9, 4)) + labels[:, None, None]).astype(np.float32)
    others = rng.standard_normal((10, 9, 4)).astype(np.float32)
    tensors = hmm.fit(rows, multi_hot(labels, 3), {"states": 2.0}, 3, False)
    found = hmm.score(tensors, others, False)
    for number in range(3):
        members = rows[labels == number].astype(np.float64)
        model = GaussianHMM(2, n_iter=hmm.ROUNDS, min_covar=hmm.LEAST_VARIANCE, random_state=3)
        model.fit(members.reshape(-1, 4), lengths=[9] * 10)
        wanted = [model.score(other.astype(np.float64)) + np.log(1 / 3) for other in others]
        np.testing.assert_allclose(found[:, number], wanted)


@pytest.mark.parametrize("target", [np.zeros((6, 2), np.uint8), np.ones((6, 2), np.uint8)])
def test_a_class_that_sounds_never_or_always_cannot_be_modelled(target: np.ndarray) -> None:
    with pytest.raises(DataMismatch, match="none of the training clips, or in all"):
        gmm.fit(np.zeros((6, 3), np.float32), target, {"components": 1.0}, 0, True)


def test_the_scale_is_the_one_of_the_least_loss() -> None:
    rng = np.random.default_rng(0)
    actual = rng.integers(0, 3, 200)
    scores = 50 * (np.eye(3)[actual] + 0.8 * rng.standard_normal((200, 3)))
    best = best_scale(scores, actual)
    losses = [loss_of(best * factor * scores, actual) for factor in (0.9, 1, 1.1)]
    assert losses[1] == min(losses) < loss_of(scores, actual)


def test_a_constant_mel_has_one_coefficient_and_no_changes() -> None:
    found = summary(np.full((2, 12, 24), -30, np.float32), True)
    assert found.shape == (2, 36) and found.dtype == np.float32
    np.testing.assert_allclose(found[:, 0], -30 * np.sqrt(12), rtol=1e-6)
    np.testing.assert_allclose(found[:, 1:], 0, atol=1e-4)


def test_power_becomes_decibels_80_below_the_loudest_at_most() -> None:
    power = np.full((1, 12, 24), 1e-30, np.float32)
    power[0, :, 0] = 100
    decibels = np.full((1, 12, 24), -60, np.float32)
    decibels[0, :, 0] = 20
    for extract in (summary, course):
        np.testing.assert_allclose(extract(power, False), extract(decibels, True), atol=1e-4)


@pytest.mark.parametrize("frames", [2, 24, COURSE_STEPS, 3 * COURSE_STEPS + 7])
def test_a_course_has_the_means_of_its_steps(frames: int) -> None:
    ramp = np.tile(np.arange(frames, dtype=np.float32), (1, 12, 1))
    found = course(ramp, True)
    steps = min(frames, COURSE_STEPS)
    assert found.shape == (1, steps, 12)
    edges = [int(step * frames / steps) for step in range(steps + 1)]
    wanted = [np.arange(a, b).mean() for a, b in pairwise(edges)]
    np.testing.assert_allclose(found[0, :, 0], np.sqrt(12) * np.array(wanted), rtol=1e-5)


def test_mels_of_one_frame_have_no_changes() -> None:
    with pytest.raises(UsageError, match="two frames"):
        summary(np.zeros((1, 12, 1), np.float32), True)


@pytest.mark.parametrize("model", CLASSICAL)
def test_arrays_of_another_model_or_shape_are_refused(tmp_path: Path, model: str) -> None:
    path = go(place(tmp_path), model).path / "model.safetensors"
    found, tensors = read_weights(path)
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


@pytest.mark.parametrize("setting", [{"epochs": 3}, {"lr": 0.1}, {"augment": ("mixup",)}, {"filters": (8,)}])
def test_a_baseline_has_no_settings_of_a_network(setting: dict[str, object]) -> None:
    with pytest.raises(UsageError, match=f"svm has no {next(iter(setting))}"):
        TrainConfig(model="svm", **setting)  # type: ignore[arg-type]
    assert TrainConfig(**setting, seed=3).for_model("svm") == TrainConfig(model="svm", seed=3)  # type: ignore[arg-type]

"""Fitting a baseline from shards to run folder."""

import json
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest
from threadpoolctl import threadpool_limits

from audioset_tools import __version__
from audioset_tools.exceptions import EnvironmentProblem, UsageError
from audioset_tools.runs.folder import Run, Trial, read_history
from audioset_tools.shards.reader import MelShards
from audioset_tools.train import fit
from audioset_tools.train.baselines import CLASSICAL
from audioset_tools.train.config import TrainConfig
from audioset_tools.train.run import train
from audioset_tools.types import Progress
from audioset_tools.workspace import Workspace
from tests.train.small import FITTED, place


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take most of the time of a small run, and test_trained.py has them."""
    monkeypatch.setattr("audioset_tools.plots.draw_confusion", lambda *args: None)


def go(workspace: Workspace, model: str, seed: int = 0) -> Run:
    return fit.fit_baseline(workspace, TrainConfig(model=model, seed=seed))


@pytest.mark.parametrize("model", FITTED)
def test_it_learns_to_tell_the_classes_apart(tmp_path: Path, model: str) -> None:
    trials: list[Trial] = []
    steps: list[Progress] = []
    workspace = place(tmp_path, noise_copies=1)
    config = TrainConfig(model=model)
    run = fit.fit_baseline(workspace, config, on_trial=trials.append, on_progress=steps.append)
    assert run.test.macro_f1 > 0.9
    assert run.path == workspace.runs / model
    assert tuple(trials) == run.history == read_history(run.path)
    assert [trial.settings.endswith("noise copies too") for trial in trials] == [False] * len(
        CLASSICAL[model].grid
    ) + [True]
    assert [(step.done, step.total, step.text) for step in steps] == [
        (60, 60, "features"),
        (12, 12, "features"),
    ]
    best = trials[run.best_epoch - 1]
    assert (best.validation_f1, best.validation_loss) == (
        pytest.approx(run.validation.macro_f1),
        pytest.approx(run.validation.loss, abs=1e-9),
    )
    assert not (run.path / "curves.png").exists()


@pytest.mark.parametrize("model", FITTED)
def test_several_classes_at_once(tmp_path: Path, model: str) -> None:
    run = go(place(tmp_path, multi_label=True, clips=(60, 30, 30)), model)
    assert run.test.macro_f1 > 0.8
    test = json.loads((run.path / "metrics.json").read_text())["test"]
    assert test["macro"]["map"] > 0.85
    assert (run.test.probability > 0.5).sum(axis=1).max() > 1


@pytest.mark.parametrize("model", FITTED)
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


def test_train_takes_a_baseline_by_name_and_resumes_none(tmp_path: Path) -> None:
    workspace, rows = place(tmp_path), []
    run = train(workspace, "knn", name="mine", on_epoch=rows.append)
    assert run.path == workspace.runs / "mine" and tuple(rows) == run.history
    with pytest.raises(UsageError, match="knn cannot be resumed"):
        train(workspace, "knn", resume=True)
    with pytest.raises(UsageError, match="knn has no epochs"):
        train(workspace, "knn", epochs=3)


def test_without_hmmlearn_the_hmm_says_so_before_it_reads_anything(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def version(name: str) -> str:
        if name == "hmmlearn":
            raise PackageNotFoundError(name)
        return "1"

    monkeypatch.setattr(fit, "version", version)
    with pytest.raises(EnvironmentProblem, match="hmmlearn is not installed") as raised:
        go(Workspace(tmp_path / "nowhere"), "hmm")
    assert "[hmm]" in raised.value.remedy and "Python 3.14" in raised.value.remedy
    assert go(place(tmp_path), "knn").about.versions == {
        **dict.fromkeys(("numpy", "scipy", "scikit-learn"), "1"),
        "audioset_tools": __version__,
    }

"""`train --model all`: every model in turn, each by itself."""

from pathlib import Path

import pytest

from audioset_tools.exceptions import AudiosetToolsError, EnvironmentProblem, UsageError
from audioset_tools.runs.folder import Run
from audioset_tools.train import every
from audioset_tools.train.config import TrainConfig
from audioset_tools.train.every import finished_run, train_every
from audioset_tools.train.fit import fit_baseline
from audioset_tools.workspace import Workspace
from tests.train.small import place, write


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """They take most of the time of a small run, and test_trained.py has them."""
    monkeypatch.setattr("audioset_tools.plots.draw_confusion", lambda *args: None)


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The models that were trained: baselines are fitted, networks fail in different ways."""
    models: list[str] = []
    whole = every.train_as

    def train_as(workspace: Workspace, config: TrainConfig, **others: object) -> Run:
        models.append(config.model)
        if config.model == "paper":
            raise UsageError("too small", "Larger.")
        if config.model == "rnn":
            raise EnvironmentProblem("no device", "Another.")
        return whole(workspace, config, **others)  # type: ignore[arg-type]

    monkeypatch.setattr(every, "train_as", train_as)
    return models


def test_one_that_fails_stops_no_other_and_a_finished_one_is_kept(tmp_path: Path, tried: list[str]) -> None:
    workspace = place(tmp_path)
    turns: list[tuple[str, Path | None]] = []
    failed: list[tuple[TrainConfig, AudiosetToolsError]] = []

    def go(**changes: object) -> every.Every:
        return train_every(
            workspace,
            ["paper", "svm", "rnn", "knn"],
            epochs=3,
            on_run=lambda config, done: turns.append((config.model, done)),
            on_failure=lambda *failure: failed.append(failure),
            **changes,  # type: ignore[arg-type]
        )

    first = go()
    assert tried == ["paper", "svm", "rnn", "knn"]
    assert [path.name for path in first.runs] == ["svm", "knn"]
    assert [(config.model, error.exit_code) for config, error in first.failures] == [("paper", 2), ("rnn", 5)]
    assert first.exit_code == 5 and tuple(failed) == first.failures
    assert list(every.every_json(first)["failed"]) == ["paper-ep3", "rnn-ep3"]
    again = go()
    assert tried[4:] == ["paper", "rnn"] and again.runs == first.runs
    assert turns[4:] == [("paper", None), ("svm", first.runs[0]), ("rnn", None), ("knn", first.runs[1])]
    assert [path.name for path in go(seed=1).runs] == ["svm-seed1", "knn-seed1"]
    with pytest.raises(UsageError, match="several"):
        go(name="mine")


def test_several_seeds_are_several_runs_and_those_that_are_there_stay(
    tmp_path: Path, tried: list[str]
) -> None:
    workspace = place(tmp_path)
    alone = fit_baseline(workspace, TrainConfig("svm", seed=2))
    done = train_every(workspace, ["svm", "knn"], seeds=2, seed=1)
    assert [path.name for path in done.runs] == ["svm-seed1", "svm-seed2", "knn-seed1", "knn-seed2"]
    assert done.runs[1] == alone.path and tried == ["svm", "knn", "knn"]
    # Threads are no setting that makes it another run.
    assert train_every(workspace, ["svm"], seeds=2, seed=1, threads=1).runs == done.runs[:2]
    with pytest.raises(UsageError, match="seeds is 0"):
        train_every(workspace, ["svm"], seeds=0)
    with pytest.raises(UsageError, match="several"):
        train_every(workspace, ["svm"], seeds=2, name="mine")


def test_a_name_that_is_no_model_is_refused_before_anything_is_trained(
    tmp_path: Path, tried: list[str]
) -> None:
    with pytest.raises(UsageError, match="no model 'nix'"):
        train_every(place(tmp_path), ["svm", "nix"])
    assert not tried


def test_a_run_on_other_clips_or_classes_is_not_the_same(tmp_path: Path) -> None:
    workspace, config = place(tmp_path), TrainConfig(model="knn")
    fit_baseline(workspace, config)

    def found() -> Path | None:
        return finished_run(workspace.runs, config, every.MelShards(workspace.shards / "small", "test"))

    assert found() == workspace.runs / "knn"
    write(workspace.shards / "small", clips=(30, 12, 18))
    assert found() is None
    second = fit_baseline(workspace, config)
    assert found() == second.path == workspace.runs / "knn-2"
    write(workspace.shards / "small", clips=(30, 12, 18), digest="other")
    assert found() is None

"""Training end to end on tones, noise and clicks."""

import csv
import json
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import load

from audioset_tools.csvfile import csv_columns, read_csv
from audioset_tools.exceptions import DataMismatch, EnvironmentProblem, UsageError
from audioset_tools.runs.folder import Epoch, Run, lock_run, read_run
from audioset_tools.train import run as run_module
from audioset_tools.train import step
from audioset_tools.train.config import TrainConfig
from audioset_tools.train.run import Step, train_network
from audioset_tools.train.step import Learner
from audioset_tools.types import Message, Progress
from audioset_tools.workspace import Workspace
from tests.factories import loaded
from tests.train.conftest import CLASSES, QUICK, SPEC, write_shards


def go(workspace: Workspace, config: TrainConfig = QUICK) -> Run:
    return train_network(workspace, config)


def test_it_learns_to_tell_tones_noise_and_clicks_apart(workspace: Workspace) -> None:
    epochs: list[Epoch] = []
    told: list[Progress] = []
    config = replace(QUICK, epochs=15, device="cpu")
    run = train_network(workspace, config, on_epoch=epochs.append, on_progress=told.append)
    steps = [each for each in told if isinstance(each, Step)]
    assert tuple(epochs) == run.history
    assert [(step.done, step.total) for step in steps[:5]] == [
        (8, 36),
        (16, 36),
        (24, 36),
        (32, 36),
        (36, 36),
    ]
    last = steps[5 * len(epochs) - 1]
    assert (last.loss, last.f1) == (epochs[-1].train_loss, epochs[-1].train_f1)
    assert run.history[-1].train_loss < run.history[0].train_loss / 2
    assert (run.test.predicted == run.test.actual).mean() > 0.9
    assert run.path.name == "paper-filters8-8-16-16-bs8-lr0.003-ep15-patience6"


@pytest.fixture
def generous() -> Iterator[None]:
    """A umask that lets colleagues read and write."""
    before = os.umask(0o002)
    yield
    os.umask(before)


def test_the_run_folder_is_complete_and_consistent(workspace: Workspace, generous: None) -> None:
    run = go(workspace)
    # As the user's umask says, the weights too: colleagues predict with them.
    assert {path.stat().st_mode & 0o777 for path in run.path.iterdir()} == {0o664}
    assert sorted(path.name for path in run.path.iterdir()) == [
        "config.json",
        "confusion.csv",
        "confusion.png",
        "curves.png",
        "history.csv",
        "metrics.json",
        "model.safetensors",
        "predictions.csv",
        "reliability.png",
        "tables.txt",
    ]
    metrics = json.loads((run.path / "metrics.json").read_text())
    assert metrics["best_epoch"] == run.best_epoch
    assert metrics["test"]["clips"] == 12
    best = max(run.history, key=lambda epoch: (epoch.validation_f1, -epoch.validation_loss))
    assert best.epoch == run.best_epoch
    assert metrics["validation"]["macro"]["f1"] == pytest.approx(best.validation_f1)

    predictions = run.path / "predictions.csv"
    rows = read_csv(predictions, csv_columns(predictions, ""), dict, "")
    assert [row["key"] for row in rows] == [f"-test_{n}" for n in range(12)]
    for row in rows:
        chances = {name: float(row[name]) for name in CLASSES}
        assert sum(chances.values()) == pytest.approx(1, abs=1e-5)
        assert max(chances, key=chances.__getitem__) == row["predicted"]
    with (run.path / "confusion.csv").open() as handle:
        matrix = [[int(cell) for cell in row[1:]] for row in list(csv.reader(handle))[1:]]
    assert matrix == metrics["test"]["confusion"]
    for actual, counts in zip(CLASSES, matrix, strict=True):
        found = [row["predicted"] for row in rows if row["actual"] == actual]
        assert [found.count(name) for name in CLASSES] == counts
    with (run.path / "history.csv").open() as handle:
        assert [int(row["epoch"]) for row in csv.DictReader(handle)] == list(range(1, 7))


def test_the_weights_say_what_they_are_of(workspace: Workspace) -> None:
    run = go(workspace)
    with safe_open(run.path / "model.safetensors", "numpy") as file:
        about = json.loads(file.metadata()["audioset_tools"])
        assert about.pop("sha256") and about.pop("temperature") > 0
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    assert about == json.loads((run.path / "config.json").read_text())
    assert about["class_names"] == list(CLASSES)
    assert about["spec_digest"] == SPEC.digest
    assert about["config"]["lr"] == 0.003
    assert all(np.isfinite(tensor).all() for tensor in tensors.values())


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(workspace: Workspace) -> None:
    first, again, other = (go(workspace, replace(QUICK, epochs=2, seed=seed)) for seed in (1, 1, 2))
    files = ["model.safetensors", "predictions.csv", "metrics.json", "confusion.png", "curves.png"]
    for name in files:
        assert (first.path / name).read_bytes() == (again.path / name).read_bytes(), name
    assert (first.path / files[0]).read_bytes() != (other.path / files[0]).read_bytes()


def test_a_finished_run_is_never_touched_and_an_unfinished_one_taken_over(workspace: Workspace) -> None:
    quick = replace(QUICK, epochs=1)
    first = go(workspace, quick)
    second = go(workspace, quick)
    assert second.path.name == first.path.name + "-2"
    (second.path / "metrics.json").unlink()
    assert go(workspace, quick).path == second.path
    assert go(workspace, quick).path.name == first.path.name + "-3"


def test_a_name_of_ones_own_is_not_used_twice(workspace: Workspace) -> None:
    named = replace(QUICK, epochs=1, name="mine")
    assert go(workspace, named).path.name == "mine"
    with pytest.raises(UsageError, match="mine exists"):
        go(workspace, named)


def test_it_stops_early_and_keeps_the_best_weights(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    merits = {1: (0.5, 1.0), 2: (0.9, 0.8), 3: (0.9, 0.7), 4: (0.1, 0.6)}
    whole = run_module.run_epoch

    def run_epoch(*arguments: Any) -> Epoch:
        epoch = whole(*arguments)
        f1, loss = merits[epoch.epoch]
        return replace(epoch, validation_f1=f1, validation_loss=loss)

    monkeypatch.setattr(run_module, "run_epoch", run_epoch)
    run = go(workspace, replace(QUICK, patience=2))
    # Of equals the one with the lower loss is kept, and patience counts on.
    assert (run.best_epoch, len(run.history)) == (3, 4)
    three = go(workspace, replace(QUICK, epochs=3, name="three"))
    kept, expected = (load((each.path / "model.safetensors").read_bytes()) for each in (run, three))
    assert all(np.array_equal(kept[name], expected[name]) for name in expected)


def test_a_network_that_died_is_stopped_and_its_figures_come_with_a_warning(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = run_module.run_epoch

    def run_epoch(*arguments: Any) -> Epoch:
        return replace(whole(*arguments), train_loss=np.log(len(CLASSES)), dead_channels=0.96875)

    monkeypatch.setattr(run_module, "run_epoch", run_epoch)
    told: list[Progress] = []
    run = train_network(workspace, QUICK, on_progress=told.append)
    assert len(run.history) == 3 < QUICK.epochs
    (warning,) = run.warnings
    assert warning.kind == "collapsed" and "97 %" in warning.what
    meaning, *warnings = [str(each) for each in told if isinstance(each, Message)]
    assert meaning.startswith("loss: mean cross-entropy, in nat. 0 is sure and right; 1.099 is")
    assert warnings == [f"warning: {warning.what}\n{warning.remedy}"]
    assert read_run(run.path).warnings == run.warnings
    assert read_run(run.path).history[-1] == run.history[-1]


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
def test_a_loss_that_is_no_number_is_explained(workspace: Workspace, value: float) -> None:
    write_shards(workspace.shards / "small-1", value=value)
    with pytest.raises(DataMismatch, match=r"training ran away\. There are no weights to keep") as caught:
        go(workspace, replace(QUICK, literal=True))
    assert "--lr" in caught.value.remedy
    assert not list(workspace.runs.glob("*/*.safetensors"))


def test_the_last_good_weights_outlive_a_loss_that_is_no_number(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = (go(workspace, replace(QUICK, epochs=1)).path / "model.safetensors").read_bytes()

    def learn(learner: Learner, mel: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        loss, logits = step.learn(learner, mel, target)
        return loss * (np.nan if (workspace.runs / "mine" / "model.safetensors").exists() else 1), logits

    monkeypatch.setattr(run_module, "learn", learn)
    with pytest.raises(DataMismatch, match=r"nan in epoch 2.* weights of epoch 1 are kept in .*mine/model"):
        go(workspace, replace(QUICK, name="mine"))
    kept, trained = (
        load(content) for content in ((workspace.runs / "mine/model.safetensors").read_bytes(), expected)
    )
    assert all(np.array_equal(kept[name], trained[name]) for name in trained)


def test_several_classes_at_once(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_module, "finish_run", lambda run: None)
    write_shards(workspace.shards / "small-1", multi_label=True)
    run = go(workspace, replace(QUICK, epochs=12, patience=12))
    assert run.history[-1].train_loss < run.history[0].train_loss
    assert run.history[-1].train_f1 > 0.7


def test_two_trainings_do_not_share_a_folder(workspace: Workspace) -> None:
    config = replace(QUICK, epochs=1)
    with (
        lock_run(workspace.runs / config.run_name),
        pytest.raises(EnvironmentProblem, match="another process"),
    ):
        go(workspace, config)
    go(workspace, config)


@pytest.mark.parametrize("augment", [("specaugment",), ("mixup", "specaugment")])
def test_it_learns_from_augmented_clips_too(workspace: Workspace, augment: tuple[str, ...]) -> None:
    plain = go(workspace, replace(QUICK, epochs=2))
    run = go(workspace, replace(QUICK, epochs=2, augment=augment))
    assert run.path.name.endswith(f"-{'-'.join(augment)}")
    assert run.history[0].train_loss != plain.history[0].train_loss


def test_two_specs_are_refused_until_one_is_chosen(workspace: Workspace) -> None:
    write_shards(workspace.shards / "other-2")
    with pytest.raises(DataMismatch, match="2 specs") as caught:
        go(workspace)
    assert "--shards NAME: other-2, small-1" in caught.value.remedy
    assert "-on-other-2" in go(workspace, replace(QUICK, epochs=1, shards="other-2")).path.name


def test_no_shards(tmp_path: Path) -> None:
    with pytest.raises(DataMismatch, match="is no workspace") as caught:
        go(Workspace(tmp_path))
    assert "fetch" in caught.value.remedy and not list(tmp_path.iterdir())
    with loaded(tmp_path / "ledger.sqlite"):
        pass
    with pytest.raises(DataMismatch, match="no shards") as caught:
        go(Workspace(tmp_path))
    assert "featurize" in caught.value.remedy


def test_a_damaged_shard_is_named(workspace: Workspace) -> None:
    (workspace.shards / "small-1" / "validation-00000.h5").write_bytes(b"\x89HDF")
    with pytest.raises(DataMismatch, match=r"validation-00000\.h5"):
        go(workspace)


def test_a_device_that_is_not_there(workspace: Workspace) -> None:
    if run_module.torch.cuda.is_available():
        pytest.skip("there is a CUDA device here")
    with pytest.raises(EnvironmentProblem, match="cuda"):
        go(workspace, replace(QUICK, device="cuda"))

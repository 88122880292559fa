"""`evaluate`: the very files that `train` wrote, any split of any run, and errors that say what to do."""

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.runs.folder import Run, find_run
from audioset_tools.train.config import TrainConfig
from audioset_tools.train.fit import fit_baseline
from audioset_tools.train.run import train_network
from audioset_tools.train.trained import evaluate_split, load_run
from audioset_tools.train.weights import read_weights, write_weights
from audioset_tools.types import Progress
from audioset_tools.workspace import Workspace
from tests.train.small import place, write

CPU = torch.device("cpu")

NETWORK = TrainConfig(filters=(4, 4), batch_size=8, epochs=2, lr=0.001)


def network(workspace: Workspace) -> Run:
    return train_network(workspace, NETWORK)


def baseline(workspace: Workspace, model: str = "knn") -> Run:
    return fit_baseline(workspace, TrainConfig(model=model))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with a finished network, `paper...`, and a finished baseline, `knn`."""
    workspace = place(tmp_path_factory.mktemp("trained"))
    network(workspace)
    baseline(workspace)
    return workspace.root


@pytest.fixture
def workspace(trained: Path, tmp_path: Path) -> Workspace:
    """A copy of that."""
    return Workspace(Path(shutil.copytree(trained, tmp_path / "workspace")))


def run_of(workspace: Workspace, model: str) -> Path:
    return next(workspace.runs.glob(f"{model}*"))


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


@pytest.mark.parametrize("multi_label", [False, True])
@pytest.mark.parametrize("make", [network, baseline])
def test_the_test_split_gives_the_very_files_that_train_wrote(
    tmp_path: Path, make: object, multi_label: bool
) -> None:
    workspace = place(tmp_path, multi_label=multi_label)
    run = make(workspace)  # type: ignore[operator]
    before = content(run.path)
    for name in ("predictions.csv", "tables.txt", "confusion.csv", "confusion.png", "curves.png"):
        (run.path / name).unlink(missing_ok=True)
    found = evaluate_split(workspace, run, device="cpu")
    assert found.folder == run.path
    assert content(run.path) == before
    np.testing.assert_array_equal(found.predictions.probability, run.test.probability)


def test_the_train_split_is_judged_by_the_clips_without_their_noise_copies(tmp_path: Path) -> None:
    workspace = place(tmp_path, noise_copies=2)
    run = baseline(workspace)
    steps: list[Progress] = []
    found = evaluate_split(workspace, run, split="train", on_progress=steps.append)
    assert found.predictions.key == tuple(f"-train_{n}" for n in range(30))
    assert steps == [Progress(16, 30), Progress(30, 30)]
    assert found.folder == run.path / "evaluate-train"
    metrics = json.loads((found.folder / "metrics.json").read_text())
    assert metrics["best_epoch"] == run.best_epoch and metrics["parameters"] == run.parameters
    assert metrics["train"]["clips"] == 30 and "test" not in metrics


def test_an_unfinished_run_can_be_judged_and_stays_unfinished(workspace: Workspace) -> None:
    run = run_of(workspace, "paper")
    (run / "metrics.json").unlink()
    found = evaluate_split(workspace, run)
    assert found.folder == run / "evaluate-test"
    assert not (run / "metrics.json").exists()
    assert (found.folder / "curves.png").read_bytes() == (run / "curves.png").read_bytes()


def test_weights_without_a_history_can_be_judged(workspace: Workspace) -> None:
    run = run_of(workspace, "knn")
    (run / "history.csv").unlink()
    found = evaluate_split(workspace, run, split="validation")
    assert "best_epoch" not in json.loads((found.folder / "metrics.json").read_text())


def test_a_run_of_another_workspace_keeps_its_own_test_figures(workspace: Workspace, tmp_path: Path) -> None:
    run, there = run_of(workspace, "knn"), place(tmp_path / "there", clips=(30, 12, 9))
    before = content(run)
    found = evaluate_split(there, run)
    assert found.folder == run / "evaluate-test" and len(found.predictions.key) == 9
    assert content(run) == before


def test_shards_that_a_run_was_not_made_for(workspace: Workspace) -> None:
    run = run_of(workspace, "knn")
    write(workspace.shards / "other", digest="other")
    write(workspace.shards / "names", class_names=("a", "b", "c"))
    with pytest.raises(DataMismatch, match="3 specs"):
        evaluate_split(workspace, run)
    for shards, words in (("other", "mels small"), ("names", "tells Piano, Drums, Flute apart")):
        with pytest.raises(DataMismatch, match=words):
            evaluate_split(workspace, run, shards=shards)
    assert evaluate_split(workspace, run, shards="small").folder == run


def test_which_run_is_meant(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match=r"there is no workspace .*nowhere"):
        find_run(Workspace(workspace.root / "nowhere"), None)
    first, second = run_of(workspace, "paper"), run_of(workspace, "knn")
    for old, new in ((first, second), (second, first)):
        os.utime(old / "model.safetensors", (1, 1))
        os.utime(new / "model.safetensors", (2, 2))
        assert find_run(workspace, None) == new
    assert find_run(workspace, "knn") == find_run(workspace, str(second)) == second
    with pytest.raises(UsageError, match="no run 'nix'") as caught:
        find_run(workspace, "nix")
    assert "knn, paper" in caught.value.remedy


def test_the_weights_of_another_network_are_refused(workspace: Workspace) -> None:
    path = run_of(workspace, "paper") / "model.safetensors"
    weights = read_weights(path)
    tensors = weights.tensors
    one = next(name for name in tensors if name.endswith("weight"))
    for wrong in (
        {name: tensor for name, tensor in tensors.items() if name != one},
        tensors | {one: tensors[one][:1]},
        tensors | {"more": np.zeros(1)},
    ):
        write_weights(path, replace(weights, tensors=wrong))
        with pytest.raises(DataMismatch, match="does not fit the model paper"):
            load_run(path.parent, CPU)


@pytest.mark.parametrize(
    "change",
    [
        {"model": "resnet"},
        {"filters": [10**9, 10**9]},
        {"filters": ["a"]},
        {"filters": [4, 4, 4]},
        {"filters": [4] * 20},
        {"lr": "x"},
        {"unknown": 1},
        {"model": ["paper"]},
    ],
)
def test_settings_that_do_not_fit_the_weights_are_refused(
    workspace: Workspace, change: dict[str, object]
) -> None:
    path = run_of(workspace, "paper") / "model.safetensors"
    weights = read_weights(path)
    config = {**weights.about.config, **change}
    write_weights(path, replace(weights, about=replace(weights.about, config=config)))
    with pytest.raises(DataMismatch):
        load_run(path.parent, CPU)

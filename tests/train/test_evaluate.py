"""`evaluate`: the very files that `train` wrote, any split of any run, and errors that say what to do."""

import csv
import json
import os
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from matplotlib.image import imread

from audioset_tools.cli import run as command
from audioset_tools.errors import DataMismatch
from audioset_tools.figures import draw_confusion
from audioset_tools.train.bootstrap import intervals
from audioset_tools.train.config import TrainConfig
from audioset_tools.train.evaluate import Predictions, judge, loss_of, to_probability
from audioset_tools.train.fit import fit_baseline
from audioset_tools.train.folder import Run, read_config, read_history, read_metrics, write_evaluation
from audioset_tools.train.loop import train
from audioset_tools.train.metrics import multi_hot, scores
from audioset_tools.train.runs import evaluate_run, find_run
from audioset_tools.train.tables import (
    WIDEST,
    evaluation_json,
    evaluation_tables,
    format_table1,
    format_table2,
)
from audioset_tools.train.trained import load_run
from audioset_tools.train.weights import read_weights, write_weights
from audioset_tools.workspace import Workspace

from .small import CLASSES, place, write
from .test_metrics import TABLE_1

CPU = torch.device("cpu")

NETWORK = TrainConfig(filters=(4, 4), batch_size=8, epochs=2, lr=0.001)


def network(workspace: Workspace) -> Run:
    return train(workspace, NETWORK, lambda epoch: None)


def baseline(workspace: Workspace, model: str = "knn") -> Run:
    return fit_baseline(workspace, TrainConfig(model=model), lambda trial: None)


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
    found = evaluate_run(workspace, run.path, "test", None, CPU, seed=0)
    assert found.folder == run.path
    assert content(run.path) == before
    np.testing.assert_array_equal(found.evaluation.predictions.probability, run.test.probability)


def test_the_train_split_is_judged_by_the_clips_without_their_noise_copies(tmp_path: Path) -> None:
    workspace = place(tmp_path, noise_copies=2)
    run = baseline(workspace)
    steps: list[tuple[int, int]] = []
    found = evaluate_run(workspace, run.path, "train", None, CPU, 0, lambda *step: steps.append(step))
    assert found.evaluation.predictions.key == tuple(f"-train_{n}" for n in range(30))
    assert steps == [(16, 30), (30, 30)]
    assert found.folder == run.path / "evaluate-train"
    metrics = json.loads((found.folder / "metrics.json").read_text())
    assert metrics["best_epoch"] == run.best_epoch and metrics["parameters"] == run.parameters
    assert metrics["train"]["clips"] == 30 and "test" not in metrics


def test_an_unfinished_run_can_be_judged_and_stays_unfinished(workspace: Workspace) -> None:
    run = run_of(workspace, "paper")
    (run / "metrics.json").unlink()
    found = evaluate_run(workspace, run, "test", None, CPU, 0)
    assert found.folder == run / "evaluate-test"
    assert not (run / "metrics.json").exists()
    assert (found.folder / "curves.png").read_bytes() == (run / "curves.png").read_bytes()


def test_weights_without_a_history_can_be_judged(workspace: Workspace) -> None:
    run = run_of(workspace, "knn")
    (run / "history.csv").unlink()
    found = evaluate_run(workspace, run, "validation", None, CPU, 0)
    assert "best_epoch" not in json.loads((found.folder / "metrics.json").read_text())


def test_a_run_of_another_workspace_keeps_its_own_test_figures(workspace: Workspace, tmp_path: Path) -> None:
    run, there = run_of(workspace, "knn"), place(tmp_path / "there", clips=(30, 12, 9))
    before = content(run)
    found = evaluate_run(there, run, "test", None, CPU, 0)
    assert found.folder == run / "evaluate-test" and len(found.evaluation.predictions.key) == 9
    assert content(run) == before


def test_shards_that_a_run_was_not_made_for(workspace: Workspace) -> None:
    run = run_of(workspace, "knn")
    write(workspace.shards / "other", digest="other")
    write(workspace.shards / "names", class_names=("a", "b", "c"))
    with pytest.raises(DataMismatch, match="3 specs"):
        evaluate_run(workspace, run, "test", None, CPU, 0)
    for shards, words in (("other", "mels small"), ("names", "tells Piano, Drums, Flute apart")):
        with pytest.raises(DataMismatch, match=words):
            evaluate_run(workspace, run, "test", shards, CPU, 0)
    assert evaluate_run(workspace, run, "test", "small", CPU, 0).folder == run


def test_which_run_is_meant(workspace: Workspace) -> None:
    with pytest.raises(DataMismatch, match="no finished run"):
        find_run(Workspace(workspace.root / "nowhere"), None)
    first, second = run_of(workspace, "paper"), run_of(workspace, "knn")
    for old, new in ((first, second), (second, first)):
        os.utime(old / "model.safetensors", (1, 1))
        os.utime(new / "model.safetensors", (2, 2))
        assert find_run(workspace, None) == new
    assert find_run(workspace, "knn") == find_run(workspace, str(second)) == second
    with pytest.raises(DataMismatch, match="no run nix") as caught:
        find_run(workspace, "nix")
    assert "knn, paper" in caught.value.remedy


def test_the_weights_of_another_network_are_refused(workspace: Workspace) -> None:
    path = run_of(workspace, "paper") / "model.safetensors"
    about, tensors = read_weights(path)
    one = next(iter(tensors))
    for wrong in (
        {name: tensor for name, tensor in tensors.items() if name != one},
        tensors | {one: tensors[one][:1]},
        tensors | {"more": np.zeros(1)},
    ):
        write_weights(path, wrong, about)
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
    about, tensors = read_weights(path)
    write_weights(path, tensors, replace(about, config={**about.config, **change}))
    with pytest.raises(DataMismatch):
        load_run(path.parent, CPU)


def test_the_command(workspace: Workspace, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    run = run_of(workspace, "knn")
    os.utime(run / "model.safetensors")
    root = ["--workspace", str(workspace.root)]
    assert command(["evaluate", *root]) == 0
    printed = capsys.readouterr().out
    assert (run / "tables.txt").read_text() in printed and str(run) in printed
    assert command(["evaluate", "knn", *root, "--split", "validation", "--json", "--seed", "3"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["split"] == "validation" and told["clips"] == 12 and told["intervals"]["seed"] == 3
    assert command(["evaluate", "knn", "knn", *root]) == 2
    assert command(["evaluate", "nix", *root]) == 6
    assert command(["evaluate", "--csv", str(tmp_path / "x.csv"), *root]) == 2
    path = run / "model.safetensors"
    damaged = bytearray(path.read_bytes())
    damaged[-3] ^= 4
    path.write_bytes(damaged)
    capsys.readouterr()
    assert command(["evaluate", "knn", *root]) == 6
    assert "damaged" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["config.json", "metrics.json", "history.csv"])
def test_damaged_files_of_a_run_are_named(workspace: Workspace, name: str) -> None:
    run = run_of(workspace, "knn")
    read = {"config.json": read_config, "history.csv": read_history, "metrics.json": read_metrics}[name]
    for damage in (b"\xff\xfe", b"[1", b"[" * 100_000, b"[]", b"trial,settings\n1,C,2,3\n"):
        (run / name).write_bytes(damage)
        with pytest.raises(DataMismatch, match=name):
            read(run)


def several() -> Predictions:
    """Four clips of two classes that overlap, and a third that sounds in none."""
    actual = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0], [0, 1, 0]], np.uint8)
    probability = np.array([[0.9, 0.8, 0.1], [0.7, 0.6, 0.2], [0.2, 0.5, 0.9], [0.1, 0.3, 0.0]])
    return Predictions(("a", "b", "c", "d"), actual, probability, 0.5)


def test_several_classes_at_once_in_csv_json_and_text(tmp_path: Path) -> None:
    evaluation = judge(several(), CLASSES, "test")
    write_evaluation(tmp_path, evaluation)
    with (tmp_path / "predictions.csv").open() as handle:
        rows = [(row["actual"], row["predicted"]) for row in csv.DictReader(handle)]
    assert rows == [
        ("Piano;Drums", "Piano;Drums"),
        ("Piano", "Piano;Drums"),
        ("", "Flute"),
        ("Drums", ""),
    ]
    # Piano sounds in two clips, both found; in both Drums was predicted, which sounds in one of them.
    assert evaluation.predictions.confusion.tolist() == [[2, 2, 0], [1, 1, 0], [0, 0, 0]]
    told = json.loads(json.dumps(evaluation_json(evaluation), allow_nan=False))
    assert told["left_out"] == ["Flute"]
    assert told["classes"]["Piano"]["ap"] == 1 and told["classes"]["Piano"]["d_prime"] is None
    assert told["classes"]["Flute"]["ap"] is None
    # Drums by falling probability: hit, miss, miss, hit.
    assert told["classes"]["Drums"]["ap"] == pytest.approx((1 + 2 / 4) / 2)
    assert told["macro"]["map"] == pytest.approx((1 + 0.75) / 2)
    text = "\n".join(evaluation_tables(evaluation))
    assert "Left out of these means, as they sound in no clip or in all: Flute" in text
    assert ["Piano", "1.000", "1.000", "inf"] in [line.split() for line in text.splitlines()]


def test_predictions_without_overlap() -> None:
    said = Predictions(("a", "b"), np.array([2, 0]), np.array([[0.2, 0.5, 0.3], [0.6, 0.2, 0.2]]), 0.0)
    assert said.predicted.tolist() == [1, 0]
    assert said.confusion.tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]


def test_loss_and_probability_equal_torch() -> None:
    rng = np.random.default_rng(0)
    logits = 20 * rng.standard_normal((50, 3))
    labels, hot = rng.integers(0, 3, 50), rng.integers(0, 2, (50, 3)).astype(np.uint8)
    tensor = torch.from_numpy(logits)
    one = torch.nn.functional.cross_entropy(tensor, torch.from_numpy(labels))
    many = torch.nn.functional.binary_cross_entropy_with_logits(tensor, torch.from_numpy(hot).double())
    assert loss_of(logits, labels) == pytest.approx(one.item())
    assert loss_of(logits, hot) == pytest.approx(many.item())
    np.testing.assert_allclose(to_probability(logits, False), tensor.softmax(1).numpy())
    np.testing.assert_allclose(to_probability(logits, True), tensor.sigmoid().numpy())


def test_table_2_with_intervals() -> None:
    actual = np.repeat([0, 0, 1, 1], [9, 1, 2, 8])
    predicted = np.repeat([0, 1, 0, 1], [9, 1, 2, 8])
    ends = intervals([str(n) for n in range(20)], multi_hot(actual, 2), multi_hot(predicted, 2), None, 0)
    found = format_table2(scores(np.array([[9, 1], [2, 8]])), ("Piano", "Drums"), ends).splitlines()
    assert found[0].split() == ["Piano", "Drums", "Total", "Micro"]
    assert found[1].split() == ["Precision", "(%)", "81.82", "88.89", "85.35", "85.00"]
    assert found[2].split("  ")[-1].split()[1] == "to"
    low, high = found[2].split("  ")[-1].split()[::2]
    assert float(low) == pytest.approx(70, abs=5.1) and float(high) == pytest.approx(100, abs=5.1)


ELEVEN = tuple(f"Instrument of the kind number {n}, or its like" for n in range(11))


def test_tables_of_many_classes_with_long_names_stay_readable(tmp_path: Path) -> None:
    confusion = np.random.default_rng(0).integers(0, 2_000, (11, 11))
    for text in (format_table1(confusion, ELEVEN), format_table2(scores(confusion), ELEVEN)):
        assert max(map(len, text.splitlines())) <= WIDEST + 20
        assert all(name in text for name in ELEVEN)
    turned = format_table2(scores(confusion), ELEVEN).splitlines()
    assert turned[0].split("  ")[-1] == "F1-score (%)" and turned[-1].startswith("Total")
    assert format_table1(confusion, ELEVEN).splitlines()[0].split()[3:] == [str(n) for n in range(1, 12)]
    draw_confusion(tmp_path / "confusion.png", confusion, ELEVEN)
    height, width = imread(tmp_path / "confusion.png").shape[:2]
    assert height < 1_600 and width < 1_800


def test_the_papers_matrix_is_written_as_the_paper_prints_it() -> None:
    actual, predicted = (np.repeat(axis.ravel(), TABLE_1.ravel()) for axis in np.indices((4, 4)))
    said = Predictions(tuple(map(str, range(800))), actual, np.eye(4)[predicted], 0.0)
    evaluation = judge(said, ("Piano", "Drums", "Flute", "Other"), "test")
    told = evaluation_json(evaluation)
    assert told["confusion"] == TABLE_1.tolist()
    assert round(100 * told["macro"]["f1"], 2) == 63.77 and round(100 * told["micro"]["f1"], 2) == 64.5
    # docs/evaluate.md quotes it.
    assert [round(100 * end, 1) for end in told["intervals"]["macro"]["f1"]] == [60.1, 67.1]

"""The run folder: what is written is read, what is damaged is refused, and what can be read is."""

import csv
import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.runs.evaluation import Predictions, judge
from audioset_tools.runs.folder import (
    HISTORY,
    Epoch,
    Trial,
    best_of,
    choose_folder,
    find_run,
    is_finished,
    read_config,
    read_history,
    read_metrics,
    read_predictions,
    read_run,
    run_folders,
    write_about,
    write_evaluation,
    write_history,
    write_metrics,
)
from audioset_tools.runs.tables import evaluation_json, evaluation_tables, tables_text
from audioset_tools.workspace import Workspace
from tests.train.small import CLASSES, about


def several() -> Predictions:
    """Four clips of two classes that overlap, and a third that sounds in none."""
    actual = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0], [0, 1, 0]], np.uint8)
    probability = np.array([[0.9, 0.8, 0.1], [0.7, 0.6, 0.2], [0.2, 0.5, 0.9], [0.1, 0.3, 0.0]])
    return Predictions(("a", "b", "c", "d"), ("v", "v", "w", "-x"), actual, probability, 0.5)


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
    text = tables_text(evaluation_tables(evaluation))
    assert "Left out of these means, as they sound in no clip or in all: Flute" in text
    assert ["Piano", "1.000", "1.000", "inf"] in [line.split() for line in text.splitlines()]


def judged(folder: Path, multi_label: bool = False) -> Path:
    """A folder with all that a report reads of a finished run."""
    write_about(folder, about(multi_label=multi_label))
    write_history(folder, [Epoch(n, 2.0 / n, 0.5, 1.0 / n, 0.4, 1.5, 99.0) for n in (1, 2, 3)])
    evaluation = judge(several(), CLASSES, "test")
    write_evaluation(folder, evaluation)
    write_metrics(folder, {"best_epoch": 3, "parameters": 7}, evaluation)
    return folder


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("audioset_tools.plots.draw_confusion", lambda *args: None)
    return judged(tmp_path / "runs" / "paper", multi_label=True)


def test_all_that_is_written_is_read(folder: Path) -> None:
    found = read_run(folder)
    assert (found.name, found.model, found.troubles) == ("paper", "svm", ())
    assert found.about == about(multi_label=True) and found.class_names == CLASSES
    assert found.history == read_history(folder) and [row.epoch for row in found.history] == [1, 2, 3]
    assert [(row.key, row.group, row.actual, row.predicted) for row in found.predictions] == [
        ("a", "v", (0, 1), (0, 1)),
        ("b", "v", (0,), (0, 1)),
        ("c", "w", (), (2,)),
        ("d", "-x", (1,), ()),
    ]
    assert [row.probability for row in found.predictions] == [tuple(row) for row in several().probability]
    assert found.confusion.tolist() == several().confusion.tolist()
    assert found.score("test", "f1") == several().macro_f1
    assert found.score("test", "recall", "Piano") == 1 and found.score("train", "f1") is None
    low, high = found.interval("test", "f1") or (0, 0)
    assert 0 <= low <= several().macro_f1 <= high <= 1
    assert run_folders(folder.parent) == (folder,) and run_folders(folder / "nowhere") == ()
    brief = read_run(folder, whole=False)
    assert brief == replace(found, history=(), predictions=())


def test_a_history_of_before_channels_were_counted_is_read(folder: Path) -> None:
    path = folder / HISTORY
    lines = path.read_text().splitlines()
    assert lines[0].endswith(",dead_channels")
    path.write_text("\n".join(line.rpartition(",")[0] for line in lines) + "\n")
    assert [(row.epoch, row.dead_channels) for row in read_history(folder)] == [(1, 0), (2, 0), (3, 0)]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("config.json", "[1", "config.json is missing or damaged"),
        ("config.json", "{}", "config.json holds no settings of a run"),
        ("history.csv", "epoch,train_loss\n1,2\n", "history.csv, line 1: the columns"),
        ("history.csv", "", "history.csv, line 1: the columns"),
        ("metrics.json", "[" * 100_000, "metrics.json is missing or damaged"),
        ("predictions.csv", "key,actual,predicted,A,B,C\n", "has other classes than config.json"),
        ("predictions.csv", "key,actual,predicted\n", "line 1: there is no column of a class"),
        ("predictions.csv", "key,actual,predicted,Piano\na,Piano,Drums,1\n", "no class of this run: 'Drums'"),
        ("predictions.csv", "key,actual,predicted,Piano\na,Piano,Piano,2\n", "line 2: a probability outside"),
        (
            "predictions.csv",
            "key,actual,predicted,A\na,A,A,1\na,A,A,1\n",
            "line 3: clip a stands there twice",
        ),
    ],
)
def test_a_damaged_file_hides_nothing_of_the_others(
    folder: Path, name: str, content: str, words: str
) -> None:
    whole = read_run(folder)
    (folder / name).write_text(content)
    found = read_run(folder)
    assert words in found.troubles[0] and str(folder) not in found.troubles[0]
    for field, file in (("history", "history.csv"), ("metrics", "metrics.json"), ("about", "config.json")):
        assert name == file or getattr(found, field) == getattr(whole, field)
    assert found.class_names == CLASSES


@pytest.mark.parametrize("name", ["config.json", "metrics.json", "history.csv"])
def test_damaged_files_of_a_run_are_named(folder: Path, name: str) -> None:
    read = {"config.json": read_config, "history.csv": read_history, "metrics.json": read_metrics}[name]
    for damage in (b"\xff\xfe", b"[1", b"[" * 100_000, b"[]", b"trial,settings\n1,C,2,3\n"):
        (folder / name).write_bytes(damage)
        with pytest.raises(DataMismatch, match=name):
            read(folder)  # type: ignore[operator]


def test_predictions_from_before_there_were_groups_are_grouped_by_video(tmp_path: Path) -> None:
    rows = "aaaaaaaaaaa_0,Piano,Piano,1\naaaaaaaaaaa_9000,Piano,Piano,1\n-aaaaaaaaaa_0,Piano,Piano,1\n"
    (tmp_path / "predictions.csv").write_text(f"key,actual,predicted,Piano\n{rows}")
    found = read_predictions(tmp_path / "predictions.csv").rows
    assert [row.group for row in found] == ["aaaaaaaaaaa", "aaaaaaaaaaa", "-aaaaaaaaaa"]
    assert found[0].probability == (1.0,)


def test_trials_are_read_as_trials(tmp_path: Path) -> None:
    trials = (Trial(1, "C 1, gamma 0.5", 0.25, 0.5, 1.0), Trial(2, "C 10, gamma 0.5", 0.125, 0.5, 2.0))
    write_history(tmp_path, trials)
    assert read_history(tmp_path) == trials
    assert best_of(trials) == 2 and best_of(trials, one_cycle=True) == len(trials)


@pytest.mark.parametrize(
    ("merits", "best"),
    [([(0.5, 1.0)], 1), ([(0.5, 1.0), (0.6, 2.0)], 2), ([(0.6, 2.0), (0.6, 1.0), (0.6, 1.0)], 2)],
)
def test_the_best_row_has_the_best_f1_then_the_lowest_loss_then_comes_first(
    merits: list[tuple[float, float]], best: int
) -> None:
    assert best_of([Epoch(n, 0, 0, loss, f1, 0, 0) for n, (f1, loss) in enumerate(merits, 1)]) == best


def test_a_run_is_found_by_name_and_by_path_and_else_those_there_are_named(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    for name in ("b", "a"):
        (workspace.runs / name).mkdir(parents=True)
        (workspace.runs / name / "model.safetensors").touch()
    first = workspace.runs / "a"
    assert find_run(workspace, "a") == find_run(workspace, first) == find_run(None, str(first)) == first
    for where, run in ((workspace, "c"), (None, workspace.runs / "c"), (workspace, workspace.runs)):
        with pytest.raises(UsageError, match="there is no run") as refused:
            find_run(where, run)
        assert run == workspace.runs or "Name one of these: a, b;" in refused.value.remedy
    with pytest.raises(UsageError, match=r"with a predictions\.csv"):
        find_run(workspace, "a", needed="predictions.csv")


def test_a_folder_is_taken_over_until_it_is_finished(tmp_path: Path) -> None:
    assert choose_folder(tmp_path, "knn") == tmp_path / "knn"
    for name in ("knn", "knn-2"):
        (tmp_path / name).mkdir()
        assert (
            choose_folder(tmp_path, "knn") == choose_folder(tmp_path, "knn", resume=True) == tmp_path / name
        )
        (tmp_path / name / "metrics.json").touch()
        assert is_finished(tmp_path / name)
    assert choose_folder(tmp_path, "knn") == tmp_path / "knn-3"
    with pytest.raises(UsageError, match="no unfinished run"):
        choose_folder(tmp_path, "knn", resume=True)
    with pytest.raises(UsageError, match="a finished run"):
        choose_folder(tmp_path, "knn", chosen=True)


def test_reading_a_run_needs_no_extra() -> None:
    code = (
        "import sys; import audioset_tools.runs.folder, audioset_tools.runs.compare;"
        "sys.exit(sorted({'torch', 'sklearn', 'matplotlib'} & sys.modules.keys()) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")

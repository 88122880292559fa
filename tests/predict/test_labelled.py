"""Labelled recordings of one's own: judged as clips are, and what cannot be is named."""

import csv
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.csvfile import write_csv
from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.predict import labelled
from audioset_tools.predict.labelled import evaluate_files, read_labels
from audioset_tools.runs.evaluation import Evaluation
from audioset_tools.types import Message, Progress
from audioset_tools.workspace import Workspace
from tests.predict.conftest import Ears, noise, tone, write

NOWHERE = Workspace(Path("nowhere"))


@pytest.fixture
def run(tmp_path: Path, ears: Ears, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a run that hears as `ears` do; nothing is drawn."""
    for name in ("draw_confusion", "draw_reliability"):
        monkeypatch.setattr(f"audioset_tools.plots.{name}", lambda *args, **kwargs: None)
    monkeypatch.setattr(labelled, "find_run", lambda workspace, run: run)
    model = SimpleNamespace(about=ears.about, probabilities=ears.probabilities, parameters=7, embedder=None)
    monkeypatch.setattr(labelled, "load_run", lambda folder, device, embedding: model)
    return tmp_path / "run"


def labels(folder: Path, *rows: tuple[str, ...], columns: tuple[str, ...] = ("path", "class")) -> Path:
    folder.mkdir(exist_ok=True)
    write_csv(folder / "labels.csv", columns, rows)
    return folder / "labels.csv"


def listed(found: Evaluation) -> dict[str, dict[str, str]]:
    assert found.folder is not None
    with (found.folder / "files.csv").open() as handle:
        return {row["path"]: row for row in csv.DictReader(handle)}


def test_recordings_of_any_form_and_length_have_one_prediction_each(run: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    write(mine / "sub" / "long.flac", tone(10), tone(10), noise(4), tone(10, level=0))
    write(mine / "short.ogg", noise(3))
    write(tmp_path / "outside.wav", tone(10.5))
    rows = ("sub/long.flac", "Tone"), ("short.ogg", "Noise"), ("../outside.wav", "Noise")
    steps: list[Progress] = []
    found = evaluate_files(NOWHERE, run, labels(mine, *rows), on_progress=steps.append)
    assert found.split == "files" and found.files == mine / "labels.csv" and found.left_out == ()
    assert found.predictions.key == ("sub/long.flac", "short.ogg", "../outside.wav")
    assert found.predictions.confusion.tolist() == [[1, 0], [1, 1]]
    # Windows at 0, 5, 10, 15, 20 and 24 s, the last silent but for nothing: each counts by its time.
    assert listed(found)["sub/long.flac"]["windows"] == "6"
    assert float(listed(found)["sub/long.flac"]["seconds"]) == pytest.approx(34)
    assert 0.5 < found.predictions.probability[0, 0] < 0.99
    assert steps[-1] == Progress(3, 3)
    assert found.folder is not None and found.folder.parent == run
    assert found.folder.name.startswith("evaluate-files-labels-")
    words = " ".join((found.folder / "tables.txt").read_text().split())
    assert f"3 files of {mine / 'labels.csv'}" in words and "test clips" not in words
    told = json.loads((found.folder / "metrics.json").read_text())
    assert told["files"]["listed_in"] == str(mine / "labels.csv") and "test" not in told
    assert told["files"]["files_left_out"] == {} and told["files"]["clips"] == 3


def test_what_cannot_be_judged_is_named_and_counted(run: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    write(mine / "good.wav", tone(3))
    write(mine / "silent.wav", tone(3, level=0))
    write(mine / "twice.wav", noise(3))
    (mine / "copy.wav").write_bytes((mine / "twice.wav").read_bytes())
    write(mine / "doubtful.wav", noise(4))
    (mine / "folder").mkdir()
    (mine / "text.wav").write_text("no sound")
    rows = (
        ("good.wav", "Tone"), ("gone.wav", "Tone"), ("folder", "Tone"), ("text.wav", "Noise"),
        ("silent.wav", "Noise"), ("twice.wav", "Noise"), ("copy.wav", "Noise"), ("twice.wav", "Noise"),
        ("doubtful.wav", "Noise"), ("./doubtful.wav", "Tone"), ("good.wav", "Guitar"), ("/dev/zero", "Tone"),
        ("two.wav", "Tone;Noise"), ("none.wav", ""),
    )  # fmt: skip
    found = evaluate_files(NOWHERE, run, labels(mine, *rows))
    assert found.predictions.key == ("good.wav", "twice.wav")
    assert len(found.left_out) == 12 and len(found.left_out) + 2 == len(rows)
    why = [(one.path, one.why) for one in found.left_out]
    for path, words in (
        ("gone.wav", "there is no such file"), ("folder", "cannot be opened"), ("text.wav", "decoded"),
        ("silent.wav", "silent throughout"), ("copy.wav", "the same file as twice.wav"),
        ("doubtful.wav", "under another class"), ("./doubtful.wav", "under another class"),
        ("good.wav", "knows no class 'Guitar'"), ("/dev/zero", "no regular file"),
        ("two.wav", "it has 2 classes"), ("none.wav", "it has 0 classes"),
    ):  # fmt: skip
        assert any(path == one and words in other for one, other in why), (path, why)
    assert found.folder is not None
    words = (found.folder / "tables.txt").read_text()
    assert "12 of 14 files were left out:" in words and "gone.wav: there is no such file" in words
    with pytest.raises(DataMismatch, match=r"none of 1 file can be judged; gone.wav: there is no"):
        evaluate_files(NOWHERE, run, labels(mine, rows[1]))


def test_files_of_a_group_count_as_one_where_they_agree(run: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    rows = [(f"{n}.wav", "Tone" if n < 4 else "Noise", f"take {n // 2}") for n in range(8)]
    for n, (name, class_name, _) in enumerate(rows):
        write(mine / name, (tone if class_name == "Tone" else noise)(2 + n / 10))
    apart = evaluate_files(NOWHERE, run, labels(mine, *[row[:2] for row in rows]))
    together = evaluate_files(NOWHERE, run, labels(mine, *rows, columns=("path", "class", "group")))
    assert together.predictions.group[:3] == ("take 0", "take 0", "take 1")
    assert apart.predictions.group == apart.predictions.key
    assert together.intervals.micro[0, 0] < apart.intervals.micro[0, 0] - 0.1


def test_several_classes_at_once(
    run: Path, tmp_path: Path, ears: Ears, monkeypatch: pytest.MonkeyPatch
) -> None:
    several = Ears(multi_label=True)
    model = SimpleNamespace(
        about=several.about, probabilities=several.probabilities, parameters=7, embedder=None
    )
    monkeypatch.setattr(labelled, "load_run", lambda folder, device, embedding: model)
    mine = tmp_path / "mine"
    rows = ("a.wav", "Tone"), ("b.wav", "Tone;Noise"), ("c.wav", "")
    for number, (name, _) in enumerate(rows):
        write(mine / name, tone(2 + number))
    found = evaluate_files(NOWHERE, run, labels(mine, *rows))
    assert found.predictions.actual.tolist() == [[1, 0], [1, 1], [0, 0]]
    p = found.predictions.probability
    truth = np.where(found.predictions.actual == 1, p, 1 - p)
    assert found.predictions.loss == pytest.approx(-np.log(truth.clip(1e-12)).mean())


def test_what_is_odd_about_a_recording_is_told(run: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine"
    whole = write(mine / "cut.flac", noise(12)).read_bytes()
    (mine / "cut.flac").write_bytes(whole[: len(whole) * 2 // 3])
    steps: list[Progress] = []
    found = evaluate_files(NOWHERE, run, labels(mine, ("cut.flac", "Noise")), on_progress=steps.append)
    told = [step.text for step in steps if isinstance(step, Message)]
    assert len(told) >= 1 and "cut.flac: it is damaged or cut off" in " ".join(told)
    assert "damaged or cut off" in listed(found)["cut.flac"]["notes"]


def test_csvs_of_one_name_have_folders_of_their_own(run: Path, tmp_path: Path) -> None:
    folders = set()
    for name in ("a", "b"):
        write(tmp_path / name / "tone.wav", tone(2))
        folders.add(evaluate_files(NOWHERE, run, labels(tmp_path / name, ("tone.wav", "Tone"))).folder)
    again = evaluate_files(NOWHERE, run, tmp_path / "b" / "labels.csv").folder
    assert len(folders) == 2 and again in folders


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("path;class\na.wav;Piano\n", "line 1: the columns are not path,class"),
        ("class,path\nPiano,a.wav\n", "line 1: the columns are not path,class"),
        ("path,class\na.wav\n", "line 2: 1 fields instead of 2"),
        ("path,class\na.wav,Piano\n,Piano\n", "line 3: there is no path"),
        ("path,class\n", "has no row"),
    ],
)
def test_what_is_no_list_is_refused_by_line(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "labels.csv").write_text(content)
    with pytest.raises(DataMismatch, match=words):
        read_labels(tmp_path / "labels.csv")
    with pytest.raises(UsageError, match="there is no file"):
        read_labels(tmp_path / "nothing.csv")


@given(st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1), min_size=1, max_size=5))
def test_any_path_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, names: list[str]
) -> None:
    names = [name.strip() or "x" for name in names]
    path = tmp_path_factory.mktemp("any") / "labels.csv"
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([("path", "class"), *((name, "Piano") for name in names)])
    rows = read_labels(path)
    assert [row.classes for row in rows] == [("Piano",)] * len(names)
    # What looks like a sign that our own tables write out is taken for it.
    plain = [(row.name, name) for row, name in zip(rows, names, strict=True) if not {*"\\'"} & {*name}]
    assert all(read == name for read, name in plain)

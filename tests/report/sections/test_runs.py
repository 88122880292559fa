"""The section about the runs: how they compare, what is unfinished, and the pages behind the cells."""

import json
import os
import shutil
from pathlib import Path

import pytest

from audioset_tools.csvfile import read_csv
from audioset_tools.report.sections import runs as section
from audioset_tools.report.snapshot import MOST_RUNS, NEWEST_RUNS
from audioset_tools.workspace import Workspace
from tests.report.pages import Read, read_report
from tests.report.workspaces import RUN


def test_a_cell_opens_the_clips_behind_it(workspace: Workspace, written: Path) -> None:
    answers = [
        (line.split(",")[0], line.split(",")[1], line.split(",")[2])
        for line in (workspace.runs / RUN / "predictions.csv").read_text().splitlines()[1:]
    ]
    cells = sorted((written / "cells").glob("*/*.html"))
    expected: dict[tuple[int, int], set[str]] = {}
    for key, actual, predicted in answers:
        cell = ("Tone", "Noise").index(actual), ("Tone", "Noise").index(predicted)
        expected.setdefault(cell, set()).add(key)
    links = Read(written / "index.html").values("a", "href")
    assert {str(cell.relative_to(written)) for cell in cells} <= set(links)
    found = []
    for cell in cells:
        page = Read(cell)
        numbers = tuple(map(int, cell.stem.split("-")))
        found.append((numbers, {one.removeprefix("clip-") for one in page.values("figure", "id")}))
        for source in (*page.values("audio", "src"), *page.values("img", "src")):
            assert (cell.parent / source).resolve().is_file()
    assert len(cells) == len(found) == 7 and all(pair in found for pair in expected.items())


def test_the_runs_are_compared_and_unfinished_ones_are_said_to_be(copy: Workspace, tmp_path: Path) -> None:
    columns = "epoch,train_loss,train_f1,validation_loss,validation_f1,seconds,samples_per_second"
    history = f"{columns}\n1,nan,0,inf,0,1,1\n2,inf,0,nan,0,1,1\n"
    (copy.runs / "knn" / "metrics.json").unlink()
    (copy.runs / "knn" / "history.csv").write_text(history)
    (copy.runs / RUN / "predictions.csv").write_text("key,actual\n")
    (copy.runs / "empty").mkdir()
    page = read_report(copy, tmp_path / "out")
    assert "This run is unfinished" in page.text and "85.00" in page.text and "70.00 to 95.00" in page.text
    assert "80.00 (44.00 to 100.00)" in page.text and "calibration error (%)" in page.text
    assert "4.21" in page.text
    assert "predictions.csv, line 1: the columns are not" in page.text and "Run empty" not in page.text


def test_what_a_training_was_warned_of_stands_with_its_run(copy: Workspace, tmp_path: Path) -> None:
    metrics = json.loads((copy.runs / RUN / "metrics.json").read_text())
    told = {"kind": "dead", "what": "<b>98 %</b> are dead", "remedy": "Lower --lr."}
    metrics["warnings"] = [told, {"kind": "dead"}, "dead", None]
    (copy.runs / RUN / "metrics.json").write_text(json.dumps(metrics))
    (copy.runs / "knn" / "metrics.json").write_text(json.dumps({**metrics, "warnings": {"what": "none"}}))
    page = read_report(copy, tmp_path / "out")
    assert page.text.count("<b>98 %</b> are dead. Lower --lr.") == 1


def test_of_many_runs_the_best_and_the_newest_are_shown_in_full(copy: Workspace, tmp_path: Path) -> None:
    metrics = json.loads((copy.runs / RUN / "metrics.json").read_text())
    for number in range(100):
        folder = Path(shutil.copytree(copy.runs / RUN, copy.runs / f"r{number:03}"))
        metrics["test"]["macro"]["f1"] = number / 200
        (folder / "metrics.json").write_text(json.dumps(metrics))
        os.utime(folder / "config.json", (1_000 - number, 1_000 - number))
        (folder / "checkpoint.safetensors").touch()
    (copy.runs / "r050" / "metrics.json").write_text("{")
    for one in ("knn", RUN):
        os.utime(copy.runs / one / "config.json", (1, 1))
    out = tmp_path / "out"
    page = read_report(copy, out)
    heads = [text for text in page.values("h3", "id") if text.startswith("run-")]
    assert len(heads) == MOST_RUNS == len(list((out / "cells").iterdir()))
    # Of 102 the two that were there first are the best, and r000 to r003 the newest.
    best = [f"r{n:03}" for n in range(86, 100)]
    assert all(f"Run {name}" in page.text for name in ("knn", RUN, *best, "r000", "r001", "r002", "r003"))
    assert NEWEST_RUNS == 4 and "Run r085" not in page.text and "r085" in page.text
    assert "Of 102 runs 20 are shown in full" in page.text and "cannot be read in part: r050" in page.text
    names = read_csv(out / "runs.csv", section._CSV_HEADER, lambda row: row["run"], "")
    assert len(names) == 102 and names[2:4] == ["r099", "r098"]
    assert (out / "index.html").stat().st_size < 500_000
    for number in range(100):
        shutil.rmtree(copy.runs / f"r{number:03}")
    read_report(copy, out)
    assert not (out / "runs.csv").exists() and len(list((out / "cells").iterdir())) == 2


def test_of_many_clips_and_large_matrices_a_part_is_shown(
    copy: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(section, "MOST_CARDS", 2)
    monkeypatch.setattr(section, "MOST_CELLS", 7)
    page = read_report(copy, tmp_path / "out", per_class=0)
    cells = [Read(path) for path in (tmp_path / "out" / "cells").glob("*/*.html")]
    assert len({*(tmp_path / "out" / "cells").iterdir()}) == 1
    assert max(len(cell.values("figure", "id")) for cell in cells) == 2
    assert any("the first 2 are here, the others in predictions.csv" in cell.text for cell in cells)
    assert "The matrix of its 2 classes has no room here" in page.text


def test_runs_are_compared_and_their_mistakes_lead_on_to_errors(workspace: Workspace, written: Path) -> None:
    words = Read(written / "index.html").text
    assert f"audioset-tools errors --run {RUN}" in words and "audioset-tools errors --run knn" in words
    scores = [
        json.loads((workspace.runs / name / "metrics.json").read_text())["test"]["macro"]["f1"]
        for name in ("knn", RUN)
    ]
    best = [name for name, f1 in zip(("knn", RUN), scores, strict=True) if f1 == max(scores)]
    assert f"The highest has {', '.join(best)}." in words

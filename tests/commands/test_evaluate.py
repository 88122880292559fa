"""`evaluate` as a user runs it."""

import json
from dataclasses import replace
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from audioset_tools.cli import run as command
from audioset_tools.runs.evaluation import NotJudged, Predictions, judge
from audioset_tools.train.config import TrainConfig
from audioset_tools.train.fit import fit_baseline
from tests.train.small import place


def test_a_run_is_judged_by_name_or_the_newest(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    workspace = place(tmp_path / "workspace")
    run = fit_baseline(workspace, TrainConfig(model="knn")).path
    root = ["--workspace", str(workspace.root)]
    assert command(["evaluate", *root]) == 0
    printed = capsys.readouterr().out
    assert (run / "tables.txt").read_text() in printed and str(run) in printed
    assert command(["evaluate", "knn", *root, "--split", "validation", "--json", "--seed", "3"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["split"] == "validation" and told["clips"] == 12 and told["intervals"]["seed"] == 3
    assert command(["evaluate", "knn", "knn", *root]) == 2
    assert command(["evaluate", "nix", *root]) == 2
    assert command(["evaluate", "--csv", str(tmp_path / "x.csv"), *root]) == 2
    again = fit_baseline(workspace, TrainConfig(model="knn")).path
    capsys.readouterr()
    assert command(["evaluate", "--compare", *root]) == 0
    printed, said = capsys.readouterr()
    # The same model twice: the same figures, and nothing to choose by.
    assert "knn-2" in printed and again.name == "knn-2" and "0.0 ± " in printed and " ~" in printed
    assert "~ may be as good as the best" in said
    path = run / "model.safetensors"
    damaged = bytearray(path.read_bytes())
    damaged[-3] ^= 4
    path.write_bytes(damaged)
    capsys.readouterr()
    assert command(["evaluate", "knn", *root]) == 6
    assert "damaged" in capsys.readouterr().err


def test_files_of_ones_own_are_judged_and_those_left_out_end_in_an_error(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = Predictions(("a.wav", "b.wav"), ("a.wav", "b.wav"), np.array([0, 1]), np.eye(2), 0.0)
    judged = judge(said, ("Piano", "Drums"), "files")
    asked: list[dict[str, object]] = []

    def judging(workspace: object, run: object, **options: object) -> object:
        asked.append(options)
        table = Path(str(options["files"]))
        left_out = (NotJudged("c.wav", "there is no such file"),) if table.name == "bad.csv" else ()
        return replace(judged, files=table, left_out=left_out, run=tmp_path, folder=tmp_path / "out")

    # By its own name the folder `predict` is hidden by the function.
    monkeypatch.setattr(import_module("audioset_tools.predict.evaluate"), "evaluate", judging)
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    assert command(["evaluate", "--files", str(good)]) == 0
    printed = capsys.readouterr().out
    # A title as long as a path goes on below.
    assert f"2 files of {good}" in printed.replace("\n", " ") and "left out" not in printed
    assert command(["evaluate", "--files", str(bad)]) == 6
    printed, trouble = capsys.readouterr()
    assert "1 of 3 files were left out:\n  c.wav: there is no such file" in printed
    assert "1 of 3 files were left out" in trouble
    assert command(["evaluate", "--files", str(bad), "--json"]) == 6
    told = json.loads(capsys.readouterr().out)
    assert told["files_left_out"] == {"c.wav": "there is no such file"} and told["listed_in"] == str(bad)
    assert told["split"] == "files" and len(asked) == 3
    assert command(["evaluate", "--compare", "--files", str(good)]) == 2

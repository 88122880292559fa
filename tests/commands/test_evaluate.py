"""`evaluate` as a user runs it."""

import json
from pathlib import Path

import pytest

from audioset_tools.cli import run as command
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
    path = run / "model.safetensors"
    damaged = bytearray(path.read_bytes())
    damaged[-3] ^= 4
    path.write_bytes(damaged)
    capsys.readouterr()
    assert command(["evaluate", "knn", *root]) == 6
    assert "damaged" in capsys.readouterr().err

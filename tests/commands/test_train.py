"""`train`, `train --model all` and their runs beside one another, as a user runs them."""

import json
from pathlib import Path

import numpy as np
import pytest

from audioset_tools.cli import run as command
from audioset_tools.train import every
from audioset_tools.train.baselines import CLASSICAL
from tests.train.small import FITTED, place


def test_the_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Eight convolutions do not fit the small mels.
    monkeypatch.setattr(every, "MODELS", {"paper": every.MODELS["paper"]})
    place(tmp_path)
    root = ["--workspace", str(tmp_path)]
    assert command(["train", "--model", "all", "--epochs", "1", *root]) == 2
    out, err = capsys.readouterr()
    assert "paper-ep1: a mel of 12 x 24 is too small" in err
    assert all(name in out for name in (*FITTED, "F1 in %"))
    assert command(["train", "--model", "all", "--json", *root]) == 2
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert {run["model"] for run in told["runs"]} == set(FITTED)
    assert list(told["failed"]) == ["paper", *(CLASSICAL.keys() - FITTED)]
    assert err.count("finished already") == len(FITTED)
    assert command(["evaluate", "--compare", *root, "--csv", str(tmp_path / "t.csv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == told["runs"]
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 1 + len(FITTED)
    assert command(["evaluate", "--compare", "svm", "gmm", *root]) == 0
    assert "knn" not in capsys.readouterr().out
    assert command(["evaluate", "--compare", "svm", "nix", *root]) == 2
    assert command(["train", "--model", "svm", "--resume", *root]) == 2


def test_several_seeds_have_a_mean_and_a_spread(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    workspace = place(tmp_path)
    seeds = ["train", "--model", "gmm", "--seeds", "3", "--workspace", str(tmp_path)]
    assert command(seeds) == 0
    out, err = capsys.readouterr()
    assert all(line in err for line in ("gmm\n", "gmm-seed1\n", "gmm-seed2\n"))
    header, macro, micro = (line.split() for line in out.splitlines()[2:5])
    assert header == ["model", "F1", "seed", "0", "seed", "1", "seed", "2", "mean", "SD", "min", "to", "max"]
    assert max(map(len, out.splitlines())) <= 80
    assert command([*seeds, "--json"]) == 0
    out, err = capsys.readouterr()
    assert err.count("finished already") == 3
    (told,) = json.loads(out)["models"]
    figures = [
        json.loads((workspace.runs / name / "metrics.json").read_text())["test"]
        for name in ("gmm", "gmm-seed1", "gmm-seed2")
    ]
    for name, row in (("macro", macro), ("micro", micro)):
        of_seeds = [each[name]["f1"] for each in figures]
        spread = told[f"{name}_f1"]
        assert spread["of_seeds"] == of_seeds and told["seeds"] == [0, 1, 2]
        assert spread["mean"] == pytest.approx(np.mean(of_seeds))
        assert spread["standard_deviation"] == pytest.approx(np.std(of_seeds, ddof=1))
        shown = [*of_seeds, np.mean(of_seeds), np.std(of_seeds, ddof=1), min(of_seeds)]
        assert row[2:8] == [f"{100 * value:.2f}" for value in shown]
    assert command([*seeds[:-2], "--epochs", "3", *seeds[-2:]]) == 2
    assert "gmm has no epochs" in capsys.readouterr().err
    assert command([*seeds[:3], "--seeds", "0", *seeds[-2:]]) == 2

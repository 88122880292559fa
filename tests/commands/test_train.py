"""`train`, `train --model all` and their runs beside one another, as a user runs them."""

import json
from pathlib import Path

import pytest

from audioset_tools.cli import run as command
from audioset_tools.train import every
from tests.train.small import place


def test_the_commands(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # Eight convolutions do not fit the small mels.
    monkeypatch.setattr(every, "MODELS", {"paper": every.MODELS["paper"]})
    place(tmp_path)
    root = ["--workspace", str(tmp_path)]
    assert command(["train", "--model", "all", "--epochs", "1", *root]) == 2
    out, err = capsys.readouterr()
    assert "paper: a mel of 12 x 24 is too small" in err
    assert all(name in out for name in ("svm", "gmm", "knn", "hmm", "F1 in %"))
    assert command(["train", "--model", "all", "--json", *root]) == 2
    out, err = capsys.readouterr()
    told = json.loads(out)
    assert {run["model"] for run in told["runs"]} == {"svm", "gmm", "knn", "hmm"}
    assert list(told["failed"]) == ["paper"] and err.count("finished already") == 4
    assert command(["evaluate", "--compare", *root, "--csv", str(tmp_path / "t.csv"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["runs"] == told["runs"]
    assert len((tmp_path / "t.csv").read_text().splitlines()) == 5
    assert command(["evaluate", "--compare", "svm", "hmm", *root]) == 0
    assert "knn" not in capsys.readouterr().out
    assert command(["evaluate", "--compare", "svm", "nix", *root]) == 2
    assert command(["train", "--model", "svm", "--resume", *root]) == 2

"""The script of a published folder makes the tables again with Python alone, and finds what differs."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from audioset_tools.publish import tables
from tests.publish.conftest import write_run


def remade(folder: Path) -> subprocess.CompletedProcess[str]:
    """As a stranger runs it: without any package."""
    return subprocess.run(
        [sys.executable, "-I", "-S", folder / "tables.py"], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("multi_label", [False, True])
def test_every_figure_is_made_again(tmp_path: Path, multi_label: bool) -> None:
    names = ("Violin, fiddle", "-4 dB")
    write_run(tmp_path / "runs" / "one", {"class_names": names, "multi_label": multi_label})
    shutil.copy(str(tables.__file__), tmp_path / "tables.py")
    done = remade(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("every figure is that of metrics.json\n")
    told = (tmp_path / "runs" / "one" / "tables.txt").read_text()
    three = re.findall(r"^precision (.*)\nrecall (.*)\nf1 (.*)$", done.stdout, re.MULTILINE)
    ours = list(zip(*(line.split() for line in three[0]), strict=True))
    # Precision, recall and F1 of a class, or of a mean, are a row there.
    rows = re.findall(r"^\S.*? +(\S+) \(.*?\) +(\S+) \(.*?\) +(\S+) \(.*?\)$", told, re.MULTILINE)
    assert len(ours) == 4 and rows == ours


def test_a_figure_that_differs_is_told(tmp_path: Path) -> None:
    write_run(tmp_path / "runs" / "one", {"class_names": ("A", "B"), "multi_label": False})
    metrics = tmp_path / "runs" / "one" / "metrics.json"
    told = json.loads(metrics.read_text())
    told["test"]["classes"]["A"]["recall"] += 0.01
    metrics.write_text(json.dumps(told))
    shutil.copy(str(tables.__file__), tmp_path / "tables.py")
    done = remade(tmp_path)
    assert done.returncode == 1
    assert "DIFFERS: recall of A: 0.8 here, 0.81 in metrics.json" in done.stdout

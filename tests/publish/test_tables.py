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
    for word in ("Precision", "Recall", "F1-score"):
        figures = re.findall(rf"^{word} \(%\)((?: +\d+\.\d\d)+)$", told, re.MULTILINE)
        ours = re.findall(rf"^{word.lower()[:2]}[a-z0-9]*((?: +\d+\.\d\d)+)$", done.stdout, re.MULTILINE)
        assert figures and [one.split() for one in figures] == [one.split() for one in ours]


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

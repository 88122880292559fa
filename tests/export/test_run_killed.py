"""Whatever the format: the same bytes twice, nothing made again, and a kill within a file changes nothing."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from audioset_tools.export.run import export
from audioset_tools.workspace import Workspace
from tests.export.test_run import contents

CODE = """
import os, signal, sys
from audioset_tools.export import folder, hf, run, webdataset
from audioset_tools.workspace import Workspace
read = folder.wav_bytes
left = [8]
def killing(one):
    left[0] -= 1
    if not left[0]:
        os.kill(os.getpid(), signal.SIGKILL)
    return read(one)
for module in (folder, hf, webdataset):
    module.wav_bytes = killing
root, format_name, out, lists = sys.argv[1:]
run.export(Workspace(root), format_name, out, metadata=lists, jobs=1)
"""


@pytest.mark.parametrize("name", ["hf", "lhotse", "webdataset"])
def test_an_export_killed_within_a_file_is_finished_to_the_same_bytes(
    exportable: Workspace, labels: Path, tmp_path: Path, name: str
) -> None:
    out, whole = tmp_path / "out", tmp_path / "whole"
    export(exportable, name, whole, metadata=labels)
    words = [sys.executable, "-c", CODE, str(exportable.root), name, str(out), str(labels)]
    killed = subprocess.run(words, check=False, timeout=100)
    assert killed.returncode == -signal.SIGKILL
    # A file that was being written lies there under a name of its own, until the next export.
    there = contents(out)
    assert any(path.endswith(".part") for path in there) == (name != "lhotse")
    assert there.keys() != contents(whole).keys()
    export(exportable, name, out, metadata=labels)
    again = export(exportable, name, out, metadata=labels, jobs=3)
    assert contents(out) == contents(whole) and again.made == 0

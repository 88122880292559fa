"""`publish` as a user runs it."""

import shutil
import subprocess
import sys
from pathlib import Path

from tests.commands.conftest import World, run


def test_a_fetched_set_is_published_and_said(world: World, fetched: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    shutil.copytree(fetched, workspace)
    out = tmp_path / "out"
    done = run("publish", str(out), "--workspace", str(workspace), "--metadata", str(world.lists))
    assert done.returncode == 0, done.stderr
    assert "6 files in" in done.stdout
    assert "--author NAME" in done.stderr and (out / "manifest.json").exists()
    remade = subprocess.run([sys.executable, out / "tables.py"], capture_output=True, text=True, check=False)
    assert (remade.returncode, remade.stdout) == (0, "there is no run\n")

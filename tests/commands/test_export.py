"""`export` as a user runs it."""

import json
import shutil
import sys
from pathlib import Path

import pytest

from audioset_tools.export.formats import FORMATS
from audioset_tools.installing import install
from tests.commands.conftest import World, run


def test_a_fetched_set_is_exported_and_said(world: World, fetched: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    shutil.copytree(fetched, workspace)
    words = ["--workspace", str(workspace), "--metadata", str(world.lists), "--out", str(tmp_path / "out")]
    done = run("export", "esc50", *words)
    assert done.returncode == 0, done.stderr
    assert "17 files in" in done.stdout and (tmp_path / "out" / "meta" / "esc50.csv").exists()
    again = run("export", "esc50", *words, "--json")
    assert json.loads(again.stdout)["kept"] == 1


def test_what_is_impossible_is_said_in_two_lines(fetched: Path, tmp_path: Path) -> None:
    done = run("export", "mp4", "--workspace", str(fetched), "--out", str(tmp_path / "out"))
    assert done.returncode == 2
    assert done.stderr.splitlines()[0].endswith("error: there is no format 'mp4'")


def test_help_names_every_format() -> None:
    said = run("export", "--help").stdout
    assert all(f"  {name} " in said and one.words in said for name, one in FORMATS.items())


def test_a_package_that_is_missing_is_named_with_the_extra_that_brings_it(
    fetched: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "audioset_tools.export.hf", raising=False)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    done = run("export", "hf", "--workspace", str(fetched), "--out", str(tmp_path / "out"))
    assert done.returncode == 5 and install("archives") in done.stderr
    assert not (tmp_path / "out").exists()

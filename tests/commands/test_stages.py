"""Featurize and train after fetch, the demo, and what a user sees when something is not there."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.commands.conftest import World, command, run

LEAN_IMPORTS = {"torch", "librosa", "pandas", "yt_dlp", "numpy", "h5py", "rich", "scipy", "sqlite3"}


def test_the_whole_pipeline_with_no_option_after_fetch(fetched: Path, tmp_path: Path) -> None:
    workspace = Path(shutil.copytree(fetched, tmp_path / "w"))
    made = run("featurize", "--workspace", str(workspace), "--json")
    assert made.returncode == 0, made.stderr
    assert json.loads(made.stdout)["clips"]["train"] == dict.fromkeys(("Piano", "Drums", "Flute", "Other"), 2)
    done = run("train", "--workspace", str(workspace), "--epochs", "2")
    assert done.returncode == 0, done.stderr
    assert "Table 1. Confusion matrix, 4 test clips" in done.stdout
    assert "Precision (%)" in done.stdout
    (folder,) = (workspace / "runs").iterdir()
    assert {"config.json", "model.safetensors", "history.csv", "metrics.json", "curves.png"} <= {
        path.name for path in folder.iterdir()
    }


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["fetch", "--per-class", "0"], 2, "--per-class must be at least 1"),
        (["fetch", "--per-class", "-5"], 2, "--per-class must be at least 1"),
        (["fetch", "--pace", "fast"], 2, "there is no pace"),
        (["fetch", "--recipe", "../../etc/passwd.toml"], 2, "there is no recipe"),
        (["fetch", "--ytdlp-option", "proxy=nonsense"], 2, "not JSON"),
        (["fetch", "--metadata", "."], 2, "balanced_train_segments.csv"),
        (["select", "--metadata", "nowhere"], 2, "balanced_train_segments.csv"),
        (["frobnicate"], 2, "no such command"),
        (["train", "--lr", "-1"], 2, "learning rate"),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, list) else None,
)
def test_what_is_wrong_and_what_to_do(tmp_path: Path, words: list[str], code: int, said: str) -> None:
    where = [] if words[0] == "frobnicate" else ["--workspace", str(tmp_path / "w")]
    done = subprocess.run(
        command(*words, *where), capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False
    )
    assert done.returncode == code
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unwritable_workspace(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = run("fetch", "--metadata", str(world.lists), "--workspace", str(tmp_path / "file" / "w"))
    assert done.returncode == 5
    assert "cannot be written to" in done.stderr


@pytest.mark.parametrize("cookies", ["missing.txt", "letter.txt"])
def test_cookies_that_are_none_are_told_before_any_request(
    world: World, tmp_path: Path, cookies: str
) -> None:
    (tmp_path / "letter.txt").write_text("Dear committee,\n")
    where = ["--metadata", str(world.lists), "--workspace", str(tmp_path / "w")]
    done = run(
        "fetch",
        *where,
        "--per-class",
        "1",
        "--cookies",
        str(tmp_path / cookies),
        "--proxy",
        "http://127.0.0.1:9",
    )
    assert done.returncode == 2
    assert "--cookies" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("ytid", ["../../x", "-rf", "abcdefghij", "abcdefghijkA"])
def test_a_hostile_id_to_explain(world: World, ytid: str) -> None:
    done = run("select", "--metadata", str(world.lists), "--explain", ytid)
    assert done.returncode == 2
    assert "neither a video's id nor a clip's key" in done.stderr


def test_help_imports_nothing_heavy() -> None:
    probe = "import sys, audioset_tools.cli; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=True, timeout=30
    )
    assert not LEAN_IMPORTS & {name.split(".")[0] for name in done.stdout.split()}


def test_an_unknown_failure_of_ours_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from audioset_tools import cli

    def breaks(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(cli.cli, "main", breaks)
    assert cli.run([]) == 1
    assert "bug" in capsys.readouterr().err

"""What may befall a workspace: a clear error, and the same clips once it is put right."""

import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from audioset_tools.cli import run as run_here
from audioset_tools.exceptions import DataMismatch, EnvironmentProblem
from audioset_tools.simulator import Plan, Simulator, faults
from tests.commands.conftest import (
    World,
    calm,
    command,
    contents,
    fetch_here,
    fetch_words,
    interrupt_after_clips,
    run,
)

Serve = Callable[[Plan], Simulator]


@pytest.fixture
def workspace(fetched: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fetched, tmp_path / "w"))


def foreign(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE birds (name)")
    db.close()


HARM: dict[str, Callable[[Path], object]] = {
    "text": lambda path: path.write_bytes(b"no ledger at all" * 999),
    "cut": lambda path: os.truncate(path, 9_000),
    "zeroed": lambda path: path.write_bytes(path.read_bytes()[:4096] + bytes(path.stat().st_size - 4096)),
    "empty": lambda path: path.write_bytes(b""),
    "gone": Path.unlink,
    "folder": lambda path: (path.unlink(), path.mkdir()),
    "foreign": foreign,
}


@pytest.mark.parametrize("harm", HARM)
def test_a_harmed_ledger_ends_the_fetch_and_restored_it_continues(
    world: World, serve: Serve, workspace: Path, harm: str
) -> None:
    ledger, before = workspace / "ledger.sqlite", contents(workspace)
    backup = ledger.read_bytes()
    HARM[harm](ledger)
    simulator = serve(calm(world.plan))
    with pytest.raises(DataMismatch) as caught:
        fetch_here(world, simulator, workspace, per_class=4)
    assert len(str(caught.value).splitlines()) == 2
    assert sum(simulator.counts()["requests"].values()) == 0 and contents(workspace) == before
    for path in workspace.glob("ledger.sqlite*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    ledger.write_bytes(backup)
    assert fetch_here(world, simulator, workspace, per_class=4).complete
    assert sum(simulator.counts()["requests"].values()) == 0 and contents(workspace) == before


def test_clips_deleted_altogether_are_fetched_anew(
    world: World, serve: Serve, fetched: Path, workspace: Path
) -> None:
    shutil.rmtree(workspace / "clips")
    assert fetch_here(world, serve(calm(world.plan)), workspace, per_class=4).complete
    assert contents(workspace) == contents(fetched)


def test_a_file_in_the_place_of_a_class(world: World, serve: Serve, fetched: Path, workspace: Path) -> None:
    folder = workspace / "clips" / "Flute"
    shutil.rmtree(folder)
    folder.write_text("mine")
    simulator = serve(calm(world.plan))
    with pytest.raises(EnvironmentProblem, match="Flute"):
        fetch_here(world, simulator, workspace, per_class=4)
    assert folder.read_text() == "mine"
    folder.unlink()
    assert fetch_here(world, simulator, workspace, per_class=4).complete
    assert contents(workspace) == contents(fetched)


def begin(words: list[str], workspace: Path, clips: int) -> "subprocess.Popen[str]":
    """A fetch that has so many clips and is not done."""
    process = subprocess.Popen(command(*words), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    deadline = time.monotonic() + 60
    while len(list(workspace.rglob("Y*.wav"))) < clips:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.005)
    return process


def test_a_second_fetch_ends_at_once_and_the_first_is_undisturbed(
    world: World, serve: Serve, fetched: Path, tmp_path: Path
) -> None:
    simulator = serve(replace(calm(world.plan), latency_s=0.6))
    words = fetch_words(world, simulator, tmp_path, per_class=4)
    with begin(words, tmp_path, 1) as first:
        second = run(*words)
        assert first.poll() is None
        assert second.returncode == 5 and "another audioset-tools process" in second.stderr
        first.communicate(timeout=60)
    assert first.returncode == 0
    assert contents(tmp_path) == contents(fetched)


@pytest.mark.parametrize("how", ["moved", "deleted"])
def test_a_workspace_taken_away_under_a_running_fetch(
    world: World, serve: Serve, fetched: Path, tmp_path: Path, how: str
) -> None:
    workspace, away = tmp_path / "w", tmp_path / "away"
    words = fetch_words(world, serve(replace(calm(world.plan), latency_s=0.1)), workspace, per_class=4)
    with begin(words, workspace, 3) as process:
        workspace.rename(away)
        _, said = process.communicate(timeout=60)
    assert process.returncode == 5, said
    assert "moved or deleted" in said and "Traceback" not in said
    assert not workspace.exists()
    if how == "moved":
        away.rename(workspace)
    assert run(*words).returncode == 0
    assert contents(workspace) == contents(fetched)


@pytest.mark.parametrize("harm", ["lost", "cut", "flipped"])
def test_a_log_harmed_after_a_kill(
    world: World, serve: Serve, fetched: Path, tmp_path: Path, harm: str
) -> None:
    simulator = serve(replace(calm(world.plan), latency_s=0.05))
    with begin(fetch_words(world, simulator, tmp_path, per_class=4), tmp_path, 6) as process:
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)
    log = tmp_path / "ledger.sqlite-wal"
    content = log.read_bytes()
    half = len(content) // 2
    (tmp_path / "ledger.sqlite-shm").unlink(missing_ok=True)
    log.unlink()
    if harm != "lost":
        log.write_bytes(content[:half] + (b"" if harm == "cut" else bytes(9) + content[half + 9 :]))
    assert fetch_here(world, simulator, tmp_path, per_class=4).complete
    assert contents(tmp_path) == contents(fetched)
    assert run("verify", "--workspace", str(tmp_path), "--deep").returncode == 0


def test_words_without_end_neither_hold_up_a_fetch_nor_its_stop(
    world: World,
    serve: Serve,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """With 200 kB of "/" in a reason it took a SIGKILL."""
    words = "/" * 200_000
    monkeypatch.setitem(
        faults._WORDS, "unheard-of", (faults.VerdictWords("UNPLAYABLE", words, words, words),)
    )
    plan = replace(world.plan, shares={"unheard-of": 0.5}, latency_s=0.1)
    done = interrupt_after_clips(fetch_words(world, serve(plan), tmp_path), tmp_path, 3, signal.SIGINT)
    assert done == 130
    assert run_here(["status", "--workspace", str(tmp_path), "--failures", "--json"]) == 0
    failures = capsys.readouterr().out
    assert '"unknown"' in failures and len(failures) < 1_000_000

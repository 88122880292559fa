"""A small data set of its own, and the command line as a user runs it."""

import os
import signal
import subprocess
import sys
import time
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from audioset_tools import cli, console
from audioset_tools.fetch.progress import FetchResult
from audioset_tools.fetch.run import fetch
from audioset_tools.simulator import Plan, Simulator
from audioset_tools.simulator.lists import write_lists
from audioset_tools.types import Table
from audioset_tools.words import TableLine, draw_table
from audioset_tools.workspace import Workspace
from tests.fitting import require_fit

CLASSES = ("Piano", "Drums", "Flute", "Other")


@dataclass(frozen=True)
class World:
    """Lists in the official form, and the plan of a YouTube that holds their videos."""

    lists: Path
    plan: Plan


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("lists")
    table = write_lists(folder, dict.fromkeys(CLASSES, 16), seed=3)
    shares = {"removed": 0.15, "private": 0.05, "silent": 0.05, "media-503": 0.05, "truncate": 0.05}
    return World(folder, Plan(seed=5, table=table, shares=shares))


@pytest.fixture(scope="session")
def fetched(world: World, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with four clips of each class; to be copied, not changed."""
    workspace = tmp_path_factory.mktemp("fetched")
    with Simulator(calm(world.plan), cache=cache) as simulator:
        done = run(*fetch_words(world, simulator, workspace, per_class=4))
    assert done.returncode == 0, done.stderr
    return workspace


@pytest.fixture(autouse=True)
def every_table_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever a command prints here as a table is drawn for every screen, too."""

    def draw(table: Table, width: int) -> list[TableLine]:
        require_fit(table)
        return draw_table(table, width)

    monkeypatch.setattr(console, "draw_table", draw)


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "audioset_tools", *words]


def fetch_words(world: World, simulator: Simulator, workspace: Path, per_class: int = 6) -> list[str]:
    where = ["--metadata", str(world.lists), "--workspace", str(workspace), "--proxy", simulator.proxy]
    patience = ["--no-check-certificate", "--pace", "unlimited", "--retry-wait", "0.1"]
    return ["fetch", "--per-class", str(per_class), *where, *patience]


def fetch_here(
    world: World, simulator: Simulator, workspace: Path, per_class: int = 6, **changes: Any
) -> FetchResult:
    """What `fetch_words` do, in this process; errors are raised."""
    where = {"metadata": world.lists, "proxy": simulator.proxy, "check_certificate": False}
    patience = {"pace": "unlimited", "retry_wait": 0.1}
    return fetch(Workspace(workspace), per_class=per_class, **{**where, **patience, **changes})


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """A command in this process, which spares two seconds of imports: as the console script runs it."""
    out, err = StringIO(), StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = cli.run(list(words))
    return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())


def run_apart(*words: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, where what one reads when it starts matters."""
    return subprocess.run(command(*words), capture_output=True, text=True, timeout=100, check=False)


def interrupt_after_clips(words: list[str], workspace: Path, clips: int, with_signal: signal.Signals) -> int:
    """Start a command, send a signal once so many clips are there, and return its exit code."""
    with subprocess.Popen(command(*words), stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while process.poll() is None and len(list(workspace.rglob("Y*.wav"))) < clips:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        if process.poll() is None:
            os.kill(process.pid, with_signal)
        process.communicate(timeout=60)
        return process.returncode


def contents(workspace: Path) -> dict[str, bytes]:
    """Every clip's bytes by its path in the workspace."""
    return {
        path.relative_to(workspace).as_posix(): path.read_bytes()
        for path in sorted((workspace / "clips").rglob("*"))
        if path.is_file()
    }


def calm(plan: Plan) -> Plan:
    """The same videos, all of them alive."""
    return replace(plan, shares={})

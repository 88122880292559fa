"""`status` as a user runs it: before, during and after a fetch, and after a kill."""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from audioset_tools.simulator import Plan, Refusal, Simulator
from tests.commands.conftest import World, command, contents, fetch_words, run

Serve = Callable[[Plan], Simulator]

REFUSED = {"too-many-requests"}


@pytest.fixture(scope="module")
def fetched(world: World, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    workspace = tmp_path_factory.mktemp("fetched")
    with Simulator(world.plan, cache=cache) as simulator:
        assert run(*fetch_words(world, simulator, workspace)).returncode == 0
    return workspace


def told(workspace: Path, *words: str) -> dict[str, object]:
    done = run("status", "--workspace", str(workspace), "--json", *words)
    assert done.returncode == 0, done.stderr
    found: dict[str, object] = json.loads(done.stdout)
    return found


def test_before_any_fetch_it_says_what_to_run_and_makes_nothing(tmp_path: Path) -> None:
    done = run("status", "--workspace", str(tmp_path))
    assert done.returncode == 6
    assert "audioset-tools fetch" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_after_a_fetch_it_counts_what_is_on_disk(fetched: Path) -> None:
    found = told(fetched)
    clips = contents(fetched)
    for name, one in found["classes"].items():  # type: ignore[attr-defined]
        assert one["wanted"] == one["verified"] == sum(f"/{name}/" in clip for clip in clips) == 6
        assert sum(one["reasons"]["dead"].values()) == one["dead"]
    assert sum(day["accepted"] for day in found["days"]) == 24  # type: ignore[attr-defined]
    assert found["reasons"]["removed"]["scope"] == "final"  # type: ignore[index]
    assert (found["lacking"], found["seconds_left"]) == (0, 0)
    done = run("status", "--workspace", str(fetched))
    assert done.returncode == 0
    for words in ("Candidates", "Piano", "Reasons", "removed", "Days of UTC", "time left: none"):
        assert words in done.stdout
    assert done.stderr == ""


def test_failures_as_table_json_and_csv(fetched: Path, tmp_path: Path) -> None:
    out = tmp_path / "failures.csv"
    everything = told(fetched)["classes"]
    dead = sum(one["dead"] for one in everything.values())  # type: ignore[attr-defined]
    rows = told(fetched, "--failures")["failures"]
    done = run("status", "--workspace", str(fetched), "--failures", "--out", str(out))
    assert (done.returncode, done.stdout) == (0, "")
    frame = pd.read_csv(out)
    assert len(frame) == len(rows) == dead > 0  # type: ignore[arg-type]
    assert list(frame["clip"].str[1:]) == [row["key"] for row in rows]  # type: ignore[attr-defined]
    done = run("status", "--workspace", str(fetched), "--failures")
    assert rows[0]["key"] in done.stdout  # type: ignore[index]


def test_out_without_failures_is_refused(fetched: Path, tmp_path: Path) -> None:
    done = run("status", "--workspace", str(fetched), "--out", str(tmp_path / "x.csv"))
    assert done.returncode == 2
    assert "--failures" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_ledger_is_told(fetched: Path, tmp_path: Path) -> None:
    shutil.copy(fetched / "ledger.sqlite", tmp_path)
    with (tmp_path / "ledger.sqlite").open("r+b") as file:
        file.write(b"no database")
    done = run("status", "--workspace", str(tmp_path))
    assert done.returncode == 6
    assert "damaged" in done.stderr
    assert "Traceback" not in done.stderr


def test_during_a_fetch_it_says_until_when_all_are_paused_and_why_and_after_a_kill_too(
    world: World, serve: Serve, tmp_path: Path
) -> None:
    simulator = serve(replace(world.plan, refusals=(Refusal(at=9, seconds=600, retry_after=600),)))
    words = command(*fetch_words(world, simulator, tmp_path))
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 60
            found: dict[str, Any] = {}
            # A pause holds from the moment of the refusal, and is told with its reason once that is written.
            while not (found.get("pace") or {}).get("paused_until") or not found["reasons"].keys() & REFUSED:
                assert time.monotonic() < deadline
                assert process.poll() is None
                done = run("status", "--workspace", str(tmp_path), "--json")
                # Until the lists are read there is no ledger, or none with candidates.
                assert done.returncode in (0, 6), done.stderr
                found = json.loads(done.stdout) if done.returncode == 0 else {}
        finally:
            process.send_signal(signal.SIGKILL)
    assert found["pace"]["reason"] == "too-many-requests"
    assert {found["reasons"][reason]["scope"] for reason in REFUSED} == {"run"}
    assert all(one["wanted"] == 6 for one in found["classes"].values())
    assert 0 < found["lacking"] <= 24
    after = run("status", "--workspace", str(tmp_path))
    assert after.returncode == 0
    assert "paused: until" in after.stdout
    assert "too-many-requests" in after.stdout

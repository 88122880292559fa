"""The same promise from a folder of one's own: exactly N, an honest shortfall, one ledger for all sources."""

import json
import os
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audioset_tools.fetch.pace import PaceState
from audioset_tools.simulator import Plan, Simulator
from audioset_tools.simulator.sounds import offset_ms, wanted
from audioset_tools.types import SAMPLE_RATE

from .conftest import CLASSES, World, calm, command, contents, fetch_words, run


@pytest.fixture(scope="module")
def copy(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every video of the lists but those of Drums beyond the first four, whole or cut, under mixed names."""
    folder = tmp_path_factory.mktemp("copy")
    plan, drums = calm(world.plan), 0
    for number, (ytid, (class_name, start_ms, end_ms, *_)) in enumerate(plan.table.items()):
        drums += class_name == "Drums"
        if class_name == "Drums" and drums > 4:
            continue
        sound = wanted(plan, ytid)[: (end_ms - start_ms) * SAMPLE_RATE // 1000]
        whole = np.concatenate([np.zeros(start_ms * SAMPLE_RATE // 1000, np.float32), sound])
        forms = {
            f"Y{ytid}_{start_ms}.wav": sound,
            f"{ytid}.flac": whole,
            f"Y{ytid}.wav": sound,
            f"{ytid}_{start_ms // 1000}_{end_ms // 1000}.flac": sound,
        }
        name = list(forms)[number % 4]
        target = folder / f"{number % 3}" / "in" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(target, forms[name], SAMPLE_RATE)
    return folder


def local_words(world: World, copy: Path, workspace: Path, per_class: int) -> list[str]:
    where = ["--metadata", str(world.lists), "--workspace", str(workspace), "--source", f"local:{copy}"]
    # Who only changes the source need not take the other options away: no proxy is asked.
    return ["fetch", "--per-class", str(per_class), *where, "--proxy", "http://127.0.0.1:9", "--json"]


def test_exactly_n_clips_each_cut_where_it_should_be(world: World, copy: Path, tmp_path: Path) -> None:
    done = run(*local_words(world, copy, tmp_path, 4))
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["requests"] == 0
    assert all(one["verified"] == 4 for one in summary["classes"].values())
    clips = contents(tmp_path)
    assert len(clips) == 16
    for name in clips:
        ytid = Path(name).name[1:12]
        samples, _ = soundfile.read(tmp_path / name)
        assert abs(offset_ms(wanted(calm(world.plan), ytid), samples)) < 0.1
    assert run(*local_words(world, copy, tmp_path, 4)).returncode == 0
    assert contents(tmp_path) == clips


def test_what_the_folder_lacks_is_a_shortfall_at_once(world: World, copy: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "copy"
    damaged.mkdir()
    for number, file in enumerate(sorted(copy.rglob("*.*"))):
        if number < 4:
            (damaged / file.name).write_bytes(file.read_bytes()[:20])
        else:
            (damaged / file.name).hardlink_to(file)
    begun = time.monotonic()
    done = run(*local_words(world, damaged, tmp_path / "w", 16))
    assert done.returncode == 3
    # The wait before the second try of a passing failure is 30 s.
    assert time.monotonic() - begun < 25
    assert "Drums lacks" in done.stderr
    dead = {
        name: {reason: n for reason, n in one["dead"].items() if n}
        for name, one in json.loads(done.stdout)["classes"].items()
    }
    assert dead["Drums"]["not-in-folder"] >= 12
    assert sum(one.get("damaged-file", 0) for one in dead.values()) == 4


def test_youtube_continues_where_the_folder_ended(
    world: World, copy: Path, serve: Callable[[Plan], Simulator], tmp_path: Path
) -> None:
    assert run(*local_words(world, copy, tmp_path, 3)).returncode == 0
    taken = contents(tmp_path)
    assert run(*fetch_words(world, serve(calm(world.plan)), tmp_path)).returncode == 0
    assert contents(tmp_path).items() > taken.items()
    assert len(contents(tmp_path)) == 6 * len(CLASSES)
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        sources = [source.split()[0] for (source,) in db.execute("SELECT source FROM clip")]
    db.close()
    assert (sources.count("local"), sources.count("youtube")) == (12, 12)


def test_a_pause_of_youtube_neither_stops_a_folder_nor_is_lost(
    world: World, copy: Path, tmp_path: Path
) -> None:
    assert run(*local_words(world, copy, tmp_path, 1)).returncode == 0
    pause = json.dumps(asdict(PaceState(rate=100, paused_at=1, paused_until=time.time() + 1e6, locked=3)))
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        db.execute("INSERT OR REPLACE INTO meta VALUES ('pace', ?)", (pause,))
    db.close()
    assert run(*local_words(world, copy, tmp_path, 3)).returncode == 0
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        assert db.execute("SELECT value FROM meta WHERE name = 'pace'").fetchone() == (pause,)
    db.close()


def test_a_ctrl_c_at_the_terminal_blames_no_file(world: World, copy: Path, tmp_path: Path) -> None:
    words = command(*local_words(world, copy, tmp_path, 4))
    with subprocess.Popen(
        words, stderr=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as process:
        deadline = time.monotonic() + 60
        while len(list(tmp_path.rglob("Y*.wav"))) < 3:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.005)
        # As a terminal does: to the whole group.
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode in (0, 130)
    with sqlite3.connect(tmp_path / "ledger.sqlite") as db:
        blamed = db.execute("SELECT count(*) FROM event WHERE reason NOT IN ('', 'not-in-folder')")
        assert blamed.fetchone() == (0,)
    db.close()
    assert run(*local_words(world, copy, tmp_path, 4)).returncode == 0


def test_a_dry_run_says_what_is_there_and_decodes_nothing(world: World, copy: Path, tmp_path: Path) -> None:
    done = run(*local_words(world, copy, tmp_path, 4), "--dry-run")
    assert done.returncode == 0
    files = len([file for file in copy.rglob("*") if file.is_file()])
    assert f"{files} files of {files} videos" in done.stderr
    assert "lacking" in done.stdout
    assert "requests" not in done.stdout
    assert not (tmp_path / "clips").exists()


@pytest.mark.parametrize("source", ["local:/no/such/folder", "locally", "local:"])
def test_a_source_that_makes_no_sense(source: str, world: World, tmp_path: Path) -> None:
    done = run(
        "fetch", "--source", source, "--metadata", str(world.lists), "--workspace", str(tmp_path / "w")
    )
    assert done.returncode == 2
    assert "error:" in done.stderr and "local:DIR" in done.stderr
    assert not (tmp_path / "w").exists()

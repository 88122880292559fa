"""The promise of fetch, exactly N verified clips a class, through kills, pauses, losses and bad luck."""

import json
import shutil
import signal
import sqlite3
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
from offset import offset_ms

from audioset_tools.exceptions import DataMismatch, Shortfall
from audioset_tools.simulator import Plan, Refusal, Simulator
from audioset_tools.simulator.sounds import wanted
from audioset_tools.types import CHANNEL_ID
from audioset_tools.workspace import Workspace
from tests.commands.conftest import (
    CLASSES,
    World,
    calm,
    contents,
    fetch_here,
    fetch_words,
    interrupt_after_clips,
    run,
)

Serve = Callable[[Plan], Simulator]


@pytest.fixture(scope="module")
def undisturbed(world: World, cache: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace fetched without interruption."""
    workspace = tmp_path_factory.mktemp("undisturbed")
    with Simulator(world.plan, cache=cache) as simulator:
        done = run(*fetch_words(world, simulator, workspace), "--json")
    assert done.returncode == 0, done.stderr
    summary = json.loads(done.stdout)
    assert summary["complete"]
    assert all(one["verified"] == 6 for one in summary["classes"].values())
    return workspace


def test_exactly_n_clips_of_each_class_each_cut_where_it_should_be(world: World, undisturbed: Path) -> None:
    clips = contents(undisturbed)
    assert len(clips) == 24
    for name in clips:
        folder, file = Path(name).parts[1:]
        ytid = file[1:12]
        samples, rate = soundfile.read(undisturbed / name, dtype="int16")
        assert (rate, samples.shape) == (16_000, (160_000,))
        assert world.plan.table[ytid][0] == folder
        assert abs(offset_ms(wanted(world.plan, ytid), samples / 32768)) < 50


def test_the_ledger_knows_whose_a_video_is(undisturbed: Path) -> None:
    with sqlite3.connect(undisturbed / "ledger.sqlite") as db:
        videos = db.execute("SELECT DISTINCT channel_id, title FROM video").fetchall()
    db.close()
    assert len(videos) == 24
    assert len({channel for channel, _ in videos if CHANNEL_ID.fullmatch(channel)}) == 24
    assert all("played on loopback" in title for _, title in videos)


def test_killed_again_and_again_it_ends_with_the_same_bytes(
    world: World, serve: Serve, undisturbed: Path, tmp_path: Path
) -> None:
    simulator = serve(world.plan)
    words = fetch_words(world, simulator, tmp_path)
    for clips in (1, 7, 15):
        assert interrupt_after_clips(words, tmp_path, clips, signal.SIGKILL) == -signal.SIGKILL
    assert fetch_here(world, simulator, tmp_path).complete
    assert contents(tmp_path) == contents(undisturbed)


def test_ctrl_c_drains_and_the_same_command_continues(
    world: World, serve: Serve, undisturbed: Path, tmp_path: Path
) -> None:
    simulator = serve(world.plan)
    words = fetch_words(world, simulator, tmp_path)
    assert interrupt_after_clips(words, tmp_path, 5, signal.SIGINT) == 130
    recorded = sqlite3.connect(tmp_path / "ledger.sqlite").execute("SELECT count(*) FROM clip").fetchone()[0]
    assert recorded == len(contents(tmp_path)) >= 5
    assert fetch_here(world, simulator, tmp_path).complete
    assert contents(tmp_path) == contents(undisturbed)


def test_a_429_pauses_everyone_and_costs_no_clip(
    world: World, serve: Serve, undisturbed: Path, tmp_path: Path
) -> None:
    refusals = tuple(
        Refusal(at=at, seconds=0.5, retry_after=1, kind=k) for at, k in [(9, "player"), (30, "media")]
    )
    simulator = serve(replace(world.plan, refusals=refusals))
    assert fetch_here(world, simulator, tmp_path).complete
    assert contents(tmp_path) == contents(undisturbed)
    assert 2 <= simulator.counts()["refused"] <= 8


def test_a_pause_longer_than_max_wait_ends_with_exit_code_4_and_is_remembered(
    world: World, serve: Serve, tmp_path: Path
) -> None:
    simulator = serve(replace(world.plan, refusals=(Refusal(at=5, seconds=600, retry_after=600),)))
    words = [*fetch_words(world, simulator, tmp_path), "--max-wait", "60"]
    done = run(*words)
    assert done.returncode == 4
    assert "too-many-requests" in done.stderr
    assert "again after" in done.stderr
    before = simulator.counts()["requests"]["player"]
    assert run(*words).returncode == 4
    assert simulator.counts()["requests"]["player"] == before
    dead = sqlite3.connect(tmp_path / "ledger.sqlite").execute(
        "SELECT count(*) FROM candidate WHERE reason IN ('too-many-requests', 'unknown')"
    )
    assert dead.fetchone() == (0,)


def test_a_spent_queue_is_an_honest_shortfall(world: World, serve: Serve, tmp_path: Path) -> None:
    faults = {ytid: "removed" for ytid, row in world.plan.table.items() if row[0] == "Flute"}
    alive = next(iter(faults))
    simulator = serve(replace(calm(world.plan), faults={**faults, alive: ""}))
    done = run(*fetch_words(world, simulator, tmp_path, per_class=4), "--json")
    assert done.returncode == 3
    assert "Flute lacks 3" in done.stderr
    verified = {name: one["verified"] for name, one in json.loads(done.stdout)["classes"].items()}
    assert verified == {"Piano": 4, "Drums": 4, "Flute": 1, "Other": 4}


def test_more_than_a_class_has_is_a_shortfall_too(world: World, serve: Serve, tmp_path: Path) -> None:
    with pytest.raises(Shortfall, match="Piano lacks 1"):
        fetch_here(world, serve(calm(world.plan)), tmp_path, per_class=17)


@pytest.mark.parametrize("harm", ["delete", "truncate", "flip"])
def test_a_clip_lost_after_the_fetch_is_fetched_anew(
    world: World, serve: Serve, undisturbed: Path, tmp_path: Path, harm: str
) -> None:
    workspace = tmp_path / "w"
    shutil.copytree(undisturbed, workspace)
    victim = next((workspace / "clips" / "Flute").iterdir())
    whole = victim.read_bytes()
    if harm == "delete":
        victim.unlink()
    else:
        victim.write_bytes(whole[:1000] if harm == "truncate" else whole[:-1] + bytes([whole[-1] ^ 1]))
    if harm == "delete":
        done = run("featurize", "--workspace", str(workspace))
        assert done.returncode == 6
        assert victim.name in done.stderr and "fetch" in done.stderr
    assert fetch_here(world, serve(world.plan), workspace).complete
    assert contents(workspace) == contents(undisturbed)


def test_two_fetches_in_one_workspace(world: World, serve: Serve, tmp_path: Path) -> None:
    with Workspace(tmp_path).lock():
        done = run(*fetch_words(world, serve(world.plan), tmp_path))
    assert done.returncode == 5
    assert "another audioset-tools process" in done.stderr


def test_a_workspace_of_another_recipe_or_of_a_newer_version(
    world: World, serve: Serve, undisturbed: Path, tmp_path: Path
) -> None:
    workspace = tmp_path / "w"
    shutil.copytree(undisturbed, workspace)
    simulator = serve(world.plan)
    with pytest.raises(DataMismatch, match="another recipe"):
        fetch_here(world, simulator, workspace, recipe="clean")
    with sqlite3.connect(workspace / "ledger.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(DataMismatch, match="newer"):
        fetch_here(world, simulator, workspace)
    assert contents(workspace) == contents(undisturbed)


def test_a_dry_run_sends_and_writes_no_clip(world: World, serve: Serve, tmp_path: Path) -> None:
    simulator = serve(world.plan)
    done = run(*fetch_words(world, simulator, tmp_path), "--dry-run")
    assert done.returncode == 0
    assert "Flute" in done.stdout
    assert sum(simulator.counts()["requests"].values()) == 0
    told = json.loads(run(*fetch_words(world, simulator, tmp_path), "--dry-run", "--json").stdout)
    assert told["survival"] == 0.8 and told["parts"]["Flute"]["lacking"] == 6
    assert not list(tmp_path.iterdir())


def test_growing_keeps_what_is_there(world: World, serve: Serve, undisturbed: Path, tmp_path: Path) -> None:
    workspace = tmp_path / "w"
    shutil.copytree(undisturbed, workspace)
    assert fetch_here(world, serve(world.plan), workspace, per_class=8).complete
    grown = contents(workspace)
    assert len(grown) == 8 * len(CLASSES)
    assert contents(undisturbed).items() <= grown.items()

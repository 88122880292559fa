"""`fetch --source hf:...` as a user types it, against a stand-in Hub: kills, refusals, other sources."""

import os
import signal
import sqlite3
import subprocess
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Protocol

import pytest

from audioset_tools.simulator import Plan, Simulator
from audioset_tools.simulator.hub import HubPlan, HubRefusal, HubSimulator, write_mirror
from audioset_tools.simulator.hub.mirror import cut
from audioset_tools.simulator.plan import fate
from tests.commands.conftest import (
    CLASSES,
    World,
    calm,
    command,
    contents,
    fetch_words,
    interrupt_after_clips,
    run_apart,
)

pytest.importorskip("huggingface_hub")


@pytest.fixture(scope="module")
def mirror(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Zips with four fifths of the world's videos, all of them alive."""
    folder = tmp_path_factory.mktemp("mirror")
    write_mirror(folder, calm(world.plan), world.plan.table, share=0.8, part=20)
    return folder


class Serve(Protocol):
    """Starts a Hub, which every command then asks."""

    def __call__(self, folder: Path, plan: HubPlan = HubPlan()) -> HubSimulator:
        """Serve a folder."""


@pytest.fixture
def hub_of(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(folder: Path, plan: HubPlan = HubPlan()) -> HubSimulator:
            hub = stack.enter_context(HubSimulator(folder, plan))
            monkeypatch.setenv("HF_ENDPOINT", hub.address)
            return hub

        yield start


def words(world: World, workspace: Path, *sources: str, per_class: int = 8) -> list[str]:
    named = [word for source in sources for word in ("--source", source)]
    where = ["--metadata", str(world.lists), "--workspace", str(workspace)]
    return ["fetch", *named, "--per-class", str(per_class), *where, "--retry-wait", "0.1"]


def outcome(workspace: Path) -> dict[str, object]:
    """Every clip's bytes, and what the ledger says of every candidate and of where each clip came from."""
    with closing(sqlite3.connect(workspace / "ledger.sqlite")) as db:
        candidates = db.execute(
            "SELECT class, rank, ytid, state, reason FROM candidate ORDER BY 1, 2"
        ).fetchall()
        clips = db.execute("SELECT class, rank, path, sha256, source FROM clip ORDER BY 1, 2").fetchall()
    return {**contents(workspace), "candidates": candidates, "clips": clips}


@pytest.mark.timeout(300)
def test_kills_errors_refusals_and_expiring_links_change_nothing(
    world: World, mirror: Path, hub_of: Serve, tmp_path: Path
) -> None:
    hub = hub_of(mirror)
    done = run_apart(*words(world, tmp_path / "calm", f"hf:{hub.repo}"))
    assert done.returncode == 0, done.stderr
    requests = hub.counts()["requests"]
    # A clip is one request; the rest finds the commit, the tree, and the directories of the zips.
    zips = len(list(mirror.rglob("*.zip")))
    parts = 8 * len(CLASSES) + 2 * zips
    assert requests == {"info": 1, "tree": 1, "resolve": zips, "part": parts, "other": 0}
    plan = HubPlan(
        chance_503=0.1,
        link_uses=3,
        latency_s=0.1,
        refusals=(
            HubRefusal(5, 1, "RateLimit"),
            HubRefusal(15, 1, "Retry-After"),
            HubRefusal(25, 1, "Retry-After", of_storage=True),
        ),
    )
    disturbed = hub_of(mirror, plan)
    typed = words(world, tmp_path / "disturbed", f"hf:{hub.repo}")
    for clips in (4, 12, 22):
        assert interrupt_after_clips(typed, tmp_path / "disturbed", clips, signal.SIGKILL) == -signal.SIGKILL
    done = run_apart(*typed)
    assert done.returncode == 0, done.stderr
    assert outcome(tmp_path / "disturbed") == outcome(tmp_path / "calm")
    assert disturbed.counts()["refused"] >= 6
    assert disturbed.counts()["requests"]["resolve"] > zips


def test_the_set_is_the_first_of_the_union_of_all_sources(
    world: World, mirror: Path, hub_of: Serve, cache: Path, tmp_path: Path
) -> None:
    """Files, a mirror and YouTube, each of which lacks some: each clip is of the first that has it."""
    hub = hub_of(mirror)
    (tmp_path / "files").mkdir()
    plan = calm(world.plan)
    local = [ytid for ytid in plan.table if fate(1, ytid, "local") < 0.3]
    for ytid in local:
        (tmp_path / "files" / f"Y{ytid}.wav").write_bytes(cut(plan, ytid))
    remote = Plan(seed=plan.seed, table=plan.table, shares={"removed": 0.5})
    with Simulator(remote, cache=cache) as youtube:
        sources = [f"local:{tmp_path / 'files'}", f"hf:{hub.repo}", "youtube"]
        typed = fetch_words(world, youtube, tmp_path / "w", per_class=10)
        done = run_apart(*typed, *(word for source in sources for word in ("--source", source)))
        assert done.returncode == 0, done.stderr
    with closing(sqlite3.connect(tmp_path / "w" / "ledger.sqlite")) as db:
        paths = db.execute("SELECT path, source FROM clip").fetchall()
        behind = db.execute(
            "SELECT count(*) FROM candidate c WHERE state = 'accepted' AND EXISTS (SELECT 1 FROM candidate d"
            " WHERE d.class = c.class AND d.rank < c.rank AND d.state NOT IN ('accepted', 'dead'))"
        ).fetchone()
    clips = {Path(path).name[1:12]: source for path, source in paths}
    assert len(clips) == 40 and behind == (0,)
    held = {
        name.removeprefix("Y").removesuffix(".wav")
        for path in mirror.rglob("*.zip")
        for name in zipfile.ZipFile(path).namelist()
    }
    for ytid, source in clips.items():
        expected = "local" if ytid in local else "hf" if ytid in held else "youtube"
        assert source.split()[0] == expected
    assert {source.split()[0] for source in clips.values()} == {"local", "hf", "youtube"}


@pytest.mark.parametrize(
    ("plan", "code", "said"),
    [
        (HubPlan(gate="gated"), 5, "is gated: who reads it must have accepted its terms"),
        (HubPlan(gate="gone"), 2, "the Hub has no data set"),
        (HubPlan(gate="disabled"), 5, "the Hub has disabled"),
        (HubPlan(refusals=(HubRefusal(1, 9_000),)), 4, "Run the same command again after"),
    ],
)
def test_what_the_hub_does_not_give_is_said_in_two_lines(
    world: World, mirror: Path, hub_of: Serve, tmp_path: Path, plan: HubPlan, code: int, said: str
) -> None:
    hub = hub_of(mirror, plan)
    done = run_apart(*words(world, tmp_path / "w", f"hf:{hub.repo}"))
    assert done.returncode == code, done.stderr
    assert said in done.stderr and "Traceback" not in done.stderr


def test_a_pause_is_remembered_by_the_next_run(
    world: World, mirror: Path, hub_of: Serve, tmp_path: Path
) -> None:
    hub = hub_of(mirror, HubPlan(refusals=(HubRefusal(1, 9_000),)))
    typed = words(world, tmp_path / "w", f"hf:{hub.repo}")
    assert run_apart(*typed).returncode == 4
    again = hub_of(mirror)
    with subprocess.Popen(command(*typed), stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        time.sleep(8)
        os.kill(process.pid, signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert sum(again.counts()["requests"].values()) == 0


def test_a_dry_run_asks_nobody(world: World, mirror: Path, hub_of: Serve, tmp_path: Path) -> None:
    hub = hub_of(mirror)
    done = run_apart(*words(world, tmp_path / "w", f"hf:{hub.repo}"), "--dry-run")
    assert done.returncode == 0, done.stderr
    assert sum(hub.counts()["requests"].values()) == 0

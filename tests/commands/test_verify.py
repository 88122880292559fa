"""`verify` as a user runs it: its exit codes, and the fetch that follows a repair."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from audioset_tools.simulator import Plan, Simulator
from audioset_tools.workspace import Workspace
from tests.commands.conftest import World, calm, contents, fetch_words, run

Serve = Callable[[Plan], Simulator]


@pytest.fixture
def workspace(fetched: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fetched, tmp_path / "w"))


def test_after_a_repair_and_a_fetch_all_is_as_before(
    world: World, serve: Serve, fetched: Path, workspace: Path
) -> None:
    words = ("--workspace", str(workspace))
    done = run("verify", *words, "--deep")
    assert done.returncode == 0 and "16 clips: every byte as recorded" in done.stdout
    one, two, three = sorted((workspace / "clips" / "Flute").iterdir())[:3]
    one.unlink()
    two.write_bytes(two.read_bytes()[:-1] + b"\xaa")
    three.write_bytes(three.read_bytes()[:5_000])
    done = run("verify", *words)
    assert done.returncode == 6 and "1 missing, 1 damaged" in done.stderr and "--repair" in done.stderr
    done = run("verify", *words, "--deep", "--json")
    assert done.returncode == 6
    assert sorted(f["kind"] for f in json.loads(done.stdout)["findings"]) == ["damaged", "damaged", "missing"]
    done = run("verify", *words, "--deep", "--repair")
    assert done.returncode == 0, done.stderr
    assert "3 clips are in the queue again; 2 files moved to" in done.stderr
    assert "run next: audioset-tools fetch" in done.stderr
    assert run(*fetch_words(world, serve(calm(world.plan)), workspace, per_class=4)).returncode == 0
    assert contents(workspace) == contents(fetched)
    assert run("verify", *words, "--deep").returncode == 0


def test_an_orphan_is_reported_before_and_after(workspace: Path) -> None:
    mine = workspace / "clips" / "mine.flac"
    mine.write_text("x")
    for words in ([], ["--repair"]):
        done = run("verify", "--workspace", str(workspace), *words)
        assert done.returncode == 6 and "clips/mine.flac" in done.stdout and "1 orphaned" in done.stderr
    assert mine.exists()


def test_verify_makes_nothing_where_there_is_nothing(tmp_path: Path) -> None:
    done = run("verify", "--workspace", str(tmp_path / "w"))
    assert done.returncode == 2 and "there is no workspace" in done.stderr
    assert not (tmp_path / "w").exists()


def test_beside_a_writer_it_ends_at_once_and_changes_nothing(workspace: Path) -> None:
    (workspace / "clips" / "mine.flac").write_text("x")
    before = contents(workspace)
    with Workspace(workspace).lock():
        for words in (["--deep"], ["--repair"]):
            done = run("verify", "--workspace", str(workspace), *words)
            assert done.returncode == 5 and "another audioset-tools process" in done.stderr
            assert not done.stdout
        # It only reads.
        assert run("status", "--workspace", str(workspace)).returncode == 0
    assert contents(workspace) == before

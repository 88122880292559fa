"""`forget` as a user runs it, and the fetch that fills the place."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from audioset_tools.ledger import Ledger
from audioset_tools.ledger.changes import forget
from audioset_tools.simulator import Plan, Simulator
from audioset_tools.workspace import Workspace
from tests.commands.conftest import World, calm, contents, fetch_words, run
from tests.factories import reseal

Serve = Callable[[Plan], Simulator]


@pytest.fixture
def workspace(fetched: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fetched, tmp_path / "w"))


def test_a_forgotten_clip_is_replaced_and_never_asked_for_again(
    world: World, serve: Serve, fetched: Path, workspace: Path
) -> None:
    victim = sorted((workspace / "clips" / "Flute").iterdir())[0]
    ytid = victim.name[1:12]
    done = run("forget", "--workspace", str(workspace), "--", ytid)
    assert done.returncode == 0, done.stderr
    assert f"erased clips/Flute/{victim.name}" in done.stdout
    simulator = serve(calm(world.plan))
    words = fetch_words(world, simulator, workspace, per_class=4)
    assert run(*words, "--retry", "passing", "--retry", "unavailable").returncode == 0
    after = contents(workspace)
    gone = f"clips/Flute/{victim.name}"
    assert len(after) == 16 and gone not in after
    assert contents(fetched).keys() - after.keys() == {gone}
    assert "1 forgotten" in run(*words).stdout
    assert run("forget", "--workspace", str(workspace), "--", ytid).returncode == 0
    assert run("verify", "--workspace", str(workspace), "--deep").returncode == 0


@pytest.mark.parametrize("next_command", ["fetch", "forget"])
def test_what_a_kill_left_is_erased_by_the_next_command(
    world: World, serve: Serve, workspace: Path, next_command: str
) -> None:
    victim = sorted((workspace / "clips" / "Flute").iterdir())[0]
    ytid = victim.name[1:12]
    with Ledger(Workspace(workspace).ledger) as ledger:
        forget(ledger, [ytid], at=1)
    assert victim.exists()
    words = ["forget", "--workspace", str(workspace), "--", ytid]
    if next_command == "fetch":
        words = fetch_words(world, serve(calm(world.plan)), workspace, per_class=4)
    assert run(*words).returncode == 0
    assert not victim.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["forget", "-bcdefghijA"], "forget -- -abc"),
        (["forget", "--cdefghijA"], "forget -- -abc"),
        (["forget", "abc"], "no video's id"),
        (["forget", "--", "-bcdefghijA"], "no candidate"),
        (["forget"], "Missing argument"),
    ],
)
def test_a_wrong_id_is_a_usage_error(workspace: Path, words: list[str], said: str) -> None:
    before = contents(workspace)
    done = run(words[0], "--workspace", str(workspace), *words[1:])
    assert done.returncode == 2 and said in done.stderr
    assert contents(workspace) == before


def test_an_id_that_begins_with_a_hyphen(workspace: Path) -> None:
    with Ledger(workspace / "ledger.sqlite") as ledger:
        ledger._db.execute("UPDATE candidate SET ytid = '-bcdefghijA' WHERE class = 0 AND rank = 15")
        reseal(ledger)
    done = run("forget", "--workspace", str(workspace), "--", "-bcdefghijA")
    assert done.returncode == 0, done.stderr


def test_a_workspace_in_use_is_refused(workspace: Path) -> None:
    with Workspace(workspace).lock():
        done = run("forget", "--workspace", str(workspace), "--", "abcdefghijA")
    assert done.returncode == 5 and "another audioset-tools process" in done.stderr

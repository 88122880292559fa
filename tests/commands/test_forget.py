"""`forget` as a user runs it, and the fetch that fills the place."""

import shutil
from collections.abc import Callable
from io import StringIO
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
    done = run("forget", "--yes", "--workspace", str(workspace), ytid)
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
    assert run("forget", "--yes", "--workspace", str(workspace), ytid).returncode == 0
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
    words = ["forget", "--yes", "--workspace", str(workspace), ytid]
    if next_command == "fetch":
        words = fetch_words(world, serve(calm(world.plan)), workspace, per_class=4)
    assert run(*words).returncode == 0
    assert not victim.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["forget", "-bcdefghijA"], "-bcdefghijA: no candidate"),
        (["forget", "--cdefghijA"], "--cdefghijA: no candidate"),
        (["forget", "--yes", "-bcdefghijA"], "-bcdefghijA: no candidate"),
        (["forget", "-bcdefghij"], "no such option"),
        (["forget", "abc"], "neither a video's id nor a clip's key"),
        (["forget", "--", "-bcdefghijA"], "no candidate"),
        (["forget"], "missing argument"),
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
    done = run("forget", "--workspace", str(workspace), "--yes", "-bcdefghijA")
    assert done.returncode == 0, done.stderr


FORMS = [
    "{ytid}", "Y{ytid}", "{key}", "Y{key}.wav", "clips/Flute/Y{key}.wav",
    "https://www.youtube.com/watch?v={ytid}&t=30s", "youtu.be/{ytid}?t=30", "https://m.youtube.com/shorts/{ytid}",
]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_who_is_not_asked_and_says_nothing_erases_nothing(workspace: Path, form: str) -> None:
    before = contents(workspace)
    victim = sorted((workspace / "clips" / "Flute").iterdir())[0].stem[1:]
    named = form.format(ytid=victim[:11], key=victim)
    dry = run("forget", "--dry-run", named, "--workspace", str(workspace))
    assert dry.returncode == 0, dry.stderr
    assert dry.stdout.splitlines() == [
        f"would erase clips/Flute/Y{victim}.wav",
        f"nothing was changed; {victim[:11]} would be forgotten",
    ]
    done = run("forget", named, "--workspace", str(workspace))
    assert done.returncode == 2 and "there is no terminal to ask on" in done.stderr
    assert "--yes" in done.stderr and "--dry-run" in done.stderr
    assert contents(workspace) == before


@pytest.mark.parametrize(("answer", "code", "left"), [("y\n", 0, 15), ("n\n", 2, 16), ("\n", 2, 16)])
def test_on_a_terminal_forget_asks(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, left: int
) -> None:
    class Terminal(StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("sys.stdin", Terminal(answer))
    ytid = next((workspace / "clips" / "Flute").iterdir()).name[1:12]
    done = run("forget", ytid, "--workspace", str(workspace))
    assert done.returncode == code
    assert f"Erase all this, and never fetch {ytid} again?" in done.stderr
    assert "would erase clips/Flute/" in done.stdout
    assert len(contents(workspace)) == left


def test_a_workspace_in_use_is_refused(workspace: Path) -> None:
    with Workspace(workspace).lock():
        done = run("forget", "--yes", "--workspace", str(workspace), "abcdefghijA")
    assert done.returncode == 5 and "another audioset-tools process" in done.stderr

"""`--exclude` as a user gives it: exactly N again, as with the list from the start, also after kills."""

import json
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from audioset_tools.simulator import Plan, Simulator
from audioset_tools.verify.run import verify
from audioset_tools.workspace import Workspace
from tests.commands.conftest import World, calm, command, contents, fetch_words, run

Serve = Callable[[Plan], Simulator]


@pytest.fixture
def workspace(fetched: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(fetched, tmp_path / "w"))


@pytest.fixture
def listed(workspace: Path, tmp_path: Path) -> Path:
    """Two clips that are there, in queues of their own, one that is not, and one that is no candidate."""
    had = [sorted((workspace / "clips" / name).iterdir())[1].stem[1:] for name in ("Flute", "Piano")]
    rows = [f"{had[0]},mislabelled,[red]a xylophone", f"{had[1]},other sounds,", "neverheardA_0,other,"]
    path = tmp_path / "list.csv"
    path.write_text("\r\n".join(["key,reason,note", *rows]), encoding="utf-8-sig")
    return path


def test_exactly_n_again_and_the_same_as_with_the_list_from_the_start(
    world: World, serve: Serve, fetched: Path, workspace: Path, listed: Path, tmp_path: Path
) -> None:
    simulator = serve(calm(world.plan))
    fresh = tmp_path / "fresh"
    done = run(*fetch_words(world, simulator, fresh, per_class=4), "--exclude", str(listed))
    assert done.returncode == 0 and "2 candidates are newly excluded; 1 key is in no queue" in done.stderr
    expected, before = contents(fresh), contents(fetched)
    assert len(expected) == 16 and len(before.keys() - expected.keys()) == 2

    # Killed as soon as the first file is aside, and then while clips are fetched in their places.
    words = fetch_words(world, simulator, workspace, per_class=4)
    kill_when(lambda: (workspace / "set-aside").exists(), [*words, "--exclude", str(listed)])
    kill_when(lambda: len(contents(workspace)) > 14, words)
    # The ledger remembers the list.
    done = run(*words, "--json")
    assert done.returncode == 0, done.stderr
    assert contents(workspace) == expected
    classes = json.loads(done.stdout)["classes"]
    assert classes["Flute"]["dead"] == classes["Piano"]["dead"] == {"excluded": 1}
    aside = {path.relative_to(workspace / "set-aside") for path in (workspace / "set-aside").rglob("*.wav")}
    assert {f"clips/{path.as_posix()}" for path in aside} == before.keys() - expected.keys()

    told = run("status", "--workspace", str(workspace), "--failures").stdout
    assert "mislabelled: [red]a xylophone" in told and "other sounds" in told
    assert verify(Workspace(workspace), deep=True).findings == ()
    done = run(*fetch_words(world, simulator, workspace, per_class=5), "--retry", "excluded")
    assert "2 candidates are in the queue again" in done.stderr
    assert before.items() <= contents(workspace).items()


def kill_when(reached: Callable[[], bool], words: list[str]) -> None:
    """Start a command and kill it at an instant, unless it has ended before."""
    with subprocess.Popen(command(*words), stderr=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        deadline = time.monotonic() + 60
        while process.poll() is None and not reached():
            assert time.monotonic() < deadline
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=60)


def test_featurize_leaves_them_out_and_balances_the_classes(workspace: Path, listed: Path) -> None:
    words = ["featurize", "--workspace", str(workspace), "--noise-copies", "0"]
    damaged = listed.with_name("damaged.csv")
    damaged.write_text(listed.read_text(encoding="utf-8-sig").replace("other sounds", " "))
    before = contents(workspace)
    done = run(*words, "--exclude", str(damaged))
    assert done.returncode == 6 and "damaged.csv, line 3: the reason is missing" in done.stderr
    assert contents(workspace) == before and not (workspace / "dataset.csv").exists()

    done = run(*words, "--exclude", str(listed), "--json")
    assert done.returncode == 0, done.stderr
    assert "2 clips lie in set-aside/ now" in done.stderr
    assert set(json.loads(done.stdout)["clips"]["train"].values()) == {1}
    dataset = (workspace / "dataset.csv").read_text()
    assert len(dataset.splitlines()) == 13
    assert not [line for line in listed.read_text().splitlines()[1:] if line.partition(",")[0] in dataset]

"""`fetch()` as a notebook calls it: the whole command without a terminal, and Ctrl-C at any moment."""

import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from audioset_tools.csvfile import write_csv
from audioset_tools.exceptions import AudiosetToolsError, EnvironmentProblem, Paused, Shortfall, UsageError
from audioset_tools.fetch import run as run_module
from audioset_tools.fetch.loop import Fetch
from audioset_tools.fetch.progress import FetchProgress, FetchResult
from audioset_tools.fetch.run import fetch
from audioset_tools.ledger import Ledger
from audioset_tools.removal.exclusions import HEADER
from audioset_tools.simulator import Plan, Refusal, Simulator
from audioset_tools.simulator.lists import write_lists
from audioset_tools.types import Message, Progress
from audioset_tools.workspace import Workspace

Serve = Callable[[Plan], Simulator]

CLASSES = ("Piano", "Drums", "Flute", "Other")


@dataclass(frozen=True)
class World:
    """Lists of four classes with six videos each, all alive, and a YouTube that has them."""

    lists: Path
    plan: Plan

    def arguments(self, simulator: Simulator, **changes: Any) -> dict[str, Any]:
        """What a call of `fetch` needs to get two clips of each class from a simulator."""
        where = {"metadata": self.lists, "proxy": simulator.proxy, "check_certificate": False}
        return {"per_class": 2, **where, "pace": "unlimited", "retry_wait": 0.1, **changes}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder = tmp_path_factory.mktemp("lists")
    return World(folder, Plan(seed=5, table=write_lists(folder, dict.fromkeys(CLASSES, 6), seed=3)))


def clips(workspace: Workspace) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(workspace.clips.rglob("*.wav"))}


def recorded(workspace: Workspace) -> set[str]:
    with Ledger(workspace.ledger, read_only=True) as ledger:
        return {Path(clip.path).name for _, clip in ledger.clips()}


def test_one_call_fetches_and_the_same_call_continues(
    world: World, serve: Serve, workspace: Workspace, capfd: pytest.CaptureFixture[str]
) -> None:
    simulator, told = serve(world.plan), list[Progress]()
    result = fetch(workspace, **world.arguments(simulator), on_progress=told.append)
    assert result.complete and not result.stopped and result.given_up == 0
    assert recorded(workspace) == clips(workspace).keys() and len(recorded(workspace)) == 8
    messages = [one.text for one in told if isinstance(one, Message)]
    assert messages == [
        f"reading the lists into {workspace.root}",
        "YouTube answers: webm/opus 251 by the lean extraction",
    ]
    assert (told[-1].done, told[-1].total) == (8, 8) and str(told[-1]).startswith("8 of 8: pace unlimited")
    lost = next(workspace.clips.rglob("*.wav"))
    whole = lost.read_bytes()
    lost.unlink()
    told.clear()
    fetch(workspace, **world.arguments(simulator), on_progress=told.append)
    assert f"clips/{lost.parent.name}/{lost.name} is missing: fetching it again" in map(str, told)
    assert lost.read_bytes() == whole
    assert capfd.readouterr() == ("", "")


def test_what_is_excluded_is_left_out_and_what_is_named_is_tried_again(
    world: World, serve: Serve, workspace: Workspace
) -> None:
    simulator = serve(replace(world.plan, shares={"removed": 0.5}))
    with pytest.raises(Shortfall, match=r"the queues are spent: .* lacks") as caught:
        fetch(workspace, **world.arguments(simulator, per_class=6))
    assert isinstance(caught.value.result, FetchResult) and not caught.value.result.complete
    first = min(recorded(workspace))
    told: list[str] = []
    arguments = world.arguments(serve(world.plan), per_class=5, retry=["removed"])
    listed = workspace.root / "wrong.csv"
    write_csv(listed, HEADER, [(first.removeprefix("Y").removesuffix(".wav"), "wrong label", "")])
    fetch(workspace, **arguments, exclude=listed, on_progress=lambda one: told.append(str(one)))
    assert any(line.endswith("candidates are in the queue again") for line in told)
    assert "1 candidate is newly excluded; 1 clip lies in set-aside/ now" in told
    assert first not in recorded(workspace) and len(recorded(workspace)) == 20


def test_a_refusal_is_an_error_that_says_what_was_reached(
    world: World, serve: Serve, workspace: Workspace
) -> None:
    simulator = serve(replace(world.plan, refusals=(Refusal(at=7, seconds=600, retry_after=600),)))
    told: list[Progress] = []
    with pytest.raises(Paused, match="longer than --max-wait") as caught:
        fetch(workspace, **world.arguments(simulator, max_wait=60), on_progress=told.append)
    assert isinstance(caught.value.result, FetchResult)
    assert recorded(workspace) == clips(workspace).keys() and not caught.value.result.complete
    news = [one for one in told if isinstance(one, FetchProgress) and one.news and one.classes]
    assert len(news) == 1
    with pytest.raises(EnvironmentProblem, match="another audioset-tools process"), workspace.lock():
        fetch(workspace, **world.arguments(simulator))


def test_from_a_folder_no_pace_is_kept(
    world: World, serve: Serve, workspace: Workspace, tmp_path: Path
) -> None:
    fetch(workspace, **world.arguments(serve(world.plan)))
    other = Workspace(tmp_path / "other")
    told: list[str] = []
    source = f"local:{workspace.clips}"
    fetch(
        other, per_class=2, metadata=world.lists, source=source, on_progress=lambda one: told.append(str(one))
    )
    assert clips(other) == clips(workspace)
    assert "8 files of 8 videos" in told and not any("YouTube" in line for line in told)
    with Ledger(other.ledger, read_only=True) as ledger:
        assert ledger.get("pace") is None


def test_whoever_sets_the_event_gets_the_result(world: World, serve: Serve, workspace: Workspace) -> None:
    stop = threading.Event()

    def watch(progress: Progress) -> None:
        if progress.done >= 2:
            stop.set()

    result = fetch(workspace, **world.arguments(serve(world.plan)), on_progress=watch, stop=stop)
    assert result.stopped and 2 <= len(recorded(workspace)) < 8
    assert recorded(workspace) == clips(workspace).keys()


def test_an_error_of_the_caller_leaves_everything_recorded(
    world: World, serve: Serve, workspace: Workspace
) -> None:
    def watch(progress: Progress) -> None:
        if progress.done >= 2:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fetch(workspace, **world.arguments(serve(world.plan)), on_progress=watch)
    assert recorded(workspace) == clips(workspace).keys()
    assert fetch(workspace, **world.arguments(serve(world.plan))).complete


@pytest.mark.parametrize(
    "wrong",
    [{"per_class": 0}, {"jobs": 0}, {"pace": "fast"}, {"source": "tape"}, {"retry": ["nonsense"]}],
)
def test_arguments_that_make_no_sense_make_no_workspace(workspace: Workspace, wrong: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        fetch(workspace, **wrong)
    assert not workspace.root.exists()


def test_what_turns_out_wrong_before_the_first_request_leaves_no_workspace(
    world: World, workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    edited, empty = tmp_path / "edited", tmp_path / "empty"
    shutil.copytree(world.lists, edited)
    empty.mkdir()
    ontology = edited / "ontology.json"
    ontology.write_text(ontology.read_text() + " ")
    recipe = tmp_path / "cats.toml"
    recipe.write_text('name = "cats"\nseed = 1\n[[classes]]\nname = "Cat"\ninclude = ["Catt"]\n')

    def no_network(*_: object, **__: object) -> None:
        raise OSError("no network")

    monkeypatch.setattr("audioset_tools.catalog.official.pooch.retrieve", no_network)
    for wrong in (
        {"metadata": tmp_path / "nowhere"},
        {"metadata": empty},
        {"metadata": edited},
        {"metadata": world.lists, "recipe": str(recipe)},
        {"metadata": world.lists, "source": f"local:{empty}"},
        {"metadata": world.lists, "exclude": tmp_path / "nothing.csv"},
        {"segment_list": tmp_path / "none.csv"},
        {"metadata": None},
    ):
        with pytest.raises(AudiosetToolsError):
            fetch(workspace, **wrong)  # type: ignore[arg-type]
        assert not workspace.root.exists(), wrong
    monkeypatch.setattr(Fetch, "run", no_network)
    with pytest.raises(OSError, match="no network"):
        fetch(workspace, metadata=edited, any_ontology=True)
    assert workspace.ledger.exists(), "all was right, and it began"


CHILD = """
import sys
from pathlib import Path
from audioset_tools.fetch.run import fetch
from audioset_tools.csvfile import write_csv
from audioset_tools.workspace import Workspace

workspace = Workspace(Path(sys.argv[1]))
print("here", flush=True)
try:
    fetch(workspace, per_class=5, metadata=Path(sys.argv[2]), proxy=sys.argv[3], check_certificate=False,
          pace="unlimited", on_progress=lambda progress: print(progress, flush=True))
except KeyboardInterrupt:
    with workspace.lock():
        print("interrupted, and the lock is free")
"""


@pytest.mark.parametrize("moment", ["reading the lists", "3 of 20"])
def test_ctrl_c_in_a_notebook_ends_as_cleanly_as_in_a_shell(
    world: World, serve: Serve, workspace: Workspace, moment: str
) -> None:
    simulator = serve(replace(world.plan, latency_s=0.05))
    words = [sys.executable, "-c", CHILD, str(workspace.root), str(world.lists), simulator.proxy]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line.startswith(moment) or (moment[0].isdigit() and _reached(line, int(moment.split()[0]))):
                break
        child.send_signal(signal.SIGINT)
        rest = child.stdout.read()
    assert child.returncode == 0 and "interrupted, and the lock is free" in rest
    assert recorded(workspace) == clips(workspace).keys() and len(recorded(workspace)) < 20
    assert not list(workspace.root.rglob("*.part"))
    assert fetch(workspace, **world.arguments(simulator, per_class=5)).complete


def _reached(line: str, clips: int) -> bool:
    done, of, _ = line.partition(" of 20")
    return bool(of) and int(done) >= clips


def test_a_second_ctrl_c_is_raised_at_once_and_the_handler_is_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), run_module._draining(None) as (drains, interrupted):
        signal.raise_signal(signal.SIGINT)
        assert drains.is_set() and interrupted.is_set()
        signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_a_handler_of_the_callers_own_is_left_alone() -> None:
    caught: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, frame: caught.append(number))
    try:
        with run_module._draining(None) as (drains, interrupted):
            signal.raise_signal(signal.SIGINT)
        assert caught == [signal.SIGINT] and not drains.is_set() and not interrupted.is_set()
    finally:
        signal.signal(signal.SIGINT, before)

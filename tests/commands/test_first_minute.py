"""How a fetch begins and ends for a user: what answers, why nothing does, and whom it left out."""

import os
import pty
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from audioset_tools.exceptions import AudiosetToolsError, EnvironmentProblem, Paused, Shortfall, UsageError
from audioset_tools.ledger import Ledger
from audioset_tools.ledger.queries import failures
from audioset_tools.simulator import Limit, Plan, Refusal, Simulator
from audioset_tools.simulator.lists import write_lists
from tests.commands.conftest import CLASSES, World, calm, command, contents, fetch_here, fetch_words, run

Serve = Callable[[Plan], Simulator]


def dead(workspace: Path) -> dict[str, int]:
    """How many are, for each reason; none where a fetch ended before it made a ledger."""
    if not (workspace / "ledger.sqlite").exists():
        return {}
    with closing(sqlite3.connect(workspace / "ledger.sqlite")) as db:
        return dict(db.execute("SELECT reason, count(*) FROM candidate WHERE state = 'dead' GROUP BY 1"))


def test_it_says_what_answers(world: World, serve: Serve, tmp_path: Path) -> None:
    done = run(*fetch_words(world, serve(calm(world.plan)), tmp_path, per_class=1))
    assert done.returncode == 0, done.stderr
    assert "YouTube answers: webm/opus 251 by the lean extraction\n" in done.stderr


def test_where_nothing_is_available_it_ends_within_a_minute_and_says_why(
    world: World, serve: Serve, tmp_path: Path
) -> None:
    simulator = serve(replace(calm(world.plan), refusals=(Refusal(1, 1e6, answer="bot-check"),)))
    began = time.monotonic()
    done = run(*fetch_words(world, simulator, tmp_path))
    assert done.returncode == 4, done.stderr
    assert time.monotonic() - began < 60
    error = done.stderr.partition("error:")[2]
    assert "at the player (bot-check" in error and "nothing is lost" in error
    assert len(error.strip().splitlines()) == 2
    assert 'pip install -U --pre "yt-dlp[default]"' in error
    assert dead(tmp_path) == {}


@pytest.mark.parametrize(
    ("answer", "says", "kind"),
    [
        ("rate-limited", "at the player (rate-limited", Paused),
        ("private", "at the player (private", Paused),
        ("no-formats", "at the player (", Paused),
        ("drop", "at the connection (", EnvironmentProblem),
    ],
)
def test_every_kind_of_block_ends_it_within_a_minute(
    world: World, serve: Serve, tmp_path: Path, answer: str, says: str, kind: type[AudiosetToolsError]
) -> None:
    simulator = serve(replace(calm(world.plan), refusals=(Refusal(1, 1e6, answer=answer),)))
    began = time.monotonic()
    with pytest.raises(kind) as caught:
        fetch_here(world, simulator, tmp_path)
    assert time.monotonic() - began < 60
    assert says in caught.value.what and "othing is lost" in caught.value.remedy
    assert ('pip install -U --pre "yt-dlp[default]"' in caught.value.remedy) is (kind is Paused)
    assert dead(tmp_path) == {}


def test_a_certificate_that_is_not_trusted_ends_it_at_once(
    world: World, serve: Serve, tmp_path: Path
) -> None:
    simulator, began = serve(calm(world.plan)), time.monotonic()
    with pytest.raises(EnvironmentProblem, match="certificate"):
        fetch_here(world, simulator, tmp_path, check_certificate=True, max_wait=7200)
    assert time.monotonic() - began < 60 and dead(tmp_path) == {}


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:1", "socks9://127.0.0.1:1"])
def test_a_proxy_that_is_none_ends_it_within_a_minute(
    world: World, serve: Serve, tmp_path: Path, proxy: str
) -> None:
    simulator, began = serve(calm(world.plan)), time.monotonic()
    # Without it a network that is away is waited for: 40 seconds.
    with pytest.raises((UsageError, EnvironmentProblem)):
        fetch_here(world, simulator, tmp_path, proxy=proxy, max_wait=5)
    assert time.monotonic() - began < 60 and dead(tmp_path) == {}


@pytest.mark.parametrize("fault", ["always-bot", "always-429"])
def test_one_video_that_is_always_refused_is_put_off_and_named(
    world: World, serve: Serve, tmp_path: Path, fault: str
) -> None:
    few = World(tmp_path / "lists", calm(world.plan))
    few.lists.mkdir()
    table = write_lists(few.lists, dict.fromkeys(CLASSES, 5), seed=3)
    victim = next(ytid for ytid, row in table.items() if row[0] == "Flute")
    simulator = serve(replace(few.plan, table=table, faults={victim: fault}))
    # Five of five are wanted: the victim cannot be passed over.
    with pytest.raises(Shortfall, match="Flute lacks 1"):
        fetch_here(few, simulator, tmp_path, per_class=5)
    assert dead(tmp_path) == {"video-refused": 1}
    with Ledger(tmp_path / "ledger.sqlite", read_only=True) as ledger:
        (failure,) = failures(ledger)
    assert failure.candidate.ytid == victim and "while others were granted" in failure.detail


def test_a_steady_limiter_that_calls_the_living_dead_loses_nobody(
    world: World, serve: Serve, tmp_path: Path
) -> None:
    simulator = serve(replace(world.plan, shares={"removed": 0.2}, limit=Limit(4, 3, answer="private")))
    # After a quarter of a second of quiet such a limiter grants a request.
    assert fetch_here(world, simulator, tmp_path, per_class=3, retry_wait=0.5).complete
    assert dead(tmp_path).keys() <= {"removed"}


def test_a_terminal_that_is_gone_drains_the_fetch(world: World, serve: Serve, tmp_path: Path) -> None:
    words = fetch_words(world, serve(replace(calm(world.plan), latency_s=0.1)), tmp_path)
    ours, theirs = pty.openpty()

    def take_terminal() -> None:
        os.setsid()
        os.close(os.open(os.ttyname(theirs), os.O_RDWR))

    with subprocess.Popen(
        command(*words), stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=take_terminal
    ) as process:
        os.close(theirs)
        deadline = time.monotonic() + 60
        while len(list(tmp_path.rglob("Y*.wav"))) < 3:
            assert time.monotonic() < deadline and process.poll() is None
            os.set_blocking(ours, False)
            try:
                os.read(ours, 1 << 16)
            except BlockingIOError:
                time.sleep(0.01)
        os.close(ours)
        assert process.wait(timeout=60) == 130
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite")) as db:
        assert db.execute("SELECT count(*) FROM clip").fetchone() == (len(contents(tmp_path)),)
    assert not list(tmp_path.rglob("*.part"))


def test_a_hang_up_alone_drains_as_sigterm_does(world: World, serve: Serve, tmp_path: Path) -> None:
    words = fetch_words(world, serve(replace(calm(world.plan), latency_s=0.1)), tmp_path)
    with subprocess.Popen(command(*words), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 60
        while len(list(tmp_path.rglob("Y*.wav"))) < 2:
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.01)
        for _ in range(2):
            process.send_signal(signal.SIGHUP)
        process.communicate(timeout=60)
        assert process.returncode == 130

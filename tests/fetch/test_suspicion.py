"""A row of failures too long to be chance is not believed, and a plausible one is."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.fetch import attempt as attempt_module
from audioset_tools.fetch.pace import Pace
from audioset_tools.fetch.progress import FetchConfig, Progress
from audioset_tools.fetch.rate import PacePolicy
from audioset_tools.fetch.run import Fetch
from audioset_tools.fetch.source import Excerpt, FetchError
from audioset_tools.fetch.suspicion import ERROR, PRIOR, Suspicion, chance
from audioset_tools.fetch.transcode import Sound
from audioset_tools.fetch.youtube import KNOWN_ALIVE
from audioset_tools.ledger import Ledger, Origin, State
from audioset_tools.types import CLIP_SAMPLES, Candidate, Failure, Reason
from audioset_tools.workspace import Workspace


def candidate(rank: int) -> Candidate:
    return Candidate(f"{rank:010}A", 0, 10_000, "Flute", 0, rank, "eval")


@given(n=st.integers(0, 40), alive=st.integers(0, 3_000), dead=st.integers(0, 3_000))
def test_the_chance_is_that_of_drawing_dead_ones_from_an_urn(n: int, alive: int, dead: int) -> None:
    """Independent form: Pólya's urn, each death making the next one likelier."""
    lived, died = alive + PRIOR[0], dead + PRIOR[1]
    assert chance(n, alive, dead) == pytest.approx(prod((died + k) / (lived + died + k) for k in range(n)))


def test_a_row_is_doubted_the_later_the_more_candidates_die() -> None:
    def longest_believed(alive: int, dead: int) -> int:
        return next(n for n in range(10_000) if chance(n, alive, dead) < ERROR) - 1

    lengths = [longest_believed(alive, 1000 - alive) for alive in (900, 800, 584, 300, 50)]
    assert lengths == sorted(lengths)
    assert longest_believed(800, 200) == 8
    assert longest_believed(584, 416) == 15


def test_failures_of_one_candidate_count_once_until_it_is_given_up() -> None:
    suspicion = Suspicion(100, 25, [], most_attempts=50)
    for _ in range(49):
        suspicion.failed(candidate(0), Reason.TIMEOUT, 1)
    assert not suspicion.implausible
    suspicion.failed(candidate(0), Reason.TIMEOUT, 1)
    assert suspicion.implausible


def test_verdicts_about_media_that_arrived_are_not_doubted() -> None:
    suspicion = Suspicion(0, 0, [], most_attempts=5)
    for rank in range(1_000):
        suspicion.failed(candidate(rank), Reason.SILENT, rank)
        suspicion.failed(candidate(rank), Reason.BEYOND_END, rank)
    assert not suspicion.implausible


def test_a_clip_speaks_only_for_attempts_that_began_before_its_own() -> None:
    suspicion = Suspicion(0, 0, [], most_attempts=5)
    for number in (3, 5, 6):
        suspicion.failed(candidate(number), Reason.REMOVED, number)
    suspicion.lived(4)
    assert suspicion.row == [(candidate(5), 1), (candidate(6), 1)]


@dataclass
class World:
    """A remote on a clock of its own, which only waiting moves; `answer` says what a video gets at a time."""

    answer: Callable[[Candidate, float], Reason | None]
    now: float = 1_000_000.0
    known_alive: Candidate | None = KNOWN_ALIVE

    def __post_init__(self) -> None:
        self.asked: list[str] = []
        self.pace = Pace(PacePolicy(start=1e9, most=1e9), clock=self.clock, wait=self.wait)

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now += max(seconds, 1e-3)
        return False

    def open(self, candidate: Candidate) -> Excerpt:
        self.pace.spend()
        self.asked.append(candidate.ytid)
        self.now += 1
        if reason := self.answer(candidate, self.now - 1_000_000.0):
            raise FetchError(reason, "said so")
        return Excerpt(b"", "scripted")

    def close(self) -> None:
        pass


class Patience(threading.Event):
    """A stop that waits on the world's clock."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def wait(self, timeout: float | None = None) -> bool:
        self.world.wait(timeout or 0)
        return self.is_set()


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with Ledger(tmp_path / "ledger.sqlite") as ledger:
        ledger.load(Origin("paper", "", "", ("Flute",), 0, (10, 1, 1)), map(candidate, range(400)))
        yield ledger


@pytest.fixture(autouse=True)
def no_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = Sound(np.ones(CLIP_SAMPLES, np.int16), 10.0, 0.5)
    monkeypatch.setattr(attempt_module, "decode", lambda *_: sound)


def fetch(ledger: Ledger, world: World, per_class: int = 30, max_wait: float = 1e6) -> Progress:
    config = FetchConfig(per_class, jobs=1, max_wait=max_wait)
    place = Workspace(ledger.path.parent)
    return Fetch(ledger, world, place, config, world.pace, Patience(world), world.clock).run()


def accepted(ledger: Ledger) -> list[int]:
    return [candidate.rank for candidate, _ in ledger.clips()]


def outcomes(ledger: Ledger) -> set[str]:
    return {outcome for (outcome,) in ledger._db.execute("SELECT DISTINCT outcome FROM event")}


def every_fifth_dead(candidate: Candidate) -> Reason | None:
    return Reason.REMOVED if candidate.rank % 5 == 0 and candidate.rank >= 0 else None


@pytest.mark.parametrize(
    "lie",
    [
        *(Reason.UNAVAILABLE, Reason.PRIVATE, Reason.NO_FORMATS, Reason.TIMEOUT, Reason.UNKNOWN),
        Reason.NETWORK_DOWN,
    ],
)
@pytest.mark.parametrize("hours", [0.2, 1, 5])
@pytest.mark.parametrize("left", [20, 1])
def test_a_block_or_an_outage_that_looks_like_dead_videos_changes_nothing(
    ledger: Ledger, lie: Reason, hours: float, left: int
) -> None:
    """The accepted set is that of a calm world, even where a single place is left to fill."""

    def answer(candidate: Candidate, now: float) -> Reason | None:
        return lie if 60 < now < 60 + hours * 3_600 else every_fifth_dead(candidate)

    fetch(ledger, World(lambda candidate, now: every_fifth_dead(candidate)), per_class=30 - left)
    world = World(answer)
    world.now += 50
    end = fetch(ledger, world)
    assert end.complete and not end.doubting
    assert accepted(ledger) == [rank for rank in range(400) if rank % 5][:30]
    assert {tally.reason for tally in ledger.tallies() if tally.state is State.DEAD} == {Reason.REMOVED}


def test_during_a_block_little_is_asked(ledger: Ledger) -> None:
    world = World(lambda candidate, now: Reason.UNAVAILABLE if now < 10 * 3_600 else None)
    fetch(ledger, world)
    assert len(world.asked) < 30 + 15 + 20
    assert "taken back" in outcomes(ledger)


def test_a_true_row_is_believed_at_the_cost_of_one_request(ledger: Ledger) -> None:
    world = World(lambda candidate, now: Reason.REMOVED if 0 <= candidate.rank < 12 else None)
    fetch(ledger, world)
    assert accepted(ledger) == list(range(12, 42))
    assert world.asked.count(KNOWN_ALIVE.ytid) == 1
    assert "believed" in outcomes(ledger) and "taken back" not in outcomes(ledger)


def test_a_clip_that_has_itself_died_meanwhile_does_not_stop_the_fetch(ledger: Ledger) -> None:
    def answer(candidate: Candidate, now: float) -> Reason | None:
        died_since = candidate.rank == 9 and now > 10.5
        return Reason.REMOVED if died_since or 10 <= candidate.rank < 30 else None

    end = fetch(ledger, World(answer))
    assert end.complete
    assert accepted(ledger) == [*range(10), *range(30, 50)]


def test_a_source_whose_failures_are_certain_is_never_doubted(ledger: Ledger) -> None:
    world = World(lambda candidate, now: Reason.REMOVED, known_alive=None)
    end = fetch(ledger, world)
    assert end.shortfall == {"Flute": 30}
    assert len(world.asked) == 400


@pytest.mark.parametrize("lie", [Reason.UNAVAILABLE, Reason.NO_FORMATS, Reason.TIMEOUT, Reason.NETWORK_DOWN])
def test_an_outage_longer_than_max_wait_ends_the_run_with_nothing_written_off(
    ledger: Ledger, lie: Reason
) -> None:
    world = World(lambda candidate, now: lie)
    end = fetch(ledger, world, max_wait=7_200)
    assert end.gave_up
    assert {tally.state for tally in ledger.tallies()} <= {State.QUEUED, State.WAITING}
    assert world.now < 1_000_000 + 4 * 3_600


def test_an_outage_that_is_over_counts_no_more(ledger: Ledger) -> None:
    """A minute without network, then hours of refusals: that is no outage longer than --max-wait."""

    def answer(candidate: Candidate, now: float) -> Reason | None:
        if now < 60:
            return Reason.NETWORK_DOWN
        return (
            Reason.REMOVED
            if now < 600 and candidate.rank < 3
            else (Reason.RATE_LIMITED if now < 3 * 3_600 else None)
        )

    end = fetch(ledger, World(answer), max_wait=7_200)
    assert end.complete and not end.gave_up


def test_a_clock_that_was_set_back_makes_nobody_wait_a_year(ledger: Ledger) -> None:
    year = 365 * 86_400
    ledger.fail(
        candidate(0), Failure("", Reason.TIMEOUT, "slow", 1, 1_000_000.0 + year), at=1_000_000.0 + year
    )
    world = World(lambda candidate, now: None)
    fetch(ledger, world)
    assert accepted(ledger) == list(range(30))
    assert world.now < 1_000_000 + 2 * 3_600


def test_the_row_survives_a_restart(ledger: Ledger) -> None:
    """A process killed again and again in a block must not write off a few candidates each time."""
    world = World(lambda candidate, now: None)
    fetch(ledger, world, per_class=5)
    for _ in range(30):
        world = World(lambda candidate, now: Reason.REMOVED)
        config = FetchConfig(30, jobs=1)
        run = Fetch(
            ledger, world, Workspace(ledger.path.parent), config, world.pace, Patience(world), world.clock
        )
        run.run(lambda progress, stop=run.stop, asked=world.asked: stop.set() if len(asked) > 2 else None)
    dead = sum(tally.n for tally in ledger.tallies() if tally.state is State.DEAD)
    assert dead < 20
    fetch(ledger, World(lambda candidate, now: None))
    assert accepted(ledger)[:5] == [0, 1, 2, 3, 4]

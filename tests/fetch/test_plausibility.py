"""A row of failures too long to be chance is not believed, and a plausible one is."""

from math import inf, prod

import numpy as np
import pytest
import scipy.stats
from hypothesis import example, given
from hypothesis import strategies as st

from audioset_tools.fetch.plausibility import (
    ERROR,
    PRIOR,
    RARE,
    RARE_PRIOR,
    Doubt,
    FailureStreak,
    chance,
    doubtful_of_files,
    rare_chance,
)
from audioset_tools.ledger import Ledger, State
from audioset_tools.sources.pace import parse_pace
from audioset_tools.sources.youtube import KNOWN_ALIVE
from audioset_tools.types import Candidate, Failure, Reason
from tests.factories import clip, reseal
from tests.fetch.world import BEGAN, World, accepted, candidate, dead, fetch, fetch_of, outcomes

pytestmark = pytest.mark.usefixtures("no_ffmpeg")


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
    streak = FailureStreak(100, 25, [], most_attempts=50)
    for _ in range(49):
        streak.failed(candidate(0), Reason.TIMEOUT, 1)
    assert not streak.implausible
    streak.failed(candidate(0), Reason.TIMEOUT, 1)
    assert streak.implausible


@given(n=st.integers(1, 300), alive=st.integers(0, 3_000))
@example(n=251, alive=452)
def test_the_chance_of_a_rare_verdict_is_the_tail_of_a_beta_binomial(n: int, alive: int) -> None:
    # Not scipy's own tail, which is 1 less the rest and knows no more than 1e-12 of it.
    expected = scipy.stats.betabinom(n + alive, *RARE_PRIOR).pmf(np.arange(n, n + alive + 1)).sum()
    found = rare_chance(n, alive)
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-12) or (found == 1 and expected > 1e-3)


def test_what_a_decoder_says_of_the_users_own_files_is_not_doubted() -> None:
    own = [Reason.BEYOND_END, Reason.SILENT, Reason.DAMAGED_FILE, Reason.NOT_IN_SOURCE]
    assert not any(map(doubtful_of_files, own))
    streak = FailureStreak(0, 0, [], most_attempts=5)
    for rank in range(1_000):
        if doubtful_of_files(Reason.SILENT):
            streak.failed(candidate(rank), Reason.SILENT, rank)
    assert not streak.implausible


def test_a_clip_speaks_only_for_attempts_that_began_before_its_own() -> None:
    streak = FailureStreak(0, 0, [], most_attempts=5)
    for number in (3, 5, 6):
        streak.failed(candidate(number), Reason.REMOVED, number)
    streak.succeeded(4)
    assert streak.streak == [(candidate(5), 1), (candidate(6), 1)]


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
    flutes: Ledger, lie: Reason, hours: float, left: int
) -> None:
    """The accepted set is that of a calm world, even where a single place is left to fill."""

    def answer(candidate: Candidate, now: float) -> Reason | None:
        return lie if 60 < now < 60 + hours * 3_600 else every_fifth_dead(candidate)

    fetch(flutes, World(lambda candidate, now: every_fifth_dead(candidate)), per_class=30 - left)
    world = World(answer)
    world.now += 50
    end = fetch(flutes, world)
    assert end.complete and not end.doubting
    assert accepted(flutes) == [rank for rank in range(400) if rank % 5][:30]
    assert {tally.reason for tally in flutes.tallies() if tally.state is State.DEAD} == {Reason.REMOVED}


def test_during_a_block_little_is_asked(flutes: Ledger) -> None:
    world = World(lambda candidate, now: Reason.UNAVAILABLE if 1 < now < 10 * 3_600 else None)
    fetch(flutes, world)
    assert len(world.asked) < 30 + 15 + 20
    assert "taken back" in outcomes(flutes)


def test_a_true_row_is_believed_at_the_cost_of_one_request(flutes: Ledger) -> None:
    world = World(lambda candidate, now: Reason.REMOVED if 0 <= candidate.rank < 12 else None)
    fetch(flutes, world)
    assert accepted(flutes) == list(range(12, 42))
    assert world.asked.count(KNOWN_ALIVE.ytid) == 2, "the first request of the run, and one for the row"
    assert "believed" in outcomes(flutes) and "taken back" not in outcomes(flutes)


def test_a_clip_that_has_itself_died_meanwhile_does_not_stop_the_fetch(flutes: Ledger) -> None:
    def answer(candidate: Candidate, now: float) -> Reason | None:
        died_since = candidate.rank == 9 and now > 11.5
        return Reason.REMOVED if died_since or 10 <= candidate.rank < 30 else None

    end = fetch(flutes, World(answer))
    assert end.complete
    assert accepted(flutes) == [*range(10), *range(30, 50)]


def test_a_source_whose_failures_are_certain_is_never_doubted(flutes: Ledger) -> None:
    world = World(lambda candidate, now: Reason.REMOVED, known_alive=None)
    end = fetch(flutes, world)
    assert end.shortfall == {"Flute": 30}
    assert len(world.asked) == 400


@pytest.mark.parametrize("lie", [Reason.UNAVAILABLE, Reason.NO_FORMATS, Reason.TIMEOUT, Reason.NETWORK_DOWN])
def test_an_outage_longer_than_max_wait_ends_the_run_with_nothing_written_off(
    flutes: Ledger, lie: Reason
) -> None:
    world = World(lambda candidate, now: lie if now > 1 else None)
    end = fetch(flutes, world, max_wait=7_200)
    assert end.gave_up
    assert {tally.state for tally in flutes.tallies()} <= {State.QUEUED, State.WAITING}
    assert world.now < 1_000_000 + 4 * 3_600


def test_an_outage_that_is_over_counts_no_more(flutes: Ledger) -> None:
    """A minute without network, then hours of refusals: that is no outage longer than --max-wait."""

    def answer(candidate: Candidate, now: float) -> Reason | None:
        if now <= 1:
            return None
        if now < 60:
            return Reason.NETWORK_DOWN
        return (
            Reason.REMOVED
            if now < 600 and candidate.rank < 3
            else (Reason.RATE_LIMITED if now < 3 * 3_600 else None)
        )

    end = fetch(flutes, World(answer), max_wait=7_200)
    assert end.complete and not end.gave_up


def test_a_clock_that_was_set_back_makes_nobody_wait_a_year(flutes: Ledger) -> None:
    year = 365 * 86_400
    flutes.fail(
        candidate(0), Failure("", Reason.TIMEOUT, "slow", 1, 1_000_000.0 + year), at=1_000_000.0 + year
    )
    world = World(lambda candidate, now: None)
    fetch(flutes, world)
    assert accepted(flutes) == list(range(30))
    assert world.now < 1_000_000 + 2 * 3_600


def test_the_row_survives_a_restart(flutes: Ledger) -> None:
    """A process killed again and again in a block must not write off a few candidates each time."""
    world = World(lambda candidate, now: None)
    fetch(flutes, world, per_class=5)
    for _ in range(30):
        world = World(lambda candidate, now: Reason.REMOVED)
        run = fetch_of(flutes, world, per_class=30)
        run.run(lambda progress, stop=run.stop, asked=world.asked: stop.set() if len(asked) > 2 else None)
    dead = sum(tally.n for tally in flutes.tallies() if tally.state is State.DEAD)
    assert dead < 20
    fetch(flutes, World(lambda candidate, now: None))
    assert accepted(flutes)[:5] == [0, 1, 2, 3, 4]


def test_a_block_that_is_answered_as_dead_videos_teaches_the_pace_nothing(flutes: Ledger) -> None:
    """300 clips at a guest's pace take 0.87 h without it, and 3 minutes of it must not make it 2.65."""

    def answer(candidate: Candidate, now: float) -> Reason | None:
        return Reason.UNAVAILABLE if 600 < now < 780 else None

    world = World(answer, takes=0.1, policy=parse_pace("guest"))
    end = fetch(flutes, world, per_class=300)
    assert end.complete and accepted(flutes) == list(range(300))
    assert (world.now - BEGAN) / 3_600 < 1.0
    assert world.pace.state.ceiling == inf


@pytest.mark.parametrize("lie", sorted(RARE))
@pytest.mark.parametrize("spared", [0.0, 0.1, 0.4])
def test_a_breakage_that_spares_some_is_doubted_too(flutes: Ledger, lie: Reason, spared: float) -> None:
    """As when every recording comes twelve seconds long: segments that begin at 0 are had, the others not."""
    lucky = [rank for rank in range(400) if rank % 10 < 10 * spared]

    def answer(candidate: Candidate, now: float) -> Reason | None:
        return lie if candidate.rank >= 0 and candidate.rank not in lucky else None

    flutes._db.execute("UPDATE candidate SET start_ms = 30000, end_ms = 40000")
    for rank in lucky:
        flutes._db.execute("UPDATE candidate SET start_ms = 0, end_ms = 10000 WHERE rank = ?", (rank,))
    reseal(flutes)
    end = fetch(flutes, World(answer), per_class=200)
    if lie is Reason.BEYOND_END:
        assert end.gave_up and end.of_client and end.pace.reason is Reason.IMPLAUSIBLE
        assert dead(flutes) == {}
    else:
        # A clip that is had, and is heard, tells that the others are truly silent.
        assert not end.gave_up and "believed" in outcomes(flutes)


def test_a_breakage_in_the_midst_of_a_run_writes_nobody_off(flutes: Ledger) -> None:
    flutes._db.execute("UPDATE candidate SET start_ms = 30000, end_ms = 40000")
    reseal(flutes)

    def answer(candidate: Candidate, now: float) -> Reason | None:
        return Reason.BEYOND_END if 100 < now < 3_600 and candidate.start_ms else None

    end = fetch(flutes, World(answer), per_class=200)
    assert end.complete and accepted(flutes) == list(range(200)) and dead(flutes) == {}


def test_what_is_rarely_true_and_true_here_is_believed_at_the_cost_of_a_request(flutes: Ledger) -> None:
    flutes._db.execute("UPDATE candidate SET start_ms = 30000, end_ms = 40000")
    reseal(flutes)

    def answer(candidate: Candidate, now: float) -> Reason | None:
        return Reason.BEYOND_END if candidate.rank >= 0 and candidate.rank % 5 < 2 else None

    world = World(answer)
    end = fetch(flutes, world, per_class=200)
    assert end.complete and accepted(flutes) == [rank for rank in range(400) if rank % 5 >= 2][:200]
    assert len(world.asked) < 1.1 * (200 + sum(dead(flutes).values()))


def test_who_failed_before_the_last_clip_in_an_attempt_begun_after_it_is_in_the_next_process_row(
    flutes: Ledger,
) -> None:
    """A block begins while a clip is on its way: whom it refuses meanwhile is of the row."""
    world = World(lambda one, now: None)
    lived, first, second, later = (candidate(rank) for rank in range(4))
    doubt = Doubt(flutes, world, world.pace, most_attempts=5)
    for one, number in ((first, 2), (second, 3)):
        flutes.fail(one, Failure(one.key, Reason.UNAVAILABLE, "said so", 1, None), at=1)
        doubt.streak.failed(one, Reason.UNAVAILABLE, number)
    flutes.accept(lived, clip(lived), at=2)
    doubt.streak.succeeded(1)
    flutes.put("row", doubt.to_json())
    flutes.fail(later, Failure(later.key, Reason.UNAVAILABLE, "said so", 1, None), at=3)
    again = Doubt(flutes, world, world.pace, most_attempts=5)
    assert sorted(one.rank for one, _ in again.streak.streak) == [1, 2, 3]
    assert again.to_json() == doubt.to_json()
    again.take_back(4)
    assert dead(flutes) == {} and Doubt(flutes, world, world.pace, most_attempts=5).streak.streak == []


@pytest.mark.parametrize(
    "nonsense", ["{", "{}", "7", '[["Flute"]]', '[["Bass", 1, 1]]', '[["Flute", 1e999, 1]]']
)
def test_nonsense_about_the_row_is_as_good_as_nothing(flutes: Ledger, nonsense: str) -> None:
    flutes.put("row", nonsense)
    world = World(lambda one, now: None)
    assert Doubt(flutes, world, world.pace, most_attempts=5).streak.streak == []


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_a_block_that_ends_with_the_last_attempt_costs_no_clip(attempts: int, flutes: Ledger) -> None:
    def answer(candidate: Candidate, now: float) -> Reason | None:
        over = world.asked.count(candidate.ytid) > attempts
        return None if over or candidate == KNOWN_ALIVE else Reason.TIMEOUT

    world = World(answer)
    assert fetch(flutes, world, per_class=1, attempts=attempts).complete
    assert accepted(flutes) == [0] and dead(flutes) == {}


def test_who_fails_once_more_after_a_clip_that_lives_is_given_up(flutes: Ledger) -> None:
    world = World(lambda candidate, now: Reason.TIMEOUT if candidate.rank == 0 else None)
    assert fetch(flutes, world, per_class=1).complete
    assert accepted(flutes) == [1] and dead(flutes) == {Reason.TIMEOUT: 1}
    assert world.asked.count(candidate(0).ytid) == 6

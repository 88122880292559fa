"""A refusal of the run that only one video meets is that video's own, and stops nobody."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.fetch.refusals import EVERYONE, LEAST, Refusals, RefusedAttempt
from audioset_tools.ledger import Ledger, State
from audioset_tools.ledger.queries import failures
from audioset_tools.sources.pace import parse_pace
from audioset_tools.sources.source import FetchError
from audioset_tools.sources.youtube import KNOWN_ALIVE
from audioset_tools.types import Candidate, Reason, Scope
from tests.fetch.world import World, accepted, candidate, dead, fetch, fetch_of

pytestmark = pytest.mark.usefixtures("no_ffmpeg")

KINDS = [reason for reason in Reason if reason.scope is Scope.RUN and reason is not Reason.IMPLAUSIBLE]


def refused(rank: int, number: int) -> RefusedAttempt:
    return RefusedAttempt(candidate(rank), 0, number, FetchError(Reason.BOT_CHECK, "not a bot"))


def rounds(refusals: Refusals, times: int) -> list[bool]:
    """One video refused again and again, another one granted after each; what follows each time."""
    follows = []
    for number in range(0, 2 * times, 2):
        refusals.refused(refused(0, number))
        one = refusals.granted(number + 1)
        assert one is not None and one.candidate == candidate(0)
        follows.append(refusals.puts_off(one))
    return follows


def test_a_video_is_put_off_after_three_refusals_that_others_were_granted_around() -> None:
    assert rounds(Refusals(), 5) == [False, False, True, True, True]


def test_where_many_are_refused_by_chance_more_refusals_are_needed() -> None:
    refusals = Refusals()
    for number in range(100):
        refusals.refused(refused(1 + number, number))
        assert refusals.granted(1_000) is not None
    follows = rounds(refusals, 20)
    assert follows.index(True) > 2 * LEAST


def test_what_was_counted_survives_a_restart() -> None:
    refusals = Refusals()
    assert rounds(refusals, 2) == [False, False]
    again = Refusals(refusals.to_json())
    assert again.suspected(candidate(0)) and not again.suspected(candidate(1))
    assert rounds(again, 1) == [True]
    for nonsense in ("", "[]", "{", '{"a": "b"}', '{"a": -1}', "null"):
        assert not Refusals(nonsense).suspected(candidate(0))


@given(n=st.integers(1, 12))
def test_a_row_of_different_videos_refused_is_nobodys_own(n: int) -> None:
    refusals = Refusals()
    for rank in range(n):
        refusals.refused(refused(rank, rank))
    released = [refusals.granted(100 + n) for _ in range(n)]
    assert [one.candidate.rank for one in released if one] == list(range(n)), "one at a time, in order"
    assert all(one.everyones == (n >= EVERYONE) for one in released if one)


def test_its_own_answer_and_earlier_ones_tell_nothing() -> None:
    refusals = Refusals()
    refusals.refused(refused(0, 7))
    assert refusals.granted(6) is None and refusals.undecided
    assert refusals.granted(8) is not None and not refusals.undecided


@pytest.mark.parametrize(
    ("kind", "rank"), [*((kind, 150) for kind in KINDS), *((KINDS[0], n) for n in (0, 299))]
)
def test_one_video_that_is_always_refused_stops_nobody(flutes: Ledger, kind: Reason, rank: int) -> None:
    """300 clips at a guest's pace take 0.87 h without it; it is the last one that is waited for."""
    world = World(
        lambda candidate, now: kind if candidate.rank == rank else None,
        takes=0.1,
        policy=parse_pace("guest"),
    )
    end = fetch(flutes, world, per_class=300)
    assert end.complete
    assert accepted(flutes) == [one for one in range(301) if one != rank]
    assert dead(flutes) == {Reason.VIDEO_REFUSED: 1}
    assert world.asked.count(candidate(rank).ytid) <= 7
    hours = (world.now - 1_000_000) / 3_600
    assert hours < (1.1 if rank == 299 else 0.95)
    (told,) = failures(flutes)
    assert told.reason is Reason.VIDEO_REFUSED and f"{kind}: said so" in told.detail


def test_with_one_place_left_a_clip_known_to_be_alive_tells_whose_the_refusal_is(flutes: Ledger) -> None:
    world = World(lambda candidate, now: Reason.BOT_CHECK if candidate.rank == 0 else None)
    end = fetch(flutes, world, per_class=1)
    assert end.complete and accepted(flutes) == [1]
    # One at the beginning, one for each refusal, and one before it is given up.
    assert world.asked.count(KNOWN_ALIVE.ytid) == 9


@pytest.mark.parametrize("hours", [0.1, 1, 5])
@pytest.mark.parametrize("per_class", [1, 30])
def test_a_lock_out_of_everyone_costs_nobody_an_attempt(flutes: Ledger, hours: float, per_class: int) -> None:
    def answer(candidate: Candidate, now: float) -> Reason | None:
        return Reason.RATE_LIMITED if 5 < now < 5 + hours * 3_600 else None

    end = fetch(flutes, World(answer), per_class)
    assert end.complete and accepted(flutes) == list(range(per_class)) and dead(flutes) == {}


def test_it_is_put_off_also_by_a_process_that_is_killed_after_every_refusal(flutes: Ledger) -> None:
    world = World(lambda candidate, now: Reason.CAPTCHA if candidate.rank == 0 else None)
    for _ in range(40):
        run = fetch_of(flutes, world, per_class=1)
        run.run(lambda progress, run=run, asked=len(world.asked): _stop_after(run, world, asked + 2))
        if accepted(flutes):
            break
    assert accepted(flutes) == [1]
    assert {tally.state for tally in flutes.tallies() if tally.reason} == {State.DEAD}


def _stop_after(run: object, world: World, requests: int) -> None:
    if len(world.asked) >= requests:
        run.stop.set()  # type: ignore[attr-defined]


@pytest.mark.parametrize("share", [0.05, 0.2, 0.6])
def test_random_refusals_cost_no_candidate(flutes: Ledger, share: float) -> None:
    import random

    rng = random.Random(1)
    world = World(
        lambda candidate, now: Reason.BOT_CHECK if candidate.rank >= 0 and rng.random() < share else None
    )
    end = fetch(flutes, world, per_class=200)
    assert end.complete and accepted(flutes) == list(range(200)) and dead(flutes) == {}

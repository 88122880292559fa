"""A limiter that calls living videos dead is found out, and nobody stays dead for it."""

from math import log2

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.fetch.recheck import AGREED, Recheck
from audioset_tools.ledger import Ledger
from audioset_tools.simulator.plan import Limit
from audioset_tools.simulator.site import Bucket, draw
from audioset_tools.sources.rate import PacePolicy
from audioset_tools.types import Candidate, Reason
from tests.fetch.world import World, accepted, candidate, dead, fetch

pytestmark = pytest.mark.usefixtures("no_ffmpeg")

PLAIN = {0: Reason.REMOVED, 4: Reason.PRIVATE, 8: Reason.TERMINATED, 12: Reason.UNAVAILABLE}


def a_quarter_dead(candidate: Candidate) -> Reason | None:
    return PLAIN.get(candidate.rank % 16) if candidate.rank >= 0 else None


def steady(lie: Reason, per_second: float, burst: int) -> World:
    """A limiter that grants so much, and calls everybody else dead."""
    limit, bucket = Limit(per_second, burst), Bucket(burst, 0.0)

    def answer(candidate: Candidate, now: float) -> Reason | None:
        nonlocal bucket
        bucket, passes = draw(bucket, limit, now)
        return a_quarter_dead(candidate) if passes else lie

    return World(answer, takes=0.1, policy=PacePolicy(start=1e9, most=1e9, first_pause=5, climb=100))


@given(deaths=st.integers(0, 5_000))
def test_few_of_the_dead_are_asked_again_and_ever_fewer(deaths: int) -> None:
    recheck, asked = Recheck(None, 0), 0
    for _ in range(deaths):
        recheck.died(Reason.PRIVATE)
        while recheck.due:
            recheck.agreed(Reason.PRIVATE)
            asked += 1
    assert asked == int(log2(1 + deaths) + deaths / 100)
    again = Recheck(recheck.to_json(), deaths)
    assert not again.due


def test_whose_word_was_a_lie_is_heard_twice_until_it_was_true_often_enough() -> None:
    recheck = Recheck(None, 10)
    recheck.contradicted(Reason.PRIVATE, 3)
    recheck = Recheck(recheck.to_json(), 3)
    assert recheck.doubts(Reason.PRIVATE) and not recheck.doubts(Reason.REMOVED)
    for _ in range(AGREED):
        assert recheck.doubts(Reason.PRIVATE)
        recheck.heard_twice(Reason.PRIVATE)
    assert not recheck.doubts(Reason.PRIVATE)


@pytest.mark.parametrize("nonsense", ["", "[]", "{", '{"since": "x"}', '{"doubted": {"x": 1}}', "null"])
def test_nonsense_in_the_ledger_is_as_good_as_nothing(nonsense: str) -> None:
    assert not Recheck(nonsense, 0).due and Recheck(nonsense, 1).due


@pytest.mark.parametrize("lie", [Reason.UNAVAILABLE, Reason.PRIVATE, Reason.REMOVED])
@pytest.mark.parametrize(("per_second", "burst"), [(2, 1), (2, 20), (5, 5)])
def test_a_steady_limiter_that_calls_the_living_dead_loses_nobody(
    flutes: Ledger, lie: Reason, per_second: float, burst: int
) -> None:
    end = fetch(flutes, steady(lie, per_second, burst), per_class=200)
    assert end.complete
    died = [c.rank for c in (candidate(rank) for rank in range(400)) if a_quarter_dead(c)]
    wrong = set(_dead_ranks(flutes)) - set(died)
    assert wrong == set()


def test_a_quarter_that_is_dead_for_plain_reasons_costs_few_requests(flutes: Ledger) -> None:
    world = World(lambda candidate, now: a_quarter_dead(candidate))
    end = fetch(flutes, world, per_class=300)
    assert end.complete and accepted(flutes) == [r for r in range(400) if r % 4][:300]
    tried = 300 + sum(dead(flutes).values())
    assert len(world.asked) / tried < 1.05


def test_one_asked_again_that_lives_brings_all_of_its_reason_back(flutes: Ledger) -> None:
    """Nobody lies any more when they are asked again: each is had, in its place."""

    def answer(candidate: Candidate, now: float) -> Reason | None:
        return Reason.PRIVATE if now < 20 and candidate.rank % 4 == 0 else None

    world = World(answer)
    assert fetch(flutes, world, per_class=100).complete
    assert Reason.PRIVATE not in dead(flutes)


def _dead_ranks(ledger: Ledger) -> list[int]:
    return [rank for (rank,) in ledger.rows("SELECT rank FROM candidate WHERE state = 'dead'")]

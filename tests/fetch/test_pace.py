"""The pace: never faster than it may, never through a pause, and what was learned survives a restart."""

from itertools import pairwise
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.errors import UsageError
from audioset_tools.fetch.pace import (
    Pace,
    PacePolicy,
    PaceState,
    Stopped,
    granted,
    parse_pace,
    refused,
    wait_before,
)
from audioset_tools.types import Reason

GUEST = parse_pace("guest")


class Clock:
    """Time that passes only by waiting."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.waits.append(seconds)
        self.now += seconds
        return False


def test_the_guest_begins_at_300_an_hour() -> None:
    clock = Clock()
    pace = Pace(GUEST, clock=clock, wait=clock.wait)
    for _ in range(3):
        pace.spend()
    assert clock.waits == [12, 12]


def test_unlimited_never_waits() -> None:
    clock = Clock()
    pace = Pace(parse_pace("unlimited"), clock=clock, wait=clock.wait)
    for _ in range(1000):
        pace.granted(pace.spend())
    assert clock.waits == []


def test_the_climb_is_slow_and_ends_at_the_most() -> None:
    state = PaceState(rate=300)
    for _ in range(1000):
        state = granted(state, GUEST, sent_at=1)
    assert 500 < state.rate < 600
    for _ in range(10_000):
        state = granted(state, GUEST, sent_at=1)
    assert state.rate == 1000


def test_retry_after_is_honoured_and_the_rate_halved() -> None:
    state = refused(PaceState(rate=800), GUEST, Reason.TOO_MANY_REQUESTS, now=100, sent_at=99, retry_after=77)
    assert wait_before(state, 100) == 77
    assert state.rate == 400
    assert state.ceiling == pytest.approx(760)


def test_without_retry_after_the_pause_doubles_up_to_an_hour() -> None:
    state, now, pauses = PaceState(rate=300), 0.0, []
    for _ in range(8):
        state = refused(state, GUEST, Reason.BOT_CHECK, now, now, None)
        pauses.append(wait_before(state, now))
        now = state.paused_until + 1
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600]


def test_echoes_of_the_refusal_that_began_a_pause_do_not_deepen_it() -> None:
    first = refused(
        PaceState(rate=300), GUEST, Reason.TOO_MANY_REQUESTS, now=10, sent_at=9.0, retry_after=None
    )
    echo = refused(first, GUEST, Reason.TOO_MANY_REQUESTS, now=11, sent_at=9.5, retry_after=None)
    assert echo == first


def test_an_answer_to_a_request_from_before_the_refusal_does_not_end_the_pause() -> None:
    paused = refused(PaceState(rate=300), GUEST, Reason.BOT_CHECK, now=10, sent_at=9.0, retry_after=None)
    assert granted(paused, GUEST, sent_at=9.5) == paused
    assert granted(paused, GUEST, sent_at=75).reason is None


def test_a_network_that_is_down_pauses_but_says_nothing_about_the_limit() -> None:
    state = refused(PaceState(rate=300), GUEST, Reason.NETWORK_DOWN, now=10, sent_at=9, retry_after=None)
    assert (state.rate, state.ceiling, state.paused_until) == (300, inf, 70)


def test_a_restart_remembers_pause_rate_and_ceiling() -> None:
    clock = Clock()
    before = Pace(GUEST, clock=clock, wait=clock.wait)
    before.spend()
    before.refused(Reason.RATE_LIMITED, clock.now, 500)
    after = Pace(GUEST, before.to_json(), clock=clock, wait=clock.wait)
    assert after.state == before.state
    after.spend()
    assert clock.waits == [500]


def test_another_pace_after_a_restart_keeps_the_pause() -> None:
    clock = Clock()
    before = Pace(GUEST, clock=clock, wait=clock.wait)
    before.refused(Reason.RATE_LIMITED, clock.now, 500)
    after = Pace(parse_pace("600/h"), before.to_json(), clock=clock, wait=clock.wait)
    assert after.state.rate == 600
    assert after.state.paused_until == clock.now + 500


def test_waiting_ends_at_once_when_the_run_is_stopped() -> None:
    pace = Pace(GUEST, clock=lambda: 0.0, wait=lambda seconds: True)
    pace.spend()
    with pytest.raises(Stopped):
        pace.spend()


@pytest.mark.parametrize("text", ["", "fast", "0/h", "-3/h", "300", "300/m", "1e3/h", "12345678/h"])
def test_a_pace_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parse_pace(text)


@given(
    rate=st.integers(60, 5_000),
    refusals=st.lists(st.tuples(st.integers(1, 60), st.none() | st.floats(0, 4_000)), max_size=5),
)
def test_no_hour_sees_more_requests_than_the_most(
    rate: int, refusals: list[tuple[int, float | None]]
) -> None:
    clock = Clock()
    policy = PacePolicy(start=rate, most=rate)
    pace = Pace(policy, clock=clock, wait=clock.wait)
    sent: list[float] = []
    for requests, retry_after in [*refusals, (50, None)]:
        for _ in range(requests):
            sent.append(pace.spend())
            pace.granted(sent[-1])
        until = pace.state.paused_until
        pace.refused(Reason.TOO_MANY_REQUESTS, pace.spend(), retry_after)
        assert pace.state.paused_until >= until
    gaps = [later - earlier for earlier, later in pairwise(sent)]
    assert min(gaps, default=inf) >= 3_600 / rate - 1e-6

"""The pace: never faster than it may, never through a pause, and what was learned survives a restart."""

import json
from dataclasses import replace
from itertools import pairwise
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.exceptions import UsageError
from audioset_tools.sources.pace import Pace, Stopped, parse_pace, remembered, restored
from audioset_tools.sources.rate import PacePolicy, PaceState, Phase, begun, wait_before
from audioset_tools.types import Reason

GUEST = parse_pace("guest")


class Clock:
    """Time that passes only by waiting."""

    def __init__(self) -> None:
        self.now = 1_000_000.0
        self.waited = 0.0

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.waited += seconds
        self.now += seconds
        return False


def paced(policy: PacePolicy = GUEST, stored: str | None = None) -> tuple[Pace, Clock]:
    clock = Clock()
    return Pace(policy, stored, clock=clock, wait=clock.wait), clock


def test_the_guest_begins_at_300_an_hour() -> None:
    pace, clock = paced()
    for _ in range(3):
        pace.spend()
    assert clock.waited == 24


def test_unlimited_never_waits() -> None:
    pace, clock = paced(parse_pace("unlimited"))
    for _ in range(1000):
        pace.on_grant(pace.spend())
    assert clock.waited == 0


def test_unlimited_settles_for_half_of_what_was_refused() -> None:
    pace, clock = paced(parse_pace("unlimited"))
    for _ in range(100):
        clock.now += 0.1
        pace.on_grant(pace.spend())
    pace.on_refusal(Reason.TOO_MANY_REQUESTS, pace.spend(), 3)
    assert pace.state.rate == pytest.approx(18_000, rel=0.1)


def test_a_pause_is_waited_out_by_media_too() -> None:
    pace, clock = paced()
    pace.on_refusal(Reason.RATE_LIMITED, clock.now, 500)
    assert pace.wait_out() == 1_000_500


def test_a_pause_by_itself_teaches_nothing() -> None:
    pace, clock = paced()
    for _ in range(50):
        pace.on_grant(pace.spend())
    before = pace.state
    pace.pause(Reason.IMPLAUSIBLE, 90)
    assert pace.wait_out() == clock.now == pace.state.paused_until
    assert pace.state.reason is Reason.IMPLAUSIBLE
    assert (
        replace(
            pace.state, paused_at=before.paused_at, paused_until=before.paused_until, reason=before.reason
        )
        == before
    )
    pace.on_grant(pace.spend())
    assert pace.state.reason is None
    assert pace.state.rate == before.rate


def test_a_pause_by_itself_shortens_no_other_and_is_bounded() -> None:
    pace, clock = paced()
    pace.on_refusal(Reason.RATE_LIMITED, clock.now, 500)
    pace.pause(Reason.IMPLAUSIBLE, 60)
    assert wait_before(pace.state, clock.now) == 500
    assert pace.state.reason is Reason.RATE_LIMITED
    pace.pause(Reason.IMPLAUSIBLE, inf)
    assert wait_before(pace.state, clock.now) == 86_400


def test_a_restart_remembers_everything() -> None:
    before, clock = paced()
    for _ in range(50):
        before.on_grant(before.spend())
    before.on_refusal(Reason.RATE_LIMITED, clock.now, 500)
    after = Pace(GUEST, before.to_json(), clock=clock, wait=clock.wait)
    assert after.state == before.state == remembered(before.to_json())
    began = clock.now
    after.spend()
    assert clock.now == began + 500


def test_a_restart_remembers_what_chance_refuses() -> None:
    before, clock = paced()
    for number in range(40):
        sent_at = before.spend()
        if number % 4:
            before.on_grant(sent_at)
        else:
            before.on_refusal(Reason.BOT_CHECK, sent_at, None)
        clock.now += 1
    before.on_refusal(Reason.BOT_CHECK, before.spend(), None)
    assert (before.state.by_chance, before.state.refusals) == (10, 1)
    assert restored(before.to_json(), GUEST, clock.now) == before.state
    assert restored(before.to_json(), parse_pace("600/h"), clock.now).by_chance == 10


def test_another_pace_after_a_restart_begins_anew_but_keeps_the_pause() -> None:
    before, clock = paced()
    before.on_refusal(Reason.RATE_LIMITED, clock.now, 500)
    state = restored(before.to_json(), parse_pace("600/h"), clock.now)
    assert (state.rate, state.phase, state.ceiling) == (600, Phase.SEARCHING, inf)
    assert (wait_before(state, clock.now), state.reason) == (500, Reason.RATE_LIMITED)
    assert state.refusals == 1


@given(st.floats(-1e9, 1e9))
def test_a_clock_that_was_set_makes_no_pause_longer(shift: float) -> None:
    before, clock = paced()
    before.spend()
    before.on_refusal(Reason.RATE_LIMITED, clock.now, 500)
    state = restored(before.to_json(), GUEST, clock.now + shift)
    assert wait_before(state, clock.now + shift) <= 500 + 1e-3
    if -400 <= shift <= 0:
        assert wait_before(state, clock.now + shift) >= 499


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    )
)
def test_a_foreign_text_teaches_nothing(content: Any) -> None:
    assert restored(json.dumps(content), GUEST, 5.0) == begun(GUEST)


@given(
    st.sampled_from(sorted(json.loads(Pace(GUEST).to_json()))),
    st.none() | st.text(max_size=5) | st.floats() | st.integers() | st.lists(st.floats(), max_size=4),
)
def test_a_damaged_text_is_less_careful_than_a_fresh_start_in_nothing(name: str, content: Any) -> None:
    table = {**json.loads(Pace(GUEST, clock=lambda: 1e6).to_json()), name: content}
    state = restored(json.dumps(table), GUEST, 1e6)
    assert 0 <= wait_before(state, 1e6) <= 86_400
    assert GUEST.least <= state.rate <= GUEST.most
    assert isinstance(state.phase, Phase)
    Pace(GUEST, json.dumps(table), clock=lambda: 1e6, wait=lambda seconds: True).on_grant(1e6)


@pytest.mark.parametrize(
    "harm",
    [
        {"rate": 1e12},
        {"rate": 1e-300},
        {"rate": inf},
        {"paused_until": 1e18},
        {"locked": 1e300},
        {"granted": inf},
        {"by_chance": inf},
        {"proof": inf, "before": inf},
        {"row": [1e300] * 500},
        {"trying": True, "trial": [inf, 0]},
        {"granted_at": inf},
        {"share": inf},
    ],
)
def test_a_stored_number_past_all_bounds_does_no_harm(harm: dict[str, Any]) -> None:
    table = {**json.loads(Pace(GUEST, clock=lambda: 1e6).to_json()), **harm}
    pace, clock = paced(stored=json.dumps(table))
    began = clock.now
    for _ in range(3):
        pace.spend()
    assert 7 < clock.now - began <= 86_400 + 2 * 60
    for _ in range(300):
        pace.on_grant(pace.spend())
        pace.on_refusal(Reason.BOT_CHECK, pace.spend(), None)
    assert 60 <= pace.state.rate <= 1_000


@pytest.mark.parametrize("text", ["", "{", "null", "[]", '{"rate": 1}'])
def test_a_text_that_is_no_state(text: str) -> None:
    assert restored(text, GUEST, 1.0) == begun(GUEST)


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
    pace, _ = paced(PacePolicy(start=rate, most=rate))
    sent: list[float] = []
    for requests, retry_after in [*refusals, (50, None)]:
        for _ in range(requests):
            sent.append(pace.spend())
            pace.on_grant(sent[-1])
        until = pace.state.paused_until
        pace.on_refusal(Reason.TOO_MANY_REQUESTS, pace.spend(), retry_after)
        assert pace.state.paused_until >= until
    gaps = [later - earlier for earlier, later in pairwise(sent)]
    assert min(gaps, default=inf) >= 3_600 / rate - 1e-6


def test_what_is_remembered_is_told_without_a_policy() -> None:
    state = replace(begun(GUEST), rate=444.0)
    pace, _ = paced()
    pace._state = state
    assert remembered(pace.to_json()) == state
    assert remembered(None) is None
    assert remembered(json.dumps({"rate": 3})) is None
    assert isinstance(remembered(pace.to_json()), PaceState)

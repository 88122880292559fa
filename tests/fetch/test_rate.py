"""The law of the pace, against a modelled limit over simulated weeks."""

from dataclasses import replace
from math import inf

import pytest
from hypothesis import Phase as Stage
from hypothesis import given, settings
from hypothesis import strategies as st
from weeks import week

from audioset_tools.fetch.pace import parse_pace
from audioset_tools.fetch.rate import (
    PacePolicy,
    PaceState,
    Phase,
    begun,
    drained,
    granted,
    limit_between,
    refused,
    spent,
    wait_before,
)
from audioset_tools.types import UNREACHED, Reason

GUEST, ACCOUNT = parse_pace("guest"), parse_pace("account")
NO_SHRINKING = (Stage.explicit, Stage.generate)


@st.composite
def limits(draw: st.DrawFn, policy: PacePolicy) -> tuple[int, int]:
    """A limit an hour, and a bucket of at most a quarter of an hour's requests or what the law can tell."""
    limit = draw(st.integers(int(0.7 * policy.start), int(1.2 * policy.most)))
    return limit, draw(st.integers(1, min(limit // 4, int(0.15 * policy.climb))))


@given(limits(GUEST), st.floats(60, 3_600), st.booleans(), st.integers(0, 99))
@settings(max_examples=20, derandomize=True, phases=NO_SHRINKING)
def test_a_guest_uses_what_a_week_allows_and_is_locked_out_twice_at_most(
    remote: tuple[int, int], lockout: float, retry_after: bool, seed: int
) -> None:
    found = week(GUEST, *remote, lockout, retry_after, seed)
    assert found.share >= 0.95
    assert found.lockouts <= 2
    assert found.refused < 0.01


@given(limits(ACCOUNT), st.floats(60, 3_600), st.booleans(), st.integers(0, 99))
@settings(max_examples=10, derandomize=True, phases=NO_SHRINKING)
def test_so_does_an_account(remote: tuple[int, int], lockout: float, retry_after: bool, seed: int) -> None:
    found = week(ACCOUNT, *remote, lockout, retry_after, seed)
    assert found.share >= 0.95
    assert found.lockouts <= 2
    assert found.refused < 0.01


@pytest.mark.parametrize(("limit", "lockouts", "hours"), [(420, 2, 168), (1_050, 0, 24)])
def test_no_hour_of_a_week_is_left_out_of_the_model(limit: int, lockouts: int, hours: int) -> None:
    """The same time with every request of it, for what the others skip."""
    whole = week(GUEST, limit, 40, 3_600, retry_after=False, skip=False, seconds=hours * 3_600)
    short = week(GUEST, limit, 40, 3_600, retry_after=False, seconds=hours * 3_600)
    assert whole.lockouts == short.lockouts == lockouts
    assert whole.share == pytest.approx(short.share, abs=0.001)


def test_a_known_limit_is_used_whole_by_a_fixed_rate() -> None:
    found = week(
        parse_pace("18000/h"), 18_000, 10, 30, retry_after=True, seconds=600, skip=False, latency=0.5
    )
    assert (found.lockouts, found.refused) == (0, 0)
    assert found.share > 0.99


def test_unlimited_finds_a_limit_of_five_a_second_within_minutes() -> None:
    found = week(
        parse_pace("unlimited"), 18_000, 10, 10, retry_after=True, seconds=1_200, skip=False, latency=0.5
    )
    assert found.share > 0.9
    assert found.lockouts <= 4
    assert found.refused < 0.01


@given(
    limit=st.floats(50, 5_000),
    above=st.floats(1.05, 3),
    base=st.floats(0.3, 2),
    climb=st.floats(100, 3_000),
)
def test_what_a_climb_drains_is_what_a_bucket_lacks(
    limit: float, above: float, base: float, climb: float
) -> None:
    """The formula against adding up request by request."""
    first = limit * min(base, above)
    rate, lacking = first, 0.0
    while rate < limit * above:
        lacking = max(0.0, lacking + 1 - limit / rate)
        rate *= 1 + 1 / climb
    assert drained(limit, first, rate, 0, climb) == pytest.approx(lacking, rel=0.03, abs=1.5)


@given(limit=st.floats(100, 4_000), burst=st.floats(5, 300))
def test_two_climbs_tell_the_limit(limit: float, burst: float) -> None:
    def peak(climb: float) -> float:
        return next(
            limit * (1 + n / 1_000)
            for n in range(10_000)
            if drained(limit, 1, limit * (1 + n / 1_000), 0, climb) > burst
        )

    found = limit_between((limit / 2, peak(1_000), 0, 1_000), (limit / 2, peak(3_000), 0, 3_000), 3_600)
    assert found == pytest.approx(limit, rel=0.02)


def on_time(state: PaceState, policy: PacePolicy, requests: int) -> PaceState:
    """After so many requests, each sent at its turn and granted."""
    now = state.next_at or 1e6
    for _ in range(requests):
        state = spent(state, now)
        state = granted(state, policy, now)
        now = state.next_at
    return state


def test_the_climb_is_slow_and_ends_at_the_most() -> None:
    assert on_time(begun(GUEST), GUEST, 700).rate == pytest.approx(600, rel=0.02)
    assert on_time(begun(GUEST), GUEST, 5_000).rate == 1_000


def test_a_rate_that_is_not_used_is_not_raised() -> None:
    state, now = begun(GUEST), 1e6
    for _ in range(100):
        state = granted(spent(state, now), GUEST, now)
        now = state.next_at + 60
    assert state.rate < 302


def refuse(
    state: PaceState, now: float, retry_after: float | None = None, policy: PacePolicy = GUEST
) -> PaceState:
    return refused(state, policy, Reason.TOO_MANY_REQUESTS, now, now, retry_after)


def test_a_refusal_halves_the_rate_and_retry_after_is_honoured() -> None:
    state = refuse(PaceState(rate=800, base=300), now=100, retry_after=77)
    assert wait_before(state, 100) == 77
    assert (state.rate, state.phase) == (400, Phase.NARROWING)


def test_without_retry_after_the_pause_doubles_up_to_an_hour() -> None:
    state, now, pauses = begun(GUEST), 1e6, []
    for _ in range(8):
        state = refuse(state, now)
        pauses.append(wait_before(state, now))
        now = state.paused_until + 1
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert state.rate == 150


def test_echoes_of_a_refusal_teach_nothing_but_may_lengthen_the_pause() -> None:
    first = refuse(begun(GUEST), now=10)
    echo = refused(first, GUEST, Reason.TOO_MANY_REQUESTS, now=11, sent_at=9.5, retry_after=None)
    assert echo == first
    longer = refused(first, GUEST, Reason.TOO_MANY_REQUESTS, now=11, sent_at=9.5, retry_after=500)
    assert longer == replace(first, paused_until=511)


def test_an_answer_to_a_request_from_before_the_refusal_does_not_end_the_pause() -> None:
    paused = refuse(begun(GUEST), now=10)
    assert granted(paused, GUEST, sent_at=9.5) == paused
    assert granted(paused, GUEST, sent_at=75).reason is None


@pytest.mark.parametrize("retry_after", [-5.0, float("nan"), 10 * 365 * 86_400.0, inf])
def test_an_absurd_retry_after_is_bounded(retry_after: float) -> None:
    assert 0 < wait_before(refuse(begun(GUEST), now=10, retry_after=retry_after), 10) <= 86_400


@pytest.mark.parametrize("reason", sorted(UNREACHED))
def test_a_network_that_is_away_pauses_briefly_and_says_nothing_about_the_limit(reason: Reason) -> None:
    state, now, pauses = begun(GUEST), 1e6, []
    for _ in range(6):
        state = refused(state, GUEST, reason, now, now, None)
        pauses.append(wait_before(state, now))
        now = state.paused_until + 1
    assert pauses == [10, 20, 40, 60, 60, 60]
    assert (state.rate, state.ceiling, state.phase, state.refusals) == (300, inf, Phase.SEARCHING, 0)


def test_a_limit_is_looked_for_again_after_a_week_without_refusal() -> None:
    settled = PaceState(
        rate=400, ceiling=400, phase=Phase.SETTLED, refused_at=1e6, next_at=1e6 + 100, burst=5
    )
    assert on_time(settled, GUEST, 500).rate == 400
    assert on_time(replace(settled, next_at=1e6 + 8 * 86_400), GUEST, 50).rate > 410


def test_a_stricter_remote_is_found_with_few_refusals() -> None:
    """Settled at 800, the limit falls to 500 with a bucket of 20: the rate ends below it, not far."""
    state = PaceState(rate=800, ceiling=800, phase=Phase.SETTLED, burst=20, refused_at=1e6, next_at=2e6)
    now, lacking, last, refusals = 2e6, 0.0, 2e6, 0
    for _ in range(20_000):
        now += wait_before(state, now)
        lacking = max(0.0, lacking - (now - last) * 500 / 3_600) + 1
        last, state = now, spent(state, now)
        if lacking > 20:
            refusals, lacking, state = refusals + 1, 0.0, refuse(state, now, 600)
            state = granted(state, GUEST, now + 601)
        else:
            state = granted(state, GUEST, now)
    assert 350 < state.rate < 500
    assert refusals <= 3

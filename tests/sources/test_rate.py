"""The law of the pace, against a modelled limit over simulated weeks."""

from dataclasses import replace
from math import inf

import pytest
from hypothesis import Phase as Stage
from hypothesis import given, settings
from hypothesis import strategies as st
from weeks import HOUR, Remote, week

from audioset_tools.sources.pace import parse_pace
from audioset_tools.sources.rate import (
    PacePolicy,
    PaceState,
    Phase,
    after_grant,
    after_refusal,
    after_request,
    begun,
    chance_of,
    drained,
    limit_between,
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


LOCKED_OUT = (st.floats(60, 3_600), st.booleans(), st.integers(0, 99))
IN_WORDS_OF_THE_RATE, IN_OTHER_WORDS = Reason.TOO_MANY_REQUESTS, Reason.BOT_CHECK
WORDS = (IN_WORDS_OF_THE_RATE, IN_OTHER_WORDS)


@given(limits(GUEST), *LOCKED_OUT)
@settings(max_examples=10, derandomize=True, phases=NO_SHRINKING)
def test_a_guest_uses_what_a_week_allows_and_is_locked_out_twice_at_most(
    limit: tuple[int, int], lockout: float, retry_after: bool, seed: int
) -> None:
    found = week(GUEST, Remote(*limit, lockout, retry_after), seed)
    assert found.share >= 0.95
    assert found.lockouts <= 2
    assert found.refused < 0.01


@given(limits(ACCOUNT), *LOCKED_OUT)
@settings(max_examples=5, derandomize=True, phases=NO_SHRINKING)
def test_so_does_an_account(limit: tuple[int, int], lockout: float, retry_after: bool, seed: int) -> None:
    found = week(ACCOUNT, Remote(*limit, lockout, retry_after), seed)
    assert found.share >= 0.95
    assert found.lockouts <= 2
    assert found.refused < 0.01


@given(limits(GUEST), st.floats(600, 3_600), st.booleans(), st.integers(0, 99))
@settings(max_examples=5, derandomize=True, phases=NO_SHRINKING)
def test_a_lockout_in_other_words_is_recognised_too(
    limit: tuple[int, int], lockout: float, retry_after: bool, seed: int
) -> None:
    found = week(GUEST, Remote(*limit, lockout, retry_after, reason=IN_OTHER_WORDS), seed)
    assert found.share >= 0.95
    assert found.lockouts <= 2
    assert found.refused < 0.01


@pytest.mark.parametrize("reason", WORDS)
@pytest.mark.parametrize("share", [0.001, 0.01, 0.05, 0.2, 0.6])
def test_refusals_by_chance_leave_the_rate_alone(share: float, reason: Reason) -> None:
    """Of a week's, the climb included, and of 9,600 clips'."""
    remote = Remote(chance=share, reason=reason)
    found = week(GUEST, remote, seed=1)
    assert found.share >= 0.9
    clips = week(GUEST, remote, seed=2, clips=9_600)
    # Without any refusal it is 0.89, for the climb; a lock-out that was none may cost some, until taken back.
    assert clips.share >= 0.8
    assert clips.state.phase is Phase.SEARCHING


@pytest.mark.parametrize("share", [0.01, 0.2, 0.6])
def test_refusals_by_chance_leave_an_accounts_rate_alone(share: float) -> None:
    assert week(ACCOUNT, Remote(chance=share, reason=IN_OTHER_WORDS), seed=3).share >= 0.9


@given(
    limits(GUEST), st.floats(600, 3_600), st.booleans(), st.integers(0, 99),
    st.sampled_from([0.01, 0.05, 0.2, 0.6]), st.sampled_from(WORDS),
)  # fmt: skip
@settings(max_examples=6, derandomize=True, phases=NO_SHRINKING)
def test_a_limit_is_found_among_refusals_by_chance(
    limit: tuple[int, int], lockout: float, retry_after: bool, seed: int, share: float, reason: Reason
) -> None:
    found = week(GUEST, Remote(*limit, lockout, retry_after, share, reason), seed)
    assert found.share >= (0.9 if share < 0.5 else 0.8)
    assert found.lockouts <= (3 if share < 0.5 else 6)
    assert found.refused < share + 0.03


def test_a_bucket_that_locks_nobody_out_is_found_by_trying_half_the_rate() -> None:
    found = week(GUEST, Remote(400, 20, 0, reason=IN_OTHER_WORDS), seed=4, seconds=48 * HOUR)
    assert found.share >= 0.9
    assert found.refused < 0.1
    assert found.state.ceiling < 500


@pytest.mark.parametrize(("limit", "lockouts", "hours"), [(420, 2, 168), (1_050, 0, 24)])
def test_no_hour_of_a_week_is_left_out_of_the_model(limit: int, lockouts: int, hours: int) -> None:
    """The same time with every request of it, for what the others skip."""
    remote, seconds = Remote(limit, 40), hours * HOUR
    whole = week(GUEST, remote, skip=False, seconds=seconds)
    short = week(GUEST, remote, seconds=seconds)
    assert whole.lockouts == short.lockouts == lockouts
    assert whole.share == pytest.approx(short.share, abs=0.001)


def test_a_known_limit_is_used_whole_by_a_fixed_rate() -> None:
    remote = Remote(18_000, 10, 30, retry_after=True, latency=0.5)
    found = week(parse_pace("18000/h"), remote, seconds=600, skip=False)
    assert (found.lockouts, found.refused) == (0, 0)
    assert found.share > 0.99


def test_unlimited_finds_a_limit_of_five_a_second_within_minutes() -> None:
    remote = Remote(18_000, 10, 10, retry_after=True, latency=0.5)
    found = week(parse_pace("unlimited"), remote, seconds=1_200, skip=False)
    assert found.share > 0.9
    assert found.lockouts <= 4
    assert found.refused < 0.01


@pytest.mark.parametrize("idle", [90.0, 1_800.0, 86_400.0])
def test_an_hour_between_two_runs_says_nothing_of_how_fast_the_requests_went(idle: float) -> None:
    """Nor does a clock that was set: unlimited learned 60 requests an hour from either."""
    policy = parse_pace("unlimited")
    state, now = begun(policy), 1e9
    for number in range(40):
        now += idle if number == 39 else 0.2
        state = after_request(state, now)
    state = after_refusal(state, policy, Reason.TOO_MANY_REQUESTS, now + 0.1, now, 1.0)
    assert state.rate > 2_000


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
        state = after_request(state, now)
        state = after_grant(state, policy, now)
        now = state.next_at
    return state


def test_the_climb_is_slow_and_ends_at_the_most() -> None:
    assert on_time(begun(GUEST), GUEST, 700).rate == pytest.approx(600, rel=0.02)
    assert on_time(begun(GUEST), GUEST, 5_000).rate == 1_000


def test_a_rate_that_is_not_used_is_not_raised() -> None:
    state, now = begun(GUEST), 1e6
    for _ in range(100):
        state = after_grant(after_request(state, now), GUEST, now)
        now = state.next_at + 60
    assert state.rate < 302


def refuse(
    state: PaceState,
    now: float,
    retry_after: float | None = None,
    policy: PacePolicy = GUEST,
    reason: Reason = IN_WORDS_OF_THE_RATE,
) -> PaceState:
    return after_refusal(state, policy, reason, now, now, retry_after)


def known(granted: float, by_chance: float) -> PaceState:
    return replace(begun(GUEST), granted=granted, by_chance=by_chance, next_at=1e6, granted_at=1e6 - 1)


def row(state: PaceState, reason: Reason, most: int = 200) -> list[tuple[PaceState, float]]:
    """What each further refusal makes of it, and how long everyone pauses, until a lock-out is recognised."""
    now, after = 1e6, []
    while not state.locked and len(after) < most:
        state = refuse(state, now, reason=reason)
        after.append((state, wait_before(replace(state, next_at=0), now)))
        now += max(after[-1][1], 3.6)
    return after


def test_a_refusal_that_says_for_how_long_is_a_limits_at_once() -> None:
    state = refuse(PaceState(rate=800, base=300, granted=200, by_chance=100), now=100, retry_after=77)
    assert wait_before(state, 100) == 77
    assert (state.rate, state.phase) == (400, Phase.NARROWING)


@pytest.mark.parametrize(
    ("granted", "by_chance", "in_words_of_the_rate", "in_other_words"),
    [(0, 0, 4, 15), (1_000, 0, 3, 3), (990, 10, 4, 4), (950, 50, 5, 5), (800, 200, 9, 9), (400, 600, 24, 28)],
)
def test_how_many_requests_are_sent_into_a_lockout_before_it_is_recognised(
    granted: int, by_chance: int, in_words_of_the_rate: int, in_other_words: int
) -> None:
    state = known(granted, by_chance)
    assert len(row(state, IN_WORDS_OF_THE_RATE)) == in_words_of_the_rate
    assert len(row(state, IN_OTHER_WORDS)) == in_other_words


def test_a_row_that_chance_may_have_made_pauses_nobody() -> None:
    pauses = [pause for _, pause in row(known(800, 200), IN_OTHER_WORDS)]
    assert pauses[:2] == [0, 0]
    assert set(pauses[3:-1]) == {5}
    assert pauses[-1] == GUEST.first_pause


def test_a_first_refusal_in_words_of_the_rate_pauses_everyone_and_teaches_nothing() -> None:
    state = refuse(known(100, 0), 1e6)
    assert wait_before(state, 1e6) >= 5
    assert (state.rate, state.phase, state.ceiling) == (300, Phase.SEARCHING, inf)
    other = refuse(known(100, 0), 1e6, reason=IN_OTHER_WORDS)
    assert wait_before(other, 1e6) == 0


def test_a_row_counts_by_the_time_of_sending() -> None:
    """Of three refusals the first two went out before a request that was granted: they were chance."""
    state = known(100, 0)
    for sent_at in (1e6 + 3, 1e6 + 1, 1e6):
        state = after_refusal(state, GUEST, IN_OTHER_WORDS, 1e6 + 4, sent_at, None)
        state = replace(state, paused_at=0)
    state = after_grant(state, GUEST, 1e6 + 2)
    assert (state.row, state.by_chance, state.granted) == ((1e6 + 3,), 2, 101)
    late = after_refusal(state, GUEST, IN_OTHER_WORDS, 1e6 + 5, 1e6 + 1.5, None)
    assert (late.row, late.by_chance) == (state.row, 3)


def test_what_a_row_taught_is_taken_back_when_such_rows_turn_out_to_be_common() -> None:
    state, _ = row(known(60, 0), IN_WORDS_OF_THE_RATE)[-1]
    assert (state.phase, state.rate) == (Phase.NARROWING, 150)
    now = 1e6 + 1_000
    for number in range(40):
        now += 30
        answer = refuse if number % 3 else after_grant
        state = refuse(state, now) if answer is refuse else after_grant(state, GUEST, now)
        now = max(now, state.paused_until)
    assert (state.phase, state.rate, state.ceiling) == (Phase.SEARCHING, 300, inf)


def test_what_chance_refuses_is_forgotten() -> None:
    state = known(400, 600)
    assert chance_of(5, on_time(state, GUEST, 10_000), (1, 9)) < 1e-6 < chance_of(5, state, (1, 9))


def test_without_retry_after_the_pause_doubles_up_to_an_hour() -> None:
    state, now, pauses = row(begun(GUEST), IN_WORDS_OF_THE_RATE)[-1][0], 1e6 + 100, []
    for _ in range(8):
        pauses.append(state.paused_until - state.paused_at)
        now = state.paused_until + 1
        state = refuse(state, now)
    assert pauses == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert state.rate == 150


def test_echoes_of_a_refusal_teach_nothing_but_may_lengthen_the_pause() -> None:
    first = refuse(begun(GUEST), now=10)
    assert wait_before(first, 10) > 0
    echo = after_refusal(first, GUEST, IN_WORDS_OF_THE_RATE, now=11, sent_at=9.5, retry_after=None)
    assert echo == first
    longer = after_refusal(first, GUEST, IN_WORDS_OF_THE_RATE, now=11, sent_at=9.5, retry_after=500)
    assert longer == replace(first, paused_until=511)


def test_an_answer_to_a_request_from_before_the_refusal_does_not_end_the_pause() -> None:
    paused = refuse(begun(GUEST), now=10, retry_after=60)
    assert after_grant(paused, GUEST, sent_at=9.5) == replace(paused, granted_at=9.5)
    assert after_grant(paused, GUEST, sent_at=75).reason is None


@pytest.mark.parametrize("retry_after", [-5.0, float("nan"), 10 * 365 * 86_400.0, inf])
def test_an_absurd_retry_after_is_bounded(retry_after: float) -> None:
    assert 0 < wait_before(refuse(begun(GUEST), now=10, retry_after=retry_after), 10) <= 86_400


@pytest.mark.parametrize("reason", sorted(UNREACHED))
def test_a_network_that_is_away_pauses_briefly_and_says_nothing_about_the_limit(reason: Reason) -> None:
    state, now, pauses = begun(GUEST), 1e6, []
    for _ in range(6):
        state = after_refusal(state, GUEST, reason, now, now, None)
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
        last, state = now, after_request(state, now)
        if lacking > 20:
            refusals, lacking, state = refusals + 1, 0.0, refuse(state, now, 600)
            state = after_grant(state, GUEST, now + 601)
        else:
            state = after_grant(state, GUEST, now)
    assert 350 < state.rate < 500
    assert refusals <= 3

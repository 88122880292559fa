"""How fast to ask: the rate as pure functions of what was granted and refused.

The remote is taken for a token bucket of unknown depth `burst`, refilled at an unknown `limit` an hour, that
locks out whoever empties it. The rate rises while nothing is refused and is halved by a refusal (additive
increase, multiplicative decrease; Chiu and Jain 1989). The increase is one part in `climb` of the rate with
every request, so that the law is the same at 300 an hour and at 5 a second. A rate above the limit drains the
bucket; a climb from `base` to `peak` takes

    drained(limit) = climb * (phi(limit / peak) - phi(limit / max(base, limit))),    phi(u) = u - 1 - ln(u)

requests from it, and `1 - limit / peak` more with every request at a peak that is held because it is the
highest rate allowed. When the refusal comes, this is `burst`: one equation with two unknowns. After the first
refusal the rate climbs again, three times as slowly, and the second refusal is the second equation, for the
bucket is the same. (While `burst` is less than 0.19 `climb`, half of the first peak lies below the limit.)
From then on the rate stays just below the limit found. If it is refused all the same after `t` hours, it was
too high by `burst / t`. What was learned is forgotten after a week without a refusal, so that a remote that
has become more generous is found out.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import inf, log

from ..types import UNREACHED, Reason

SLOWER = 3.0
"""How much slower the second climb is than the first."""

BELOW = 0.99
"""How far below the limit found the rate stays."""

FARTHEST = 0.3
"""A limit found below this share of the second peak is none: both climbs began above it."""

FORGET_S = 7 * 86_400.0
"""Seconds without a refusal after which the limit is looked for again."""

LONGEST_ASKED_S = 86_400.0
"""The longest `Retry-After` taken at its word; YouTube locks out for an hour."""

OUTAGE_S, LONGEST_OUTAGE_S = 10.0, 60.0
"""Pauses while our own network is away: asking costs nobody anything."""


class Phase(StrEnum):
    """What is known of the limit."""

    SEARCHING = "searching"
    """Nothing was refused yet."""
    NARROWING = "narrowing"
    """One refusal; the second, slower climb."""
    SETTLED = "settled"
    """The limit is known."""


@dataclass(frozen=True, slots=True)
class PacePolicy:
    """The bounds of a pace, in requests an hour and in seconds.

    Args:
        start: the rate to begin with.
        most: the rate never exceeded.
        least: the rate that no refusal goes below.
        first_pause: the pause after a refusal that names no time; doubled by each further one.
        longest_pause: where the doubling ends: a lock-out lasts up to an hour (yt-dlp wiki, FACTS section 2).
        climb: in so many requests the rate grows by a factor of e while nothing is refused.
    """

    start: float
    most: float
    least: float = 60
    first_pause: float = 60
    longest_pause: float = 3_600
    climb: float = 1_000


@dataclass(frozen=True, slots=True)
class PaceState:
    """What is known of the remote's patience; times are seconds since the epoch.

    Args:
        rate: requests an hour.
        ceiling: the rate is not raised above this.
        phase: how much is known of the limit.
        base: the rate at which the present climb began.
        held: requests since the present climb reached the highest rate allowed.
        first: base, peak and held of the climb that was refused first.
        burst: how many requests the bucket holds, once that is known.
        emptied_at: when the last lock-out began.
        rest: seconds from then to the next granted request.
        next_at: when the next request may go out.
        pressed: whether the last request went out when its turn came; else the rate is not what was sent.
        seconds: the time between the last requests, on average; what a rate without bounds came to.
        paused_at, paused_until: the last pause.
        refused_at: when the remote last refused.
        reason: why everyone is or was paused; None once something was granted.
        refusals: how many since the last granted request.
        outages: how often our network was away since then.
    """

    rate: float
    ceiling: float = inf
    phase: Phase = Phase.SEARCHING
    base: float = 0.0
    held: int = 0
    first: tuple[float, float, int] = (0.0, 0.0, 0)
    burst: float = 0.0
    emptied_at: float = 0.0
    rest: float = 0.0
    next_at: float = 0.0
    pressed: bool = False
    seconds: float = 0.0
    paused_at: float = 0.0
    paused_until: float = 0.0
    refused_at: float = 0.0
    reason: Reason | None = None
    refusals: int = 0
    outages: int = 0


Climb = tuple[float, float, int, float]
"""Base, peak, requests held at the peak, and in how many requests the rate grew by a factor of e."""


def begun(policy: PacePolicy) -> PaceState:
    """Nothing known yet."""
    return PaceState(rate=policy.start, base=policy.start)


def wait_before(state: PaceState, now: float) -> float:
    """Seconds until the next request may go out."""
    return max(0.0, state.next_at - now, state.paused_until - now)


def spent(state: PaceState, now: float) -> PaceState:
    """A request goes out now."""
    gap = 3_600 / state.rate
    since = now - state.next_at + gap if state.next_at else gap
    # A worker that wakes up late by less than half a gap costs nothing: the next one goes out earlier.
    turn = state.next_at if now - state.next_at < gap / 2 else now
    return replace(
        state,
        next_at=turn + gap,
        pressed=now <= state.next_at + gap,
        seconds=state.seconds + (since - state.seconds) / 20 if state.seconds else since,
    )


def granted(state: PaceState, policy: PacePolicy, sent_at: float) -> PaceState:
    """A request that went out at `sent_at` was answered; one from before the last refusal says nothing."""
    if sent_at <= state.paused_at:
        return state
    if state.refusals:
        state = replace(state, rest=sent_at - state.emptied_at)
    state = replace(state, refusals=0, outages=0, reason=None)
    if state.phase is Phase.SETTLED and sent_at > state.refused_at + FORGET_S:
        state = replace(state, phase=Phase.SEARCHING, ceiling=inf, base=state.rate, held=0)
    if not state.pressed or state.rate == inf:
        return state
    climb = policy.climb * (SLOWER if state.phase is Phase.NARROWING else 1)
    top = min(policy.most, max(state.ceiling, policy.least))
    return replace(state, rate=min(state.rate * (1 + 1 / climb), top), held=state.held + (state.rate >= top))


def refused(
    state: PaceState,
    policy: PacePolicy,
    reason: Reason,
    now: float,
    sent_at: float,
    retry_after: float | None,
) -> PaceState:
    """A request that went out at `sent_at` was refused, or our network is away.

    Answers to requests sent before the present pause began are its echoes: they may lengthen it, and teach
    nothing.
    """
    asked = None
    if retry_after is not None and retry_after >= 0:
        asked = min(retry_after, LONGEST_ASKED_S)
    if state.paused_at > 0 and sent_at <= state.paused_at:
        return replace(state, paused_until=max(state.paused_until, now + (asked or 0)))
    if reason in UNREACHED:
        pause = min(OUTAGE_S * 2**state.outages, LONGEST_OUTAGE_S)
        outages = min(state.outages + 1, 8)
        return replace(state, paused_at=now, paused_until=now + pause, reason=reason, outages=outages)
    doubled = min(policy.first_pause * 2**state.refusals, policy.longest_pause)
    # A time that was waited for in vain is no longer taken at its word.
    pause = doubled if asked is None else max(asked, doubled if state.refusals else 0)
    # A refusal that follows on another is the same lock-out still.
    learned = state if state.refusals else _learned(state, policy, now)
    return replace(
        learned,
        emptied_at=state.emptied_at if state.refusals else now,
        paused_at=now,
        paused_until=now + pause,
        refused_at=now,
        reason=reason,
        refusals=min(state.refusals + 1, 32),
    )


def paused(state: PaceState, reason: Reason, now: float, seconds: float) -> PaceState:
    """Everyone pauses for so long and nothing is learned: rate and ceiling stay.

    A longer pause stays too, and answers to requests sent before this one are its echoes.
    """
    until = now + min(seconds, LONGEST_ASKED_S)
    if until <= state.paused_until:
        return replace(state, paused_at=now)
    return replace(state, paused_at=now, paused_until=until, reason=reason)


def drained(limit: float, base: float, peak: float, held: int, climb: float) -> float:
    """How many requests a climb took from a bucket refilled at `limit` (formula above).

    Args:
        limit, base, peak: in requests an hour.
        held: how many were sent at the peak.
        climb: in so many requests the rate grew by a factor of e.
    """
    if limit >= peak:
        return 0.0
    return climb * (_phi(limit / peak) - _phi(limit / max(base, limit))) + held * (1 - limit / peak)


def limit_between(first: Climb, second: Climb, rest: float) -> float:
    """The limit at which two climbs emptied the same bucket.

    Args:
        first: began with a full bucket.
        second: began `rest` seconds after the first was refused.
        rest: in which the bucket was refilled, wholly or not.
    """
    high = second[1]
    low = high / 4
    for _ in range(50):
        limit = (low + high) / 2
        burst = drained(limit, *first)
        lacking = burst - limit * rest / 3_600
        if limit > second[0]:
            # Below the limit a climb refills.
            lacking -= second[3] * _phi(limit / second[0])
        if burst > max(0.0, lacking) + drained(limit, *second):
            high = limit
        else:
            low = limit
    return low


def _learned(state: PaceState, policy: PacePolicy, now: float) -> PaceState:
    """What a refusal teaches of the limit."""
    if state.rate == inf:
        return replace(state, rate=(rate := max(1_800 / max(state.seconds, 0.01), policy.least)), base=rate)
    slow = (state.base, state.rate, state.held, SLOWER * policy.climb)
    limit = 0.0
    if state.phase is Phase.NARROWING:
        limit = limit_between((*state.first, policy.climb), slow, state.rest)
    if state.phase is Phase.SEARCHING or (state.phase is Phase.NARROWING and limit < FARTHEST * state.rate):
        lower = max(state.rate / 2, policy.least)
        return replace(
            state, phase=Phase.NARROWING, first=(state.base, state.rate, state.held), ceiling=state.rate,
            rate=lower, base=lower, held=0,
        )  # fmt: skip
    if state.phase is Phase.NARROWING:
        burst = max(1.0, drained(limit, *slow))
    else:
        # The bucket may be deeper than was thought: doubling what is thought ends a row of corrections soon.
        hours, burst = max(now - state.paused_until, 1.0) / 3_600, 2 * state.burst
        limit = max(state.rate - burst / hours, state.rate / 2)
    rate = max(BELOW * limit, policy.least)
    return replace(state, phase=Phase.SETTLED, rate=rate, ceiling=rate, burst=burst)


def _phi(u: float) -> float:
    return u - 1 - log(u)

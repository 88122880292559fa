"""How fast to ask: the rate as pure functions of what was granted and refused.

The remote is taken for a token bucket of unknown depth `burst`, refilled at an unknown `limit` an hour, that
locks out a client that empties it. The rate rises until then and is halved by a lock-out (additive increase,
multiplicative decrease; Chiu and Jain 1989). The increase is one part in `climb` of the rate with every
request, so that the law is the same at 300 an hour and at 5 a second. A rate above the limit drains the
bucket; a climb from `base` to `peak` takes

    drained(limit) = climb * (phi(limit / peak) - phi(limit / max(base, limit))),    phi(u) = u - 1 - ln(u)

requests from it, and `1 - limit / peak` more with every request at a peak that is held because it is the
highest rate allowed. When the lock-out comes, this is `burst`: one equation with two unknowns. After it the
rate climbs again, three times as slowly, and the second lock-out is the second equation, for the bucket is
the same. (While `burst` is less than 0.19 `climb`, half of the first peak lies below the limit.)
From then on the rate stays just below the limit found. If it is locked out all the same after `t` hours, it
was too high by `burst / t`. What was learned is forgotten after a week without a lock-out, so that a remote
that has become more generous is found out.

Other refusals come by chance, whatever the rate. A lock-out differs from them because it goes on: with
`granted` requests granted and `by_chance` refused by chance, as far back as is remembered, the next `n` are
all refused by chance with probability

    B(by_chance + a + n, granted + b) / B(by_chance + a, granted + b)

where B is the beta function and (a, b) the prior (the posterior predictive, as in `suspicion`). A row of
refusals counts by the time of sending, and a granted request ends it: those sent before that were chance, and
the rate climbs as if they had been granted, for a bucket counts requests. Below `DOUBTED` there is a short
pause, and then one request at a time. Below `CONFIRMED`, or at once where the remote says for how long, it is
a lock-out, which began with the row. `Retry-After` apart, what is learned so is taken back if the longest
such row turns out to be no rarer than `UNDONE`, by what was counted since.

A bucket that locks none out, or for less than such a row takes, refuses single requests as chance does, but
more of them at a higher rate. So when the share refused has risen by `TRIED_SHARE`, half the rate is tried
for `TRIAL` requests. Chance refuses the same share `s` of them, give or take

    sqrt(s (1 - s) (1 / remembered + 1 / TRIAL))

A share lower by `TRIAL_ERROR` of this is a limit's, and teaches what a lock-out does.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from math import exp, inf, lgamma, log

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

PRIOR = (1, 9)
"""What is assumed of chance before anything was seen, as if so many requests had been refused and granted:
three in five refused from the start must not look like a lock-out."""

PRIOR_OF_RATE = (1, 100)
"""The same of refusals whose words speak of the rate, which are rarely chance: four in a row are a lock-out
from the first request on. It is also the one for taking back."""

SPEAKS_OF_RATE = frozenset({Reason.TOO_MANY_REQUESTS, Reason.RATE_LIMITED})
"""Reasons whose words speak of the rate."""

DOUBTED = 0.01
"""A row of refusals less probable than this is met with a short pause and one request at a time: less than
this share of the requests is held up so, if all is chance."""

CONFIRMED = 1e-6
"""A row less probable than this is a lock-out: one false alarm in six weeks of 1,000 requests an hour."""

UNDONE = 1e-5
"""What a row has taught is taken back when it is more probable than this: ten times what made it believed."""

IDLE_S = 10.0
"""A longer time without a request tells of a pause or of a clock that was set, not of how fast it went."""

SHORT_TURNS, SHORT_S = 3, (1.0, 5.0)
"""A short pause, in requests' time and bounded in seconds: with `DOUBTED` it costs 3 % of the time. The bound
lets a row grow long enough to be recognised within a lock-out of a minute."""

TRIED_SHARE, TRIED_AFTER, TRIAL = 0.1, 20, 100
"""A trial of half the rate begins when refusals by chance make up so much more of the requests than was last
found to be chance, and so many are remembered; it has so many answers."""

TRIAL_ERROR = 2.33
"""Standard deviations by which chance must have refused less in a trial to be none: one in a hundred."""

MEMORY = 1_000
"""So many answers are remembered of what chance refuses: an hour to three, so no bad day deafens it."""

LONGEST_ROW, BY_ITS_WORD = 64, 10_000
"""So much of a row is kept; the latter is the length that stands for a refusal with a `Retry-After`."""

OUTAGE_S, LONGEST_OUTAGE_S = 10.0, 60.0
"""Pauses while our own network is away: asking costs nothing."""


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
        longest_pause: where the doubling ends: a lock-out lasts up to an hour (yt-dlp's wiki).
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
        ceiling: the rate is not raised above this.
        phase: how much is known of the limit.
        base: the rate at which the present climb began.
        held: requests since the present climb reached the highest rate allowed.
        first: base, peak and held of the climb that was refused first.
        burst: how many requests the bucket holds, once that is known.
        proof: how long the longest row of refusals was that taught anything; 0: nothing was taught.
        before: the rate before the first that taught.
        granted: how many requests were granted, as far back as is remembered.
        by_chance: how many of the same time were refused by chance.
        trying: whether half the rate is being tried.
        trial: requests granted and refused by chance in the trial.
        share: of the requests, which was last found to be refused by chance.
        granted_at: when the last request went out that was granted.
        row: when those went out that were refused since.
        emptied_at: when the last lock-out began.
        rest: seconds from then to the next granted request.
        next_at: when the next request may go out.
        pressed: whether the last request went out when its turn came; else the rate is not what was sent.
        seconds: the time between the last requests, on average; what a rate without bounds came to.
        locked: how many pauses of a lock-out there were since the last granted request; 0: there is none.
        refused_at: when the last lock-out was last met.
        reason: why everyone is or was paused; None once something was granted.
        outages: how often our network was away since then.
    """

    rate: float
    ceiling: float = inf
    phase: Phase = Phase.SEARCHING
    base: float = 0.0
    held: int = 0
    first: tuple[float, float, int] = (0.0, 0.0, 0)
    burst: float = 0.0
    proof: int = 0
    before: float = 0.0
    granted: float = 0.0
    by_chance: float = 0.0
    trying: bool = False
    trial: tuple[int, int] = (0, 0)
    share: float = 0.0
    granted_at: float = 0.0
    row: tuple[float, ...] = ()
    emptied_at: float = 0.0
    rest: float = 0.0
    next_at: float = 0.0
    pressed: bool = False
    seconds: float = 0.0
    paused_at: float = 0.0
    paused_until: float = 0.0
    locked: int = 0
    refused_at: float = 0.0
    reason: Reason | None = None
    outages: int = 0

    @property
    def refusals(self) -> int:
        """How many requests were refused since the last that was granted."""
        return len(self.row)


Climb = tuple[float, float, int, float]
"""Base, peak, requests held at the peak, and in how many requests the rate grew by a factor of e."""


def begun(policy: PacePolicy) -> PaceState:
    """Nothing known yet."""
    return PaceState(rate=policy.start, base=policy.start)


def wait_before(state: PaceState, now: float) -> float:
    """Seconds until the next request may go out."""
    return max(0.0, state.next_at - now, state.paused_until - now)


def after_request(state: PaceState, now: float) -> PaceState:
    """A request goes out now; in a row that is doubted they go out one by one."""
    gap = _gap(state)
    since = min(now - state.next_at + gap, max(gap, IDLE_S)) if state.next_at else gap
    # A worker that wakes up late by less than half a gap costs nothing: the next one goes out earlier. A
    # pause is not made up for: a bucket that holds a single request would be emptied.
    doubted = bool(state.row) and state.paused_at > state.row[0]
    held_up = doubted or state.paused_until > state.next_at
    turn = state.next_at if now - state.next_at < gap / 2 and not held_up else now
    return replace(
        state,
        next_at=turn + (max(gap, _short(state)) if doubted else gap),
        pressed=now <= state.next_at + gap,
        seconds=state.seconds + (since - state.seconds) / 20 if state.seconds else since,
    )


def after_grant(state: PaceState, policy: PacePolicy, sent_at: float) -> PaceState:
    """A request that went out at `sent_at` was answered; one from before the last pause says nothing.

    Of refusals that went out before it this shows that there was no lock-out then: they were chance.
    """
    if state.locked and sent_at > state.paused_at:
        state = replace(state, locked=0, row=(), rest=sent_at - state.emptied_at)
    chance = 0 if state.locked else sum(at < sent_at for at in state.row)
    state = replace(state, row=state.row[chance:], granted_at=max(state.granted_at, sent_at))
    state = _counted(state, 0, chance)
    if sent_at <= state.paused_at:
        return state
    state = replace(_counted(state, 1, 0), outages=0, reason=None)
    if state.phase is Phase.SETTLED and sent_at > state.refused_at + FORGET_S:
        state = _searching(state, state.rate)
    elif state.proof and chance_of(state.proof, state, PRIOR_OF_RATE) > UNDONE:
        state = _searching(state, max(state.before, state.rate))
    state = _tried(state, policy, sent_at)
    if not state.pressed or state.rate == inf or state.trying:
        return state
    climb = policy.climb * (SLOWER if state.phase is Phase.NARROWING else 1)
    top = min(policy.most, max(state.ceiling, policy.least))
    rate, requests = state.rate * (1 + 1 / climb) ** (1 + chance), 1 + chance
    return replace(state, rate=min(rate, top), held=state.held + requests * (state.rate >= top))


def after_refusal(
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
    if sent_at < state.granted_at and asked is None:
        return _counted(state, 0, 1)
    row = tuple(sorted((*state.row, sent_at)))
    state = replace(state, row=row[:1] + row[1:][1 - LONGEST_ROW :])
    prior = PRIOR_OF_RATE if reason in SPEAKS_OF_RATE else PRIOR
    odds = chance_of(state.refusals, state, prior)
    if state.locked or asked is not None or reason is Reason.IMPLAUSIBLE or odds < CONFIRMED:
        return _locked_out(state, policy, reason, now, asked)
    if odds < DOUBTED and (reason in SPEAKS_OF_RATE or state.refusals > 1):
        pause = min(_short(state), policy.first_pause)
        return replace(state, paused_at=now, paused_until=now + pause, reason=reason)
    return state


def chance_of(row: int, state: PaceState, prior: tuple[int, int]) -> float:
    """Probability that the next `row` requests are all refused by chance (formula above)."""
    refused, granted = state.by_chance + prior[0], state.granted + prior[1]
    return exp(
        lgamma(refused + row) - lgamma(refused + granted + row) - lgamma(refused) + lgamma(refused + granted)
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


def _locked_out(
    state: PaceState, policy: PacePolicy, reason: Reason, now: float, asked: float | None
) -> PaceState:
    """The remote refuses everything for a while: it began with the row, and lasts as long as it `asked`."""
    doubled = min(policy.first_pause * 2**state.locked, policy.longest_pause)
    # A time that was waited for in vain is no longer taken at its word.
    pause = doubled if asked is None else max(asked, doubled if state.locked else 0)
    if not state.locked:
        # A refusal that follows on another is the same lock-out still.
        before = state.before if state.proof else state.rate
        state = replace(_learned(state, policy, state.row[0]), before=before, emptied_at=state.row[0])
    return replace(
        state,
        proof=max(state.proof, state.refusals if asked is None else BY_ITS_WORD),
        paused_at=now,
        paused_until=now + pause,
        locked=min(state.locked + 1, 32),
        refused_at=now,
        reason=reason,
    )


def _counted(state: PaceState, granted: int, by_chance: int) -> PaceState:
    """So many more answers; of the old ones as much is forgotten as `MEMORY` has no room for."""
    if state.trying:
        return replace(state, trial=(state.trial[0] + granted, state.trial[1] + by_chance))
    kept = min(1.0, MEMORY / (state.granted + state.by_chance + granted + by_chance or 1))
    return replace(
        state, granted=(state.granted + granted) * kept, by_chance=(state.by_chance + by_chance) * kept
    )


def _tried(state: PaceState, policy: PacePolicy, now: float) -> PaceState:
    """Begin or end a trial, if it is time."""
    answers = state.granted + state.by_chance
    share = state.by_chance / max(answers, 1)
    if not state.trying:
        if state.by_chance < TRIED_AFTER or share < state.share + TRIED_SHARE:
            return replace(state, share=min(state.share, share))
        rate = state.rate if state.rate < inf else 3_600 / max(state.seconds, 0.01)
        return replace(state, trying=True, trial=(0, 0), rate=rate)
    granted, refused = state.trial
    if granted + refused < TRIAL:
        return state
    half = refused / (granted + refused)
    error = (share * (1 - share) * (1 / max(answers, 1) + 1 / (granted + refused))) ** 0.5
    tried = replace(state, trying=False)
    if half > share - TRIAL_ERROR * error:
        return replace(_counted(tried, granted, refused), share=min(share, half))
    before = state.before if state.proof else state.rate
    return replace(
        _learned(tried, policy, now), proof=BY_ITS_WORD, before=before, emptied_at=now, rest=0.0,
        refused_at=now, granted=granted, by_chance=refused, share=half,
    )  # fmt: skip


def _searching(state: PaceState, rate: float) -> PaceState:
    """Nothing is known of the limit any more."""
    return replace(
        state, phase=Phase.SEARCHING, rate=rate, base=rate, ceiling=inf, held=0, proof=0, before=0.0
    )


def _short(state: PaceState) -> float:
    """Seconds of a short pause."""
    return min(max(SHORT_TURNS * max(_gap(state), state.seconds), SHORT_S[0]), SHORT_S[1])


def _gap(state: PaceState) -> float:
    """Seconds from one request to the next."""
    return 3_600 / state.rate * (2 if state.trying else 1)


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
        hours, burst = max(now - state.emptied_at - state.rest, 1.0) / 3_600, 2 * state.burst
        limit = max(state.rate - burst / hours, state.rate / 2)
    rate = max(BELOW * limit, policy.least)
    return replace(state, phase=Phase.SETTLED, rate=rate, ceiling=rate, burst=burst)


def _phi(u: float) -> float:
    return u - 1 - log(u)

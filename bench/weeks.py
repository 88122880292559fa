"""A week of asking at a pace, against a modelled limit and on a clock of its own."""

import heapq
import random
from dataclasses import dataclass
from math import inf

from audioset_tools.simulator.plan import Limit
from audioset_tools.simulator.site import Bucket, draw
from audioset_tools.sources.rate import (
    PacePolicy,
    PaceState,
    after_grant,
    after_refusal,
    after_request,
    begun,
    wait_before,
)
from audioset_tools.types import Reason

HOUR = 3_600.0

_STEADY = 5_000
"""Requests at one rate with nothing learned, after which the rest of a week is taken to be the same."""


@dataclass(frozen=True)
class Week:
    """What came of it.

    Args:
        share: requests granted, of those that the limit (and the policy's most) and chance leave.
        lockouts: how often the bucket was emptied.
        refused: requests refused, of all.
        seconds: how long it took.
        state: what is known of the remote at the end.
    """

    share: float
    lockouts: int
    refused: float
    seconds: float
    state: PaceState


@dataclass(frozen=True)
class Remote:
    """How the modelled remote answers.

    Args:
        limit: what it grants, in requests an hour.
        burst: how many it grants at once.
        lockout: seconds that everything is refused for whoever asks too much.
        retry_after: whether a refusal for that says how long it holds.
        chance: the share of the requests that it refuses whatever the rate.
        reason: the words of all its refusals.
        latency: seconds that an answer takes at most.
    """

    limit: float = 1e9
    burst: int = 1_000_000
    lockout: float = HOUR
    retry_after: bool = False
    chance: float = 0.0
    reason: Reason = Reason.TOO_MANY_REQUESTS
    latency: float = 3.0


def week(
    policy: PacePolicy,
    remote: Remote,
    seed: int = 0,
    seconds: float = 168 * HOUR,
    clips: float = inf,
    skip: bool = True,
    credulous: bool = False,
) -> Week:
    """Ask with four workers for `seconds`, or until so many `clips` were granted.

    Args:
        policy: the pace.
        remote: who answers.
        seed: of the answers' latencies and of chance.
        seconds: how long at most.
        clips: how many are wanted.
        skip: whether to leave out the time after the rate has long been at what is known to be allowed, if
            that is below the limit: it is taken to go on like that.
        credulous: whether every refusal is taken for the limit's, as if it had said for how long it holds.
    """
    rng, state, now = random.Random(seed), begun(policy), 1e6
    rule = Limit(remote.limit / HOUR, remote.burst, lockout_s=remote.lockout)
    bucket, began = Bucket(remote.burst, now), now
    answers: list[tuple[float, float, bool, float | None]] = []
    asked = passed = lockouts = 0
    steady: tuple[object, float, int, int] = None, now, 0, 0

    def hear() -> None:
        nonlocal state, now
        at, sent_at, passes, until = heapq.heappop(answers)
        now = max(now, at)
        if passes:
            state = after_grant(state, policy, sent_at)
        else:
            after = max(0.0, until - now) + 1 if until else policy.first_pause if credulous else None
            state = after_refusal(state, policy, remote.reason, now, sent_at, after)

    while passed < clips:
        while len(answers) >= 4:
            hear()
        while delay := wait_before(state, now):
            if answers and answers[0][0] <= now + delay:
                hear()
            else:
                now += delay
        if now >= began + seconds:
            break
        state = after_request(state, now)
        locked = bucket.locked_until
        bucket, passes = draw(bucket, rule, now)
        lockouts += bucket.locked_until > max(locked, now)
        until = bucket.locked_until if remote.retry_after and not passes else None
        passes = passes and rng.random() >= remote.chance
        asked, passed = asked + 1, passed + passes
        heapq.heappush(answers, (now + rng.uniform(0.03, 1) * remote.latency, now, passes, until))
        known = (state.rate, state.phase, state.trying, state.locked, lockouts)
        if known != steady[0] or state.rate > remote.limit:
            steady = known, now, asked, passed
        elif skip and asked - steady[2] >= _STEADY:
            times = min((began + seconds - now) / (now - steady[1]), (clips - passed) / (passed - steady[3]))
            asked += int(times * (asked - steady[2]))
            passed += int(times * (passed - steady[3]))
            now += times * (now - steady[1])
            break
    left = min(remote.limit, policy.most) * (1 - remote.chance) * (now - began) / HOUR
    return Week(passed / left, lockouts, 1 - passed / asked if left < inf else 0.0, now - began, state)

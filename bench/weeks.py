"""A week of asking at a pace, against a modelled limit and on a clock of its own."""

import heapq
import random
from dataclasses import dataclass
from math import inf

from audioset_tools.fetch.rate import PacePolicy, Phase, begun, granted, refused, spent, wait_before
from audioset_tools.simulator.gate import Bucket, draw
from audioset_tools.simulator.plan import Limit
from audioset_tools.types import Reason

HOUR = 3_600.0

_HELD = 2_000
"""Requests at the policy's most, all granted, after which the rest of a week is the same."""


@dataclass(frozen=True)
class Week:
    """What came of it.

    Args:
        share: requests granted, of those that the limit (and the policy's most) allows.
        lockouts: how often the bucket was emptied.
        refused: requests refused, of all.
    """

    share: float
    lockouts: int
    refused: float


def week(
    policy: PacePolicy,
    limit: float,
    burst: int,
    lockout: float,
    retry_after: bool,
    seed: int = 0,
    seconds: float = 168 * HOUR,
    skip: bool = True,
    latency: float = 3.0,
) -> Week:
    """Ask with four workers for `seconds`.

    Args:
        policy: the pace.
        limit: what the remote grants, in requests an hour.
        burst: how many it grants at once.
        lockout: seconds that everything is refused for whoever asks too much.
        retry_after: whether a refusal says how long.
        seed: of the answers' latencies.
        seconds: how long.
        skip: whether to leave out the time after the rate has settled below the limit, or been for long at
            the most that the policy allows, where that is less than the limit.
        latency: seconds that an answer takes at most.
    """
    rng, state, now = random.Random(seed), begun(policy), 1e6
    rule = Limit(limit / HOUR, burst, lockout_s=lockout)
    bucket, end = Bucket(burst, now), now + seconds
    answers: list[tuple[float, float, float | None]] = []
    asked = passed = lockouts = 0

    def hear() -> None:
        nonlocal state, now
        at, sent_at, until = heapq.heappop(answers)
        now = max(now, at)
        if until is None:
            state = granted(state, policy, sent_at)
        else:
            after = max(0.0, until - now) + 1 if retry_after else None
            state = refused(state, policy, Reason.TOO_MANY_REQUESTS, now, sent_at, after)

    while True:
        while len(answers) >= 4:
            hear()
        while delay := wait_before(state, now):
            if answers and answers[0][0] <= now + delay:
                hear()
            else:
                now += delay
        if now >= end:
            break
        state = spent(state, now)
        locked = bucket.locked_until
        bucket, passes = draw(bucket, rule, now)
        asked, passed, lockouts = (
            asked + 1,
            passed + passes,
            lockouts + (bucket.locked_until > max(locked, now)),
        )
        heapq.heappush(
            answers, (now + rng.uniform(0.03, 1) * latency, now, None if passes else bucket.locked_until)
        )
        settled = state.phase is Phase.SETTLED and not state.refusals and now > state.paused_until + 60
        at_most = policy.most < limit and state.held > _HELD
        if skip and (at_most or (settled and state.rate < limit)):
            rest = int((end - now) * state.rate / HOUR)
            asked, passed = asked + rest, passed + rest
            break
    allowed = min(limit, policy.most) * seconds / HOUR
    return Week(passed / allowed, lockouts, 1 - passed / asked if allowed < inf else 0.0)

"""How fast to ask: one budget of requests for the whole process, spent before a request goes out.

The rate climbs slowly while nothing is refused and is halved by a refusal (additive increase, multiplicative
decrease, as TCP does; Chiu and Jain 1989). A refusal pauses everyone, for as long as the server says, or for
a growing time where it does not say. What was learned is a value that can be stored, so that a restart does
not walk into the block.

The decisions are pure functions of a `PaceState` and the time; `Pace` adds the lock and the waiting.
"""

import json
import re
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from math import inf

from ..errors import UsageError
from ..types import UNREACHED, Reason


@dataclass(frozen=True, slots=True)
class PacePolicy:
    """The bounds of a pace, in requests an hour and in seconds.

    Args:
        start: the rate to begin with.
        most: the rate never exceeded.
        least: the rate that no refusal goes below.
        first_pause: the pause after a refusal that names no time; doubled by each further one.
        longest_pause: where the doubling ends: a lock-out lasts up to an hour (yt-dlp wiki, FACTS section 2).
    """

    start: float
    most: float
    least: float = 60
    first_pause: float = 60
    longest_pause: float = 3_600

    @property
    def increase(self) -> float:
        """What a granted request adds to the rate: so slow that the guest's climb to its most takes hours."""
        return self.start / 1_200


@dataclass(frozen=True, slots=True)
class PaceState:
    """What is known of the remote's patience; times are seconds since the epoch.

    `refusals` counts those since the last granted request; `ceiling` lies a little below the rate at which
    the last refusal came.
    """

    rate: float
    ceiling: float = inf
    next_at: float = 0
    paused_at: float = 0
    paused_until: float = 0
    reason: Reason | None = None
    refusals: int = 0


class Stopped(Exception):
    """Waiting was interrupted because the run is being stopped."""


def parse_pace(text: str) -> PacePolicy:
    """`guest`, `account`, `unlimited`, or a fixed rate such as `600/h`.

    Raises:
        UsageError: it is none of these.
    """
    named = {
        "guest": PacePolicy(start=300, most=1_000),
        "account": PacePolicy(start=1_000, most=4_000),
        "unlimited": PacePolicy(start=inf, most=inf, first_pause=5),
    }
    if text in named:
        return named[text]
    match = re.fullmatch(r"([1-9]\d{0,6})/h", text)
    if not match:
        raise UsageError(
            f"there is no pace {text!r}", "Use guest, account, unlimited, or requests an hour: 600/h."
        )
    rate = float(match[1])
    return PacePolicy(start=rate, most=rate, least=min(60, rate))


def wait_before(state: PaceState, now: float) -> float:
    """Seconds until the next request may go out."""
    return max(0.0, state.next_at - now, state.paused_until - now)


def spent(state: PaceState, now: float) -> PaceState:
    """A request goes out now."""
    return replace(state, next_at=max(now, state.next_at) + 3_600 / state.rate)


def granted(state: PaceState, policy: PacePolicy, sent_at: float) -> PaceState:
    """A request that went out at `sent_at` was answered; one from before the last refusal says nothing."""
    if sent_at <= state.paused_at:
        return state
    rate = min(state.rate + policy.increase, policy.most, max(state.ceiling, policy.least))
    return replace(state, rate=rate, refusals=0, reason=None)


def refused(
    state: PaceState,
    policy: PacePolicy,
    reason: Reason,
    now: float,
    sent_at: float,
    retry_after: float | None,
) -> PaceState:
    """A request that went out at `sent_at` was refused, or the network is down.

    Answers to requests sent before the present pause began are its echoes and do not deepen it.
    """
    if state.paused_until > 0 and sent_at <= state.paused_at:
        return replace(state, paused_until=max(state.paused_until, now + (retry_after or 0)))
    doubled = min(policy.first_pause * 2**state.refusals, policy.longest_pause)
    pause = doubled if retry_after is None else retry_after
    paused = replace(
        state, paused_at=now, paused_until=now + pause, reason=reason, refusals=min(state.refusals + 1, 32)
    )
    if reason in UNREACHED:
        return paused
    return replace(paused, rate=max(state.rate / 2, policy.least), ceiling=state.rate * 0.95)


class Pace:
    """The process's budget, shared by all workers.

    Args:
        policy: its bounds.
        stored: what an earlier process learned (`to_json`), or None.
        clock: seconds since the epoch.
        wait: sleeps so many seconds, or returns True at once when the run is being stopped.
    """

    def __init__(
        self,
        policy: PacePolicy,
        stored: str | None = None,
        clock: Callable[[], float] = time.time,
        wait: Callable[[float], bool] = threading.Event().wait,
    ) -> None:
        self.policy = policy
        self._clock = clock
        self._wait = wait
        self._lock = threading.Lock()
        self._state = _restored(stored, policy)
        self.requests = 0

    @property
    def state(self) -> PaceState:
        return self._state

    def spend(self) -> float:
        """Wait for a request's turn and spend it; returns when it went out.

        Raises:
            Stopped: the run is being stopped.
        """
        while True:
            with self._lock:
                now = self._clock()
                delay = wait_before(self._state, now)
                if not delay:
                    self._state = spent(self._state, now)
                    self.requests += 1
                    return now
            self.sleep(delay)

    def wait_out(self) -> float:
        """Wait while everyone is paused, for a request that costs no budget (media); returns the time then.

        Raises:
            Stopped: the run is being stopped.
        """
        while (delay := self._state.paused_until - self._clock()) > 0:
            self.sleep(delay)
        return self._clock()

    def granted(self, sent_at: float) -> None:
        """Tell that a request that went out at `sent_at` was answered."""
        with self._lock:
            self._state = granted(self._state, self.policy, sent_at)

    def refused(self, reason: Reason, sent_at: float, retry_after: float | None) -> None:
        """Tell that a request was refused; everyone pauses."""
        with self._lock:
            self._state = refused(self._state, self.policy, reason, self._clock(), sent_at, retry_after)

    def to_json(self) -> str:
        """What was learned, to be stored."""
        return json.dumps(asdict(self._state))

    def sleep(self, seconds: float) -> None:
        """Wait so many seconds.

        Raises:
            Stopped: the run is being stopped.
        """
        if self._wait(seconds):
            raise Stopped


def _restored(stored: str | None, policy: PacePolicy) -> PaceState:
    if stored is None:
        return PaceState(rate=policy.start)
    table = json.loads(stored)
    state = PaceState(**{**table, "reason": Reason(table["reason"]) if table["reason"] else None})
    # Another --pace than last time: its own bounds hold, but a pause and a known limit stay.
    rate = policy.start if policy.start == policy.most else min(max(state.rate, policy.least), policy.most)
    return replace(state, rate=rate)

"""One budget of requests for the whole process, spent before a request goes out and shared by all workers.

How fast it may be spent is decided in `rate`; here are the waiting, the lock, and the text in which what was
learned survives a restart, so that it does not walk into the block.
"""

import json
import re
import threading
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from math import inf, isnan

from ..clock import steady
from ..exceptions import UsageError
from ..files import parse_json
from ..types import Reason
from .rate import (
    BY_ITS_WORD,
    LONGEST_ASKED_S,
    LONGEST_ROW,
    MEMORY,
    TRIAL,
    PacePolicy,
    PaceState,
    Phase,
    after_grant,
    after_refusal,
    after_request,
    begun,
    paused,
    wait_before,
)

_NAP_S = 30.0
"""Nothing shortens a pause, but the clock is looked at this often, lest it should be wrong."""


class Stopped(Exception):
    """Waiting was interrupted because the run is being stopped."""


def parse_pace(text: str) -> PacePolicy:
    """`guest`, `account`, `unlimited`, or a fixed rate such as `600/h`.

    Raises:
        UsageError: it is none of these.
    """
    named = {
        "guest": PacePolicy(start=300, most=1_000),
        "account": PacePolicy(start=1_000, most=4_000, climb=3_000),
        "unlimited": PacePolicy(start=inf, most=inf, first_pause=5, climb=100),
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


class Pace:
    """The process's budget.

    Args:
        stored: what an earlier process learned (`to_json`), or None.
        clock: seconds since the epoch, never going back.
        wait: sleeps so many seconds, or returns True at once when the run is being stopped.
    """

    def __init__(
        self,
        policy: PacePolicy,
        stored: str | None = None,
        clock: Callable[[], float] = steady,
        wait: Callable[[float], bool] = threading.Event().wait,
    ) -> None:
        self.policy = policy
        self._clock = clock
        self._wait = wait
        self._lock = threading.Lock()
        self._state = restored(stored, policy, clock())
        self.requests = 0
        self.media_bytes = 0

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
                    self._state = after_request(self._state, now)
                    self.requests += 1
                    return now
            self.sleep(min(delay, _NAP_S))

    def charge(self, requests: int) -> None:
        """Tell that so many more went out than were spent, as hops of a redirect: the next ones wait."""
        with self._lock:
            for _ in range(min(requests, 20)):
                self._state = after_request(self._state, self._clock())
                self.requests += 1

    def wait_out(self) -> float:
        """Wait while everyone is paused, for a request that costs no budget (media); returns the time then.

        Raises:
            Stopped: the run is being stopped.
        """
        while (delay := self._state.paused_until - self._clock()) > 0:
            self.sleep(min(delay, _NAP_S))
        return self._clock()

    def on_grant(self, sent_at: float) -> None:
        """Tell that a request that went out at `sent_at` was answered."""
        with self._lock:
            self._state = after_grant(self._state, self.policy, sent_at)

    def on_refusal(self, reason: Reason, sent_at: float, retry_after: float | None) -> None:
        """Tell that a request was refused; everyone pauses unless it is likely to be chance."""
        with self._lock:
            self._state = after_refusal(self._state, self.policy, reason, self._clock(), sent_at, retry_after)

    def pause(self, reason: Reason, seconds: float) -> None:
        """Everyone pauses for so long, and nothing is learned of the remote's limit.

        For what says nothing about the rate, such as a row of failures too long to be chance. Pauses that
        grow from one to the next are the caller's affair.
        """
        with self._lock:
            self._state = paused(self._state, reason, self._clock(), seconds)

    def received(self, media_bytes: int) -> None:
        """Tell that so much media came; it costs no budget and is only counted."""
        with self._lock:
            self.media_bytes += media_bytes

    def to_json(self) -> str:
        """What was learned, to be stored."""
        return json.dumps({"start": self.policy.start, "most": self.policy.most, **asdict(self._state)})

    def sleep(self, seconds: float) -> None:
        """Wait so many seconds.

        Raises:
            Stopped: the run is being stopped.
        """
        if self._wait(seconds):
            raise Stopped


def remembered(stored: str | None) -> PaceState | None:
    """What an earlier process knew, for people to read; None where nothing sensible was stored."""
    try:
        table = parse_json(stored or "null")
        kept = {field.name: table[field.name] for field in fields(PaceState)}
        reason, phase = kept.pop("reason"), Phase(kept.pop("phase"))
        base, peak, held = kept.pop("first")
        row, trial = tuple(kept.pop("row")), tuple(kept.pop("trial"))
        numbers = {name: value for name, value in kept.items() if name not in ("pressed", "trying")}
        values = (*numbers.values(), *row, *trial, base, peak, held)
        if any(isnan(float(value)) or value < 0 for value in values) or len(trial) != 2:
            return None
        known = Reason(reason) if reason else None
        state = PaceState(**kept, reason=known, phase=phase, first=(base, peak, held), row=row, trial=trial)
        flags = isinstance(state.pressed, bool) and isinstance(state.trying, bool)
        return state if state.rate > 0 and flags else None
    except (ValueError, TypeError, KeyError, OverflowError):
        return None


def restored(stored: str | None, policy: PacePolicy, now: float) -> PaceState:
    """What an earlier process learned, as far as it holds for this one.

    Another policy than last time begins again, but a pause stays. A clock that was set back since must not
    make a pause longer than it was meant; that a clock set forward ends it early cannot be known. Whatever
    the text says, the policy's bounds hold, no pause is longer than any refusal could make it, and no more
    is remembered than could have been seen.
    """
    state = remembered(stored)
    if state is None:
        return begun(policy)
    table = parse_json(stored or "")
    if (table.get("start"), table.get("most")) != (policy.start, policy.most):
        state = replace(
            begun(policy), paused_at=state.paused_at, paused_until=state.paused_until, reason=state.reason,
            refused_at=state.refused_at, locked=state.locked, row=state.row, outages=state.outages,
            granted=state.granted, by_chance=state.by_chance, share=state.share, granted_at=state.granted_at,
        )  # fmt: skip
    behind = max(0.0, state.paused_at - now)
    paused_at = state.paused_at - behind
    return replace(
        state,
        rate=(rate := min(max(state.rate, policy.least), policy.most)),
        paused_at=paused_at,
        paused_until=min(state.paused_until - behind, paused_at + LONGEST_ASKED_S),
        refused_at=min(state.refused_at, now),
        granted=min(state.granted, MEMORY),
        by_chance=min(state.by_chance, MEMORY),
        share=min(state.share, 1.0),
        trial=(min(state.trial[0], TRIAL), min(state.trial[1], TRIAL)),
        granted_at=min(state.granted_at, now),
        row=tuple(min(at, now) for at in state.row[:LONGEST_ROW]),
        proof=min(state.proof, BY_ITS_WORD),
        before=min(state.before, policy.most),
        locked=min(state.locked, 32),
        outages=min(state.outages, 8),
        next_at=min(state.next_at, now + 3_600 / rate),
    )

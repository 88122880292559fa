"""Who is let through: the plan's token bucket and its scripted refusals, on a clock that is an argument."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

from .faults import SILENT
from .plan import Limit, Plan, Refusal, fate


@dataclass(frozen=True, slots=True)
class Bucket:
    """The state of a token bucket. Times are seconds of whatever clock the caller keeps."""

    tokens: float
    filled_at: float
    locked_until: float = float("-inf")


def draw(bucket: Bucket, limit: Limit, now: float) -> tuple[Bucket, bool]:
    """One request at `now`: the bucket afterwards, and whether the request is let through."""
    earned = (now - bucket.filled_at) * limit.per_second
    tokens = min(float(limit.burst), bucket.tokens + earned)
    if now < bucket.locked_until:
        return Bucket(tokens, now, bucket.locked_until), False
    if tokens < 1:
        return Bucket(tokens, now, now + limit.lockout_s), False
    return Bucket(tokens - 1, now), True


@dataclass(frozen=True, slots=True)
class No:
    """A refusal: one of `faults.ANSWERS` (no page for media), and the seconds to announce with a 429."""

    answer: str
    retry_after: float | None


class Gate:
    """Counts the requests and says which are refused.

    Args:
        plan: its `limit`, `refusals` and `chance` count.
        clock: seconds, never going back.
    """

    def __init__(self, plan: Plan, clock: Callable[[], float] = time.monotonic) -> None:
        self._plan = plan
        self._clock = clock
        self._lock = Lock()
        self._asked = {"player": 0, "media": 0}
        self._drawn = 0
        self._began: dict[Refusal, float] = {}
        burst = plan.limit.burst if plan.limit else 0
        self._bucket = Bucket(tokens=burst, filled_at=clock())

    def ask(self, kind: str) -> No | None:
        """One request of a kind, "player" (pages too) or "media": None when it may pass.

        A request that a script refuses takes nothing from the bucket.
        """
        with self._lock:
            now = self._clock()
            self._asked[kind] += 1
            for refusal in self._plan.refusals:
                if refusal.kind != kind or self._asked[kind] < refusal.at:
                    continue
                if now < self._began.setdefault(refusal, now) + refusal.seconds:
                    return _no(kind, refusal)
            limit = self._plan.limit
            if limit is None or (kind == "media" and not limit.media):
                return None
            self._bucket, passes = draw(self._bucket, limit, now)
            return None if passes else _no(kind, limit)

    def tempt(self, client: str) -> No | None:
        """One player request of a client: None when chance lets it pass.

        Which requests it strikes follows from the seed and their number, not from the clock or the video.
        """
        plan = self._plan
        if not plan.chance or (plan.chance_clients and client not in plan.chance_clients):
            return None
        with self._lock:
            self._drawn += 1
            struck = fate(plan.seed, str(self._drawn), "chance") < plan.chance
        return No(plan.chance_answer, None) if struck else None


def _no(kind: str, why: Refusal | Limit) -> No:
    answer = why.answer if kind == "player" or why.answer in SILENT else "429"
    return No(answer, why.retry_after)

"""Which candidate is next: N slots a class, each held by one until that is accepted or finally dead.

A slot goes to the next candidate only when its holder is finally out. The accepted set is therefore the
first N living candidates by rank, whatever the timing, the number of workers or the interruptions.
"""

import heapq
from dataclasses import dataclass, field
from typing import Protocol

from ..types import Candidate


class Candidates(Protocol):
    """Where the candidates of a class come from, best first."""

    def next_queued(self, class_name: str, after_rank: int) -> Candidate | None:
        """The best candidate behind `after_rank` that was never settled, or None."""


@dataclass(frozen=True, slots=True, order=True)
class _Retry:
    at: float
    rank: int
    candidate: Candidate = field(compare=False)
    attempts: int = field(compare=False)


class ClassQueue:
    """The slots of one class.

    Args:
        wanted: how many slots there are.
        accepted: how many of them already hold a clip.
        waiting: candidates that hold a slot after a passing failure: with attempts, and when to try again.
        queue: where further candidates come from.
    """

    def __init__(
        self,
        class_name: str,
        wanted: int,
        accepted: int,
        waiting: list[tuple[Candidate, int, float]],
        queue: Candidates,
    ) -> None:
        self.class_name = class_name
        self.wanted = wanted
        self.accepted = accepted
        self.in_flight = 0
        self.exhausted = False
        self._queue = queue
        self._last_rank = -1
        # Fewer slots than last time: the best-ranked holders keep theirs.
        holders = waiting[: max(0, wanted - accepted)]
        self._retries = [
            _Retry(at, candidate.rank, candidate, attempts) for candidate, attempts, at in holders
        ]
        heapq.heapify(self._retries)

    @property
    def waiting(self) -> int:
        """Candidates that hold a slot and wait for their next try."""
        return len(self._retries)

    @property
    def filled(self) -> float:
        """The share of slots that are held or taken."""
        return (self.accepted + self.in_flight) / max(1, self.wanted)

    @property
    def next_retry(self) -> float | None:
        """When the first waiting candidate may be tried again."""
        return self._retries[0].at if self._retries else None

    @property
    def asks(self) -> bool:
        """Whether anybody is to be tried, now or later."""
        if self._retries:
            return True
        full = self.exhausted or self.accepted + self.in_flight >= self.wanted
        return not full and self._queue.next_queued(self.class_name, self._last_rank) is not None

    def take(self, now: float) -> tuple[Candidate, int] | None:
        """The candidate to try now and its failed attempts so far, or None if no turn has come."""
        if self._retries and self._retries[0].at <= now:
            retry = heapq.heappop(self._retries)
            self.in_flight += 1
            return retry.candidate, retry.attempts
        if self.exhausted or self.accepted + self.in_flight + len(self._retries) >= self.wanted:
            return None
        candidate = self._queue.next_queued(self.class_name, self._last_rank)
        if candidate is None:
            self.exhausted = True
            return None
        self._last_rank = candidate.rank
        self.in_flight += 1
        return candidate, 0

    def accept(self) -> None:
        """The one in flight has its clip."""
        self.in_flight -= 1
        self.accepted += 1

    def drop(self) -> None:
        """The one in flight is finally out."""
        self.in_flight -= 1

    def requeue(self, candidate: Candidate, attempts: int, at: float) -> None:
        """The one in flight keeps its slot and is tried again at `at`."""
        self.in_flight -= 1
        heapq.heappush(self._retries, _Retry(at, candidate.rank, candidate, attempts))

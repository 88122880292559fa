"""Who is tried next: N places a class, each held by one candidate until that is accepted or finally dead.

A place goes to the next candidate only when its holder is finally out. The accepted set is therefore the
first N living candidates by rank, whatever the timing, the number of workers or the interruptions.
"""

import heapq
from dataclasses import dataclass, field
from typing import Protocol

from ..types import Candidate


class Queue(Protocol):
    """Where the candidates of a class come from, best first."""

    def next_queued(self, class_name: str, after_rank: int) -> Candidate | None:
        """The best candidate behind `after_rank` that was never settled, or None."""


@dataclass(frozen=True, slots=True, order=True)
class _Turn:
    at: float
    rank: int
    candidate: Candidate = field(compare=False)
    attempts: int = field(compare=False)


class Places:
    """The places of one class.

    Args:
        class_name: the class.
        wanted: how many places there are.
        accepted: how many of them already hold a clip.
        waiting: candidates that hold a place after a passing failure: with attempts, and when to try again.
        queue: where further candidates come from.
    """

    def __init__(
        self,
        class_name: str,
        wanted: int,
        accepted: int,
        waiting: list[tuple[Candidate, int, float]],
        queue: Queue,
    ) -> None:
        self.class_name = class_name
        self.wanted = wanted
        self.accepted = accepted
        self.in_flight = 0
        self.spent = False
        self._queue = queue
        self._last_rank = -1
        # Fewer places than last time: the best-ranked holders keep theirs.
        holders = waiting[: max(0, wanted - accepted)]
        self._turns = [_Turn(at, candidate.rank, candidate, attempts) for candidate, attempts, at in holders]
        heapq.heapify(self._turns)

    @property
    def waiting(self) -> int:
        """Candidates that hold a place and wait for their next try."""
        return len(self._turns)

    @property
    def filled(self) -> float:
        """The share of places that are held or taken."""
        return (self.accepted + self.in_flight) / self.wanted

    @property
    def next_turn(self) -> float | None:
        """When the first waiting candidate may be tried again."""
        return self._turns[0].at if self._turns else None

    @property
    def asks(self) -> bool:
        """Whether anybody is to be tried, now or later."""
        if self._turns:
            return True
        full = self.spent or self.accepted + self.in_flight >= self.wanted
        return not full and self._queue.next_queued(self.class_name, self._last_rank) is not None

    def take(self, now: float) -> tuple[Candidate, int] | None:
        """The candidate to try now and its failed attempts so far, or None if nobody's turn has come."""
        if self._turns and self._turns[0].at <= now:
            turn = heapq.heappop(self._turns)
            self.in_flight += 1
            return turn.candidate, turn.attempts
        if self.spent or self.accepted + self.in_flight + len(self._turns) >= self.wanted:
            return None
        candidate = self._queue.next_queued(self.class_name, self._last_rank)
        if candidate is None:
            self.spent = True
            return None
        self._last_rank = candidate.rank
        self.in_flight += 1
        return candidate, 0

    def accept(self) -> None:
        """The one in flight has its clip."""
        self.in_flight -= 1
        self.accepted += 1

    def vacate(self) -> None:
        """The one in flight is finally out."""
        self.in_flight -= 1

    def hold(self, candidate: Candidate, attempts: int, at: float) -> None:
        """The one in flight keeps its place and is tried again at `at`."""
        self.in_flight -= 1
        heapq.heappush(self._turns, _Turn(at, candidate.rank, candidate, attempts))

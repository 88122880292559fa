"""Questions that people ask of a ledger: what happened on which day, what failed and why.

Each is answered from counts or an index that the ledger keeps, never by reading through all that is in it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from .ledger import Ledger, State
from .types import Candidate, Reason

_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class DayCount:
    """How often an outcome was recorded on a day of UTC.

    `class_name` is None where the outcome concerns the run, `reason` where there is none.
    """

    day: date
    class_name: str | None
    outcome: str
    reason: Reason | None
    n: int


@dataclass(frozen=True, slots=True)
class FailedCandidate:
    """A candidate that is dead or waits for another try; times are seconds since the epoch."""

    candidate: Candidate
    state: State
    reason: Reason
    detail: str
    attempts: int
    tried_at: float
    retry_at: float | None


def days(ledger: Ledger) -> list[DayCount]:
    """What was recorded, by day, class, outcome and reason."""
    found = ledger.rows("SELECT day, class, outcome, reason, n FROM day ORDER BY day, class, outcome, reason")
    return [
        DayCount(
            _EPOCH + timedelta(days=day),
            None if number < 0 else ledger.class_names[number],
            outcome,
            Reason(reason) if reason else None,
            n,
        )
        for day, number, outcome, reason, n in found
    ]


def failures(ledger: Ledger) -> Iterator[FailedCandidate]:
    """Every candidate that is dead or waits for another try, the last tried first, one at a time."""
    found = ledger.rows(
        "SELECT ytid, start_ms, end_ms, class, tier, rank, subset, state, reason, detail, attempts, tried_at,"
        " retry_at FROM candidate INDEXED BY failed WHERE state IN ('dead', 'waiting') ORDER BY tried_at DESC"
    )
    for ytid, start_ms, end_ms, number, tier, rank, subset, state, reason, *rest in found:
        candidate = Candidate(ytid, start_ms, end_ms, ledger.class_names[number], tier, rank, subset)
        yield FailedCandidate(candidate, State(state), Reason(reason), *rest)


def last_event_at(ledger: Ledger) -> float | None:
    """When something was last recorded, in seconds since the epoch, or None if nothing was."""
    return next((at for (at,) in ledger.rows("SELECT at FROM event ORDER BY id DESC LIMIT 1")), None)

"""What happened, from the ledger's events: on which day, what failed and why, what failed in a row.

Each question is answered from counts or an index that the ledger keeps, or from the last events, never by
reading through all that is in it.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import islice

from .ledger import CANDIDATE, Ledger, State
from .schema import reading
from .types import Candidate, Clip, Reason

_EPOCH = date(1970, 1, 1)

_ROW_ENDS = "('accepted', 'believed', 'taken back')"

_ROW = f"""
WITH since AS (
    SELECT * FROM event
    WHERE id > coalesce((SELECT id FROM event WHERE outcome IN {_ROW_ENDS} ORDER BY id DESC LIMIT 1), 0)
), settled AS (
    SELECT class, rank, max(id) AS last FROM since
    WHERE outcome IN ('queued again', 'forgotten', 'excluded') GROUP BY 1, 2
)
SELECT {CANDIDATE}, since.reason
FROM since JOIN candidate USING (class, rank) LEFT JOIN settled USING (class, rank)
WHERE outcome IN ('dead', 'waiting') AND id > coalesce(last, 0) ORDER BY id
"""


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


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one candidate stands: its state, why if there is a reason, and its clip if it has one."""

    candidate: Candidate
    state: State
    reason: Reason | None
    detail: str
    clip: Clip | None


def standing(ledger: Ledger, key: str) -> Standing | None:
    """What is known about a clip's key, or None if it is no candidate; reads the whole table once."""
    found = ledger.rows(
        f"SELECT {CANDIDATE}, state, reason, detail, path, sha256, seconds, peak, source"
        " FROM candidate LEFT JOIN clip USING (class, rank)"
        " WHERE ytid = ? AND start_ms = ? ORDER BY state = 'accepted' DESC LIMIT 1",
        *(key[:11], int(key[12:])),
    )
    with reading(ledger.path):
        row = next(found, None)
        if row is None:
            return None
        one, (state, reason, detail, path, *held) = ledger.candidate(row[:8]), row[8:]
        clip = None
        if path is not None:
            clip = replace(Clip(one.key, one.class_name, one.rank, path, *held), also=one.also)
        return Standing(one, State(state), Reason(reason) if reason else None, detail, clip)


def days(ledger: Ledger) -> list[DayCount]:
    """What was recorded, by day, class, outcome and reason."""
    found = ledger.rows("SELECT day, class, outcome, reason, n FROM day ORDER BY day, class, outcome, reason")
    with reading(ledger.path):
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


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was recorded, `at` seconds since the epoch; `class_name` is None for the run's own."""

    at: float
    class_name: str | None
    outcome: str
    reason: Reason | None
    detail: str


def events(ledger: Ledger) -> Iterator[Event]:
    """All that was recorded, in that order: some for every candidate tried."""
    found = ledger.rows("SELECT at, class, outcome, reason, detail FROM event ORDER BY id")
    with reading(ledger.path):
        for at, number, outcome, reason, detail in found:
            class_name = None if number is None else ledger.class_names[number]
            yield Event(float(at), class_name, outcome, Reason(reason) if reason else None, detail)


def tried_tiers(ledger: Ledger) -> dict[tuple[str, int, State], int]:
    """How many candidates of a class and a tier have a clip, are dead, or wait for another try."""
    found = ledger.rows(
        "SELECT class, tier, 'accepted', count(*) FROM clip JOIN candidate USING (class, rank) GROUP BY 1, 2"
        " UNION ALL SELECT class, tier, state, count(*) FROM candidate INDEXED BY failed"
        " WHERE state IN ('dead', 'waiting') GROUP BY 1, 2, 3"
    )
    with reading(ledger.path):
        return {(ledger.class_names[number], int(tier), State(state)): n for number, tier, state, n in found}


def failures(ledger: Ledger) -> Iterator[FailedCandidate]:
    """Every candidate that is dead or waits for another try, the last tried first, one at a time."""
    found = ledger.rows(
        f"SELECT {CANDIDATE}, state, reason, detail, attempts, tried_at, retry_at"
        " FROM candidate INDEXED BY failed WHERE state IN ('dead', 'waiting') ORDER BY tried_at DESC"
    )
    with reading(ledger.path):
        for row in found:
            state, reason, *rest = row[8:]
            yield FailedCandidate(ledger.candidate(row[:8]), State(state), Reason(reason), *rest)


def last_event_at(ledger: Ledger) -> float | None:
    """When something was last recorded, in seconds since the epoch, or None if nothing was."""
    return next((at for (at,) in ledger.rows("SELECT at FROM event ORDER BY id DESC LIMIT 1")), None)


def last_accepted_at(ledger: Ledger) -> float | None:
    """When a clip was last recorded, in seconds since the epoch, or None if none was."""
    found = ledger.rows("SELECT at FROM event WHERE outcome = 'accepted' ORDER BY id DESC LIMIT 1")
    return next((float(at) for (at,) in found), None)


def lately_dead(ledger: Ledger, counts: Callable[[Reason], bool], most: int) -> list[FailedCandidate]:
    """Who died last for a reason that counts."""
    dead = (one for one in failures(ledger) if one.state is State.DEAD and counts(one.reason))
    return list(islice(dead, most))


def failures_in_a_row(ledger: Ledger, counts: Callable[[Reason], bool]) -> list[tuple[Candidate, int]]:
    """Who failed for a reason that counts since the last clip, and how often.

    Whoever was queued again, forgotten or excluded by hand since then is no longer in the row.
    """
    with reading(ledger.path):
        failed = (ledger.candidate(row[:8]) for row in ledger.rows(_ROW) if counts(Reason(row[8])))
        return list(Counter(failed).items())


def doubted(ledger: Ledger) -> bool:
    """Whether failures were taken back and nobody is known to have lived since."""
    last = ledger.rows(f"SELECT outcome FROM event WHERE outcome IN {_ROW_ENDS} ORDER BY id DESC LIMIT 1")
    return next(last, None) == ("taken back",)


def lately_accepted(ledger: Ledger, most: int) -> list[Candidate]:
    """Whose clips were recorded last, the last one first."""
    found = ledger.rows(
        f"SELECT {CANDIDATE} FROM event JOIN candidate USING (class, rank)"
        " WHERE outcome = 'accepted' AND state = 'accepted' ORDER BY event.id DESC LIMIT ?",
        most,
    )
    with reading(ledger.path):
        return [ledger.candidate(row) for row in found]

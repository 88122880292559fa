"""What happened, from the ledger's events: on which day, what failed and why, what failed in a row.

Each question is answered from counts or an index that the ledger keeps, or from the last events, never by
reading through all that is in it.
"""

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice

from ..types import Candidate, Clip, Reason
from .ledger import Ledger
from .rows import (
    BESIDE_CLIP,
    CANDIDATE,
    CLIP,
    OF_CANDIDATE,
    OF_STANDING,
    STANDING,
    State,
    clip_of,
    standing_of,
)
from .schema import reading, seal_of

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
        f"SELECT {CANDIDATE}, {STANDING}, {CLIP}"
        f" FROM candidate LEFT JOIN clip USING (class, rank) {BESIDE_CLIP}"
        " WHERE ytid = ? AND start_ms = ? ORDER BY state = 'accepted' DESC LIMIT 1",
        *(key[:11], int(key[12:])),
    )
    with reading(ledger.path):
        row = next(found, None)
        if row is None:
            return None
        one, behind = ledger.candidate(row[:OF_CANDIDATE]), OF_CANDIDATE + OF_STANDING
        state, reason, detail, _, _ = standing_of(row[OF_CANDIDATE:behind])
        clip = None if row[behind] is None else clip_of(one, row[behind:])
        return Standing(one, state, reason, detail, clip)


def fingerprints(ledger: Ledger, places: Sequence[tuple[int, int]]) -> list[bytes]:
    """The fingerprints of clips, by the number of their class and their rank; b"" where there is none.

    They are as the seals of their rows say: whoever asks has read these.
    """
    found = ledger.rows(
        "SELECT fingerprint FROM json_each(?) AS wanted LEFT JOIN clip"
        " ON class = json_extract(wanted.value, '$[0]') AND rank = json_extract(wanted.value, '$[1]')"
        " ORDER BY wanted.key",
        json.dumps(places),
    )
    with reading(ledger.path):
        return [bytes(one or b"") for (one,) in found]


def clip_count(ledger: Ledger) -> int:
    """How many clips there are on record."""
    ((n,),) = ledger.rows("SELECT count(*) FROM clip")
    return int(n)


def shared_sha256(ledger: Ledger) -> set[str]:
    """The sha256 of files that several clips have."""
    return {digest for (digest,) in ledger.rows("SELECT sha256 FROM clip GROUP BY 1 HAVING count(*) > 1")}


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
    found = ledger.rows("SELECT at, class, rank, outcome, reason, detail, seal FROM event ORDER BY id")
    with reading(ledger.path):
        for *said, seal in found:
            at, number, _, outcome, reason, detail = said
            if seal != seal_of(*said):
                raise ValueError("an event is not the one that was written")
            class_name = None if number is None else ledger.class_names[number]
            # One word of few, which millions of rows would each have a copy of.
            yield Event(
                float(at), class_name, sys.intern(outcome), Reason(reason) if reason else None, detail
            )


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
        f"SELECT {CANDIDATE}, {STANDING}, tried_at"
        " FROM candidate INDEXED BY failed WHERE state IN ('dead', 'waiting') ORDER BY tried_at DESC"
    )
    with reading(ledger.path):
        for row in found:
            state, reason, detail, attempts, retry_at = standing_of(row[OF_CANDIDATE:-1])
            if reason is None:
                raise ValueError("a candidate that failed for no reason")
            one = ledger.candidate(row[:OF_CANDIDATE])
            yield FailedCandidate(one, state, reason, detail, attempts, float(row[-1]), retry_at)


def last_event_at(ledger: Ledger) -> float | None:
    """When something was last recorded, in seconds since the epoch, or None if nothing was."""
    return next((at for (at,) in ledger.rows("SELECT at FROM event ORDER BY id DESC LIMIT 1")), None)


def last_accepted_at(ledger: Ledger, source: str = "%") -> float | None:
    """When a clip of a source, or of any, was last recorded, in seconds since the epoch; None if none was."""
    found = ledger.rows(
        "SELECT at FROM event WHERE outcome = 'accepted' AND detail LIKE ? ORDER BY id DESC LIMIT 1",
        f"{source} %",
    )
    return next((float(at) for (at,) in found), None)


def accepted_from(ledger: Ledger) -> dict[tuple[str, str], int]:
    """How many clips of each class came from each source: the first word of a clip's `source`."""
    found = ledger.rows(
        "SELECT class, substr(source, 1, instr(source || ' ', ' ') - 1), count(*) FROM clip GROUP BY 1, 2"
    )
    with reading(ledger.path):
        return {(ledger.class_names[number], str(source)): int(n) for number, source, n in found}


def lately_dead(ledger: Ledger, counts: Callable[[Reason], bool], most: int) -> list[FailedCandidate]:
    """The candidates that died last for a reason that counts."""
    dead = (one for one in failures(ledger) if one.state is State.DEAD and counts(one.reason))
    return list(islice(dead, most))


def failures_in_a_row(ledger: Ledger, counts: Callable[[Reason], bool]) -> list[tuple[Candidate, int]]:
    """The candidates that failed for a reason that counts since the last clip, and how often each.

    One that was queued again, forgotten or excluded by hand since then no longer counts.
    """
    with reading(ledger.path):
        rows = (row for row in ledger.rows(_ROW) if counts(Reason(row[OF_CANDIDATE])))
        failed = (ledger.candidate(row[:OF_CANDIDATE]) for row in rows)
        return list(Counter(failed).items())


def still_failed(ledger: Ledger, class_name: str, rank: int) -> Candidate | None:
    """The candidate in a place of a queue, if it failed and was not taken back.

    Raises:
        ValueError: there is no such class.
    """
    number = ledger.class_names.index(class_name)
    with reading(ledger.path):
        rows = ledger.rows(
            f"SELECT {CANDIDATE} FROM candidate"
            " WHERE class = ? AND rank = ? AND state IN ('dead', 'waiting')",
            *(number, rank),
        )
        return next(map(ledger.candidate, rows), None)


def doubted(ledger: Ledger) -> bool:
    """Whether failures were taken back, and no video is known to have lived since."""
    last = ledger.rows(f"SELECT outcome FROM event WHERE outcome IN {_ROW_ENDS} ORDER BY id DESC LIMIT 1")
    return next(last, None) == ("taken back",)


def lately_accepted(ledger: Ledger, source: str, most: int) -> list[Candidate]:
    """The candidates whose clips were recorded last of a source, the last one first."""
    found = ledger.rows(
        f"SELECT {CANDIDATE} FROM event JOIN candidate USING (class, rank)"
        " WHERE outcome = 'accepted' AND event.detail LIKE ? AND state = 'accepted'"
        " ORDER BY event.id DESC LIMIT ?",
        *(f"{source} %", most),
    )
    with reading(ledger.path):
        return [ledger.candidate(row) for row in found]

"""What is done to many candidates of a ledger at once: taken back, queued again, forgotten, excluded, mended.

Each is one transaction of a few statements over all of them, with an event for every candidate it changes.
"""

import json
from collections.abc import Collection, Iterable
from enum import StrEnum
from itertools import islice

from ..exceptions import DataMismatch
from ..files import parse_json
from ..types import Candidate, Reason
from ..workspace import said
from .ledger import Ledger
from .rows import CANDIDATE, SEALS, STANDING_SEAL, State
from .schema import KEEP_TALLY, NOT_TRIED, RESTORE, reading, seal_of

_QUEUED = f"state = 'queued', reason = '', detail = '', attempts = 0, retry_at = NULL, standing = {NOT_TRIED}"

_COUNTED = "SELECT class, state, reason, count(*) FROM candidate GROUP BY 1, 2, 3"
_KEPT_COUNTS = "SELECT class, state, reason, n FROM tally WHERE n <> 0"


def _texts(of: type[StrEnum]) -> str:
    return ", ".join(f"'{one}'" for one in of)


_ITS_CANDIDATE = "candidate.class = clip.class AND candidate.rank = clip.rank AND state = 'accepted'"
_NO_CLIP = "state = 'accepted' AND (class, rank) NOT IN (SELECT class, rank FROM clip)"
_NO_CANDIDATE = f"NOT EXISTS (SELECT 1 FROM candidate WHERE {_ITS_CANDIDATE})"

_WITH_EVENTS = "NOT (outcome = 'dead' AND reason = 'not-in-source')"
"""Those that no source had are counted by day and have no event each: see `mark_unheld`."""

_DAYS = (
    "SELECT CAST(at / 86400 AS INTEGER) AS day, coalesce(class, -1) AS class, outcome, reason, count(*) AS n"
    f" FROM event WHERE {_WITH_EVENTS} GROUP BY 1, 2, 3, 4"
)
_KEPT_DAYS = f"SELECT day, class, outcome, reason, n FROM day WHERE {_WITH_EVENTS}"

_LAST_EVENTS = "(SELECT class, rank, max(id), at FROM event WHERE class IS NOT NULL GROUP BY 1, 2)"

_PAIRS = (
    ("candidate", _NO_CLIP, "{:,} candidates are accepted and have no clip"),
    ("clip", _NO_CANDIDATE, "{:,} clips belong to no accepted candidate"),
)

_MEND = "Run: audioset-tools verify --repair, and then: audioset-tools fetch"

_RULES = (
    *_PAIRS,
    (
        "candidate",
        "length(ytid) <> 11 OR ytid GLOB '*[^A-Za-z0-9_-]*' OR start_ms < 0 OR end_ms <= start_ms",
        "{:,} candidates are no segments of a video",
    ),
    (
        "candidate",
        f"state NOT IN ({_texts(State)}) OR reason NOT IN ('', {_texts(Reason)})"
        " OR (state IN ('dead', 'waiting')) = (reason = '') OR attempts < 0"
        " OR (state = 'waiting' AND retry_at IS NULL)",
        "{:,} candidates are in no state that there is",
    ),
    (
        f"candidate JOIN {_LAST_EVENTS} USING (class, rank)",
        "state <> 'queued' AND reason <> 'not-in-source' AND tried_at IS NOT at",
        "{:,} candidates were tried at another time than was written",
    ),
    (
        "clip",
        "length(sha256) <> 64 OR sha256 GLOB '*[^0-9a-f]*' OR NOT seconds > 0 OR NOT peak BETWEEN 0 AND 1",
        "{:,} clips have no sha256, length or peak that can be",
    ),
    ("event", "NOT at BETWEEN 0 AND 1e11", "{:,} events have no time"),
)
"""Tables, which of their rows cannot be, and how that is told."""


_FORGETTING = "forgetting"

_HELD_ROWS = 100_000
"""Videos told at once: a statement for each would take most of the time."""


_UNHELD = "no source has the video"

_THAT = "WHERE class = ? AND rank = ?"
_STANDS = "seal_of(state, reason, detail, attempts, retry_at)"


def _noted(outcome: str, reason: str, detail: str, which: str) -> str:
    """A statement that records an event of some candidates; its first value is when, in seconds.

    Args:
        outcome, reason, detail: in SQL, of a candidate.
        which: of them, a WHERE.
    """
    event = (
        f"CAST(? AS REAL) AS at, class, rank, {outcome} AS outcome, {reason} AS reason, {detail} AS detail"
    )
    return (
        "INSERT INTO event (at, class, rank, outcome, reason, detail, seal)"
        " SELECT at, class, rank, outcome, reason, detail,"
        " seal_of(at, class, rank, outcome, reason, detail)"
        f" FROM (SELECT {event} FROM candidate {which})"
    )


def take_back(ledger: Ledger, failed: Iterable[tuple[Candidate, int]], at: float) -> None:
    """Undo failures that were no verdict: candidates, each with how many attempts to give back."""
    with ledger.transaction() as execute:
        for candidate, attempts in failed:
            key = ledger.class_names.index(candidate.class_name), candidate.rank
            execute(
                "UPDATE candidate SET state = CASE WHEN attempts > ? THEN 'waiting' ELSE 'queued' END,"
                " reason = CASE WHEN attempts > ? THEN reason ELSE '' END,"
                f" attempts = max(0, attempts - ?), retry_at = ? {_THAT}",
                (attempts, attempts, attempts, float(at), *key),
            )
            execute(f"UPDATE candidate SET standing = {_STANDS} {_THAT}", key)
            execute(_noted("'taken back'", "''", "''", _THAT), (at, *key))


def take_back_all(ledger: Ledger, reason: Reason, at: float) -> int:
    """Queue again all that are dead for a reason that turned out to be no verdict; returns how many."""
    which = "WHERE state = 'dead' AND reason = ?"
    with ledger.transaction() as execute:
        execute(_noted("'taken back'", "''", "reason", which), (at, reason))
        return int(execute(f"UPDATE candidate SET {_QUEUED} {which}", (reason,)).rowcount)


def queue_again(ledger: Ledger, reasons: Collection[Reason], at: float) -> int:
    """Put candidates that are dead for one of some reasons back in the queue; returns how many.

    A forgotten candidate stays forgotten, whatever the reasons.
    """
    listed = json.dumps(sorted({*reasons} - {Reason.FORGOTTEN}))
    which = "state = 'dead' AND reason IN (SELECT value FROM json_each(?))"
    with ledger.transaction() as execute:
        # The reason stands in the detail: an event with a reason counts as having met it once more. Those
        # that no source had may be millions, and have none.
        execute(
            _noted("'queued again'", "''", "reason", f"WHERE {which} AND reason <> 'not-in-source'"),
            (at, listed),
        )
        return int(execute(f"UPDATE candidate SET {_QUEUED} WHERE {which}", (listed,)).rowcount)


def mark_unheld(ledger: Ledger, held: Iterable[str], at: float) -> int:
    """Make all queued candidates dead whose videos are not `held`; returns how many.

    There may be millions: they are counted with their day, and have no event each.
    """
    which = "state = 'queued' AND ytid NOT IN (SELECT ytid FROM temp.held)"
    with ledger.transaction() as execute:
        execute("CREATE TEMP TABLE held (ytid TEXT PRIMARY KEY) WITHOUT ROWID")
        execute("DROP TRIGGER keep_tally")
        ytids = iter(held)
        while block := list(islice(ytids, _HELD_ROWS)):
            execute("INSERT OR IGNORE INTO temp.held SELECT value FROM json_each(?)", (json.dumps(block),))
        execute(
            "INSERT INTO day SELECT CAST(? / 86400 AS INTEGER), class, 'dead', 'not-in-source', count(*)"
            f" FROM candidate WHERE {which} GROUP BY class"
            " ON CONFLICT (day, class, outcome, reason) DO UPDATE SET n = n + excluded.n",
            (at,),
        )
        n = execute(
            "UPDATE candidate SET state = 'dead', reason = 'not-in-source', detail = ?, attempts = 1,"
            f" retry_at = NULL, tried_at = ?, standing = ? WHERE {which}",
            (_UNHELD, at, seal_of("dead", Reason.NOT_IN_SOURCE, _UNHELD, 1, None)),
        ).rowcount
        execute("DELETE FROM tally")
        execute(f"INSERT INTO tally {_COUNTED}")
        execute(KEEP_TALLY)
        execute("DROP TABLE temp.held")
    return int(n)


def candidates_of(ledger: Ledger, ytids: Collection[str]) -> list[Candidate]:
    """All candidates of some videos; reads the whole table once."""
    select = f"SELECT {CANDIDATE} FROM candidate WHERE ytid IN (SELECT value FROM json_each(?))"
    with reading(ledger.path):
        return [ledger.candidate(row) for row in ledger.rows(select, json.dumps(sorted(ytids)))]


def forget(ledger: Ledger, ytids: Collection[str], at: float) -> int:
    """Make every candidate of some videos dead for good and drop their clips' records.

    That their files are to be erased is noted in the same transaction, and stays so until `erased`.

    Returns:
        How many candidates were not forgotten before.
    """
    listed = json.dumps(sorted(ytids))
    which = "ytid IN (SELECT value FROM json_each(?)) AND reason <> 'forgotten'"
    erase = json.dumps(sorted({*ytids} | {*being_forgotten(ledger)}))
    # What follows is deleted for good, so a power cut must not undo the record of it.
    with ledger.transaction(durable=True) as execute:
        execute(_noted("'forgotten'", "'forgotten'", "''", f"WHERE {which}"), (at, listed))
        changed = execute(
            "UPDATE candidate SET state = 'dead', reason = 'forgotten', detail = '', attempts = 0,"
            f" retry_at = NULL, standing = ? WHERE {which}",
            (seal_of("dead", Reason.FORGOTTEN, "", 0, None), listed),
        ).rowcount
        for table in ("clip", "named_group"):
            execute(
                f"DELETE FROM {table} WHERE (class, rank) IN"
                " (SELECT class, rank FROM candidate INDEXED BY forgotten WHERE reason = 'forgotten')"
            )
        execute("DELETE FROM video WHERE ytid IN (SELECT value FROM json_each(?))", (listed,))
        ledger.put(_FORGETTING, erase)
    return int(changed)


def being_forgotten(ledger: Ledger) -> frozenset[str]:
    """The forgotten videos whose files may still be there: `erased` was not noted since."""
    with reading(ledger.path):
        return frozenset(map(str, parse_json(ledger.get(_FORGETTING) or "[]")))


def forgotten(ledger: Ledger) -> frozenset[str]:
    """The videos that were ever forgotten."""
    return frozenset(
        str(row[0]) for row in ledger.rows("SELECT ytid FROM candidate WHERE reason = 'forgotten'")
    )


def erased(ledger: Ledger) -> None:
    """Note that nothing is left of the videos that were being forgotten."""
    with ledger.transaction(durable=True):
        ledger.put(_FORGETTING, "[]")


def exclude(ledger: Ledger, listed: Iterable[tuple[Candidate, str]], at: float) -> int:
    """Make candidates dead, each with why it is left out, and drop their clips' records.

    A forgotten candidate stays forgotten.

    Returns:
        How many were not excluded before, or for another reason.
    """
    changed = 0
    # Their files are moved next: a power cut that undid the record would have them fetched again.
    with ledger.transaction(durable=True) as execute:
        for candidate, why in listed:
            key = ledger.class_names.index(candidate.class_name), candidate.rank
            newly = execute(
                "UPDATE candidate SET state = 'dead', reason = 'excluded', detail = ?, attempts = 0,"
                f" retry_at = NULL, standing = ? {_THAT}"
                " AND reason <> 'forgotten' AND (reason <> 'excluded' OR detail <> ?)",
                (why, seal_of("dead", Reason.EXCLUDED, why, 0, None), *key, why),
            ).rowcount
            if newly:
                execute(_noted("'excluded'", "'excluded'", "?", _THAT), (at, why, *key))
                execute(f"DELETE FROM clip {_THAT}", key)
                changed += 1
    return changed


def excluded(ledger: Ledger) -> list[Candidate]:
    """The candidates that are excluded; reads the whole table once if there are any."""
    if not any(tally.reason is Reason.EXCLUDED for tally in ledger.tallies()):
        return []
    with reading(ledger.path):
        found = ledger.rows(f"SELECT {CANDIDATE} FROM candidate WHERE reason = 'excluded'")
        return [ledger.candidate(row) for row in found]


def contradictions(ledger: Ledger, deep: bool) -> list[str]:
    """What is wrong with a ledger itself, in words; `deep` compares every index with its table as well."""
    pages = list(ledger.rows(f"PRAGMA {'integrity_check' if deep else 'quick_check'}(10)"))
    found = [f"SQLite's check says: {said(trouble)}" for (trouble,) in pages if trouble != "ok"]
    for table, which, words in (*_RULES, *SEALS):
        ((n,),) = ledger.rows(f"SELECT count(*) FROM {table} WHERE {which}")
        if n:
            found.append(words.format(n))
    if set(ledger.rows(_COUNTED)) != set(ledger.rows(_KEPT_COUNTS)):
        found.append("its counts differ from a count of the candidates")
    if set(ledger.rows(_DAYS)) != set(ledger.rows(_KEPT_DAYS)):
        found.append("its counts of days differ from a count of the events")
    return found


def mend(ledger: Ledger, at: float) -> None:
    """Put right what `contradictions` finds, but for damaged pages; lost clips are queued again."""
    with ledger.transaction() as execute:
        execute("REINDEX")
        for table, which, _ in SEALS:
            if table.startswith("clip "):
                damaged = f"SELECT clip.class, clip.rank FROM {table} WHERE {which}"
                execute(f"DELETE FROM clip WHERE (class, rank) IN ({damaged})")
        execute(_noted("'lost'", "''", "'the ledger had no clip'", f"WHERE {_NO_CLIP}"), (at,))
        execute(f"UPDATE candidate SET {_QUEUED} WHERE {_NO_CLIP}")
        execute(f"DELETE FROM clip WHERE {_NO_CANDIDATE}")
        execute("DELETE FROM tally")
        execute(f"INSERT INTO tally {_COUNTED}")
        execute(f"DELETE FROM day WHERE {_WITH_EVENTS}")
        execute(f"INSERT INTO day {_DAYS}")


def refuse_damage(ledger: Ledger) -> None:
    """See that the file is sound before days of work go into it, as far as that takes a second.

    What no work rests on yet is checked when it is read: see `SEALS`.

    Raises:
        DataMismatch: its pages are damaged, or states, counts and clips contradict each other.
    """
    ((found,),) = ledger.rows("PRAGMA quick_check(1)")
    if found != "ok":
        raise DataMismatch(f"{ledger.path} is damaged: {said(found)}", RESTORE)
    _, changed, words = STANDING_SEAL
    ((n,),) = ledger.rows(f"SELECT count(*) FROM candidate WHERE state <> 'queued' AND {changed}")
    if n:
        raise DataMismatch(f"{ledger.path} is damaged: {words.format(n)}", RESTORE)
    for table, which, words in _PAIRS:
        ((n,),) = ledger.rows(f"SELECT count(*) FROM {table} WHERE {which}")
        if n:
            raise DataMismatch(f"{ledger.path} contradicts itself: {words.format(n)}", _MEND)
    if set(ledger.rows(_COUNTED)) != set(ledger.rows(_KEPT_COUNTS)):
        raise DataMismatch(f"{ledger.path} contradicts itself: its counts are wrong", _MEND)

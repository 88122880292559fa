"""What is done to many candidates of a ledger at once: taken back, queued again, forgotten, excluded, mended.

Each is one transaction of a few statements over all of them, with an event for every candidate it changes.
"""

import json
from collections.abc import Collection, Iterable

from .errors import DataMismatch
from .ledger import CANDIDATE, Ledger
from .schema import RESTORE, reading
from .types import Candidate, Reason

_QUEUED = "state = 'queued', reason = '', detail = '', attempts = 0, retry_at = NULL"

_COUNTED = "SELECT class, state, reason, count(*) FROM candidate GROUP BY 1, 2, 3"
_TOLD = "SELECT class, state, reason, n FROM tally WHERE n <> 0"

_ITS_CANDIDATE = "candidate.class = clip.class AND candidate.rank = clip.rank AND state = 'accepted'"
_NO_CLIP = "state = 'accepted' AND (class, rank) NOT IN (SELECT class, rank FROM clip)"
_NO_CANDIDATE = f"NOT EXISTS (SELECT 1 FROM candidate WHERE {_ITS_CANDIDATE})"

_EVENT = "INSERT INTO event (at, class, rank, outcome, reason, detail)"

_FORGETTING = "forgetting"


def take_back(ledger: Ledger, row: Iterable[tuple[Candidate, int]], at: float) -> None:
    """Undo failures that were no verdict: candidates, each with how many attempts to give back."""
    with ledger.transaction() as execute:
        for candidate, attempts in row:
            place = ledger.class_names.index(candidate.class_name), candidate.rank
            execute(
                "UPDATE candidate SET state = CASE WHEN attempts > ? THEN 'waiting' ELSE 'queued' END,"
                " reason = CASE WHEN attempts > ? THEN reason ELSE '' END,"
                " attempts = max(0, attempts - ?), retry_at = ? WHERE class = ? AND rank = ?",
                (attempts, attempts, attempts, at, *place),
            )
            execute(f"{_EVENT} VALUES (?, ?, ?, 'taken back', '', '')", (at, *place))


def take_back_all(ledger: Ledger, reason: Reason, at: float) -> int:
    """Queue again whoever is dead for a reason that turned out to be no verdict; returns how many."""
    which = "state = 'dead' AND reason = ?"
    with ledger.transaction() as execute:
        execute(
            f"{_EVENT} SELECT ?, class, rank, 'taken back', '', reason FROM candidate WHERE {which}",
            (at, reason),
        )
        return int(execute(f"UPDATE candidate SET {_QUEUED} WHERE {which}", (reason,)).rowcount)


def queue_again(ledger: Ledger, reasons: Collection[Reason], at: float) -> int:
    """Put candidates that are dead for one of some reasons back in their places in the queue.

    Args:
        ledger: the ledger.
        reasons: which; a forgotten candidate stays forgotten even so.
        at: seconds since the epoch, for the record.

    Returns:
        How many.
    """
    listed = json.dumps(sorted({*reasons} - {Reason.FORGOTTEN}))
    which = "state = 'dead' AND reason IN (SELECT value FROM json_each(?))"
    with ledger.transaction() as execute:
        # The reason stands in the detail: an event with a reason counts as having met it once more.
        execute(
            f"{_EVENT} SELECT ?, class, rank, 'queued again', '', reason FROM candidate WHERE {which}",
            (at, listed),
        )
        return int(execute(f"UPDATE candidate SET {_QUEUED} WHERE {which}", (listed,)).rowcount)


def candidates_of(ledger: Ledger, ytids: Collection[str]) -> list[Candidate]:
    """All candidates of some videos; reads the whole table once."""
    select = f"SELECT {CANDIDATE} FROM candidate WHERE ytid IN (SELECT value FROM json_each(?))"
    with reading(ledger.path):
        return [ledger.candidate(row) for row in ledger.rows(select, json.dumps(sorted(ytids)))]


def forget(ledger: Ledger, ytids: Collection[str], at: float) -> int:
    """Make every candidate of some videos dead for good, drop their clips' records, and note that their files
    are to be erased.

    Args:
        ledger: the ledger.
        ytids: the videos.
        at: seconds since the epoch, for the record.

    Returns:
        How many candidates were not forgotten before.
    """
    listed = json.dumps(sorted(ytids))
    which = "ytid IN (SELECT value FROM json_each(?)) AND reason <> 'forgotten'"
    erase = json.dumps(sorted({*ytids} | {*being_forgotten(ledger)}))
    # What follows is deleted for good, so a power cut must not undo the record of it.
    with ledger.transaction(durable=True) as execute:
        execute(
            f"{_EVENT} SELECT ?, class, rank, 'forgotten', 'forgotten', '' FROM candidate WHERE {which}",
            (at, listed),
        )
        changed = execute(
            "UPDATE candidate SET state = 'dead', reason = 'forgotten', detail = '', attempts = 0,"
            f" retry_at = NULL WHERE {which}",
            (listed,),
        ).rowcount
        execute(
            "DELETE FROM clip WHERE (class, rank) IN"
            " (SELECT class, rank FROM candidate INDEXED BY forgotten WHERE reason = 'forgotten')"
        )
        ledger.put(_FORGETTING, erase)
    return int(changed)


def being_forgotten(ledger: Ledger) -> frozenset[str]:
    """The videos whose files may still be there, since nobody noted that all of them are erased."""
    with reading(ledger.path):
        return frozenset(map(str, json.loads(ledger.get(_FORGETTING) or "[]")))


def forgotten(ledger: Ledger) -> frozenset[str]:
    """The videos that were ever forgotten."""
    return frozenset(
        str(row[0]) for row in ledger.rows("SELECT ytid FROM candidate WHERE reason = 'forgotten'")
    )


def erased(ledger: Ledger) -> None:
    """Note that nothing is left of the videos that were being forgotten."""
    with ledger.transaction(durable=True):
        ledger.put(_FORGETTING, "[]")


def exclude(ledger: Ledger, row: Iterable[tuple[Candidate, str]], at: float) -> int:
    """Make candidates dead for good that somebody wants left out, and drop their clips' records.

    Args:
        ledger: the ledger.
        row: which, each with why; a forgotten candidate stays forgotten even so.
        at: seconds since the epoch, for the record.

    Returns:
        How many were not excluded before, or for another reason.
    """
    changed = 0
    # Their files are moved next: a power cut that undid the record would have them fetched again.
    with ledger.transaction(durable=True) as execute:
        for candidate, why in row:
            place = ledger.class_names.index(candidate.class_name), candidate.rank
            newly = execute(
                "UPDATE candidate SET state = 'dead', reason = 'excluded', detail = ?, attempts = 0,"
                " retry_at = NULL WHERE class = ? AND rank = ?"
                " AND reason <> 'forgotten' AND (reason <> 'excluded' OR detail <> ?)",
                (why, *place, why),
            ).rowcount
            if newly:
                execute(f"{_EVENT} VALUES (?, ?, ?, 'excluded', 'excluded', ?)", (at, *place, why))
                execute("DELETE FROM clip WHERE class = ? AND rank = ?", place)
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
    """What is wrong with a ledger itself, in words; one moment of it if it was opened read-only.

    Args:
        ledger: the ledger.
        deep: compare every index with its table as well.
    """
    pages = list(ledger.rows(f"PRAGMA {'integrity_check' if deep else 'quick_check'}(10)"))
    found = [f"SQLite's check says: {said}" for (said,) in pages if said != "ok"]
    for table, which, words in (
        ("candidate", _NO_CLIP, "{:,} candidates are accepted and have no clip"),
        ("clip", _NO_CANDIDATE, "{:,} clips belong to no accepted candidate"),
    ):
        ((n,),) = ledger.rows(f"SELECT count(*) FROM {table} WHERE {which}")
        if n:
            found.append(words.format(n))
    if set(ledger.rows(_COUNTED)) != set(ledger.rows(_TOLD)):
        found.append("its counts differ from a count of the candidates")
    return found


def mend(ledger: Ledger, at: float) -> None:
    """Put right what `contradictions` finds beside damaged pages; who has no clip is queued again."""
    with ledger.transaction() as execute:
        execute("REINDEX")
        execute(
            f"{_EVENT} SELECT ?, class, rank, 'lost', '', 'the ledger had no clip'"
            f" FROM candidate WHERE {_NO_CLIP}",
            (at,),
        )
        execute(f"UPDATE candidate SET {_QUEUED} WHERE {_NO_CLIP}")
        execute(f"DELETE FROM clip WHERE {_NO_CANDIDATE}")
        execute("DELETE FROM tally")
        execute(f"INSERT INTO tally {_COUNTED}")


def refuse_damage(ledger: Ledger) -> None:
    """See that the pages of the file are sound before days of work go into it.

    Raises:
        DataMismatch: they are not.
    """
    ((found,),) = ledger.rows("PRAGMA quick_check(1)")
    if found != "ok":
        raise DataMismatch(f"{ledger.path} is damaged: {found}", RESTORE)

"""The ledger: every candidate's state, every attempt, every clip, in one SQLite file.

It is the only truth about what happened; audio files are checked against it. Each outcome is one transaction,
written after the clip it speaks of is whole on disk: a kill or a power cut can lose the last outcomes, which
only means that they are fetched again, and can never leave a wrong one.

Candidates are clustered by class and rank, and an index holds those not tried yet, so the next one of a queue
is found at once, whatever the size of the table and however many are settled. Counts are kept as they change.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .schema import connect, connect_to_read, speaking_to
from .types import Candidate, Clip, Failure, Reason

_ROW_ENDS = ("accepted", "believed", "taken back")
_CANDIDATE = "ytid, start_ms, end_ms, class, tier, rank, subset"

_LOAD_ROWS = 50
"""Candidates per INSERT of a load: half the time of one by one, and no more is gained by 100."""


class State(StrEnum):
    """Where a candidate stands."""

    QUEUED = "queued"
    """Not tried yet."""
    WAITING = "waiting"
    """Tried, failed for now, holds its place and is tried again at `retry_at`."""
    ACCEPTED = "accepted"
    """Its clip is on disk."""
    DEAD = "dead"
    """Failed for good; the next candidate has its place."""


@dataclass(frozen=True, slots=True)
class Tally:
    """How many candidates of a class are in a state for a reason (None where there is no reason)."""

    class_name: str
    state: State
    reason: Reason | None
    n: int


@dataclass(frozen=True, slots=True)
class Origin:
    """What the candidates of a ledger were made from; only fetches of the same origin continue each other."""

    recipe: str
    recipe_digest: str
    lists_digest: str
    class_names: tuple[str, ...]
    seed: int
    splits: tuple[int, int, int]


class Ledger:
    """An open ledger; use as a context manager, from one thread.

    Args:
        path: the file; made if it is missing.
        read_only: only look, at the ledger as it is at the first question; whoever writes is not disturbed.

    Raises:
        DataMismatch: the file is damaged, foreign, or written by a newer version; or missing, to a reader.
        EnvironmentProblem: it is locked by another program, or cannot be read.
    """

    def __init__(self, path: Path, read_only: bool = False) -> None:
        self.path = path
        self._db = connect_to_read(path) if read_only else connect(path)
        self.class_names: tuple[str, ...] = origin.class_names if (origin := self.origin()) else ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._db.close()

    def origin(self) -> Origin | None:
        """What the candidates were made from, or None before `load`."""
        text = self.get("origin")
        if text is None:
            return None
        table: dict[str, Any] = json.loads(text)
        table["class_names"], table["splits"] = tuple(table["class_names"]), tuple(table["splits"])
        return Origin(**table)

    def load(self, origin: Origin, candidates: Iterable[Candidate]) -> None:
        """Fill an empty ledger; all of it or, after a kill, nothing."""
        number = {name: index for index, name in enumerate(origin.class_names)}
        rows = (
            (number[c.class_name], c.rank, c.ytid, c.start_ms, c.end_ms, c.tier, c.subset) for c in candidates
        )
        insert = "INSERT INTO candidate (class, rank, ytid, start_ms, end_ms, tier, subset) VALUES "
        with self._transaction():
            while block := list(islice(rows, _LOAD_ROWS)):
                places = ",".join(["(?,?,?,?,?,?,?)"] * len(block))
                self._db.execute(insert + places, tuple(chain.from_iterable(block)))
            # Grouping by the class alone follows the table's own order, without sorting.
            self._db.execute(
                "INSERT INTO tally SELECT class, 'queued', '', count(*) FROM candidate GROUP BY class"
            )
            self.put("origin", json.dumps(asdict(origin)))
        self.class_names = origin.class_names

    def next_queued(self, class_name: str, after_rank: int) -> Candidate | None:
        """The best candidate of a class not tried yet, behind `after_rank` (-1 for the first)."""
        with speaking_to(self.path):
            row = self._db.execute(
                f"SELECT {_CANDIDATE} FROM candidate INDEXED BY queued"
                " WHERE class = ? AND rank > ? AND state = 'queued' ORDER BY rank LIMIT 1",
                (self.class_names.index(class_name), after_rank),
            ).fetchone()
        return self._candidate(row) if row else None

    def waiting(self, class_name: str) -> list[tuple[Candidate, int, float]]:
        """Candidates that failed for now, by rank, each with its attempts so far and when to try again."""
        with speaking_to(self.path):
            rows = self._db.execute(
                f"SELECT {_CANDIDATE}, attempts, retry_at FROM candidate INDEXED BY waiting"
                " WHERE class = ? AND state = 'waiting' ORDER BY rank",
                (self.class_names.index(class_name),),
            ).fetchall()
        return [(self._candidate(row[:-2]), row[-2], row[-1]) for row in rows]

    def accept(self, candidate: Candidate, clip: Clip, at: float) -> None:
        """Record a clip that is whole on disk."""
        place = self._place(candidate)
        with self._transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO clip VALUES (?,?,?,?,?,?,?)",
                (*place, clip.path, clip.sha256, clip.seconds, clip.peak, clip.source),
            )
            self._set(candidate, State.ACCEPTED, None)
            self._event(at, place, "accepted", "", clip.source)

    def fail(self, candidate: Candidate, failure: Failure, at: float) -> None:
        """Record a failure: for good if `failure.retry_at` is None, else for now."""
        state = State.DEAD if failure.retry_at is None else State.WAITING
        with self._transaction():
            self._set(candidate, state, failure)
            self._event(at, self._place(candidate), state, failure.reason, failure.detail)

    def lose(self, candidate: Candidate, detail: str, at: float) -> None:
        """Put an accepted candidate whose clip was lost back in its place in the queue."""
        with self._transaction():
            self._db.execute("DELETE FROM clip WHERE class = ? AND rank = ?", self._place(candidate))
            self._set(candidate, State.QUEUED, None)
            self._event(at, self._place(candidate), "lost", "", detail)

    def note(self, outcome: str, reason: Reason | None, detail: str, at: float) -> None:
        """Record something that concerns the run, not one clip."""
        with self._transaction():
            self._event(at, (None, None), outcome, reason or "", detail)

    def row(self, counts: Callable[[Reason], bool]) -> list[tuple[Candidate, int]]:
        """Who failed for a reason that counts since the last clip, and how often."""
        with speaking_to(self.path):
            rows = self._db.execute(
                f"SELECT {_CANDIDATE}, event.reason FROM event JOIN candidate USING (class, rank)"
                " WHERE event.id > coalesce((SELECT id FROM event WHERE outcome IN (?, ?, ?)"
                " ORDER BY id DESC LIMIT 1), 0) AND outcome IN ('dead', 'waiting') ORDER BY event.id",
                _ROW_ENDS,
            ).fetchall()
        return list(Counter(self._candidate(row[:7]) for row in rows if counts(Reason(row[7]))).items())

    def doubted(self) -> bool:
        """Whether failures were taken back and nobody is known to have lived since."""
        with speaking_to(self.path):
            last = self._db.execute(
                "SELECT outcome FROM event WHERE outcome IN (?, ?, ?) ORDER BY id DESC LIMIT 1", _ROW_ENDS
            ).fetchone()
        return bool(last == ("taken back",))

    def take_back(self, row: Iterable[tuple[Candidate, int]], at: float) -> None:
        """Undo failures that were no verdict: candidates, each with how many attempts to give back."""
        with self._transaction():
            for candidate, attempts in row:
                place = self._place(candidate)
                self._db.execute(
                    "UPDATE candidate SET state = CASE WHEN attempts > ? THEN 'waiting' ELSE 'queued' END,"
                    " reason = CASE WHEN attempts > ? THEN reason ELSE '' END,"
                    " attempts = max(0, attempts - ?), retry_at = ? WHERE class = ? AND rank = ?",
                    (attempts, attempts, attempts, at, *place),
                )
                self._event(at, place, "taken back", "", "")

    def lately_accepted(self, most: int) -> list[Candidate]:
        """Whose clips were recorded last, the last one first."""
        with speaking_to(self.path):
            rows = self._db.execute(
                f"SELECT {_CANDIDATE} FROM event JOIN candidate USING (class, rank)"
                " WHERE outcome = 'accepted' AND state = 'accepted' ORDER BY event.id DESC LIMIT ?",
                (most,),
            ).fetchall()
        return [self._candidate(row) for row in rows]

    def clips(self) -> list[tuple[Candidate, Clip]]:
        """The accepted clips by class and rank."""
        with speaking_to(self.path):
            rows = self._db.execute(
                f"SELECT {_CANDIDATE}, path, sha256, seconds, peak, source"
                " FROM clip JOIN candidate USING (class, rank) ORDER BY class, rank"
            ).fetchall()
        accepted = []
        for row in rows:
            candidate = self._candidate(row[:7])
            accepted.append((candidate, Clip(candidate.key, candidate.class_name, candidate.rank, *row[7:])))
        return accepted

    def tallies(self) -> list[Tally]:
        """How many candidates there are by class, state and reason."""
        with speaking_to(self.path):
            rows = self._db.execute(
                "SELECT class, state, reason, n FROM tally WHERE n > 0 ORDER BY class, state, n DESC, reason"
            ).fetchall()
        return [
            Tally(self.class_names[number], State(state), Reason(reason) if reason else None, n)
            for number, state, reason, n in rows
        ]

    def rows(self, select: str, *values: object) -> Iterator[tuple[Any, ...]]:
        """What a SELECT finds, a row at a time."""
        with speaking_to(self.path):
            yield from self._db.execute(select, values)

    def get(self, name: str) -> str | None:
        """A stored note such as the pace's state, or None."""
        with speaking_to(self.path):
            row = self._db.execute("SELECT value FROM meta WHERE name = ?", (name,)).fetchone()
        return str(row[0]) if row else None

    def put(self, name: str, value: str) -> None:
        """Store a note under a name."""
        with speaking_to(self.path):
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (name, value))

    def _set(self, candidate: Candidate, state: State, failure: Failure | None) -> None:
        values = (
            (failure.reason, _storable(failure.detail), failure.attempts, failure.retry_at)
            if failure
            else ("", "", 0, None)
        )
        self._db.execute(
            "UPDATE candidate SET state = ?, reason = ?, detail = ?, attempts = ?, retry_at = ?"
            " WHERE class = ? AND rank = ?",
            (state, *values, *self._place(candidate)),
        )

    def _event(
        self, at: float, place: tuple[int | None, int | None], outcome: str, reason: str, detail: str
    ) -> None:
        self._db.execute(
            "INSERT INTO event (at, class, rank, outcome, reason, detail) VALUES (?,?,?,?,?,?)",
            (at, *place, outcome, reason, _storable(detail)),
        )

    def _place(self, candidate: Candidate) -> tuple[int, int]:
        return self.class_names.index(candidate.class_name), candidate.rank

    def _candidate(self, row: tuple[Any, ...]) -> Candidate:
        ytid, start_ms, end_ms, number, tier, rank, subset = row
        return Candidate(ytid, start_ms, end_ms, self.class_names[number], tier, rank, subset)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with speaking_to(self.path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._db.execute("COMMIT")
            except BaseException:
                self._db.execute("ROLLBACK")
                raise


def _storable(text: str) -> str:
    """Text of a stranger without what UTF-8 cannot hold: JSON may bring half of a surrogate pair."""
    return text.encode("utf-8", "backslashreplace").decode()

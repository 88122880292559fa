"""The ledger: every candidate's state, every attempt, every clip, in one SQLite file.

It is the only truth about what happened; audio files are checked against it. Each outcome is one transaction,
written after the clip it speaks of is whole on disk: a kill or a power cut can lose the last outcomes, which
only means that they are fetched again, and can never leave a wrong one.

Candidates are clustered by class and rank, and an index holds those not tried yet, so the next one of a queue
is found at once, whatever the size of the table and however many are settled. Counts are kept as they change.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .errors import EnvironmentProblem
from .schema import connect, connect_to_read, identity, reading, speaking_to
from .types import Candidate, Clip, Failure, Reason

CANDIDATE = "ytid, start_ms, end_ms, class, tier, rank, subset, also"
"""The eight columns that `Ledger.candidate` makes a candidate of; `also` holds numbers of classes."""

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
    """What the candidates of a ledger were made from; only fetches of the same origin continue each other.

    `least_ms` is the least length of a segment, 0 where none was asked for; `label_digests` are short digests
    of the labels that each part of the recipe names, to say which part another recipe changes.
    """

    recipe: str
    recipe_digest: str
    lists_digest: str
    class_names: tuple[str, ...]
    seed: int
    splits: tuple[int, int, int]
    multi_label: bool = False
    least_ms: int = 0
    label_digests: Mapping[str, str] = field(default_factory=dict)


class Ledger:
    """An open ledger; use as a context manager, from one thread.

    Args:
        path: the file; made if it is missing.
        read_only: only look, at the ledger as it is at the first question; whoever writes is not disturbed.
        patience: seconds to wait for another program that has it locked.

    Raises:
        DataMismatch: the file is damaged, foreign, or written by another version; or missing, to a reader.
        EnvironmentProblem: it is locked by another program, or cannot be read.
    """

    def __init__(self, path: Path, read_only: bool = False, patience: float = 10.0) -> None:
        self.path = path
        self._db = (connect_to_read if read_only else connect)(path, patience)
        self._identity = identity(path)
        try:
            self.class_names: tuple[str, ...] = origin.class_names if (origin := self.origin()) else ()
        except BaseException:
            self._db.close()
            raise

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
        with reading(self.path):
            table: dict[str, Any] = json.loads(text)
            table["class_names"], table["splits"] = tuple(table["class_names"]), tuple(table["splits"])
            return Origin(**table)

    def load(self, origin: Origin, candidates: Iterable[Candidate], **notes: str) -> None:
        """Fill an empty ledger, with notes of how it was made; all of it or, after a kill, nothing."""
        number = {name: index for index, name in enumerate(origin.class_names)}
        rows = (
            (c.ytid, c.start_ms, c.end_ms, number[c.class_name], c.tier, c.rank, c.subset,
             " ".join(str(number[name]) for name in c.also) if c.also else "") for c in candidates
        )  # fmt: skip
        insert, row = f"INSERT INTO candidate ({CANDIDATE}) VALUES ", "(?,?,?,?,?,?,?,?)"
        with self.transaction():
            while block := list(islice(rows, _LOAD_ROWS)):
                self._db.execute(insert + ",".join([row] * len(block)), tuple(chain.from_iterable(block)))
            # Grouping by the class alone follows the table's own order, without sorting.
            self._db.execute(
                "INSERT INTO tally SELECT class, 'queued', '', count(*) FROM candidate GROUP BY class"
            )
            for name, value in {**notes, "origin": json.dumps(asdict(origin))}.items():
                self.put(name, value)
        self.class_names = origin.class_names
        with speaking_to(self.path):
            # From here on the main file alone is a ledger, should the log beside it be lost.
            self._db.execute("PRAGMA wal_checkpoint").fetchall()

    def next_queued(self, class_name: str, after_rank: int) -> Candidate | None:
        """The best candidate of a class not tried yet, behind `after_rank` (-1 for the first)."""
        with reading(self.path):
            row = self._db.execute(
                f"SELECT {CANDIDATE} FROM candidate INDEXED BY queued"
                " WHERE class = ? AND rank > ? AND state = 'queued' ORDER BY rank LIMIT 1",
                (self.class_names.index(class_name), after_rank),
            ).fetchone()
            return self.candidate(row) if row else None

    def waiting(self, class_name: str) -> list[tuple[Candidate, int, float]]:
        """Candidates that failed for now, by rank, each with its attempts so far and when to try again."""
        with reading(self.path):
            rows = self._db.execute(
                f"SELECT {CANDIDATE}, attempts, retry_at FROM candidate INDEXED BY waiting"
                " WHERE class = ? AND state = 'waiting' ORDER BY rank",
                (self.class_names.index(class_name),),
            ).fetchall()
            return [(self.candidate(row[:-2]), int(row[-2]), float(row[-1])) for row in rows]

    def accept(self, candidate: Candidate, clip: Clip, at: float) -> None:
        """Record a clip that is whole on disk."""
        place = self._place(candidate)
        with self.transaction():
            self._db.execute(
                "INSERT OR REPLACE INTO clip VALUES (?,?,?,?,?,?,?)",
                (*place, clip.path, clip.sha256, clip.seconds, clip.peak, clip.source),
            )
            self._set(candidate, State.ACCEPTED, None)
            self._event(at, place, "accepted", "", clip.source)

    def fail(self, candidate: Candidate, failure: Failure, at: float) -> None:
        """Record a failure: for good if `failure.retry_at` is None, else for now."""
        state = State.DEAD if failure.retry_at is None else State.WAITING
        with self.transaction():
            self._set(candidate, state, failure)
            self._event(at, self._place(candidate), state, failure.reason, failure.detail)

    def lose(self, candidate: Candidate, detail: str, at: float) -> None:
        """Put an accepted candidate whose clip was lost back in its place in the queue."""
        with self.transaction():
            self._db.execute("DELETE FROM clip WHERE class = ? AND rank = ?", self._place(candidate))
            self._set(candidate, State.QUEUED, None)
            self._event(at, self._place(candidate), "lost", "", detail)

    def note(self, outcome: str, reason: Reason | None, detail: str, at: float) -> None:
        """Record something that concerns the run, not one clip."""
        with self.transaction():
            self._event(at, (None, None), outcome, reason or "", detail)

    def clips(self) -> list[tuple[Candidate, Clip]]:
        """The accepted clips by class and rank."""
        with reading(self.path):
            rows = self._db.execute(
                f"SELECT {CANDIDATE}, path, sha256, seconds, peak, source"
                " FROM clip JOIN candidate USING (class, rank) ORDER BY class, rank"
            ).fetchall()
            accepted = []
            for row in rows:
                one = self.candidate(row[:8])
                path, sha256, seconds, peak, source = row[8:]
                clip = Clip(
                    one.key, one.class_name, one.rank, str(path), str(sha256), float(seconds), float(peak),
                    str(source), one.also,
                )  # fmt: skip
                accepted.append((one, clip))
            return accepted

    def tallies(self) -> list[Tally]:
        """How many candidates there are by class, state and reason."""
        with reading(self.path):
            rows = self._db.execute(
                "SELECT class, state, reason, n FROM tally WHERE n > 0 ORDER BY class, state, n DESC, reason"
            ).fetchall()
            return [
                Tally(self.class_names[number], State(state), Reason(reason) if reason else None, int(n))
                for number, state, reason, n in rows
            ]

    def rows(self, select: str, *values: object) -> Iterator[tuple[Any, ...]]:
        """What a SELECT finds, a row at a time."""
        with speaking_to(self.path):
            # `yield from` would close the cursor if it is dropped half-way, perhaps after the ledger.
            for row in self._db.execute(select, values):  # noqa: UP028
                yield row

    def candidate(self, row: tuple[Any, ...]) -> Candidate:
        """A candidate from the columns `CANDIDATE`.

        Raises:
            ValueError, TypeError, LookupError: the row is damaged.
        """
        ytid, start_ms, end_ms, number, tier, rank, subset, also = row
        names = dict(enumerate(self.class_names))
        name, *others = (names[n] for n in (number, *map(int, str(also).split())))
        one = Candidate(
            ytid, int(start_ms), int(end_ms), name, int(tier), int(rank), str(subset), tuple(others)
        )
        # Refuses what is no video id before anybody makes a path of it.
        _ = one.key
        return one

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

    @contextmanager
    def transaction(self, durable: bool = False) -> Iterator[Callable[..., Any]]:
        """All or nothing of what is executed through the function given.

        Args:
            durable: not even a power cut may undo it; what follows could not be undone either.

        Raises:
            EnvironmentProblem: the disk is full, or the ledger was moved away or deleted.
        """
        if identity(self.path) != self._identity:
            raise EnvironmentProblem(
                f"the ledger {self.path} was moved or deleted while it was in use",
                "Put its folder back and run the same command again.",
            )
        with speaking_to(self.path):
            if durable:
                self._db.execute("PRAGMA synchronous = FULL")
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db.execute
                self._db.execute("COMMIT")
            except BaseException:
                # After a full disk SQLite has rolled back by itself.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            if durable:
                self._db.execute("PRAGMA synchronous = NORMAL")


def _storable(text: str) -> str:
    """Text of a stranger without what UTF-8 cannot hold: JSON may bring half of a surrogate pair."""
    return text.encode("utf-8", "backslashreplace").decode()

"""The ledger: every candidate's state, every attempt, every clip, in one SQLite file.

It is the only truth about what happened; audio files are checked against it. Each outcome is one transaction,
written after its clip is whole on disk: a kill or a power cut can lose the last outcomes, which
only means that they are fetched again, and can never leave a wrong one.

Candidates are clustered by class and rank, and an index holds those not tried yet, so the next one of a queue
is found at once, whatever the size of the table and however many are settled. Counts are kept as they change.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, astuple, dataclass, field
from itertools import chain, islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..exceptions import DataMismatch, EnvironmentProblem
from ..files import parse_json
from ..types import (
    SAMPLE_RATE,
    SAMPLE_RATES,
    Candidate,
    Clip,
    Failure,
    Reason,
    join_classes,
    split_classes,
)
from .rows import (
    BESIDE_CLIP,
    CANDIDATE,
    CLIP,
    LOADED,
    OF_CANDIDATE,
    OWN,
    STANDING,
    Row,
    State,
    check_candidate,
    check_columns,
    clip_of,
    standing_of,
)
from .schema import RESTORE, connect, connect_to_read, identity, reading, seal_of, speaking_to

_CLIPS_AT_ONCE = 500

_LOAD_ROWS = 50
"""Candidates per INSERT of a load: half the time of one by one, and no more is gained by 100."""


@dataclass(frozen=True, slots=True)
class StateCount:
    """How many candidates of a class are in a state for a reason (None where there is no reason)."""

    class_name: str
    state: State
    reason: Reason | None
    n: int


@dataclass(frozen=True, slots=True)
class Origin:
    """What the candidates of a ledger were made from; only fetches of the same origin continue each other.

    `least_ms` is the least length of a segment, 0 where none was asked for; `label_digests` are short digests
    of the labels that each part of the recipe names, to say which part another recipe changes. `of_list` says
    that all segments of a list are wanted, in the splits that it names: of AudioSet's own, by an official
    recipe, or of one that somebody has. `lists_digest` is of what that one says then, and there is no recipe
    but a name. `sample_rate` is in hertz, of every clip.
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
    of_list: bool = False
    sample_rate: int = SAMPLE_RATE

    @property
    def by_recipe(self) -> bool:
        """Whether a recipe made it, and no list of somebody's."""
        return not self.of_list or bool(self.recipe_digest)


class Ledger:
    """An open ledger; use as a context manager, from one thread.

    Args:
        path: the file; made if it is missing.
        read_only: only look, at the ledger as it is at the first question; whoever writes is not disturbed.
        apart: look at a copy, so that not even an index is left beside it.
        patience: seconds to wait for another program that has it locked.

    Raises:
        DataMismatch: the file is damaged, foreign, or written by another version; or missing, to a reader.
        EnvironmentProblem: it is locked by another program, or cannot be read.
    """

    def __init__(
        self, path: Path, read_only: bool = False, patience: float = 10.0, apart: bool = False
    ) -> None:
        self.path = path
        self._db = connect_to_read(path, patience, apart) if read_only else connect(path, patience)
        self._identity = identity(path)
        try:
            origin = self.origin()
            self.class_names: tuple[str, ...] = origin.class_names if origin else ()
            self.sample_rate = origin.sample_rate if origin else SAMPLE_RATE
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
            table: dict[str, Any] = parse_json(text)
            table["class_names"], table["splits"] = tuple(table["class_names"]), tuple(table["splits"])
            origin = Origin(**table)
            if origin.sample_rate not in SAMPLE_RATES:
                raise ValueError(f"clips of {origin.sample_rate} Hz")
            return origin

    def require_candidates(self) -> None:
        """See that it was filled.

        Raises:
            DataMismatch: it was not, or not yet.
        """
        if not self.class_names:
            raise DataMismatch(
                f"{self.path} holds no candidates yet",
                "If a fetch is reading the lists, wait until it has; else run: audioset-tools fetch",
            )

    def load(self, origin: Origin, candidates: Iterable[Candidate], **notes: str) -> None:
        """Fill an empty ledger, with notes of how it was made; all of it or, after a kill, nothing."""
        number = {name: index for index, name in enumerate(origin.class_names)}
        named: list[Row] = []
        rows = (_row_of(one, number, named) for one in candidates)
        insert, row = f"INSERT INTO candidate ({LOADED}, seal) VALUES ", "(?,?,?,?,?,?,?,?,?,?,?)"
        with self.transaction():
            while block := list(islice(rows, _LOAD_ROWS)):
                self._db.execute(insert + ",".join([row] * len(block)), tuple(chain.from_iterable(block)))
            self._db.executemany("INSERT INTO named_group VALUES (?,?,?,?)", named)
            # Grouping by the class alone follows the table's own order, without sorting.
            self._db.execute(
                "INSERT INTO tally SELECT class, 'queued', '', count(*) FROM candidate GROUP BY class"
            )
            for name, value in {**notes, "origin": json.dumps(asdict(origin))}.items():
                self.put(name, value)
        self.class_names, self.sample_rate = origin.class_names, origin.sample_rate
        with speaking_to(self.path):
            # From here on the main file alone is a ledger, should the log beside it be lost.
            self._db.execute("PRAGMA wal_checkpoint").fetchall()

    def next_queued(self, class_name: str, after_rank: int) -> Candidate | None:
        """The best candidate of a class not tried yet, behind `after_rank` (-1 for the first)."""
        with reading(self.path):
            row = self._db.execute(
                f"SELECT {CANDIDATE}, state FROM candidate INDEXED BY queued"
                " WHERE class = ? AND rank > ? AND state = 'queued' ORDER BY rank LIMIT 1",
                (self.class_names.index(class_name), after_rank),
            ).fetchone()
            # The index alone has said so, whose pages may be damaged.
            if row and row[-1] != State.QUEUED:
                raise ValueError(f"a candidate that is {row[-1]!r} among the queued ones")
            return self.candidate(row[:-1]) if row else None

    def next_videos(self, most: int) -> list[str]:
        """The videos of the best candidates not tried yet, so many of each class."""
        with reading(self.path):
            rows = [
                row
                for number in range(len(self.class_names))
                for row in self._db.execute(
                    "SELECT ytid FROM candidate INDEXED BY queued"
                    " WHERE class = ? AND state = 'queued' ORDER BY rank LIMIT ?",
                    (number, most),
                )
            ]
        return [ytid for (ytid,) in rows]

    def waiting(self, class_name: str) -> list[tuple[Candidate, int, float]]:
        """Candidates that failed for now, by rank, each with its attempts so far and when to try again."""
        with reading(self.path):
            rows = self._db.execute(
                f"SELECT {CANDIDATE}, {STANDING} FROM candidate INDEXED BY waiting"
                " WHERE class = ? AND state = 'waiting' ORDER BY rank",
                (self.class_names.index(class_name),),
            ).fetchall()
            found = []
            for row in rows:
                *_, attempts, retry_at = standing_of(row[OF_CANDIDATE:])
                if retry_at is None:
                    raise ValueError("a candidate that waits for no time")
                found.append((self.candidate(row[:OF_CANDIDATE]), attempts, retry_at))
            return found

    def accept(self, candidate: Candidate, clip: Clip, at: float) -> None:
        """Record a clip that is whole on disk."""
        key = self._key(candidate)
        own = (clip.path, clip.sha256, float(clip.seconds), float(clip.peak), clip.source, clip.decoder,
               clip.fingerprint, *(astuple(clip.kept) if clip.kept else (None, None, None)))  # fmt: skip
        with self.transaction():
            self._db.execute(
                f"INSERT OR REPLACE INTO clip (class, rank, {OWN}, seal) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
                (*key, *own, seal_of(candidate.ytid, candidate.start_ms, *own)),
            )
            if clip.video:
                told = candidate.ytid, *map(_storable, astuple(clip.video))
                self._db.execute("INSERT OR REPLACE INTO video VALUES (?,?,?,?,?)", (*told, seal_of(*told)))
            self._set(candidate, State.ACCEPTED, None)
            self._event(at, key, "accepted", "", clip.source)

    def fail(self, candidate: Candidate, failure: Failure, at: float) -> None:
        """Record a failure: for good if `failure.retry_at` is None, else for now."""
        state = State.DEAD if failure.retry_at is None else State.WAITING
        with self.transaction():
            self._set(candidate, state, failure)
            self._event(at, self._key(candidate), state, failure.reason, failure.detail)

    def lose(self, candidate: Candidate, detail: str, at: float) -> None:
        """Put an accepted candidate whose clip was lost back in its place in the queue."""
        with self.transaction():
            self._db.execute("DELETE FROM clip WHERE class = ? AND rank = ?", self._key(candidate))
            self._set(candidate, State.QUEUED, None)
            self._event(at, self._key(candidate), "lost", "", detail)

    def lose_source(self, candidate: Candidate, detail: str, at: float) -> None:
        """Forget what a clip was decoded from, which was kept and lost; the clip stays."""
        with self.transaction():
            which = "WHERE class = ? AND rank = ?"
            self._db.execute(
                f"UPDATE clip SET kept_path = NULL, kept_sha256 = NULL, kept_begins_ms = NULL {which}",
                self._key(candidate),
            )
            self._db.execute(
                f"UPDATE clip SET seal = seal_of(?, ?, {OWN}) {which}",
                (candidate.ytid, candidate.start_ms, *self._key(candidate)),
            )
            self._event(at, self._key(candidate), "lost source", "", detail)

    def pass_on(self, candidate: Candidate, reason: Reason, detail: str, at: float) -> None:
        """Record that a source has no clip of a candidate, whom the next source is asked for."""
        with self.transaction():
            self._event(at, self._key(candidate), "passed on", reason, detail)

    def note(self, outcome: str, reason: Reason | None, detail: str, at: float) -> None:
        """Record something that concerns the run, not one clip."""
        with self.transaction():
            self._event(at, (None, None), outcome, reason or "", detail)

    def clips(self) -> list[tuple[Candidate, Clip]]:
        """The accepted clips by class and rank; of very many, `each_clip` needs no memory."""
        return list(self.each_clip())

    def each_clip(self) -> Iterator[tuple[Candidate, Clip]]:
        """The accepted clips by class and rank, one by one; meanwhile the ledger may be written to."""
        for rows in self._clip_rows():
            with reading(self.path):
                candidates = [self.candidate(row[:OF_CANDIDATE]) for row in rows]
                clips = [clip_of(one, row[OF_CANDIDATE:]) for one, row in zip(candidates, rows, strict=True)]
            yield from zip(candidates, clips, strict=True)

    def checked_columns(self) -> Iterator[list[tuple[Any, ...]]]:
        """The same column by column, some rows at a time: `CANDIDATE` and `CLIP`, as their seals say."""
        for rows in self._clip_rows():
            with reading(self.path):
                columns = [*zip(*rows, strict=True)]
                check_columns(columns)
            yield columns

    def _clip_rows(self) -> Iterator[list[Row]]:
        place = -1, -1
        while True:
            with speaking_to(self.path):
                rows = self._db.execute(
                    f"SELECT {CANDIDATE}, {CLIP}"
                    f" FROM clip JOIN candidate USING (class, rank) {BESIDE_CLIP}"
                    " WHERE (clip.class, clip.rank) > (?, ?) ORDER BY clip.class, clip.rank LIMIT ?",
                    (*place, _CLIPS_AT_ONCE),
                ).fetchall()
            if not rows:
                return
            _, _, _, number, _, rank, *_ = rows[-1]
            yield rows
            place = number, rank

    def tallies(self) -> list[StateCount]:
        """How many candidates there are by class, state and reason."""
        with reading(self.path):
            rows = self._db.execute(
                "SELECT class, state, reason, n FROM tally WHERE n > 0 ORDER BY class, state, n DESC, reason"
            ).fetchall()
            return [
                StateCount(self.class_names[number], State(state), Reason(reason) if reason else None, int(n))
                for number, state, reason, n in rows
            ]

    def rows(self, select: str, *values: object) -> Iterator[Row]:
        """What a SELECT finds, a row at a time."""
        with speaking_to(self.path):
            # `yield from` would close the cursor if it is dropped half-way, perhaps after the ledger.
            for row in self._db.execute(select, values):  # noqa: UP028
                yield row

    def candidate(self, row: Row) -> Candidate:
        """A candidate from the columns `CANDIDATE`.

        Raises:
            ValueError, TypeError, LookupError: the row is damaged.
        """
        check_candidate(row)
        ytid, start_ms, end_ms, number, tier, rank, subset, also, labels, split, _ = row
        name, *others = self.classes(number, also)
        one = Candidate(
            ytid, int(start_ms), int(end_ms), name, int(tier), int(rank), str(subset), tuple(others),
            split_classes(str(labels)), str(split),
        )  # fmt: skip
        # Refuses what is no video id before anybody makes a path of it.
        _ = one.key
        return one

    def classes(self, number: int, also: str) -> list[str]:
        """The classes of a candidate by its own number and, in a text, those of the others.

        Raises:
            ValueError, TypeError, LookupError: there is no such class.
        """
        numbers = (number, *map(int, str(also).split())) if also else (number,)
        if min(numbers) < 0:
            raise ValueError(f"a class number {min(numbers)}")
        return [self.class_names[n] for n in numbers]

    def get(self, name: str) -> str | None:
        """A stored note such as the pace's state, or None."""
        with speaking_to(self.path):
            row = self._db.execute("SELECT value, seal FROM meta WHERE name = ?", (name,)).fetchone()
        if row and row[1] != seal_of(name, row[0]):
            raise DataMismatch(f"{self.path} is damaged: its note {name} is not the one written", RESTORE)
        return str(row[0]) if row else None

    def put(self, name: str, value: str) -> None:
        """Store a note under a name."""
        with speaking_to(self.path):
            self._db.execute(
                "INSERT OR REPLACE INTO meta VALUES (?, ?, ?)", (name, value, seal_of(name, value))
            )

    def _set(self, candidate: Candidate, state: State, failure: Failure | None) -> None:
        values: Row = ("", "", 0, None)
        if failure:
            retry_at = None if failure.retry_at is None else float(failure.retry_at)
            values = failure.reason, _storable(failure.detail), failure.attempts, retry_at
        self._db.execute(
            "UPDATE candidate SET state = ?, reason = ?, detail = ?, attempts = ?, retry_at = ?, standing = ?"
            " WHERE class = ? AND rank = ?",
            (state, *values, seal_of(state, *values), *self._key(candidate)),
        )

    def _event(
        self, at: float, key: tuple[int | None, int | None], outcome: str, reason: str, detail: str
    ) -> None:
        said = float(at), *key, outcome, reason, _storable(detail)
        self._db.execute(
            "INSERT INTO event (at, class, rank, outcome, reason, detail, seal) VALUES (?,?,?,?,?,?,?)",
            (*said, seal_of(*said)),
        )

    def _key(self, candidate: Candidate) -> tuple[int, int]:
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
            (everyday,) = self._db.execute("PRAGMA synchronous").fetchone()
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
                self._db.execute(f"PRAGMA synchronous = {everyday}")


def _row_of(one: Candidate, number: Mapping[str, int], named: list[Row]) -> Row:
    """A candidate as the columns `LOADED` and their seal have it; `named` gets its group, if it has one."""
    if one.group:
        seal = seal_of(one.ytid, one.start_ms, one.group)
        named.append((number[one.class_name], one.rank, one.group, seal))
    also = " ".join(str(number[name]) for name in one.also) if one.also else ""
    row = (one.ytid, one.start_ms, one.end_ms, number[one.class_name], one.tier, one.rank, one.subset,
           also, join_classes(one.labels), one.split)  # fmt: skip
    return *row, seal_of(*row)


def _storable(text: str) -> str:
    """Text of a stranger without what UTF-8 cannot hold: JSON may bring half of a surrogate pair."""
    return text.encode("utf-8", "backslashreplace").decode()

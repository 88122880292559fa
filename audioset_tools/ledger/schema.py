"""The ledger's tables, how its file is opened, and what SQLite's errors mean to a user."""

import os
import sqlite3
import stat
import zlib
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ..disks import is_of_this_machine
from ..exceptions import DataMismatch, EnvironmentProblem
from ..installing import upgrade
from ..locks import has_byte_locks
from ..workspace import said
from .copies import INDEX, JOURNAL, LOG, copy_ledger, has_log_form, is_at_rest

RESTORE = "Restore it from a backup, or move it away and fetch into a new --workspace."

_NO_OTHER = "See that no other program has it open, then run the same command again; nothing is lost."
_ROOM = "See that the disk has room and is sound, then run the same command again; nothing is lost."
_RIGHTS = "See that you may write to the file and to its folder, where SQLite keeps two files beside it."

_MACHINE = {
    sqlite3.SQLITE_BUSY: _NO_OTHER,
    sqlite3.SQLITE_CANTOPEN: _RIGHTS,
    sqlite3.SQLITE_FULL: _ROOM,
    sqlite3.SQLITE_IOERR: _ROOM,
    sqlite3.SQLITE_LOCKED: _NO_OTHER,
    sqlite3.SQLITE_NOMEM: _ROOM,
    sqlite3.SQLITE_PERM: _RIGHTS,
    sqlite3.SQLITE_PROTOCOL: _NO_OTHER,
    sqlite3.SQLITE_READONLY: _RIGHTS,
}
"""Errors that lie with the machine, and what to do; every other one lies with the file."""

_NOT_IN_PLACE = {
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_READONLY,
}
"""What a reader meets where the index of a log cannot be made, or nothing can be locked."""

APPLICATION_ID = 0x41536574
VERSION = 5

_PAGE_BYTES = 8_192
"""A clip with its fingerprint has 1,900 bytes, of pages half as large two that would not be half full."""

WITHOUT_GROUPS = 4
"""The version before, whose ledgers lack one table."""

NAMED_GROUP = """
CREATE TABLE IF NOT EXISTS named_group (
    class INTEGER NOT NULL, rank INTEGER NOT NULL, name TEXT NOT NULL, seal INTEGER NOT NULL,
    PRIMARY KEY (class, rank)
) WITHOUT ROWID
"""

KEEP_TALLY = """
CREATE TRIGGER keep_tally AFTER UPDATE OF state, reason ON candidate BEGIN
    UPDATE tally SET n = n - 1 WHERE class = old.class AND state = old.state AND reason = old.reason;
    INSERT INTO tally VALUES (new.class, new.state, new.reason, 1)
        ON CONFLICT (class, state, reason) DO UPDATE SET n = n + 1;
END
"""


def seal_of(*values: object) -> int:
    """A checksum of the values of a row: SQLite has none, and with a flipped bit a row looks as true."""
    return sealed(
        "\x1f".join([f"x{value.hex()}" if isinstance(value, bytes) else str(value) for value in values])
    )


def sealed(text: str) -> int:
    """The checksum of values that are one text already: four bytes, with a sign."""
    return zlib.crc32(text.encode("utf-8", "surrogatepass")) - 2**31


NOT_TRIED = seal_of("queued", "", "", 0, None)
"""Of the standing of a candidate that nothing has happened to: `state` to `retry_at`."""

SCHEMA = f"""
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL, seal INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE candidate (
    class INTEGER NOT NULL, rank INTEGER NOT NULL,
    ytid TEXT NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL,
    tier INTEGER NOT NULL, subset TEXT NOT NULL, also TEXT NOT NULL,
    labels TEXT NOT NULL, split TEXT NOT NULL, seal INTEGER NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued', reason TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0, retry_at REAL, tried_at REAL,
    standing INTEGER NOT NULL DEFAULT ({NOT_TRIED}),
    PRIMARY KEY (class, rank)
) WITHOUT ROWID;
CREATE INDEX queued ON candidate (class, rank) WHERE state = 'queued';
CREATE INDEX waiting ON candidate (class, rank) WHERE state = 'waiting';
CREATE INDEX failed ON candidate (tried_at) WHERE state IN ('dead', 'waiting');
CREATE INDEX forgotten ON candidate (class, rank) WHERE reason = 'forgotten';
CREATE TABLE clip (
    class INTEGER NOT NULL, rank INTEGER NOT NULL,
    path TEXT NOT NULL, sha256 TEXT NOT NULL, seconds REAL NOT NULL, peak REAL NOT NULL, source TEXT NOT NULL,
    decoder TEXT NOT NULL, fingerprint BLOB NOT NULL,
    kept_path TEXT, kept_sha256 TEXT, kept_begins_ms INTEGER, seal INTEGER NOT NULL,
    PRIMARY KEY (class, rank)
) WITHOUT ROWID;
CREATE TABLE video (
    ytid TEXT PRIMARY KEY, channel_id TEXT NOT NULL, channel TEXT NOT NULL, title TEXT NOT NULL,
    seal INTEGER NOT NULL
) WITHOUT ROWID;
{NAMED_GROUP};
CREATE TABLE event (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, class INTEGER, rank INTEGER,
    outcome TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL, seal INTEGER NOT NULL
);
CREATE TABLE tally (
    class INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (class, state, reason)
) WITHOUT ROWID;
{KEEP_TALLY};
CREATE TABLE day (
    day INTEGER NOT NULL, class INTEGER NOT NULL, outcome TEXT NOT NULL, reason TEXT NOT NULL,
    n INTEGER NOT NULL,
    PRIMARY KEY (day, class, outcome, reason)
) WITHOUT ROWID;
CREATE TRIGGER keep_day AFTER INSERT ON event BEGIN
    INSERT INTO day VALUES (
        CAST(new.at / 86400 AS INTEGER), coalesce(new.class, -1), new.outcome, new.reason, 1
    ) ON CONFLICT (day, class, outcome, reason) DO UPDATE SET n = n + 1;
    UPDATE candidate SET tried_at = new.at WHERE class = new.class AND rank = new.rank;
END;
"""


def connect(path: Path, patience: float) -> sqlite3.Connection:
    """Open a ledger's file, making it if it is missing, to write to it as the only one.

    `patience` is how many seconds to wait for another program that has it locked. On a disk that machines
    share, or that has no locks, SQLite keeps no log, whose index would have to be in memory that all share:
    there the workspace's lock alone keeps others out, and readers take a copy.

    Raises:
        DataMismatch: the file is damaged, foreign, or written by another version.
        EnvironmentProblem: it is locked by another program.
    """
    _refuse_no_file(path)
    with_log = is_of_this_machine(path.parent) and has_byte_locks(path.parent)
    with speaking_to(path):
        db = _open(path, patience, "" if with_log else "?vfs=unix-none")
        try:
            if not with_log:
                db.execute("PRAGMA locking_mode = EXCLUSIVE")
            db.bound(path)
            _prepare(db, path, with_log)
        except BaseException:
            db.close()
            raise
    return db


def damage(path: Path) -> str | None:
    """What SQLite's own check of a ledger's pages finds wrong, or None; reads the whole file.

    Raises:
        DataMismatch: the file is too damaged to be opened, foreign, or written by another version.
        EnvironmentProblem: it is locked by another program.
    """
    with closing(connect_to_read(path, patience=10)) as db, speaking_to(path):
        (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
    return None if found == "ok" else said(found)


def connect_to_read(path: Path, patience: float, apart: bool = False) -> sqlite3.Connection:
    """Open a ledger's file for looking only, as it is at the first question; beside a running fetch, too.

    `patience` is how many seconds to wait for another program that has it locked; `apart` has a copy read,
    since SQLite leaves an index beside a log that it looked at.

    Raises:
        DataMismatch: the file is missing, empty, damaged, foreign, or written by another version.
        EnvironmentProblem: it cannot be read.
    """
    if not path.exists():
        raise DataMismatch(f"{path} does not exist", "Run first: audioset-tools fetch")
    _refuse_no_file(path)
    if is_of_this_machine(path.parent) and has_log_form(path) and not apart:
        # SQLite reads a log through an index beside it. Where that cannot be made, a ledger without a log is
        # read as a file that does not change.
        fixed = not os.access(path.parent, os.W_OK) and not _has_log(path)
        try:
            with speaking_to(path, but=_NOT_IN_PLACE):
                return _look(path, path, patience, "?mode=ro&immutable=1" if fixed else "?mode=ro")
        except sqlite3.OperationalError:
            # As a copy, then.
            pass
    elif is_at_rest(path):
        with speaking_to(path):
            return _look(path, path, patience, "?mode=ro&immutable=1")
    # SQLite has the copy open by the time that its folder goes.
    with TemporaryDirectory(prefix="audioset-tools-") as folder, speaking_to(path):
        return _look(path, copy_ledger(path, Path(folder), patience), patience, "?vfs=unix-none")


def _look(path: Path, at: Path, patience: float, how: str) -> sqlite3.Connection:
    """Open a ledger, or the copy of it that lies `at`, for looking only."""
    db = _open(at, patience, how)
    try:
        if at != path:
            # A log's index is then in this process's memory, and nothing is locked.
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.bound(path)
        if _is_empty(db, path):
            raise DataMismatch(f"{path} is empty", "Run first: audioset-tools fetch")
        if _version(db) == WITHOUT_GROUPS:
            # An empty one in its place, in memory.
            db.execute("PRAGMA temp_store = MEMORY")
            db.execute(NAMED_GROUP.replace("TABLE", "TEMP TABLE", 1))
        db.execute("BEGIN")
    except BaseException:
        db.close()
        raise
    return db


def _open(path: Path, patience: float, how: str) -> "_Connection":
    where = path.absolute().as_uri() + how if how else path
    db = sqlite3.connect(where, uri=bool(how), timeout=patience, isolation_level=None, factory=_Connection)
    assert isinstance(db, _Connection)
    return db


_MOST_STEPS = 300
_STEPS = 1_000_000
_BYTES_A_STEP = 50_000
"""A question about a sound ledger takes a step of SQLite's for ten bytes at most, and some in any case."""

_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 256_000_000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 8,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
}


class _Connection(sqlite3.Connection):
    """A connection to a file that may be anybody's: no question of ours takes for ever."""

    _asked = 0

    def bound(self, path: Path) -> None:
        """Trust nothing that the file brings along, and end a statement that no sound file needs."""

        def step() -> bool:
            self._asked += 1
            if self._asked < _MOST_STEPS:
                return False
            size = sum(found.stat().st_size for found in _beside(path) if found.exists())
            return self._asked > _MOST_STEPS + size // _BYTES_A_STEP

        for kind, most in _LIMITS.items():
            self.setlimit(kind, most)
        self.set_progress_handler(step, _STEPS)
        self.create_function("seal_of", -1, seal_of, deterministic=True)
        self.execute("PRAGMA trusted_schema = OFF")
        self.execute("PRAGMA cell_size_check = ON")

    def execute(self, *words: Any) -> sqlite3.Cursor:
        """Each statement has steps of its own."""
        self._asked = 0
        return super().execute(*words)


def _beside(path: Path) -> list[Path]:
    return [path, *(path.with_name(path.name + suffix) for suffix in (LOG, INDEX, JOURNAL))]


def _refuse_no_file(path: Path) -> None:
    """SQLite would wait for a pipe in the place of one of its files."""
    for one in _beside(path):
        try:
            mode = one.stat().st_mode
        except FileNotFoundError:
            continue
        except OSError as error:
            raise DataMismatch(f"{one} cannot be read: {error.strerror}", RESTORE) from error
        if stat.S_ISDIR(mode):
            raise DataMismatch(f"{one} is a folder, no ledger", RESTORE)
        if not stat.S_ISREG(mode):
            raise DataMismatch(f"{one} is no regular file", RESTORE)


def _has_log(path: Path) -> bool:
    log, index = (path.with_name(path.name + suffix) for suffix in (LOG, INDEX))
    return log.exists() and (index.exists() or log.stat().st_size > 0)


def _prepare(db: sqlite3.Connection, path: Path, with_log: bool) -> None:
    is_empty = _is_empty(db, path)
    if is_empty:
        db.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
    if with_log and (is_empty or not has_log_form(path)):
        db.execute("PRAGMA journal_mode = WAL")
    elif not with_log:
        db.execute("PRAGMA journal_mode = TRUNCATE")
    if is_empty:
        db.executescript(
            f"BEGIN; {SCHEMA}"
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT;"
        )
    elif _version(db) == WITHOUT_GROUPS:
        db.executescript(f"BEGIN IMMEDIATE; {NAMED_GROUP}; PRAGMA user_version = {VERSION}; COMMIT;")
    # A clip is on disk before it is recorded: an outcome lost in a power cut is only fetched again. Without a
    # log, though, a ledger might be damaged.
    db.execute(f"PRAGMA synchronous = {'NORMAL' if with_log else 'FULL'}")


def _is_empty(db: sqlite3.Connection, path: Path) -> bool:
    """Whether a database holds nothing yet; anything that is no ledger of ours is refused."""
    (application_id,) = db.execute("PRAGMA application_id").fetchone()
    version = _version(db)
    (objects,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application_id == 0 and objects == 0:
        return True
    if application_id != APPLICATION_ID:
        raise DataMismatch(f"{path} is not a ledger of audioset-tools", "Choose another --workspace.")
    if version > VERSION:
        raise DataMismatch(
            f"{path} was written by a newer audioset-tools (ledger version {version})",
            upgrade(),
        )
    if version < WITHOUT_GROUPS:
        raise DataMismatch(
            f"{path} was written by an older audioset-tools (ledger version {version})",
            f"Fetch into a new --workspace; --source local:{path.parent / 'clips'} takes its clips along.",
        )
    if _schema(db) != frozenset(one for one in _ours() if version == VERSION or one[1] != "named_group"):
        raise DataMismatch(f"{path} is damaged: it has other tables than a ledger", RESTORE)
    return False


def _version(db: sqlite3.Connection) -> int:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)


Schema = frozenset[tuple[str, str, str]]


def _schema(db: sqlite3.Connection) -> Schema:
    """What is in a file besides rows: a view or a trigger of a stranger would run in the name of a table."""
    found = db.execute("SELECT type, name, sql FROM sqlite_schema LIMIT 100").fetchall()
    return frozenset((kind, name, " ".join(str(sql).split())) for kind, name, sql in found)


@cache
def _ours() -> Schema:
    with closing(sqlite3.connect(":memory:")) as db:
        db.executescript(SCHEMA)
        return _schema(db)


def identity(path: Path) -> tuple[int, int] | None:
    """Which file lies at a path, or None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


@contextmanager
def speaking_to(path: Path, but: Collection[int] = ()) -> Iterator[None]:
    """Turn SQLite's errors about the ledger at `path` into ours, but for those of the kinds `but`."""
    try:
        yield
    except sqlite3.Error as error:
        if _kind(error) in but:
            raise
        if remedy := _MACHINE.get(_kind(error)):
            raise EnvironmentProblem(f"the ledger {path} cannot be used: {said(error)}", remedy) from error
        raise DataMismatch(f"{path} is damaged or no ledger: {said(error)}", RESTORE) from error
    except UnicodeDecodeError as error:
        # SQLite quotes a damaged schema in its message.
        raise DataMismatch(f"{path} is damaged: {said(error)}", RESTORE) from error


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """The same around code that makes nouns of rows: a row that cannot be one is damage too."""
    try:
        with speaking_to(path):
            yield
    except (ValueError, TypeError, LookupError, OverflowError) as error:
        raise DataMismatch(
            f"{path} is damaged: what is stored makes no sense ({said(error)})", RESTORE
        ) from error


def _kind(error: sqlite3.Error) -> int:
    """The primary code: the upper bytes of an extended one only say more about the lowest."""
    return int(getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)) & 0xFF

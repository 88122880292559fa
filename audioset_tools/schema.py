"""The ledger's tables, how its file is opened, and what SQLite's errors mean to a user."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from .errors import DataMismatch, EnvironmentProblem

APPLICATION_ID = 0x41536574
VERSION = 1

SCHEMA = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE candidate (
    class INTEGER NOT NULL, rank INTEGER NOT NULL,
    ytid TEXT NOT NULL, start_ms INTEGER NOT NULL, end_ms INTEGER NOT NULL,
    tier INTEGER NOT NULL, subset TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'queued', reason TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '',
    attempts INTEGER NOT NULL DEFAULT 0, retry_at REAL,
    PRIMARY KEY (class, rank)
) WITHOUT ROWID;
CREATE INDEX waiting ON candidate (class, rank) WHERE state = 'waiting';
CREATE TABLE clip (
    class INTEGER NOT NULL, rank INTEGER NOT NULL,
    path TEXT NOT NULL, sha256 TEXT NOT NULL, seconds REAL NOT NULL, peak REAL NOT NULL, source TEXT NOT NULL,
    PRIMARY KEY (class, rank)
) WITHOUT ROWID;
CREATE TABLE event (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, class INTEGER, rank INTEGER,
    outcome TEXT NOT NULL, reason TEXT NOT NULL, detail TEXT NOT NULL
);
CREATE TABLE tally (
    class INTEGER NOT NULL, state TEXT NOT NULL, reason TEXT NOT NULL, n INTEGER NOT NULL,
    PRIMARY KEY (class, state, reason)
) WITHOUT ROWID;
CREATE TRIGGER keep_tally AFTER UPDATE OF state, reason ON candidate BEGIN
    UPDATE tally SET n = n - 1 WHERE class = old.class AND state = old.state AND reason = old.reason;
    INSERT INTO tally VALUES (new.class, new.state, new.reason, 1)
        ON CONFLICT (class, state, reason) DO UPDATE SET n = n + 1;
END;
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open a ledger's file, making it if it is missing.

    Raises:
        DataMismatch: the file is damaged, foreign, or written by a newer version.
        EnvironmentProblem: it is locked by another program.
    """
    with speaking_to(path):
        db = sqlite3.connect(path, timeout=10, isolation_level=None)
        try:
            _prepare(db, path)
        except BaseException:
            db.close()
            raise
    return db


def damage(path: Path) -> str | None:
    """What SQLite's own check of a ledger's pages finds wrong, or None; reads the whole file.

    Raises:
        DataMismatch: the file is too damaged to be opened, foreign, or written by a newer version.
        EnvironmentProblem: it is locked by another program.
    """
    with closing(connect(path)) as db, speaking_to(path):
        (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
    return None if found == "ok" else str(found)


def _prepare(db: sqlite3.Connection, path: Path) -> None:
    (application_id,) = db.execute("PRAGMA application_id").fetchone()
    (version,) = db.execute("PRAGMA user_version").fetchone()
    (objects,) = db.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application_id == 0 and objects == 0:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(
            f"BEGIN; {SCHEMA}"
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {VERSION}; COMMIT;"
        )
    elif application_id != APPLICATION_ID:
        raise DataMismatch(f"{path} is not a ledger of audioset-tools", "Choose another --workspace.")
    elif version > VERSION:
        raise DataMismatch(
            f"{path} was written by a newer audioset-tools (ledger version {version})",
            "Upgrade: pip install --upgrade audioset-tools",
        )
    # A clip is on disk before the ledger speaks of it: an outcome lost in a power cut is only fetched again.
    db.execute("PRAGMA synchronous = NORMAL")


@contextmanager
def speaking_to(path: Path) -> Iterator[None]:
    """Turn SQLite's errors about the ledger at `path` into ours."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise EnvironmentProblem(
            f"the ledger {path} cannot be used: {error}",
            "See that no other program has it open and that the disk has room, then run the command again.",
        ) from error
    except sqlite3.DatabaseError as error:
        raise DataMismatch(
            f"{path} is damaged or no ledger: {error}",
            "Restore it from a backup, or move it away and fetch into a new --workspace.",
        ) from error

"""Whatever befalls a ledger's file, the answer is an error with a remedy, and what was recorded is kept."""

import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from audioset_tools.audio.fingerprint import FINGERPRINT_BYTES
from audioset_tools.exceptions import AudiosetToolsError, DataMismatch, EnvironmentProblem
from audioset_tools.fetch.plausibility import doubtful
from audioset_tools.ledger import Ledger, schema
from audioset_tools.ledger.changes import contradictions, refuse_damage
from audioset_tools.ledger.queries import (
    accepted_from,
    days,
    events,
    failures,
    failures_in_a_row,
    last_accepted_at,
    lately_accepted,
)
from audioset_tools.ledger.schema import KEEP_TALLY
from audioset_tools.types import Failure, Reason, VideoInfo
from tests.factories import both, clip, loaded


def used(path: Path, n: int = 300) -> Path:
    """A ledger with clips, failures and several pages, closed."""
    with loaded(path, n) as ledger:
        for one in both(n)[: n // 2]:
            if one.rank % 3 != 2:
                ledger.accept(one, clip(one), at=one.rank)
            else:
                ledger.fail(one, Failure(one.key, Reason.REMOVED, "gone " * 20, 1, None), at=one.rank)
    return path


def ask_all(path: Path, read_only: bool = False) -> None:
    """All that a fetch and its user ask of a ledger, and an outcome."""
    with Ledger(path, read_only, patience=0.05) as ledger:
        ledger.tallies(), ledger.clips(), list(failures(ledger)), days(ledger)
        failures_in_a_row(ledger, doubtful), contradictions(ledger, deep=True)
        lately_accepted(ledger, "test", 10), last_accepted_at(ledger, "test"), accepted_from(ledger)
        for name in ledger.class_names:
            ledger.next_queued(name, -1), ledger.waiting(name)
        if not read_only and (one := ledger.next_queued(ledger.class_names[0], -1)):
            ledger.accept(one, clip(one), at=1e9)


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("seed", range(25))
def test_flipped_bytes_and_lost_ends_are_told_or_do_no_harm(
    tmp_path: Path, seed: int, read_only: bool
) -> None:
    """Never a traceback: damage is told as such wherever it is met, or was in nothing that is used."""
    path, rng = used(tmp_path / "ledger.sqlite"), random.Random(seed)
    content = bytearray(path.read_bytes())
    for _ in range(rng.choice([1, 30, 3_000])):
        content[rng.randrange(len(content))] = rng.randrange(256)
    path.write_bytes(content[: rng.randrange(len(content))] if seed % 3 == 0 else content)
    try:
        ask_all(path, read_only)
    except DataMismatch as error:
        assert str(path) in error.what
        assert error.remedy
    except EnvironmentProblem as error:
        # A damaged header may ask for what this SQLite cannot do, such as writing.
        assert str(path) in error.what


def test_a_page_of_rubbish_is_told_before_days_of_work(tmp_path: Path) -> None:
    path = used(tmp_path / "ledger.sqlite")
    with path.open("r+b") as file:
        file.seek(5 * 4096)
        file.write(b"\xff" * 4096)
    with pytest.raises(DataMismatch, match="damaged") as caught, Ledger(path) as ledger:
        refuse_damage(ledger)
    assert "backup" in caught.value.remedy


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE candidate SET ytid = '../../etc/x'",
        "UPDATE candidate SET start_ms = 'soon'",
        "UPDATE event SET class = 1, rank = 29; UPDATE candidate SET tier = 'x' WHERE rank = 29",
        "UPDATE tally SET reason = 'nonsense'",
        "UPDATE tally SET state = 'nowhere' WHERE state = 'queued'",
        "UPDATE meta SET value = '[' WHERE name = 'origin'",
        "UPDATE clip SET peak = 'loud'",
        "DROP TABLE clip",
        "UPDATE event SET reason = 'nonsense'",
    ],
)
@pytest.mark.parametrize("read_only", [False, True])
def test_rows_that_make_no_sense_are_damage(tmp_path: Path, change: str, read_only: bool) -> None:
    path = used(tmp_path / "ledger.sqlite", 30)
    with sqlite3.connect(path) as db:
        db.execute("DROP TRIGGER keep_tally")
        db.executescript(change)
    db.close()
    with pytest.raises(DataMismatch):
        ask_all(path, read_only)


@pytest.mark.parametrize("by", [-2, 7])
def test_candidates_of_no_class_are_told(tmp_path: Path, by: int) -> None:
    path = used(tmp_path / "ledger.sqlite", 30)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE candidate SET class = class + ?", (by,))
    db.close()
    with Ledger(path) as ledger:
        assert contradictions(ledger, deep=False)
    with pytest.raises(DataMismatch), Ledger(path) as ledger:
        list(failures(ledger))


@pytest.mark.parametrize("read_only", [False, True])
def test_a_folder_in_its_place(tmp_path: Path, read_only: bool) -> None:
    path = tmp_path / "ledger.sqlite"
    path.mkdir()
    with pytest.raises(DataMismatch, match="folder"):
        Ledger(path, read_only)


@pytest.mark.parametrize("how", ["writing", "exclusively"])
def test_locked_by_another_program(tmp_path: Path, how: str) -> None:
    path = used(tmp_path / "ledger.sqlite")
    other = sqlite3.connect(path, isolation_level=None)
    if how == "exclusively":
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN IMMEDIATE")
    other.execute("INSERT INTO meta VALUES ('theirs', '', 0)")
    with pytest.raises(EnvironmentProblem, match="locked") as caught:
        ask_all(path)
    assert "no other program" in caught.value.remedy
    other.execute("ROLLBACK")
    other.close()
    ask_all(path)


def test_a_full_disk_loses_one_outcome_and_no_other(tmp_path: Path) -> None:
    path = used(tmp_path / "ledger.sqlite")
    with Ledger(path) as ledger:
        before = ledger.clips()
        (pages,) = ledger._db.execute("PRAGMA page_count").fetchone()
        ledger._db.execute(f"PRAGMA max_page_count = {pages + 20}")
        kept = 0
        with pytest.raises(EnvironmentProblem, match="full") as caught:
            while one := ledger.next_queued("Other", -1):
                ledger.fail(one, Failure(one.key, Reason.UNKNOWN, "x" * 3_000, 1, None), at=1)
                kept += 1
        assert "room" in caught.value.remedy and 0 < kept < 150
        # It is out of no transaction and takes what comes once there is room.
        assert ledger.next_queued("Other", -1) == one
        ledger._db.execute("PRAGMA max_page_count = 1000000")
        ledger.fail(one, Failure(one.key, Reason.UNKNOWN, "x" * 3_000, 1, None), at=1)
    with Ledger(path) as ledger:
        assert contradictions(ledger, deep=True) == []
        assert ledger.clips() == before
        assert sum(t.n for t in ledger.tallies() if t.reason is Reason.UNKNOWN) == kept + 1


@pytest.mark.parametrize("how", ["deleted", "moved", "replaced"])
def test_taken_away_while_in_use(tmp_path: Path, how: str) -> None:
    path = used(tmp_path / "w" / "ledger.sqlite") if (tmp_path / "w").mkdir() is None else None
    assert path
    with Ledger(path) as ledger:
        one = ledger.next_queued("Other", -1)
        assert one
        if how == "deleted":
            shutil.rmtree(path.parent)
        else:
            path.parent.rename(tmp_path / "away")
        if how == "replaced":
            path.parent.mkdir()
            used(path)
        with pytest.raises(EnvironmentProblem, match="moved or deleted"):
            ledger.accept(one, clip(one), at=1)
    if how == "moved":
        (tmp_path / "away").rename(path.parent)
        ask_all(path)


@pytest.fixture
def left_by_a_kill() -> Iterator[Path]:
    """A ledger with its later outcomes only in the log beside it."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        used(folder / "live.sqlite")
        with Ledger(folder / "live.sqlite") as writer:
            for _ in range(20):
                one = writer.next_queued("Other", -1)
                assert one
                writer.accept(one, clip(one), at=5)
            for suffix in ("", "-wal"):
                shutil.copy(f"{writer.path}{suffix}", folder / f"ledger.sqlite{suffix}")
        yield folder / "ledger.sqlite"
        folder.chmod(0o755)


@pytest.mark.parametrize("harm", ["lost", "empty", "cut", "flipped", "rubbish"])
def test_a_log_harmed_after_a_kill_costs_the_last_outcomes_at_most(left_by_a_kill: Path, harm: str) -> None:
    log = left_by_a_kill.with_name("ledger.sqlite-wal")
    content = log.read_bytes()
    half = len(content) // 2
    if harm == "lost":
        log.unlink()
    else:
        flipped = content[:half] + bytes([content[half] ^ 255]) + content[half + 1 :]
        harmed = {"empty": b"", "cut": content[:half], "flipped": flipped, "rubbish": b"rubbish" * 5_000}
        log.write_bytes(harmed[harm])
    with Ledger(left_by_a_kill) as ledger:
        refuse_damage(ledger)
        assert contradictions(ledger, deep=True) == []
        others = [one for one, _ in ledger.clips() if one.class_name == "Other"]
        assert others == both(300)[300 : 300 + len(others)]
        assert len(others) == 0 if harm in ("lost", "empty", "rubbish") else 0 < len(others) < 20
    ask_all(left_by_a_kill)


def test_a_log_lost_before_the_first_outcome_leaves_the_candidates(tmp_path: Path) -> None:
    with loaded(tmp_path / "ledger.sqlite") as ledger:
        shutil.copy(ledger.path, tmp_path / "alone.sqlite")
    with Ledger(tmp_path / "alone.sqlite") as ledger:
        assert ledger.next_queued("Piano", -1) == both(5)[0]


@pytest.fixture
def as_nobody(left_by_a_kill: Path) -> Iterator[None]:
    """May only read: root could write all the same."""
    for path in left_by_a_kill.parent.iterdir():
        path.chmod(0o444)
    left_by_a_kill.parent.chmod(0o555)
    root = os.geteuid() == 0
    if root:
        os.setresuid(65_534, 65_534, 0)
    yield
    if root:
        os.setresuid(0, 0, 0)


def test_a_file_that_cannot_be_written_to(left_by_a_kill: Path, as_nobody: None) -> None:
    for name in ("ledger.sqlite", "live.sqlite"):
        with pytest.raises(EnvironmentProblem, match="cannot be used") as caught:
            ask_all(left_by_a_kill.with_name(name))
        assert "write" in caught.value.remedy


def test_every_error_of_a_ledger_has_two_lines(tmp_path: Path) -> None:
    with pytest.raises(AudiosetToolsError) as caught:
        Ledger(tmp_path / "nowhere" / "ledger.sqlite")
    assert caught.value.exit_code == 5 and caught.value.remedy


def kept(path: Path) -> list[tuple[object, ...]]:
    """All that is written in a ledger."""
    tables = ("candidate", "clip", "video", "event", "tally", "day", "meta")
    with Ledger(path, read_only=True) as ledger:
        return [row for table in tables for row in ledger.rows(f"SELECT * FROM {table}")]


@pytest.mark.parametrize("seed", range(2))
def test_a_flipped_bit_makes_no_other_ledger(tmp_path: Path, seed: int) -> None:
    """It is refused, told by `verify`, or changes nothing that anybody reads."""
    path, rng = used(tmp_path / "ledger.sqlite", 60), random.Random(seed)
    content, before = path.read_bytes(), set(kept(path))
    silent = 0
    for _ in range(60):
        for old in tmp_path.iterdir():
            old.unlink()
        flipped = bytearray(content)
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
        path.write_bytes(flipped)
        try:
            with Ledger(path) as ledger:
                refuse_damage(ledger)
                told = contradictions(ledger, deep=True)
                ledger.clips(), list(failures(ledger))
            silent += not told and not before.issuperset(kept(path))
        except DataMismatch:
            pass
    assert silent <= 1


CELLS = {
    "UPDATE candidate SET ytid = 'P000000005B' WHERE class = 0 AND rank = 5": "not those that were loaded",
    "UPDATE candidate SET labels = '/m/1' WHERE class = 0 AND rank = 5": "not those that were loaded",
    "UPDATE candidate SET attempts = 4 WHERE class = 0 AND rank = 2": "the states of 1 candidates",
    "UPDATE candidate SET state = 'queueD' WHERE class = 1 AND rank = 9": "in no state that there is",
    "UPDATE candidate SET tried_at = 5 WHERE class = 0 AND rank = 2": "tried at another time",
    "UPDATE clip SET sha256 = replace(sha256, 'a', 'c') WHERE rank = 0": "clips are not those",
    "UPDATE clip SET seconds = -1 WHERE rank = 0": "no sha256, length or peak",
    "UPDATE event SET detail = 'x' WHERE id = 1": "events are not those",
    "UPDATE event SET at = 9e15 WHERE id = 1": "events have no time",
    "UPDATE day SET n = n + 1": "counts of days",
    "UPDATE tally SET n = n + 1": "counts differ",
    "UPDATE video SET title = 'x'": "videos are not as",
    "DELETE FROM clip WHERE rank = 0": "accepted and have no clip",
}


@pytest.mark.parametrize("change", CELLS)
def test_a_changed_cell_is_told(tmp_path: Path, change: str) -> None:
    path = tmp_path / "ledger.sqlite"
    with loaded(path, 10) as ledger:
        for one in both(10)[:6]:
            if one.rank == 2:
                ledger.fail(one, Failure(one.key, Reason.REMOVED, "gone", 1, None), at=3)
            else:
                ledger.accept(one, replace(clip(one), video=VideoInfo("UC", "who", "what")), at=one.rank)
        ledger._db.execute("DROP TRIGGER keep_tally")
        ledger._db.execute(change)
        ledger._db.execute(KEEP_TALLY)
        assert CELLS[change] in "; ".join(contradictions(ledger, deep=False))
    try:
        with Ledger(path) as ledger:
            refuse_damage(ledger)
            ledger.clips(), list(failures(ledger)), list(events(ledger))
    except DataMismatch as error:
        assert error.remedy


HOSTILE = {
    "a view that never ends": (
        "DROP TABLE tally; CREATE VIEW tally AS"
        " WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n)"
        " SELECT i AS class, 'queued' AS state, '' AS reason, 1 AS n FROM n"
    ),
    "a view in place of the notes": (
        "ALTER TABLE meta RENAME TO other; CREATE VIEW meta AS SELECT name, value, seal FROM other"
    ),
    "a trigger": "CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM clip; END",
    "another trigger": (
        "DROP TRIGGER keep_day; CREATE TRIGGER keep_day AFTER INSERT ON event BEGIN SELECT 1; END"
    ),
    "a table more": "CREATE TABLE more (x)",
    "an index less": "DROP INDEX queued",
    "a column that is made": "ALTER TABLE video ADD COLUMN x AS (hex(zeroblob(1e9)))",
}


@pytest.mark.parametrize("read_only", [False, True])
@pytest.mark.parametrize("name", HOSTILE)
def test_tables_of_a_stranger_are_refused(tmp_path: Path, name: str, read_only: bool) -> None:
    path = used(tmp_path / "ledger.sqlite", 3)
    with closing(sqlite3.connect(path)) as db:
        db.executescript(HOSTILE[name])
    with pytest.raises(DataMismatch, match="other tables"):
        Ledger(path, read_only)


def test_a_question_without_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "_MOST_STEPS", 2)
    endless = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    with loaded(tmp_path / "ledger.sqlite") as ledger, pytest.raises(DataMismatch, match="interrupted"):
        list(ledger.rows(endless))


@pytest.mark.parametrize("suffix", ["", "-wal", "-journal"])
@pytest.mark.parametrize("read_only", [False, True])
def test_a_pipe_in_the_place_of_one_of_its_files(tmp_path: Path, suffix: str, read_only: bool) -> None:
    path = used(tmp_path / "ledger.sqlite", 3)
    beside = path.with_name(path.name + suffix)
    beside.unlink(missing_ok=True)
    os.mkfifo(beside)
    with pytest.raises(DataMismatch, match="no regular file"):
        Ledger(path, read_only)


def with_prints(path: Path, n: int) -> Path:
    """A ledger of n clips with fingerprints and words of their usual length, closed."""
    with loaded(path, n) as ledger:
        for one in both(n)[:n]:
            words = {"source": f"local unbal_train{one.rank % 41:02}.tar/Y{one.ytid}.flac flac/s16 48000 Hz"}
            ledger.accept(one, replace(clip(one), fingerprint=os.urandom(FINGERPRINT_BYTES), **words), at=0)
    return path


def test_four_clips_share_a_page_and_a_ledger_of_smaller_pages_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = with_prints(tmp_path / "now.sqlite", 400)
    monkeypatch.setattr(schema, "_PAGE_BYTES", 4_096)
    then = with_prints(tmp_path / "then.sqlite", 400)
    monkeypatch.undo()
    assert now.stat().st_size < 0.6 * then.stat().st_size
    with Ledger(then) as ledger:
        ledger.accept(both(400)[-1], clip(both(400)[-1]), at=0)
    with Ledger(then, read_only=True) as ledger, Ledger(now, read_only=True) as other:
        assert len(ledger.clips()) == 401 and [*ledger.rows("PRAGMA page_size")] == [(4_096,)]
        assert len(other.clips()) == 400 and [*other.rows("PRAGMA page_size")] == [(8_192,)]

"""Whatever befalls a ledger's file, the answer is an error with a remedy, and what was recorded is kept."""

import os
import random
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from audioset_tools.errors import AudiosetToolsError, DataMismatch, EnvironmentProblem
from audioset_tools.fetch.suspicion import doubtful
from audioset_tools.history import days, failures, failures_in_a_row, lately_accepted
from audioset_tools.ledger import Ledger
from audioset_tools.types import Failure, Reason
from audioset_tools.upkeep import contradictions, refuse_damage

from .test_ledger import candidates, clip, loaded


def used(path: Path, n: int = 300) -> Path:
    """A ledger with clips, failures and several pages, closed."""
    with loaded(path, n) as ledger:
        for one in candidates(n)[: n // 2]:
            if one.rank % 3 != 2:
                ledger.accept(one, clip(one), at=one.rank)
            else:
                ledger.fail(one, Failure(one.key, Reason.REMOVED, "gone " * 20, 1, None), at=one.rank)
    return path


def ask_all(path: Path, read_only: bool = False) -> None:
    """All that a fetch and its user ask of a ledger, and an outcome."""
    with Ledger(path, read_only, patience=0.05) as ledger:
        ledger.tallies(), ledger.clips(), list(failures(ledger)), days(ledger)
        failures_in_a_row(ledger, doubtful), lately_accepted(ledger, 10), contradictions(ledger, deep=True)
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
    other.execute("INSERT INTO meta VALUES ('theirs', '')")
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
        assert others == candidates(300)[300 : 300 + len(others)]
        assert len(others) == 0 if harm in ("lost", "empty", "rubbish") else 0 < len(others) < 20
    ask_all(left_by_a_kill)


def test_a_log_lost_before_the_first_outcome_leaves_the_candidates(tmp_path: Path) -> None:
    with loaded(tmp_path / "ledger.sqlite") as ledger:
        shutil.copy(ledger.path, tmp_path / "alone.sqlite")
    with Ledger(tmp_path / "alone.sqlite") as ledger:
        assert ledger.next_queued("Piano", -1) == candidates(5)[0]


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

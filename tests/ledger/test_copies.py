"""On a disk that machines share, or that has no locks, a ledger has no log, and is read as of one moment."""

import errno
import fcntl
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from audioset_tools.exceptions import EnvironmentProblem
from audioset_tools.ledger import Ledger, copies, schema
from audioset_tools.ledger.changes import contradictions, refuse_damage
from audioset_tools.ledger.copies import copy_ledger, has_log_form, is_at_rest
from audioset_tools.workspace import Workspace
from tests.factories import both, clip, loaded


@pytest.fixture(params=["shared", "no locks"])
def elsewhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the ledger lay on such a disk."""
    if request.param == "shared":
        monkeypatch.setattr(schema, "is_of_this_machine", lambda folder: False)
        return

    def refuse(*words: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "lockf", refuse)


def accept(ledger: Ledger, n: int) -> None:
    for one in both(20)[:n]:
        ledger.accept(one, clip(one), at=one.rank)


@pytest.mark.usefixtures("elsewhere")
def test_it_has_no_log_and_is_read_beside_its_writer(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with loaded(path, 20) as writer:
        accept(writer, 3)
        assert not has_log_form(path)
        with Ledger(path, read_only=True) as reader:
            accept(writer, 5)
            assert len(reader.clips()) in (3, 5)
        refuse_damage(writer)
    assert {one.name for one in tmp_path.iterdir()} <= {"ledger.sqlite", "ledger.sqlite-journal"}
    with Ledger(path, read_only=True) as reader:
        assert len(reader.clips()) == 5 and contradictions(reader, deep=True) == []


def test_a_ledger_that_is_moved_there_and_back_keeps_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    live, path = tmp_path / "live.sqlite", tmp_path / "there" / "ledger.sqlite"
    path.parent.mkdir()
    with loaded(live, 20) as writer:
        accept(writer, 3)
        for suffix in ("", "-wal"):
            shutil.copy(f"{live}{suffix}", f"{path}{suffix}")
    with monkeypatch.context() as there:
        there.setattr(schema, "is_of_this_machine", lambda folder: False)
        with Ledger(path, read_only=True) as reader:
            assert len(reader.clips()) == 3 and has_log_form(path)
        with Ledger(path) as writer:
            accept(writer, 5)
        assert not has_log_form(path)
    with Ledger(path) as writer:
        assert len(writer.clips()) == 5 and has_log_form(path)
        refuse_damage(writer)


def test_what_a_killed_process_left_of_a_transaction_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema, "is_of_this_machine", lambda folder: False)
    path, killed = tmp_path / "live.sqlite", tmp_path / "killed" / "ledger.sqlite"
    killed.parent.mkdir()
    with loaded(path, 300) as writer:
        accept(writer, 3)
        writer._db.execute("PRAGMA cache_size = 1")
        with pytest.raises(KeyboardInterrupt), writer.transaction() as execute:
            execute("UPDATE candidate SET detail = hex(zeroblob(500))")
            for suffix in ("", "-journal"):
                shutil.copy(f"{path}{suffix}", f"{killed}{suffix}")
            raise KeyboardInterrupt
    assert b"0000" * 50 in killed.read_bytes() and not is_at_rest(killed)
    before = killed.read_bytes()
    with Ledger(killed, read_only=True) as reader:
        assert len(reader.clips()) == 3 and contradictions(reader, deep=True) == []
    assert killed.read_bytes() == before
    with Ledger(killed) as writer:
        assert len(writer.clips()) == 3 and contradictions(writer, deep=True) == []


def test_a_copy_is_made_again_until_nobody_wrote_meanwhile(tmp_path: Path) -> None:
    path, folder, waits = tmp_path / "ledger.sqlite", tmp_path / "copy", list[float]()
    folder.mkdir()
    copied = copies._copy
    with loaded(path, 20) as ledger:
        accept(ledger, 1)
    with closing(sqlite3.connect(path)) as db, pytest.MonkeyPatch.context() as patch:

        def meanwhile(at: Path, to: Path) -> Path:
            made = copied(at, to)
            if len(waits) < 2:
                db.execute("PRAGMA journal_mode = TRUNCATE")
                db.execute(f"UPDATE meta SET value = '{len(waits)}'")
                db.commit()
            return made

        patch.setattr(copies, "_copy", meanwhile)
        assert copy_ledger(path, folder, 1.0, waits.append) == folder / "ledger.sqlite"
        assert len(waits) == 2 and (folder / "ledger.sqlite").read_bytes() == path.read_bytes()
        patch.setattr(copies, "_moment", lambda at, n=iter(range(99)): next(n))
        with pytest.raises(EnvironmentProblem, match="without a pause"):
            copy_ledger(path, folder, 0.5, waits.append)


def test_at_rest_is_what_nobody_else_may_write_to(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    with loaded(path, 5):
        pass
    code = f"""
from audioset_tools.workspace import Workspace
with Workspace({str(tmp_path)!r}).lock():
    input(print("held", flush=True))
"""
    with subprocess.Popen([sys.executable, "-c", code], stdin=-1, stdout=-1, text=True) as child:
        assert child.stdout is not None and child.stdout.readline() == "held\n"
        assert not is_at_rest(path)
        child.communicate("\n")
    assert is_at_rest(path)
    with Workspace(tmp_path).lock():
        assert is_at_rest(path)


def test_a_ledger_that_cannot_be_copied_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "there" / "ledger.sqlite"
    path.parent.mkdir()
    with loaded(path, 5):
        pass

    def full(*words: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(shutil, "copyfileobj", full)
    with pytest.raises(EnvironmentProblem, match=r"cannot be copied to .*: No space left"):
        copy_ledger(path, tmp_path, 0.0)

"""What works on a disk is tried there, nothing is left behind, and each lack is told."""

import errno
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from audioset_tools.doctor import disk
from audioset_tools.doctor.check import Level
from audioset_tools.workspace import Workspace


def refuse(number: int) -> Callable[..., None]:
    def refused(*words: object, **further: object) -> None:
        raise OSError(number, os.strerror(number))

    return refused


def test_on_a_disk_of_this_machine_all_works_and_nothing_is_left(tmp_path: Path) -> None:
    found = disk.works(Workspace(tmp_path / "w"))
    assert found.verdict is Level.OK and found.remedy == ""
    assert found.found == (
        "renaming over a file, flushing, maps, hard links, symbolic links;"
        " locks keep a second process out; a ledger with a log"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_disk_without_locks_and_links_is_no_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((fcntl, "flock"), (fcntl, "lockf"), (os, "link")):
        monkeypatch.setattr(module, name, refuse(errno.ENOSYS))
    found = disk.works(Workspace(tmp_path))
    assert found.verdict is Level.OK
    assert "no locks of the kernel: leases alone" in found.found and "a ledger without a log" in found.found
    assert found.found.endswith("without: hard links (Function not implemented)")


def test_locks_that_keep_nobody_out_are_told(tmp_path: Path) -> None:
    assert "keep no second process out" in disk.works(Workspace(tmp_path), "").found


def test_a_disk_on_which_nothing_arrives_whole_is_a_problem(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "replace", refuse(errno.EPERM))
    found = disk.works(Workspace(tmp_path))
    assert found.verdict is Level.PROBLEM and found.remedy
    assert "renaming over a file (Operation not permitted)" in found.found


def test_where_nothing_can_be_written_nothing_is_tried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert disk.works(Workspace(tmp_path)).found.startswith("not tried")

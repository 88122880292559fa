"""A ledger read as a copy: where SQLite cannot read it in place beside whoever writes.

In place it would have to lock the file, which some disks cannot and whoever writes would wait for, or keep an
index in memory that machines do not share. A copy is of one moment: it is made again if anything was written
meanwhile, and what a killed process left of a transaction comes along, so that SQLite takes it back in there.
"""

import shutil
import time
from collections.abc import Callable
from pathlib import Path

from ..exceptions import EnvironmentProblem
from ..files import open_file, remedy_of
from ..locks import holders
from ..processes import this_process

LOG, INDEX, JOURNAL = "-wal", "-shm", "-journal"
"""What SQLite keeps beside a file: a log of what is new and an index of it, or what was before."""

_NO_LOG = b"\x01\x01"
_BETWEEN_TRIES = 0.1


def has_log_form(path: Path) -> bool:
    """Whether a ledger is read and written through a log; one that says nothing of it counts as such."""
    return _head(path, 20)[18:] != _NO_LOG


def is_at_rest(path: Path) -> bool:
    """Whether a ledger's file alone says all, and no other process may write to it now."""
    return not any(_size(path, suffix) for suffix in (LOG, JOURNAL)) and not _others_write(path)


def copy_ledger(
    path: Path, folder: Path, patience: float, sleep: Callable[[float], None] = time.sleep
) -> Path:
    """Copy a ledger with what lies beside it, as it was at one moment.

    Args:
        path: the ledger, which others may write to.
        folder: where the copy goes; nobody else knows of it.
        patience: seconds for as long as which it is tried again after others have written.
        sleep: waits for so many seconds.

    Raises:
        EnvironmentProblem: it cannot be read, there is no room, or others never paused.
    """
    for _ in range(1 + int(patience / _BETWEEN_TRIES)):
        try:
            before = _moment(path)
            copied = _copy(path, folder)
            if before == _moment(path) and not (_size(path, JOURNAL) and _others_write(path)):
                return copied
        except OSError as error:
            raise EnvironmentProblem(
                f"{path} cannot be copied to {folder} to be read: {error.strerror}", remedy_of(error)
            ) from error
        sleep(_BETWEEN_TRIES)
    raise EnvironmentProblem(
        f"{path} is written to without a pause",
        "Run the same command again, or when the other one has ended.",
    )


def _copy(path: Path, folder: Path) -> Path:
    for suffix in ("", LOG, JOURNAL):
        target = folder / (path.name + suffix)
        target.unlink(missing_ok=True)
        try:
            source = open_file(_beside(path, suffix))
        except FileNotFoundError:
            if not suffix:
                raise
            continue
        with source, target.open("wb") as to:
            shutil.copyfileobj(source, to, 1 << 20)
    return folder / path.name


def _moment(path: Path) -> tuple[object, ...]:
    """What differs once anything was written that a copy could have half of.

    The counter in a file's head, its time and size change with the file; the head of a log with each new one:
    until then it only grows, and what is in it stays.
    """
    found = path.stat()
    return (
        _head(path, 100),
        found.st_mtime_ns,
        found.st_size,
        _head(_beside(path, LOG), 32),
        _size(path, JOURNAL),
    )


def _others_write(path: Path) -> bool:
    """Whether another process works alone in the ledger's folder."""
    me = this_process()
    return any(not one.shared and one.process != me for one in holders(path.with_name("lock")))


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _size(path: Path, suffix: str) -> int:
    try:
        return _beside(path, suffix).stat().st_size
    except OSError:
        return 0


def _head(path: Path, n: int) -> bytes:
    try:
        with open_file(path) as file:
            return file.read(n)
    except OSError:
        return b""

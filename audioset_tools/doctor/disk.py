"""What works on the disk of a workspace: each thing that stages rely on is tried there, and nothing is left.

A table of file systems cannot say it: what NFS, Lustre or FUSE do hangs on the options of the mount.
"""

import mmap
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from ..disks import nearest_existing
from ..exceptions import AudiosetToolsError
from ..files import read_file, sync_folder, write_beside
from ..locks import has_byte_locks, lock_by_kernel
from ..workspace import Workspace
from .check import Level, Outcome

_SECOND = """
import fcntl, sys
try:
    fcntl.flock(open(sys.argv[1]), fcntl.LOCK_EX | fcntl.LOCK_NB)
except BlockingIOError:
    sys.exit(3)
"""
_KEPT_OUT = 3


def works(workspace: Workspace, second: str = _SECOND) -> Outcome:
    """What of all that stages rely on works where a workspace lies, or will.

    Args:
        workspace: it need not exist; then the nearest folder above it is tried.
        second: the program of another process, which exits with 3 if a lock keeps it out.
    """
    where = nearest_existing(workspace.root)
    if not os.access(where, os.W_OK):
        return Outcome(Level.OK, "not tried: nothing can be written there")
    with tempfile.TemporaryDirectory(prefix=".doctor-", dir=where) as name:
        folder = Path(name)
        needed = _try_all(folder, _NEEDED)
        further = _try_all(folder, _FURTHER)
        if needed.troubles:
            return Outcome(
                Level.PROBLEM,
                f"does not work: {'; '.join(needed.troubles)}",
                "Choose a --workspace on another disk: nothing would arrive whole on this one.",
            )
        said = [", ".join([*needed.works, *further.works]), _locks(folder, second), _ledger(folder)]
    without = f"without: {'; '.join(further.troubles)}" if further.troubles else ""
    return Outcome(Level.OK, "; ".join(filter(None, [*said, without])))


class _Tried:
    """What worked, and what did not and why."""

    def __init__(self) -> None:
        self.works, self.troubles = list[str](), list[str]()


def _try_all(folder: Path, trials: Mapping[str, Callable[[Path], None]]) -> _Tried:
    tried = _Tried()
    for what, trial in trials.items():
        try:
            trial(folder)
            tried.works.append(what)
        except (OSError, ValueError) as error:
            tried.troubles.append(f"{what} ({getattr(error, 'strerror', None) or error})")
    return tried


def _rename(folder: Path) -> None:
    """As every file arrives."""
    for content in (b"old", b"new"):
        with write_beside(folder / "renamed") as temporary:
            temporary.write_bytes(content)
    if read_file(folder / "renamed") != b"new":
        raise ValueError("the old content stayed")


def _flush(folder: Path) -> None:
    with (folder / "flushed").open("wb") as file:
        file.write(b"content")
        file.flush()
        os.fsync(file.fileno())
    sync_folder(folder)


def _map(folder: Path) -> None:
    """As the index of a mirror is read."""
    with write_beside(folder / "mapped") as temporary:
        temporary.write_bytes(b"content")
    with (
        (folder / "mapped").open("r+b") as file,
        mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as seen,
    ):
        if seen[:] != b"content":
            raise ValueError("other bytes than were written")


def _link(folder: Path) -> None:
    """As an export has clips; it copies them where it must."""
    (folder / "linked").touch()
    (folder / "link").hardlink_to(folder / "linked")


def _symlink(folder: Path) -> None:
    (folder / "symlink").symlink_to("linked")


_NEEDED = {"renaming over a file": _rename, "flushing": _flush}
_FURTHER = {"maps": _map, "hard links": _link, "symbolic links": _symlink}


def _locks(folder: Path, second: str) -> str:
    """Whether a process that holds the kernel's lock keeps another one out."""
    with (folder / "locked").open("w") as file:
        try:
            if not lock_by_kernel(file.fileno()):
                return "no locks of the kernel: leases alone keep others out"
        except OSError as error:
            return f"no locks of the kernel ({error.strerror}): leases alone keep others out"
        words = [sys.executable, "-c", second, str(folder / "locked")]
        kept_out = subprocess.run(words, capture_output=True, check=False).returncode == _KEPT_OUT
    if not kept_out:
        return "locks keep no second process out: leases alone do"
    return "locks keep a second process out" + ("" if has_byte_locks(folder) else ", but not by bytes")


def _ledger(folder: Path) -> str:
    """How SQLite keeps a ledger there."""
    from ..ledger import Ledger
    from ..ledger.copies import has_log_form

    path = folder / "ledger.sqlite"
    try:
        with Ledger(path):
            kept = "with a log" if has_log_form(path) else "without a log"
        with Ledger(path, read_only=True):
            return f"a ledger {kept}"
    except AudiosetToolsError as error:
        return f"no ledger: {error.what}"

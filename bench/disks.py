"""What each thing that stages rely on does on a disk, and on the same disk with its locks switched off.

    python bench/disks.py [FOLDER]

`FOLDER` lies on the disk to try; a temporary folder if left out. Locks are switched off by a small library
that answers `flock` with ENOSYS and the locks of `fcntl` with ENOLCK, as a mount without locks does, for
Python, SQLite and HDF5 alike; it needs gcc and Linux. Prints the table of docs/shared-disks.md.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

SHIM = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>

int flock(int file, int how) { errno = ENOSYS; return -1; }
int lockf(int file, int how, off_t length) { errno = ENOLCK; return -1; }

static int locks(int command) {
    return command == F_SETLK || command == F_SETLKW || command == F_GETLK
        || command == F_OFD_SETLK || command == F_OFD_SETLKW || command == F_OFD_GETLK;
}

#define ANSWER(name) \
    va_list more; va_start(more, command); void *given = va_arg(more, void *); va_end(more); \
    if (locks(command)) { errno = ENOLCK; return -1; } \
    int (*real)(int, int, ...) = dlsym(RTLD_NEXT, name); \
    return real(file, command, given);

int fcntl(int file, int command, ...) { ANSWER("fcntl") }
int fcntl64(int file, int command, ...) { ANSWER("fcntl64") }
"""

CHILD = r"""
import fcntl, json, os, sqlite3, sys
from pathlib import Path
import h5py
from audioset_tools import Workspace
from audioset_tools.doctor import disk
from audioset_tools.exceptions import AudiosetToolsError
from audioset_tools.files import write_beside
from audioset_tools.ledger import Ledger
from audioset_tools.ledger.copies import has_log_form
from audioset_tools.locks import holders

folder, said = Path(sys.argv[1]), {}

def trial(what):
    def run(act):
        try:
            said[what] = str(act() or "works")
        except (OSError, sqlite3.Error, AudiosetToolsError) as error:
            said[what] = str(error).partition("\n")[0].replace(str(folder), "")
    return run

@trial("flock")
def _():
    with (folder / "a").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

@trial("locks of fcntl")
def _():
    with (folder / "b").open("w") as file:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)

@trial("SQLite with a log, as it comes")
def _():
    with sqlite3.connect(folder / "c.sqlite", timeout=0.1) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE t (x)")

@trial("SQLite without a log, as it comes")
def _():
    with sqlite3.connect(folder / "d.sqlite", timeout=0.1) as db:
        db.execute("CREATE TABLE t (x)")

@trial("h5py as it comes, written")
def _():
    h5py.File(folder / "e.h5", "w").close()

@trial("h5py without locking, written")
def _():
    h5py.File(folder / "f.h5", "w", locking=False).close()

@trial("files.write_beside")
def _():
    with write_beside(folder / "g") as temporary:
        temporary.write_bytes(b"content")

@trial("Workspace.lock, a second one meanwhile")
def _():
    workspace = Workspace(folder / "w")
    with workspace.lock():
        try:
            with workspace.lock():
                return "both got it"
        except AudiosetToolsError as error:
            return "refused, names " + ("the process" if str(os.getpid()) in error.what else "nobody")

@trial("Workspace.lock(shared=True), a second one meanwhile")
def _():
    workspace = Workspace(folder / "w")
    with workspace.lock(shared=True), workspace.lock(shared=True):
        return f"both hold it, {len(holders(workspace.root / 'lock'))} leases"

@trial("Ledger, written and read beside its writer")
def _():
    with Ledger(folder / "ledger.sqlite"), Ledger(folder / "ledger.sqlite", read_only=True):
        pass

@trial("Ledger, its journal")
def _():
    return "a log" if has_log_form(folder / "ledger.sqlite") else "truncated"

@trial("doctor: tried there")
def _():
    return disk.works(Workspace(folder / "w")).found

print(json.dumps(said))
"""


def tried(folder: Path, **environ: str) -> dict[str, str]:
    """What each trial said in a process of its own."""
    with tempfile.TemporaryDirectory(dir=folder) as name:
        done = subprocess.run(
            [sys.executable, "-c", CHILD, name],
            env={**os.environ, **environ},
            capture_output=True,
            text=True,
            check=True,
        )
    found: dict[str, str] = json.loads(done.stdout)
    return found


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(sys.argv[1] if len(sys.argv) > 1 else scratch)
        source, library = Path(scratch) / "nolocks.c", Path(scratch) / "nolocks.so"
        source.write_text(SHIM)
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        whole, without = tried(folder), tried(folder, LD_PRELOAD=str(library))
    print("| what | on the disk as it is | with its locks switched off |\n|---|---|---|")
    for what, said in whole.items():
        print(f"| {what} | {said} | {without[what]} |")


if __name__ == "__main__":
    main()

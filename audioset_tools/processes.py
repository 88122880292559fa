"""Which process on which machine: for the names of leases and half-written files on a disk that many share.

    node12.5c1d09e2.4711.83746        machine, its digest, process, when that one started

Whether a process still lives can be asked on its own machine only, and not across containers of one machine
that count their processes apart: the digest tells all of these apart. The time of its start tells a process
from a later one of the same number.
"""

import hashlib
import os
import re
import socket
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Self

_BOOT, _SPACE = Path("/proc/sys/kernel/random/boot_id"), Path("/proc/self/ns/pid")
_MOST_OF_A_NAME = 20
"""Letters of a machine's name: enough for people; the digest tells machines apart."""

PATTERN = r"[A-Za-z0-9_-]{1,20}\.[0-9a-f]{8}\.[0-9]{1,10}\.[0-9]{1,20}"
"""What a process is written as."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process of some machine: `str(...)` goes into a file's name, `parse` reads it again.

    Args:
        host: the name of its machine, as far as a file's name takes it.
        machine: a digest of what numbers its processes: the machine since its start, or a container on it.
        pid: its number, which is counted anew in some containers.
        started: when it started, in ticks since the machine did; 0 where the system does not say.
    """

    host: str
    machine: str
    pid: int
    started: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """The process that a text of the form `PATTERN` names."""
        host, machine, pid, started = text.split(".")
        return cls(host, machine, int(pid), int(started))

    def __str__(self) -> str:
        return f"{self.host}.{self.machine}.{self.pid}.{self.started}"

    def is_here(self) -> bool:
        """Whether it is, or was, a process of this machine, so that `has_ended` can tell."""
        return self.machine == _machine()

    def has_ended(self) -> bool:
        """Whether it is known to have ended; of another machine's nothing is known."""
        return self.is_here() and not _lives(self.pid, self.started)


def this_process() -> Process:
    """The one that asks."""
    host = re.sub(r"[^A-Za-z0-9_-]", "-", socket.gethostname().partition(".")[0])[:_MOST_OF_A_NAME]
    pid = os.getpid()
    return Process(host or "machine", _machine(), pid, _status(pid)[1])


@cache
def _machine() -> str:
    """The same for all processes that see each other's numbers, and after a restart another."""
    try:
        said = _BOOT.read_text() + str(_SPACE.readlink())
    except OSError:
        said = socket.gethostname()
    return hashlib.sha256(said.encode()).hexdigest()[:8]


def _lives(pid: int, started: int) -> bool:
    state, since = _status(pid)
    if since:
        return since == started and state not in "ZX"
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return not started


def _status(pid: int) -> tuple[str, int]:
    """The state of a process and when it started; nothing and 0 where there is none, or no such table."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return "", 0
    # The name, in brackets, may hold anything.
    fields = text.rpartition(") ")[2].split()
    return fields[0], int(fields[19])

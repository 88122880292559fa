"""What this process may use of the machine: memory and cores."""

import math
import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath


def fits(wanted: int, available: int) -> bool:
    """Whether to keep a split of so many bytes in memory.

    Half of what is available at most: the kernel keeps a copy of the files as well, which the next process
    that reads them is glad of, and the model needs room.

    Args:
        wanted, available: bytes.
    """
    return wanted <= available // 2


def cores() -> int:
    """How many cores this process may use; a batch system often allows fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def available_memory(root: Path = Path("/")) -> int:
    """Bytes that this process can take: what the machine has, or what its control groups leave it.

    Args:
        root: where `proc` and `sys/fs/cgroup` are.
    """
    machine = _machine(root / "proc" / "meminfo")
    return int(max(0, min([machine, *_groups(root)])))


def _machine(meminfo: Path) -> int:
    """What the kernel says; where it says nothing, a quarter of all there is."""
    try:
        lines = meminfo.read_text().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4


def _groups(root: Path) -> Iterator[float]:
    """What is left in each control group that this process is in, in both versions of them."""
    base = root / "sys" / "fs" / "cgroup"
    for line in _read(root / "proc" / "self" / "cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        inner = PurePosixPath(path.lstrip("/"))
        for group in (inner, *inner.parents):
            if not controllers:
                yield _left(base / group, "memory.max", "memory.current", "inactive_file")
            elif "memory" in controllers.split(","):
                names = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
                yield _left(base / "memory" / group, *names)


def _left(group: Path, limit: str, used: str, reclaimable: str) -> float:
    try:
        cache = dict(line.split() for line in _read(group / "memory.stat").splitlines())
        return int(_read(group / limit)) - int(_read(group / used)) + int(cache.get(reclaimable, 0))
    except ValueError:
        # "max", or no such file: no limit here.
        return math.inf


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""

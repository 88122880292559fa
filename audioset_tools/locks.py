"""Who works in a folder: one process alone, or several that agree, on a disk of this machine or a shared one.

Two means, since neither suffices. The kernel's lock (`flock`) goes when its process dies, and is exact; but
some file systems have none, and others keep it from other machines in silence. So whoever holds one also has
a *lease*: an empty file beside the lock that says in its name which process of which machine holds it, and
since when, and which is touched every half minute:

    lock.exclusive.1796000000.node12.5c1d09e2.4711.83746.9f3b2c1d.lease

Everybody first makes a lease and then looks at those of others: of two at once at least one sees the other,
and withdraws. A lease is stale if its process has ended, which one of its own machine sees at once; another
machine waits until it was not touched for five minutes, by the disk's clock, and nor while it looks on.
"""

import _thread
import errno
import fcntl
import os
import random
import re
import secrets
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .exceptions import EnvironmentProblem
from .processes import PATTERN, Process, this_process
from .words import clock_time

RENEWED, STALE, WATCHED = 30.0, 300.0, 90.0
"""Seconds: a lease is touched so often, is stale after so many, and is looked at so long before it goes."""

_NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, errno.EINVAL}
"""What a file system says that has no locks; no answer to whether somebody holds one."""

_TAKEN = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}

_LEASE = re.compile(rf"(shared|exclusive)\.([0-9]{{1,12}})\.({PATTERN})\.[0-9a-f]+\.lease")
"""The name of a lease, behind that of its lock."""

_TRIES = 4
"""Where leases decide, two that start at once may both withdraw: they try again, each in its own time."""

Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease as its file's name says it: whose, of which kind, and since when (seconds since the epoch)."""

    path: Path
    shared: bool
    since: int
    process: Process

    def __str__(self) -> str:
        return f"process {self.process.pid} on {self.process.host}, since {clock_time(self.since)}"


class _Taken(Exception):
    """Somebody holds the lock; whose lease says so, if one does."""

    def __init__(self, by: Lease | None = None) -> None:
        self.by = by


@contextmanager
def hold(
    path: Path, what: str = "", remedy: str = "", shared: bool = False, sleep: Sleep = time.sleep
) -> Iterator[None]:
    """Hold the lock of a file, which is made if it is missing, and keep others out of it.

    Args:
        path: what is locked; leases lie beside it.
        what, remedy: of the error if another process holds it, with whose lease says so; without them that
            process is waited for.
        shared: let others hold it shared as well; one that is not shared keeps all others out.
        sleep: waits for so many seconds.

    Raises:
        EnvironmentProblem: another process holds it, or it cannot be made; or, at the end, this process was
            held up for so long that another one took its place.
    """
    descriptor = _open(path)
    try:
        with _leased(_take(path, descriptor, shared, not what, sleep), path):
            yield
    except _Taken as taken:
        by = f" ({taken.by})" if taken.by else ""
        raise EnvironmentProblem(f"{what}{by}", remedy) from None
    finally:
        os.close(descriptor)


def holders(path: Path) -> list[Lease]:
    """Who holds a lock, as far as one who changes nothing can tell, the longest first."""
    now = time.time()
    return sorted((one for one in _leases(path) if not _seems_stale(one, now)), key=lambda one: one.since)


def lock_by_kernel(descriptor: int, shared: bool = False) -> bool:
    """Lock an open file; the kernel drops the lock when it is closed or the process dies.

    Returns:
        Whether the file system has locks.

    Raises:
        BlockingIOError: another process holds it.
        OSError: it cannot be told.
    """
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return False
        if error.errno in _TAKEN:
            raise BlockingIOError(errno.EWOULDBLOCK, os.strerror(errno.EWOULDBLOCK)) from error
        raise
    return True


def has_byte_locks(folder: Path) -> bool:
    """Whether the disk of a folder has the other kind of lock (`fcntl`), which SQLite takes.

    Where nothing can be written one learns nothing, and hopes so.
    """
    try:
        # Of a file of its own: closing any handle of a ledger would drop the locks that SQLite has on it.
        with tempfile.TemporaryFile(dir=folder) as handle:
            fcntl.lockf(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _NO_LOCKS
    return True


def _open(path: Path) -> int:
    """A file to lock; a pipe or a link that somebody put in its place is none."""
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    try:
        descriptor = os.open(path, flags, 0o666)
        if stat.S_ISREG(os.fstat(descriptor).st_mode):
            return descriptor
        os.close(descriptor)
        trouble = "it is no regular file"
    except OSError as error:
        trouble = error.strerror or str(error)
    raise EnvironmentProblem(f"{path} cannot be locked: {trouble}", "Look at it, and move it away.")


def _take(path: Path, descriptor: int, shared: bool, wait: bool, sleep: Sleep) -> Lease:
    """Take the lock, or raise `_Taken`."""
    tries = 0
    while True:
        try:
            lock_by_kernel(descriptor, shared)
            return _lease(path, shared, sleep)
        except BlockingIOError:
            if not wait:
                raise _Taken(next(iter(holders(path)), None)) from None
        except _Taken:
            tries += 1
            if tries == _TRIES and not wait:
                raise
        except OSError as error:
            raise EnvironmentProblem(
                f"{path} cannot be locked: {error.strerror}",
                "See that you may write to its folder, and that its disk has room.",
            ) from error
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        sleep(random.uniform(0.01, 0.1) * min(tries + 1, _TRIES))


def _lease(path: Path, shared: bool, sleep: Sleep) -> Lease:
    """Make a lease, and see that no other speaks against it; those that do not hold are taken away."""
    kind = "shared" if shared else "exclusive"
    since, me = int(time.time()), this_process()
    mine = path.with_name(f"{path.name}.{kind}.{since}.{me}.{secrets.token_hex(4)}.lease")
    os.close(os.open(mine, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o666))
    try:
        others = [one for one in _leases(path) if one.path != mine and not (shared and one.shared)]
        _refuse_held(others, _touched(mine) or 0.0, sleep)
        for one in others:
            with suppress(OSError):
                one.path.unlink()
    except BaseException:
        mine.unlink(missing_ok=True)
        raise
    return Lease(mine, shared, since, me)


def _refuse_held(leases: Sequence[Lease], now: float, sleep: Sleep) -> None:
    """Raise `_Taken` if one of some leases holds.

    Machines' clocks differ. Where a disk takes the time from the machine that writes, only a lease that is
    touched while one looks on shows that its process lives.

    Args:
        leases: what lies beside the lock.
        now: the time by the disk's clock: when a file on it was written just now.
        sleep: waits for so many seconds.
    """
    held = [one for one in leases if not _seems_stale(one, now)]
    distant = {one: _touched(one.path) for one in leases if not one.process.is_here()}
    if distant and not held:
        sleep(WATCHED)
        held = [one for one, before in distant.items() if _touched(one.path) not in (before, None)]
    if held:
        raise _Taken(min(held, key=lambda one: one.since))


def _leases(path: Path) -> list[Lease]:
    """All that lie beside a lock, whether they hold or not."""
    try:
        names = [one.name for one in path.parent.iterdir()]
    except OSError:
        return []
    own = f"{path.name}."
    found = [(name, _LEASE.fullmatch(name.removeprefix(own))) for name in names if name.startswith(own)]
    return [
        Lease(path.with_name(name), one[1] == "shared", int(one[2]), Process.parse(one[3]))
        for name, one in found
        if one
    ]


def _seems_stale(lease: Lease, now: float) -> bool:
    """Whether its process has ended, or, of another machine's, was not heard of for long."""
    if lease.process.is_here():
        return lease.process.has_ended()
    touched = _touched(lease.path)
    return touched is None or now - touched > STALE


def _touched(path: Path) -> float | None:
    """When a file was last touched, by its disk's clock; None if it is gone."""
    # NFS asks the server anew for a file that is opened, and for no other.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        return os.lstat(path).st_mtime
    except OSError:
        return None
    try:
        return os.fstat(descriptor).st_mtime
    finally:
        os.close(descriptor)


@contextmanager
def _leased(lease: Lease, path: Path) -> Iterator[None]:
    """Touch a lease in a thread of its own while something is done, and take it away at the end."""
    done, lost = threading.Event(), threading.Event()
    thread = threading.Thread(target=renew, args=(lease.path, done.wait, lost), daemon=True, name="lease")
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        with suppress(OSError):
            lease.path.unlink()
        if lost.is_set():
            raise EnvironmentProblem(
                f"this process was held up for minutes, and another one took {path}",
                "See that the other one has ended, then run the same command again.",
            )


def renew(
    lease: Path,
    wait: Callable[[float], bool],
    lost: threading.Event,
    interrupt: Callable[[], None] = _thread.interrupt_main,
) -> None:
    """Touch a lease until the end; if somebody took it away, stop the program as Ctrl-C does.

    Args:
        lease: the file to touch.
        wait: waits so many seconds, or until the end, and says whether that has come.
        lost: is set if somebody took the lease away.
        interrupt: stops the program, from another thread than its first.
    """
    while not wait(RENEWED):
        try:
            # Without a time of ours: the disk's own.
            os.utime(lease, follow_symlinks=False)
        except FileNotFoundError:
            lost.set()
            interrupt()
            return
        except OSError:
            # The disk may be away for a while.
            continue

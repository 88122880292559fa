"""Files that may be anybody's: read within bounds, and written whole or not at all.

On a shared server another user may have put a link, a pipe or a device where a file of ours is looked for,
and a colleague may send anything under the name of a run. So a reader opens regular files only, and takes no
more of one than it says; and what is written lies under a name that nobody can guess until it is whole, and
that says which process of which machine writes it: beside us on a shared disk others may be at work.
"""

import errno
import json
import os
import re
import secrets
import stat
import time
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from io import BufferedReader
from pathlib import Path
from typing import Any

from .processes import PATTERN, Process, this_process

MOST_BYTES = 64_000_000
"""Of a file of settings, figures or a document: a hundred times what the largest of ours has."""

_PIECE = 1 << 16

_MOST_OF_A_NAME = 120
"""Bytes of a file's name that its temporary name repeats: half of what a file system takes."""

_WRITER = re.compile(rf"\..*\.({PATTERN})\.[0-9a-f]{{16}}\.part", re.DOTALL)
_A_DAY = 86_400.0

_MOST_DIGITS = 30
"""Of a whole number: more than any that means something; Python would compute with millions of them."""

_DEEPEST, _MOST_DOTS = 32, 100
"""Tables within tables in TOML: ten times what ours have; and dots before the `=` of a line."""


_AGAIN = "then run the same command again; what was finished is kept."

_REMEDIES = {
    f"Ask its owner for the right to it (chmod), or choose another place, {_AGAIN}": (
        *(errno.EACCES, errno.EPERM),
    ),
    f"That file system is read-only: choose a place on another, {_AGAIN}": (errno.EROFS,),
    f"Make room there (`df -h`, `quota -s`), or choose a place on another disk, {_AGAIN}": (
        *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG),
    ),
    f"See that its name is right and that nobody moved or deleted it, {_AGAIN}": (errno.ENOENT,),
    f"See what lies there: a file is taken for a folder, or the other way round, {_AGAIN}": (
        *(errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENOTEMPTY, errno.EINVAL),
    ),
    f"Choose a shorter name, or one without a circle of links, {_AGAIN}": (errno.ENAMETOOLONG, errno.ELOOP),
    f"Close other programs, or raise the limit of open files (`ulimit -n`), {_AGAIN}": (
        *(errno.EMFILE, errno.ENFILE, errno.ENOMEM),
    ),
    f"See that its disk is there and sound, {_AGAIN}": (
        *(errno.EIO, errno.ESTALE, errno.ENXIO, errno.ENODEV, errno.ETIMEDOUT, errno.ENOTCONN),
    ),
}


def remedy_of(error: OSError) -> str:
    """What to do about an error of the system, in one line."""
    known = (remedy for remedy, numbers in _REMEDIES.items() if error.errno in numbers)
    return next(known, f"Look at the rights, the disk and its room, {_AGAIN}")


def open_file(path: Path) -> BufferedReader:
    """Open a regular file for reading; a pipe in its place is waited for by nobody.

    Raises:
        OSError: it is not there, may not be read, or is no regular file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    if stat.S_ISDIR(mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    raise OSError(errno.EINVAL, "it is no regular file", str(path))


def open_to_append(path: Path) -> int:
    """A descriptor that writes to the end of a file, which is made if it is not there.

    Raises:
        OSError: it cannot be written, or is a pipe that nobody reads.
    """
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
    return os.open(path, flags, 0o666)


def read_file(path: Path, most: int = MOST_BYTES) -> bytes:
    """The bytes of a regular file.

    Args:
        most: bytes that it may have.

    Raises:
        OSError: as for `open_file`, or it is larger.
    """
    with open_file(path) as file:
        return _read(file, path, most)


def read_named(path: Path, most: int = MOST_BYTES) -> bytes:
    """The bytes of what a user names: a regular file, or a pipe, as a shell makes of `<(...)`.

    Args:
        most: bytes that there may be.

    Raises:
        OSError: it is not there, may not be read, is something else, or is larger.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOCTTY)
    mode = os.fstat(descriptor).st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISFIFO(mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "it is neither a file nor a pipe", str(path))
    with os.fdopen(descriptor, "rb") as file:
        return _read(file, path, most)


def _read(file: BufferedReader, path: Path, most: int) -> bytes:
    """All that is in an open file, in no more memory than there is of it."""
    size = os.fstat(file.fileno()).st_size
    pieces, left = [], most - size
    if left >= 0:
        # Usually all; of a pipe, or a file that the kernel makes up, a size says nothing.
        pieces = [file.read(size)]
        while left >= 0 and (piece := file.read(_PIECE)):
            pieces.append(piece)
            left -= len(piece)
    if left < 0:
        raise OSError(errno.EFBIG, f"it is larger than {most:,} bytes", str(path))
    return b"".join(pieces)


def parse_json(content: str | bytes, strict: bool = False) -> Any:
    """What a JSON text says, if a program can compute with it.

    Args:
        strict: refuse also NaN and infinity, which are no JSON, and a name that stands twice in an object.

    Raises:
        ValueError: it is no JSON, nested too deep, or holds a whole number of more than 30 digits.
    """
    further: dict[str, Any] = {"parse_constant": _refuse, "object_pairs_hook": _once} if strict else {}
    try:
        return json.loads(content, parse_int=_whole_number, **further)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no number")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a name stands there twice")
    return table


def _whole_number(text: str) -> int:
    if len(text) > _MOST_DIGITS:
        raise ValueError(f"it holds a number of {len(text):,} digits")
    return int(text)


def parse_toml(text: str) -> dict[str, Any]:
    """What a TOML text says.

    Raises:
        ValueError: it is no TOML, nested too deep, or holds a whole number of more than 30 digits.
    """
    # For a key of many parts tomllib takes time, and memory, quadratic in their number.
    if any(line.partition("=")[0].count(".") > _MOST_DOTS for line in text.split("\n")):
        raise ValueError("it is nested too deep")
    try:
        tables = tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error
    level: list[Any] = [tables]
    for _ in range(_DEEPEST):
        within = [value for one in level for value in (one.values() if isinstance(one, dict) else one)]
        if any(isinstance(value, int) and abs(value) >= 10**_MOST_DIGITS for value in within):
            raise ValueError(f"it holds a number of more than {_MOST_DIGITS} digits")
        level = [value for value in within if isinstance(value, dict | list)]
    if level:
        raise ValueError("it is nested too deep")
    return tables


@contextmanager
def write_beside(target: Path, mode: int = 0o666) -> Iterator[Path]:
    """Give a temporary path in the target's folder; on leaving without error, flush it and rename it.

    After this returns, the target holds the whole new content, or, after a crash or a power cut at any
    instant, the whole old one. Its rights are those that the user's umask gives to a new file, whatever a
    library makes of it.

    Args:
        mode: the most that umask may leave; 0o600 for what its owner alone may read.

    Raises:
        OSError: what lies at the temporary path in the end is no regular file.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    name = os.fsencode(target.name)[:_MOST_OF_A_NAME].decode(errors="ignore")
    temporary = target.with_name(f".{name}.{this_process()}.{secrets.token_hex(8)}.part")
    # Nothing that somebody planted is followed or written over.
    new = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_WRONLY | os.O_CLOEXEC, mode)
    try:
        rights = stat.S_IMODE(os.fstat(new).st_mode)
        os.close(new)
        yield temporary
        with open_file(temporary) as handle:
            os.fchmod(handle.fileno(), rights)
            os.fsync(handle.fileno())
        temporary.replace(target)
        sync_folder(target.parent)
    finally:
        with suppress(FileNotFoundError):
            temporary.unlink()


def leftovers(folder: Path, clock: Callable[[], float] = time.time) -> list[Path]:
    """What was half-written into a folder by `write_beside` and will never be whole.

    Its process has ended; or, where that was another machine's, of which nothing is known, a day has passed.

    Args:
        clock: gives the time in seconds since the epoch.
    """
    found = []
    for path in folder.glob(".*.part"):
        named = _WRITER.fullmatch(path.name)
        writer = Process.parse(named[1]) if named else None
        with suppress(FileNotFoundError):
            is_old = clock() - path.lstat().st_mtime > _A_DAY
            if writer.has_ended() if writer and writer.is_here() else is_old:
                found.append(path)
    return found


def sync_folder(folder: Path) -> None:
    """See that a power cut undoes nothing that was made, renamed or deleted in a folder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

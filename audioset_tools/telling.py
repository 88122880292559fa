"""How much is told while a command works, and where it is written down: what -q, -v and --log set.

`console` does the telling. This needs no rich, so that a command's options are read at once.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from .exceptions import EnvironmentProblem
from .files import open_to_append
from .workspace import printable


@dataclass(slots=True)
class Telling:
    """What is told.

    Args:
        quiet: results, warnings and errors alone.
        verbose: also the settings that a command runs with, and progress as often at the end as at first.
        logs: files that every line goes to as well.
    """

    quiet: bool = False
    verbose: bool = False
    logs: tuple["Log", ...] = ()


telling = Telling()
"""Of this process; see `until_the_end`."""


class Log:
    """A file that lines are added to, each with its time; several processes may share one.

    Args:
        path: of a file that may be there already; what it holds stays.

    Raises:
        EnvironmentProblem: it cannot be written.
    """

    def __init__(self, path: Path) -> None:
        self._path = printable(path)
        try:
            self._descriptor = open_to_append(path)
        except OSError as error:
            raise EnvironmentProblem(
                f"the log {self._path} cannot be written: {error.strerror}",
                "Name another file with --log, in a folder that there is and where you may write.",
            ) from error

    def write(self, text: str, at: float) -> str:
        """Add what was said at a time, in seconds since the epoch; returns what is wrong if that fails."""
        lines = "".join(f"{stamp(at)}  {_without_credentials(line)}\n" for line in text.split("\n"))
        try:
            # As one piece, which another process's line cannot stand in the middle of.
            os.write(self._descriptor, lines.encode(errors="backslashreplace"))
        except OSError as error:
            return f"the log {self._path} can be written no longer: {error.strerror}"
        return ""

    def close(self) -> None:
        """Write no more to it."""
        with suppress(OSError):
            os.close(self._descriptor)


def stamp(at: float) -> str:
    """A moment as the lines of a log begin: `2026-11-24 14:05:10`, in local time."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


@contextmanager
def until_the_end() -> Iterator[None]:
    """Set back on leaving what a command sets meanwhile, for commands that run within others."""
    before = (telling.quiet, telling.verbose, telling.logs)
    try:
        yield
    finally:
        for log in {*telling.logs} - {*before[2]}:
            log.close()
        telling.quiet, telling.verbose, telling.logs = before


def _without_credentials(line: str) -> str:
    """A line without names and passwords in addresses, whoever put them there."""
    return " ".join(map(_masked, line.split(" "))) if "@" in line else line


def _masked(word: str) -> str:
    scheme, colon, rest = word.partition("://")
    _, at, host = rest.rpartition("@")
    return f"{scheme}://***@{host}" if colon and at else word

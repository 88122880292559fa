"""A log: every line that is told, with its time and without anybody's password."""

import os
import time
from contextlib import suppress
from pathlib import Path

from ..exceptions import EnvironmentProblem
from ..files import open_to_append
from ..workspace import printable


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


def _without_credentials(line: str) -> str:
    """A line without names and passwords in addresses, whoever put them there."""
    return " ".join(map(_masked, line.split(" "))) if "@" in line else line


def _masked(word: str) -> str:
    scheme, colon, rest = word.partition("://")
    _, at, host = rest.rpartition("@")
    return f"{scheme}://***@{host}" if colon and at else word

"""What holds many clips: its index is read quickly, without any sound, and then one entry at a time.

Archives are strangers' work. Nothing in one becomes a path, no link leads out of it, and whatever it claims,
an entry takes no more than `MOST_BYTES` of memory.
"""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Protocol

from ..exceptions import DataMismatch, EnvironmentProblem
from ..files import open_file, remedy_of
from ..workspace import printable

MOST_BYTES = 128 << 20
"""The largest entry that is read: a minute of stereo WAV takes 10 MB, ten seconds 2."""

ReadAt = Callable[[int, int], bytes]
"""From an offset and a length to that many bytes of an archive, or to fewer at its end."""


class ArchiveError(DataMismatch):
    """An archive, or an entry of it, is damaged, foreign, or not of a kind that is read.

    It speaks of "it": who knows where the archive lies says so.
    """


@dataclass(frozen=True, slots=True)
class Entry:
    """A sound in an archive.

    Args:
        name: what its file would be called, without a folder: `Yabc_30.wav`.
        where: what the archive needs to find it again.
    """

    name: str
    where: tuple[int, int]


class Archive(Protocol):
    """An archive in the folder of a user; read by several threads at once."""

    @property
    def files(self) -> Sequence[Path]:
        """All files that it consists of.

        Raises:
            ArchiveError: one is missing.
        """

    def index(self) -> Iterator[Entry]:
        """Its entries, without their sound; before an error those that are good all the same.

        Raises:
            ArchiveError: it is damaged, or no archive of sounds.
            EnvironmentProblem: the disk does not give it.
        """

    def read(self, entry: Entry) -> bytes:
        """A sound file's bytes, at most `MOST_BYTES`; none where the archive has no more than a place for it.

        Raises:
            ArchiveError: it is damaged, or too large.
            EnvironmentProblem: the disk does not give it.
        """


def file_name(name: str) -> str:
    """The last part of an entry's name, by either system's separator."""
    return name[max(name.rfind("/"), name.rfind("\\")) + 1 :]


Stamp = list[list[str | int]]
"""Name, size and time of change of each file of an archive: if they are as they were, so is the archive."""


def stamp_of(archive: Archive) -> Stamp:
    """What an archive's files are like now.

    Raises:
        ArchiveError: one of them is missing.
        EnvironmentProblem: the disk does not give them.
    """
    stamp: Stamp = []
    for path in archive.files:
        try:
            status = path.stat()
        except OSError as error:
            raise unreadable(path, error) from error
        stamp.append([os.fsencode(path.name).hex(), status.st_size, status.st_mtime_ns])
    return stamp


class Volumes:
    """Files that are one after the other an archive.

    Args:
        paths: the files, in order; each is opened anew for each read, so that thousands can be in use.

    Raises:
        EnvironmentProblem: one of them is not there.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._paths = paths
        try:
            ends = list(accumulate(path.stat().st_size for path in paths))
        except OSError as error:
            raise unreadable(paths[0], error) from error
        self.starts = (0, *ends[:-1])
        self.size = ends[-1]

    def read_at(self, offset: int, length: int) -> bytes:
        """So many bytes from an offset on, or fewer at the end.

        Raises:
            EnvironmentProblem: the disk does not give them.
        """
        pieces = []
        for path, start in zip(self._paths, self.starts, strict=True):
            if length <= 0 or offset < start:
                break
            try:
                with open_file(path) as file:
                    while length and (piece := os.pread(file.fileno(), length, offset - start)):
                        pieces.append(piece)
                        offset, length = offset + len(piece), length - len(piece)
            except OSError as error:
                raise unreadable(path, error) from error
        return b"".join(pieces)


def check_size(name: str, size: int) -> None:
    """See that an entry is no larger than a recording may be, before it is read.

    Raises:
        ArchiveError: it is.
    """
    if size > MOST_BYTES:
        raise ArchiveError(
            f"{printable(name)} claims {size:,} bytes, and {MOST_BYTES:,} are the most",
            "If it is a long recording, unpack it to a file first.",
        )


def unreadable(path: Path, error: OSError) -> EnvironmentProblem:
    """The error of a file that the disk does not give."""
    return EnvironmentProblem(f"{printable(path)} cannot be read: {error.strerror}", remedy_of(error))

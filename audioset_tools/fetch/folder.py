"""Which files a folder holds of which video, read once and kept small: about 50 bytes a file.

An id is 64 bits, so that two million of them are a sorted array of numbers; a file's own name is kept as
bytes, its folder as a number.
"""

import os
from array import array
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from ..errors import EnvironmentProblem
from ..workspace import printable
from .names import Name, is_sidecar, parse_name

_NOBODYS = frozenset({"lost+found", "$RECYCLE.BIN", "System Volume Information"})
"""Folders that a file system makes for itself, and lets nobody read."""

EXAMPLES = 3
"""So many names that were not understood are kept."""


class Folder:
    """The files in a folder, at any depth, that are named after videos; hidden ones are passed over.

    Symbolic links are followed, and no folder is read twice. What is added later is not seen. `strange`
    counts the files that are named after none and do not look like notes or pictures; `examples` are some.

    Args:
        root: the folder.

    Raises:
        EnvironmentProblem: it, or a folder in it, cannot be read.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.strange = 0
        self.examples: list[str] = []
        self._folders: list[str] = []
        self._names = bytearray()
        ids, self._folder_of, self._ends = array("Q"), array("I"), array("Q", [0])
        for folder in self._read_all():
            for name, ytid in folder:
                ids.append(_number(ytid))
                self._folder_of.append(len(self._folders) - 1)
                self._names += os.fsencode(name)
                self._ends.append(len(self._names))
        unsorted = np.array(ids, np.uint64)
        self._order = np.argsort(unsorted, kind="stable").astype(np.uint32)
        self._ids = unsorted[self._order]

    def __len__(self) -> int:
        return len(self._ids)

    @property
    def videos(self) -> int:
        """How many videos the files are of."""
        return len(self) and 1 + int(np.count_nonzero(np.diff(self._ids)))

    def files(self, ytid: str) -> list[tuple[Name, str]]:
        """A video's files: what their names say, and their paths below the folder; by path."""
        number = np.uint64(_number(ytid))
        first, behind = np.searchsorted(self._ids, number), np.searchsorted(self._ids, number, "right")
        found = []
        for index in self._order[first:behind]:
            file_name = os.fsdecode(bytes(self._names[self._ends[index] : self._ends[index + 1]]))
            if name := parse_name(file_name):
                found.append((name, os.path.join(self._folders[self._folder_of[index]], file_name)))  # noqa: PTH118
        return sorted(found, key=lambda file: file[1])

    def _read_all(self) -> Iterator[list[tuple[str, str]]]:
        """Read folder after folder; appends its path below the root, gives its files and ids."""
        seen: set[tuple[int, int]] = set()
        pending = [""]
        while pending:
            folder = pending.pop()
            where = self.root / folder
            try:
                status = where.stat()
                if (status.st_dev, status.st_ino) in seen:
                    continue
                seen.add((status.st_dev, status.st_ino))
                files, inner = self._read(where)
            except OSError as error:
                raise EnvironmentProblem(
                    f"the folder {printable(where)} cannot be read: {error.strerror}",
                    "Give yourself the right to read it, or name a folder that does not hold it.",
                ) from error
            self._folders.append(folder)
            yield files
            pending += [os.path.join(folder, name) for name in sorted(inner, reverse=True)]  # noqa: PTH118

    def _read(self, where: Path) -> tuple[list[tuple[str, str]], list[str]]:
        files, inner = [], []
        # What the kernel says in passing is enough: a stat for each of the files would take most of the time.
        with os.scandir(where) as entries:
            for entry in entries:
                if (name := parse_name(entry.name)) and _is(entry.is_file):
                    files.append((entry.name, name.ytid))
                elif entry.name[0] == "." or entry.name in _NOBODYS:
                    continue
                elif _is(entry.is_dir):
                    inner.append(entry.name)
                elif name is None and _is_strange(entry.name) and _is(entry.is_file):
                    self.strange += 1
                    if len(self.examples) < EXAMPLES:
                        self.examples.append(entry.name)
        return files, inner


def _is_strange(name: str) -> bool:
    """Whether a file that is named after no video may be a recording all the same."""
    _, dot, suffixes = name.partition(".")
    return bool(dot) and not is_sidecar(suffixes)


def _number(ytid: str) -> int:
    return int.from_bytes(urlsafe_b64decode(ytid + "="), "big")


def _is(kind: Callable[[], bool]) -> bool:
    """What an entry is; a link that leads nowhere, or to itself, is nothing."""
    try:
        return kind()
    except OSError:
        return False

"""What a folder holds at any depth: files that are named after videos, and archives of such files.

Names are read once; what is added later is not seen. Hidden files are passed over. Symbolic links are
followed, and no folder is read twice. Of several sounds of a video the files come first, then what lies in
archives; of either the first by path. An archive that cannot be read takes nothing away from the others: what
is the matter with it is kept for the user (`troubles`).
"""

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from shutil import disk_usage

import numpy as np

from ..exceptions import EnvironmentProblem
from ..types import OnProgress, message, silent
from ..workspace import printable
from .archive import MOST_BYTES, Archive, ArchiveError, Entry, Stamp, check_size, stamp_of
from .aside import Aside
from .index import Lister, Listing, SoundIndex, Strange, load_listing, save_listing, ytid_of
from .kinds import archive_at, is_archive, refusal_of
from .names import FileName, parse_name
from .parquet import Parquet

_NOBODYS = frozenset({"lost+found", "$RECYCLE.BIN", "System Volume Information"})
"""Folders that a file system makes for itself, and that cannot be read."""

_MOST_MESSAGES = 20
"""Of archives that are being indexed."""


@dataclass(frozen=True, slots=True)
class Shelf:
    """An archive of a folder, indexed.

    Args:
        path: of its file, or the last of its files, below the folder.
        archive: reads its entries; opened anew for each.
        stamp: what its files were like when it was indexed.
        sounds: how many of its entries are named after videos.
        strange: what else it holds that may be a recording.
    """

    path: str
    archive: Archive
    stamp: Stamp
    sounds: int
    strange: Strange

    def check(self) -> None:
        """See that it is as it was when it was indexed.

        Raises:
            ArchiveError: one of its files is missing.
            EnvironmentProblem: the disk does not give it, or the archive is another by now.
        """
        if stamp_of(self.archive) != self.stamp:
            raise EnvironmentProblem(
                f"{printable(self.archive.files[-1])} has changed since its index was made",
                "Leave it alone while it is read, and run the same command again.",
            )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a sound of a folder lies.

    Args:
        name: what its name says of video and times.
        path: of the file below the folder; of an archive's entry that of the archive.
        shelf, entry: the archive, and which entry of it; None for a file.
    """

    name: FileName
    path: str
    shelf: Shelf | None = None
    entry: Entry | None = None


class Folder:
    """A folder whose names are known.

    Args:
        root: the folder, of which nothing but what lies below it is looked at.
        keep: where the listings of archives are kept for the next time; None to keep none.
        on_progress: told of archives that are read.
        keeps: whether new listings are kept there; those that are there serve in any case.

    Raises:
        EnvironmentProblem: it, or a folder or an archive in it, cannot be read.
    """

    def __init__(
        self, root: Path, keep: Path | None = None, on_progress: OnProgress = silent, keeps: bool = True
    ) -> None:
        self.root = root.absolute()
        self.troubles: list[tuple[str, ArchiveError]] = []
        self._keep, self._keeps = keep, keeps
        self._unpacking = threading.Lock()
        self._aside: Aside | None = None
        self._expected: dict[tuple[int, int], set[int]] = {}
        self._folders: list[str] = []
        lister, archives = Lister(1), list[str]()
        for folder, names in _walk(self.root):
            self._folders.append(folder)
            for name, parsed in names:
                if parsed:
                    lister.append(name, parsed.ytid, (len(self._folders) - 1,))
                elif is_archive(name):
                    archives.append(os.path.join(folder, name))  # noqa: PTH118
                else:
                    lister.strange.add(name)
        self.strange = lister.strange
        self._files = SoundIndex([lister.listing()])
        self.shelves: list[Shelf] = []
        self._entries = SoundIndex(list(self._listings(sorted(archives), on_progress)))
        self.troubles.sort(key=lambda trouble: trouble[0])
        self._videos = np.union1d(self._files.ids, self._entries.ids)

    def __len__(self) -> int:
        return len(self._files) + len(self._entries)

    @property
    def files(self) -> int:
        """How many files are named after videos."""
        return len(self._files)

    @property
    def videos(self) -> int:
        """How many videos there is a sound of."""
        return len(self._videos)

    def ytids(self) -> Iterator[str]:
        """The ids of the videos, each once."""
        return map(ytid_of, self._videos.tolist())

    def has(self, ytid: str) -> bool:
        """Whether there is a sound of a video."""
        return self._files.has(ytid) or self._entries.has(ytid)

    def find(self, ytid: str) -> list[Place]:
        """A video's sounds, in the order in which they count."""
        files, entries = [], []
        for sound in self._files.find(ytid):
            if name := parse_name(sound.name):
                path = os.path.join(self._folders[sound.place[0]], sound.name)  # noqa: PTH118
                files.append(Place(name, path))
        for sound in self._entries.find(ytid):
            if name := parse_name(sound.name):
                shelf = self.shelves[sound.listing]
                at, more = sound.place
                entries.append(Place(name, shelf.path, shelf, Entry(sound.name, (at, more))))
        return [*sorted(files, key=lambda file: file.path), *entries]

    def read(self, shelf: Shelf, entry: Entry) -> bytes:
        """A sound of an archive.

        Raises:
            ArchiveError: it is damaged, or too large.
            EnvironmentProblem: the disk does not give it, or the archive is another by now.
        """
        shelf.check()
        if self._aside is None or not isinstance(shelf.archive, Parquet):
            return shelf.archive.read(entry)
        (group, row), content = entry.where, None
        number = self.shelves.index(shelf)
        with self._unpacking:
            if (kept := self._aside.take((number, group, row))) is not None:
                return kept
            for at, sound in shelf.archive.rows(group, {row, *self._expected.pop((number, group), ())}):
                if at == row:
                    check_size(entry.name, sound.nbytes)
                    content = bytes(sound)
                elif sound.nbytes <= MOST_BYTES:
                    self._aside.put((number, group, at), bytes(sound))
        if content is None:
            raise ArchiveError("it is damaged", "Get the archive again.")
        return content

    def expect(self, ytids: Iterable[str]) -> None:
        """Be told whose sounds will be asked for: those that are unpacked along with another are kept.

        That takes disk, at most half of what is free now; nothing if there is no parquet, or nothing is kept.
        """
        if self._keep is None or not any(isinstance(shelf.archive, Parquet) for shelf in self.shelves):
            return
        for ytid in ytids:
            sound = None if self._files.has(ytid) else next(self._entries.find(ytid), None)
            if sound and isinstance(self.shelves[sound.listing].archive, Parquet):
                group, row = sound.place
                self._expected.setdefault((sound.listing, group), set()).add(row)
        with suppress(OSError):
            self._keep.mkdir(parents=True, exist_ok=True)
            self._aside = Aside(self._keep, disk_usage(self._keep).free // 2)

    def close(self) -> None:
        """Let go of what was kept."""
        if self._aside is not None:
            self._aside.close()

    def _listings(self, paths: list[str], on_progress: OnProgress) -> Iterator[Listing]:
        """The listing of each archive that can be read; makes its shelf."""
        told_of = range(0, len(paths), 1 + len(paths) // _MOST_MESSAGES)
        for number, path in enumerate(paths):
            archive = archive_at(self.root / path)
            if archive is None:
                if refusal := refusal_of(self.root / path):
                    self.troubles.append((path, refusal))
                continue
            if number in told_of:
                on_progress(message(f"archive {number + 1:,} of {len(paths):,}: {printable(path)}"))
            try:
                stamp = stamp_of(archive)
            except ArchiveError as error:
                self.troubles.append((path, error))
                continue
            listing, strange = self._listing(path, archive, stamp)
            self.shelves.append(Shelf(path, archive, stamp, len(listing), strange))
            yield listing

    def _listing(self, path: str, archive: Archive, stamp: Stamp) -> tuple[Listing, Strange]:
        """What an archive holds, as it was kept, or else by reading it."""
        kept = None
        if self._keep is not None:
            digest = sha256(os.fsencode(self.root / path)).hexdigest()
            kept = self._keep / f"{digest[:32]}.index"
            if found := load_listing(kept, stamp):
                return found
        lister = Lister(2)
        try:
            for entry in archive.index():
                lister.add(entry.name, entry.where)
        except ArchiveError as error:
            self.troubles.append((path, error))
            kept = None
        listing = lister.listing()
        if kept is not None and self._keeps:
            # It only saves time, and a full disk is somebody else's to tell of.
            with suppress(OSError):
                save_listing(kept, listing, lister.strange, stamp)
        return listing, lister.strange


def _walk(root: Path) -> Iterator[tuple[str, list[tuple[str, FileName | None]]]]:
    """Each folder's path below the root, and the files in it that are not hidden, with what a name says."""
    seen: set[tuple[int, int]] = set()
    pending = [""]
    while pending:
        folder = pending.pop()
        where = root / folder
        try:
            status = where.stat()
            if (status.st_dev, status.st_ino) in seen:
                continue
            seen.add((status.st_dev, status.st_ino))
            files, inner = _read(where)
        except OSError as error:
            raise EnvironmentProblem(
                f"the folder {printable(where)} cannot be read: {error.strerror}",
                "Give yourself the right to read it, or name a folder that does not hold it.",
            ) from error
        yield folder, files
        pending += [os.path.join(folder, name) for name in sorted(inner, reverse=True)]  # noqa: PTH118


def _read(where: Path) -> tuple[list[tuple[str, FileName | None]], list[str]]:
    """The files of one folder, and the folders in it."""
    files: list[tuple[str, FileName | None]] = []
    inner = []
    # What the kernel says in passing is enough: a stat for each of the files would take most of the time.
    with os.scandir(where) as entries:
        for entry in entries:
            name = parse_name(entry.name)
            if name is None and (entry.name[0] == "." or entry.name in _NOBODYS):
                continue
            if _is(entry.is_file):
                files.append((entry.name, name))
            elif _is(entry.is_dir) and entry.name[0] != "." and entry.name not in _NOBODYS:
                inner.append(entry.name)
    return files, inner


def _is(kind: Callable[[], bool]) -> bool:
    """What an entry is; a link that leads nowhere, or to itself, is nothing."""
    try:
        return kind()
    except OSError:
        return False

"""The source `local`: a copy of AudioSet that the user already has, in a folder, as files or in archives."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path, PurePath

from ..archives.archive import ArchiveError
from ..archives.folder import Folder, Place, Shelf
from ..archives.index import Strange
from ..audio.ffmpeg import Media
from ..exceptions import UsageError
from ..types import Candidate, OnProgress, Reason, message, silent
from ..words import counted
from ..workspace import printable
from .copies import Copy, best_excerpt
from .source import Excerpt, FetchError, Undecoded

_MOST_TROUBLES = 5
"""So many archives that cannot be read are told of one by one."""


def local_folder(source: str) -> Path:
    """The folder that a source `local:DIR` names.

    Raises:
        UsageError: there is no such source, or no such folder.
    """
    kind, _, folder = source.partition(":")
    if kind != "local" or not folder:
        raise UsageError(
            f"there is no source {source!r}",
            "Use youtube, local:DIR with the folder that holds your files, or hf:OWNER/NAME.",
        )
    path = Path(folder).expanduser()
    if not path.is_dir():
        wrong = "is no folder" if path.exists() else "does not exist"
        raise UsageError(f"{printable(path)} {wrong}", "Name the folder that holds your files: local:DIR.")
    return path


class Local:
    """The source `local`.

    Args:
        root: the folder; its names and its archives' indices are read once, now.
        keep: where the indices are kept for the next time; None to keep none.
        on_progress: told what is read, and what was found.
        keeps: whether new indices are kept there.

    Raises:
        UsageError: nothing in it is named as AudioSet's copies are.
        EnvironmentProblem: it, or a folder or an archive in it, cannot be read.
    """

    name = "local"
    pace = None
    known_alive = None

    def __init__(
        self, root: Path, keep: Path | None = None, on_progress: OnProgress = silent, keeps: bool = True
    ) -> None:
        on_progress(message(f"reading the names in {printable(root)}"))
        self.folder = Folder(root, keep, on_progress, keeps)
        if not len(self.folder):
            raise _nothing_in(self.folder, root)
        for line in _account(self.folder):
            on_progress(message(line))

    def videos(self) -> Iterator[str]:
        """The ids of the videos that there are sounds of."""
        return self.folder.ytids()

    def holds(self, candidate: Candidate) -> bool:
        """Whether there is a sound of the video."""
        return self.folder.has(candidate.ytid)

    def open(self, candidate: Candidate) -> Excerpt:
        """The best file of a candidate's segment.

        Raises:
            FetchError: there is none.
        """
        return self.alternative(candidate, [])

    def alternative(self, candidate: Candidate, failed: Sequence[Undecoded]) -> Excerpt:
        """The best file that is not known to be no good, or the same file read as the whole video.

        Raises:
            FetchError: there is no other; a file that may be read another time outweighs those that are no
                good.
        """
        return best_excerpt(self._copies(candidate.ytid), candidate, failed)

    def expect(self, ytids: Iterable[str]) -> None:
        """Be told whose sounds will be asked for: see `Folder.expect`."""
        self.folder.expect(ytids)

    def close(self) -> None:
        """Let go of what was kept aside."""
        self.folder.close()

    def _copies(self, ytid: str) -> list[Copy]:
        copies: list[Copy] = []
        for place in self.folder.find(ytid):
            where = place.path if place.entry is None else f"{place.path} {place.entry.name}"
            # An archive may hold two files of one name.
            again = sum(copy.name == place.name and copy.where.startswith(where) for copy in copies)
            where = printable(f"{where} ({again + 1})" if again else where)
            copies.append(Copy(place.name, self.name, where, partial(self._get, place, where)))
        return copies

    def _get(self, place: Place, where: str) -> Media:
        if place.shelf is None or place.entry is None:
            return Media(self.folder.root / place.path)
        try:
            content = self.folder.read(place.shelf, place.entry)
        except ArchiveError as error:
            raise FetchError(Reason.DAMAGED_FILE, f"{where}: {error.what}") from error
        if not content:
            raise FetchError(Reason.NOT_IN_SOURCE, f"{where}: the archive has a place for it, and no sound")
        return Media(content)


def _account(folder: Folder) -> Iterator[str]:
    """What a folder holds, kind by kind; what was not understood; which archives cannot be read."""
    if not folder.shelves:
        yield f"{counted(folder.files, 'file')} of {counted(folder.videos, 'video')}{folder.strange.words}"
    else:
        yield f"{counted(folder.files, 'file')} named after videos{folder.strange.words}"
        for kind, shelves in groupby(sorted(folder.shelves, key=_kind), _kind):
            yield _account_of(kind, list(shelves))
        yield f"{counted(len(folder), 'sound')} of {counted(folder.videos, 'video')} in all"
    for path, trouble in folder.troubles[:_MOST_TROUBLES]:
        yield f"{printable(path)}: {trouble.what}. {trouble.remedy}"
    if more := len(folder.troubles[_MOST_TROUBLES:]):
        yield f"{more:,} more archives cannot be read, or not whole"


def _account_of(kind: str, shelves: list[Shelf]) -> str:
    sounds, empty = sum(shelf.sounds for shelf in shelves), sum(not shelf.sounds for shelf in shelves)
    strange = Strange()
    for shelf in shelves:
        strange.merge(shelf.strange)
    without = f", {empty:,} of them with none" if empty else ""
    held = f"{counted(len(shelves), 'archive')} ({kind}) with {counted(sounds, 'sound')} of videos"
    return f"{held}{without}{strange.words}"


def _kind(shelf: Shelf) -> str:
    return PurePath(shelf.path).suffix.lower()


def _nothing_in(folder: Folder, root: Path) -> UsageError:
    """The error of a folder without a sound of a video: its first trouble, if it has any."""
    strange = folder.strange
    for shelf in folder.shelves:
        strange.merge(shelf.strange)
    if folder.troubles:
        path, trouble = folder.troubles[0]
        more = f" ({len(folder.troubles) - 1:,} more like it)" if folder.troubles[1:] else ""
        return UsageError(
            f"nothing in {printable(root)} can be used: {printable(path)}: {trouble.what}{more}",
            trouble.remedy,
        )
    return UsageError(
        f"no file in {printable(root)} is named after a video{strange.words}",
        "Names must be as Y<id>.wav, <id>.m4a, <id>_<start>.flac or <id>_<start>_<end>.wav.",
    )

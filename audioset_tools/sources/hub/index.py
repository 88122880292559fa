"""What the zips of a mirror hold: their directories, read once and kept in the workspace.

A directory is kept as it came, some 4 MB for 50,000 members, beside the listing of those that are named after
videos, which says where in it their records are. Both are bound to the zip's path, size and digest, and made
anew where they are not of it. No name of the mirror becomes a path: files are called by a digest.
"""

import hashlib
import mmap
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from ...archives.archive import ReadAt, file_name
from ...archives.index import Lister, Listing, Strange, load_listing, save_listing
from ...archives.zips import Directory, Member, read_directory
from ...files import open_file, write_beside
from .client import HubFile

_MOST_REACH = 1 << 40


@dataclass(frozen=True, slots=True)
class ZipIndex:
    """One zip of a mirror: its directory, the members that are named after videos, and those that are not."""

    file: HubFile
    directory: Directory
    listing: Listing
    strange: Strange

    def member(self, place: tuple[int, ...]) -> Member:
        """The member that an entry of the listing is.

        Raises:
            ArchiveError: the directory is damaged.
        """
        record, reach = place
        return self.directory.member(record, reach)


def make_index(folder: Path, file: HubFile, read_at: ReadAt) -> ZipIndex:
    """Read the directory of a zip, and keep it.

    Args:
        folder: where it is kept.
        read_at: gives the zip's bytes; what it raises is passed on.

    Raises:
        ArchiveError: it is no zip, or damaged.
        OSError: it cannot be kept.
    """
    directory = read_directory(read_at, file.size)
    lister = Lister(numbers=2)
    for record, member in directory.members():
        lister.add(file_name(member.name), (record, min(member.reach, _MOST_REACH)))
    index = ZipIndex(file, directory, lister.listing(), lister.strange)
    stem = _stem(folder, file)
    with write_beside(stem.with_suffix(".directory")) as temporary:
        temporary.write_bytes(directory.content)
    stamp = _stamp(file, directory.content)
    save_listing(stem.with_suffix(".listing"), index.listing, index.strange, stamp)
    # As it was kept it takes no memory.
    return kept_index(folder, file) or index


def kept_index(folder: Path, file: HubFile) -> ZipIndex | None:
    """The index of a zip as it was kept; None where there is none of this file, or it is damaged."""
    stem = _stem(folder, file)
    try:
        content = _mapped(stem.with_suffix(".directory"))
    except (OSError, ValueError):
        return None
    kept = load_listing(stem.with_suffix(".listing"), _stamp(file, content))
    # Where the directory began matters only for reading all of it, and that was done.
    return kept and ZipIndex(file, Directory(content, file.size, (0,), len(kept[0])), *kept)


def _mapped(path: Path) -> bytes:
    """A file's bytes, read from the disk where they are looked at."""
    with open_file(path) as handle:
        # It is read and sliced as bytes are.
        return cast(bytes, mmap.mmap(handle.fileno(), 0, access=mmap.ACCESS_READ))


def _stamp(file: HubFile, content: bytes) -> list[object]:
    """What tells whether a listing is of a file and of its directory."""
    return [file.path, file.size, file.etag, len(content), zlib.crc32(content)]


def _stem(folder: Path, file: HubFile) -> Path:
    return folder / hashlib.blake2b(file.path.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()

"""Plain tars, and webdataset in them: one pass over the headers, then each file by its place.

A tar has no directory: before each file stands a header of 512 bytes that says how long the file is, and so
where the next header is. A name that is longer than a header's room stands in a member of its own before it,
GNU's way (`L`) or POSIX' (`x`).

In webdataset what belongs together has one name up to the first dot, and lies side by side: `sample-7.wav`,
and `sample-7.json` that says which video it is.

Python's `tarfile` takes ten times as long, and keeps all of it in memory.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..files import open_file, parse_json
from ..workspace import printable
from .archive import ArchiveError, Entry, Volumes, check_size, file_name, unreadable
from .names import is_sidecar, name_from_fields, parse_name

_BLOCK = 512
_FILES = frozenset(b"0\x007")
_GNU_NAME, _POSIX, _SPARSE = ord("L"), ord("x"), ord("S")
_EMPTY = frozenset(b"123456")
"""Links, devices, folders: whatever size these claim, nothing follows."""

_MOST_NAME_BYTES = _MOST_JSON_BYTES = 1 << 16
_MOST_IN_SAMPLE = 64

_DAMAGED = "Get the archive again."


@dataclass(frozen=True, slots=True)
class _Member:
    """A file in a tar: its name, folders included, where its content begins and how long that is."""

    name: str
    offset: int
    size: int


class Tar:
    """A tar that is not compressed.

    Args:
        path: of the file, which nothing else writes to meanwhile.
    """

    def __init__(self, path: Path) -> None:
        self.files = [path]

    def index(self) -> Iterator[Entry]:
        """Its files; of a tar that is cut off, those before the cut. See `Archive`."""
        (path,) = self.files
        try:
            with open_file(path) as file:
                descriptor = file.fileno()
                for sample in _samples(descriptor, os.fstat(descriptor).st_size):
                    yield from _entries(descriptor, sample)
        except OSError as error:
            raise unreadable(path, error) from error

    def read(self, entry: Entry) -> bytes:
        """One of its files; see `Archive`."""
        offset, size = entry.where
        check_size(entry.name, size)
        content = Volumes(self.files).read_at(offset, size)
        if len(content) != size:
            raise ArchiveError(f"{printable(entry.name)} is cut off", _DAMAGED)
        return content


def _samples(descriptor: int, size: int) -> Iterator[list[_Member]]:
    """Files side by side that have one name up to the first dot."""
    sample: list[_Member] = []
    try:
        for member in _members(descriptor, size):
            if sample and (_stem(member.name) != _stem(sample[0].name) or len(sample) == _MOST_IN_SAMPLE):
                yield sample
                sample = []
            sample.append(member)
    except ArchiveError:
        yield sample
        raise
    yield sample


def _stem(name: str) -> tuple[str, str]:
    folder, _, last = name.rpartition("/")
    return folder, last.partition(".")[0]


def _members(descriptor: int, size: int) -> Iterator[_Member]:
    """Each file of a tar.

    Raises:
        ArchiveError: it is damaged, or cut off.
    """
    offset, long_name, long_size = 0, None, None
    while True:
        header = os.pread(descriptor, _BLOCK, offset)
        if len(header) == _BLOCK and not any(header):
            return
        if len(header) < _BLOCK:
            raise ArchiveError("it is cut off; what stands before is read", _DAMAGED)
        kind, length = header[156], _checked_size(header)
        begins = offset + _BLOCK
        if long_size is not None:
            length = long_size
        offset = begins + (0 if kind in _EMPTY else -(-length // _BLOCK) * _BLOCK)
        if begins + length > size and kind not in _EMPTY:
            raise ArchiveError("it is cut off; what stands before is read", _DAMAGED)
        if kind in (_GNU_NAME, _POSIX):
            if length > _MOST_NAME_BYTES:
                raise ArchiveError(f"it has a name of {length:,} bytes", _DAMAGED)
            content = os.pread(descriptor, length, begins)
            if kind == _GNU_NAME:
                long_name = _text(content)
            else:
                long_name, long_size = _posix_fields(content)
            continue
        if kind == _SPARSE:
            raise ArchiveError("it has sparse files, which are not read", "Unpack it, and use the folder.")
        if kind in _FILES:
            yield _Member(long_name or _name(header), begins, length)
        long_name, long_size = None, None


def _checked_size(header: bytes) -> int:
    """The size that a header states, once its checksum is right."""
    field = header[124:136]
    try:
        stated = int(header[148:156].rstrip(b"\0 ") or b"x", 8)
        # Binary where octal digits do not suffice.
        size = int.from_bytes(field[1:], "big") if field[0] == 0x80 else int(field.rstrip(b"\0 ") or b"0", 8)
    except ValueError:
        stated, size = -1, -1
    if stated != sum(header) - sum(header[148:156]) + 8 * ord(" ") or size < 0:
        raise ArchiveError("it is damaged, or no tar; what stands before is read", _DAMAGED)
    return size


def _name(header: bytes) -> str:
    name, prefix = _text(header[:100]), _text(header[345:500])
    return f"{prefix}/{name}" if prefix and header[257:263] == b"ustar\0" else name


def _text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _posix_fields(content: bytes) -> tuple[str | None, int | None]:
    """Name and size in lines of `length key=value`."""
    name, size = None, None
    while content:
        digits, blank, _ = content[:20].partition(b" ")
        length = int(digits) if digits.isdigit() else 0
        line, content = content[len(digits) + 1 : length - 1], content[length:]
        key, _, value = line.partition(b"=")
        if not blank or length <= len(digits) + 1:
            raise ArchiveError("it is damaged; what stands before is read", _DAMAGED)
        if key == b"path":
            name = _text(value)
        elif key == b"size" and value.isdigit():
            size = int(value[:19])
    return name, size


def _entries(descriptor: int, sample: list[_Member]) -> Iterator[Entry]:
    """A sample's files; a sound by what the JSON beside it says, if that names a video.

    A sample may be called so that it looks like a video's id: `sample-1000`.
    """
    fields = _fields_beside(descriptor, sample)
    for member in sample:
        name = file_name(member.name)
        _, dot, suffixes = name.partition(".")
        if fields and dot and not is_sidecar(suffixes):
            said, own = name_from_fields(fields, name), parse_name(name)
            agreed = own and own.start and said and (parsed := parse_name(said)) and parsed.ytid == own.ytid
            name = name if agreed else said or name
        yield Entry(name, (member.offset, member.size))


def _fields_beside(descriptor: int, sample: list[_Member]) -> dict[str, object]:
    """What the JSON of a sample says; nothing where there is none, or it is none."""
    for member in sample:
        if member.name.endswith(".json") and member.size <= _MOST_JSON_BYTES:
            try:
                fields = parse_json(os.pread(descriptor, member.size, member.offset))
            except ValueError:
                continue
            if isinstance(fields, dict):
                return fields
    return {}

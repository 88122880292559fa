"""Zips: their directory, and one member of them, through anything that gives bytes by offset and length.

A zip's directory stands at its end and says of each member where its own header begins, how large it is and
what its checksum is. A member is then one read: from its header up to the next one. Of split archives
(`x.z01`, `x.z02`, ..., `x.zip`) a member's place is a volume's number and an offset in that; a member may lie
across volumes.

Python's `zipfile` ignores volume numbers, and wants a file.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from stat import S_IFMT, S_ISREG
from typing import NamedTuple

import numpy as np

from ..workspace import printable
from .archive import ArchiveError, Entry, ReadAt, Volumes, check_size, file_name

MOST_MEMBERS = 2_500_000
"""AudioSet has 2.1 million segments."""

MOST_DIRECTORY_BYTES = 256 << 20

# An x is a byte passed over: signatures, versions, times of day.
_END = struct.Struct("<4xHHHHIIH")
_LOCATOR = struct.Struct("<4xIQI")
_END64 = struct.Struct("<4x12xII8xQQQ")
_RECORD = struct.Struct("<4xH2xHH4xIIIHHHH2xII")
_HEADER = struct.Struct("<26xHH")
_COMMENT_BYTES = _NAME_BYTES = _EXTRA_BYTES = 65_535

_FULL16, _FULL32 = 0xFFFF, 0xFFFF_FFFF
"""In their place zip64 has a number of its own."""

_ENCRYPTED, _UTF8, _MASKED = 1 << 0, 1 << 11, 1 << 13
_STORED, _DEFLATED = 0, 8
_UNIX = 3
_ZIP64 = 1


@dataclass(frozen=True, slots=True)
class Member:
    """A file in a zip, as the directory tells of it.

    Args:
        name: as in the archive, folders included; a stranger's text, which must not become a path.
        offset: where its header begins, counted through all volumes.
        reach: bytes from there that hold all of it, and no other member's header.
        packed: bytes of its content in the archive.
        size: bytes of its content.
        crc: what zlib's CRC-32 of its content must be.
        method: how it is packed: 0 stored, 8 deflated, others that are not read.
        flags: whether it is encrypted, and whether its name is UTF-8.
    """

    name: str
    offset: int
    reach: int
    packed: int
    size: int
    crc: int
    method: int
    flags: int

    @property
    def span(self) -> tuple[int, int]:
        """Offset and length of one read that covers all of it; `unpack` takes what it gives."""
        return self.offset, self.reach


@dataclass(frozen=True, slots=True)
class _End:
    """What the end of a zip says: its number among the volumes, and where its directory lies."""

    volume: int
    directory_volume: int
    members: int
    directory_bytes: int
    directory_offset: int


@dataclass(frozen=True, slots=True)
class Directory:
    """The directory of a zip as it lies there: a record a member, of different lengths.

    Args:
        content: all of it, up to the end record.
        offset: where it begins, counted through all volumes.
        starts: where each volume begins; a member is counted from there.
        count: how many records the end of the zip says that there are.
    """

    content: bytes
    offset: int
    starts: tuple[int, ...]
    count: int

    def members(self) -> Iterator[tuple[int, Member]]:
        """Each member, behind the place of its record in `content`; folders and links are passed over.

        Raises:
            ArchiveError: it is damaged, or contradicts itself.
        """
        offsets = np.fromiter((record.offset for record in self._records()), np.int64)
        # Without zip64 there is room for the last 16 bits of the count.
        if len(offsets) != self.count and (self.count > _FULL16 or len(offsets) & _FULL16 != self.count):
            raise _damaged(f"its directory has {len(offsets):,} of {self.count:,} members")
        ordered = np.unique(offsets)
        following = np.append(ordered[1:], self.offset)[np.searchsorted(ordered, offsets)]
        for record, behind in zip(self._records(), following.tolist(), strict=True):
            other = record.made >> 8 == _UNIX and not S_ISREG(record.mode) and S_IFMT(record.mode)
            if not other and record.name[-1:] not in (b"/", b"\\"):
                yield record.at, record.member(behind - record.offset)

    def member(self, at: int, reach: int) -> Member:
        """The member whose record is at a place of `content`, with the reach that `members` gave it."""
        return self._record(at).member(reach)

    def _records(self) -> "Iterator[_Record]":
        at = 0
        while at < len(self.content):
            record = self._record(at)
            yield record
            at = record.ends

    def _record(self, at: int) -> "_Record":
        content, name_at = self.content, at + _RECORD.size
        if content[at : at + 4] != b"PK\1\2" or len(content) < name_at:
            raise _damaged("its directory is damaged")
        (made, flags, method, crc, packed, size, names, extras, comments, volume, mode, offset) = (
            _RECORD.unpack_from(content, at)
        )
        extra_at = name_at + names
        ends = extra_at + extras + comments
        if ends > len(content):
            raise _damaged("its directory is damaged")
        if _FULL32 in (packed, size, offset) or volume == _FULL16:
            extra = content[extra_at : extra_at + extras]
            size, packed, offset, volume = _widened(extra, size, packed, offset, volume)
        if volume >= len(self.starts) or self.starts[volume] + offset >= self.offset:
            raise _damaged("its directory names a place that is not in it")
        place, name = self.starts[volume] + offset, content[name_at:extra_at]
        return _Record(at, ends, name, place, packed, size, crc, method, flags, made, mode >> 16)


class _Record(NamedTuple):
    """What the directory says of a member; a plain tuple, of which millions are made in seconds."""

    at: int
    ends: int
    name: bytes
    offset: int
    packed: int
    size: int
    crc: int
    method: int
    flags: int
    made: int
    mode: int

    def member(self, reach: int) -> Member:
        """The member, given how far it is to what follows it."""
        name = _decoded(self.name, self.flags)
        most = _HEADER.size + _NAME_BYTES + _EXTRA_BYTES + self.packed
        return Member(
            name, self.offset, min(reach, most), self.packed, self.size, self.crc, self.method, self.flags
        )


def read_directory(read_at: ReadAt, size: int, starts: Sequence[int] = (0,)) -> Directory:
    """The directory of a zip, in two reads or three.

    Args:
        read_at: gives its bytes, all volumes one after the other.
        size: of all volumes together.
        starts: where each volume begins.

    Raises:
        ArchiveError: there is none, it is damaged, or volumes are missing.
    """
    end, begins_behind = _read_end(read_at, size, starts)
    if end.volume != len(starts) - 1:
        raise _damaged(f"it has {end.volume + 1} volumes, and {len(starts)} are here")
    if end.members > MOST_MEMBERS or end.directory_bytes > MOST_DIRECTORY_BYTES:
        raise _damaged(f"it claims {end.members:,} members in a directory of {end.directory_bytes:,} bytes")
    if end.directory_volume >= len(starts):
        raise _damaged("its directory is not where it should be")
    begins = starts[end.directory_volume] + end.directory_offset
    if begins + end.directory_bytes > begins_behind:
        raise _damaged("its directory is not where it should be")
    content = read_at(begins, end.directory_bytes)
    if len(content) != end.directory_bytes:
        raise _damaged("its directory is cut off")
    return Directory(content, begins, tuple(starts), end.members)


def count_volumes(read_at: ReadAt, size: int) -> int:
    """Of how many volumes a file is the last: 1 for a zip that is whole.

    Args:
        read_at: gives the bytes of that file alone.
        size: how many that file has.

    Raises:
        ArchiveError: it is no zip, or cut off.
    """
    content, at = _find_end(read_at, size)
    volume: int = _END.unpack_from(content, at)[0]
    if volume == _FULL16 and (locator := _locator(content, at)):
        volume = locator[2] - 1
    return volume + 1


def _find_end(read_at: ReadAt, size: int) -> tuple[bytes, int]:
    """The last bytes of a zip, and where among them its end record is."""
    length = min(size, _LOCATOR.size + _END.size + _COMMENT_BYTES)
    content = read_at(size - length, length)
    at = len(content)
    while (at := content.rfind(b"PK\5\6", 0, at)) >= 0:
        if (
            at + _END.size <= len(content)
            and _END.unpack_from(content, at)[-1] <= len(content) - at - _END.size
        ):
            return content, at
    raise _damaged("it is no zip, or its end is missing")


def _locator(content: bytes, end_at: int) -> tuple[int, int, int] | None:
    """Volume and offset of the end record that zip64 has, and the number of volumes; None without zip64."""
    at = end_at - _LOCATOR.size
    if at < 0 or content[at : at + 4] != b"PK\6\7":
        return None
    volume, offset, volumes = _LOCATOR.unpack_from(content, at)
    return volume, offset, volumes


def _read_end(read_at: ReadAt, size: int, starts: Sequence[int]) -> tuple[_End, int]:
    """What the end says, and where it begins."""
    content, at = _find_end(read_at, size)
    volume, directory_volume, _, members, directory_bytes, directory_offset, _ = _END.unpack_from(content, at)
    end = _End(volume, directory_volume, members, directory_bytes, directory_offset)
    begins = size - len(content) + at
    locator = _locator(content, at)
    if locator is None:
        return end, begins
    volume, offset, volumes = locator
    if volumes > len(starts) or volume >= len(starts):
        raise _damaged(f"it has {max(volumes, volume + 1)} volumes, and {len(starts)} are here")
    begins = starts[volume] + offset
    record = read_at(begins, _END64.size)
    if len(record) != _END64.size or record[:4] != b"PK\6\6":
        raise _damaged("its end is damaged")
    return _End(*_END64.unpack(record)), begins


def _widened(extra: bytes, size: int, packed: int, offset: int, volume: int) -> tuple[int, int, int, int]:
    """The numbers of a member that stand in the zip64 field where they did not fit."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        at += 4
        if kind == _ZIP64:
            field = extra[at : at + length]
            wide = [number for (number,) in struct.iter_unpack("<Q", field[: len(field) // 8 * 8])]
            try:
                if size == _FULL32:
                    size = wide.pop(0)
                if packed == _FULL32:
                    packed = wide.pop(0)
                if offset == _FULL32:
                    offset = wide.pop(0)
            except IndexError:
                break
            if volume == _FULL16 and len(field) % 8 == 4:
                volume = int.from_bytes(field[-4:], "little")
            return size, packed, offset, volume
        at += length
    raise _damaged("its directory is damaged")


def _decoded(name: bytes, flags: int) -> str:
    return name.decode("utf-8", "surrogateescape") if flags & _UTF8 else name.decode("cp437")


def check_readable(member: Member) -> None:
    """See that `unpack` can unpack a member, before its bytes are fetched.

    Raises:
        ArchiveError: it is encrypted, too large, or packed in an unknown way.
    """
    name = _shown(member)
    if member.flags & (_ENCRYPTED | _MASKED):
        raise ArchiveError(f"{name} is encrypted", "Unpack the archive with its password first.")
    if member.method not in (_STORED, _DEFLATED):
        raise ArchiveError(
            f"{name} is packed by method {member.method}, which is not read",
            "Unpack the archive first; stored and deflated files are read as they lie.",
        )
    check_size(member.name, max(member.size, member.packed))


def unpack(member: Member, raw: bytes) -> bytes:
    """A member's content, checked.

    Args:
        member: which one, as `Directory.members` gave it.
        raw: the bytes of the archive at its `span`.

    Raises:
        ArchiveError: it is encrypted, too large, packed in an unknown way, or not what its directory says.
    """
    check_readable(member)
    if len(raw) < _HEADER.size or raw[:4] != b"PK\3\4":
        raise _damaged(f"there is no {_shown(member)} where the directory says")
    names, extras = _HEADER.unpack_from(raw)
    name_ends = _HEADER.size + names
    if _decoded(raw[_HEADER.size : name_ends], member.flags) != member.name:
        raise _damaged(f"there is another file where the directory has {_shown(member)}")
    content = raw[name_ends + extras : name_ends + extras + member.packed]
    if len(content) != member.packed:
        raise _damaged(f"{_shown(member)} is cut off")
    if member.method == _DEFLATED:
        content = _inflated(content, member)
    if len(content) != member.size or zlib.crc32(content) != member.crc:
        raise _damaged(f"{_shown(member)} is damaged")
    return content


def _inflated(packed: bytes, member: Member) -> bytes:
    """What deflated bytes hold, or one byte more than the directory says where they hold more."""
    try:
        return zlib.decompressobj(-zlib.MAX_WBITS).decompress(packed, member.size + 1)
    except zlib.error as error:
        raise _damaged(f"{_shown(member)} is damaged") from error


def _shown(member: Member) -> str:
    return printable(member.name[-200:])


def _damaged(what: str) -> ArchiveError:
    return ArchiveError(what, "Get the archive again.")


def _read_member(volumes: Volumes, at: int, reach: int) -> Member:
    """The member whose record is there in the directory."""
    record = volumes.read_at(at, _RECORD.size)
    if len(record) == _RECORD.size:
        *_, names, extras, comments, _, _, _ = _RECORD.unpack(record)
        record += volumes.read_at(at + _RECORD.size, names + extras + comments)
    return Directory(record, at, volumes.starts, 1).member(0, reach)


class Zip:
    """A zip, or all volumes of one.

    Args:
        path: of a split archive that of the last volume, `.zip`; the others must lie beside it.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @cached_property
    def files(self) -> list[Path]:
        """All volumes, in order; see `Archive`."""
        last = Volumes([self._path])
        count = count_volumes(last.read_at, last.size)
        before = [self._path.with_suffix(f".z{number:02}") for number in range(1, count)]
        missing = [path.name for path in before if not path.exists()]
        if missing:
            more = f", nor are {len(missing) - 1} others" if missing[1:] else ""
            raise ArchiveError(
                f"it is the last of {count} volumes, and {printable(missing[0])} is not there{more}",
                "Get all volumes, and lay them beside one another.",
            )
        return [*before, self._path]

    def index(self) -> Iterator[Entry]:
        """Its files; see `Archive`."""
        volumes = Volumes(self.files)
        directory = read_directory(volumes.read_at, volumes.size, volumes.starts)
        for at, member in directory.members():
            yield Entry(file_name(member.name), (directory.offset + at, member.reach))

    def read(self, entry: Entry) -> bytes:
        """One of its files; see `Archive`."""
        volumes = Volumes(self.files)
        member = _read_member(volumes, *entry.where)
        check_readable(member)
        return unpack(member, volumes.read_at(*member.span))

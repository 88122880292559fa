"""Which bytes of a stream hold a segment, read from the index that stands in front of it.

YouTube serves audio as WebM with its Cues, or as fragmented MP4 with its `sidx`, before the first sound. With
the header and the clusters or fragments around a segment a decoder has all it needs.
Sources: RFC 9559 (Matroska), ISO/IEC 14496-12 (`sidx`, 8.16.3).
"""

import struct
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import pairwise

PRE_ROLL_MS = 80
"""What a decoder must hear before its output is right: Opus needs 80 ms (RFC 7845, 4.6), AAC one frame."""

_EBML, _SEGMENT, _INFO, _TRACKS, _CUES, _CLUSTER = (
    0x1A45DFA3,
    0x18538067,
    0x1549A966,
    0x1654AE6B,
    0x1C53BB6B,
    0x1F43B675,
)
_SCALE, _DURATION, _CUE_POINT, _CUE_TIME, _CUE_POSITIONS, _CUE_CLUSTER = (
    0x2AD7B1,
    0x4489,
    0xBB,
    0xB3,
    0xB7,
    0xF1,
)
_SEGMENT_OF_UNKNOWN_SIZE = bytes.fromhex("18538067 01ffffffffffffff")


_LONGEST_MS = 7 * 86_400_000
_LARGEST = 1 << 40


class Incomplete(Exception):
    """The index goes on past the bytes given.

    Args:
        needed: how many bytes from the start are needed to read on.
    """

    def __init__(self, needed: int) -> None:
        super().__init__(f"{needed} bytes are needed")
        self.needed = needed


@dataclass(frozen=True, slots=True)
class StreamIndex:
    """Where a stream's sound lies.

    Args:
        header: the bytes a decoder needs first, without the index itself.
        times_ms: start of each cluster or fragment, ascending.
        offsets: its first byte, of equal length.
        length_ms: how long the stream is.
    """

    header: bytes
    times_ms: tuple[int, ...]
    offsets: tuple[int, ...]
    length_ms: int

    def span(self, start_ms: int, end_ms: int) -> tuple[int, int | None]:
        """First byte of a segment's sound, and the byte behind its last; None for the end of the stream."""
        first = max(0, bisect_right(self.times_ms, max(0, start_ms - PRE_ROLL_MS)) - 1)
        behind = bisect_left(self.times_ms, end_ms)
        return self.offsets[first], self.offsets[behind] if behind < len(self.offsets) else None


def read_index(head: bytes) -> StreamIndex | None:
    """Read a stream's index from its first bytes; None where it has none that is usable.

    Raises:
        Incomplete: more bytes are needed.
    """
    try:
        if head[:4] == _EBML.to_bytes(4, "big"):
            return _sound(_read_webm(head))
        if head[4:8] == b"ftyp":
            return _sound(_read_mp4(head))
    except (ValueError, KeyError, IndexError, OverflowError, struct.error):
        pass
    return None


def _sound(index: StreamIndex | None) -> StreamIndex | None:
    """An index that can be true: times and offsets ascend, and lie where a stream's may."""
    if index is None or not 0 < index.length_ms < _LONGEST_MS or index.offsets[-1] >= _LARGEST:
        return None
    ascending = all(a < b for a, b in pairwise(index.offsets)) and all(
        a <= b for a, b in pairwise(index.times_ms)
    )
    return index if ascending else None


def _read_webm(head: bytes) -> StreamIndex | None:
    _, position, size = _element(head, 0)
    ebml = head[: position + size]
    found, segment, _ = _element(head, len(ebml))
    if found != _SEGMENT:
        return None
    parts: dict[int, bytes] = {}
    whole: dict[int, bytes] = {}
    position = segment
    while not {_INFO, _TRACKS, _CUES} <= parts.keys():
        found, start, size = _element(head, position)
        if found == _CLUSTER:
            return None
        if start + size > len(head):
            raise Incomplete(start + size)
        parts[found], whole[found] = head[start : start + size], head[position : start + size]
        position = start + size
    info = dict(_children(parts[_INFO]))
    nanoseconds = int.from_bytes(info.get(_SCALE, b"\x0f\x42\x40"), "big")
    times, offsets = [], []
    for kind, cue in _children(parts[_CUES]):
        if kind == _CUE_POINT:
            fields = dict(_children(cue))
            times.append(int.from_bytes(fields[_CUE_TIME], "big") * nanoseconds // 1_000_000)
            offsets.append(
                segment + int.from_bytes(dict(_children(fields[_CUE_POSITIONS]))[_CUE_CLUSTER], "big")
            )
    if not times or _DURATION not in info:
        return None
    duration = info[_DURATION]
    length = struct.unpack(">d" if len(duration) == 8 else ">f", duration)[0] * nanoseconds / 1_000_000
    header = ebml + _SEGMENT_OF_UNKNOWN_SIZE + whole[_INFO] + whole[_TRACKS]
    return StreamIndex(header, tuple(times), tuple(offsets), round(length))


def _element(data: bytes, position: int) -> tuple[int, int, int]:
    """An EBML element at `position`: its id, where its content starts, its size."""
    if position + 12 > len(data):
        raise Incomplete(position + 12)
    id_length = 9 - data[position].bit_length()
    size_at = position + id_length
    size_length = 9 - data[size_at].bit_length()
    if id_length > 4 or size_length > 8:
        raise ValueError("no EBML element here")
    size = int.from_bytes(data[size_at : size_at + size_length], "big") & ((1 << 7 * size_length) - 1)
    return int.from_bytes(data[position:size_at], "big"), size_at + size_length, size


def _children(content: bytes) -> list[tuple[int, bytes]]:
    children, position = [], 0
    padded = content + bytes(12)
    while position < len(content):
        found, start, size = _element(padded, position)
        children.append((found, content[start : start + size]))
        position = start + size
    return children


def _read_mp4(head: bytes) -> StreamIndex | None:
    header, position = b"", 0
    while True:
        if position + 8 > len(head):
            raise Incomplete(position + 8)
        size, kind = struct.unpack_from(">I4s", head, position)
        if kind in (b"moof", b"mdat") or size < 8:
            return None
        if position + size > len(head):
            raise Incomplete(position + size)
        if kind in (b"ftyp", b"moov"):
            header += head[position : position + size]
        position += size
        if kind == b"sidx":
            return _read_sidx(header, head[position - size + 8 : position], position)


def _read_sidx(header: bytes, box: bytes, behind: int) -> StreamIndex | None:
    (timescale,) = struct.unpack_from(">I", box, 8)
    earliest, first_offset = struct.unpack_from(">QQ" if box[0] else ">II", box, 12)
    table = 28 if box[0] else 20
    (count,) = struct.unpack_from(">H", box, table + 2)
    times, offsets, tick, offset = [], [], earliest, behind + first_offset
    for entry in range(count):
        size, duration, _ = struct.unpack_from(">III", box, table + 4 + 12 * entry)
        if size >> 31 or not timescale:
            return None
        times.append(tick * 1000 // timescale)
        offsets.append(offset)
        tick, offset = tick + duration, offset + size
    return StreamIndex(header, tuple(times), tuple(offsets), tick * 1000 // timescale) if times else None

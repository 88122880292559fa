"""One media address, read by byte ranges: its index, then exactly the bytes that hold a segment.

YouTube serves audio as WebM with its Cues, or as fragmented MP4 with its `sidx`, before the first sound
(`read_index`). With the header and the clusters or fragments around a segment a decoder has all it needs.
Nothing that the server says of the bytes is taken on trust (`Stream`).
Sources: RFC 9559 (Matroska), ISO/IEC 14496-12 (`sidx`, 8.16.3).
"""

import re
import struct
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential
from yt_dlp.networking import Request
from yt_dlp.networking.exceptions import IncompleteRead, RequestError, TransportError

from ..types import Reason
from .session import Broken, RunRefused, Session, TooSlow, as_fetch_error, is_media, media_failure
from .source import FetchError

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


class Piece(NamedTuple):
    """A piece of a playlist: when it is due, and which bytes of an address it is; the header is due never."""

    times_ms: tuple[int, int] | None
    uri: str
    first: int
    behind: int | None


_FRAGMENTS = (b"ftyp", b"styp", b"moof", b"moov")
_PIECES_LEAD_MS = 1_000
_MOST_PIECES = 100_000
_MOST_READ = 40
"""Pieces of ten seconds, and its header: each is a request."""
_MAP = re.compile(r'#EXT-X-MAP:URI="([^"]{1,8000})"(?:,BYTERANGE="(\d{1,12})(?:@(\d{1,12}))?")?')
_RANGE = re.compile(r"#EXT-X-BYTERANGE:(\d{1,12})(?:@(\d{1,12}))?")
_LENGTH = re.compile(r"#EXTINF:(\d{1,6}(?:\.\d{1,9})?)")
_NOT_PLAYED = ("#EXT-X-STREAM-INF", "#EXT-X-KEY:METHOD=A", "#EXT-X-KEY:METHOD=S")


def read_playlist(text: str) -> Iterator[Piece]:
    """The pieces of a playlist in their order.

    Raises:
        FetchError: it is none of pieces, or they are enciphered.
    """
    due = seconds = 0.0
    span: tuple[int, int | None] = (0, None)
    behind_last = 0

    def ranged(found: re.Match[str], group: int) -> tuple[int, int | None]:
        if found[group] is None:
            return 0, None
        first = behind_last if found[group + 1] is None else int(found[group + 1])
        return first, first + int(found[group])

    for number, line in enumerate(text.splitlines()):
        if number > 4 * _MOST_PIECES or line.startswith(_NOT_PLAYED) or not text.startswith("#EXTM3U"):
            raise FetchError(Reason.BAD_ANSWER, "the playlist is none of pieces that can be played")
        if found := _LENGTH.match(line):
            seconds = float(found[1])
        elif found := _RANGE.match(line):
            span = ranged(found, 1)
        elif found := _MAP.match(line):
            yield Piece(None, found[1], *ranged(found, 2))
        elif line.strip() and not line.startswith("#"):
            yield Piece((round(due * 1000), round((due + seconds) * 1000)), line.strip(), *span)
            due, behind_last, seconds, span = due + seconds, span[1] or 0, 0.0, (0, None)


def _media_address(uri: str, base: str = "") -> str:
    """An address of YouTube's media, which may be told relative to another.

    Raises:
        FetchError: it is none.
    """
    try:
        url = urljoin(base, uri)
        parts = urlsplit(url)
        if parts.scheme == "https" and parts.port in (None, 443) and is_media(url):
            return url
    except ValueError:
        pass
    raise FetchError(Reason.BAD_ANSWER, "the media are not where YouTube's are")


_HEAD_BYTES = 16_384
_MOST_HEAD_BYTES = 1_000_000
_MOST_MEDIA_BYTES = 30_000_000


class Stream:
    """A stream of a video.

    Args:
        session: whose connections to use.
        headers: to be sent along.
        single: whether it is one file; a playlist has no index.
    """

    def __init__(self, session: Session, url: str, headers: dict[str, str], single: bool = True) -> None:
        self._session = session
        self._url = self._landed = url
        self.headers = headers
        self.single = single
        self._found: tuple[StreamIndex | None, bytes] | None = None if single else (None, b"")

    def index(self) -> tuple[StreamIndex | None, bytes]:
        """The stream's index, if it has one, and the first bytes; read once.

        Raises:
            FetchError: they did not come.
        """
        if self._found is None:
            self._found = self._read_index()
        return self._found

    def address(self) -> str:
        """Where ffmpeg can read a stream without an index: behind the redirects that were followed here.

        Raises:
            FetchError: it is none of YouTube's.
        """
        return _media_address(self._landed)

    def pieces(self, start_ms: int, end_ms: int) -> tuple[bytes, int]:
        """A segment's pieces of a playlist (HLS, RFC 8216), and at which millisecond the first begins.

        They are read here: ffmpeg would follow a piece's redirect to anybody's machine, this one included.

        Raises:
            FetchError: they did not come, or are not YouTube's.
        """
        try:
            answer = self._session.urlopen(Request(self._url, headers=self.headers))
            text, url = answer.read().decode("utf-8", "replace"), answer.url
            answer.close()
        except RunRefused as error:
            raise as_fetch_error(error) from error
        except RequestError as error:
            raise media_failure(error, self._session.sent_at) from error
        except Broken as error:
            raise FetchError(Reason.CONNECTION, str(error), sent_at=self._session.sent_at) from error
        content, begins_ms, left = b"", None, _MOST_READ
        for piece in read_playlist(text):
            if piece.times_ms and not piece.times_ms[0] < end_ms + PRE_ROLL_MS:
                break
            if piece.times_ms and piece.times_ms[1] <= start_ms - _PIECES_LEAD_MS:
                continue
            stream = Stream(self._session, _media_address(piece.uri, url), self.headers)
            content += stream.read(piece.first, piece.behind)
            if piece.times_ms and begins_ms is None:
                begins_ms = piece.times_ms[0]
            left -= 1
            if len(content) > _MOST_MEDIA_BYTES or not left:
                raise FetchError(Reason.BAD_ANSWER, "the segment takes too many bytes or pieces")
        if begins_ms is None:
            raise FetchError(Reason.BAD_ANSWER, "the playlist names no piece of the segment")
        # Fragments of MP4 tell the recording's own time; what else there is begins where it begins.
        return content, 0 if content[4:8] in _FRAGMENTS else begins_ms

    def _read_index(self) -> tuple[StreamIndex | None, bytes]:
        head = self.read(0, _HEAD_BYTES)
        while True:
            try:
                return read_index(head), head
            except Incomplete as more:
                known = len(head)
                if not known < more.needed <= _MOST_HEAD_BYTES:
                    return None, head
                # At least twice as much each time: a head made of crumbs takes no more requests than one.
                head += self.read(known, max(more.needed + _HEAD_BYTES, 2 * known))
                if len(head) == known:
                    return None, head

    def read(self, first: int, behind: int | None) -> bytes:
        """Bytes `first` to `behind` (None: the end), going on where a broken connection left off.

        Raises:
            FetchError: they did not come.
        """
        got = bytearray()
        retrying = Retrying(
            stop=stop_after_attempt(3),
            wait=wait_exponential(multiplier=0.25),
            retry=retry_if_exception(_may_pass),
            sleep=self._session.pace.sleep,
            reraise=True,
        )
        try:
            for attempt in retrying:
                with attempt:
                    self._read_on(got, first, behind)
        except RunRefused as error:
            raise as_fetch_error(error) from error
        except RequestError as error:
            raise media_failure(error, self._session.sent_at) from error
        return bytes(got)

    def _read_on(self, got: bytearray, first: int, behind: int | None) -> None:
        had = len(got)
        at = first + had
        wanted = f"bytes={at}-{'' if behind is None else behind - 1}"
        headers = {**self.headers, "Range": wanted, "Accept-Encoding": "identity"}
        response = self._session.urlopen(Request(self._url, headers=headers))
        self._landed = response.url
        try:
            kind = response.headers.get("Content-Type") or ""
            if response.status != 206 or "text/html" in kind:
                raise FetchError(Reason.BAD_ANSWER, f"HTTP {response.status} {kind} for {wanted}: no media")
            total = _total(response.headers.get("Content-Range"), at)
            end = total if behind is None else min(behind, total)
            if end - first > _MOST_MEDIA_BYTES:
                raise FetchError(Reason.BAD_ANSWER, f"the segment would take {end - first:,} bytes")
            while len(got) < end - first and (chunk := response.read(min(65_536, end - first - len(got)))):
                got += chunk
        finally:
            self._session.pace.received(len(got) - had)
            response.close()
        if len(got) < end - first:
            raise IncompleteRead(len(got), end - first - len(got))


def _may_pass(error: BaseException) -> bool:
    """Whether the rest may come if it is asked for again."""
    return isinstance(error, TransportError) and not isinstance(error, TooSlow)


def _total(content_range: str | None, at: int) -> int:
    """How long the stream is, from a `Content-Range` that begins where it was asked to.

    Raises:
        FetchError: it does not.
    """
    parts = re.fullmatch(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})", (content_range or "").strip(), re.ASCII)
    if parts:
        first, last, total = map(int, parts.groups())
        if first == at <= last < total:
            return total
    raise FetchError(Reason.BAD_ANSWER, f"asked for byte {at:,} and got Content-Range {content_range!r}")

"""A YouTube that gives recorded answers again: what `fetch --record` wrote, or others in the same form.

It has the same doors as `site.Site`, and no plan behind them. Words, streams and sizes are the recorded ones,
byte for byte. What was not recorded is made up: the page of a video around its player's answer, and the sound
of a stream, which is the simulator's own, as long as the address says. Of a stream whose head was recorded
only the head is sent, and the connection is closed.

A file `*.json` or `*.json.gz` holds one answer: `videoId`, `client` and `kind` (`KINDS`), `status` and
`headers`, and the body as `answer` (a JSON object) or `body` (base64); of a stream also `itag` and the
`range` asked for, of which only the head may be there. Files come from strangers: each is read by itself and
within bounds, and what is not understood is passed over with a line that says why.
"""

import base64
import gzip
import json
import re
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..exceptions import DataMismatch, UsageError
from ..types import YTID
from . import answers, shape
from .bank import Studio
from .counts import Counts
from .plan import Plan, Video, decide
from .site import HTML, JSON, TEXT, Site, read_asked
from .streams import MANIFEST_HOST, MUXED, asked_for
from .wire import Line, Request, byte_range, head, send

KINDS = ("player", "page", "media", "visitor", "other")

_MOST_FILES = 20_000
_MOST_ON_DISK = 8_000_000
_MOST_TEXT = 32_000_000
_MOST_LINES = 20
_STAND_IN = "----------A"
_LONGEST_S = 6 * 3_600.0
_HEADERS = {name.lower(): name for name in ("Content-Type", "Content-Range", "Retry-After")}


@dataclass(frozen=True, slots=True)
class Record:
    """One answer. `begin` is the first byte that was asked of a stream, `answer` the object in its body."""

    kind: str
    client: str
    ytid: str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    answer: Mapping[str, Any] | None = None
    itag: int = 0
    begin: int = 0


@dataclass(frozen=True, slots=True)
class _Entry:
    path: Path
    kind: str
    client: str
    ytid: str
    itag: int
    begin: int


class Records:
    """The answers of a folder, in the order of their files' names.

    Only where each lies is kept in memory. Several answers to the same question are given one after another,
    the last one again and again.

    Args:
        folder: where they are; folders inside it do not count.

    Attributes:
        passed_over: one line for each file that is no record, at most so many and a last one for the rest.

    Raises:
        UsageError: there is no such folder.
        DataMismatch: it holds no record.
    """

    def __init__(self, folder: Path) -> None:
        self._lock = Lock()
        self._given: Counter[tuple[object, ...]] = Counter()
        self._entries: defaultdict[str, list[_Entry]] = defaultdict(list)
        self.passed_over: list[str] = []
        left_out = 0
        for path in _files(folder):
            try:
                one = read_record(path)
            except (ValueError, OSError) as error:
                left_out += 1
                if left_out <= _MOST_LINES:
                    self.passed_over.append(f"{path.name!r} is passed over: {_line(error)}")
                continue
            self._entries[one.ytid if one.kind != "visitor" else ""].append(
                _Entry(path, one.kind, one.client, one.ytid, one.itag, one.begin)
            )
        if left_out > _MOST_LINES:
            self.passed_over.append(f"{left_out - _MOST_LINES} more files are passed over")
        if not self._entries:
            raise DataMismatch(
                f"{folder} holds no recorded answer", "Record some with: audioset-tools fetch --record DIR"
            )

    def next(self, kind: str, ytid: str, client: str = "") -> Record | None:
        """The answer to give now: one to this client, or else one to any; None if there is none."""
        found = (
            [entry for entry in self._entries[ytid] if entry.kind == kind] if ytid in self._entries else []
        )
        own = [entry for entry in found if entry.client == client]
        return self._turn(own or found, (kind, ytid, client))

    def media(self, ytid: str, itag: int, begin: int) -> Record | None:
        """The answer to a request for a stream from byte `begin` on; None if nothing of it was recorded."""
        found = [
            entry
            for entry in self._entries.get(ytid, ())
            if entry.kind == "media" and entry.itag in (itag, 0)
        ]
        exact = [entry for entry in found if entry.begin == begin]
        before = [entry for entry in found if entry.begin <= begin]
        return self._turn(exact or before[-1:] or found, ("media", ytid, itag, begin))

    def _turn(self, entries: list[_Entry], question: tuple[object, ...]) -> Record | None:
        if not entries:
            return None
        with self._lock:
            turn = self._given[question]
            self._given[question] += 1
        try:
            return read_record(entries[min(turn, len(entries) - 1)].path)
        except (ValueError, OSError):
            # It was one when the folder was read: somebody has taken it away since.
            return None


def read_record(path: Path) -> Record:
    """Read one file.

    Raises:
        ValueError: it is no record.
        OSError: it cannot be read.
    """
    if path.stat().st_size > _MOST_ON_DISK:
        raise ValueError(f"it has more than {_MOST_ON_DISK:,} bytes")
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as handle:
            text = handle.read(_MOST_TEXT + 1)
        if len(text) > _MOST_TEXT:
            raise ValueError(f"it holds more than {_MOST_TEXT:,} bytes of text")
        given = json.loads(text)
    except (EOFError, zlib.error) as error:
        raise ValueError(f"it is no whole gzip file: {error}") from error
    except RecursionError as error:
        raise ValueError("its JSON is nested too deeply") from error
    if not isinstance(given, dict):
        raise ValueError("it is no JSON object")
    return _record(given)


class ReplaySite:
    """Answers from records.

    Args:
        records: the recorded answers to give.
        studio: where the sounds come from that were not recorded.
        counts: what is asked is counted there.
        wait: pauses for that many seconds, or until all ends.
        latency_s: seconds to wait before each answer.
    """

    def __init__(
        self,
        records: Records,
        studio: Studio,
        counts: Counts,
        wait: Callable[[float], object],
        latency_s: float = 0.0,
    ) -> None:
        self._records = records
        self._studio = studio
        self._counts = counts
        self._wait = wait
        self._latency_s = latency_s
        self._site = Site(Plan(), studio, counts, wait)

    def answer(self, line: Line, host: str, request: Request) -> bool:
        """Answer one request to `host`; False when the connection is of no further use."""
        self._wait(self._latency_s)
        if host == MANIFEST_HOST:
            self._counts.asked("manifest")
            return send(line, request, 404, TEXT, b"")
        if host.endswith(".googlevideo.com"):
            return self._media(line, request)
        if request.path == "/youtubei/v1/player":
            return self._player(line, request)
        if request.path == "/youtubei/v1/visitor_id":
            return self._visitor(line, request)
        if request.path == "/watch":
            return self._page(line, request, request.query("v")[:50])
        return self._site.answer(line, host, request)

    def _player(self, line: Line, request: Request) -> bool:
        asked = read_asked(request)
        ytid = asked.ytid[:50]
        self._counts.asked("player", ytid)
        record = self._records.next("player", ytid, asked.client)
        if record is None:
            return self._send(line, request, JSON, answers.unknown_player(ytid))
        return self._repeat(line, request, record, JSON)

    def _visitor(self, line: Line, request: Request) -> bool:
        self._counts.asked("visitor")
        record = self._records.next("visitor", "")
        if record is None:
            return self._send(line, request, JSON, shape.visitor("replay"))
        return self._repeat(line, request, record, JSON)

    def _page(self, line: Line, request: Request, ytid: str) -> bool:
        self._counts.asked("page", ytid)
        record = self._records.next("page", ytid)
        if record is not None:
            return self._repeat(line, request, record, HTML)
        player = self._records.next("player", ytid, "WEB")
        answer: Any = {} if player is None or player.answer is None else dict(player.answer)
        if player is not None and player.client != "WEB":
            # The streams of another client: YouTube's own page lets the server choose.
            answer.pop("streamingData", None)
        body = answers.recorded_page(answer or json.loads(answers.unknown_player(ytid)))
        return self._send(line, request, HTML, body)

    def _media(self, line: Line, request: Request) -> bool:
        ytid, format, muxed, _ = asked_for(request.target)
        query = parse_qs(urlsplit(request.target).query)
        given_itag = query.get("itag", ["0"])[0]
        given_id = query.get("id", [""])[0]
        self._counts.asked("media", ytid)
        asked = request.headers.get("range", "").removeprefix("bytes=") or request.query("range")
        begin = int(found[1]) if (found := re.match(r"(\d{1,15})-", asked, re.ASCII)) else 0
        itag = int(given_itag) if re.fullmatch(r"[0-9]{1,4}", given_itag) else 0
        record = self._records.media(ytid or given_id[:50], itag, begin)
        if record is not None:
            return self._repeat_media(line, request, record, asked)
        mime = query.get("mime", [""])[0]
        if format is None and mime == "audio/webm":
            _, format, _, _ = asked_for("/videoplayback?itag=251")
        elif format is None and (mime == "audio/mp4" or "ratebypass" in query):
            _, format, _, _ = asked_for("/videoplayback?itag=140")
            muxed = mime != "audio/mp4"
        if format is None:
            return send(line, request, 404, TEXT, b"")
        video = _stand_in(ytid, query.get("dur", [""])[0])
        if muxed or itag == MUXED:
            video = replace(video, fault="no-index")
        file = self._studio.file(video, format)
        return self._site.send_file(line, request, video.ytid, file, format.mime)

    def _repeat_media(self, line: Line, request: Request, record: Record, asked: str) -> bool:
        """A recorded stream: as much of what is asked for as there is."""
        if record.status >= 300:
            return self._repeat(line, request, record, TEXT)
        where = re.fullmatch(
            r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})", record.headers.get("Content-Range", ""), re.ASCII
        )
        first, total = (int(where[1]), int(where[3])) if where else (0, len(record.body))
        kind = record.headers.get("Content-Type", "application/octet-stream")
        span = byte_range(asked or "0-", total)
        if span is None:
            return send(line, request, 416, kind, b"", {"Content-Range": f"bytes */{total}"})
        begin, end = span
        extra = {"Accept-Ranges": "bytes", "Content-Range": f"bytes {begin}-{end - 1}/{total}"}
        line.socket.sendall(head(206 if asked else 200, kind, end - begin, extra))
        if request.method == "HEAD":
            return True
        piece = record.body[begin - first : end - first] if begin >= first else b""
        line.socket.sendall(piece)
        self._counts.sent(len(piece), media_of=record.ytid)
        return len(piece) == end - begin

    def _repeat(self, line: Line, request: Request, record: Record, kind: str) -> bool:
        extra = {name: value for name, value in record.headers.items() if name == "Retry-After"}
        self._counts.sent(len(record.body))
        kind = record.headers.get("Content-Type", kind)
        return send(line, request, record.status, kind, record.body, extra)

    def _send(self, line: Line, request: Request, kind: str, body: bytes) -> bool:
        self._counts.sent(len(body))
        return send(line, request, 200, kind, body)


def _stand_in(ytid: str, seconds: str) -> Video:
    """A good video in the place of one whose sound was not recorded, as long as its address says."""
    video = decide(Plan(), ytid if YTID.fullmatch(ytid) else _STAND_IN)
    if re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,6})?", seconds):
        return replace(video, length_ms=max(1_000, round(min(float(seconds), _LONGEST_S) * 1_000)))
    return video


def _record(given: dict[str, Any]) -> Record:
    kind = _typed(given, "kind", str, "player")
    status = _typed(given, "status", int, 200)
    if kind not in KINDS or not 200 <= status < 600:
        raise ValueError(f"no answer is of kind {kind[:20]!r} with status {status}")
    ytid, client = _typed(given, "videoId", str, ""), _typed(given, "client", str, "")
    if len(ytid) > 50 or len(client) > 50 or (not ytid and kind in ("player", "page", "media")):
        raise ValueError("it names no video, or one of too long a name")
    headers = _typed(given, "headers", dict, {})
    answer = _typed(given, "answer", dict, None) if "answer" in given else None
    if answer is None and "body" not in given:
        raise ValueError("it has neither answer nor body")
    body = base64.b64decode(_typed(given, "body", str, ""), validate=True)
    begin = re.fullmatch(r"bytes=(\d{1,15})-\d{0,15}", _typed(given, "range", str, "bytes=0-"), re.ASCII)
    if not begin:
        raise ValueError("its range is none")
    return Record(
        kind=kind,
        client=client,
        ytid=ytid,
        status=status,
        headers={
            _HEADERS[name.lower()]: value
            for name, value in headers.items()
            if name.lower() in _HEADERS and isinstance(value, str) and re.fullmatch(r"[ -~]{1,200}", value)
        },
        body=body if answer is None else json.dumps(answer).encode(),
        answer=answer,
        itag=_typed(given, "itag", int, 0),
        begin=int(begin[1]),
    )


def _typed(given: dict[str, Any], name: str, kind: type, otherwise: Any) -> Any:
    value = given.get(name, otherwise)
    # A boolean is an int to Python, but no status.
    if value is not otherwise and (not isinstance(value, kind) or isinstance(value, bool)):
        raise ValueError(f"its {name} is no {kind.__name__}")
    return value


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder", "Name one that holds recorded answers.")
    found = [
        path for path in folder.iterdir() if path.name.endswith((".json", ".json.gz")) and path.is_file()
    ]
    if len(found) > _MOST_FILES:
        raise UsageError(
            f"{folder} holds {len(found):,} files", f"Replay at most {_MOST_FILES:,} answers at once."
        )
    return sorted(found)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]

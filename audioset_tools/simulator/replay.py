"""A YouTube that gives recorded answers again: the same doors as `site.Site`, and no plan behind them.

Words, streams and sizes are the recorded ones, byte for byte. What was not recorded is made up: the page of a
video around its player's answer, and the sound of a stream, which is the simulator's own, of the length that
the address tells. Of a stream whose head was recorded only the head is sent, and the connection is closed.
"""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from ..types import YTID
from . import answers, shape
from .bank import Studio
from .counts import Counts
from .plan import Plan, Video, decide
from .records import Record, Records
from .site import HTML, JSON, TEXT, Site, read_asked
from .streams import MANIFEST_HOST, MUXED, asked_for
from .wire import Line, Request, byte_range, head, send

_STAND_IN = "----------A"
_LONGEST_S = 6 * 3_600.0


class ReplaySite:
    """Answers from records.

    Args:
        records: the answers.
        studio: where the sounds come from that were not recorded.
        counts: what is asked is counted there.
        wait: pauses for that many seconds, or until all ends.
        latency_s: wait before each answer.
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
            return self._tell(line, request, 200, JSON, answers.unknown_player(ytid))
        return self._repeat(line, request, record, JSON)

    def _visitor(self, line: Line, request: Request) -> bool:
        self._counts.asked("visitor")
        record = self._records.next("visitor", "")
        if record is None:
            return self._tell(line, request, 200, JSON, shape.visitor("replay"))
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
        told = answers.recorded_page(answer or json.loads(answers.unknown_player(ytid)))
        return self._tell(line, request, 200, HTML, told)

    def _media(self, line: Line, request: Request) -> bool:
        ytid, format, muxed, _ = asked_for(request.target)
        query = parse_qs(urlsplit(request.target).query)
        told_itag = query.get("itag", ["0"])[0]
        told_id = query.get("id", [""])[0]
        self._counts.asked("media", ytid)
        asked = request.headers.get("range", "").removeprefix("bytes=") or request.query("range")
        begin = int(found[1]) if (found := re.match(r"(\d{1,15})-", asked, re.ASCII)) else 0
        itag = int(told_itag) if re.fullmatch(r"[0-9]{1,4}", told_itag) else 0
        record = self._records.media(ytid or told_id[:50], itag, begin)
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
        told = {"Accept-Ranges": "bytes", "Content-Range": f"bytes {begin}-{end - 1}/{total}"}
        line.socket.sendall(head(206 if asked else 200, kind, end - begin, told))
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

    def _tell(self, line: Line, request: Request, status: int, kind: str, body: bytes) -> bool:
        self._counts.sent(len(body))
        return send(line, request, status, kind, body)


def _stand_in(ytid: str, seconds: str) -> Video:
    """A good video in the place of one whose sound was not recorded, as long as its address tells."""
    video = decide(Plan(), ytid if YTID.fullmatch(ytid) else _STAND_IN)
    if re.fullmatch(r"[0-9]{1,7}(\.[0-9]{1,6})?", seconds):
        return replace(video, length_ms=max(1_000, round(min(float(seconds), _LONGEST_S) * 1_000)))
    return video

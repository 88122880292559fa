"""Who answers what: YouTube's addresses, the refusals and the faults, acted out on a connection."""

import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from ..types import YTID
from . import answers
from .bank import FORMATS, Studio
from .counts import Counts
from .faults import PASSING, SILENT
from .gate import Gate, No
from .media import VirtualFile
from .plan import Plan, Video, decide
from .wire import Line, Request, byte_range, head, send

JSON, HTML, SCRIPT, TEXT = "application/json", "text/html; charset=utf-8", "text/javascript", "text/plain"

_PIECE = 1 << 20


class Site:
    """YouTube's two faces, www.youtube.com and *.googlevideo.com.

    Args:
        plan: how it behaves.
        studio: where the media come from.
        counts: what is asked is counted there.
        wait: pauses for that many seconds, or until all ends.
    """

    def __init__(self, plan: Plan, studio: Studio, counts: Counts, wait: Callable[[float], object]) -> None:
        self._plan = plan
        self._studio = studio
        self._counts = counts
        self._wait = wait
        self._gate = Gate(plan)
        self._strikes: Counter[str] = Counter()
        self._lock = threading.Lock()

    def answer(self, line: Line, host: str, request: Request) -> bool:
        """Answer one request to `host`; False when the connection is of no further use."""
        self._wait(self._plan.latency_s)
        path = request.path
        if host.endswith(".googlevideo.com"):
            return self._media(line, request)
        if path == "/youtubei/v1/player":
            return self._player(line, request)
        if path == "/watch":
            return self._page(line, request, request.query("v"))
        if path == "/iframe_api":
            return self._other(line, request, SCRIPT, answers.iframe_api())
        if path.startswith("/s/player/"):
            return self._other(line, request, SCRIPT, answers.player_script())
        if path == "/youtubei/v1/next":
            return self._other(line, request, JSON, answers.initial_data())
        return self._other(line, request, HTML, answers.home())

    def _other(self, line: Line, request: Request, kind: str, body: bytes) -> bool:
        self._counts.asked("other")
        self._counts.sent(len(body))
        return send(line, request, 200, kind, body)

    def _page(self, line: Line, request: Request, ytid: str) -> bool:
        if not YTID.fullmatch(ytid):
            return self._other(line, request, HTML, answers.home())
        self._counts.asked("page", ytid)
        no = self._gate.ask("player")
        if no:
            return self._refuse(line, request, no, HTML, answers.refused_page(ytid, no.answer))
        body = answers.page(decide(self._plan, ytid))
        self._counts.sent(len(body))
        return send(line, request, 200, HTML, body)

    def _player(self, line: Line, request: Request) -> bool:
        asked = json.loads(request.body)
        ytid = str(asked.get("videoId", ""))
        client = str(asked.get("context", {}).get("client", {}).get("clientName", ""))
        if not YTID.fullmatch(ytid):
            self._counts.asked("player")
            return send(line, request, 400, JSON, b"{}")
        self._counts.asked("player", ytid)
        no = self._gate.ask("player")
        if no:
            return self._refuse(line, request, no, JSON, answers.refused_player(ytid, no.answer))
        video = decide(self._plan, ytid)
        off = self._plan.clients_off.get(client, "")
        if off.startswith("player-"):
            return send(line, request, int(off.removeprefix("player-")), JSON, b"{}")
        if off in ("no-formats", "not-on-app"):
            video = replace(video, fault=off)
        body = answers.player(video, self._studio, client)
        if video.fault in PASSING and video.fault.startswith("player-") and self._strikes_now(video):
            return self._fail(line, video.fault.removeprefix("player-"), JSON, body)
        self._counts.sent(len(body))
        return send(line, request, 200, JSON, body)

    def _fail(self, line: Line, how: str, kind: str, body: bytes) -> bool:
        """A player answer that does not come: a status, or one of `faults.PASSING` without its prefix."""
        if how == "reset":
            return _reset(line)
        if how.isdigit():
            line.socket.sendall(head(int(how), kind, 0))
            return True
        if how == "endless":
            line.socket.sendall(head(200, kind, None))
            self._flood(line, b" " * _PIECE)
        else:
            line.socket.sendall(head(200, kind, len(body)))
            return self._hold_back(line, body, how)
        return False

    def _hold_back(self, line: Line, body: bytes, how: str) -> bool:
        """Send half of a body and then nothing ("stall"), or all of it byte by byte ("drip")."""
        if how == "stall":
            line.socket.sendall(body[: len(body) // 2])
            self._wait(self._plan.stall_s)
            return False
        for at in range(len(body)):
            line.socket.sendall(body[at : at + 1])
            if self._wait(self._plan.drip_s):
                return False
        return True

    def _flood(self, line: Line, piece: bytes) -> None:
        while not self._wait(0):
            line.socket.sendall(piece)

    def _refuse(self, line: Line, request: Request, no: No, kind: str, body: bytes) -> bool:
        self._counts.refused()
        if no.answer in SILENT:
            if no.answer == "stall":
                self._wait(self._plan.stall_s)
            return False
        if no.answer != "429":
            return send(line, request, 200, kind, body)
        extra = {} if no.retry_after is None else {"Retry-After": f"{no.retry_after:g}"}
        return send(line, request, 429, TEXT, b"", extra)

    def _media(self, line: Line, request: Request) -> bool:
        ytid = request.query("id")
        format = next((known for known in FORMATS if str(known.itag) == request.query("itag")), None)
        if not YTID.fullmatch(ytid) or format is None:
            self._counts.asked("media")
            return send(line, request, 404, TEXT, b"")
        off = self._plan.clients_off.get(request.query("c"), "")
        self._counts.asked("media", ytid)
        no = self._gate.ask("media")
        if no:
            return self._refuse(line, request, no, TEXT, b"")
        video = decide(self._plan, ytid)
        if off == "media-403":
            return send(line, request, 403, TEXT, b"")
        fault = ""
        if video.fault in PASSING and not video.fault.startswith("player-") and self._strikes_now(video):
            fault = video.fault
        if fault.startswith("media-"):
            return send(line, request, int(fault.removeprefix("media-")), TEXT, b"")
        return self._send_file(line, request, ytid, self._studio.file(video, format), format.mime, fault)

    def _send_file(
        self, line: Line, request: Request, ytid: str, file: VirtualFile, mime: str, fault: str
    ) -> bool:
        extra = {"Accept-Ranges": "bytes"}
        status, begin, end = 200, 0, len(file)
        asked = request.headers.get("range", "").removeprefix("bytes=")
        part = asked or request.query("range")
        if part:
            span = byte_range(part, len(file))
            if span is None:
                return send(line, request, 416, mime, b"", {"Content-Range": f"bytes */{len(file)}"})
            begin, end = span
        # YouTube's `range` in the query makes an answer that is whole in itself; the header makes a part.
        if asked:
            status = 206
            extra["Content-Range"] = f"bytes {begin}-{end - 1}/{len(file)}"
        if fault == "endless":
            line.socket.sendall(head(status, mime, None, extra))
            self._flood(line, bytes(_PIECE))
            return False
        line.socket.sendall(head(status, mime, end - begin, extra))
        if request.method == "HEAD":
            return True
        if fault == "drip":
            return self._hold_back(line, b"".join(file.read(begin, end)), fault)
        upto = (begin + end) // 2 if fault else end
        for at in range(begin, upto, _PIECE):
            piece = b"".join(file.read(at, min(at + _PIECE, upto)))
            line.socket.sendall(piece)
            self._counts.sent(len(piece), media_of=ytid)
        if fault == "stall":
            self._wait(self._plan.stall_s)
        if fault == "reset":
            # A reset throws away what the client has not read yet: let it read the half that was sent.
            time.sleep(0.02)
            return _reset(line)
        return not fault

    def _strikes_now(self, video: Video) -> bool:
        with self._lock:
            self._strikes[video.ytid] += 1
            strikes = self._strikes[video.ytid] <= self._plan.passing_attempts
        if strikes:
            self._counts.struck(video.fault)
        return strikes


def _reset(line: Line) -> bool:
    """Close so that the client's system reports a reset."""
    line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.socket.close()
    return False

"""What answers which address: YouTube's hosts, with the plan's faults acted out on a connection.

Before that a gate says which requests are refused: by the plan's token bucket, by its scripted refusals, and
by chance; its clock is an argument.
"""

import gzip
import json
import socket
import struct
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from threading import Lock
from typing import NamedTuple

from ..types import YTID
from . import answers, shape
from .bank import Studio
from .counts import Counts
from .faults import ALWAYS, FEW_RIGHTS, PASSING, SILENT
from .media import VirtualFile
from .plan import Limit, Plan, Refusal, Video, decide, dubbed, fate
from .streams import MANIFEST_HOST, asked_for
from .wire import Line, Request, byte_range, head, send

JSON, HTML, SCRIPT, TEXT = "application/json", "text/html; charset=utf-8", "text/javascript", "text/plain"
PLAYLIST = "application/vnd.apple.mpegurl"

YTID_LENGTH = 11

_PIECE = 1 << 20


class Asked(NamedTuple):
    """What a player request asks: the video, the client's own name, the visitor id it sends; "" for none."""

    ytid: str
    client: str
    visitor: str


@dataclass(frozen=True, slots=True)
class Denial:
    """A refusal: one of `faults.ANSWERS` (no page for media), and the seconds to announce with a 429."""

    answer: str
    retry_after: float | None


class Site:
    """YouTube's two faces, www.youtube.com and *.googlevideo.com.

    Args:
        plan: how YouTube behaves here.
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
        if host == MANIFEST_HOST:
            return self._manifest(line, request)
        if host.endswith(".googlevideo.com"):
            return self._media(line, request)
        if path == "/youtubei/v1/player":
            return self._player(line, request)
        if path == "/youtubei/v1/visitor_id":
            return self._visitor(line, request)
        if path == "/watch":
            return self._page(line, request, request.query("v"))
        if path == "/iframe_api":
            return self._other(line, request, SCRIPT, answers.iframe_api())
        if path.startswith("/s/player/"):
            return self._other(
                line, request, SCRIPT, answers.player_script(self._plan.big_player), counted="script"
            )
        if path == "/youtubei/v1/next":
            return self._other(line, request, JSON, answers.initial_data())
        return self._other(line, request, HTML, answers.home())

    def _other(self, line: Line, request: Request, kind: str, body: bytes, counted: str = "other") -> bool:
        self._counts.asked(counted)
        self._counts.sent(len(body))
        return send(line, request, 200, kind, body)

    def _page(self, line: Line, request: Request, ytid: str) -> bool:
        if not YTID.fullmatch(ytid):
            return self._other(line, request, HTML, answers.home())
        self._counts.asked("page", ytid)
        denial = self._gate.ask("player")
        if denial:
            return self._refuse(line, request, denial, HTML, answers.refused_page(ytid, denial.answer))
        if self._plan.page_captcha:
            return self._refuse(line, request, Denial("captcha", None), HTML, answers.captcha_page())
        body = answers.page(decide(self._plan, ytid), self._studio, stamped=not self._plan.big_player)
        return self._send_text(line, request, HTML, body)

    def _visitor(self, line: Line, request: Request) -> bool:
        self._counts.asked("visitor")
        status = self._plan.visitor_status
        body = shape.visitor(str(self._plan.seed)) if status == 200 else b"{}"
        self._counts.sent(len(body))
        return send(line, request, status, JSON, body)

    def _manifest(self, line: Line, request: Request) -> bool:
        """A manifest or a playlist, whose path holds names and values in turn."""
        path = request.path.split("/")
        ytid = path[path.index("id") + 1][:YTID_LENGTH] if "id" in path[:-1] else ""
        self._counts.asked("manifest", ytid)
        if self._plan.hls == "refuse" or not YTID.fullmatch(ytid):
            return send(line, request, 403, TEXT, b"")
        if self._plan.hls == "slow":
            self._wait(self._plan.stall_s)
        if self._plan.hls:
            return False
        video = decide(self._plan, ytid)
        made = answers.playlist if "hls_playlist" in path else answers.manifest
        body = made(video, self._studio)
        self._counts.sent(len(body))
        return send(line, request, 200, PLAYLIST, body)

    def _refused(self, asked: Asked, fault: str) -> Denial | None:
        """Why a player request is refused, if it is: the rate, chance, a missing id, its own lot."""
        denial = self._gate.ask("player") or self._gate.by_chance(asked.client)
        if not denial and self._plan.bot_without_visitor and asked.client in FEW_RIGHTS and not asked.visitor:
            denial = Denial("bot-check", None)
        if not denial and fault in ALWAYS:
            denial = Denial(ALWAYS[fault], None)
        return denial

    def _player(self, line: Line, request: Request) -> bool:
        asked = read_asked(request)
        ytid, client = asked.ytid, asked.client
        if not YTID.fullmatch(ytid):
            self._counts.asked("player")
            return send(line, request, 400, JSON, b"{}")
        self._counts.asked("player", ytid)
        video = decide(self._plan, ytid)
        denial = self._refused(asked, video.fault)
        if denial:
            return self._refuse(line, request, denial, JSON, answers.refused_player(ytid, denial.answer))
        off = self._plan.clients_off.get(client, "")
        if off.startswith("player-"):
            return send(line, request, int(off.removeprefix("player-")), JSON, b"{}")
        if off in ("no-formats", "not-on-app"):
            video = replace(video, fault=off)
        body = answers.player(video, self._studio, client)
        if video.fault in PASSING and video.fault.startswith("player-") and self._strikes_now(video):
            return self._fail(line, video.fault.removeprefix("player-"), JSON, body)
        return self._send_text(line, request, JSON, body)

    def _send_text(self, line: Line, request: Request, kind: str, body: bytes) -> bool:
        """Send a large text, compressed as YouTube does for whoever takes it so."""
        extra = {}
        if "gzip" in request.headers.get("accept-encoding", ""):
            body = gzip.compress(body, 1)
            extra["Content-Encoding"] = "gzip"
        self._counts.sent(len(body))
        return send(line, request, 200, kind, body, extra)

    def _fail(self, line: Line, how: str, kind: str, body: bytes) -> bool:
        """A player answer that does not come: a status, or one of `faults.PASSING` without its prefix."""
        if how == "reset":
            return reset(line)
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

    def _refuse(self, line: Line, request: Request, denial: Denial, kind: str, body: bytes) -> bool:
        self._counts.refused()
        if denial.answer in SILENT:
            if denial.answer == "stall":
                self._wait(self._plan.stall_s)
            return False
        if denial.answer != "429":
            return send(line, request, 200, kind, body)
        extra = {} if denial.retry_after is None else {"Retry-After": f"{denial.retry_after:g}"}
        return send(line, request, 429, TEXT, b"", extra)

    def _media(self, line: Line, request: Request) -> bool:
        ytid, format, muxed, dub = asked_for(request.target)
        if not ytid or format is None:
            self._counts.asked("media")
            return send(line, request, 404, TEXT, b"")
        off = self._plan.clients_off.get(request.query("c"), "")
        self._counts.asked("media", ytid)
        video = decide(self._plan, ytid)
        denial = self._gate.ask("media") or (Denial("429", None) if video.fault == "media-429" else None)
        if denial:
            return self._refuse(line, request, denial, TEXT, b"")
        if off == "media-403" or (muxed and video.fault == "bot-18"):
            return send(line, request, 403, TEXT, b"")
        fault = ""
        if video.fault in PASSING and not video.fault.startswith("player-") and self._strikes_now(video):
            fault = video.fault
        if fault.startswith("media-"):
            return send(line, request, int(fault.removeprefix("media-")), TEXT, b"")
        if dub:
            video = dubbed(video)
        if muxed:
            video = replace(video, fault="no-index")
        return self.send_file(line, request, ytid, self._studio.file(video, format), format.mime, fault)

    def send_file(
        self, line: Line, request: Request, ytid: str, file: VirtualFile, mime: str, fault: str = ""
    ) -> bool:
        """Send as much of a file as is asked for, or less where a fault strikes."""
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
            return reset(line)
        return not fault

    def _strikes_now(self, video: Video) -> bool:
        with self._lock:
            self._strikes[video.ytid] += 1
            strikes = self._strikes[video.ytid] <= self._plan.passing_attempts
        if strikes:
            self._counts.struck(video.fault)
        return strikes


@dataclass(frozen=True, slots=True)
class Bucket:
    """The state of a token bucket. Times are seconds of whatever clock the caller keeps."""

    tokens: float
    filled_at: float
    locked_until: float = float("-inf")


class Gate:
    """Counts the requests and says which are refused.

    Args:
        plan: its `limit`, `refusals` and `chance` count.
        clock: seconds, never going back.
    """

    def __init__(self, plan: Plan, clock: Callable[[], float] = time.monotonic) -> None:
        self._plan = plan
        self._clock = clock
        self._lock = Lock()
        self._asked = {"player": 0, "media": 0}
        self._drawn = 0
        self._began: dict[Refusal, float] = {}
        burst = plan.limit.burst if plan.limit else 0
        self._bucket = Bucket(tokens=burst, filled_at=clock())

    def ask(self, kind: str) -> Denial | None:
        """One request of a kind, "player" (pages too) or "media": None when it may pass.

        A request that a script refuses takes nothing from the bucket.
        """
        with self._lock:
            now = self._clock()
            self._asked[kind] += 1
            for refusal in self._plan.refusals:
                if refusal.kind != kind or self._asked[kind] < refusal.at:
                    continue
                if now < self._began.setdefault(refusal, now) + refusal.seconds:
                    return _denial(kind, refusal)
            limit = self._plan.limit
            if limit is None or (kind == "media" and not limit.media):
                return None
            self._bucket, passes = draw(self._bucket, limit, now)
            return None if passes else _denial(kind, limit)

    def by_chance(self, client: str) -> Denial | None:
        """One player request of a client: None when chance lets it pass.

        Which requests it strikes follows from the seed and their number, not from the clock or the video.
        """
        plan = self._plan
        if not plan.chance or (plan.chance_clients and client not in plan.chance_clients):
            return None
        with self._lock:
            self._drawn += 1
            struck = fate(plan.seed, str(self._drawn), "chance") < plan.chance
        return Denial(plan.chance_answer, None) if struck else None


def draw(bucket: Bucket, limit: Limit, now: float) -> tuple[Bucket, bool]:
    """One request at `now`: the bucket afterwards, and whether the request is let through."""
    earned = (now - bucket.filled_at) * limit.per_second
    tokens = min(float(limit.burst), bucket.tokens + earned)
    if now < bucket.locked_until:
        return Bucket(tokens, now, bucket.locked_until), False
    if tokens < 1:
        return Bucket(tokens, now, now + limit.lockout_s), False
    return Bucket(tokens - 1, now), True


def read_asked(request: Request) -> Asked:
    """Read a player request. yt-dlp sends its visitor id in a header, other clients in the body.

    Raises:
        ValueError: its body is no JSON object.
    """
    given = json.loads(request.body)
    if not isinstance(given, dict):
        raise ValueError("a player request is an object")
    context = given.get("context")
    client = context.get("client") if isinstance(context, dict) else None
    known = client if isinstance(client, dict) else {}
    visitor = request.headers.get("x-goog-visitor-id") or known.get("visitorData") or ""
    return Asked(str(given.get("videoId", "")), str(known.get("clientName", "")), str(visitor))


def _denial(kind: str, why: Refusal | Limit) -> Denial:
    answer = why.answer if kind == "player" or why.answer in SILENT else "429"
    return Denial(answer, why.retry_after)


def reset(line: Line) -> bool:
    """Close so that the client's system reports a reset."""
    line.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.socket.close()
    return False

"""The only door to yt-dlp: a candidate's audio from YouTube, and no byte or request more than it takes.

One player request resolves a video (`LEAN`); the stream's index and then exactly the bytes of the segment are
read through yt-dlp's own connections, so its proxy, cookies and TLS settings hold for them too.
"""

import threading
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import Any
from urllib.parse import urlsplit

import yt_dlp
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from yt_dlp.networking import Request, Response
from yt_dlp.networking.exceptions import HTTPError, TransportError
from yt_dlp.utils import DownloadCancelled, ExtractorError, YoutubeDLError

from ..types import Candidate, Reason
from .formats import choose_format
from .index import Incomplete, StreamIndex, read_index
from .pace import Pace
from .reasons import reason_of
from .source import Excerpt, FetchError

LEAN = {
    "youtube": {
        "player_client": ["visionos"],
        "player_skip": ["webpage", "configs", "js", "initial_data"],
    }
}
"""Extractor arguments that resolve a video with one request of 2.7 kB (FACTS section 2)."""

_HEAD_BYTES = 16_384
_MOST_HEAD_BYTES = 4_000_000
_MOST_MEDIA_BYTES = 32_000_000


class Refused(DownloadCancelled):  # type: ignore[misc]
    """HTTP 429, raised through every layer of yt-dlp, which would otherwise make a warning of it."""

    def __init__(self, host: str, retry_after: float | None, sent_at: float) -> None:
        super().__init__(f"HTTP Error 429: Too Many Requests from {host}")
        self.retry_after = retry_after
        self.sent_at = sent_at


class _Listener:
    """What yt-dlp says while it works, kept to explain a failure."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def debug(self, message: str) -> None:
        """Nothing: yt-dlp's progress is not ours."""

    def warning(self, message: str) -> None:
        self.said.append(message)

    def error(self, message: str) -> None:
        """Nothing: the same text is raised."""


class _Session(yt_dlp.YoutubeDL):  # type: ignore[misc]
    """A `YoutubeDL` whose every request spends from the pace, and whose 429s are seen."""

    def __init__(self, options: dict[str, Any], pace: Pace) -> None:
        self.pace = pace
        self.sent_at = 0.0
        super().__init__(options)

    def urlopen(self, request: Request | str) -> Response:
        url = request if isinstance(request, str) else request.url
        host = urlsplit(url).hostname or ""
        media = host.endswith(".googlevideo.com")
        self.sent_at = self.pace.wait_out() if media else self.pace.spend()
        try:
            response = super().urlopen(request)
        except HTTPError as error:
            if error.status == 429:
                raise Refused(host, _retry_after(error.response), self.sent_at) from error
            raise
        if not media:
            self.pace.granted()
        return response

    def save_cookies(self) -> None:
        """Leave the user's cookie file as it is: several sessions share it."""


class YouTube:
    """The source `youtube`.

    Args:
        pace: the process's budget of requests.
        proxy, check_certificate, cookies: as in yt-dlp.
        options: further options of `YoutubeDL`, which win over all of ours.
        timeout: seconds of silence after which a connection is given up.
    """

    def __init__(
        self,
        pace: Pace,
        *,
        proxy: str | None = None,
        check_certificate: bool = True,
        cookies: str | None = None,
        options: Mapping[str, Any] | None = None,
        timeout: float = 20,
    ) -> None:
        self._pace = pace
        self._options: dict[str, Any] = {
            "quiet": True,
            "cachedir": False,
            "noplaylist": True,
            "extractor_retries": 0,
            "socket_timeout": timeout,
            "nocheckcertificate": not check_certificate,
            **({"proxy": proxy} if proxy else {}),
            **({"cookiefile": cookies} if cookies else {}),
            **(options or {}),
        }
        # The lean client knows no accounts; and who chooses a client gets that one.
        chosen = cookies or "extractor_args" in self._options
        self._extractions: list[dict[str, Any]] = [{}] if chosen else [{"extractor_args": LEAN}, {}]
        self._local = threading.local()
        self._sessions: list[_Session] = []
        self._lock = threading.Lock()

    def open(self, candidate: Candidate) -> Excerpt:
        """Resolve a video and read the bytes of the segment.

        Raises:
            FetchError: it cannot be had now, or ever.
            Stopped: the run is being stopped.
        """
        for number in range(len(self._extractions)):
            session, listener = self._session(number)
            try:
                with_formats = _extract(session, listener, candidate.ytid)
            except FetchError as error:
                last = number == len(self._extractions) - 1
                if last or error.reason not in (Reason.NO_FORMATS, Reason.UNKNOWN):
                    raise
                continue
            return self._read(session, with_formats, candidate)
        raise AssertionError("there is at least one extraction")

    def close(self) -> None:
        """Close every connection."""
        for session in self._sessions:
            session.close()

    def _session(self, number: int) -> tuple[_Session, _Listener]:
        """This thread's session for one of the extractions; making one costs 88 ms, so it is kept."""
        kept: dict[int, tuple[_Session, _Listener]] = self._local.__dict__.setdefault("kept", {})
        if number not in kept:
            listener = _Listener()
            options = {**self._options, **self._extractions[number], "logger": listener}
            kept[number] = _Session(options, self._pace), listener
            with self._lock:
                self._sessions.append(kept[number][0])
        return kept[number]

    def _read(self, session: _Session, info: dict[str, Any], candidate: Candidate) -> Excerpt:
        chosen = choose_format(info)
        origin = f"youtube {chosen['ext']}/{chosen['acodec']} {chosen['format_id']}"
        stream = _Stream(session, chosen["url"], chosen.get("http_headers") or {})
        length_ms = round(float(info["duration"]) * 1000) if info.get("duration") else None
        index, head = stream.index()
        if index is None:
            return Excerpt(
                media=chosen["url"],
                origin=origin,
                length_ms=length_ms,
                headers=stream.headers,
                proxy=self._options.get("proxy"),
                verify_tls=not self._options["nocheckcertificate"],
            )
        if candidate.start_ms >= index.length_ms:
            raise FetchError(
                Reason.BEYOND_END, f"the video ends at {index.length_ms} ms, the segment starts later"
            )
        first, behind = index.span(candidate.start_ms, candidate.end_ms)
        body = head[first:behind] if behind and behind <= len(head) else stream.read(first, behind)
        return Excerpt(media=index.header + body, origin=origin, length_ms=index.length_ms)


class _Stream:
    """One media address, read by byte ranges."""

    def __init__(self, session: _Session, url: str, headers: dict[str, str]) -> None:
        self._session = session
        self._url = url
        self.headers = headers

    def index(self) -> tuple[StreamIndex | None, bytes]:
        """The stream's index, if it has one, and the first bytes."""
        head = self.read(0, _HEAD_BYTES)
        while True:
            try:
                return read_index(head), head
            except Incomplete as more:
                if more.needed > _MOST_HEAD_BYTES or more.needed <= len(head):
                    return None, head
                known = len(head)
                head += self.read(known, more.needed + _HEAD_BYTES)
                if len(head) == known:
                    return None, head
            except (ValueError, KeyError, IndexError):
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
            retry=retry_if_exception_type(TransportError),
            sleep=self._session.pace.sleep,
            reraise=True,
        )
        try:
            for attempt in retrying:
                with attempt:
                    self._read_on(got, first, behind)
        except Refused as error:
            raise _refusal(error) from error
        except (HTTPError, TransportError) as error:
            raise FetchError(
                reason_of(str(error), False), str(error)[:500], sent_at=self._session.sent_at
            ) from error
        return bytes(got)

    def _read_on(self, got: bytearray, first: int, behind: int | None) -> None:
        at = first + len(got)
        wanted = f"bytes={at}-{'' if behind is None else behind - 1}"
        request = Request(self._url, headers={**self.headers, "Range": wanted})
        response = self._session.urlopen(request)
        try:
            if response.status != 206 or "text/html" in (response.headers.get("Content-Type") or ""):
                raise FetchError(
                    Reason.MEDIA_REFUSED,
                    f"HTTP {response.status} {response.headers.get('Content-Type')}, no media",
                )
            total = int(response.headers["Content-Range"].rpartition("/")[2])
            end = total if behind is None else min(behind, total)
            if end - first > _MOST_MEDIA_BYTES:
                raise FetchError(Reason.DECODE, f"the segment would take {end - first:,} bytes")
            while len(got) < end - first and (chunk := response.read(min(65_536, end - first - len(got)))):
                got += chunk
        finally:
            response.close()
        if len(got) < end - first:
            raise TransportError(f"IncompleteRead: {end - first - len(got)} bytes did not come")


def _extract(session: _Session, listener: _Listener, ytid: str) -> dict[str, Any]:
    listener.said.clear()
    try:
        info: dict[str, Any] = session.extract_info(
            f"https://www.youtube.com/watch?v={ytid}", download=False, process=False, ie_key="Youtube"
        )
    except Refused as error:
        raise _refusal(error) from error
    except YoutubeDLError as error:
        inner = error.exc_info[1] if getattr(error, "exc_info", None) else error
        worded = isinstance(inner, ExtractorError) and bool(inner.expected)
        detail = "; ".join([str(getattr(inner, "orig_msg", None) or inner), *listener.said])[:1000]
        raise FetchError(reason_of(detail, worded), detail, sent_at=session.sent_at) from error
    if info.get("live_status") in ("is_live", "is_upcoming", "post_live"):
        raise FetchError(Reason.LIVE, f"live status {info['live_status']}")
    if not info.get("formats"):
        raise FetchError(Reason.NO_FORMATS, "; ".join(["the answer names no stream", *listener.said])[:1000])
    return info


def _refusal(error: Refused) -> FetchError:
    return FetchError(Reason.TOO_MANY_REQUESTS, str(error), error.retry_after, error.sent_at)


def _retry_after(response: Response) -> float | None:
    """`Retry-After` in seconds: a number, or a date (RFC 9110, 10.2.3)."""
    text = response.headers.get("Retry-After")
    if not text:
        return None
    try:
        return max(
            0.0, float(text) if text.strip().isdigit() else parsedate_to_datetime(text).timestamp() - time()
        )
    except ValueError:
        return None

"""The only door to yt-dlp: a candidate's audio from YouTube, and no byte or request more than it takes.

One player request resolves a video (`LEAN`); the stream's index and then exactly the bytes of the segment are
read through yt-dlp's own connections, so its proxy, cookies and TLS settings hold for them too.
"""

import threading
from collections.abc import Mapping
from typing import Any

from yt_dlp.utils import ExtractorError, YoutubeDLError

from ..errors import UsageError
from ..types import Candidate, Reason, Scope
from .connection import Listener, Refused, Session, Stream, close_response, refusal
from .formats import choose_format
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

KNOWN_ALIVE = Candidate("jNQXAC9IVRw", 0, 10_000, class_name="", tier=0, rank=-1, subset="")
"""A segment that can be had if anything can: YouTube's first video, "Me at the zoo", 19 s long."""


class YouTube:
    """The source `youtube`.

    Args:
        pace: the process's budget of requests.
        proxy, check_certificate, cookies: as in yt-dlp.
        options: further options of `YoutubeDL`, which win over all of ours.
        timeout: seconds of silence after which a connection is given up.

    Raises:
        UsageError: yt-dlp does not take the options, or the cookies are none.
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
        self._sessions: list[Session] = []
        self._lock = threading.Lock()
        try:
            self._session(0)[0].cookiejar  # noqa: B018 - read now, not by every worker later
        except (YoutubeDLError, OSError, TypeError, ValueError) as error:
            raise UsageError(
                f"yt-dlp does not take these options or cookies: {error}",
                "Correct --cookies (a file in Netscape format), --proxy or --ytdlp-option.",
            ) from error

    def open(self, candidate: Candidate) -> Excerpt:
        """Resolve a video and read the bytes of the segment.

        Raises:
            FetchError: it cannot be had now, or ever.
            Stopped: the run is being stopped.
        """
        for number in range(len(self._extractions)):
            session, listener = self._session(number)
            try:
                info = _extract(session, listener, candidate.ytid)
            except FetchError as error:
                # YouTube refuses with HTTP 200 too: only an answer about the video tells that it is content.
                if error.reason.scope is Scope.FINAL:
                    self._pace.granted(session.sent_at)
                last = number == len(self._extractions) - 1
                if last or error.reason not in (Reason.NO_FORMATS, Reason.UNKNOWN):
                    raise
                continue
            self._pace.granted(session.sent_at)
            return self._read(session, info, candidate)
        raise AssertionError("there is at least one extraction")

    def close(self) -> None:
        """Close every connection."""
        for session in self._sessions:
            session.close()

    def _session(self, number: int) -> tuple[Session, Listener]:
        """This thread's session for one of the extractions; making one costs 88 ms, so it is kept."""
        kept: dict[int, tuple[Session, Listener]] = self._local.__dict__.setdefault("kept", {})
        if number not in kept:
            listener = Listener()
            options = {**self._options, **self._extractions[number], "logger": listener}
            kept[number] = Session(options, self._pace), listener
            with self._lock:
                self._sessions.append(kept[number][0])
        return kept[number]

    def _read(self, session: Session, info: dict[str, Any], candidate: Candidate) -> Excerpt:
        chosen = choose_format(info)
        origin = f"youtube {chosen['ext']}/{chosen['acodec']} {chosen['format_id']}"
        stream = Stream(session, chosen["url"], chosen.get("http_headers") or {})
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


def _extract(session: Session, listener: Listener, ytid: str) -> dict[str, Any]:
    listener.said.clear()
    try:
        info: dict[str, Any] = session.extract_info(
            f"https://www.youtube.com/watch?v={ytid}", download=False, process=False, ie_key="Youtube"
        )
    except Refused as error:
        raise refusal(error) from error
    except YoutubeDLError as error:
        inner = error.exc_info[1] if getattr(error, "exc_info", None) else error
        worded = isinstance(inner, ExtractorError) and bool(inner.expected)
        close_response(getattr(inner, "cause", None))
        detail = "; ".join([str(getattr(inner, "orig_msg", None) or inner), *listener.said])[:1000]
        raise FetchError(reason_of(detail, worded), detail, sent_at=session.sent_at) from error
    if info.get("live_status") in ("is_live", "is_upcoming", "post_live"):
        raise FetchError(Reason.LIVE, f"live status {info['live_status']}")
    if not info.get("formats"):
        raise FetchError(Reason.NO_FORMATS, "; ".join(["the answer names no stream", *listener.said])[:1000])
    return info

"""The only door to yt-dlp: a candidate's audio from YouTube, and no byte or request more than it takes.

One player request resolves a video where YouTube allows it (`EXTRACTIONS`); the stream's index and then
exactly the bytes of the segment are read through yt-dlp's own connections, so its proxy, cookies and TLS
settings hold for them too.
"""

import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from yt_dlp.utils import YoutubeDLError

from ..clock import steady
from ..errors import UsageError
from ..types import Candidate, Reason, Scope
from .bounded import Patience
from .connection import Refused, Session, close_response, refusal
from .extractions import EXTRACTIONS, Extraction, Preference
from .formats import choose_format
from .pace import Pace
from .reasons import reason_of
from .source import Excerpt, FetchError
from .stream import Stream

KNOWN_ALIVE = Candidate("jNQXAC9IVRw", 0, 10_000, class_name="", tier=0, rank=-1, subset="")
"""A segment that can be had if anything can: YouTube's first video, "Me at the zoo", 19 s long."""

_SURPRISES = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What yt-dlp raises of an answer whose parts are not what it takes them for."""

_LONGEST_WAIT = 60.0
_ROUNDING_MS = 2_000


class YouTube:
    """The source `youtube`.

    Args:
        pace: the process's budget of requests.
        proxy, check_certificate, cookies: as in yt-dlp.
        options: further options of `YoutubeDL`, which win over all of ours.
        patience: how much of one answer is waited for.
        extractions: one or two ways of resolving a video; cookies or the user's own `extractor_args` leave
            one, which is theirs.
        clock: seconds since the epoch.

    Raises:
        UsageError: yt-dlp does not take the options, or the cookies are none.
    """

    known_alive = KNOWN_ALIVE

    def __init__(
        self,
        pace: Pace,
        *,
        proxy: str | None = None,
        check_certificate: bool = True,
        cookies: str | None = None,
        options: Mapping[str, Any] | None = None,
        patience: Patience = Patience(),
        extractions: Sequence[Extraction] = EXTRACTIONS,
        clock: Callable[[], float] = steady,
    ) -> None:
        self._pace = pace
        self._clock = clock
        self._patience = patience
        self._options: dict[str, Any] = {
            "quiet": True,
            "cachedir": False,
            "noplaylist": True,
            "extractor_retries": 0,
            "socket_timeout": patience.silence,
            "nocheckcertificate": not check_certificate,
            **({"proxy": proxy} if proxy else {}),
            **({"cookiefile": cookies} if cookies else {}),
            **(options or {}),
        }
        # The lean client knows no accounts; and who chooses a client gets that one.
        if cookies or "extractor_args" in self._options:
            extractions = [Extraction("chosen", self._options.get("extractor_args", {}))]
        self._extractions = extractions
        self._preference = Preference()
        self._local = threading.local()
        self._sessions: list[Session] = []
        self._lock = threading.Lock()
        try:
            self._session(0).cookiejar  # noqa: B018 - read now, not by every worker later
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
        order = [number for number in self._preference.order() if number < len(self._extractions)]
        for number in order:
            try:
                excerpt = self._open(self._session(number), candidate)
            except FetchError as error:
                if number == order[-1] or not self._preference.leads_on(error.reason):
                    raise
            else:
                self._preference.worked(tuple(order), number)
                return excerpt
        raise AssertionError("there is at least one extraction")

    def close(self) -> None:
        """Close every connection."""
        for session in self._sessions:
            session.close()

    def _session(self, number: int) -> Session:
        """This thread's session for one of the extractions; making one costs 88 ms, so it is kept."""
        kept: dict[int, Session] = self._local.__dict__.setdefault("kept", {})
        if number not in kept:
            chosen = self._extractions[number]
            options = {**self._options, "extractor_args": dict(chosen.arguments)}
            kept[number] = Session(options, self._pace, self._patience, chosen.most_requests)
            with self._lock:
                self._sessions.append(kept[number])
        return kept[number]

    def _open(self, session: Session, candidate: Candidate) -> Excerpt:
        try:
            info = _extract(session, candidate.ytid)
        except FetchError as error:
            # YouTube refuses with HTTP 200 too: only an answer about the video tells that it is content.
            if error.reason.scope is Scope.FINAL:
                self._pace.granted(session.sent_at)
            raise
        self._pace.granted(session.sent_at)
        return self._read(session, info, candidate)

    def _read(self, session: Session, info: dict[str, Any], candidate: Candidate) -> Excerpt:
        chosen = choose_format(info)
        # Before an advertisement would have ended, YouTube refuses the media.
        wait = (chosen.get("available_at") or 0) - self._clock()
        if wait > 0:
            self._pace.sleep(min(wait, _LONGEST_WAIT))
        origin = f"youtube {chosen['ext']}/{chosen['acodec']} {chosen['format_id']}"
        stream = Stream(session, chosen["url"], chosen.get("http_headers") or {})
        told_ms = round(float(info["duration"]) * 1000) if info.get("duration") else None
        index, head = stream.index()
        if index is None:
            return Excerpt(
                media=chosen["url"],
                origin=origin,
                length_ms=told_ms,
                headers=stream.headers,
                proxy=self._options.get("proxy"),
                verify_tls=not self._options["nocheckcertificate"],
            )
        if candidate.start_ms >= index.length_ms:
            said = f"the stream ends at {index.length_ms} ms, the segment starts later"
            if told_ms is not None and candidate.start_ms < told_ms - _ROUNDING_MS:
                raise FetchError(Reason.BAD_ANSWER, f"{said}, and YouTube tells a length of {told_ms} ms")
            raise FetchError(Reason.BEYOND_END, said)
        first, behind = index.span(candidate.start_ms, candidate.end_ms)
        body = head[first:behind] if behind and behind <= len(head) else stream.read(first, behind)
        return Excerpt(media=index.header + body, origin=origin, length_ms=index.length_ms)


def _extract(session: Session, ytid: str) -> dict[str, Any]:
    """Resolve one video.

    Raises:
        FetchError: it has no stream for us.
    """
    session.begin()
    try:
        info: dict[str, Any] = session.extract_info(
            f"https://www.youtube.com/watch?v={ytid}", download=False, process=False, ie_key="Youtube"
        )
    except Refused as error:
        raise refusal(error) from error
    except YoutubeDLError as error:
        # yt-dlp's DownloadError wraps what was raised first.
        inner = error.exc_info[1] if getattr(error, "exc_info", None) else error
        close_response(getattr(inner, "cause", None))
        raise _failure(session, str(getattr(inner, "orig_msg", None) or inner), inner) from error
    except _SURPRISES as error:
        raise FetchError(
            Reason.BAD_ANSWER, "".join(traceback.format_exception(error)), sent_at=session.sent_at
        ) from error
    if info.get("_type", "video") != "video":
        raise _failure(session, "the answer leads to another video: only a trailer is free")
    if info.get("live_status") in ("is_live", "is_upcoming", "post_live"):
        raise _failure(session, f"live status {info['live_status']}")
    if not info.get("formats"):
        raise _failure(session, "the answer names no stream")
    return info


def _failure(session: Session, said: str, error: BaseException | None = None) -> FetchError:
    trouble = session.diagnose(said, error)
    detail = f"{said}\n{trouble.warned}".strip()
    return FetchError(reason_of(trouble), detail, sent_at=session.sent_at)

"""A candidate's audio from YouTube, and no byte or request more than it takes.

One player request resolves a video where YouTube allows it (`EXTRACTIONS`); the stream's index and then
exactly the bytes of the segment are read through yt-dlp's own connections, so its proxy, cookies and TLS
settings hold for them too. Nothing is lost on one client's word alone (`Opinions`).
"""

import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yt_dlp.networking import Request, Response
from yt_dlp.utils import YoutubeDLError

from ..audio.ffmpeg import Media
from ..clock import steady
from ..exceptions import EnvironmentProblem, UsageError
from ..types import CHANNEL_ID, UNREACHED, Candidate, Reason, Scope, VideoInfo
from .connection.connection import Connection
from .connection.patience import Patience
from .extractions import OTHERS, Arguments, Extraction, Preference, choose_format, extractions_for
from .extractor import PlayerScript
from .learned import Learned, Visitor, read_learned, write_learned
from .opinions import Opinions
from .pace import Pace
from .reasons import reason_of
from .session import RunRefused, Session, as_fetch_error, close_response
from .source import Excerpt, FetchError, Undecoded, decode_failure, masked
from .stream import Stream
from .versions import javascript_runtimes

KNOWN_ALIVE = Candidate("jNQXAC9IVRw", 0, 10_000, class_name="", tier=0, rank=-1, subset="")
"""A segment that is available if anything is: YouTube's first video, "Me at the zoo", 19 s long."""

_SURPRISES = (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError)
"""What yt-dlp raises of an answer whose parts are not what it takes them for."""

_LONGEST_WAIT = 60.0
_LONGEST_S = 10_000_000
_ROUNDING_MS = 2_000
_MOST_REMEMBERED = 10_000

_ANSWERED = frozenset({Reason.NO_FORMATS, Reason.CLIENT})
"""Passing reasons after which the lean client need not be asked once more by the default extraction."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """A video resolved: the stream to be read, as yt-dlp describes it, the stated length, and whose it is."""

    chosen: Mapping[str, Any]
    length_ms: int | None
    video: VideoInfo


class YouTube:
    """The source `youtube`.

    Args:
        pace: the process's budget of requests.
        connection: how YouTube is reached.
        patience: how much of one answer is waited for.
        extractions: one or two ways of resolving a video; None for those that options and cookies leave.
        keep: where what is learned for the next run is kept, or None.
        record: called with every answer (`Recorder.answered`), or None.
        clock: seconds since the epoch.

    Raises:
        UsageError: yt-dlp does not take the options, or the cookies are none.
    """

    name = "youtube"
    known_alive = KNOWN_ALIVE

    def __init__(
        self,
        pace: Pace,
        connection: Connection = Connection(),
        *,
        patience: Patience = Patience(),
        extractions: Sequence[Extraction] | None = None,
        keep: Path | None = None,
        record: Callable[[Request, Response, str], None] | None = None,
        clock: Callable[[], float] = steady,
    ) -> None:
        self.pace = pace
        self._clock = clock
        self._patience = patience
        self._record = record
        self._keep = keep
        self._connection = connection
        self._options = connection.ytdlp_options(patience.silence)
        arguments = self._options.pop("extractor_args", {})
        self._extractions = extractions or extractions_for(arguments, connection.has_account)
        self._preference = Preference()
        learned = read_learned(keep, clock())
        self._opinions = Opinions(learned.confirmed)
        self._visitor = Visitor(learned)
        self._script = PlayerScript()
        self._tried: dict[str, int] = {}
        self._local = threading.local()
        self._sessions: list[Session] = []
        self._lock = threading.Lock()
        try:
            self._session(0).cookiejar  # noqa: B018 - read now, not by every worker later
        except (YoutubeDLError, OSError, TypeError, ValueError) as error:
            raise UsageError(
                masked(f"yt-dlp does not take these options or cookies: {error}"),
                "Correct --cookies (a Netscape file), --cookies-from-browser, --proxy or --ytdlp-option.",
            ) from error

    def videos(self) -> None:
        """Nobody knows."""

    def holds(self, candidate: Candidate) -> bool:
        """It may: nobody knows before asking."""
        return True

    def open(self, candidate: Candidate) -> Excerpt:
        """Resolve a video and read the bytes of the segment.

        Raises:
            FetchError: it is not available now, or ever.
            Stopped: the run is being stopped.
        """
        order = self._order(candidate)
        again = len(order) < len(self._extractions)
        try:
            excerpt = self.open_by(order[0], candidate, self._without_lean(order[0]) if again else None)
        except FetchError as error:
            if len(order) == 1 or not self._leads_on(error):
                self._note(candidate, error, both=again)
                raise
            first = error
        else:
            self._opinions.answered()
            if not again:
                self._preference.worked(order, order[0])
            return excerpt
        # Not inside the handler: yt-dlp takes whatever is being handled for the cause of its own errors.
        return self._ask_other(candidate, order, first)

    def alternative(self, candidate: Candidate, failed: Sequence[Undecoded]) -> Excerpt:
        """There is none: what the decoder says is the verdict.

        Raises:
            FetchError: always.
        """
        excerpt, error = failed[-1]
        raise decode_failure(excerpt, error, candidate.end_ms) from error

    def open_by(self, number: int, candidate: Candidate, arguments: Arguments | None = None) -> Excerpt:
        """The same by one extraction alone.

        Args:
            arguments: other ones than the extraction's own.

        Raises:
            FetchError: it has none for us; its `step` says where it failed.
            Stopped: the run is being stopped.
        """
        session = self._session(number)
        found = self.resolve(number, candidate.ytid, arguments)
        try:
            stream = self.stream(number, found.chosen)
            return self.excerpt(stream, found, candidate, self._extractions[number].name)
        except FetchError as error:
            # One client was taken for a robot, and what another offers without a check does not work.
            if error.reason is Reason.MEDIA_REFUSED and session.hidden:
                raise _at("player", session.hidden) from error
            raise _at("stream", error) from error

    def resolve(self, number: int, ytid: str, arguments: Arguments | None = None) -> "Resolved":
        """The stream of a video that is to be read, and what YouTube tells of the video.

        Raises:
            FetchError: there is none for us.
            Stopped: the run is being stopped.
        """
        chosen, session = self._extractions[number], self._session(number)
        mine = arguments or chosen.arguments
        if visitor := self.visitor_id(number):
            mine = chosen.merged({"youtube": {"visitor_data": [visitor]}}).arguments
        session.begin(mine, ytid, chosen.most_requests, chosen.client is None)
        try:
            info = _extract(session, ytid)
        except FetchError as error:
            # YouTube refuses with HTTP 200 too: only an answer about the video tells that it is content.
            if error.reason.scope is Scope.FINAL:
                self.pace.on_grant(session.sent_at)
            if chosen.client:
                self._visitor.note(error.reason)
            raise _at("player", error) from error
        self.pace.on_grant(session.sent_at)
        if chosen.client:
            self._visitor.note(None)
        try:
            return Resolved(choose_format(info, session.lists_sound), _length_ms(info), _video_info(info))
        except FetchError as error:
            raise _at("player", error) from error

    def visitor_id(self, number: int = 0) -> str | None:
        """The id that an extraction's requests carry, got by one small request where none is known yet.

        Raises:
            FetchError: the request was refused as too many.
            Stopped: the run is being stopped.
        """
        chosen = self._extractions[number]
        if chosen.client is None or "visitor_data" in chosen.arguments.get("youtube", {}):
            return None
        with self._visitor.lock:
            if self._visitor.unknown:
                session = self._session(number)
                session.begin(chosen.arguments)
                try:
                    self._visitor.got(session.extractor.ask_visitor_id(chosen.client), self._clock())
                except RunRefused as error:
                    raise _at("visitor id", as_fetch_error(error)) from error
                except YoutubeDLError as error:
                    failed = _failure(session, str(error), error)
                    if failed.reason in UNREACHED:
                        raise _at("visitor id", failed) from error
                    # Refused, or broken off: the run goes on without.
                    self._visitor.got(None, self._clock())
                self._remember()
            return self._visitor.id

    @property
    def asks_visitor_id(self) -> bool:
        """Whether a visitor id is got for the first extraction."""
        first = self._extractions[0]
        return first.client is not None and "visitor_data" not in first.arguments.get("youtube", {})

    @property
    def extractions(self) -> Sequence[Extraction]:
        """The ways of resolving a video, the first tried first at the start."""
        return self._extractions

    def close(self) -> None:
        """Close every connection, and keep what was learned."""
        self._remember()
        for session in self._sessions:
            session.close()

    def _remember(self) -> None:
        known = self._visitor
        kept = Learned(known.id if known.works else None, known.asked_at, self._opinions.confirmed)
        if kept.visitor_id or kept.confirmed:
            write_learned(self._keep, kept)

    def _order(self, candidate: Candidate) -> tuple[int, ...]:
        """Both extractions; of a video that neither got before, one at a time by turns."""
        if len(self._extractions) == 1:
            return (0,)
        order = self._preference.order()
        tried = self._tried.get(candidate.key, 0)
        return (order[tried % 2],) if tried else order

    def _note(self, candidate: Candidate, error: FetchError, both: bool) -> None:
        if both and error.reason.scope is Scope.PASSING:
            if len(self._tried) >= _MOST_REMEMBERED:
                self._tried.clear()
            self._tried[candidate.key] = self._tried.get(candidate.key, 0) + 1

    def _leads_on(self, error: FetchError) -> bool:
        """Whether the other extraction is to be asked after one failed."""
        if error.reason.scope is Scope.FINAL:
            return self._opinions.wanted_for_verdict(error.reason, error.detail)
        if error.reason.scope is Scope.RUN:
            return self._opinions.wanted_for_refusal(error.reason)
        return self._preference.leads_on(error.reason)

    def _ask_other(self, candidate: Candidate, order: tuple[int, ...], error: FetchError) -> Excerpt:
        """What the other extraction gives, or the verdict of both."""
        other = order[1]
        answered = error.reason.scope is Scope.FINAL or error.reason in _ANSWERED
        try:
            excerpt = self.open_by(other, candidate, self._without_lean(other) if answered else None)
        except FetchError as second:
            verdict = self._opinions.verdict(error, second)
            self._note(candidate, verdict, both=True)
            raise verdict from second
        self._opinions.answered()
        if error.reason.scope is Scope.FINAL:
            # The client does not get such videos: no sign that it is out of order.
            self._opinions.settled(error.reason, error.detail, agreed=False)
        else:
            self._preference.worked(order, other)
        return excerpt

    def _without_lean(self, number: int) -> Arguments | None:
        """Arguments by which the default extraction leaves out the client that has answered before."""
        chosen = self._extractions[number]
        if chosen.name != "default" or not self._session(number).extractor.has_javascript():
            return None
        return chosen.merged(OTHERS).arguments

    def _session(self, number: int) -> Session:
        """This thread's session for one of the extractions; making one costs 88 ms, so it is kept."""
        kept: dict[int, Session] = self._local.__dict__.setdefault("kept", {})
        if number not in kept:
            # Anew for each: the cookies are read to their end.
            options = self._connection.ytdlp_options(self._patience.silence)
            options.pop("extractor_args", None)
            if not self._extractions[number].needs_javascript or not self._runtimes_answer():
                options.setdefault("js_runtimes", {})
            kept[number] = Session(options, self.pace, self._patience, self._script, self._record)
            with self._lock:
                self._sessions.append(kept[number])
        return kept[number]

    def _runtimes_answer(self) -> bool:
        """Whether no JavaScript runtime hangs as soon as it is asked for its version; asked once."""
        with self._lock:
            if not hasattr(self, "_answering"):
                try:
                    javascript_runtimes(self._patience.silence)
                    self._answering = True
                except EnvironmentProblem:
                    self._answering = False
            return self._answering

    def stream(self, number: int, chosen: Mapping[str, Any]) -> Stream:
        """The stream that an extraction found, to be read as soon as YouTube lets it.

        Raises:
            Stopped: the run is being stopped.
        """
        # Before an advertisement would have ended, YouTube refuses the media.
        now = self._clock()
        wait = min(chosen.get("available_at") or 0, now + _LONGEST_WAIT) - now
        if wait > 0:
            self.pace.sleep(wait)
        # What is no single file has no index: it is read piece by piece.
        single = str(chosen.get("protocol", "https")).startswith("http")
        return Stream(self._session(number), chosen["url"], chosen.get("http_headers") or {}, single)

    def excerpt(
        self,
        stream: Stream,
        found: "Resolved",
        candidate: Candidate,
        name: str,
    ) -> Excerpt:
        """The bytes of a segment, or an address that ffmpeg reads.

        Args:
            name: the extraction's, for the record.

        Raises:
            FetchError: they do not come, or the stream ends before.
            Stopped: the run is being stopped.
        """
        chosen, stated_ms = found.chosen, found.length_ms
        sound = "/".join(str(chosen.get(part) or "unknown") for part in ("ext", "acodec"))
        origin = f"youtube {sound} {chosen['format_id']} by {name}"
        index, head = stream.index()
        if not stream.single:
            content, begins_ms = stream.pieces(candidate.start_ms, candidate.end_ms)
            return Excerpt(Media(content), origin, stated_ms, begins_ms, video=found.video, tells_form=True)
        if index is None:
            proxy, verify_tls = self._options.get("proxy"), not self._options["nocheckcertificate"]
            media = Media(stream.address(), stream.headers, proxy, verify_tls)
            return Excerpt(media, origin, stated_ms, video=found.video, tells_form=True)
        if candidate.start_ms >= index.length_ms:
            text = f"the stream ends at {index.length_ms} ms, the segment starts later"
            if stated_ms is not None and candidate.start_ms < stated_ms - _ROUNDING_MS:
                raise FetchError(Reason.BAD_ANSWER, f"{text}, and YouTube tells a length of {stated_ms} ms")
            raise FetchError(Reason.BEYOND_END, text)
        first, behind = index.span(candidate.start_ms, candidate.end_ms)
        body = head[first:behind] if behind and behind <= len(head) else stream.read(first, behind)
        media = Media(index.header + body)
        return Excerpt(media, origin, index.length_ms, video=found.video, tells_form=True)


def _extract(session: Session, ytid: str) -> dict[str, Any]:
    """Resolve one video.

    Raises:
        FetchError: it has no stream for us.
    """
    try:
        info: dict[str, Any] = session.extract_info(
            f"https://www.youtube.com/watch?v={ytid}", download=False, process=False, ie_key="Youtube"
        )
        # Where yt-dlp solves challenges it swallows whatever is raised.
        if session.refused:
            raise session.refused
    except RunRefused as error:
        raise as_fetch_error(error) from error
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
        if session.hidden:
            raise session.hidden
        raise _failure(session, "the answer names no stream")
    return info


_MOST_TOLD = 300
"""Characters kept of a title or a channel; YouTube's own limit is 100."""


def _length_ms(info: Mapping[str, Any]) -> int | None:
    """How long YouTube says that a video is; None where it does not, or nothing that can be true."""
    seconds = info.get("duration")
    return round(float(seconds) * 1000) if seconds and 0 < seconds < _LONGEST_S else None


def _video_info(info: Mapping[str, Any]) -> VideoInfo:
    parts = (info.get("channel_id"), info.get("channel") or info.get("uploader"), info.get("title"))
    channel_id, *names = (part[:_MOST_TOLD] if isinstance(part, str) else "" for part in parts)
    # Clips of one channel belong together, so nothing else may pass for its id.
    return VideoInfo(channel_id if CHANNEL_ID.fullmatch(channel_id) else "", *names)


def _failure(session: Session, text: str, error: BaseException | None = None) -> FetchError:
    trouble = session.diagnose(text, error)
    detail = f"{text}\n{trouble.warned}".strip()
    return FetchError(reason_of(trouble), detail, sent_at=session.sent_at)


def _at(step: str, error: FetchError) -> FetchError:
    """The error, with where it happened."""
    error.step = error.step or ("connection" if error.reason in UNREACHED else step)
    return error

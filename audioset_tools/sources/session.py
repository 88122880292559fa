"""yt-dlp's connections as we use them: paced, bounded (`Patience`), with every refusal seen."""

import re
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn
from urllib.parse import urlsplit

import yt_dlp
from yt_dlp.networking import Request, Response
from yt_dlp.networking.exceptions import HTTPError, RequestError, TransportError
from yt_dlp.utils import DownloadCancelled, ExtractorError

from ..clock import steady
from ..types import Reason, Scope
from .connection.patience import BoundedBody, Patience, within
from .extractor import PlayerScript, YoutubeIE, has_sound, streams, words_of
from .pace import Pace
from .reasons import Stage, Trouble, reason_of
from .source import FetchError, masked

_LENGTH = re.compile(r"[0-9]{1,15}")
_MANIFEST_HOST = "manifest.googlevideo.com"


class RunRefused(DownloadCancelled):  # type: ignore[misc]
    """A refusal of the run, raised through every layer of yt-dlp, which would make a warning of it."""

    def __init__(self, reason: Reason, text: str, retry_after: float | None, sent_at: float) -> None:
        super().__init__(text)
        self.reason = reason
        self.retry_after = retry_after
        self.sent_at = sent_at


class Broken(DownloadCancelled):  # type: ignore[misc]
    """A connection failed: yt-dlp would go on with requests that fail alike."""


class TooSlow(TransportError):  # type: ignore[misc]
    """An answer took too long, or did not end: to ask for the rest of it would take as long again."""


_MOST_WARNINGS = 50


class Listener:
    """yt-dlp's warnings while it works, kept to explain a failure: the last ones, each cut and masked."""

    def __init__(self) -> None:
        self.warnings: deque[str] = deque(maxlen=_MOST_WARNINGS)

    def debug(self, message: str) -> None:
        """Nothing: yt-dlp's progress is not ours."""

    def warning(self, message: str) -> None:
        """Keep what may explain a failure that follows."""
        self.warnings.append(masked(str(message)))

    def error(self, message: str) -> None:
        """Nothing: the same text is raised."""


class Session(yt_dlp.YoutubeDL):  # type: ignore[misc]
    """A `YoutubeDL` whose every request spends from the pace, ends in time, and whose refusals are seen.

    Args:
        patience: the bounds of an answer.
        script: the player script, shared with the other workers' sessions.
        record: called with every answer and the video that it concerns (`Recorder.answered`), or None.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        options: dict[str, Any],
        pace: Pace,
        patience: Patience,
        script: PlayerScript | None = None,
        record: Callable[[Request, Response, str], None] | None = None,
        clock: Callable[[], float] = steady,
    ) -> None:
        self.pace = pace
        self.sent_at = 0.0
        self.listener = Listener()
        self.reads_manifests = True
        self.refused: RunRefused | None = None
        self.hidden: FetchError | None = None
        self.lists_sound = False
        self._patience = patience
        self._record = record
        self._clock = clock
        self._most_requests: int | None = None
        self._ytid = ""
        self._asked = 0
        self._ends = 0.0
        self._failed: RequestError | None = None
        # All of its thousand extractors would take 40 ms of CPU a session; ours is the only one asked.
        super().__init__({**options, "logger": self.listener}, auto_init=False)
        self.extractor = YoutubeIE(script or PlayerScript())
        self.add_info_extractor(self.extractor)
        self.begin({})

    def begin(
        self,
        arguments: Mapping[str, Any],
        ytid: str = "",
        most_requests: int | None = None,
        reads_manifests: bool = True,
    ) -> None:
        """Forget questions and answers of the last video.

        Args:
            arguments: yt-dlp's `extractor_args` for the next one.
            most_requests: page and player requests for it; a further one is answered by an error.
            reads_manifests: whether manifests are of use where no stream has an address.
        """
        self.params["extractor_args"] = deepcopy(dict(arguments))
        self.listener.warnings.clear()
        self._ytid = ytid
        self.reads_manifests = reads_manifests
        self._most_requests = most_requests
        self._asked = 0
        self._ends = self._clock() + self._patience.extraction
        self._failed = None
        self.refused = self.hidden = None
        self.lists_sound = False

    def keep_words(self, responses: list[dict[str, Any]]) -> None:
        """Keep of the players' answers to one video what yt-dlp does not report.

        A refusal of one client stays unseen where another offers a stream; and of streams without an address
        nothing says afterwards that there was sound.
        """
        for response in responses:
            self.lists_sound |= any(map(has_sound, streams(response)))
            if text := words_of(response):
                reason = reason_of(Trouble(Stage.ANSWER, text))
                if reason.scope is Scope.RUN:
                    self.hidden = FetchError(reason, text, sent_at=self.sent_at)

    def refuse(self, reason: Reason, text: str, retry_after: float | None = None) -> NoReturn:
        """End the extraction because of a refusal of the run, which is kept: yt-dlp may swallow it.

        Raises:
            RunRefused: always.
        """
        self.refused = RunRefused(reason, text, retry_after, self.sent_at)
        raise self.refused

    def diagnose(self, text: str, error: BaseException | None = None) -> Trouble:
        """What an extraction failed of: YouTube's own words, or what kept them from coming.

        Args:
            error: the error, or None where there is none but no stream either.
        """
        worded = error is None or (isinstance(error, ExtractorError) and error.expected and not error.cause)
        if worded and (error is not None or self._failed is None):
            return Trouble(
                Stage.ANSWER, text, "\n".join(self.listener.warnings), raised=frozenset(_names(error))
            )
        warned = "\n".join([*self.listener.warnings, *([str(self._failed)] if self._failed else [])])
        status = getattr(self._failed, "status", None)
        raised = frozenset([*_names(error), *_names(self._failed)])
        return Trouble(Stage.PLAYER, text, warned, status, raised)

    def urlopen(self, request: Request | str) -> Response:
        """Wait for the request's turn and send it.

        Raises:
            RunRefused: the answer is a refusal of the run.
            Broken: no answer came to a page or player request.
        """
        asked = Request(request) if isinstance(request, str) else request
        media = is_media(asked.url)
        if not media and self._most_requests is not None:
            if self._asked >= self._most_requests:
                raise ExtractorError("No further request is made for this video", expected=True)
            self._asked += 1
        waiting = self._clock()
        self.sent_at = self.pace.wait_out() if media else self.pace.spend()
        self._ends += self._clock() - waiting
        try:
            answer = self._answer(asked, media)
        except HTTPError as error:
            self._failed = error
            self._bounded(error.response, media)
            self._told(asked, error.response)
            self._raise_if_refused(error, media)
            raise
        except (RequestError, TimeoutError) as error:
            failed = error if isinstance(error, RequestError) else TransportError(str(error))
            self._failed = failed
            if not media and isinstance(failed, TransportError):
                raise Broken("no answer came") from error
            raise failed from error.__cause__
        self._told(asked, answer)
        return answer

    def _answer(self, request: Request, media: bool) -> Response:
        """The answer to one request, redirects followed."""
        head = self._patience.head if media else min(self._patience.head, self._ends - self._clock())
        if head <= 0:
            raise TransportError(f"timed out: the video took over {self._patience.extraction:g} s to resolve")
        answer = within(head, lambda: super(Session, self).urlopen(request), lambda late: late.close())
        answer = self._bounded(self._landed(answer, media), media)
        if not media:
            self.pace.charge(_hops(request, answer))
        return answer

    def _told(self, request: Request, answer: Response) -> None:
        if self._record:
            self._record(request, answer, self._ytid)

    def save_cookies(self) -> None:
        """Leave the user's cookie file as it is: several sessions share it."""

    def _bounded(self, answer: Response, media: bool) -> Response:
        patience = self._patience
        if not media:
            left = max(0.0, self._ends - self._clock())
            body, longest = min(patience.body, left), min(patience.longest, left)
            patience = replace(patience, body=body, longest=longest, size=min(patience.page, patience.size))
        answer.fp = BoundedBody(answer.fp, patience, TooSlow)
        return answer

    def _landed(self, answer: Response, media: bool) -> Response:
        """The answer, if redirects did not lead elsewhere."""
        if "/sorry/" in urlsplit(answer.url).path:
            answer.close()
            self.refuse(Reason.CAPTCHA, f"led to the captcha of {_host(answer.url)}")
        if media and not is_media(answer.url):
            answer.close()
            raise RequestError(f"redirected from the media to {_host(answer.url)}")
        for length in answer.headers.get_all("Content-Length") or ():
            if not _LENGTH.fullmatch(length[:100].strip()):
                answer.close()
                raise RequestError(f"a Content-Length that makes no sense: {length[:100]!a}")
        return answer

    def _raise_if_refused(self, error: HTTPError, media: bool) -> None:
        retry_after = read_retry_after(error.response.headers.get("Retry-After"))
        # 402 is how YouTube once put 429; and a server that says when to come back means everyone.
        busy = error.status == 402 or (error.status == 503 and retry_after is not None)
        if error.status == 429 or (busy and not media):
            error.close()
            text = f"{error.msg} from {_host(error.response.url)}"
            self.refuse(Reason.TOO_MANY_REQUESTS, text, retry_after)


def media_trouble(error: RequestError) -> Trouble:
    """What reading failed of."""
    return Trouble(
        Stage.MEDIA,
        str(error),
        status=getattr(error, "status", None),
        raised=frozenset(_names(error)),
    )


def media_failure(error: RequestError, sent_at: float) -> FetchError:
    """A failure to read media as the fetch understands it."""
    close_response(error)
    return FetchError(reason_of(media_trouble(error)), str(error), sent_at=sent_at)


def as_fetch_error(error: RunRefused) -> FetchError:
    """A refusal of the run as the fetch understands it."""
    return FetchError(error.reason, str(error), error.retry_after, error.sent_at)


def close_response(error: BaseException | None) -> None:
    """An HTTP error holds its connection open until it is closed."""
    if isinstance(error, HTTPError):
        error.close()


def read_retry_after(text: str | None) -> float | None:
    """`Retry-After` in seconds: a number or a date (RFC 9110, 10.2.3); None if neither."""
    if not text:
        return None
    try:
        number = (text := text[:1_000]).strip()
        seconds = float(number) if number.isdigit() else parsedate_to_datetime(text).timestamp() - time.time()
    except (ValueError, TypeError, OverflowError):
        return None
    return max(0.0, seconds)


def is_media(url: str) -> bool:
    """Whether an address is one of YouTube's servers of media."""
    host = _host(url)
    return host.endswith(".googlevideo.com") and host != _MANIFEST_HOST


def _hops(request: Request, answer: Response) -> int:
    """How many redirects led to an answer: each was a request."""
    history = getattr(getattr(answer, "_requests_response", None), "history", None)
    return len(history) if history is not None else int(answer.url != request.url)


def _host(url: str) -> str:
    return urlsplit(url).hostname or ""


def _names(error: object) -> Iterator[str]:
    """The classes of an error and of what caused it."""
    seen: set[int] = set()
    while isinstance(error, BaseException) and id(error) not in seen:
        seen.add(id(error))
        yield from (kind.__name__ for kind in type(error).__mro__)
        error = getattr(error, "cause", None) or error.__cause__

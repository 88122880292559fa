"""yt-dlp's connections as we use them: paced, with every refusal seen, reading exact byte ranges."""

from email.utils import parsedate_to_datetime
from time import time
from typing import Any
from urllib.parse import urlsplit

import yt_dlp
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from yt_dlp.networking import Request, Response
from yt_dlp.networking.exceptions import HTTPError, IncompleteRead, TransportError
from yt_dlp.utils import DownloadCancelled

from ..types import Reason
from .index import Incomplete, StreamIndex, read_index
from .pace import Pace
from .reasons import reason_of
from .source import FetchError

_HEAD_BYTES = 16_384
_MOST_HEAD_BYTES = 4_000_000
_MOST_MEDIA_BYTES = 32_000_000


class Refused(DownloadCancelled):  # type: ignore[misc]
    """HTTP 429, raised through every layer of yt-dlp, which would otherwise make a warning of it."""

    def __init__(self, host: str, retry_after: float | None, sent_at: float) -> None:
        super().__init__(f"HTTP Error 429: Too Many Requests from {host}")
        self.retry_after = retry_after
        self.sent_at = sent_at


class Listener:
    """What yt-dlp says while it works, kept to explain a failure."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def debug(self, message: str) -> None:
        """Nothing: yt-dlp's progress is not ours."""

    def warning(self, message: str) -> None:
        """Keep what may explain a failure that follows."""
        self.said.append(message)

    def error(self, message: str) -> None:
        """Nothing: the same text is raised."""


class Session(yt_dlp.YoutubeDL):  # type: ignore[misc]
    """A `YoutubeDL` whose every request spends from the pace, and whose 429s are seen."""

    def __init__(self, options: dict[str, Any], pace: Pace) -> None:
        self.pace = pace
        self.sent_at = 0.0
        # All of its thousand extractors would take 40 ms of CPU a session; ours is the only one asked.
        super().__init__(options, auto_init=False)
        self.get_info_extractor("Youtube")

    def urlopen(self, request: Request | str) -> Response:
        """Wait for the request's turn, send it, and raise `Refused` for a 429."""
        url = request if isinstance(request, str) else request.url
        host = urlsplit(url).hostname or ""
        media = host.endswith(".googlevideo.com")
        self.sent_at = self.pace.wait_out() if media else self.pace.spend()
        try:
            return super().urlopen(request)
        except HTTPError as error:
            if error.status == 429:
                error.close()
                raise Refused(host, _retry_after(error.response), self.sent_at) from error
            raise

    def save_cookies(self) -> None:
        """Leave the user's cookie file as it is: several sessions share it."""


class Stream:
    """One media address, read by byte ranges."""

    def __init__(self, session: Session, url: str, headers: dict[str, str]) -> None:
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
            raise refusal(error) from error
        except (HTTPError, TransportError) as error:
            close_response(error)
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
            raise IncompleteRead(len(got), end - first - len(got))


def refusal(error: Refused) -> FetchError:
    """A 429 as the fetch understands it."""
    return FetchError(Reason.TOO_MANY_REQUESTS, str(error), error.retry_after, error.sent_at)


def close_response(error: BaseException | None) -> None:
    """An HTTP error holds its connection open until somebody closes it."""
    if isinstance(error, HTTPError):
        error.close()


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

"""One media address, read by byte ranges; nothing that the server says of them is taken on trust."""

import re

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from yt_dlp.networking import Request
from yt_dlp.networking.exceptions import IncompleteRead, RequestError, TransportError

from ..types import Reason
from .connection import Refused, Session, media_failure, refusal
from .index import Incomplete, StreamIndex, read_index
from .source import FetchError

_HEAD_BYTES = 16_384
_MOST_HEAD_BYTES = 1_000_000
_MOST_MEDIA_BYTES = 30_000_000


class Stream:
    """A stream of a video.

    Args:
        session: whose connections to use.
        url: where it is.
        headers: to be sent along.
        single: whether it is one file; a playlist has no index.
    """

    def __init__(self, session: Session, url: str, headers: dict[str, str], single: bool = True) -> None:
        self._session = session
        self._url = url
        self.headers = headers
        self._found: tuple[StreamIndex | None, bytes] | None = None if single else (None, b"")

    def index(self) -> tuple[StreamIndex | None, bytes]:
        """The stream's index, if it has one, and the first bytes; read once.

        Raises:
            FetchError: they did not come.
        """
        if self._found is None:
            self._found = self._read_index()
        return self._found

    def _read_index(self) -> tuple[StreamIndex | None, bytes]:
        head = self.read(0, _HEAD_BYTES)
        while True:
            try:
                return read_index(head), head
            except Incomplete as more:
                known = len(head)
                if not known < more.needed <= _MOST_HEAD_BYTES:
                    return None, head
                # At least twice as much each time: a head made of crumbs takes no more requests than one.
                head += self.read(known, max(more.needed + _HEAD_BYTES, 2 * known))
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
        except RequestError as error:
            raise media_failure(error, self._session.sent_at) from error
        return bytes(got)

    def _read_on(self, got: bytearray, first: int, behind: int | None) -> None:
        had = len(got)
        at = first + had
        wanted = f"bytes={at}-{'' if behind is None else behind - 1}"
        headers = {**self.headers, "Range": wanted, "Accept-Encoding": "identity"}
        response = self._session.urlopen(Request(self._url, headers=headers))
        try:
            kind = response.headers.get("Content-Type") or ""
            if response.status != 206 or "text/html" in kind:
                raise FetchError(Reason.BAD_ANSWER, f"HTTP {response.status} {kind} for {wanted}: no media")
            total = _total(response.headers.get("Content-Range"), at)
            end = total if behind is None else min(behind, total)
            if end - first > _MOST_MEDIA_BYTES:
                raise FetchError(Reason.BAD_ANSWER, f"the segment would take {end - first:,} bytes")
            while len(got) < end - first and (chunk := response.read(min(65_536, end - first - len(got)))):
                got += chunk
        finally:
            self._session.pace.received(len(got) - had)
            response.close()
        if len(got) < end - first:
            raise IncompleteRead(len(got), end - first - len(got))


def _total(content_range: str | None, at: int) -> int:
    """How long the stream is, from a `Content-Range` that begins where it was asked to.

    Raises:
        FetchError: it does not.
    """
    parts = re.fullmatch(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})", (content_range or "").strip(), re.ASCII)
    if parts:
        first, last, total = map(int, parts.groups())
        if first == at <= last < total:
            return total
    raise FetchError(Reason.BAD_ANSWER, f"asked for byte {at:,} and got Content-Range {content_range!r}")

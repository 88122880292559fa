"""Parts of a data set's files, by HTTP Range from the storage to which the Hub redirects.

One request gives one part, over connections that are kept. The address of a file is signed and serves for
some time: it is kept too, and asked for again when the storage takes it no longer. Nothing that comes is
taken on trust: not that it is the part, nor that it ends.
"""

import re
import threading
from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from ...types import Reason
from ..pace import Pace
from ..source import FetchError
from .client import HubClient, HubFile, SignedAddress, bounded, crumbled

_TRIES, _AGAIN_S = 3, 0.25
"""How often a part is asked for in a row, and the first pause in between; it doubles."""

ROW = 8
"""So many parts in a row that did not come, each asked for `_TRIES` times: that is no part's own fault."""

_SILENCE_S, _CONNECT_S = 20.0, 10.0
_READ_S, _RATE = 60.0, 8_192
"""Seconds that a part may take however small it is, and the bytes that buy a second more."""

_CONNECTIONS = 32

_AGAIN = frozenset({Reason.SERVER_ERROR, Reason.CONNECTION, Reason.TRUNCATED, Reason.TIMEOUT})
"""What is tried again at once: the storage has many machines, and the next one may do."""

_OF_STORAGE = _AGAIN | {Reason.MEDIA_REFUSED, Reason.BAD_ANSWER}
"""What may be the matter with all of the storage."""

_EXPIRED = frozenset({401, 403, 410})
"""How a storage says that it takes an address no longer."""


class Ranges:
    """Reads parts of the files of one commit; used by several threads at once.

    Args:
        client: tells where a file is.
        commit: the files are those of it.
    """

    def __init__(self, client: HubClient, commit: str) -> None:
        self._client = client
        self._commit = commit
        self.pace: Pace = client.pace
        httpx = client.httpx
        self._http = httpx.Client(
            timeout=httpx.Timeout(_SILENCE_S, connect=_CONNECT_S),
            limits=httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS),
        )
        self._lock = threading.Lock()
        self._renewing: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)
        self._addresses: dict[str, SignedAddress] = {}
        self._etags: dict[str, str] = {}
        self._row = 0

    def read(self, file: HubFile, offset: int, length: int) -> bytes:
        """So many bytes of a file from an offset on, or fewer at its end.

        Raises:
            FetchError: they did not come.
            DataMismatch: the file is another one than was listed.
            EnvironmentProblem: the user may not read it any more.
        """
        length = min(length, file.size - offset)
        if length <= 0 or offset < 0:
            return b""
        retrying = Retrying(
            stop=stop_after_attempt(_TRIES),
            wait=wait_exponential(multiplier=_AGAIN_S),
            retry=retry_if_exception(lambda error: getattr(error, "reason", None) in _AGAIN),
            sleep=self.pace.sleep,
            reraise=True,
        )
        try:
            content = retrying(self._read, file, offset, length)
        except FetchError as error:
            raise self._everyones(error) from error
        self._row = 0
        return content

    def close(self) -> None:
        """Give back the connections."""
        self._http.close()

    def _everyones(self, error: FetchError) -> FetchError:
        """An error, or, if nothing has come for a while, that of a storage that is not to be reached."""
        if error.reason not in _OF_STORAGE:
            return error
        self._row += 1
        if self._row < ROW:
            return error
        detail = f"{self._row} parts in a row did not come: {error.detail}"
        return FetchError(Reason.NETWORK_DOWN, detail, sent_at=error.sent_at)

    def _read(self, file: HubFile, offset: int, length: int) -> bytes:
        address = self._address(file, None)
        try:
            return self._part(file, address, offset, length)
        except _Expired:
            address = self._address(file, address)
        try:
            return self._part(file, address, offset, length)
        except _Expired as error:
            raise FetchError(Reason.MEDIA_REFUSED, f"{error}, at a new address too") from error

    def _address(self, file: HubFile, stale: SignedAddress | None) -> SignedAddress:
        """Where a file is; another address than the stale one, asked for once by whoever comes first."""
        with self._lock:
            renewing = self._renewing[file.path]
        with renewing:
            known = self._addresses.get(file.path)
            if known is None or known is stale:
                known = self._addresses[file.path] = self._client.locate(file, self._commit)
                self._etags.pop(file.path, None)
            return known

    def _part(self, file: HubFile, address: SignedAddress, offset: int, length: int) -> bytes:
        """One request for one part.

        Raises:
            _Expired: the storage takes the address no longer.
        """
        sent_at = self.pace.spend()
        try:
            content = bounded(
                lambda: self._asked(file, address, offset, length, sent_at),
                _READ_S + length / _RATE,
            )
        except TimeoutError as error:
            raise FetchError(Reason.TIMEOUT, f"the storage: {error}", sent_at=sent_at) from error
        except self._client.httpx.HTTPError as error:
            raise self._client.of_connection(error, "the storage", sent_at) from error
        self.pace.on_grant(sent_at)
        self.pace.received(len(content))
        return content

    def _asked(
        self, file: HubFile, address: SignedAddress, offset: int, length: int, sent_at: float
    ) -> bytes:
        wanted = f"bytes={offset}-{offset + length - 1}"
        headers = {**address.headers, "Range": wanted, "Accept-Encoding": "identity"}
        with self._http.stream("GET", address.url, headers=headers) as answer:
            if answer.status_code in _EXPIRED:
                raise _Expired(f"HTTP {answer.status_code} from the storage")
            self._see_that_it_is_the_part(file, answer, offset, length, sent_at)
            got = bytearray()
            for too_small, piece in crumbled(answer.iter_raw()):
                if too_small:
                    detail = f"{len(got):,} bytes of the storage came almost one by one"
                    raise FetchError(Reason.BAD_ANSWER, detail, sent_at=sent_at)
                got += piece
                # Not at its last byte: a connection is kept only when its answer was read to the end.
                if len(got) > length:
                    break
        if len(got) < length:
            raise FetchError(Reason.TRUNCATED, f"{len(got):,} bytes of {length:,} came", sent_at=sent_at)
        return bytes(got[:length])

    def _see_that_it_is_the_part(
        self, file: HubFile, answer: Any, offset: int, length: int, sent_at: float
    ) -> None:
        status, headers = answer.status_code, answer.headers
        if status == 429 or (status == 503 and headers.get("retry-after")):
            wait = self._client.asked_to_wait(headers)
            raise FetchError(Reason.TOO_MANY_REQUESTS, f"HTTP {status} from the storage", wait, sent_at)
        if status >= 500:
            raise FetchError(Reason.SERVER_ERROR, f"HTTP {status} from the storage", sent_at=sent_at)
        if status in (400, 404, 416):
            raise FetchError(Reason.MEDIA_REFUSED, f"HTTP {status} from the storage", sent_at=sent_at)
        told = (headers.get("content-range") or "")[:100]
        if (
            status != 206
            or "content-encoding" in headers
            or _range_of(told)
            != (
                offset,
                offset + length - 1,
                file.size,
            )
        ):
            wanted = f"bytes {offset}-{offset + length - 1}/{file.size}"
            raise FetchError(
                Reason.BAD_ANSWER, f"HTTP {status} {told!r} in place of {wanted}", sent_at=sent_at
            )
        self._see_that_it_is_the_same(file, headers)

    def _see_that_it_is_the_same(self, file: HubFile, headers: Mapping[str, str]) -> None:
        """The storage's own ETag must not change while an address lasts."""
        etag = (headers.get("etag") or "")[:200]
        first = self._etags.setdefault(file.path, etag)
        if etag != first:
            raise self._client.changed(file, f"the storage's ETag is {etag!a}, it was {first!a}")


class _Expired(Exception):
    """The storage does not take a signed address, or takes it no longer."""


def _range_of(text: str) -> tuple[int, int, int] | None:
    """First byte, last byte and size of `Content-Range`."""
    match = re.fullmatch(r"bytes (\d{1,15})-(\d{1,15})/(\d{1,15})", text, re.ASCII)
    return (int(match[1]), int(match[2]), int(match[3])) if match else None

"""Just enough HTTP/1.1 for a proxy that is also the server behind it.

The standard library's handler parses each header with the e-mail package, which would cost more than all the
rest of an answer.
"""

import re
import socket
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import parse_qs, urlsplit

_LONGEST_HEAD = 65_536
_PHRASED = frozenset(known.value for known in HTTPStatus)
_QUICKACK: int | None = getattr(socket, "TCP_QUICKACK", None)


@dataclass(frozen=True, slots=True)
class Request:
    """What a client asked. `target` is as it came, `headers` have lower-case names."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    def query(self, name: str) -> str:
        """One field of the query, or ""."""
        return parse_qs(urlsplit(self.target).query).get(name, [""])[0]

    @property
    def keeps_alive(self) -> bool:
        return self.headers.get("connection", "").lower() != "close"


class Line:
    """One connection's incoming bytes; `socket` may be exchanged when TLS begins on it."""

    def __init__(self, connection: socket.socket) -> None:
        self.socket = connection
        self._held = b""

    def request(self) -> Request | None:
        """The next request, or None when the client has hung up.

        Raises:
            ValueError: what came is no HTTP.
        """
        while b"\r\n\r\n" not in self._held:
            if len(self._held) > _LONGEST_HEAD:
                raise ValueError("a request's head is too long")
            if not self._more():
                return None
        head, self._held = self._held.split(b"\r\n\r\n", 1)
        first, *rest = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {}
        for field in rest:
            name, value = field.split(":", 1)
            headers[name.lower()] = value.strip()
        length = int(headers.get("content-length", 0))
        while len(self._held) < length:
            if not self._more():
                return None
        body, self._held = self._held[:length], self._held[length:]
        return Request(method, target, headers, body)

    def _more(self) -> bool:
        if _QUICKACK is not None:
            # A client under Nagle's algorithm sends head and body apart and waits for our ACK in between,
            # which Linux puts off by 40 ms. The kernel forgets this wish, so it is renewed each time.
            self.socket.setsockopt(socket.IPPROTO_TCP, _QUICKACK, 1)
        received = self.socket.recv(65_536)
        self._held += received
        return bool(received)


def head(status: int, kind: str, length: int | None, extra: dict[str, str] | None = None) -> bytes:
    """The head of an answer.

    Args:
        kind: of the body, as Content-Type has it.
        length: bytes of the body; None where it ends with the connection, if ever.
    """
    phrase = HTTPStatus(status).phrase if status in _PHRASED else "Unheard Of"
    lines = [
        f"HTTP/1.1 {status} {phrase}",
        f"Content-Type: {kind}",
        "Connection: close" if length is None else f"Content-Length: {length}",
        *(f"{name}: {value}" for name, value in (extra or {}).items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def send(
    line: Line, request: Request, status: int, kind: str, body: bytes, extra: dict[str, str] | None = None
) -> bool:
    """Send a whole answer in one go; True, for the connection can go on."""
    answer = head(status, kind, len(body), extra)
    line.socket.sendall(answer if request.method == "HEAD" else answer + body)
    return True


def byte_range(text: str, length: int) -> tuple[int, int] | None:
    """Read `a-b`, `a-` or `-n` (of a Range header, without its unit, or of a query).

    Returns:
        The first byte and the one after the last, cut to `length`; None when nothing is left.
    """
    found = re.fullmatch(r"(\d*)-(\d*)", text)
    if not found or text == "-":
        return None
    first, last = found.groups()
    if not first:
        begin, end = max(0, length - int(last)), length
    else:
        begin, end = int(first), min(length, int(last) + 1) if last else length
    return (begin, end) if begin < end else None

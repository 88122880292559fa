"""HTTP on a connection: requests in pieces, heads of answers, ranges."""

import socket
import threading
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.simulator.wire import Line, byte_range, head


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0-0", (0, 1)),
        ("5-", (5, 100)),
        ("90-500", (90, 100)),
        ("-10", (90, 100)),
        ("-500", (0, 100)),
        ("100-", None),
        ("7-3", None),
        ("-0", None),
        ("-", None),
        ("a-b", None),
        ("0-1,5-9", None),
    ],
)
def test_byte_range(text: str, expected: tuple[int, int] | None) -> None:
    assert byte_range(text, 100) == expected


@given(st.integers(0, 200), st.integers(0, 200), st.integers(1, 150))
def test_byte_range_is_a_slice(first: int, last: int, length: int) -> None:
    data = bytes(range(length))
    span = byte_range(f"{first}-{last}", length)
    assert (data[slice(*span)] if span else b"") == data[first : last + 1]


def test_a_request_may_come_in_any_pieces() -> None:
    raw = b"POST /a?v=x%20y HTTP/1.1\r\nHost: h\r\nX-Odd:  spaced \r\nContent-Length: 4\r\n\r\nbody"
    raw += b"GET /b HTTP/1.1\r\nConnection: close\r\n\r\n"
    ours, theirs = socket.socketpair()
    with ours, theirs:

        def trickle() -> None:
            for at in range(0, len(raw), 7):
                theirs.sendall(raw[at : at + 7])
                time.sleep(0.001)
            theirs.shutdown(socket.SHUT_WR)

        sending = threading.Thread(target=trickle)
        sending.start()
        line = _UnixLine(ours)
        first, second, third = line.request(), line.request(), line.request()
        sending.join()
    assert first is not None
    assert (first.method, first.path, first.query("v"), first.query("w")) == ("POST", "/a", "x y", "")
    assert (first.headers["x-odd"], first.body, first.keeps_alive) == ("spaced", b"body", True)
    assert second is not None
    assert (second.target, second.keeps_alive) == ("/b", False)
    assert third is None


def test_what_is_no_http_is_refused() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        theirs.sendall(b"\x16\x03\x01\r\n\r\n")
        with pytest.raises(ValueError, match="unpack"):
            _UnixLine(ours).request()


def test_head() -> None:
    assert head(429, "text/plain", 0, {"Retry-After": "3"}) == (
        b"HTTP/1.1 429 Too Many Requests\r\n"
        b"Content-Type: text/plain\r\nContent-Length: 0\r\nRetry-After: 3\r\n\r\n"
    )


class _UnixLine(Line):
    """A line on a socket pair, which knows no TCP options."""

    def _more(self) -> bool:
        received = self.socket.recv(10)
        self._held += received
        return bool(received)

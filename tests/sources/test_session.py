"""yt-dlp's connections against a server on loopback that sends what no server should."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest
from yt_dlp.networking.exceptions import RequestError, TransportError

from audioset_tools.sources.connection.patience import Patience
from audioset_tools.sources.pace import Pace, parse_pace
from audioset_tools.sources.session import Broken, Listener, Session
from audioset_tools.sources.source import LONGEST
from tests.sources.connection.test_patience import ended


@contextmanager
def answering(head: str, more: Callable[[], bytes] = bytes) -> Iterator[str]:
    """A server on loopback that answers each request with a head, and then with `more` until it is b""."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                connection, _ = listening.accept()
                with connection, suppress(OSError):
                    connection.recv(65_536)
                    connection.sendall(head.encode())
                    while some := more():
                        connection.sendall(some)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/page"
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(20)


@pytest.fixture
def session() -> Iterator[Session]:
    made = Session({"quiet": True, "proxy": ""}, Pace(parse_pace("unlimited")), Patience(silence=20))
    yield made
    made.close()


@pytest.mark.parametrize("extension", ["", ";" + "x" * 4_000])
def test_a_flood_of_one_byte_chunks_ends_soon(session: Session, extension: str) -> None:
    """It was 400 s of CPU for 32 MB."""
    flood = f"1{extension}\r\nx\r\n".encode() * 100
    with answering("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", lambda: flood) as address:
        began = time.thread_time()
        with pytest.raises(TransportError, match="almost one by one"):
            session.urlopen(address).read()
        assert time.thread_time() - began < 5


def test_a_page_may_be_no_larger_than_any_real_one(session: Session) -> None:
    with (
        answering("HTTP/1.1 200 OK\r\n\r\n", lambda: bytes(100_000)) as address,
        pytest.raises(TransportError, match="does not end: more than 8,000,000 bytes"),
    ):
        session.urlopen(address).read()


@pytest.mark.parametrize(
    "length", ["-1", "-9223372036854775808", "1e3", "0x10", "", "5;", "9" * 5_000, "1_0"]
)
def test_a_length_that_makes_no_sense_is_a_bad_answer(session: Session, length: str) -> None:
    with (
        answering(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\nhello") as address,
        pytest.raises(RequestError, match="Content-Length") as failed,
    ):
        session.urlopen(address)
    assert len(str(failed.value)) < 300


def test_warnings_are_few_short_and_masked() -> None:
    heard = Listener()
    for number in range(10_000):
        heard.warning(f"{number} http://me:secret@proxy:1/ {'y' * 20_000}")
    assert len(heard.warnings) == 50
    assert all(len(one) < LONGEST + 20 and "secret" not in one for one in heard.warnings)


def test_a_head_without_end_is_given_up_and_its_thread_ends() -> None:
    patience = Patience(silence=20, head=0.5)
    hasty = Session({"quiet": True, "proxy": ""}, Pace(parse_pace("unlimited")), patience)
    with answering("", lambda: b"HTTP/1.1 100 Continue\r\n\r\n" * 100) as address:
        with pytest.raises(Broken):
            hasty.urlopen(address)
        assert ended("request")
    hasty.close()

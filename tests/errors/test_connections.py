"""Nobody keeps others out: connections by strangers, half-open ones, slow ones, large ones."""

import math
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from waitress import wasyncore

from audioset_tools.errors.connections import LONGEST_HEADER, STRANGER_S, PageServer

MOST = 4
COOKIE = b"Cookie: a=b; ours\r\n"
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"


@dataclass
class Site:
    """A server that goes on only as far as a test says."""

    server: PageServer
    asked: list[str] = field(default_factory=list)
    clients: list[socket.socket] = field(default_factory=list)
    hold: threading.Event = field(default_factory=threading.Event)

    def app(self, environ: dict[str, Any], start: Any) -> list[bytes]:
        self.asked.append(environ["PATH_INFO"])
        if environ["PATH_INFO"] == "/slow":
            self.hold.wait(20)
        start("200 OK", [("Content-Length", "2")])
        return [b"ok"]

    def step(self, times: int = 1) -> None:
        for _ in range(times):
            wasyncore.poll2(0.01, self.server._map)

    def connect(self, *sent: bytes) -> socket.socket:
        client = socket.create_connection(self.server.socket.getsockname())
        self.clients.append(client)
        client.setblocking(False)
        self.step(2)
        for some in sent:
            client.send(some)
            self.step()
        return client

    def said(self, client: socket.socket) -> bytes | None:
        """What a client receives next; nothing at its end, None where there is nothing yet."""
        for _ in range(3_000):
            self.step()
            try:
                return client.recv(10_000)
            except BlockingIOError:
                continue
            except ConnectionResetError:
                return b""
        return None

    def finish(self) -> None:
        """Go on until all that was asked is answered."""
        while any(one.requests for one in self.server.active_channels.values()):
            self.step(10)

    def open(self) -> int:
        # The client has its answer before the thread that gave it is done.
        self.finish()
        self.step(3)
        return len(self.server.active_channels)


@pytest.fixture
def site() -> Iterator[Site]:
    listening = socket.create_server(("127.0.0.1", 0))
    # Of the test, which knows what the application does only afterwards.
    made: list[Site] = []
    server = PageServer(
        lambda *given: made[0].app(*given), listening, lambda cookie: "ours" in cookie, 1 << 20, MOST
    )
    made.append(Site(server))
    # When the time is, the tests say.
    server.next_channel_cleanup = math.inf
    yield made[0]
    made[0].hold.set()
    server.task_dispatcher.shutdown()
    for one in made[0].clients:
        one.close()
    wasyncore.close_all(server._map)


def test_half_open_connections_shut_nobody_out(site: Site) -> None:
    crowd = [site.connect(HEAD) for _ in range(3 * MOST)]
    assert site.open() == MOST
    friend = site.connect(HEAD + COOKIE + b"\r\n")
    assert b"200 OK" in (site.said(friend) or b"")
    assert site.said(crowd[0]) == b"" and site.open() == MOST
    # Whoever has shown the cookie stays, however many strangers come.
    for _ in range(3 * MOST):
        site.connect(HEAD)
        site.connect(b"")
    friend.send(HEAD + COOKIE + b"\r\n")
    assert b"200 OK" in (site.said(friend) or b"")


def test_many_friends_make_room_for_one_another(site: Site) -> None:
    friends = []
    for _ in range(MOST + 2):
        friends.append(site.connect(HEAD + COOKIE + b"\r\n"))
        assert b"200 OK" in (site.said(friends[-1]) or b"")
        site.finish()
    assert site.open() == MOST
    for one in friends[-MOST:]:
        one.send(HEAD + COOKIE + b"\r\n")
        assert b"200 OK" in (site.said(one) or b"")


def test_a_stranger_who_is_answered_is_a_stranger(site: Site) -> None:
    friend = site.connect(HEAD + COOKIE + b"\r\n")
    assert site.said(friend)
    for _ in range(3 * MOST):
        assert b"200 OK" in (site.said(site.connect(HEAD + b"\r\n")) or b"")
    friend.send(HEAD + COOKIE + b"\r\n")
    assert b"200 OK" in (site.said(friend) or b"")


def test_a_slow_header_has_its_time_however_busily_it_is_sent(site: Site) -> None:
    slow = site.connect(*([HEAD] + [b"a"] * 10))
    friend = site.connect(HEAD + COOKIE + b"\r\n")
    assert site.said(friend) and site.open() == 2
    since = min(one.waiting_since for one in site.server.active_channels.values())
    site.server.maintenance(since + STRANGER_S)
    assert site.open() == 2
    slow.send(b"a")
    site.server.maintenance(since + STRANGER_S + 0.1)
    assert site.open() == 1 and site.said(slow) == b""
    # Silence of a friend is waited for longer.
    site.finish()
    site.server.maintenance(time.time() + 121)
    assert site.open() == 0


def test_who_takes_nothing_of_what_he_asked_for_has_his_time_too(site: Site) -> None:
    greedy = site.connect()
    with pytest.raises(BlockingIOError):
        for _ in range(1000):
            greedy.send((HEAD + b"\r\n") * 1000)
            site.step()
    site.finish()
    site.server.maintenance(time.time() + STRANGER_S + 1)
    assert site.open() == 0


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: 1000000\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 9\r\nExpect: 100-continue\r\n",
    ],
)
def test_a_strangers_body_is_not_read(site: Site, head: bytes) -> None:
    post = b"POST / HTTP/1.1\r\nHost: x\r\n" + head
    said = site.said(site.connect(post + b"\r\n", b"x" * 1000)) or b""
    assert said.startswith(b"HTTP/1.1 403 Forbidden") and b"100 Continue" not in said
    assert site.asked == [] and site.open() == 0


@pytest.mark.parametrize("length", [b"1048577", b"1" + b"0" * 400, b"-1"])
def test_a_friends_body_has_a_bound(site: Site, length: bytes) -> None:
    head = COOKIE + b"Content-Length: " + length + b"\r\n\r\n"
    said = site.said(site.connect(b"POST / HTTP/1.1\r\nHost: x\r\n" + head)) or b""
    assert said.startswith((b"HTTP/1.1 413 ", b"HTTP/1.1 400 ")) and site.asked == []


@pytest.mark.parametrize("line", [b"a: " + b"x" * 1000 + b"\r\n", b"a:b\r\n", b"Cookie: x=y\r\n"])
def test_a_huge_header_is_refused(site: Site, line: bytes) -> None:
    client = site.connect(HEAD)
    with suppress(ConnectionError):
        for _ in range(8):
            client.send(line * (LONGEST_HEADER // 4 // len(line)))
            site.step(8)
    said = site.said(client) or b""
    assert b"431" in said.splitlines()[0] and site.asked == [] and site.open() == 0


def test_where_all_are_busy_one_more_waits_and_is_served(site: Site) -> None:
    slow = b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n"
    busy = [site.connect(slow) for _ in range(MOST)]
    waiting = site.connect(HEAD + b"\r\n")
    site.step(3)
    assert site.asked == ["/slow"] * MOST and not site.server.readable()
    site.hold.set()
    assert all(b"200 OK" in (site.said(one) or b"") for one in (*busy, waiting))


def test_where_few_files_may_be_open_there_are_fewer_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (64, 64))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = PageServer(lambda *_: [], listening, lambda _: True, 1)
        assert server._most == 32
        server.task_dispatcher.shutdown()
        wasyncore.close_all(server._map)

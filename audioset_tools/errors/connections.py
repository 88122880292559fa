"""The one door to waitress: connections, so bounded that nobody can keep others out.

On 127.0.0.1 all clients have one address, so there is no bound for each. There is one in all, and whoever has
shown the cookie stands above whoever has not: a stranger's connection is closed when it has had no whole
request for `STRANGER_S` seconds, however busily it sends, its requests have no body, and where there is no
room for a new connection, the stranger's goes that has waited longest. waitress alone would, at its limit,
let nobody in until a connection had been silent for long, and one byte now and then is not silent.
"""

import logging
import resource
import socket
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.parser import HTTPRequestParser
from waitress.server import TcpWSGIServer
from waitress.utilities import Error

MOST_CONNECTIONS = 512
"""At once; a browser has six."""

STRANGER_S = 5
"""Seconds within which a connection without our cookie brings a whole request."""

LONGEST_HEADER = 64 * 1024
"""Bytes of a request's header; the cookies of all local servers are in it."""

_THREADS = 8

_AT_ONCE = 64
"""Connections let in before the others are looked after; one at a time, a crowd would hold up the door."""

Opens = Callable[[str], bool]
"""Whether a Cookie header holds ours."""


class _Forbidden(Error):  # type: ignore[misc]
    code, reason = 403, "Forbidden"


class _Request(HTTPRequestParser):  # type: ignore[misc]
    """A request while it arrives, which has no body without our cookie."""

    def __init__(self, channel: "_Channel", adjustments: Adjustments) -> None:
        super().__init__(adjustments)
        self.error: Error | None
        self._channel = channel
        self._judged = False

    def received(self, data: bytes) -> int:
        consumed: int = super().received(data)
        if self.headers_finished and not (self._judged or self.empty or self.error):
            self._judged = True
            self._channel.trusted = self._channel.server.opens(self.headers.get("COOKIE", ""))
            if not self._channel.trusted and (self.chunked or self.content_length > 0):
                self.error = _Forbidden("Open the address that the server printed.")
                self.expect_continue, self.completed = False, True
        return consumed


class _Channel(HTTPChannel):  # type: ignore[misc]
    """A connection.

    trusted: whether its last request had our cookie.
    waiting_since: when we began to wait for its next request, in seconds since the epoch.
    """

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.trusted = False
        self.waiting_since: float = self.creation_time
        self.parser_class = partial(_Request, self)

    def service(self) -> None:
        """Answer a request; in a thread of its own."""
        super().service()
        self.waiting_since = time.time()


class PageServer(TcpWSGIServer):  # type: ignore[misc]
    """Serves a WSGI application on a socket that listens.

    Args:
        opens: whether a Cookie header holds ours.
        longest_body: bytes of a request's.
        most: connections at once; fewer where the process may open few files.
    """

    channel_class = _Channel

    def __init__(
        self,
        app: Any,
        listening: socket.socket,
        opens: Opens,
        longest_body: int,
        most: int = MOST_CONNECTIONS,
    ) -> None:
        self.opens = opens
        self._most = min(most, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 2)
        # That clients go away, or come in crowds, is no news.
        logging.getLogger("waitress").setLevel(logging.ERROR)
        settings = Adjustments(
            sockets=[listening],
            threads=_THREADS,
            # Never reached: waitress would wait until somebody goes, where one who waits could be made to.
            connection_limit=2 * self._most + 10,
            cleanup_interval=1,
            log_socket_errors=False,
            max_request_header_size=LONGEST_HEADER,
            max_request_body_size=longest_body,
            asyncore_use_poll=True,
            ident=None,
        )
        about = (listening.family, listening.type, listening.proto, listening.getsockname())
        super().__init__(app, _sock=listening, adj=settings, sockinfo=about, bind_socket=False)

    def readable(self) -> bool:
        """Whether one more may come in: not while we are busy with the requests of all."""
        wanted: bool = super().readable()
        return wanted and (len(self.active_channels) < self._most or bool(self._waiting()))

    def handle_accept(self) -> None:
        """Let in who is at the door, in the place of those that wait longest if there is no room."""
        for _ in range(_AT_ONCE):
            there = len(self.active_channels)
            if there >= self._most and not self._waiting():
                return
            super().handle_accept()
            if len(self.active_channels) == there:
                return
            if there >= self._most:
                *others, _ = self._waiting()
                _close(min(others, key=lambda one: (one.trusted, one.waiting_since)))

    def _waiting(self) -> list[_Channel]:
        """The connections whose next request has not come yet, the newest last."""
        return [one for one in self.active_channels.values() if not one.requests]

    def maintenance(self, now: float) -> None:
        """Close what has been silent for long, and strangers who keep us waiting."""
        super().maintenance(now)
        for one in list(self.active_channels.values()):
            if not one.trusted and not one.requests and now - one.waiting_since > STRANGER_S:
                _close(one)


def _close(channel: _Channel) -> None:
    # At once: a flag would wait until the other side takes what it was sent.
    channel.will_close = True
    channel.handle_close()

"""The simulator's door: a CONNECT proxy on 127.0.0.1 that is YouTube to whoever goes through it.

It ends TLS with a certificate of its own and answers in YouTube's place; nothing is ever passed on to a
network. Asked directly, it gives `/stats`, `/plan` and `/plan?v=ID`.
"""

import json
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import asdict, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ..exceptions import EnvironmentProblem
from ..installing import missing
from ..types import YTID
from .bank import Studio
from .counts import Counts
from .plan import Plan, decide
from .replay import Records, ReplaySite
from .site import JSON, TEXT, Site
from .wire import Line, send

HOST = "127.0.0.1"
"""The only address it ever listens on."""

_OURS = ("youtube.com", ".youtube.com", ".googlevideo.com", ".ytimg.com")


class Server:
    """A listener on 127.0.0.1 with a thread for each connection, from `with` to the end of its block.

    Args:
        port: where it listens; 0 takes a free one.

    Raises:
        EnvironmentProblem: the port is taken.
    """

    def __init__(self, port: int = 0) -> None:
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._connections: dict[threading.Thread, Line] = {}
        self._port = port

    def __enter__(self) -> Self:
        try:
            self._listener = socket.create_server((HOST, self._port), backlog=128)
        except OSError as error:
            raise EnvironmentProblem(
                f"port {self._port} is not available: {error.strerror}",
                "Leave the port out to take a free one.",
            ) from error
        self._port = self._listener.getsockname()[1]
        self._accepting = threading.Thread(target=self._accept, name="simulator", daemon=True)
        self._accepting.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        # Closing alone does not wake a thread that waits in accept.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        with self._lock:
            left = dict(self._connections)
        for line in left.values():
            # Not SSLSocket's own, which takes the TLS state away from under the thread that reads.
            with suppress(OSError):
                socket.socket.shutdown(line.socket, socket.SHUT_RDWR)
        for thread in left:
            thread.join()

    @property
    def address(self) -> str:
        """Where it is asked."""
        return f"http://{HOST}:{self._port}"

    def serve(self, line: Line) -> None:
        """Answer the requests of one connection until it is of no further use."""
        raise NotImplementedError

    def _accept(self) -> None:
        while not self._ended.is_set():
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            line = Line(connection)
            thread = threading.Thread(target=self._converse, args=(line,), daemon=True)
            with self._lock:
                self._connections[thread] = line
            thread.start()

    def _converse(self, line: Line) -> None:
        # A client that hangs up, resets or talks nonsense concerns nobody but itself.
        with suppress(OSError, ValueError):
            self.serve(line)
        with suppress(OSError, ValueError):
            if isinstance(line.socket, ssl.SSLSocket):
                # Ends TLS without waiting for the client's end: a short body is then short, not broken.
                line.socket.settimeout(0)
                line.socket.unwrap()
        line.socket.close()
        with self._lock:
            del self._connections[threading.current_thread()]


class Simulator(Server):
    """A YouTube on loopback, from `with` to the end of its block.

    Args:
        plan: how it behaves; all videos alive and nothing refused if None.
        port: where it listens; 0 takes a free one.
        cache: folder for the encoded sounds; the user's cache folder when None.
        replay: folder of recorded answers (`records`), which are given again; of the plan only the latency
            counts then.

    Attributes:
        passed_over: one line for each file of that folder that is no record.

    Raises:
        EnvironmentProblem: trustme is missing, or the port is taken.
        UsageError, DataMismatch: there is nothing to replay.
    """

    def __init__(
        self,
        plan: Plan | None = None,
        *,
        port: int = 0,
        cache: Path | None = None,
        replay: Path | None = None,
    ) -> None:
        super().__init__(port)
        self.plan = plan or Plan()
        self._counts = Counts()
        self._site: Site | ReplaySite
        self.passed_over: list[str] = []
        if replay is None:
            self._site = Site(self.plan, Studio(cache), self._counts, self._ended.wait)
        else:
            records = Records(replay)
            self.passed_over = records.passed_over
            self._site = ReplaySite(
                records, Studio(cache), self._counts, self._ended.wait, self.plan.latency_s
            )
        self._tls = _certificate()

    @property
    def proxy(self) -> str:
        """The address to give to yt-dlp as `proxy`."""
        return self.address

    def counts(self) -> dict[str, Any]:
        """What it was asked so far; see `Counts.summary`."""
        return self._counts.summary()

    def serve(self, line: Line) -> None:
        """Requests that come to the proxy itself."""
        while request := line.request():
            host = request.target.rpartition(":")[0]
            if request.method == "CONNECT" and (host == _OURS[0] or host.endswith(_OURS[1:])):
                self._tunnel(line, host)
                return
            if request.path == "/stats":
                send(line, request, 200, JSON, json.dumps(self.counts()).encode())
            elif request.path == "/plan":
                send(line, request, 200, JSON, json.dumps(_plan_json(self.plan, request.query("v"))).encode())
            else:
                self._counts.asked("foreign")
                send(line, request, 403, TEXT, b"The simulator reaches no real network.\n")
            if not request.keeps_alive:
                return

    def _tunnel(self, line: Line, host: str) -> None:
        """Requests to YouTube."""
        line.socket.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        # In two steps, so that `__exit__` can always reach the socket that this thread waits for.
        secured = self._tls.wrap_socket(line.socket, server_side=True, do_handshake_on_connect=False)
        line.socket = secured
        if self._ended.is_set():
            return
        secured.do_handshake()
        while request := line.request():
            if not self._site.answer(line, host, request) or not request.keeps_alive:
                return


def _certificate() -> ssl.SSLContext:
    try:
        import trustme
    except ImportError as error:
        raise missing("trustme", "demo") from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    names = [f"*{name}" if name.startswith(".") else name for name in _OURS]
    trustme.CA().issue_cert(*names).configure_cert(context)
    return context


def _plan_json(plan: Plan, ytid: str) -> dict[str, Any]:
    """The plan without its table, or what it makes of one id."""
    if YTID.fullmatch(ytid):
        return asdict(decide(plan, ytid))
    known = {one.name: getattr(plan, one.name) for one in fields(plan) if one.name != "table"}
    known |= {name: dict(known[name]) for name in ("shares", "faults", "clients_off")}
    known |= {"limit": plan.limit and asdict(plan.limit), "refusals": [asdict(one) for one in plan.refusals]}
    return known

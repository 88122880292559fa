"""How long an answer is waited for, and how much of it is taken.

No answer takes for ever or fills the memory: a socket's timeout counts the silence between two packets only,
so a server that sends a byte a second, or without end, would hold a worker for good. `Patience` bounds an
answer's head, its body's time and its body's size.
"""

import ctypes
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any, TypeVar

_PIECE, _CRUMB = 65_536, 512
"""Bytes that are read at once, at most; fewer than the second number make a crumb."""

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Patience:
    """How much of one answer is waited for.

    Args:
        silence: seconds without a byte after which a connection is given up.
        head: seconds until an answer begins: name, connection, TLS, redirects and all header lines.
        body: seconds that a body may take however short it is.
        rate: bytes that buy a second more; YouTube is reported to go down to 32 KiB/s.
        longest: seconds that a body may take however much comes.
        size: bytes of a body, decompressed.
        page: bytes of an answer that is no media.
        crumbs: how often less may come than `_CRUMB` bytes at once; each `_CRUMB` bytes allow one more.
        extraction: seconds until a video is resolved, all its answers and JavaScript together; the time
            spent waiting for the pace is not counted.
    """

    silence: float = 20
    head: float = 60
    body: float = 60
    rate: int = 8_192
    longest: float = 900
    size: int = 32_000_000
    page: int = 8_000_000
    crumbs: int = 10_000
    extraction: float = 150


class BoundedBody:
    """A body that is given up when it takes too long or grows too large; all else is the body's own.

    Args:
        body: read by parts (`read1`), so that no read waits for more than one packet.
        fail: makes what is raised past a bound.
        clock: seconds, never going back.
    """

    def __init__(
        self,
        body: Any,
        patience: Patience,
        fail: Callable[[str], Exception],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._body = body
        self._patience = patience
        self._fail = fail
        self._clock = clock
        self._began = clock()
        self._got = self._crumbs = 0

    def read(self, amount: int | None = None, **options: Any) -> bytes:
        """Up to `amount` bytes, or all there are."""
        pieces, left = [], self._patience.size + 1 if amount is None or amount < 0 else amount
        while left > 0 and (piece := self._body.read1(min(left, _PIECE), **options)):
            pieces.append(piece)
            self._crumbs += len(piece) < min(left, _CRUMB)
            left -= len(piece)
            self._got += len(piece)
            self._hold()
        return b"".join(pieces)

    def _hold(self) -> None:
        took, patience = self._clock() - self._began, self._patience
        if self._got > patience.size:
            text = f"the answer does not end: more than {patience.size:,} bytes"
        elif self._crumbs > patience.crumbs + self._got // _CRUMB:
            text = f"the answer does not end: {self._got:,} bytes came almost one by one"
        elif took > min(patience.longest, patience.body + self._got / patience.rate):
            text = f"the answer timed out: {self._got:,} bytes in {took:.0f} s"
        else:
            return
        self._body.close()
        raise self._fail(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)


class _Ended(SystemExit):
    """Raised in a thread that is waited for no longer; Python prints nothing of it."""


class Endable(threading.Thread):
    """A daemon that can be told to end.

    Without, it would read on for as long as a server sends something, such as lines of a head without end.

    Args:
        work: what it does, once it is started.
    """

    def __init__(self, work: Callable[[], None], name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._work = work
        self._ending = threading.Lock()
        self._over = False

    def run(self) -> None:
        """Do the work."""
        try:
            self._work()
        finally:
            with self._ending:
                self._over = True

    def end_soon(self) -> None:
        """Have it end as soon as Python runs in it again: with the next byte that it reads."""
        # While the lock is held it cannot end by itself and leave its number to another thread.
        with self._ending:
            if self.ident is not None and not self._over:
                ended = ctypes.py_object(_Ended)
                ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(self.ident), ended)


def within(seconds: float, call: Callable[[], Answer], forget: Callable[[Answer], None]) -> Answer:
    """What a call returns or raises, if it does so in time.

    Python cannot end a read that goes on byte by byte. So the call is made in a thread that holds nothing up:
    a daemon, told to end past the time (`Endable`), and what it returns then is given to `forget`.

    Raises:
        TimeoutError: it takes longer.
    """
    future: Future[Answer] = Future()

    def run() -> None:
        try:
            answer = call()
        except BaseException as error:  # noqa: BLE001 - handed over to the thread that waits
            if future.set_running_or_notify_cancel():
                future.set_exception(error)
        else:
            if future.set_running_or_notify_cancel():
                future.set_result(answer)
            else:
                forget(answer)

    thread = Endable(run, "request")
    thread.start()
    wait([future], seconds)
    if not future.done() and future.cancel():
        thread.end_soon()
        raise TimeoutError(f"no answer within {seconds:g} s")
    return future.result()

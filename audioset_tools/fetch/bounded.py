"""No answer takes for ever or fills the memory: bounds on its head, its body's time, and its body's size.

A socket's timeout counts the silence between two packets only, so a server that sends a byte a second, or
without end, would hold a worker for good.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, wait
from dataclasses import dataclass
from typing import Any, TypeVar

_PIECE = 65_536

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Patience:
    """How much of one answer is waited for.

    Args:
        silence: seconds without a byte after which a connection is given up.
        head: seconds until an answer begins: name, connection, TLS, redirects and all header lines.
        body: seconds that a body may take however short it is.
        rate: bytes that buy a second more; YouTube is reported to go down to 32 KiB/s (FACTS section 3).
        size: bytes of a body, decompressed.
        extraction: seconds until a video is resolved, all its answers and JavaScript together; the time
            spent waiting for the pace is not counted.
    """

    silence: float = 20
    head: float = 60
    body: float = 60
    rate: int = 8_192
    size: int = 32_000_000
    extraction: float = 150


class BoundedBody:
    """A body that is given up when it takes too long or grows too large; all else is the body's own.

    Args:
        body: read by parts (`read1`), so that no read waits for more than one packet.
        patience: the bounds.
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
        self._got = 0

    def read(self, amount: int | None = None, **options: Any) -> bytes:
        """Up to `amount` bytes, or all there are."""
        pieces, left = [], self._patience.size + 1 if amount is None or amount < 0 else amount
        while left > 0 and (piece := self._body.read1(min(left, _PIECE), **options)):
            pieces.append(piece)
            left -= len(piece)
            self._got += len(piece)
            self._hold()
        return b"".join(pieces)

    def _hold(self) -> None:
        took = self._clock() - self._began
        if self._got > self._patience.size:
            said = f"the answer does not end: more than {self._patience.size:,} bytes"
        elif took > self._patience.body + self._got / self._patience.rate:
            said = f"the answer timed out: {self._got:,} bytes in {took:.0f} s"
        else:
            return
        self._body.close()
        raise self._fail(said)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._body, name)


def within(seconds: float, call: Callable[[], Answer], forget: Callable[[Answer], None]) -> Answer:
    """What a call returns or raises, if it does so in time.

    Python cannot end a read that goes on byte by byte. So the call is made in a thread that holds nobody up:
    a daemon, left to itself past the time, and what it returns then is given to `forget`.

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

    threading.Thread(target=run, name="request", daemon=True).start()
    wait([future], seconds)
    if not future.done() and future.cancel():
        raise TimeoutError(f"no answer within {seconds:g} s")
    return future.result()

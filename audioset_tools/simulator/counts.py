"""What the simulator was asked, for tests and benchmarks to read."""

import time
from collections import Counter, defaultdict
from collections.abc import Callable
from threading import Lock
from typing import Any

KINDS = ("page", "player", "media", "manifest", "visitor", "script", "other", "foreign")


class Counts:
    """Counters that any number of threads add to.

    Args:
        clock: seconds, never going back; the seconds reported count from the making of the object.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._began = clock()
        self._lock = Lock()
        self._requests = Counter(dict.fromkeys(KINDS, 0))
        self._refused = 0
        self._faults: Counter[str] = Counter()
        self._bytes = 0
        self._seconds: Counter[int] = Counter()
        self._ids: defaultdict[str, Counter[str]] = defaultdict(Counter)

    def asked(self, kind: str, ytid: str = "") -> None:
        """A request of one of `KINDS`, for a video or for none."""
        with self._lock:
            self._requests[kind] += 1
            if kind == "player":
                self._seconds[int(self._clock() - self._began)] += 1
            if ytid:
                self._ids[ytid][kind] += 1

    def refused(self) -> None:
        """A request that was refused by the limit or by a script."""
        with self._lock:
            self._refused += 1

    def struck(self, fault: str) -> None:
        """A passing fault that was acted out."""
        with self._lock:
            self._faults[fault] += 1

    def sent(self, size: int, media_of: str = "") -> None:
        """Bytes of a body that went out, and the video whose media they were."""
        with self._lock:
            self._bytes += size
            if media_of:
                self._ids[media_of]["media_bytes"] += size

    def summary(self) -> dict[str, Any]:
        """All counters.

        Returns:
            `requests`: kind -> number, refused ones included. `refused`: number. `faults`: passing fault ->
            times it struck. `bytes_sent`: bytes of bodies. `per_second`: whole second since the start ->
            player requests in it. `ids`: id -> numbers of its `page`, `player` and `media` requests, and
            `media_bytes`.
        """
        with self._lock:
            return {
                "requests": dict(self._requests),
                "refused": self._refused,
                "faults": dict(self._faults),
                "bytes_sent": self._bytes,
                "per_second": dict(self._seconds),
                "ids": {
                    ytid: {name: seen[name] for name in ("page", "player", "media", "media_bytes")}
                    for ytid, seen in self._ids.items()
                },
            }

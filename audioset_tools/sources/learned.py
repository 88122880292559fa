"""What a run learned of YouTube that the next one need not ask again, in a file that its owner alone reads.

It holds the visitor id under which the lean client's requests belong together. That is one session to
YouTube, so it is kept as long as it works, and never renewed to get round a limit; it is private,
and so it stands neither in the ledger nor in any message.
"""

import json
import re
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ..files import open_file, parse_json, write_beside
from ..types import Reason, Scope

VISITOR_ID = re.compile(r"[A-Za-z0-9_%=-]{1,1000}")
"""What YouTube's visitor ids are made of: URL-safe base64, perhaps percent-encoded."""

LONGEST_S = 180 * 86_400.0
"""YouTube's cookie of the same name lasts so long."""

_MOST_BYTES = 100_000

_USELESS = 10
"""A visitor id with which so many videos failed and none was answered is not kept for the next run."""


@dataclass(frozen=True, slots=True)
class Learned:
    """What is known at a run's start.

    Args:
        visitor_id: to be sent with the lean client's requests; None where there is none yet.
        asked_at: when it was given, seconds since the epoch.
    """

    visitor_id: str | None = None
    asked_at: float = 0.0
    confirmed: dict[str, tuple[int, int]] = field(default_factory=dict)


def read_learned(path: Path | None, now: float) -> Learned:
    """What an earlier run kept; nothing where nothing sensible is there, or where it is too old."""
    if path is None:
        return Learned()
    try:
        with open_file(path) as handle:
            table: Any = parse_json(handle.read(_MOST_BYTES))
        visitor_id, asked_at = table["visitor_id"], float(table["asked_at"])
        confirmed = {
            str(words)[:200]: (max(0, int(agreed)), max(0, int(not_so)))
            for words, (agreed, not_so) in list(table["confirmed"].items())[:500]
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError):
        return Learned()
    if (
        not isinstance(visitor_id, str)
        or not VISITOR_ID.fullmatch(visitor_id)
        or not 0 <= now - asked_at < LONGEST_S
    ):
        visitor_id, asked_at = None, 0.0
    return Learned(visitor_id, asked_at, confirmed)


def write_learned(path: Path | None, learned: Learned) -> None:
    """Keep it for the next run; a disk that does not take it costs that one a request."""
    # Writing would make a workspace that was taken away again, without its ledger.
    if path is None or not path.parent.is_dir():
        return
    table = {
        "visitor_id": learned.visitor_id,
        "asked_at": learned.asked_at,
        "confirmed": {words: list(counts) for words, counts in learned.confirmed.items()},
    }
    with suppress(OSError), write_beside(path, mode=0o600) as temporary:
        temporary.write_text(json.dumps(table), encoding="utf-8")


class Visitor:
    """The visitor id of a run, and whether it works; used by several threads at once.

    Args:
        learned: what an earlier run kept.
    """

    def __init__(self, learned: Learned) -> None:
        self.lock = threading.Lock()
        self.id = learned.visitor_id
        self.asked_at = learned.asked_at
        self.unknown = learned.visitor_id is None
        self._failed = 0
        self._served = self._limited = False

    @property
    def works(self) -> bool:
        """Whether it is of use to the next run: it was served, limited, or hardly tried."""
        return self._served or self._limited or self._failed < _USELESS

    def got(self, visitor_id: str | None, now: float) -> None:
        """Take what came of asking for one; what is none is done without."""
        self.unknown = False
        if visitor_id and VISITOR_ID.fullmatch(visitor_id):
            self.id, self.asked_at = visitor_id, now

    def note(self, reason: Reason | None) -> None:
        """Tell what a request with it was answered; None for a video with streams."""
        self._served |= reason is None or reason.scope is Scope.FINAL
        # A limit is YouTube's to lift: another id must not get round it.
        self._limited |= reason in (Reason.RATE_LIMITED, Reason.TOO_MANY_REQUESTS)
        self._failed += 1

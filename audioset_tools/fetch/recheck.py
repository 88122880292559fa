"""Some of those that died lately are asked again: a remote that is asked too much may call the living dead.

Such a limiter grants part of the requests, so no row of failures gets long; and its words about a living
video are those about a dead one. What gives it away is asking again after a moment of quiet, when even a
strict one grants a request. After `n` deaths, `log2(1 + n) + n / 100` of the dead have been asked again: the
first one at once, then ever more rarely while they stay dead, 7 of 75 and 35 of 2,400. If a share `s` of the
dead lives, all of `k` askings miss it with probability `(1 - s) ** k`: a limiter that lies about three of
four is missed by the first seven once in 16,000 times.

Once one lives, all that are dead for its reason are taken back, and from then on that reason is believed only
after it came twice, the second time in quiet; until it was so `AGREED` times in a row.
"""

import json
from collections.abc import Iterable
from hashlib import sha256
from math import log2

from ..files import parse_json
from ..ledger.queries import FailedCandidate
from ..types import Reason

AGREED = 20
"""Second answers that agree with the first before a reason is believed at once again."""

QUIET_S = 1.0
"""Seconds without a request before a candidate is asked for in quiet; less where `--retry-wait` is."""

QUIET_TURNS = 2.0
"""And so many times the wait between two requests."""

LATELY = 50
"""Of so many that died last, one is asked again."""


class Recheck:
    """How many of the dead were asked again, and which reason is no longer believed.

    Args:
        stored: what an earlier process knew (`to_json`), or None.
        deaths: how many are dead for a reason that may be a lie.
    """

    def __init__(self, stored: str | None, deaths: int) -> None:
        self._since, self._asked, self._doubted, self._unasked = _read(stored)
        self._since = min(self._since, deaths)
        self._deaths = deaths
        self._seen: set[str] = set()

    @property
    def due(self) -> bool:
        """Whether one of the dead is to be asked again now."""
        deaths = self._deaths - self._since
        return self._asked + 1 <= log2(1 + deaths) + deaths / 100

    @property
    def due_at_the_end(self) -> bool:
        """Whether one is to be asked before a class, or the run, is called done."""
        return self.due or bool(self._unasked)

    def doubts(self, reason: Reason) -> bool:
        """Whether a reason has to come twice."""
        return reason in self._doubted

    def died(self, reason: Reason) -> None:
        """One more died for a reason that may be a lie; of each such reason one is asked at the end."""
        self._deaths += 1
        self._unasked.add(reason)

    def choose(self, dead: Iterable[FailedCandidate]) -> FailedCandidate | None:
        """Whom to ask again: one of the reason that most died of lately, who was not asked before."""
        fresh = [one for one in dead if one.candidate.key not in self._seen]
        if not self.due:
            fresh = [one for one in fresh if one.reason in self._unasked]
        if not fresh:
            self._asked += 1
            self._unasked.clear()
            return None
        reasons = [one.reason for one in fresh]
        most = max(reasons, key=reasons.count)
        # By chance, but a rerun decides alike.
        chosen = min(
            (one for one in fresh if one.reason is most),
            key=lambda one: sha256(one.candidate.key.encode()).digest(),
        )
        self._seen.add(chosen.candidate.key)
        return chosen

    def agreed(self, reason: Reason) -> None:
        """One that was asked again is dead, as it was for a reason."""
        self._asked += 1
        self._unasked.discard(reason)

    def contradicted(self, reason: Reason, deaths: int) -> None:
        """One lives that was dead for a reason; `deaths` are left after all of its kind were taken back."""
        self._doubted[reason] = 0
        self._since, self._asked, self._deaths = deaths, 0, deaths
        self._unasked.discard(reason)
        self._seen.clear()

    def heard_twice(self, reason: Reason) -> None:
        """A reason came a second time, in quiet."""
        if reason in self._doubted:
            self._doubted[reason] += 1
            if self._doubted[reason] >= AGREED:
                del self._doubted[reason]

    def to_json(self) -> str:
        """What was learned, to be stored."""
        return json.dumps(
            {
                "since": self._since,
                "asked": self._asked,
                "doubted": self._doubted,
                "unasked": sorted(self._unasked),
            }
        )


def _read(stored: str | None) -> tuple[int, int, dict[Reason, int], set[Reason]]:
    """What was stored; nothing where nothing sensible was."""
    try:
        table = parse_json(stored or "{}")
        doubted = {Reason(reason): int(agreed) for reason, agreed in table.get("doubted", {}).items()}
        unasked = {Reason(reason) for reason in table.get("unasked", ())}
        return max(0, int(table.get("since", 0))), max(0, int(table.get("asked", 0))), doubted, unasked
    except (ValueError, TypeError, AttributeError, OverflowError):
        return 0, 0, {}, set()

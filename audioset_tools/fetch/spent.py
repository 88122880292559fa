"""What a fetch keeps in the ledger beside outcomes: what it learned, and what all fetches took together."""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from math import isfinite

from ..ledger import Ledger


@dataclass(frozen=True, slots=True)
class Spent:
    """What fetches took, up to the last outcome of each.

    Args:
        runs: how often `fetch` was started.
        seconds: that they ran, pauses among them.
        requests: of the budget.
        media_bytes: received of media by byte ranges; not what ffmpeg reads by itself, nor pages and answers.
    """

    runs: int = 0
    seconds: float = 0.0
    requests: int = 0
    media_bytes: int = 0

    def plus(self, seconds: float, requests: int, media_bytes: int) -> "Spent":
        """With what one more run took."""
        return Spent(
            self.runs + 1,
            round(self.seconds + seconds, 1),
            self.requests + requests,
            self.media_bytes + media_bytes,
        )

    def json(self) -> str:
        """To be stored."""
        return json.dumps(asdict(self))


def read_spent(stored: str | None) -> Spent:
    """What was stored; nothing where nothing sensible was."""
    try:
        spent = Spent(**json.loads(stored or "{}"))
        numbers = (spent.runs, spent.seconds, spent.requests, spent.media_bytes)
        return spent if all(isfinite(n) and n >= 0 for n in numbers) else Spent()
    except (ValueError, TypeError):
        return Spent()


class Notes:
    """Texts that are kept in the ledger under their names, each written when it has changed.

    Args:
        ledger: where.
        texts: what each is now.
    """

    def __init__(self, ledger: Ledger, **texts: Callable[[], str]) -> None:
        self._ledger = ledger
        self._texts = texts
        self._written = {name: text() for name, text in texts.items()}

    def write(self) -> None:
        """Keep what is new. What did not change may be another source's, and is left alone."""
        for name, text in self._texts.items():
            if (now := text()) != self._written[name]:
                self._ledger.put(name, now)
                self._written[name] = now

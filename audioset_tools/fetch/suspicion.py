"""When a row of failures is too long to be chance: it is a block, an outage or a breakage, and no verdict.

A server that blocks may call every video unavailable; a network that swallows packets makes every video time
out. Each such answer alone looks like the clip's own trouble. What gives it away is the row: with `alive`
clips had and `dead` candidates failed so far, the next `n` candidates all fail by chance with probability

    B(alive + a, dead + d + n) / B(alive + a, dead + d)

where B is the beta function (the posterior predictive of a beta prior). Below `ERROR` the row is not
believed: a clip known to be alive is tried before any further one. So it is too when a candidate is given up
after all its attempts and nobody lived while they were made: with one place left no row would get long.
"""

from math import exp, lgamma

from ..types import BY_USER, Candidate, Reason, Scope

ERROR = 1e-6
"""Probability that a row as long arises by chance; a false alarm costs one request."""

PRIOR = (40, 10)
"""What is assumed before anything was seen, as if so many had lived and died: 80 % of AudioSet's videos are
still there (FACTS section 1: 79 to 87 % in late 2024)."""

_NEVER_DOUBTED = {
    Reason.BEYOND_END,
    Reason.SILENT,
    Reason.NOT_IN_FOLDER,
    Reason.DAMAGED_FILE,
    *BY_USER,
}
"""Verdicts about media that did arrive, about files that the user has, and the user's own."""


class Suspicion:
    """The row of candidates that failed since the last one that lived.

    Args:
        alive: candidates that gave a clip so far.
        dead: candidates that failed before the row began.
        row: candidates of the row with their failed attempts in it, from an earlier process.
        most_attempts: after so many a candidate is given up.
    """

    def __init__(self, alive: int, dead: int, row: list[tuple[Candidate, int]], most_attempts: int) -> None:
        self._alive = alive
        self._dead = dead
        self._row = {candidate: [-1] * attempts for candidate, attempts in row}
        self._most_attempts = most_attempts

    @property
    def row(self) -> list[tuple[Candidate, int]]:
        """Who failed in the row, and how often."""
        return [(candidate, len(attempts)) for candidate, attempts in self._row.items()]

    @property
    def implausible(self) -> bool:
        """Whether the row is too long to be chance, or somebody was given up in it."""
        given_up = any(len(attempts) >= self._most_attempts for attempts in self._row.values())
        return given_up or chance(len(self._row), self._alive, self._dead) < ERROR

    def lived(self, number: int) -> None:
        """The attempt of this number gave a clip, which speaks for all that began before it."""
        later = {
            candidate: [attempt for attempt in attempts if attempt > number]
            for candidate, attempts in self._row.items()
        }
        self._alive += 1
        self._dead += sum(not attempts for attempts in later.values())
        self._row = {candidate: attempts for candidate, attempts in later.items() if attempts}

    def failed(self, candidate: Candidate, reason: Reason, number: int) -> None:
        """The attempt of this number failed; a candidate counts once, however often it fails."""
        if doubtful(reason):
            self._row.setdefault(candidate, []).append(number)

    def believed(self) -> None:
        """The row was chance after all."""
        self._dead += len(self._row)
        self._row.clear()

    def taken_back(self) -> None:
        """The row says nothing about its candidates."""
        self._row.clear()


def doubtful(reason: Reason) -> bool:
    """Whether a block, a network that is gone or an outdated yt-dlp could say so of a living clip."""
    return reason.scope is not Scope.RUN and reason not in _NEVER_DOUBTED


def chance(n: int, alive: int, dead: int) -> float:
    """Probability that the next `n` candidates all fail, given how many lived and died (formula above)."""
    lived, died = alive + PRIOR[0], dead + PRIOR[1]
    return exp(lgamma(died + n) - lgamma(lived + died + n) - lgamma(died) + lgamma(lived + died))

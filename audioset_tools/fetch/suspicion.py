"""When a row of failures is too long to be chance: it is a block, an outage or a breakage, and no verdict.

A server that blocks may call every video unavailable; a network that swallows packets makes every video time
out. Each such answer alone looks like the clip's own trouble. What gives it away is the row: with `alive`
clips had and `dead` candidates failed so far, the next `n` candidates all fail by chance with probability

    B(alive + a, dead + d + n) / B(alive + a, dead + d)

where B is the beta function (the posterior predictive of a beta prior). Below `ERROR` the row is not
believed: a clip known to be alive is tried before any further one. So it is too when a candidate is given up
after all its attempts and nobody lived while they were made: with one place left no row would get long.

A breakage that spares some clips (recordings that all come twelve seconds long) breaks every row. For what is
rarely true of a video at all, the count is judged instead: `n` of `n + alive` with probability below `ERROR`.
"""

from collections import Counter
from collections.abc import Mapping
from math import exp, lgamma
from statistics import median_low

from ..types import BY_USER, Candidate, Reason, Scope

ERROR = 1e-6
"""Probability that a row as long arises by chance; a false alarm costs one request."""

PRIOR = (40, 10)
"""What is assumed before anything was seen, as if so many had lived and died: 80 % of AudioSet's videos are
still there (FACTS section 1: 79 to 87 % in late 2024)."""

RARE = frozenset({Reason.BEYOND_END, Reason.SILENT, Reason.NO_AUDIO})
"""Verdicts about media that did arrive: true of few of AudioSet's videos, which people listened to."""

RARE_PRIOR = (1, 49)
"""What is assumed of each of those before anything was seen: that it is true of one video in fifty."""

_OWN_FILES = {Reason.NOT_IN_FOLDER, Reason.DAMAGED_FILE, Reason.WRONG_LENGTH, *BY_USER}
"""Verdicts about files that the user has, and the user's own."""


class Suspicion:
    """The row of candidates that failed since the last one that lived.

    Args:
        alive: candidates that gave a clip so far.
        dead: candidates that failed before the row began.
        row: candidates of the row with their failed attempts in it, from an earlier process.
        most_attempts: after so many a candidate is given up.
        rare: how many are dead for each of `RARE`, those that were believed before left out; None where such
            verdicts are sure.
        since: how many had given a clip when those were believed.
    """

    def __init__(
        self,
        alive: int,
        dead: int,
        row: list[tuple[Candidate, int]],
        most_attempts: int,
        rare: Mapping[Reason, int] | None = None,
        since: int = 0,
    ) -> None:
        self._alive = alive
        self._dead = dead
        self._row = {candidate: [-1] * attempts for candidate, attempts in row}
        self._most_attempts = most_attempts
        self._rare = None if rare is None else Counter(rare)
        self._since = since
        self._too_late: dict[Candidate, int] = {}

    @property
    def row(self) -> list[tuple[Candidate, int]]:
        """Who failed in the row, and how often."""
        return [(candidate, len(attempts)) for candidate, attempts in self._row.items()]

    @property
    def implausible(self) -> bool:
        """Whether the row is too long to be chance, or somebody was given up in it, or a count too high."""
        given_up = any(len(attempts) >= self._most_attempts for attempts in self._row.values())
        return given_up or chance(len(self._row), self._alive, self._dead) < ERROR or bool(self.too_many)

    @property
    def too_many(self) -> list[Reason]:
        """Reasons of `RARE` that were met too often to be true."""
        alive = max(0, self._alive - self._since)
        met = (self._rare or Counter[Reason]()).items()
        return [reason for reason, n in met if rare_chance(n, alive) < ERROR]

    @property
    def least_start_ms(self) -> int:
        """Where a clip must begin to tell whether sounds end too early."""
        in_row = sum(candidate in self._too_late for candidate in self._row)
        doubted = Reason.BEYOND_END in self.too_many or 2 * in_row > len(self._row)
        return median_low(self._too_late.values()) if self._too_late and doubted else 0

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
        if reason in RARE and self._rare is not None:
            self._rare[reason] += 1
        if reason is Reason.BEYOND_END:
            self._too_late[candidate] = candidate.start_ms

    def believed(self) -> None:
        """The row was chance after all."""
        self._dead += len(self._row)
        self._row.clear()
        self._too_late.clear()
        if self._rare is not None and self.too_many:
            self._rare.clear()
            self._since = self._alive


def doubtful(reason: Reason) -> bool:
    """Whether a block, a network that is gone or an outdated yt-dlp could say so of a living clip."""
    return reason.scope is not Scope.RUN and reason not in _OWN_FILES


def doubtful_of_files(reason: Reason) -> bool:
    """The same for the user's own files: what a decoder says of them is sure."""
    return doubtful(reason) and reason not in (Reason.BEYOND_END, Reason.SILENT)


def chance(n: int, alive: int, dead: int) -> float:
    """Probability that the next `n` candidates all fail, given how many lived and died (formula above)."""
    lived, died = alive + PRIOR[0], dead + PRIOR[1]
    return exp(lgamma(died + n) - lgamma(lived + died + n) - lgamma(died) + lgamma(lived + died))


def rare_chance(n: int, alive: int) -> float:
    """Probability that of `n + alive` at least `n` meet a verdict that `RARE_PRIOR` is assumed of."""
    met, not_met = RARE_PRIOR
    if n * not_met <= 5 * (n + alive) * met:
        return 1.0
    log_all = lgamma(n + alive + 1) + lgamma(met + not_met) - lgamma(met) - lgamma(not_met)
    total = 0.0
    for k in range(n, n + alive + 1):
        others = n + alive - k
        term = exp(
            log_all - lgamma(k + 1) - lgamma(others + 1) + lgamma(k + met) + lgamma(others + not_met)
            - lgamma(n + alive + met + not_met)
        )  # fmt: skip
        total += term
        if term < total * 1e-9:
            break
    return total

"""What failed lately, judged: a row of failures too long to be chance is no verdict on its candidates.

It is a block, an outage or a breakage. If a clip known to be alive comes all the same, the row is believed,
else it is taken back (`Doubt`). A server that blocks may call every video unavailable; a network that
swallows packets makes every video time out. Each such answer alone looks like the clip's own trouble. What
gives it away is the row: with `alive` clips fetched and `dead` candidates failed so far, the next `n`
candidates all fail by chance with probability

    B(alive + a, dead + d + n) / B(alive + a, dead + d)

where B is the beta function (the posterior predictive of a beta prior). Below `ERROR` the row is not
believed: a clip known to be alive is tried before any further one. So it is too when a candidate has used up
its attempts and none lived while they were made: with one place left no row would get long. It has one more
attempt then, for a block may end between its last and the clip that lives.

A breakage that spares some clips (recordings that all come twelve seconds long) breaks every row. For what is
rarely true of a video at all, the count is judged instead: `n` of `n + alive` with probability below `ERROR`.
"""

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from math import exp, lgamma
from statistics import median_low

from ..files import parse_json
from ..ledger import Ledger, State, StateCount
from ..ledger.changes import take_back, take_back_all
from ..ledger.queries import accepted_from, doubted, failures_in_a_row, lately_accepted, still_failed
from ..sources.pace import Pace
from ..sources.source import FetchError, Source
from ..types import BY_USER, Candidate, Reason, Scope

ERROR = 1e-6
"""Probability that a row as long arises by chance; a false alarm costs one request."""

PRIOR = (40, 10)
"""What is assumed before anything was seen, as if so many had lived and died: 80 % of AudioSet's videos are
still there (79 to 87 % in late 2024)."""

RARE = frozenset({Reason.BEYOND_END, Reason.SILENT, Reason.NO_AUDIO})
"""Verdicts about media that did arrive: true of few of AudioSet's videos, which people listened to."""

RARE_PRIOR = (1, 49)
"""What is assumed of each of those before anything was seen: that it is true of one video in fifty."""

_OWN_FILES = {Reason.NOT_IN_SOURCE, Reason.DAMAGED_FILE, Reason.WRONG_LENGTH, *BY_USER}
"""Verdicts about files that the user has, and the user's own."""


class FailureStreak:
    """The row of candidates that failed since the last one that lived.

    Args:
        alive: candidates that gave a clip so far.
        dead: candidates that failed before the row began.
        row: candidates of the row with their failed attempts in it, from an earlier process.
        overtaken: those of the row that had failed when the last clip came, in attempts begun after its own.
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
        overtaken: Iterable[tuple[Candidate, int]] = (),
    ) -> None:
        self.overtaken = list(overtaken)
        self._alive = alive
        self._dead = dead
        self._streak = {candidate: [-1] * attempts for candidate, attempts in row}
        self._most_attempts = most_attempts
        self._rare = None if rare is None else Counter(rare)
        self._since = since
        self._too_late: dict[Candidate, int] = {}

    @property
    def streak(self) -> list[tuple[Candidate, int]]:
        """Who failed in the row, and how often."""
        return [(candidate, len(attempts)) for candidate, attempts in self._streak.items()]

    @property
    def implausible(self) -> bool:
        """Whether the row is too long to be chance, or one was given up in it, or a count too high."""
        given_up = any(len(attempts) >= self._most_attempts for attempts in self._streak.values())
        return given_up or chance(len(self._streak), self._alive, self._dead) < ERROR or bool(self.too_many)

    @property
    def too_many(self) -> list[Reason]:
        """Reasons of `RARE` that were met too often to be true."""
        alive = max(0, self._alive - self._since)
        met = (self._rare or Counter[Reason]()).items()
        return [reason for reason, n in met if rare_chance(n, alive) < ERROR]

    @property
    def least_start_ms(self) -> int:
        """Where a clip must begin to tell whether sounds end too early."""
        in_row = sum(candidate in self._too_late for candidate in self._streak)
        doubted = Reason.BEYOND_END in self.too_many or 2 * in_row > len(self._streak)
        return median_low(self._too_late.values()) if self._too_late and doubted else 0

    def times(self, candidate: Candidate) -> int:
        """How often a candidate failed in the row."""
        return len(self._streak.get(candidate, ()))

    def succeeded(self, number: int) -> None:
        """The attempt of this number gave a clip, which speaks for all that began before it."""
        later = {
            candidate: [attempt for attempt in attempts if attempt > number]
            for candidate, attempts in self._streak.items()
        }
        self._alive += 1
        self._dead += sum(not attempts for attempts in later.values())
        self._streak = {candidate: attempts for candidate, attempts in later.items() if attempts}
        self.overtaken = self.streak

    def failed(self, candidate: Candidate, reason: Reason, number: int) -> None:
        """The attempt of this number failed; a candidate counts once, however often it fails."""
        if doubtful(reason):
            self._streak.setdefault(candidate, []).append(number)
        if reason in RARE and self._rare is not None:
            self._rare[reason] += 1
        if reason is Reason.BEYOND_END:
            self._too_late[candidate] = candidate.start_ms

    def accept(self) -> None:
        """The row was chance after all."""
        self._dead += len(self._streak)
        self._streak.clear()
        self.overtaken = []
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


_NO_CONNECTION = {Reason.TIMEOUT, Reason.CONNECTION, Reason.TRUNCATED, Reason.SERVER_ERROR}
"""What a network that is away, or a remote that is out of order, makes of every clip."""

_LATELY = 10
"""Of so many clips fetched last, one is asked for."""


class Doubt:
    """What failed lately, judged.

    Args:
        ledger: where it is written.
        source: who says what is known to be alive.
        pace: paused while nothing is believed.
        most_attempts: after so many a candidate is given up.
    """

    def __init__(self, ledger: Ledger, source: Source, pace: Pace, most_attempts: int) -> None:
        self._ledger = ledger
        self._source = source
        self._pace = pace
        self._most_attempts = most_attempts
        # Files that the user has are there or not: there are no lies about them.
        self._asks = source.known_alive is not None
        self._doubtful = doubtful if self._asks else doubtful_of_files
        self._failed_probes = 0
        self._failed_canaries: set[Candidate] = set()
        self.breakages = 0
        self.begin()

    def begin(self) -> None:
        """Take the row of failures from the ledger, as at the start of a process."""
        self._failed_probes = max(self._failed_probes, int(doubted(self._ledger)))
        # The ledger tells what came after the last clip, but not what had begun after it and came before.
        overtaken = self._overtaken()
        row = list({**overtaken, **dict(failures_in_a_row(self._ledger, self._doubtful))}.items())
        tallies = self._ledger.tallies()
        alive = self._alive()
        dead = sum(
            t.n for t in tallies if t.state is State.DEAD and t.reason and self._doubtful(t.reason)
        ) - len(row)
        rare, since = None, 0
        if self._asks:
            since, believed = _read(self._ledger.get("believed"))
            rare = {reason: max(0, n - believed[reason]) for reason, n in _rare(tallies).items()}
        self.streak = FailureStreak(
            alive, max(0, dead), row, self._most_attempts, rare, since, overtaken.items()
        )

    def to_json(self) -> str:
        """What the next process must know of the row beside the ledger's events."""
        return json.dumps([(one.class_name, one.rank, n) for one, n in self.streak.overtaken])

    def _overtaken(self) -> dict[Candidate, int]:
        """What `to_json` wrote, but for those that were taken back."""
        try:
            stored = parse_json(self._ledger.get("row") or "[]")
            places = [(str(name), int(rank), int(n)) for name, rank, n in stored]
            failed = [(still_failed(self._ledger, name, rank), n) for name, rank, n in places]
        except (ValueError, TypeError, OverflowError):
            return {}
        return {candidate: n for candidate, n in failed if candidate}

    @property
    def doubting(self) -> bool:
        """Whether no candidate is tried before a clip known to be alive came."""
        return self._failed_probes > 0 or self.streak.implausible

    def spares(self, candidate: Candidate, attempts: int, error: FetchError) -> bool:
        """Whether one that uses up its attempts with this failure has one more, as none lived meanwhile."""
        if error.reason is Reason.VIDEO_REFUSED:
            return False  # Others were granted meanwhile.
        in_row = self.streak.times(candidate) + self._doubtful(error.reason)
        return attempts == self._most_attempts == in_row

    def may_lie(self, reason: Reason) -> bool:
        """Whether a remote that is asked too much could say so of a living video, for good."""
        return self._asks and reason.scope is Scope.FINAL and self._doubtful(reason)

    def lies(self) -> int:
        """How many are dead for such a reason."""
        dead = (tally for tally in self._ledger.tallies() if tally.state is State.DEAD)
        return sum(tally.n for tally in dead if tally.reason and self.may_lie(tally.reason))

    def known_alive(self, any_start: bool) -> list[Candidate]:
        """Clips known to be alive: those fetched last, the source's, and at the end those that failed since.

        Args:
            any_start: also those that begin too early to tell whether sounds end too soon.
        """
        known = lately_accepted(self._ledger, self._source.name, _LATELY)
        if self._source.known_alive:
            known.append(self._source.known_alive)
        least = 0 if any_start else self.streak.least_start_ms
        telling = [one for one in known if one.start_ms >= least]
        return sorted(telling, key=lambda one: one in self._failed_canaries)

    def _alive(self) -> int:
        """How many clips the source gave."""
        given = accepted_from(self._ledger).items()
        return sum(n for (_, source), n in given if source == self._source.name)

    def failed_to_open(self, canary: Candidate) -> None:
        """A clip known to be alive did not come before the first candidate: next time another."""
        self._failed_canaries.add(canary)

    def lives(self, canary: Candidate, now: float) -> None:
        """A clip known to be alive came: the row of failures before it is believed."""
        if self.doubting:
            row = len(self.streak.streak)
            self._ledger.note("believed", None, f"{row} failures in a row, but {canary.key} lives", now)
            self.believe()
        self._failed_canaries.discard(canary)
        self._failed_probes = 0
        self._ledger.put("alive_at", str(now))

    def believe(self) -> None:
        """The row was chance after all, and what was met too often is true."""
        if self.streak.too_many:
            tallies = self._ledger.tallies()
            believed = {str(reason): n for reason, n in _rare(tallies).items()}
            believed["alive"] = self._alive()
            self._ledger.put("believed", json.dumps(believed))
        self.streak.accept()

    def fails(self, canary: Candidate, error: FetchError, now: float) -> FetchError:
        """A clip known to be alive does not come: what failed lately is taken back, and everyone pauses.

        Returns:
            What to tell.
        """
        row = len(self.streak.streak)
        self.take_back(now)
        if error.reason.scope is not Scope.RUN:
            reason = Reason.NETWORK_DOWN if error.reason in _NO_CONNECTION else Reason.IMPLAUSIBLE
            why = f"{row} failures in a row, and {canary.key}, known to be alive, fails too: {error}"
            error = FetchError(reason, why)
            if reason is Reason.NETWORK_DOWN:
                self._pace.on_refusal(reason, now, None)
            else:
                self.pause()
        self._failed_probes += 1
        self._failed_canaries.add(canary)
        return error

    def pause(self) -> None:
        """Everyone pauses, each time for longer; nothing was refused, so nothing is learned of the rate."""
        self.breakages += 1
        policy = self._pace.policy
        seconds = min(policy.first_pause * 2**self._failed_probes, policy.longest_pause)
        self._pace.pause(Reason.IMPLAUSIBLE, seconds)

    def undecided(self, now: float) -> None:
        """Sounds end too soon too often to be true, and no clip begins late enough to tell: a breakage."""
        self.take_back(now)
        self.pause()
        self._ledger.note("paused", Reason.IMPLAUSIBLE, "sounds end too soon, too often to be true", now)

    def take_back(self, now: float) -> None:
        """Undo the failures that are not believed."""
        take_back(self._ledger, self.streak.streak, now)
        for reason in self.streak.too_many:
            take_back_all(self._ledger, reason, now)


def _rare(tallies: Iterable[StateCount]) -> Counter[Reason]:
    """How many are dead for each reason that is rarely true."""
    found = Counter[Reason]()
    for tally in tallies:
        if tally.state is State.DEAD and tally.reason in RARE:
            found[tally.reason] += tally.n
    return found


def _read(stored: str | None) -> tuple[int, Counter[Reason]]:
    """How many had lived, and were dead for each of `RARE`, when those were believed last."""
    try:
        table = parse_json(stored or "{}")
        since = int(table.pop("alive", 0))
        return since, Counter({Reason(reason): int(n) for reason, n in table.items()})
    except (ValueError, TypeError, AttributeError, OverflowError):
        return 0, Counter()

"""What failed lately, judged: if a clip known to be alive can be had it is believed, else taken back."""

import json
from collections import Counter
from collections.abc import Iterable

from ..history import doubted, failures_in_a_row, lately_accepted
from ..ledger import Ledger, State, Tally
from ..types import Candidate, Reason, Scope
from ..upkeep import take_back, take_back_all
from .pace import Pace
from .source import FetchError, Source
from .suspicion import RARE, Suspicion, doubtful, doubtful_of_files

_NO_CONNECTION = {Reason.TIMEOUT, Reason.CONNECTION, Reason.TRUNCATED, Reason.SERVER_ERROR}
"""What a network that is away, or a remote that is out of order, makes of every clip."""

_LATELY = 10
"""Of so many clips had last, one is asked for."""


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
        # Files that the user has are there or not: nobody lies about them.
        self._asks = source.known_alive is not None
        self._doubtful = doubtful if self._asks else doubtful_of_files
        self._failed_probes = 0
        self._failed_canaries: set[Candidate] = set()
        self.breakages = 0
        self.begin()

    def begin(self) -> None:
        """Take the row of failures from the ledger, as at the start of a process."""
        self._failed_probes = max(self._failed_probes, int(doubted(self._ledger)))
        row, tallies = failures_in_a_row(self._ledger, self._doubtful), self._ledger.tallies()
        alive = sum(tally.n for tally in tallies if tally.state is State.ACCEPTED)
        dead = sum(
            t.n for t in tallies if t.state is State.DEAD and t.reason and self._doubtful(t.reason)
        ) - len(row)
        rare, since = None, 0
        if self._asks:
            since, believed = _read(self._ledger.get("believed"))
            rare = {reason: max(0, n - believed[reason]) for reason, n in _rare(tallies).items()}
        self.suspicion = Suspicion(alive, max(0, dead), row, self._most_attempts, rare, since)

    @property
    def doubting(self) -> bool:
        """Whether nobody is tried before a clip known to be alive was had."""
        return self._failed_probes > 0 or self.suspicion.implausible

    def may_lie(self, reason: Reason) -> bool:
        """Whether a remote that is asked too much could say so of a living video, for good."""
        return self._asks and reason.scope is Scope.FINAL and self._doubtful(reason)

    def lies(self) -> int:
        """How many are dead for such a reason."""
        dead = (tally for tally in self._ledger.tallies() if tally.state is State.DEAD)
        return sum(tally.n for tally in dead if tally.reason and self.may_lie(tally.reason))

    def known_alive(self, any_start: bool) -> list[Candidate]:
        """Clips known to be alive: those had last, the one of the source, those that failed since at the end.

        Args:
            any_start: also those that begin too early to tell whether sounds end too soon.
        """
        known = lately_accepted(self._ledger, _LATELY)
        if self._source.known_alive:
            known.append(self._source.known_alive)
        least = 0 if any_start else self.suspicion.least_start_ms
        telling = [one for one in known if one.start_ms >= least]
        return sorted(telling, key=lambda one: one in self._failed_canaries)

    def failed_to_open(self, canary: Candidate) -> None:
        """A clip known to be alive could not be had before the first candidate: next time another."""
        self._failed_canaries.add(canary)

    def lives(self, canary: Candidate, now: float) -> None:
        """A clip known to be alive could be had: the row of failures before it is believed."""
        if self.doubting:
            row = len(self.suspicion.row)
            self._ledger.note("believed", None, f"{row} failures in a row, but {canary.key} lives", now)
            self.believe()
        self._failed_canaries.discard(canary)
        self._failed_probes = 0
        self._ledger.put("alive_at", str(now))

    def believe(self) -> None:
        """The row was chance after all, and what was met too often is true."""
        if self.suspicion.too_many:
            tallies = self._ledger.tallies()
            believed = {str(reason): n for reason, n in _rare(tallies).items()}
            believed["alive"] = sum(t.n for t in tallies if t.state is State.ACCEPTED)
            self._ledger.put("believed", json.dumps(believed))
        self.suspicion.believed()

    def fails(self, canary: Candidate, error: FetchError, now: float) -> FetchError:
        """A clip known to be alive cannot be had: what failed lately is taken back, and everyone pauses.

        Returns:
            What to tell.
        """
        row = len(self.suspicion.row)
        self.take_back(now)
        if error.reason.scope is not Scope.RUN:
            reason = Reason.NETWORK_DOWN if error.reason in _NO_CONNECTION else Reason.IMPLAUSIBLE
            why = f"{row} failures in a row, and {canary.key}, known to be alive, fails too: {error}"
            error = FetchError(reason, why)
            if reason is Reason.NETWORK_DOWN:
                self._pace.refused(reason, now, None)
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
        take_back(self._ledger, self.suspicion.row, now)
        for reason in self.suspicion.too_many:
            take_back_all(self._ledger, reason, now)


def _rare(tallies: Iterable[Tally]) -> Counter[Reason]:
    """How many are dead for each reason that is rarely true."""
    found = Counter[Reason]()
    for tally in tallies:
        if tally.state is State.DEAD and tally.reason in RARE:
            found[tally.reason] += tally.n
    return found


def _read(stored: str | None) -> tuple[int, Counter[Reason]]:
    """How many had lived, and were dead for each of `RARE`, when those were believed last."""
    try:
        table = json.loads(stored or "{}")
        since = int(table.pop("alive", 0))
        return since, Counter({Reason(reason): int(n) for reason, n in table.items()})
    except (ValueError, TypeError, AttributeError):
        return 0, Counter()

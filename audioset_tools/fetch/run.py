"""The loop of `fetch`: who is tried next, what became of it, and when to stop.

One thread decides and writes the ledger; workers only resolve, read, decode and write one clip at a time.
"""

import threading
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from itertools import count
from typing import NamedTuple

from ..clock import steady
from ..errors import AudiosetToolsError
from ..history import doubted, failures_in_a_row, lately_accepted
from ..ledger import Ledger, State, Tally
from ..types import UNREACHED, Candidate, Clip, Failure, Reason, Scope
from ..upkeep import take_back
from ..workspace import Workspace
from .attempt import Outcome, Worker
from .pace import Pace
from .places import Places
from .progress import ClassProgress, FetchConfig, Progress
from .retry import LONGEST_WAIT, retry_at
from .source import FetchError, Source
from .spent import read_spent
from .suspicion import Suspicion, doubtful

_NO_CONNECTION = {Reason.TIMEOUT, Reason.CONNECTION, Reason.TRUNCATED, Reason.SERVER_ERROR}
"""What a network that is away, or a remote that is out of order, makes of every clip."""


class Turn(NamedTuple):
    """An attempt in flight: at whom, after how many failed ones, and how many attempts began before it."""

    candidate: Candidate
    attempts: int
    number: int


class Fetch:
    """A fetch under way.

    Args:
        ledger: loaded with candidates.
        source: where the audio comes from.
        workspace: where the clips go.
        config: how many, how patiently.
        pace: the budget, whose state is kept in the ledger.
        stop: set it to drain: what is in flight ends, nothing new begins.
        clock: seconds since the epoch.
    """

    def __init__(
        self,
        ledger: Ledger,
        source: Source,
        workspace: Workspace,
        config: FetchConfig,
        pace: Pace,
        stop: threading.Event,
        clock: Callable[[], float] = steady,
    ) -> None:
        self.ledger = ledger
        self.source = source
        self.config = config
        self.pace = pace
        self.stop = stop
        self.clock = clock
        self._worker = Worker(source, workspace, pace, clock)
        self._in_flight: dict[Future[Outcome], Turn] = {}
        self._numbers = count()
        self._probe: Future[Outcome] | None = None
        self._failed_probes = 0
        self._failed_canaries: set[Candidate] = set()
        self._stuck_since: float | None = None
        self._gave_up = False
        self._began = clock()
        self._begin()
        self._had = sum(places.accepted for places in self._places.values())
        self._stored_pace = pace.to_json()
        self._spent_before = read_spent(ledger.get("spent"))

    def run(self, on_progress: Callable[[Progress], None] = lambda progress: None) -> Progress:
        """Fetch until every place is taken, every queue is spent, or `stop` is set.

        Raises:
            EnvironmentProblem: the disk is full, or the machine is otherwise at fault.
        """
        self.ledger.put("per_class", str(self.config.per_class))
        with ThreadPoolExecutor(self.config.jobs, thread_name_prefix="fetch") as pool:
            try:
                while self._fill(pool) or self._in_flight:
                    done, _ = wait(self._in_flight, timeout=0.5, return_when=FIRST_COMPLETED)
                    self._settle_all(done)
                    self._give_up_in_time()
                    on_progress(self.progress())
            except BaseException:
                self.stop.set()
                pool.shutdown()
                with suppress(AudiosetToolsError):
                    self._settle_all(self._in_flight)
                raise
        self._note_spent()
        return self.progress()

    def progress(self) -> Progress:
        """Where the fetch stands."""
        now = self.clock()
        classes = tuple(
            ClassProgress(name, p.wanted, p.accepted, p.waiting, self._dead[name], p.spent)
            for name, p in self._places.items()
        )
        gained = sum(c.accepted for c in classes) - self._had
        lacking = sum(max(0, c.wanted - c.accepted) for c in classes if not c.spent)
        elapsed = now - self._began
        return Progress(
            classes=classes,
            pace=self.pace.state,
            requests=self.pace.requests,
            elapsed=elapsed,
            eta=lacking * elapsed / gained if gained >= 5 else None,
            stopping=self.stop.is_set(),
            doubting=self._doubting,
            gave_up=self._gave_up,
        )

    def _begin(self) -> None:
        """Take the places and the row of failures from the ledger, as at the start of a process."""
        now, row = self.clock(), failures_in_a_row(self.ledger, doubtful)
        self._failed_probes = max(self._failed_probes, int(doubted(self.ledger)))
        tallies = self.ledger.tallies()
        accepted, self._dead = _counts(tallies, State.ACCEPTED), _counts(tallies, State.DEAD)
        doubtfully_dead = sum(
            t.n for t in tallies if t.state is State.DEAD and t.reason and doubtful(t.reason)
        )
        alive, dead = sum(accepted.values()), max(0, doubtfully_dead - len(row))
        self._suspicion = Suspicion(alive, dead, row, self.config.attempts)
        self._places = {
            # A clock that was set back must not make anybody wait longer than it could have meant.
            name: Places(
                name,
                self.config.per_class,
                n,
                [(c, attempts, min(at, now + LONGEST_WAIT)) for c, attempts, at in self.ledger.waiting(name)],
                self.ledger,
            )
            for name, n in accepted.items()
        }

    @property
    def _doubting(self) -> bool:
        """Whether nobody is tried before a clip known to be alive was had."""
        return self._failed_probes > 0 or self._suspicion.implausible

    def _fill(self, pool: ThreadPoolExecutor) -> bool:
        """Give free workers something to do; False once nobody will ever need one again."""
        if self.stop.is_set():
            return False
        if self._doubting:
            return bool(self._in_flight) or self._examine(pool)
        while len(self._in_flight) < self.config.jobs:
            turn = self._next(self.clock())
            if turn is None:
                break
            self._submit(pool, *turn)
        turns = [p.next_turn for p in self._places.values() if p.next_turn is not None]
        if turns and not self._in_flight:
            self.stop.wait(min(0.5, max(0.0, min(turns) - self.clock())))
        return bool(turns)

    def _submit(
        self, pool: ThreadPoolExecutor, candidate: Candidate, attempts: int, keep: bool = True
    ) -> Future[Outcome]:
        future = pool.submit(self._worker.attempt, candidate, keep)
        self._in_flight[future] = Turn(candidate, attempts, next(self._numbers))
        return future

    def _next(self, now: float) -> tuple[Candidate, int] | None:
        """The next candidate of the class that is furthest behind."""
        for places in sorted(self._places.values(), key=lambda p: p.filled):
            if turn := places.take(now):
                return turn
        return None

    def _examine(self, pool: ThreadPoolExecutor) -> bool:
        """Try a clip known to be alive: the last one had, or if it has itself died since, the one before."""
        known = lately_accepted(self.ledger, 10)
        if self.source.known_alive:
            known.append(self.source.known_alive)
        if known:
            canary = next((one for one in known if one not in self._failed_canaries), known[0])
            self._probe = self._submit(pool, canary, 0, keep=False)
        else:
            self._suspicion.believed()
        return True

    def _settle_all(self, done: Iterable[Future[Outcome]]) -> None:
        """Write down what became of some attempts; an error of one does not lose the others."""
        futures, failed = sorted(done, key=lambda f: f.exception() is not None), None
        for future in futures:
            turn = self._in_flight.pop(future)
            if error := future.exception():
                failed = error
            elif future is self._probe:
                self._judge(turn.candidate, future.result(), self.clock())
            else:
                self._settle(turn, future.result(), self.clock())
            # A source that sends nothing learns nothing, and must not overwrite what another one learned.
            if (pace := self.pace.to_json()) != self._stored_pace:
                self.ledger.put("pace", pace)
                self._stored_pace = pace
        if futures:
            self._note_spent()
        if failed:
            raise failed

    def _note_spent(self) -> None:
        """Write down what this and all earlier runs took."""
        took = self.clock() - self._began
        spent = self._spent_before.plus(took, self.pace.requests, self.pace.media_bytes)
        self.ledger.put("spent", spent.json())

    def _settle(self, turn: Turn, outcome: Outcome, now: float) -> None:
        """Write down what became of a candidate, and give its place on if it is out."""
        candidate, attempts = turn.candidate, turn.attempts
        places = self._places[candidate.class_name]
        if outcome is None:
            places.hold(candidate, attempts, now)
        elif isinstance(outcome, Clip):
            places.accept()
            self.ledger.accept(candidate, outcome, now)
            self._suspicion.lived(turn.number)
        elif outcome.reason.scope is Scope.RUN:
            places.hold(candidate, attempts, now)
            self._refused(candidate, outcome, now)
        else:
            self._fail(candidate, attempts + 1, outcome, now)
            self._suspicion.failed(candidate, outcome.reason, turn.number)
        if outcome is not None:
            # Any answer shows that the outage, if there was one, is over.
            away = isinstance(outcome, FetchError) and outcome.reason in UNREACHED
            self._stuck_since = (self._stuck_since or now) if away else None

    def _refused(self, candidate: Candidate, error: FetchError, now: float) -> None:
        self.ledger.note("paused", error.reason, f"{candidate.key}: {error.detail}", now)

    def _judge(self, canary: Candidate, outcome: Outcome, now: float) -> None:
        """Believe a row of failures if a clip known to be alive could be had, else take it back and pause."""
        self._probe = None
        if outcome is None:
            return
        row = self._suspicion.row
        if isinstance(outcome, Clip):
            self.ledger.note("believed", None, f"{len(row)} failures in a row, but {canary.key} lives", now)
            self._suspicion.believed()
            self._failed_canaries.discard(canary)
            self._failed_probes, self._stuck_since = 0, None
            return
        take_back(self.ledger, row, now)
        if outcome.reason.scope is not Scope.RUN:
            reason = Reason.NETWORK_DOWN if outcome.reason in _NO_CONNECTION else Reason.IMPLAUSIBLE
            why = f"{len(row)} failures in a row, and {canary.key}, known to be alive, fails too: {outcome}"
            outcome = FetchError(reason, why)
            # An answer about a video counts as a grant: the pace alone would not let these pauses grow.
            policy = self.pace.policy
            pause = min(policy.first_pause * 2**self._failed_probes, policy.longest_pause)
            self.pace.refused(reason, now, None if reason is Reason.NETWORK_DOWN else pause)
        self._refused(canary, outcome, now)
        self._failed_probes += 1
        self._failed_canaries.add(canary)
        self._stuck_since = self._stuck_since or now
        self._begin()

    def _give_up_in_time(self) -> None:
        """Drain when a pause, or an outage, is longer than the user cares to wait."""
        now = self.clock()
        waited = now - self._stuck_since if self._stuck_since is not None else 0
        if max(self.pace.state.paused_until - now, waited) > self.config.max_wait and not self.stop.is_set():
            self._gave_up = True
            self.stop.set()

    def _fail(self, candidate: Candidate, attempts: int, error: FetchError, now: float) -> None:
        places, at = self._places[candidate.class_name], None
        if error.reason.scope is Scope.PASSING:
            at = retry_at(candidate.key, attempts, now, self.config.retry_wait, self.config.attempts)
        self.ledger.fail(candidate, Failure(candidate.key, error.reason, error.detail, attempts, at), now)
        if at is None:
            self._dead[candidate.class_name] += 1
            places.vacate()
        else:
            places.hold(candidate, attempts, at)


def _counts(tallies: list[Tally], state: State) -> dict[str, int]:
    """How many candidates of each class are in a state."""
    counts = {tally.class_name: 0 for tally in tallies}
    for tally in tallies:
        counts[tally.class_name] += tally.n if tally.state is state else 0
    return counts

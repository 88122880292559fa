"""The loop of `fetch`: who is tried next, what became of it, and when to stop.

One thread decides and writes the ledger; workers only resolve, read, decode and write one clip at a time.
"""

import threading
import time
import traceback
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from errno import EDQUOT, ENOSPC

from ..errors import AudiosetToolsError, EnvironmentProblem, UsageError
from ..ledger import Ledger, State
from ..types import Candidate, Clip, Failure, Reason, Scope
from ..workspace import Workspace
from .pace import Pace, PaceState, Stopped
from .places import Places
from .retry import retry_at
from .source import Excerpt, FetchError, Source
from .transcode import Sound, decode, write_clip


@dataclass(frozen=True, slots=True)
class FetchConfig:
    """How to fetch.

    Args:
        per_class: clips wanted of each class.
        jobs: workers at once.
        max_wait: the longest pause to sit out, in seconds.
        retry_wait: seconds before the second try after a passing failure; doubled for each further one.
        attempts: tries before a passing failure is taken for final.

    Raises:
        UsageError: a number makes no sense.
    """

    per_class: int
    jobs: int = 4
    max_wait: float = 2 * 3_600
    retry_wait: float = 30
    attempts: int = 5

    def __post_init__(self) -> None:
        if self.per_class < 1:
            raise UsageError(
                f"--per-class must be at least 1, not {self.per_class}", "The paper's data set has 2400."
            )
        if self.jobs < 1:
            raise UsageError(
                f"--jobs must be at least 1, not {self.jobs}", "4 are enough for any pace below 20000/h."
            )


@dataclass(frozen=True, slots=True)
class ClassProgress:
    """One class so far; `spent` says that its queue has no further candidate."""

    class_name: str
    wanted: int
    accepted: int
    waiting: int
    dead: int
    spent: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """A fetch so far: `eta` in seconds (None while unknown), `stopping` once it drains."""

    classes: tuple[ClassProgress, ...]
    pace: PaceState
    requests: int
    elapsed: float
    eta: float | None
    stopping: bool

    @property
    def shortfall(self) -> dict[str, int]:
        """How many clips each class lacks whose queue is spent."""
        return {
            c.class_name: c.wanted - c.accepted for c in self.classes if c.spent and c.accepted < c.wanted
        }

    @property
    def complete(self) -> bool:
        return all(c.accepted >= c.wanted for c in self.classes)


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
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.ledger = ledger
        self.source = source
        self.workspace = workspace
        self.config = config
        self.pace = pace
        self.stop = stop
        self.clock = clock
        self._dead = _counts(ledger, State.DEAD)
        accepted = _counts(ledger, State.ACCEPTED)
        self._places = {
            name: Places(name, config.per_class, accepted[name], ledger.waiting(name), ledger)
            for name in ledger.class_names
        }
        self._in_flight: dict[Future[Clip | FetchError | None], tuple[Candidate, int]] = {}
        self._began = clock()
        self._had = sum(accepted.values())
        self._stored_pace = pace.to_json()

    def run(self, on_progress: Callable[[Progress], None] = lambda progress: None) -> Progress:
        """Fetch until every place is taken, every queue is spent, or `stop` is set.

        Raises:
            EnvironmentProblem: the disk is full, ffmpeg is missing, or a file cannot be read.
        """
        with ThreadPoolExecutor(self.config.jobs, thread_name_prefix="fetch") as pool:
            try:
                while self._fill(pool) or self._in_flight:
                    done, _ = wait(self._in_flight, timeout=0.5, return_when=FIRST_COMPLETED)
                    for future in done:
                        self._settle(*self._in_flight.pop(future), future.result())
                    if self.pace.state.paused_until - self.clock() > self.config.max_wait:
                        self.stop.set()
                    on_progress(self.progress())
            except BaseException:
                self.stop.set()
                raise
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
        )

    def _fill(self, pool: ThreadPoolExecutor) -> bool:
        """Give free workers something to do; False once nobody will ever need one again."""
        if self.stop.is_set():
            return False
        while len(self._in_flight) < self.config.jobs:
            turn = self._next(self.clock())
            if turn is None:
                break
            self._in_flight[pool.submit(self._attempt, turn[0])] = turn
        turns = [p.next_turn for p in self._places.values() if p.next_turn is not None]
        if turns and not self._in_flight:
            self.stop.wait(min(0.5, max(0.0, min(turns) - self.clock())))
        return bool(turns)

    def _next(self, now: float) -> tuple[Candidate, int] | None:
        """The next candidate of the class that is furthest behind."""
        for places in sorted(self._places.values(), key=lambda p: p.filled):
            if turn := places.take(now):
                return turn
        return None

    def _attempt(self, candidate: Candidate) -> Clip | FetchError | None:
        """One candidate, in a worker: its clip, or why not; None if the run was stopped meanwhile."""
        sent_at = self.clock()
        try:
            sound, excerpt = self._hear(candidate)
            path = self.workspace.clip(candidate.class_name, candidate.key)
            sha256 = write_clip(sound, path)
        except Stopped:
            return None
        except AudiosetToolsError:
            # It concerns the machine: the run ends with it, and no candidate is blamed.
            raise
        except FetchError as error:
            failure = error
        except OSError as error:
            reason = Reason.DISK_FULL if error.errno in (ENOSPC, EDQUOT) else Reason.UNKNOWN
            failure = FetchError(reason, repr(error))
        except Exception as error:  # noqa: BLE001 - the worker's boundary: nothing unknown may end the run
            failure = FetchError(Reason.UNKNOWN, "".join(traceback.format_exception(error))[-2_000:])
        else:
            name = path.relative_to(self.workspace.root).as_posix()
            return Clip(
                candidate.key, candidate.class_name, candidate.rank, name, sha256, sound.seconds, sound.peak,
                excerpt.origin,
            )  # fmt: skip
        if failure.reason.scope is Scope.RUN and failure.reason is not Reason.DISK_FULL:
            # At once and from here: the other workers must not send another request.
            self.pace.refused(failure.reason, failure.sent_at or sent_at, failure.retry_after)
        return failure

    def _hear(self, candidate: Candidate) -> tuple[Sound, Excerpt]:
        """A candidate's sound, and what it was decoded from: the first of its excerpts that can be."""
        excerpt = self.source.open(candidate)
        while True:
            try:
                return decode(excerpt, candidate.start_ms, candidate.end_ms), excerpt
            except FetchError as error:
                if excerpt.instead is None:
                    raise
                excerpt = excerpt.instead(error)

    def _settle(self, candidate: Candidate, attempts: int, outcome: Clip | FetchError | None) -> None:
        """Write down what became of a candidate, and give its place on if it is out."""
        places, now = self._places[candidate.class_name], self.clock()
        if outcome is None:
            places.hold(candidate, attempts, now)
        elif isinstance(outcome, Clip):
            places.accept()
            self.ledger.accept(candidate, outcome, now)
        elif outcome.reason.scope is Scope.RUN:
            places.hold(candidate, attempts, now)
            self.ledger.note("paused", outcome.reason, f"{candidate.key}: {outcome.detail}", now)
            if outcome.reason is Reason.DISK_FULL:
                self.stop.set()
                raise EnvironmentProblem(
                    f"the disk of {self.workspace.root} is full",
                    "Make room (a clip takes 320 kB) and run the same command again; nothing is lost.",
                )
        else:
            self._fail(candidate, attempts + 1, outcome, now)
        # A source that sends nothing learns nothing, and must not overwrite what another one learned.
        if (pace := self.pace.to_json()) != self._stored_pace:
            self.ledger.put("pace", pace)
            self._stored_pace = pace

    def _fail(self, candidate: Candidate, attempts: int, error: FetchError, now: float) -> None:
        places = self._places[candidate.class_name]
        at = None
        if error.reason.scope is Scope.PASSING:
            at = retry_at(candidate.key, attempts, now, self.config.retry_wait, self.config.attempts)
        self.ledger.fail(candidate, Failure(candidate.key, error.reason, error.detail, attempts, at), now)
        if at is None:
            self._dead[candidate.class_name] += 1
            places.vacate()
        else:
            places.hold(candidate, attempts, at)


def _counts(ledger: Ledger, state: State) -> dict[str, int]:
    counts = dict.fromkeys(ledger.class_names, 0)
    for tally in ledger.tallies():
        if tally.state is state:
            counts[tally.class_name] += tally.n
    return counts

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
from ..history import FailedCandidate, last_accepted_at, lately_dead
from ..ledger import Ledger, State
from ..types import LASTING, UNREACHED, Candidate, Clip, Failure, Reason, Scope
from ..upkeep import take_back_all
from ..workspace import Workspace
from .attempt import Outcome, Worker
from .audit import LATELY, QUIET_S, QUIET_TURNS, Audit
from .doubt import Doubt
from .extractions import CLIENT_TROUBLE
from .opening import LONG_PAUSE_S, RECENTLY_S, Opening
from .pace import Pace
from .places import Places
from .progress import ClassProgress, FetchConfig, Progress, count_in
from .refusals import Refusals, Refused
from .retry import LONGEST_WAIT, retry_at
from .source import FetchError, Source
from .spent import Notes, read_spent


class Turn(NamedTuple):
    """An attempt in flight: at whom, after how many failed ones, how many attempts began before it, and
    whether nobody else was asked for meanwhile."""

    candidate: Candidate
    attempts: int
    number: int
    in_quiet: bool = False


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
        self._refusals = Refusals(ledger.get("refusals"))
        self._worker = Worker(source, workspace, pace, clock, self._refusals.suspected)
        self._in_flight: dict[Future[Outcome], Turn] = {}
        self._numbers = count()
        # Files that the user has are there or not: nobody refuses, or has to be asked how it is.
        self._asks = source.known_alive is not None
        self._doubt = Doubt(ledger, source, pace, config.attempts)
        self._audit = Audit(ledger.get("audit"), self._doubt.lies())
        self._probe: Future[Outcome] | None = None
        self._again: FailedCandidate | None = None
        self._must_ask = False
        self._unconfirmed: list[Turn] = []
        self._confirming = self._slowed = False
        self._died = self._spent = self._of_client = 0
        self._stuck_since: float | None = None
        self._gave_up = False
        self._failed: FetchError | None = None
        self._answers: str | None = None
        self._began = self._answered_at = clock()
        self._lived_at = max(last_accepted_at(ledger) or 0.0, float(ledger.get("alive_at") or 0))
        recently = 0 <= self._began - self._lived_at < RECENTLY_S
        self._opening = Opening(config.first_wait) if self._asks and not recently else None
        self._begin()
        self._had = sum(places.accepted for places in self._places.values())
        self._notes = Notes(
            ledger, pace=pace.to_json, refusals=self._refusals.to_json, audit=self._audit.to_json
        )
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
            doubting=self._doubt.doubting,
            gave_up=self._gave_up,
            answers=self._answers,
            failed=self._failed,
            of_client=self._doubt.breakages > 0 or self._of_client >= max(5, gained + 1),
        )

    def _begin(self) -> None:
        """Take the places from the ledger, as at the start of a process."""
        now, tallies = self.clock(), self.ledger.tallies()
        self._refusals.forget_waiting()
        self._unconfirmed.clear()
        self._dead = count_in(tallies, State.DEAD)
        self._places = {
            # A clock that was set back must not make anybody wait longer than it could have meant.
            name: Places(
                name,
                self.config.per_class,
                n,
                [(c, attempts, min(at, now + LONGEST_WAIT)) for c, attempts, at in self.ledger.waiting(name)],
                self.ledger,
            )
            for name, n in count_in(tallies, State.ACCEPTED).items()
        }

    def _fill(self, pool: ThreadPoolExecutor) -> bool:
        """Give free workers something to do; False once nobody will ever need one again."""
        if self.stop.is_set():
            return False
        now = self.clock()
        if self._opening and not any(places.asks for places in self._places.values()):
            self._opening = None
        if self._opening or self._doubt.doubting or self._must_ask:
            return bool(self._in_flight) or self._examine(pool, now)
        if self._rests(now):
            if not self._in_flight:
                self.stop.wait(min(0.5, max(0.0, self.pace.state.paused_until - now)))
            return True
        if self._wants_quiet():
            return bool(self._in_flight) or self._ask_in_quiet(pool, now)
        while len(self._in_flight) < self.config.jobs:
            turn = self._next(now)
            if turn is None:
                break
            self._submit(pool, *turn)
        return bool(self._in_flight) or self._fill_idle(pool, now)

    def _fill_idle(self, pool: ThreadPoolExecutor, now: float) -> bool:
        """The same while it is nobody's turn."""
        if self._refusals.undecided:
            # There is nobody else whose answer would tell whose the refusal was.
            return self._examine(pool, now)
        turns = [p.next_turn for p in self._places.values() if p.next_turn is not None]
        if self._unconfirmed or (not turns and self._died and self._audit.due_at_the_end):
            return self._ask_in_quiet(pool, now)
        if turns:
            self.stop.wait(min(0.5, max(0.0, min(turns) - now)))
        return bool(turns)

    def _rests(self, now: float) -> bool:
        """Whether a long pause lasts; when it is over, a clip known to be alive comes first."""
        pause = self.pace.state
        long = pause.paused_until - pause.paused_at > LONG_PAUSE_S
        if not self._asks or not long or self._lived_at > pause.paused_until:
            return False
        self._must_ask = now >= pause.paused_until
        return True

    def _wants_quiet(self) -> bool:
        """Whether somebody is to be asked while nobody else is: a second time, or again after its death."""
        waiting = len(self._unconfirmed)
        self._confirming = waiting > 0 and (self._confirming or waiting >= 2 * self.config.jobs)
        spent = sum(places.spent for places in self._places.values())
        newly, self._spent = spent > self._spent, spent
        audits = self._audit.due_at_the_end if newly else self._audit.due
        return self._confirming or (self._died > 0 and audits)

    def _submit(
        self,
        pool: ThreadPoolExecutor,
        candidate: Candidate,
        attempts: int,
        keep: bool = True,
        in_quiet: bool = False,
    ) -> Future[Outcome]:
        future = pool.submit(self._worker.attempt, candidate, keep)
        self._in_flight[future] = Turn(candidate, attempts, next(self._numbers), in_quiet)
        return future

    def _next(self, now: float) -> tuple[Candidate, int] | None:
        """The next candidate of the class that is furthest behind."""
        for places in sorted(self._places.values(), key=lambda p: p.filled):
            if turn := places.take(now):
                return turn
        return None

    def _examine(self, pool: ThreadPoolExecutor, now: float) -> bool:
        """Try a clip known to be alive: the last one had, or if it has itself died since, the one before."""
        if self._opening and now < self._opening.again_at:
            self.stop.wait(min(0.5, self._opening.again_at - now))
            return True
        telling = self._doubt.known_alive(any_start=self._opening is not None)
        if telling:
            if self._opening:
                self._opening.asked(max(now, self.pace.state.paused_until))
            self._probe = self._submit(pool, telling[0], 0, keep=False)
        elif self._doubt.known_alive(any_start=True):
            self._doubt.undecided(now)
            self._gave_up = True
            self.stop.set()
        else:
            self._must_ask = False
            self._doubt.believe()
            self._granted(next(self._numbers), now)
        return True

    def _ask_in_quiet(self, pool: ThreadPoolExecutor, now: float) -> bool:
        """Ask somebody while nobody else is asked: to confirm its verdict, or whether it is truly dead."""
        quiet = max(min(QUIET_S, self.config.retry_wait), QUIET_TURNS * 3_600 / self.pace.state.rate)
        if (left := self._answered_at + quiet - now) > 0:
            self.stop.wait(min(0.5, left))
        elif self._unconfirmed:
            turn = self._unconfirmed.pop(0)
            self._submit(pool, turn.candidate, turn.attempts, in_quiet=True)
        elif one := self._audit.choose(lately_dead(self.ledger, self._doubt.may_lie, LATELY)):
            self._again = one
            self._probe = self._submit(pool, one.candidate, 0, keep=False)
        return True

    def _settle_all(self, done: Iterable[Future[Outcome]]) -> None:
        """Write down what became of some attempts; an error of one does not lose the others."""
        futures, failed = sorted(done, key=lambda f: f.exception() is not None), None
        for future in futures:
            turn, now = self._in_flight.pop(future), self.clock()
            self._answered_at = now
            if error := future.exception():
                failed = error
            elif future is self._probe:
                self._hear_probe(turn, future.result(), now)
            else:
                self._settle(turn, future.result(), now)
            self._notes.write()
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
            return
        if isinstance(outcome, Clip):
            places.accept()
            self.ledger.accept(candidate, outcome, now)
            self._doubt.suspicion.lived(turn.number)
            self._lived_at, self._answers = now, self._answers or outcome.source
            if turn.in_quiet:
                self._slow_down(now)
        elif outcome.reason.scope is Scope.RUN:
            self._refused(turn, outcome, now)
        elif self._doubt.may_lie(outcome.reason) and self._audit.doubts(outcome.reason) and not turn.in_quiet:
            self._slowed = self._slowed and bool(self._unconfirmed)
            self._unconfirmed.append(turn)
        else:
            self._of_client += outcome.reason in CLIENT_TROUBLE
            self._fail(candidate, attempts + 1, outcome, now)
            self._doubt.suspicion.failed(candidate, outcome.reason, turn.number)
            if turn.in_quiet:
                self._audit.heard_twice(outcome.reason)
        if isinstance(outcome, Clip) or outcome.reason.scope is Scope.FINAL:
            self._refusals.settled(candidate)
            self._granted(turn.number, now)
        # Any answer shows that the outage, if there was one, is over.
        away = isinstance(outcome, FetchError) and outcome.reason in UNREACHED
        self._stuck_since = (self._stuck_since or now) if away else None

    def _refused(self, turn: Turn, error: FetchError, now: float) -> None:
        """A refusal of the run: it costs no attempt, unless it turns out to be this video's own."""
        self._note_pause(turn.candidate, error, now)
        self._must_ask = self._must_ask or error.reason in LASTING
        self._refusals.refused(Refused(turn.candidate, turn.attempts, turn.number, error))

    def _granted(self, number: int, now: float) -> None:
        """Whoever was refused before an attempt that was answered may be asked again, or is put off."""
        one = self._refusals.granted(number)
        if one is None:
            return
        if not self._refusals.puts_off(one):
            self._places[one.candidate.class_name].hold(one.candidate, one.attempts, now)
            return
        times = self._refusals.times(one.candidate)
        own = FetchError(
            Reason.VIDEO_REFUSED, f"refused {times} times while others were granted; {one.error}"
        )
        self._fail(one.candidate, one.attempts + 1, own, now)
        self._doubt.suspicion.failed(one.candidate, own.reason, one.number)

    def _note_pause(self, candidate: Candidate, error: FetchError, now: float) -> None:
        self.ledger.note("paused", error.reason, f"{candidate.key}: {error.detail}", now)

    def _hear_probe(self, turn: Turn, outcome: Outcome, now: float) -> None:
        """An answer that is no candidate's own: of a clip known to be alive, or of one that died lately."""
        self._probe, again = None, self._again
        self._again = None
        if outcome is None:
            return
        if isinstance(outcome, FetchError) and outcome.reason in LASTING:
            self._end(outcome, now)
        elif again is not None:
            self._hear_again(again, turn.number, outcome, now)
        elif isinstance(outcome, Clip):
            self._lives(turn, outcome, now)
        elif self._opening:
            self._doubt.failed_to_open(turn.candidate)
            if outcome.reason.scope is Scope.RUN:
                self._note_pause(turn.candidate, outcome, now)
                self._stuck_since = self._stuck_since or now
            if self._opening.ends(outcome, now, self.pace.state.paused_until):
                self._end(outcome, now)
        else:
            self._fails(turn.candidate, outcome, now)

    def _end(self, error: FetchError, now: float) -> None:
        """End the fetch: not even a clip known to be alive can be had, and that will not change by itself."""
        if self._doubt.doubting:
            self._doubt.take_back(now)
        self._failed = error
        self.stop.set()

    def _lives(self, turn: Turn, clip: Clip, now: float) -> None:
        """A clip known to be alive could be had: nothing is the matter, or no longer."""
        self._doubt.lives(turn.candidate, now)
        self._opening, self._must_ask, self._stuck_since = None, False, None
        self._lived_at, self._answers = now, self._answers or clip.source
        self._granted(turn.number, now)

    def _fails(self, canary: Candidate, error: FetchError, now: float) -> None:
        """A clip known to be alive cannot be had: something is the matter with everyone."""
        self._must_ask = False
        refused = error.reason.scope is Scope.RUN and not self._doubt.doubting
        self._stuck_since = None if refused and error.reason not in UNREACHED else self._stuck_since or now
        if refused:
            self._refusals.everyones()
            self._note_pause(canary, error, now)
            return
        self._note_pause(canary, self._doubt.fails(canary, error, now), now)
        self._doubt.begin()
        self._begin()

    def _hear_again(self, one: FailedCandidate, number: int, outcome: Clip | FetchError, now: float) -> None:
        """The answer of one that was dead: if it lives, all that are dead for its reason are taken back."""
        if isinstance(outcome, Clip):
            n = take_back_all(self.ledger, one.reason, now)
            said = f"{n} that were {one.reason} were taken back, since {one.candidate.key} lives"
            # A clip was had: no other one has to be asked for first.
            self.ledger.note("believed", None, said, now)
            self._audit.contradicted(one.reason, self._doubt.lies())
            self._lived_at, self._slowed = now, False
            self._slow_down(now)
            self._doubt.begin()
            self._begin()
        elif outcome.reason.scope is Scope.RUN:
            self._note_pause(one.candidate, outcome, now)
        else:
            self._audit.agreed(one.reason)
            self._granted(number, now)

    def _slow_down(self, now: float) -> None:
        """A living clip was called dead when others were asked for with it: that was a refusal."""
        if not self._slowed:
            self._slowed = True
            self.pace.refused(Reason.IMPLAUSIBLE, now, None)

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
        if at is not None:
            places.hold(candidate, attempts, at)
            return
        self._dead[candidate.class_name] += 1
        places.vacate()
        self._refusals.settled(candidate)
        if self._doubt.may_lie(error.reason):
            self._died += 1
            self._audit.died(error.reason)

"""The loop of `fetch`: which candidate is next, what became of it, and when to stop.

One thread decides and writes the ledger; workers only resolve, read, decode and write one clip at a time.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import replace
from itertools import count
from typing import NamedTuple

from ..clock import steady
from ..exceptions import AudiosetToolsError
from ..ledger import Ledger, State
from ..ledger.changes import take_back_all
from ..ledger.queries import FailedCandidate, last_accepted_at, lately_dead
from ..sources.extractions import CLIENT_TROUBLE
from ..sources.pace import Pace, parse_pace
from ..sources.source import FetchError, Source
from ..tasks.engine import Engine
from ..types import LASTING, UNREACHED, Candidate, Clip, Failure, OnProgress, Reason, Scope, message, silent
from ..workspace import Workspace
from .opening import LONG_PAUSE_S, RECENTLY_S, Opening
from .plausibility import Doubt
from .progress import (
    LONGEST_WAIT,
    ClassProgress,
    FetchConfig,
    FetchProgress,
    Notes,
    count_in,
    pace_note,
    read_totals,
    retry_at,
    wanted_of,
)
from .queue import ClassQueue
from .recheck import LATELY, QUIET_S, QUIET_TURNS, Recheck
from .refusals import Refusals, RefusedAttempt
from .route import Route
from .summary import answers_line, state_line
from .worker import Outcome, Worker

_UNBOUNDED = parse_pace("unlimited")
"""Of a source that asks nobody."""


class Turn(NamedTuple):
    """An attempt in flight: at which candidate, after how many failed ones, how many attempts began before
    it, of which source, and whether no other candidate was asked for meanwhile."""

    candidate: Candidate
    attempts: int
    number: int
    source: Source
    in_quiet: bool = False


class Fetch:
    """A fetch under way.

    Args:
        sources: where the audio comes from, in the order in which each candidate is asked for. The failures
            of one are judged: of that which knows a clip that is surely alive, or else of the last.
        workspace: where the clips go.
        config: how many, how patiently.
        stop: set it to drain: what is in flight ends, nothing new begins.
        clock: seconds since the epoch.
        by: the engine that decodes; None for this process.
    """

    def __init__(
        self,
        ledger: Ledger,
        sources: Sequence[Source],
        workspace: Workspace,
        config: FetchConfig,
        stop: threading.Event,
        clock: Callable[[], float] = steady,
        by: Engine | None = None,
    ) -> None:
        self.ledger = ledger
        self.config = config
        self.stop = stop
        self.clock = clock
        self._judged = next((source for source in sources if source.known_alive), sources[-1])
        self._paces = {source.name: source.pace for source in sources if source.pace}
        self.pace = self._judged.pace or Pace(_UNBOUNDED)
        self._route = Route(sources, self._judged, self._settle_unheld)
        self._refusals = Refusals(ledger.get("refusals"))
        self._worker = Worker(
            workspace, clock, self._refusals.suspected, ledger.sample_rate, config.keep_source, by
        )
        self._in_flight: dict[Future[Outcome], Turn] = {}
        self._numbers = count()
        # Files that the user has are there or not: no refusals, no need of a clip known to be alive.
        self._asks = self._judged.known_alive is not None
        self._doubt = Doubt(ledger, self._judged, self.pace, config.attempts)
        self._recheck = Recheck(ledger.get("recheck"), self._doubt.lies())
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
        self._answers_shown, self._pause_shown = False, 0.0
        self._began = self._answered_at = clock()
        lived_at = last_accepted_at(ledger, self._judged.name) or 0.0
        self._lived_at = max(lived_at, float(ledger.get("alive_at") or 0))
        recently = 0 <= self._began - self._lived_at < RECENTLY_S
        self._opening = Opening(config.first_wait) if self._asks and not recently else None
        self._reload()
        self._had = sum(queue.accepted for queue in self._queues.values())
        paces = {pace_note(name): pace.to_json for name, pace in self._paces.items()}
        learned = {
            "refusals": self._refusals.to_json, "recheck": self._recheck.to_json, "row": self._doubt.to_json,
        }  # fmt: skip
        self._notes = Notes(ledger, paces | learned)
        self._totals_before = read_totals(ledger.get("spent"))

    def run(self, on_progress: OnProgress = silent) -> FetchProgress:
        """Fetch until every class is complete, every queue is exhausted, or `stop` is set.

        Raises:
            EnvironmentProblem: the disk is full, or the machine is otherwise at fault.
        """
        if self.config.per_class is not None:
            self.ledger.put("per_class", str(self.config.per_class))
        with ThreadPoolExecutor(self.config.jobs, thread_name_prefix="fetch") as pool:
            try:
                self._show(on_progress)
                while self._submit_next(pool) or self._in_flight:
                    done, _ = wait(self._in_flight, timeout=0.5, return_when=FIRST_COMPLETED)
                    self._settle_all(done)
                    self._give_up_in_time()
                    self._show(on_progress)
            except BaseException:
                self.stop.set()
                pool.shutdown()
                with suppress(AudiosetToolsError):
                    self._settle_all(self._in_flight)
                raise
        self._note_totals()
        return self.progress()

    def _show(self, on_progress: OnProgress) -> None:
        """Tell how far it is; where the first clip came from, and a pause that begins, are news."""
        if self._asks and self._answers and not self._answers_shown:
            self._answers_shown = True
            on_progress(message(answers_line(self._answers)))
        paused_until = max((pace.state.paused_until for pace in self._paces.values()), default=0.0)
        is_new = self._pause_shown <= self.clock() < paused_until
        self._pause_shown = paused_until
        on_progress(replace(self.progress(), news=is_new))

    def progress(self) -> FetchProgress:
        """Where the fetch stands."""
        now = self.clock()
        classes = tuple(
            ClassProgress(name, p.wanted, p.accepted, p.waiting, self._dead[name], p.exhausted)
            for name, p in self._queues.items()
        )
        gained = sum(c.accepted for c in classes) - self._had
        lacking = sum(max(0, c.wanted - c.accepted) for c in classes if not c.exhausted)
        elapsed = now - self._began
        remote, pace = self._shown_pace()
        progress = FetchProgress(
            done=sum(min(c.accepted, c.wanted) for c in classes),
            total=sum(c.wanted for c in classes),
            classes=classes,
            pace=pace.state,
            remote=remote,
            requests=sum(pace.requests for pace in self._paces.values()),
            elapsed=elapsed,
            eta=lacking * elapsed / gained if gained >= 5 else None,
            stopping=self.stop.is_set(),
            doubting=self._doubt.doubting,
            gave_up=self._gave_up,
            failed=self._failed,
            of_client=self._doubt.breakages > 0 or self._of_client >= max(5, gained + 1),
        )
        return replace(progress, text=state_line(progress, now if self._paces else None))

    def _shown_pace(self) -> tuple[str, Pace]:
        """The remote that everyone waits for, or else whose failures are judged, and its pace."""
        waits = max(self._paces.items(), key=lambda one: one[1].state.paused_until, default=None)
        if waits and waits[1].state.paused_until > self.clock():
            return waits
        return self._judged.name, self.pace

    def _reload(self) -> None:
        """Fill the queues from the ledger, as at the start of a process."""
        now, tallies = self.clock(), self.ledger.tallies()
        self._refusals.forget_waiting()
        self._route.begin()
        self._unconfirmed.clear()
        self._dead = count_in(tallies, State.DEAD)
        wanted = wanted_of(tallies, self.config.per_class)
        self._queues = {
            # A clock that was set back must not make anybody wait longer than it could have meant.
            name: ClassQueue(
                name,
                wanted[name],
                n,
                [(c, attempts, min(at, now + LONGEST_WAIT)) for c, attempts, at in self.ledger.waiting(name)],
                self.ledger,
            )
            for name, n in count_in(tallies, State.ACCEPTED).items()
        }

    def _submit_next(self, pool: ThreadPoolExecutor) -> bool:
        """Give free workers something to do; False once none will ever be needed again."""
        if self.stop.is_set():
            return False
        now = self.clock()
        if self._probe is None and self._submit_unjudged(pool, now):
            return True
        if self._opening and not self._wants_judged():
            self._opening = None
        if self._opening or self._doubt.doubting or self._must_ask:
            return bool(self._in_flight) or self._probe_canary(pool, now)
        if self._rests(now):
            if not self._in_flight:
                self.stop.wait(min(0.5, max(0.0, self.pace.state.paused_until - now)))
            return True
        if self._wants_quiet():
            return bool(self._in_flight) or self._ask_in_quiet(pool, now)
        while len(self._in_flight) < self.config.jobs:
            turn = self._route.next_held(self._queues) or self._route.next(self._queues, now)
            if turn is None:
                break
            self._submit(pool, turn.candidate, turn.attempts, turn.source)
        return bool(self._in_flight) or self._submit_when_idle(pool, now)

    def _submit_unjudged(self, pool: ThreadPoolExecutor, now: float) -> bool:
        """Give free workers turns of the other sources; whether any is in flight."""
        if self._route.is_single:
            return False
        while len(self._in_flight) < self.config.jobs and (turn := self._route.next(self._queues, now)):
            self._submit(pool, turn.candidate, turn.attempts, turn.source)
        return any(turn.source is not self._judged for turn in self._in_flight.values())

    def _wants_judged(self) -> bool:
        """Whether anybody is to be asked of the judged source, now or later."""
        return self._route.holds_back or any(queue.asks for queue in self._queues.values())

    def _submit_when_idle(self, pool: ThreadPoolExecutor, now: float) -> bool:
        """The same while it is no candidate's turn."""
        if self._refusals.undecided:
            # No other candidate's answer would tell whom the refusal concerned.
            return self._probe_canary(pool, now)
        retries = [p.next_retry for p in self._queues.values() if p.next_retry is not None]
        if self._unconfirmed or (not retries and self._died and self._recheck.due_at_the_end):
            return self._ask_in_quiet(pool, now)
        if retries:
            self.stop.wait(min(0.5, max(0.0, min(retries) - now)))
        return bool(retries)

    def _rests(self, now: float) -> bool:
        """Whether a long pause lasts; when it is over, a clip known to be alive comes first."""
        pause = self.pace.state
        long = pause.paused_until - pause.paused_at > LONG_PAUSE_S
        if not self._asks or not long or self._lived_at > pause.paused_until:
            return False
        self._must_ask = now >= pause.paused_until
        return True

    def _wants_quiet(self) -> bool:
        """Whether one candidate is to be asked for alone: a second time, or again after its death."""
        waiting = len(self._unconfirmed)
        self._confirming = waiting > 0 and (self._confirming or waiting >= 2 * self.config.jobs)
        spent = sum(queue.exhausted for queue in self._queues.values())
        newly, self._spent = spent > self._spent, spent
        rechecks = self._recheck.due_at_the_end if newly else self._recheck.due
        return self._confirming or (self._died > 0 and rechecks)

    def _submit(
        self,
        pool: ThreadPoolExecutor,
        candidate: Candidate,
        attempts: int,
        source: Source | None = None,
        keep: bool = True,
        in_quiet: bool = False,
    ) -> Future[Outcome]:
        """Begin an attempt; of the judged source if none is named."""
        source = source or self._judged
        future = pool.submit(self._worker.attempt, candidate, source, keep)
        self._in_flight[future] = Turn(candidate, attempts, next(self._numbers), source, in_quiet)
        return future

    def _probe_canary(self, pool: ThreadPoolExecutor, now: float) -> bool:
        """Try a clip known to be alive: the last one fetched, or if that has died since, the one before."""
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
        """Ask for one candidate alone: to confirm its verdict, or whether it is truly dead."""
        quiet = max(min(QUIET_S, self.config.retry_wait), QUIET_TURNS * 3_600 / self.pace.state.rate)
        if (left := self._answered_at + quiet - now) > 0:
            self.stop.wait(min(0.5, left))
        elif self._unconfirmed:
            turn = self._unconfirmed.pop(0)
            self._submit(pool, turn.candidate, turn.attempts, in_quiet=True)
        elif one := self._recheck.choose(lately_dead(self.ledger, self._doubt.may_lie, LATELY)):
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
                self._settle_canary(turn, future.result(), now)
            elif turn.source is not self._judged:
                self._settle_unjudged(turn, future.result(), now)
            else:
                self._settle(turn, future.result(), now)
            self._notes.write()
        if futures:
            self._note_totals()
        if failed:
            raise failed

    def _note_totals(self) -> None:
        """Write down what this and all earlier runs took."""
        took = self.clock() - self._began
        requests = sum(pace.requests for pace in self._paces.values())
        media_bytes = sum(pace.media_bytes for pace in self._paces.values())
        spent = self._totals_before.plus(took, requests, media_bytes)
        self.ledger.put("spent", spent.json())

    def _settle(self, turn: Turn, outcome: Outcome, now: float) -> None:
        """Write down what became of a candidate, and give its slot on if it is out."""
        candidate, attempts = turn.candidate, turn.attempts
        queue = self._queues[candidate.class_name]
        if outcome is None:
            queue.requeue(candidate, attempts, now)
            return
        if isinstance(outcome, Clip):
            self._accept(candidate, outcome, now)
            self._doubt.streak.succeeded(turn.number)
            self._lived_at, self._answers = now, self._answers or outcome.source
            if turn.in_quiet:
                self._slow_down(now)
        elif outcome.reason.scope is Scope.RUN:
            self._settle_refusal(turn, outcome, now)
        elif self._is_doubted(outcome.reason) and not turn.in_quiet:
            self._slowed = self._slowed and bool(self._unconfirmed)
            self._unconfirmed.append(turn)
        else:
            self._of_client += outcome.reason in CLIENT_TROUBLE
            self._fail(turn, outcome, now)
            if turn.in_quiet:
                self._recheck.heard_twice(outcome.reason)
        if isinstance(outcome, Clip) or outcome.reason.scope is Scope.FINAL:
            self._refusals.settled(candidate)
            self._granted(turn.number, now)
        # Any answer shows that the outage, if there was one, is over.
        away = isinstance(outcome, FetchError) and outcome.reason in UNREACHED
        self._stuck_since = (self._stuck_since or now) if away else None

    def _settle_unjudged(self, turn: Turn, outcome: Outcome, now: float) -> None:
        """The same of a source whose failures are not judged; a refusal is its pace's affair."""
        if isinstance(outcome, Clip):
            self._accept(turn.candidate, outcome, now)
        elif outcome is not None and outcome.reason.scope is not Scope.RUN:
            self._fail(turn, outcome, now)
        else:
            if outcome is not None:
                self._note_pause(turn.candidate, outcome, now)
            self._queues[turn.candidate.class_name].requeue(turn.candidate, turn.attempts, now)
        away = isinstance(outcome, FetchError) and outcome.reason in UNREACHED
        self._stuck_since = (self._stuck_since or now) if away else None

    def _settle_unheld(self, candidate: Candidate) -> None:
        """No source holds a candidate whose turn has come."""
        verdict = self._route.verdict(
            candidate, FetchError(Reason.NOT_IN_SOURCE, "no source holds the video")
        )
        self._bury(candidate, 1, verdict, self.clock())

    def _accept(self, candidate: Candidate, clip: Clip, now: float) -> None:
        self._queues[candidate.class_name].accept()
        self.ledger.accept(candidate, clip, now)
        self._route.settled(candidate)

    def _settle_refusal(self, turn: Turn, error: FetchError, now: float) -> None:
        """A refusal of the run: it costs no attempt, unless it turns out to be this video's own."""
        self._note_pause(turn.candidate, error, now)
        self._must_ask = self._must_ask or error.reason in LASTING
        self._refusals.refused(RefusedAttempt(turn.candidate, turn.attempts, turn.number, error))

    def _granted(self, number: int, now: float) -> None:
        """A candidate refused before an attempt that was answered may be asked for again, or is put off."""
        one = self._refusals.granted(number)
        if one is None:
            return
        if not self._refusals.puts_off(one):
            self._queues[one.candidate.class_name].requeue(one.candidate, one.attempts, now)
            return
        times = self._refusals.times(one.candidate)
        own = FetchError(
            Reason.VIDEO_REFUSED, f"refused {times} times while others were granted; {one.error}"
        )
        self._fail(Turn(one.candidate, one.attempts, one.number, self._judged), own, now)

    def _note_pause(self, candidate: Candidate, error: FetchError, now: float) -> None:
        self.ledger.note("paused", error.reason, f"{candidate.key}: {error.detail}", now)

    def _settle_canary(self, turn: Turn, outcome: Outcome, now: float) -> None:
        """An answer that is no candidate's own: of a clip known to be alive, or of one that died lately."""
        self._probe, again = None, self._again
        self._again = None
        if outcome is None:
            return
        if isinstance(outcome, FetchError) and outcome.reason in LASTING:
            self._end(outcome, now)
        elif again is not None:
            self._settle_recheck(again, turn.number, outcome, now)
        elif isinstance(outcome, Clip):
            self._canary_lives(turn, outcome, now)
        elif self._opening:
            self._doubt.failed_to_open(turn.candidate)
            if outcome.reason.scope is Scope.RUN:
                self._note_pause(turn.candidate, outcome, now)
                self._stuck_since = self._stuck_since or now
            if self._opening.ends(outcome, now, self.pace.state.paused_until):
                self._end(outcome, now)
        else:
            self._canary_fails(turn.candidate, outcome, now)

    def _end(self, error: FetchError, now: float) -> None:
        """End the fetch: not even a clip known to be alive comes, and that will not change by itself."""
        if self._doubt.doubting:
            self._doubt.take_back(now)
        self._failed = error
        self.stop.set()

    def _canary_lives(self, turn: Turn, clip: Clip, now: float) -> None:
        """A clip known to be alive is available: nothing is the matter, or no longer."""
        self._doubt.lives(turn.candidate, now)
        self._opening, self._must_ask, self._stuck_since = None, False, None
        self._lived_at, self._answers = now, self._answers or clip.source
        self._granted(turn.number, now)

    def _canary_fails(self, canary: Candidate, error: FetchError, now: float) -> None:
        """A clip known to be alive is not available: something is the matter with everyone."""
        self._must_ask = False
        refused = error.reason.scope is Scope.RUN and not self._doubt.doubting
        self._stuck_since = None if refused and error.reason not in UNREACHED else self._stuck_since or now
        if refused:
            self._refusals.everyones()
            self._note_pause(canary, error, now)
            return
        self._note_pause(canary, self._doubt.fails(canary, error, now), now)
        self._doubt.begin()
        self._reload()

    def _is_doubted(self, reason: Reason) -> bool:
        """Whether a reason may be a lie and was one."""
        return self._doubt.may_lie(reason) and self._recheck.doubts(reason)

    def _settle_recheck(
        self, one: FailedCandidate, number: int, outcome: Clip | FetchError, now: float
    ) -> None:
        """The answer of one that was dead: if it lives, all that are dead for its reason are taken back."""
        if isinstance(outcome, Clip):
            n = take_back_all(self.ledger, one.reason, now)
            said = f"{n} that were {one.reason} were taken back, since {one.candidate.key} lives"
            # There was a clip: no other one has to be asked for first.
            self.ledger.note("believed", None, said, now)
            self._recheck.contradicted(one.reason, self._doubt.lies())
            self._lived_at, self._slowed = now, False
            self._slow_down(now)
            self._doubt.begin()
            self._reload()
        elif outcome.reason.scope is Scope.RUN:
            self._note_pause(one.candidate, outcome, now)
        else:
            self._recheck.agreed(one.reason)
            self._granted(number, now)

    def _slow_down(self, now: float) -> None:
        """A living clip was called dead when others were asked for with it: that was a refusal."""
        if not self._slowed:
            self._slowed = True
            self.pace.on_refusal(Reason.IMPLAUSIBLE, now, None)

    def _give_up_in_time(self) -> None:
        """Drain when a pause, or an outage, is longer than the user cares to wait."""
        now = self.clock()
        waited = now - self._stuck_since if self._stuck_since is not None else 0
        paused = max((pace.state.paused_until - now for pace in self._paces.values()), default=0.0)
        if max(paused, waited) > self.config.max_wait and not self.stop.is_set():
            self._gave_up = True
            self.stop.set()

    def _fail(self, turn: Turn, error: FetchError, now: float) -> None:
        """A candidate failed at a source: it is tried there again later, asked of the next one, or dead."""
        candidate, attempts = turn.candidate, turn.attempts + 1
        queue, at = self._queues[candidate.class_name], None
        if error.reason.scope is Scope.PASSING:
            at = retry_at(candidate.key, attempts, now, self.config.retry_wait, self.config.attempts)
            if at is None and turn.source is self._judged and self._doubt.spares(candidate, attempts, error):
                at = now
        if at is not None:
            failure = Failure(candidate.key, error.reason, error.detail, attempts, at)
            self.ledger.fail(candidate, failure, now)
            queue.requeue(candidate, attempts, at)
        elif self._route.passes_on(candidate, turn.source, error):
            self.ledger.pass_on(candidate, error.reason, error.detail, now)
            queue.requeue(candidate, 0, now)
            return
        else:
            error = self._route.verdict(candidate, error)
            self._bury(candidate, attempts, error, now)
        if turn.source is self._judged:
            self._doubt.streak.failed(candidate, error.reason, turn.number)

    def _bury(self, candidate: Candidate, attempts: int, error: FetchError, now: float) -> None:
        """A candidate is dead; its slot goes to the next one."""
        failure = Failure(candidate.key, error.reason, error.detail, attempts, None)
        self.ledger.fail(candidate, failure, now)
        self._dead[candidate.class_name] += 1
        self._queues[candidate.class_name].drop()
        self._refusals.settled(candidate)
        if self._doubt.may_lie(error.reason):
            self._died += 1
            self._recheck.died(error.reason)

"""What a fetch is asked for, how far it has come, and what it came to.

`FetchConfig` says how patiently to try: `retry_at` follows from it, when a clip that failed for now is tried
again. `FetchProgress` is what callers see of a fetch under way, `FetchResult` what is left at its end. What
goes from one fetch to the next stands in the ledger: what was learned (`Notes`), and what all fetches took
together (`Totals`).
"""

import json
import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from math import isfinite

from tenacity import RetryCallState, Retrying, stop_after_attempt, wait_exponential

from ..exceptions import UsageError
from ..files import parse_json
from ..ledger import Ledger, State, StateCount
from ..sources.rate import PaceState
from ..sources.source import FetchError
from ..types import BY_USER, Progress, Reason, Scope


@dataclass(frozen=True, slots=True)
class FetchConfig:
    """How to fetch.

    Args:
        per_class: clips wanted of each class; None for all that a list names.
        max_wait: the longest pause or outage to sit out, in seconds.
        retry_wait: seconds before the second try after a passing failure; doubled for each further one.
        attempts: tries before a passing failure is taken for final.
        first_wait: how long a network that is away at the start is waited for, in seconds.
        keep_source: whether what a clip was decoded from is kept beside it.

    Raises:
        UsageError: a number makes no sense.
    """

    per_class: int | None
    jobs: int = 4
    max_wait: float = 2 * 3_600
    retry_wait: float = 30
    attempts: int = 5
    first_wait: float = 45
    keep_source: bool = False

    def __post_init__(self) -> None:
        if self.per_class is not None and self.per_class < 1:
            raise UsageError(
                f"--per-class must be at least 1, not {self.per_class}", "The paper's data set has 2400."
            )
        if self.jobs < 1:
            raise UsageError(
                f"--jobs must be at least 1, not {self.jobs}", "4 are enough for any pace below 20000/h."
            )


@dataclass(frozen=True, slots=True)
class ClassProgress:
    """One class so far; `exhausted` says that its queue has no further candidate."""

    class_name: str
    wanted: int
    accepted: int
    waiting: int
    dead: int
    exhausted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchProgress(Progress):
    """A fetch so far: `done` clips of the `total` wanted, and what it is at in `text`.

    Args:
        remote: the source whose `pace` it is.
        news: whether `text` must not wait: everyone begins to pause.
        elapsed: seconds since it began.
        eta: seconds left, None while unknown.
        doubting: whether a row of failures is not believed.
        gave_up: whether it stopped because of `max_wait`.
        failed: why not even a clip known to be alive is available, if it ended for that.
        of_client: whether what failed is mostly what a yt-dlp fails of that YouTube has left behind.
    """

    classes: tuple[ClassProgress, ...]
    pace: PaceState
    remote: str = "youtube"
    news: bool = False
    requests: int = 0
    elapsed: float = 0.0
    eta: float | None = None
    stopping: bool = False
    doubting: bool = False
    gave_up: bool = False
    failed: FetchError | None = None
    of_client: bool = False

    @property
    def shortfall(self) -> dict[str, int]:
        """How many clips each class lacks whose queue is exhausted."""
        return {
            c.class_name: c.wanted - c.accepted for c in self.classes if c.exhausted and c.accepted < c.wanted
        }

    @property
    def complete(self) -> bool:
        return all(c.accepted >= c.wanted for c in self.classes)


@dataclass(frozen=True, slots=True)
class FetchResult:
    """What a fetch came to.

    Args:
        progress: where it stood at its end.
        tallies: the candidates of each class by state and reason.
        attempts: tries after which a passing failure was taken for final.
        of_list: whether every segment of a list was wanted, so that none can take another's place.
    """

    progress: FetchProgress
    tallies: tuple[StateCount, ...]
    attempts: int
    of_list: bool = False

    @property
    def complete(self) -> bool:
        """Whether every class has all the clips that are wanted."""
        return self.progress.complete

    @property
    def stopped(self) -> bool:
        """Whether it was asked to stop before it was complete, and nothing else ended it."""
        end = self.progress
        return end.stopping and not (end.complete or end.gave_up or end.failed)

    @property
    def given_up(self) -> int:
        """How many candidates were written off for a reason that may have passed by now."""
        dead = (t for t in self.tallies if t.state is State.DEAD and t.reason)
        return sum(t.n for t in dead if t.reason and t.reason.scope is Scope.PASSING)


def count_in(tallies: Iterable[StateCount], state: State) -> dict[str, int]:
    """How many candidates of each class are in a state."""
    counts: dict[str, int] = {}
    for tally in tallies:
        counts[tally.class_name] = counts.get(tally.class_name, 0) + tally.n * (tally.state is state)
    return counts


def wanted_of(tallies: Iterable[StateCount], per_class: int | None) -> dict[str, int]:
    """How many clips are wanted of each class.

    Args:
        tallies: the candidates of each class by state and reason.
        per_class: None for a list, all of which is wanted that the user did not take out.
    """
    counts: dict[str, int] = {}
    for tally in tallies:
        wanted = counts.get(tally.class_name, 0) + tally.n * (tally.reason not in BY_USER)
        counts[tally.class_name] = wanted if per_class is None else per_class
    return counts


LONGEST_WAIT = 3_600.0
"""Seconds; a clip's own trouble rarely lasts longer than a lock-out would."""


def retry_at(key: str, attempts: int, now: float, first_wait: float, most_attempts: int) -> float | None:
    """When to try again: a doubling wait with up to a quarter of jitter, or None after the last attempt.

    Args:
        key: the clip; its jitter depends on nothing else, so that a rerun decides alike.
        attempts: how many failed so far, at least 1.
        now: seconds since the epoch.
        first_wait: seconds before the second attempt.
        most_attempts: after so many the failure is taken for final.
    """
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = attempts
    if stop_after_attempt(most_attempts)(state):
        return None
    wait = wait_exponential(multiplier=first_wait, max=LONGEST_WAIT)(state)
    return now + wait * (1 + random.Random(f"{key} {attempts}").random() / 4)


def reasons_named(names: Iterable[str]) -> frozenset[Reason]:
    """The reasons that `--retry` names: one for which a candidate can be out, or `passing` for all such.

    Raises:
        UsageError: there is no such reason, or it is the run's, or the user's own.
    """
    choice = [r for r in Reason if r.scope is not Scope.RUN and r is not Reason.FORGOTTEN]
    found: set[Reason] = set()
    for name in names:
        named = {r for r in choice if name == r or (name == "passing" and r.scope is Scope.PASSING)}
        if not named:
            raise UsageError(
                f"--retry {name}: no candidate is ever out for that, or it stays so",
                f"Choose passing, or one of {', '.join(choice)}.",
            )
        found |= named
    return frozenset(found)


@dataclass(frozen=True, slots=True)
class Totals:
    """What fetches took, up to the last outcome of each.

    Args:
        runs: how often `fetch` was started.
        seconds: that they ran, pauses among them.
        media_bytes: received of media by byte ranges; not what ffmpeg reads by itself, nor pages and answers.
    """

    runs: int = 0
    seconds: float = 0.0
    requests: int = 0
    media_bytes: int = 0

    def plus(self, seconds: float, requests: int, media_bytes: int) -> "Totals":
        """With what one more run took."""
        return Totals(
            self.runs + 1,
            round(self.seconds + seconds, 1),
            self.requests + requests,
            self.media_bytes + media_bytes,
        )

    def json(self) -> str:
        """To be stored."""
        return json.dumps(asdict(self))


def read_totals(stored: str | None) -> Totals:
    """What was stored; nothing where nothing sensible was."""
    try:
        spent = Totals(**parse_json(stored or "{}"))
        numbers = (spent.runs, spent.seconds, spent.requests, spent.media_bytes)
        return spent if all(isfinite(n) and n >= 0 for n in numbers) else Totals()
    except (ValueError, TypeError):
        return Totals()


def pace_note(source: str) -> str:
    """Under which name the ledger keeps what the pace of a source learned."""
    return "pace" if source == "youtube" else f"pace of {source}"


class Notes:
    """Texts that are kept in the ledger under their names, each written when it has changed.

    Args:
        texts: what each is now.
    """

    def __init__(self, ledger: Ledger, texts: Mapping[str, Callable[[], str]]) -> None:
        self._ledger = ledger
        self._texts = texts
        self._written = {name: text() for name, text in texts.items()}

    def write(self) -> None:
        """Keep what is new. What did not change may be another source's, and is left alone."""
        for name, text in self._texts.items():
            if (now := text()) != self._written[name]:
                self._ledger.put(name, now)
                self._written[name] = now

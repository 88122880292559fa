"""What a fetch is asked for, and how far it has come."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..errors import UsageError
from ..ledger import State, Tally
from .rate import PaceState
from .source import FetchError


@dataclass(frozen=True, slots=True)
class FetchConfig:
    """How to fetch.

    Args:
        per_class: clips wanted of each class.
        jobs: workers at once.
        max_wait: the longest pause or outage to sit out, in seconds.
        retry_wait: seconds before the second try after a passing failure; doubled for each further one.
        attempts: tries before a passing failure is taken for final.
        first_wait: how long a network that is away at the start is waited for, in seconds.

    Raises:
        UsageError: a number makes no sense.
    """

    per_class: int
    jobs: int = 4
    max_wait: float = 2 * 3_600
    retry_wait: float = 30
    attempts: int = 5
    first_wait: float = 45

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
    """A fetch so far: `eta` in seconds (None while unknown), `stopping` once it drains, `doubting` while a
    row of failures is not believed, `gave_up` if it stopped because of `max_wait`.

    `answers` is where the first clip came from and how, once there was one; `failed` why not even a clip
    known to be alive could be had, if the fetch ended for that; `of_client` says whether what failed is
    mostly what a yt-dlp fails of that YouTube has left behind.
    """

    classes: tuple[ClassProgress, ...]
    pace: PaceState
    requests: int
    elapsed: float
    eta: float | None
    stopping: bool
    doubting: bool
    gave_up: bool
    answers: str | None = None
    failed: FetchError | None = None
    of_client: bool = False

    @property
    def shortfall(self) -> dict[str, int]:
        """How many clips each class lacks whose queue is spent."""
        return {
            c.class_name: c.wanted - c.accepted for c in self.classes if c.spent and c.accepted < c.wanted
        }

    @property
    def complete(self) -> bool:
        return all(c.accepted >= c.wanted for c in self.classes)


def count_in(tallies: Iterable[Tally], state: State) -> dict[str, int]:
    """How many candidates of each class are in a state."""
    counts: dict[str, int] = {}
    for tally in tallies:
        counts[tally.class_name] = counts.get(tally.class_name, 0) + tally.n * (tally.state is state)
    return counts

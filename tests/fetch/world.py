"""A remote that exists only in a test, on a clock of its own, and a fetch from it."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from audioset_tools.audio.ffmpeg import Media
from audioset_tools.fetch.loop import Fetch
from audioset_tools.fetch.progress import FetchConfig, FetchProgress
from audioset_tools.ledger import Ledger, State
from audioset_tools.sources.pace import Pace
from audioset_tools.sources.rate import PacePolicy
from audioset_tools.sources.source import Excerpt, FetchError
from audioset_tools.sources.youtube import KNOWN_ALIVE
from audioset_tools.types import Candidate, Reason, Scope
from audioset_tools.workspace import Workspace

BEGAN = 1_000_000.0

UNLIMITED = PacePolicy(start=1e9, most=1e9)


def candidate(rank: int, start_ms: int = 0) -> Candidate:
    return Candidate(f"{rank:010}A", start_ms, start_ms + 10_000, "Flute", 0, rank, "eval")


@dataclass
class World:
    """A remote on a clock of its own, which only waiting moves.

    `answer` says what a video gets at a time, in seconds since the beginning; a verdict on the video counts
    as a grant, as it does for YouTube.
    """

    answer: Callable[[Candidate, float], Reason | FetchError | None]
    name: str = "youtube"
    now: float = BEGAN
    known_alive: Candidate | None = KNOWN_ALIVE
    takes: float = 1.0
    policy: PacePolicy = UNLIMITED
    stored_pace: str | None = None

    def __post_init__(self) -> None:
        self.asked: list[str] = []
        self.pace = Pace(self.policy, self.stored_pace, clock=self.clock, wait=self.wait)

    def clock(self) -> float:
        return self.now

    def wait(self, seconds: float) -> bool:
        self.now += max(seconds, 1e-3)
        return False

    def holds(self, candidate: Candidate) -> bool:
        return True

    def open(self, candidate: Candidate) -> Excerpt:
        sent_at = self.pace.spend()
        self.asked.append(candidate.ytid)
        self.now += self.takes
        answer = self.answer(candidate, self.now - BEGAN)
        if isinstance(answer, Reason):
            answer = FetchError(answer, "said so", sent_at=sent_at)
        if answer is None or answer.reason.scope is Scope.FINAL:
            self.pace.on_grant(sent_at)
        if answer is not None:
            raise answer
        return Excerpt(Media(b""), "youtube webm/opus 251 by lean")

    def close(self) -> None:
        pass


class Patience(threading.Event):
    """A stop that waits on the world's clock."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    def wait(self, timeout: float | None = None) -> bool:
        self.world.wait(timeout or 0)
        return self.is_set()


def fetch_of(ledger: Ledger, world: World, per_class: int = 30, jobs: int = 1, **settings: float) -> Fetch:
    config = FetchConfig(per_class, jobs=jobs, **{"max_wait": 1e6, **settings})
    workspace = Workspace(ledger.path.parent)
    return Fetch(ledger, [world], workspace, config, Patience(world), world.clock)


def fetch(ledger: Ledger, world: World, per_class: int = 30, **settings: float) -> FetchProgress:
    return fetch_of(ledger, world, per_class, **settings).run()


def accepted(ledger: Ledger) -> list[int]:
    return [candidate.rank for candidate, _ in ledger.clips()]


def dead(ledger: Ledger) -> dict[Reason | None, int]:
    return {tally.reason: tally.n for tally in ledger.tallies() if tally.state is State.DEAD and tally.n}


def outcomes(ledger: Ledger) -> set[str]:
    return {outcome for (outcome,) in ledger.rows("SELECT DISTINCT outcome FROM event")}

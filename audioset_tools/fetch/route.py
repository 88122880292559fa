"""Which source a candidate is asked of: each in turn, in the order given, until one has its clip.

A source has no clip of a candidate once its failure is final, or its attempts there are spent; a pause or a
failure that may pass is waited for. So the set is the first N alive in the union of the sources, and each
clip is of the first source that has it, whatever the timing. Sources whose failures need no judging (files,
mirrors) go on while the others wait: `Route.next` hands out their turns first, and holds back the rest.
"""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..sources.source import FetchError, Source
from ..types import Candidate, Reason
from .queue import ClassQueue


@dataclass(frozen=True, slots=True)
class Try:
    """A candidate to be asked for, after so many failed attempts, and of which source."""

    candidate: Candidate
    attempts: int
    source: Source


class Route:
    """The turns of one fetch.

    Args:
        judged: the one whose failures are judged (`plausibility`).
        unheld: called with a candidate that no source holds.
    """

    def __init__(
        self, sources: Sequence[Source], judged: Source, unheld: Callable[[Candidate], None]
    ) -> None:
        self._sources = sources
        self._judged = judged
        self._unheld = unheld
        self._asked: dict[str, int] = {}
        self._failed: dict[str, FetchError] = {}
        self._held: dict[str, deque[Try]] = {}

    def begin(self) -> None:
        """Forget who was passed on and who is held back, as at the start of a process."""
        self._asked.clear()
        self._failed.clear()
        self._held.clear()

    @property
    def is_single(self) -> bool:
        """Whether there is one source only."""
        return len(self._sources) == 1

    @property
    def holds_back(self) -> bool:
        """Whether candidates wait for the judged source."""
        return any(self._held.values())

    def next(self, queues: Mapping[str, ClassQueue], now: float) -> Try | None:
        """The next turn, of the class that is furthest behind; the judged source's are held back."""
        while turn := self._pull(queues, now):
            if turn.source is not self._judged or self.is_single:
                return turn
            self._held.setdefault(turn.candidate.class_name, deque()).append(turn)
        return None

    def next_held(self, queues: Mapping[str, ClassQueue]) -> Try | None:
        """The next turn of the judged source."""
        waiting = [name for name, held in self._held.items() if held]
        if not waiting:
            return None
        behind = min(waiting, key=lambda name: queues[name].accepted / queues[name].wanted)
        return self._held[behind].popleft()

    def passes_on(self, candidate: Candidate, source: Source, error: FetchError) -> bool:
        """Whether another source is to be asked after a failure that ends it at one."""
        behind = self._sources.index(source) + 1
        self._failed[candidate.key] = self._verdict(candidate, error)
        self._asked[candidate.key] = behind
        return self._holder(candidate, behind) is not None

    def verdict(self, candidate: Candidate, error: FetchError) -> FetchError:
        """What all sources say of a candidate that is out, of which one says `error`."""
        verdict = self._verdict(candidate, error)
        self.settled(candidate)
        return verdict

    def settled(self, candidate: Candidate) -> None:
        """A candidate is out, or has its clip."""
        self._asked.pop(candidate.key, None)
        self._failed.pop(candidate.key, None)

    def _pull(self, queues: Mapping[str, ClassQueue], now: float) -> Try | None:
        for queue in sorted(queues.values(), key=lambda one: one.filled):
            while turn := queue.take(now):
                candidate, attempts = turn
                if source := self._holder(candidate, self._asked.get(candidate.key, 0)):
                    return Try(candidate, attempts, source)
                self._unheld(candidate)
        return None

    def _holder(self, candidate: Candidate, first: int) -> Source | None:
        return next((source for source in self._sources[first:] if source.holds(candidate)), None)

    def _verdict(self, candidate: Candidate, error: FetchError) -> FetchError:
        """Of what all sources say the last that says more than that it lacks the video."""
        earlier = self._failed.get(candidate.key)
        return earlier if earlier and error.reason is Reason.NOT_IN_SOURCE else error

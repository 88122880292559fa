"""The promise: the accepted set is the first N living candidates, whatever happens on the way."""

import random

from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.fetch.queue import ClassQueue
from audioset_tools.types import Candidate


class Shelf:
    """A queue in memory that forgets nothing, as the ledger does."""

    def __init__(self, size: int) -> None:
        self.candidates = [
            Candidate(f"{rank:010}A", 0, 10_000, "Flute", 0, rank, "eval") for rank in range(size)
        ]
        self.accepted: set[int] = set()
        self.dead: set[int] = set()
        self.waiting: dict[int, int] = {}

    def next_queued(self, class_name: str, after_rank: int) -> Candidate | None:
        settled = self.accepted | self.dead | self.waiting.keys()
        return next((c for c in self.candidates if c.rank > after_rank and c.rank not in settled), None)

    def queue(self, wanted: int) -> ClassQueue:
        waiting = [(self.candidates[rank], n, 0.0) for rank, n in sorted(self.waiting.items())]
        return ClassQueue("Flute", wanted, len(self.accepted), waiting, self)


@given(
    size=st.integers(1, 40),
    wanted=st.integers(1, 30),
    alive=st.sets(st.integers(0, 39)),
    jobs=st.integers(1, 7),
    seed=st.integers(0, 10_000),
)
def test_the_accepted_set_depends_on_nothing_but_who_lives(
    size: int, wanted: int, alive: set[int], jobs: int, seed: int
) -> None:
    """Workers answer in any order, fail for now, are refused, and the process is killed now and then."""
    rng = random.Random(seed)
    shelf = Shelf(size)
    queue = shelf.queue(wanted)
    in_flight: list[tuple[Candidate, int]] = []
    for _ in range(10_000):
        while len(in_flight) < jobs and (turn := queue.take(now=1.0)):
            in_flight.append(turn)
        assert queue.accepted + queue.in_flight + queue.waiting <= wanted
        if not in_flight:
            break
        candidate, attempts = in_flight.pop(rng.randrange(len(in_flight)))
        fate = rng.random()
        if fate < 0.1:
            queue, in_flight = shelf.queue(wanted), []
        elif fate < 0.2:
            queue.requeue(candidate, attempts, 0.0)
        elif fate < 0.4 and attempts < 3:
            shelf.waiting[candidate.rank] = attempts + 1
            queue.requeue(candidate, attempts + 1, 0.0)
        else:
            shelf.waiting.pop(candidate.rank, None)
            if candidate.rank in alive:
                shelf.accepted.add(candidate.rank)
                queue.accept()
            else:
                shelf.dead.add(candidate.rank)
                queue.drop()
    assert shelf.accepted == set(sorted(alive & set(range(size)))[:wanted])
    assert queue.exhausted == (len(shelf.accepted) < wanted)


def test_who_waits_is_not_tried_before_its_time() -> None:
    shelf = Shelf(1)
    queue = shelf.queue(1)
    turn = queue.take(now=0)
    assert turn is not None
    queue.requeue(turn[0], 1, at=100)
    assert queue.take(now=99) is None
    assert queue.next_retry == 100
    assert queue.take(now=100) == (turn[0], 1)


def test_fewer_places_than_before_keep_the_best_holders() -> None:
    shelf = Shelf(10)
    shelf.waiting = {2: 1, 5: 1, 7: 2}
    queue = shelf.queue(2)
    taken = [queue.take(now=0), queue.take(now=0), queue.take(now=0)]
    assert [turn and turn[0].rank for turn in taken] == [2, 5, None]

"""How many candidates there are of each class, or of each split: in a ledger, a list, or a selection."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import numpy as np

from ...catalog.official import SUBSETS
from ...catalog.segment_list import SegmentList
from ...catalog.selection import Selection
from ...ledger import Ledger, State
from ...shards.placements import SPLITS
from ...types import BY_USER, Candidate, Reason
from ...words import MOST_ROWS

Held = Collection[str] | None
"""The videos that there is something of; None where that is not known."""


class Count(NamedTuple):
    """So many candidates of a class, or a split, in a state for a reason; `at_hand` of them may be had."""

    name: str
    state: State
    reason: Reason | None
    n: int
    at_hand: int


@dataclass(frozen=True, slots=True)
class Outlook:
    """A class, or a split, as a fetch would find it: `queued` candidates are still to be tried."""

    name: str
    wanted: int
    verified: int
    queued: int

    @property
    def lacking(self) -> int:
        """Clips that are wanted and not there."""
        return max(0, self.wanted - self.verified)


@dataclass(frozen=True, slots=True)
class Queues:
    """What there is of candidates.

    Args:
        class_names: of all classes, in the order of the recipe or list.
        counts: of each class, or, told so, of each split.
    """

    class_names: Sequence[str]
    counts: Callable[[bool], Iterable[Count]]

    def parts(self, per_class: int | None, again: Collection[Reason]) -> tuple[str, tuple[Outlook, ...]]:
        """The classes as a fetch would find them, or, of too many where all is wanted, the splits.

        Args:
            per_class: clips wanted of each class; None for all.
            again: reasons for which dead candidates would be tried again.

        Returns:
            "class" or "split", and what each of them has.
        """
        if per_class is None and len(self.class_names) > MOST_ROWS:
            parts = _parts(self.counts(True), SPLITS, None, again)
            if all(part.name in SPLITS for part in parts):
                return "split", tuple(part for part in parts if part.wanted)
        return "class", _parts(self.counts(False), self.class_names, per_class, again)


def of_ledger(ledger: Ledger, held: Held, lost: Sequence[Candidate] = ()) -> Queues:
    """What a ledger has.

    Args:
        lost: candidates whose clips are gone, and who would be in the queue again.
    """
    return Queues(ledger.class_names, partial(_of_ledger, ledger, held, lost))


def of_list(segments: SegmentList, held: Held) -> Queues:
    """What the ledger of a list would have."""

    def counts(by_split: bool) -> Iterator[Count]:
        there = Counter(map(partial(_name_of, by_split), segments.candidates))
        near = there if held is None else _held(segments.candidates, by_split, held)
        return (Count(name, State.QUEUED, None, n, near[name]) for name, n in there.items())

    return Queues(segments.class_names, counts)


def of_selection(selection: Selection, held: Held) -> Queues:
    """What the ledger of a recipe would have."""
    catalog = selection.catalog
    near = None if held is None else np.isin(catalog.ytid, np.array(sorted(held), catalog.ytid.dtype))
    splits = [selection.split_of.get(subset, "") for subset in SUBSETS]

    def counts(by_split: bool) -> Iterator[Count]:
        for queue in selection.queues:
            here = queue.rows if near is None else queue.rows[near[queue.rows]]
            if not by_split:
                yield Count(queue.class_name, State.QUEUED, None, len(queue), len(here))
                continue
            of_subset, here_of = (np.bincount(catalog.subset[rows], minlength=len(SUBSETS)).tolist()
                                  for rows in (queue.rows, here))  # fmt: skip
            for split, n, at_hand in zip(splits, of_subset, here_of, strict=True):
                if n:
                    yield Count(split, State.QUEUED, None, n, at_hand)

    return Queues([queue.class_name for queue in selection.queues], counts)


def _of_ledger(ledger: Ledger, held: Held, lost: Sequence[Candidate], by_split: bool) -> Iterator[Count]:
    for candidate in lost:
        at_hand = int(held is None or candidate.ytid in held)
        yield Count(_name_of(by_split, candidate), State.ACCEPTED, None, -1, 0)
        yield Count(_name_of(by_split, candidate), State.QUEUED, None, 1, at_hand)
    column = "split" if by_split else "class"
    if held is not None:
        found = ledger.rows(f"SELECT {column}, state, reason, 1, ytid FROM candidate")
    elif by_split:
        found = ledger.rows("SELECT split, state, reason, count(*), '' FROM candidate GROUP BY 1, 2, 3")
    else:
        found = ledger.rows("SELECT class, state, reason, n, '' FROM tally WHERE n > 0")
    for name, state, reason, n, ytid in found:
        at_hand = n if held is None or ytid in held else 0
        named = str(name) if by_split else ledger.class_names[name]
        yield Count(named, State(state), Reason(reason) if reason else None, int(n), at_hand)


def _held(candidates: Iterable[Candidate], by_split: bool, held: Collection[str]) -> Counter[str]:
    return Counter(_name_of(by_split, one) for one in candidates if one.ytid in held)


def _name_of(by_split: bool, candidate: Candidate) -> str:
    return candidate.split if by_split else candidate.class_name


def _parts(
    counts: Iterable[Count], names: Iterable[str], per_class: int | None, again: Collection[Reason]
) -> tuple[Outlook, ...]:
    wanted, verified, queued = (dict.fromkeys(names, 0) for _ in range(3))
    for name, state, reason, n, at_hand in counts:
        for one in (wanted, verified, queued):
            one.setdefault(name, 0)
        wanted[name] += n if reason not in BY_USER else 0
        verified[name] += n if state is State.ACCEPTED else 0
        if state in (State.QUEUED, State.WAITING) or (state is State.DEAD and reason in again):
            queued[name] += at_hand
    return tuple(
        Outlook(name, n if per_class is None else per_class, verified[name], queued[name])
        for name, n in wanted.items()
    )

"""Which clips are the same sound, in whatever encoding, by their fingerprints.

9,600 clips are 46 million pairs, of which nearly all are far apart; that shows already in sketches of a
sixteenth of the bits. The rest is compared bit by bit, as `distance` does.

Two million clips are too many pairs even for that. So of many clips only those are compared whose sketches
agree in some bits, drawn at random, and that with many draws: the same sound nearly always agrees in one.

A sound that hardly changes has a fingerprint that says little: tones of 440 and 1,000 Hz differ in less of
their bits than two encodings of a drum may. So two sounds are the same only if they differ by less than half
of what each of them differs from itself at other times, and a steady tone is known by its bytes alone.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import DisjointSet

from ..audio.fingerprint import FINGERPRINT_BYTES, SAME_BELOW
from ..tasks.engine import cores
from .sketches import (
    BITS,
    QUICK,
    REACH,
    RUN,
    STARTS,
    WORDS,
    Flags,
    Floats,
    Numbers,
    Words,
    changes,
    distances,
    in_order,
    keyed,
    near,
    near_in_order,
    sketch,
    unpacked,
)

Prints = Callable[[Numbers], Sequence[bytes]]
"""Gives the fingerprints of some clips, by their numbers: of all they would be gigabytes."""

_LEAST_FRAMES = 80
"""Two seconds with something to be heard: less is the same too easily."""

_STEADY = 0.1
"""What differs from itself by less is too steady: a long note of a flute has 0.1 to 0.4, a tone 0.01."""

_PAIRS = 4_096
"""Pairs that are compared bit by bit together."""

_AHEAD = 4
"""So many times fingerprints wait to be looked at, those of some hundred clips each."""

_BLOCK = 1 << 21
"""Pairs that a thread compares at a time: 32 MB, should all of them be near."""

_EVERY_PAIR = 100_000
"""Clips up to which every pair is looked at: some seconds."""

_DRAWS = 100
"""How often bits are drawn: `bench/fingerprint.py draws` says how many pairs agree in one of them."""

_TOGETHER = 16
"""No more clips than so many agree in a draw by chance: fewer bits find more, and take longer."""

_MOST_SPARE = 0.32
"""Share of some more bits that may differ where a closer look is worth it: for unlike sounds half do."""

_PLACES = 1 << 16
"""Clips of a draw that are gone through together: 32 MB, should all of them be near."""


@dataclass(frozen=True, slots=True)
class Sounds:
    """What clips sound like, as far as telling the same from others asks, in a hundred bytes each.

    Args:
        limits: how far from each another may be that is the same, 0 where nothing can be told, [clips].
        sketches: of their fingerprints, [clips, WORDS].
        prints: gives these themselves, by the numbers of clips.
    """

    limits: Floats
    sketches: Words
    prints: Prints


class Sketching:
    """Fingerprints that come some at a time and are not kept: a thread looks at them meanwhile."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "sketches")
        self._waiting = deque[Future[tuple[bytes, bytes]]]()
        self._limits, self._sketches = bytearray(), bytearray()

    def add(self, prints: Sequence[bytes]) -> None:
        """Take in the fingerprints of the next clips; what is none is the same as nothing."""
        self._waiting.append(self._thread.submit(_sketched, prints))
        self._take(_AHEAD)

    def sounds(self, prints: Prints) -> Sounds:
        """All that were taken in; `prints` gives their fingerprints again."""
        self._take(0)
        self._thread.shutdown()
        sketches = np.frombuffer(self._sketches, np.uint64).reshape(-1, WORDS)
        return Sounds(np.frombuffer(self._limits, np.float64), sketches, prints)

    def _take(self, ahead: int) -> None:
        while len(self._waiting) > ahead:
            limits, sketches = self._waiting.popleft().result()
            self._limits += limits
            self._sketches += sketches


def _sketched(prints: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The limits and the sketches of some fingerprints."""
    limits, sketches = np.zeros(len(prints)), np.zeros((len(prints), WORDS), np.uint64)
    there = np.flatnonzero([len(one) == FINGERPRINT_BYTES for one in prints])
    if len(there):
        words, heard = unpacked([prints[n] for n in there.tolist()])
        change = changes(words, heard)
        told = (heard.sum(axis=1) >= _LEAST_FRAMES) & (change >= _STEADY)
        limits[there] = np.where(told, np.minimum(SAME_BELOW, change / 2), 0)
        sketches[there] = sketch(words, heard)
    return limits.tobytes(), sketches.tobytes()


def same_sound(sounds: Sounds, fresh: Flags, among: Numbers) -> list[tuple[int, int]]:
    """Pairs of the same sound: so many that all which are the same as one another hang together.

    Args:
        sounds: what all the clips sound like.
        fresh: which of them are new, [clips]; pairs without a new one are not looked for.
        among: the numbers of those to compare; of each pair the first of these comes first.
    """
    if not fresh[among].any():
        return []
    numbers = among[sounds.limits[among] > 0]
    sketches, new, joined = sounds.sketches[numbers], fresh[numbers], DisjointSet()
    found = []
    for pairs in (_near if len(numbers) <= _EVERY_PAIR else _drawn)(sketches, new):
        for one in np.unique(pairs).tolist():
            joined.add(one)
        for start in range(0, len(pairs), _PAIRS):
            open_ = [pair for pair in pairs[start : start + _PAIRS].tolist() if not joined.connected(*pair)]
            i, j = np.array(open_, np.intp).reshape(-1, 2).T
            which, at = np.unique(np.concatenate([i, j]), return_inverse=True)
            apart = distances(*unpacked(sounds.prints(numbers[which])), at[: len(i)], at[len(i) :])
            same = apart < np.minimum(sounds.limits[numbers[i]], sounds.limits[numbers[j]])
            for one, other in zip(i[same].tolist(), j[same].tolist(), strict=True):
                if joined.merge(one, other):
                    found.append((int(numbers[one]), int(numbers[other])))
    return found


def _near(sketches: Words, new: Flags) -> Iterator[Numbers]:
    """The pairs that are worth a closer look, [pairs, 2], the smaller number first, some at a time."""
    quick, rows = np.ascontiguousarray(sketches[:, :QUICK].T), max(1, _BLOCK // max(1, len(sketches)))

    def of_rows(first: int) -> Numbers:
        found, pairs = np.empty(len(sketches), np.intp), []
        for row in range(first, min(first + rows, len(sketches))):
            many = near(row, quick, sketches, new, found)
            pairs.append(np.stack([np.full(many, row), found[:many]], axis=1))
        return np.concatenate(pairs)

    yield from _ahead(of_rows, range(0, len(sketches), rows))


def _drawn(sketches: Words, new: Flags) -> Iterator[Numbers]:
    """The same of many clips, each compared with some of those alone that agree with it in bits drawn."""
    seen = np.empty(0, np.int64)
    for pairs in _ahead(partial(_agreeing, sketches, new), draws(len(sketches))):
        codes = np.setdiff1d(pairs[:, 0] * len(sketches) + pairs[:, 1], seen)
        seen = np.union1d(seen, codes)
        yield np.stack(np.divmod(codes, len(sketches)), axis=1)


def draws(clips: int) -> list[tuple[Numbers, int]]:
    """Which bits of so many sketches are to agree, and which word comes next to them; see `keyed`."""
    rng = np.random.default_rng(0)
    runs = -(-(clips // _TOGETHER).bit_length() // RUN)
    return [(rng.choice(STARTS, runs, replace=False), int(rng.integers(BITS // 64))) for _ in range(_DRAWS)]


def _ahead(work: Callable[[Any], Numbers], things: Iterable[Any]) -> Iterator[Numbers]:
    """What comes of each, in order, by threads; little more of it than there are cores waits to be taken."""
    many, left, waiting = cores(), iter(things), deque[Future[Numbers]]()
    with ThreadPoolExecutor(many) as pool:
        waiting.extend(pool.submit(work, thing) for thing in islice(left, many + 1))
        while waiting:
            found = waiting.popleft().result()
            waiting.extend(pool.submit(work, thing) for thing in islice(left, 1))
            yield found


def _agreeing(sketches: Words, new: Flags, drawn: tuple[Numbers, int]) -> Numbers:
    starts, word = drawn
    keys = in_order(keyed(sketches, starts, word))
    found, pairs = np.empty((min(_PLACES, len(keys)) * REACH, 2), np.intp), []
    for first in range(0, len(keys), _PLACES):
        many = near_in_order(keys, first, RUN * len(starts), sketches, new, _MOST_SPARE, found)
        pairs.append(found[:many].copy())
    return np.concatenate(pairs)

"""Which clips are the same sound, in whatever encoding, by their fingerprints.

9,600 clips are 46 million pairs, of which nearly all are far apart; that shows already in sketches of a
sixteenth of the bits. The rest is compared bit by bit, as `distance` does.

Two million clips are too many pairs even for that. So of many clips only those are compared whose sketches
agree in some bits, drawn at random, and that with many draws: the same sound nearly always agrees in one.

A sound that hardly changes has a fingerprint that says little: tones of 440 and 1,000 Hz differ in less of
their bits than two encodings of a drum may. So two sounds are the same only if they differ by less than half
of what each of them differs from itself at other times, and a steady tone is known by its bytes alone.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import DisjointSet

from ..audio.fingerprint import FINGERPRINT_BYTES, SAME_BELOW
from ..tasks.engine import cores
from .sketches import (
    BITS,
    QUICK,
    WORDS,
    Flags,
    Floats,
    Numbers,
    Words,
    changes,
    distances,
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

_READ = 512
"""Fingerprints that are unpacked together: 2 MB."""

_BLOCK = 1 << 21
"""Pairs that a thread compares at a time: 32 MB, should all of them be near."""

_EVERY_PAIR = 100_000
"""Clips up to which every pair is looked at: some seconds."""

_DRAWS = 200
"""How often bits are drawn. See bench/fingerprint.py for how many of the same sounds agree in one draw."""

_REACH = 8
"""Clips behind it with the same bits that each is compared with; so the same sounds hang together anyhow."""


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
    """Fingerprints that come one after the other, and are not kept."""

    def __init__(self) -> None:
        self._waiting: list[bytes] = []
        self._limits = [np.empty(0)]
        self._sketches = [np.empty((0, WORDS), np.uint64)]

    def add(self, print_: bytes) -> None:
        """Take in the fingerprint of the next clip; what is none is the same as nothing."""
        self._waiting.append(print_)
        if len(self._waiting) == _READ:
            self._sketch()

    def sounds(self, prints: Prints) -> Sounds:
        """All that were taken in; `prints` gives their fingerprints again."""
        self._sketch()
        return Sounds(np.concatenate(self._limits), np.concatenate(self._sketches), prints)

    def _sketch(self) -> None:
        there = np.flatnonzero([len(one) == FINGERPRINT_BYTES for one in self._waiting])
        limits = np.zeros(len(self._waiting))
        sketches = np.zeros((len(self._waiting), WORDS), np.uint64)
        if len(there):
            words, heard = unpacked([self._waiting[n] for n in there.tolist()])
            change = changes(words, heard)
            told = (heard.sum(axis=1) >= _LEAST_FRAMES) & (change >= _STEADY)
            limits[there] = np.where(told, np.minimum(SAME_BELOW, change / 2), 0)
            sketches[there] = sketch(words, heard)
        self._limits.append(limits)
        self._sketches.append(sketches)
        self._waiting = []


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
    rng = np.random.default_rng(0)
    # So many that two agree by chance as rarely as there are clips.
    bits = [rng.choice(BITS, len(sketches).bit_length() - 1, replace=False) for _ in range(_DRAWS)]
    seen = np.empty(0, np.int64)
    for pairs in _ahead(partial(_agreeing, sketches, new), bits):
        codes = np.setdiff1d(pairs[:, 0] * len(sketches) + pairs[:, 1], seen)
        seen = np.union1d(seen, codes)
        yield np.stack(np.divmod(codes, len(sketches)), axis=1)


def _ahead(work: Callable[[Any], Numbers], things: Sequence[Any]) -> Iterator[Numbers]:
    """What comes of each, in order, by threads; no more of it than there are cores waits to be taken."""
    many = cores()
    with ThreadPoolExecutor(many) as pool:
        for start in range(0, len(things), many):
            yield from pool.map(work, things[start : start + many])


def _agreeing(sketches: Words, new: Flags, bits: Numbers) -> Numbers:
    keys = keyed(sketches, bits)
    keys.sort()
    found = np.empty((len(keys) * _REACH, 2), np.intp)
    return found[: near_in_order(keys, sketches, new, _REACH, found)].copy()

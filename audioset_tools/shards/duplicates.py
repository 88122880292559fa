"""Which clips are the same sound, in whatever encoding, by their fingerprints.

9,600 clips are 46 million pairs, of which nearly all are far apart; that shows already in averages over 0.4
seconds, of which one matrix product compares all. The rest is compared bit by bit, as `distance` does.

Of two million clips there are too many pairs even for that. So of many clips the averages are boiled down to
fewer numbers, and only clips of one cell are compared: those that are nearest to the same one of some clips,
drawn at random, and that in several rounds with other draws. The same sound nearly always meets in one.

A sound that hardly changes has a fingerprint that says little: tones of 440 and 1,000 Hz differ in less of
their bits than two encodings of a drum may. So two sounds are the same only if they differ by less than half
of what each of them differs from itself at other times, and a steady tone is known by its bytes alone.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import DisjointSet

from ..audio.fingerprint import BANDS, FINGERPRINT_BYTES, FRAMES, SAME_BELOW

Words = npt.NDArray[np.uint32]
Numbers = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float32]
Averages = npt.NDArray[np.floating[Any]]

Prints = Callable[[Numbers], Sequence[bytes]]
"""Gives the fingerprints of some clips, by their numbers: of all they would be gigabytes."""

_LEAST_FRAMES = 80
"""Two seconds with something to be heard: less is the same too easily."""

_LAGS = (23, 37, 53, 71, 97, 131, 173)
"""Frames between a sound and itself: 0.6 to 4.3 seconds, and no beat falls into step with all of them."""

_STEADY = 0.1
"""What differs from itself by less is too steady: a long note of a flute has 0.1 to 0.4, a tone 0.01."""

_SHIFT = 4
"""Frames that two recordings may be apart, as `distance` has it."""

_MEAN_OF = 16
"""Frames averaged: what is 100 ms apart still meets."""

_ALIKE = 0.5
"""The least cosine between averages that is looked at bit by bit; of the same sounds 0.65 was the least."""

_BLOCK = 2_048
"""Clips of which every pair is looked at together: 16 MB of cosines."""

_PAIRS = 4_096
"""Pairs that are compared bit by bit together."""

_READ = 512
"""Fingerprints that are unpacked together: 6 MB."""

_EVERY_PAIR = 30_000
"""Clips up to which every pair is looked at: 90 MB of averages, and half a minute."""

_BOILED, _SORTED_BY = 128, 64
"""Numbers that the averages of many clips are boiled down to, and how many of these sort them into cells."""

_ROUNDS = 8
"""How often they are sorted. See bench/fingerprint.py for how many of the same sounds meet."""


def same_sound(prints: Prints, fresh: Flags) -> list[tuple[int, int]]:
    """Pairs of the same sound: so many that all which are the same as one another hang together.

    Args:
        prints: gives the fingerprint of each; what is none is the same as nothing.
        fresh: which of them are new, [clips]; pairs without a new one are not looked for.
    """
    if not fresh.any():
        return []
    many = len(fresh) > _EVERY_PAIR
    numbers, limits, averages = _looked_through(prints, len(fresh), many)
    new, joined = fresh[numbers], DisjointSet(range(len(numbers)))
    found = []
    for pairs in (_in_cells if many else _alike)(averages, new):
        for start in range(0, len(pairs), _PAIRS):
            open_ = [pair for pair in pairs[start : start + _PAIRS].tolist() if not joined.connected(*pair)]
            i, j = np.array(open_, np.intp).reshape(-1, 2).T
            words, heard, at = _read(prints, numbers, np.concatenate([i, j]))
            apart = _distances(words, heard, at[: len(i)], at[len(i) :])
            near = apart < np.minimum(limits[i], limits[j])
            for one, other in zip(i[near].tolist(), j[near].tolist(), strict=True):
                if joined.merge(one, other):
                    found.append((int(numbers[one]), int(numbers[other])))
    return found


def _looked_through(
    prints: Prints, clips: int, many: bool
) -> tuple[Numbers, npt.NDArray[np.float64], Averages]:
    """The clips of which something can be told, how far from each another may be, and what each is like."""
    known, limits, averages = [], [], []
    draw = np.random.default_rng(0)
    boiling = draw.standard_normal((FRAMES // _MEAN_OF * (BANDS - 1), _BOILED), np.float32) / _BOILED**0.5
    for start in range(0, clips, _READ):
        block = np.arange(start, min(start + _READ, clips))
        found = prints(block)
        there = np.flatnonzero([len(one) == FINGERPRINT_BYTES for one in found])
        words, heard = _unpacked([found[n] for n in there.tolist()])
        own = _limits(words, heard)
        told = own > 0
        known.append(block[there][told])
        limits.append(own[told])
        like = _averages(words[told], heard[told])
        averages.append(_of_length_1(like @ boiling).astype(np.float16) if many else like)
    return np.concatenate(known), np.concatenate(limits), np.concatenate(averages)


def _read(prints: Prints, numbers: Numbers, some: Numbers) -> tuple[Words, Flags, Numbers]:
    """The bits and audible frames of some clips, each once, and where among these each stands."""
    which, at = np.unique(some, return_inverse=True)
    return *_unpacked(prints(numbers[which])), at


def _unpacked(prints: Sequence[bytes]) -> tuple[Words, Flags]:
    """A word of bits for every frame, and which frames have something to be heard, [clips, FRAMES]."""
    content = np.frombuffer(b"".join(prints), np.uint8).reshape(len(prints), FINGERPRINT_BYTES)
    heard = np.unpackbits(content[:, -(FRAMES // 8) :], axis=1).astype(np.bool_)
    bits = np.zeros((len(prints), FRAMES, BANDS), np.uint8)
    # The last bit of a word is left at 0.
    packed = np.unpackbits(content[:, : -(FRAMES // 8)], axis=1)
    bits[:, :, :-1] = packed.reshape(len(prints), FRAMES, BANDS - 1)
    return np.packbits(bits, axis=2).view(">u4")[:, :, 0].astype(np.uint32), heard


def _limits(words: Words, heard: Flags) -> npt.NDArray[np.float64]:
    """How far from each sound another may be that is the same, [clips]; 0 where nothing can be told."""
    own = [_shares(words[:, :-lag], words[:, lag:], heard[:, :-lag], heard[:, lag:]) for lag in _LAGS]
    change = np.median(own, axis=0)
    told = (heard.sum(axis=1) >= _LEAST_FRAMES) & (change >= _STEADY)
    return np.where(told, np.minimum(SAME_BELOW, change / 2), 0)


def _averages(words: Words, heard: Flags) -> Floats:
    """What each sound is like, roughly, of length 1: [clips, FRAMES / _MEAN_OF * (BANDS - 1)]."""
    bits = np.unpackbits(words.astype(">u4").view(np.uint8).reshape(len(words), FRAMES, 4), axis=2)
    signs = (2 * bits[:, :, :-1].view(np.int8) - 1) * heard[:, :, None].view(np.int8)
    sums = signs.reshape(len(words), FRAMES // _MEAN_OF, _MEAN_OF, BANDS - 1).sum(axis=2, dtype=np.int8)
    return _of_length_1(sums.reshape(len(words), FRAMES // _MEAN_OF * (BANDS - 1)) / np.float32(_MEAN_OF))


def _of_length_1(vectors: Floats) -> Floats:
    lengths = np.sqrt((vectors**2).sum(axis=1, keepdims=True))
    scaled: Floats = vectors / np.maximum(lengths, np.float32(1e-6))
    return scaled


def _alike(averages: Averages, new: Flags) -> Iterator[Numbers]:
    """The pairs that are worth a closer look, [pairs, 2], the smaller number first, some at a time."""
    for first in range(0, len(averages), _BLOCK):
        for second in range(first, len(averages), _BLOCK):
            here, there = slice(first, first + _BLOCK), slice(second, second + _BLOCK)
            if not (new[here].any() or new[there].any()):
                continue
            cosines = averages[here] @ averages[there].T
            i, j = np.nonzero(cosines >= _ALIKE)
            i, j = i + first, j + second
            wanted = (i < j) & (new[i] | new[j])
            yield np.stack([i[wanted], j[wanted]], axis=1)


def _in_cells(boiled: Averages, new: Flags) -> Iterator[Numbers]:
    """The same of many clips, each compared with those alone that it meets in a cell."""
    rng = np.random.default_rng(0)
    for _ in range(_ROUNDS):
        drawn = rng.choice(len(boiled), round(len(boiled) ** 0.5), replace=False)
        leaders = boiled[drawn, :_SORTED_BY].astype(np.float32).T
        cell = np.empty(len(boiled), np.int32)
        for start in range(0, len(boiled), _BLOCK):
            some = slice(start, start + _BLOCK)
            cell[some] = (boiled[some, :_SORTED_BY].astype(np.float32) @ leaders).argmax(axis=1)
        order = np.argsort(cell, kind="stable")
        for members in np.split(order, np.flatnonzero(np.diff(cell[order])) + 1):
            for pairs in _alike(boiled[members].astype(np.float32), new[members]):
                yield members[pairs]


def _distances(words: Words, heard: Flags, i: Numbers, j: Numbers) -> npt.NDArray[np.float64]:
    """What `distance` says of pairs of sounds, [pairs]."""
    one, other, one_heard, other_heard = words[i], words[j], heard[i], heard[j]
    found = np.ones(len(i))
    for shift in range(-_SHIFT, _SHIFT + 1):
        here = slice(max(0, shift), FRAMES + min(0, shift))
        there = slice(max(0, -shift), FRAMES + min(0, -shift))
        shares = _shares(one[:, here], other[:, there], one_heard[:, here], other_heard[:, there])
        found = np.minimum(found, shares)
    return found


def _shares(one: Words, other: Words, one_heard: Flags, other_heard: Flags) -> npt.NDArray[np.float64]:
    """Which share of the bits differs, [clips]: half of them where only one has something to be heard."""
    both = one_heard & other_heard
    differing = (np.bitwise_count(one ^ other) * both).sum(axis=1, dtype=np.int64)
    alone = (one_heard ^ other_heard).sum(axis=1)
    total = (both.sum(axis=1) + alone) * (BANDS - 1)
    return np.where(total, (differing + alone * (BANDS - 1) / 2) / np.maximum(total, 1), 1.0)

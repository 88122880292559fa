"""Which clips are the same sound, in whatever encoding, by their fingerprints: every clip beside every other.

9,600 clips are 46 million pairs, of which nearly all are far apart; that shows already in averages over 0.4
seconds, of which one matrix product compares all. The rest is compared bit by bit, as `distance` does.

A sound that hardly changes has a fingerprint that says little: tones of 440 and 1,000 Hz differ in less of
their bits than two encodings of a drum may. So two sounds are the same only if they differ by less than half
of what each of them differs from itself at other times, and a steady tone is known by its bytes alone.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import DisjointSet

from ..audio.fingerprint import BANDS, FINGERPRINT_BYTES, FRAMES, SAME_BELOW

Words = npt.NDArray[np.uint32]
Numbers = npt.NDArray[np.intp]

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


def same_sound(prints: Sequence[bytes], fresh: Sequence[bool]) -> list[tuple[int, int]]:
    """Pairs of the same sound: so many that all which are the same as one another hang together.

    Args:
        prints: a fingerprint of each; what is none is the same as nothing.
        fresh: which of them are new; pairs without a new one are not looked for.
    """
    known = [n for n, one in enumerate(prints) if len(one) == FINGERPRINT_BYTES]
    new = np.array(fresh, np.bool_)[known]
    if not new.any():
        return []
    words, heard = _unpacked([prints[n] for n in known])
    limits, joined = _limits(words, heard), DisjointSet(range(len(known)))
    found = []
    for pairs in _alike(_averages(words, heard), limits, new):
        for start in range(0, len(pairs), _PAIRS):
            open_ = [pair for pair in pairs[start : start + _PAIRS].tolist() if not joined.connected(*pair)]
            i, j = np.array(open_, np.intp).reshape(-1, 2).T
            near = _distances(words, heard, i, j) < np.minimum(limits[i], limits[j])
            for one, other in zip(i[near].tolist(), j[near].tolist(), strict=True):
                if joined.merge(one, other):
                    found.append((known[one], known[other]))
    return found


def _unpacked(prints: Sequence[bytes]) -> tuple[Words, npt.NDArray[np.bool_]]:
    """A word of bits for every frame, and which frames have something to be heard, [clips, FRAMES]."""
    content = np.frombuffer(b"".join(prints), np.uint8).reshape(len(prints), -1)
    heard = np.unpackbits(content[:, -(FRAMES // 8) :], axis=1).astype(np.bool_)
    words = np.zeros((len(prints), FRAMES), np.uint32)
    for n, packed in enumerate(content[:, : -(FRAMES // 8)]):
        bits = np.unpackbits(packed).reshape(FRAMES, BANDS - 1)
        # The last bit of a word is left at 0.
        words[n] = np.packbits(np.pad(bits, ((0, 0), (0, 1))), axis=1).view(">u4")[:, 0]
    return words, heard


def _limits(words: Words, heard: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """How far from each sound another may be that is the same, [clips]; 0 where nothing can be told."""
    own = [_shares(words[:, :-lag], words[:, lag:], heard[:, :-lag], heard[:, lag:]) for lag in _LAGS]
    change = np.median(own, axis=0)
    told = (heard.sum(axis=1) >= _LEAST_FRAMES) & (change >= _STEADY)
    return np.where(told, np.minimum(SAME_BELOW, change / 2), 0)


def _averages(words: Words, heard: npt.NDArray[np.bool_]) -> npt.NDArray[np.float32]:
    """What each sound is like, roughly, of length 1: [clips, FRAMES / _MEAN_OF * (BANDS - 1)]."""
    averages = np.empty((len(words), FRAMES // _MEAN_OF * (BANDS - 1)), np.float32)
    for n, (one, there) in enumerate(zip(words, heard, strict=True)):
        bits = np.unpackbits(one.astype(">u4").view(np.uint8)).reshape(FRAMES, BANDS)[:, :-1]
        signs = (2 * bits.astype(np.float32) - 1) * there[:, None]
        averages[n] = signs.reshape(-1, _MEAN_OF, BANDS - 1).mean(axis=1).ravel()
    lengths = np.sqrt((averages**2).sum(axis=1, keepdims=True))
    averages /= np.maximum(lengths, 1e-6)
    return averages


def _alike(
    averages: npt.NDArray[np.float32], limits: npt.NDArray[np.float64], new: npt.NDArray[np.bool_]
) -> Iterator[Numbers]:
    """The pairs that are worth a closer look, [pairs, 2], the smaller number first, some at a time."""
    told = limits > 0
    for first in range(0, len(averages), _BLOCK):
        for second in range(first, len(averages), _BLOCK):
            here, there = slice(first, first + _BLOCK), slice(second, second + _BLOCK)
            if not (new[here].any() or new[there].any()):
                continue
            cosines = averages[here] @ averages[there].T
            i, j = np.nonzero((cosines >= _ALIKE) & told[here][:, None] & told[there])
            i, j = i + first, j + second
            wanted = (i < j) & (new[i] | new[j])
            yield np.stack([i[wanted], j[wanted]], axis=1)


def _distances(words: Words, heard: npt.NDArray[np.bool_], i: Numbers, j: Numbers) -> npt.NDArray[np.float64]:
    """What `distance` says of pairs of sounds, [pairs]."""
    one, other, one_heard, other_heard = words[i], words[j], heard[i], heard[j]
    found = np.ones(len(i))
    for shift in range(-_SHIFT, _SHIFT + 1):
        here = slice(max(0, shift), FRAMES + min(0, shift))
        there = slice(max(0, -shift), FRAMES + min(0, -shift))
        shares = _shares(one[:, here], other[:, there], one_heard[:, here], other_heard[:, there])
        found = np.minimum(found, shares)
    return found


def _shares(
    one: Words, other: Words, one_heard: npt.NDArray[np.bool_], other_heard: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """Which share of the bits differs, [clips]: half of them where only one has something to be heard."""
    both = one_heard & other_heard
    differing = (np.bitwise_count(one ^ other) * both).sum(axis=1, dtype=np.int64)
    alone = (one_heard ^ other_heard).sum(axis=1)
    total = (both.sum(axis=1) + alone) * (BANDS - 1)
    return np.where(total, (differing + alone * (BANDS - 1) / 2) / np.maximum(total, 1), 1.0)

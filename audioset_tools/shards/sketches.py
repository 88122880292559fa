"""The inner loops over fingerprints: how far they lie apart, and a sketch of each that tells far from near.

A sketch has a bit for every 0.4 seconds and each of a frame's 31: whether it is set in most of the frames
in which something is to be heard. Between two encodings of one sound, or where one begins 100 ms late, at
most 0.20 of these bits differ, between different sounds more than 0.33: see bench/fingerprint.py.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..audio.fingerprint import BANDS, FINGERPRINT_BYTES, FRAMES
from ..compiled import compiled

Words = npt.NDArray[np.uint64]
Numbers = npt.NDArray[np.intp]
Flags = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

BITS = FRAMES // 16 * (BANDS - 1)
"""Of a sketch."""

WORDS = -(-BITS // 64)
"""Into which they are packed."""

QUICK = 4
"""Words that are looked at first: nearly all pairs are told apart by them."""

MOST_APART, _MOST_QUICK = round(0.33 * BITS), round(0.42 * 64 * QUICK)
"""Bits that may differ between sketches which are near, and between their first words."""

_MEAN_OF = FRAMES // (BITS // (BANDS - 1))
_BITS_OF_FRAME = BANDS - 1
_SHIFT = 4
"""Frames that two recordings may be apart, as `distance` has it."""

_LAGS = np.array([23, 37, 53, 71, 97, 131, 173])
"""Frames between a sound and itself: 0.6 to 4.3 seconds, and no beat falls into step with all of them."""

_CHUNK = 512

_1, _2, _4, _56 = map(np.uint64, (1, 2, 4, 56))
_EVEN, _PAIRS, _NIBBLES, _BYTES = map(
    np.uint64, (0x5555555555555555, 0x3333333333333333, 0x0F0F0F0F0F0F0F0F, 0x0101010101010101)
)


def unpacked(prints: Sequence[bytes]) -> tuple[Words, Flags]:
    """A word of bits for every frame, and which frames have something to be heard, [clips, FRAMES]."""
    content = np.frombuffer(b"".join(prints), np.uint8).reshape(len(prints), FINGERPRINT_BYTES)
    words, heard = np.empty((len(prints), FRAMES), np.uint64), np.empty((len(prints), FRAMES), np.bool_)
    _unpack(content, words, heard)
    return words, heard


@compiled
def _unpack(content: npt.NDArray[np.uint8], words: Words, heard: Flags) -> None:
    for clip in range(len(content)):
        for frame in range(FRAMES):
            bit = frame * _BITS_OF_FRAME
            five = 0
            for byte in range(5):
                five = five << 8 | content[clip, bit // 8 + byte]
            words[clip, frame] = five >> (40 - bit % 8 - _BITS_OF_FRAME) & (1 << _BITS_OF_FRAME) - 1
            flags = content[clip, FRAMES * _BITS_OF_FRAME // 8 + frame // 8]
            heard[clip, frame] = flags >> (7 - frame % 8) & 1


@compiled
def sketch(words: Words, heard: Flags) -> Words:
    """The sketches of some fingerprints, [clips, WORDS].

    Args:
        words, heard: as `unpacked` gives them.
    """
    sketches = np.zeros((len(words), WORDS), np.uint64)
    counts = np.empty(_BITS_OF_FRAME, np.int64)
    for clip in range(len(words)):
        for part in range(FRAMES // _MEAN_OF):
            counts[:] = 0
            audible = 0
            for frame in range(part * _MEAN_OF, (part + 1) * _MEAN_OF):
                if heard[clip, frame]:
                    audible += 1
                    word = np.int64(words[clip, frame])
                    for band in range(_BITS_OF_FRAME):
                        counts[band] += word >> band & 1
            for band in range(_BITS_OF_FRAME):
                if 2 * counts[band] > audible:
                    bit = part * _BITS_OF_FRAME + band
                    sketches[clip, bit // 64] |= _1 << np.uint64(bit % 64)
    return sketches


@compiled
def changes(words: Words, heard: Flags) -> Floats:
    """How far each sound lies from itself at other times, in the middle of some, [clips]."""
    found = np.empty(len(words))
    apart = np.empty(len(_LAGS))
    for clip in range(len(words)):
        for number in range(len(_LAGS)):
            apart[number] = _share(words[clip], words[clip], heard[clip], heard[clip], -_LAGS[number])
        apart.sort()
        found[clip] = apart[len(_LAGS) // 2]
    return found


@compiled
def distances(words: Words, heard: Flags, i: Numbers, j: Numbers) -> Floats:
    """What `distance` says of pairs of sounds, [pairs].

    Args:
        words, heard: of fingerprints, [clips, FRAMES].
        i, j: the numbers of each pair's clips among these.
    """
    found = np.ones(len(i))
    for pair in range(len(i)):
        one, other = i[pair], j[pair]
        for shift in range(-_SHIFT, _SHIFT + 1):
            apart = _share(words[one], words[other], heard[one], heard[other], shift)
            found[pair] = min(found[pair], apart)
    return found


@compiled
def near(row: int, quick: Words, sketches: Words, new: Flags, found: Numbers) -> int:
    """The later clips that are near one by their sketches, where one of the two is new.

    Args:
        row: the number of the one.
        quick: the first words of all sketches, [QUICK, clips].
        sketches: all of them, [clips, WORDS].
        new: which clips are, [clips].
        found: filled with numbers of clips, [clips].

    Returns:
        How many were found.
    """
    many, apart = 0, np.empty(_CHUNK, np.uint64)
    for begin in range(row + 1, quick.shape[1], _CHUNK):
        size = min(_CHUNK, quick.shape[1] - begin)
        apart[:] = 0
        for word in range(QUICK):
            own = quick[word, row]
            for place in range(size):
                apart[place] += _ones(own ^ quick[word, begin + place])
        for place in range(size):
            if apart[place] <= _MOST_QUICK:
                other = begin + place
                if (new[row] or new[other]) and _is_near(sketches[row], sketches[other]):
                    found[many] = other
                    many += 1
    return many


@compiled
def keyed(sketches: Words, bits: Numbers) -> Words:
    """Every clip by some bits of its sketch: these above its number, [clips]."""
    found = np.empty(len(sketches), np.uint64)
    for clip in range(len(sketches)):
        key = np.uint64(0)
        for bit in bits:
            key = key << _1 | sketches[clip, bit // 64] >> np.uint64(bit % 64) & _1
        found[clip] = key << np.uint64(32) | np.uint64(clip)
    return found


@compiled
def near_in_order(keys: Words, sketches: Words, new: Flags, reach: int, found: Numbers) -> int:
    """The pairs that agree in their key and are near by their sketches, where one of the two is new.

    Args:
        keys: of `keyed`, in order, [clips].
        sketches: all of them, [clips, WORDS].
        new: which clips are, [clips].
        reach: how many behind it each is compared with.
        found: filled with pairs, the smaller number first, [pairs, 2]; what goes beyond it is left out.

    Returns:
        How many were found.
    """
    many, number = 0, np.uint64(0xFFFFFFFF)
    for place in range(len(keys)):
        one = np.int64(keys[place] & number)
        for behind in range(place + 1, min(place + 1 + reach, len(keys))):
            if keys[behind] >> np.uint64(32) != keys[place] >> np.uint64(32):
                break
            other = np.int64(keys[behind] & number)
            if many < len(found) and (new[one] or new[other]) and _is_near(sketches[one], sketches[other]):
                found[many, 0], found[many, 1] = min(one, other), max(one, other)
                many += 1
    return many


@compiled
def _is_near(one: Words, other: Words) -> bool:
    apart = 0
    for word in range(QUICK):
        apart += int(_ones(one[word] ^ other[word]))
    if apart > _MOST_QUICK:
        return False
    for word in range(QUICK, WORDS):
        apart += int(_ones(one[word] ^ other[word]))
    return apart <= MOST_APART


@compiled
def _share(one: Words, other: Words, one_heard: Flags, other_heard: Flags, shift: int) -> float:
    """Which share of the bits differs, one shifted: half of them where only one has something to be heard."""
    here, there = max(0, shift), max(0, -shift)
    both, alone, differing = 0, 0, 0
    for frame in range(FRAMES - abs(shift)):
        if one_heard[here + frame] and other_heard[there + frame]:
            both += 1
            differing += int(_ones(one[here + frame] ^ other[there + frame]))
        elif one_heard[here + frame] or other_heard[there + frame]:
            alone += 1
    total = (both + alone) * _BITS_OF_FRAME
    return (differing + alone * _BITS_OF_FRAME / 2) / total if total else 1.0


@compiled
def _ones(word: np.uint64) -> np.uint64:
    """How many bits are set: in pairs, fours, bytes, and the sum of these."""
    word = word - (word >> _1 & _EVEN)
    word = (word & _PAIRS) + (word >> _2 & _PAIRS)
    word = word + (word >> _4) & _NIBBLES
    return word * _BYTES >> _56

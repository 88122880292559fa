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

RUN = 3
"""Bits of a sketch, of neighbouring bands, that are drawn together: a third of the work."""

STARTS = np.arange(BITS // 64 * 64)[np.arange(BITS // 64 * 64) % 64 <= 64 - RUN]
"""Where such a run may begin: it lies in one word."""

REACH, MOST_NEAR = 32, 8
"""Clips behind it with the same bits that each is compared with, and of how many that are near the pairs are
taken: so the same sounds hang together anyhow, and few pairs lie in memory."""

_MEAN_OF = FRAMES // (BITS // (BANDS - 1))
_BITS_OF_FRAME = BANDS - 1
_SHIFT = 4
"""Frames that two recordings may be apart, as `distance` has it."""

_LAGS = np.array([23, 37, 53, 71, 97, 131, 173])
"""Frames between a sound and itself: 0.6 to 4.3 seconds, and no beat falls into step with all of them."""

_CHUNK = 512

_DIGIT = 11
"""Bits: the places where the next key of each digit goes stay in a processor's nearest memory."""

_0, _1, _2, _4, _56 = map(np.uint64, (0, 1, 2, 4, 56))
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

    All bands of a frame are counted at once: their counts stand upright, the ones in a word, the twos in
    another, and so on up to `_MEAN_OF`.

    Args:
        words, heard: as `unpacked` gives them.
    """
    sketches = np.zeros((len(words), WORDS), np.uint64)
    for clip in range(len(words)):
        for part in range(FRAMES // _MEAN_OF):
            ones, twos, fours, eights, sixteens = _0, _0, _0, _0, _0
            audible = 0
            for frame in range(part * _MEAN_OF, (part + 1) * _MEAN_OF):
                if heard[clip, frame]:
                    audible += 1
                    carry = words[clip, frame]
                    ones, carry = ones ^ carry, ones & carry
                    twos, carry = twos ^ carry, twos & carry
                    fours, carry = fours ^ carry, fours & carry
                    eights, carry = eights ^ carry, eights & carry
                    sixteens |= carry
            # Which counts are above half of what is audible, from the highest digit down.
            more, same = sixteens, ~sixteens
            for digit, bits in ((8, eights), (4, fours), (2, twos), (1, ones)):
                if audible // 2 & digit:
                    same &= bits
                else:
                    more |= same & bits
                    same &= ~bits
            bit = part * _BITS_OF_FRAME
            place, shift = bit // 64, bit % 64
            sketches[clip, place] |= more << np.uint64(shift)
            if shift > 64 - _BITS_OF_FRAME:
                sketches[clip, place + 1] |= more >> np.uint64(64 - shift)
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
def keyed(sketches: Words, starts: Numbers, word: int) -> Words:
    """Every clip by some bits of its sketch: these, what there is room for of a word, its number, [clips].

    Args:
        sketches: of all clips, [clips, WORDS].
        starts: where to take `RUN` bits of one word, the lowest of them; in all there is room for above a
            number.
        word: which word of a sketch stands behind them, its highest bits first.
    """
    found, of_number = np.empty(len(sketches), np.uint64), _digits(len(sketches))
    spare = np.uint64(64 - RUN * len(starts)) - of_number
    words, shifts = (starts // 64).astype(np.uint64), (starts % 64).astype(np.uint64)
    run, ones = np.uint64(RUN), np.uint64((1 << RUN) - 1)
    for clip in range(len(sketches)):
        key = np.uint64(0)
        for place in range(len(starts)):
            key = key << run | sketches[clip, words[place]] >> shifts[place] & ones
        key = key << spare | sketches[clip, word] >> np.uint64(64) - spare
        found[clip] = key << of_number | np.uint64(clip)
    return found


@compiled
def in_order(keys: Words) -> Words:
    """The keys of `keyed` from the smallest up, [clips]: by a digit after the other, in a third of the time.

    Sorting by a digit keeps the order of those that agree in it. Their numbers, the lowest, are in order.

    Args:
        keys: as `keyed` gives them; overwritten.
    """
    other, ends = np.empty_like(keys), np.empty((1 << _DIGIT) + 1, np.intp)
    ones = np.uint64((1 << _DIGIT) - 1)
    for shift in range(np.int64(_digits(len(keys))), 64, _DIGIT):
        ends[:] = 0
        for key in keys:
            ends[np.int64(key >> np.uint64(shift) & ones) + 1] += 1
        for digit in range(1 << _DIGIT):
            ends[digit + 1] += ends[digit]
        for key in keys:
            its = np.int64(key >> np.uint64(shift) & ones)
            other[ends[its]] = key
            ends[its] += 1
        keys, other = other, keys
    return keys


@compiled
def near_in_order(
    keys: Words, first: int, bits: int, sketches: Words, new: Flags, most: float, found: Numbers
) -> int:
    """The pairs that agree in some bits and are near by their sketches, where one of the two is new.

    Args:
        keys: as `in_order` leaves them, from the smallest up, [clips].
        first: where among them to begin.
        bits: how many bits these begin with.
        sketches: all of them, [clips, WORDS].
        new: which clips are, [clips].
        most: share of the bits between these and the number that may differ; so most pairs need no look at
            their sketches, which lie anywhere in memory.
        found: filled with pairs, the smaller number first, [places * REACH, 2]: of so many places.

    Returns:
        How many were found.
    """
    of_number, behind_bits = _digits(len(sketches)), np.uint64(64 - bits)
    most_spare = np.uint64(most * (64 - bits - np.int64(of_number)))
    wait = 0
    for place in range(first, min(first + len(found) // REACH, len(keys))):
        for behind in range(place + 1, min(place + 1 + REACH, len(keys))):
            differing = keys[place] ^ keys[behind]
            if bits and differing >> behind_bits:
                break
            if _ones(differing >> of_number) <= most_spare:
                found[wait, 0], found[wait, 1] = place, behind
                wait += 1
    # One after the other without a question between them: a processor reads many at the same time then.
    apart, number = np.zeros(wait, np.uint64), (_1 << of_number) - _1
    for pair in range(wait):
        one, other = keys[found[pair, 0]] & number, keys[found[pair, 1]] & number
        for word in range(QUICK):
            apart[pair] += _ones(sketches[one, word] ^ sketches[other, word])
    many, place, taken = 0, -1, 0
    for pair in range(wait):
        if found[pair, 0] != place:
            place, taken = found[pair, 0], 0
        one, other = np.int64(keys[place] & number), np.int64(keys[found[pair, 1]] & number)
        if (
            taken < MOST_NEAR
            and apart[pair] <= _MOST_QUICK
            and (new[one] or new[other])
            and _is_near(sketches[one], sketches[other])
        ):
            found[many, 0], found[many, 1] = min(one, other), max(one, other)
            many += 1
            taken += 1
    return many


@compiled
def _digits(clips: int) -> np.uint64:
    """How many bits the number of a clip has."""
    digits = 1
    while clips > 1 << digits:
        digits += 1
    return np.uint64(digits)


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

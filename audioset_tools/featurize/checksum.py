"""The checksum of a chunk: HDF5's own fletcher32, computed here because HDF5 takes several times as long.

Fletcher's sums are those of one's complement, in which 0xffff is zero again: the first is that of the 16-bit
words, the second that of all first sums on the way. HDF5 takes the two bytes of a word the other way round
than they stand in a number here; in one's complement that merely swaps the two bytes of both sums, so it is
done once at the end.

Within a block of B words w_0 ... w_(B-1) the second sum grows by B times the first sum so far and by
sum((B - j) w_j), which needs no word to wait for the one before it.
"""

import math

import numpy as np
import numpy.typing as npt

from .compiled import compiled

BLOCK = 256
"""Words of a block: the largest sum, 256 * 257 / 2 * 65535, still fits into 32 bits."""

Sums = npt.NDArray[np.uint32]


def fletcher32(rows: npt.NDArray[np.float32], which: npt.NDArray[np.int64] | None = None) -> Sums:
    """HDF5's checksum of rows, each taken for itself.

    Args:
        rows: float32 of little endian, contiguous, [rows, ...].
        which: the rows to look at, [n]; None for all.

    Returns:
        uint32, [n].
    """
    chosen = np.arange(len(rows)) if which is None else which
    words = rows.reshape(len(rows), math.prod(rows.shape[1:])).view("<u2")
    return _fletcher32(words, chosen)


@compiled
def _fletcher32(rows: npt.NDArray[np.uint16], which: npt.NDArray[np.int64]) -> Sums:
    found = np.empty(len(which), np.uint32)
    for place in range(len(which)):
        found[place] = _fletcher32_of(rows[which[place]])
    return found


@compiled
def _fletcher32_of(words: npt.NDArray[np.uint16]) -> np.uint32:
    whole = len(words) - len(words) % BLOCK
    first, second = np.uint64(0), np.uint64(0)
    for start in range(0, whole, BLOCK):
        plain, weighted = np.uint32(0), np.uint32(0)
        for place in range(BLOCK):
            word = np.uint32(words[start + place])
            plain += word
            weighted += np.uint32(BLOCK - place) * word
        second = _fold(second + np.uint64(BLOCK) * first + np.uint64(weighted))
        first = _fold(first + np.uint64(plain))
    for place in range(whole, len(words)):
        first = _fold(first + np.uint64(words[place]))
        second = _fold(second + first)
    return np.uint32(_swapped(second) << np.uint64(16) | _swapped(first))


@compiled
def _fold(number: np.uint64) -> np.uint64:
    """The same number in one's complement of 16 bits; only zero itself becomes zero."""
    while number >> np.uint64(16):
        number = (number & np.uint64(0xFFFF)) + (number >> np.uint64(16))
    return number


@compiled
def _swapped(number: np.uint64) -> np.uint64:
    return (number & np.uint64(0xFF)) << np.uint64(8) | number >> np.uint64(8)

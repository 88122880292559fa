"""Reading the chunks of a shard past HDF5, straight to where the mels are wanted, and their checksum.

HDF5 is asked once where each chunk lies: there are the mel and its checksum. Reading them by offset takes a
fifth of the time, needs no lock, leaves no file open that processes would share, and reads neighbours at one
go. The checksum, fletcher32, is computed here because HDF5 takes several times as long.

Fletcher's sums are those of one's complement, in which 0xffff is zero again: the first is that of the 16-bit
words, the second that of all first sums on the way. HDF5 takes the two bytes of a word the other way round
than they stand in a number here; in one's complement that merely swaps the two bytes of both sums, so it is
done once at the end. Within a block of B words w_0 ... w_(B-1) the second sum grows by B times the first sum
so far and by sum((B - j) w_j), which needs no word to wait for the one before it.
"""

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..compiled import compiled
from ..exceptions import DataMismatch
from ..files import open_file
from .index import FEATURIZE_AGAIN

BLOCK = 256
"""Words of a block: the largest sum, 256 * 257 / 2 * 65535, still fits into 32 bits."""

Sums = npt.NDArray[np.uint32]


def fletcher32(rows: npt.NDArray[Any], which: npt.NDArray[np.int64] | None = None) -> Sums:
    """HDF5's checksum of rows, each taken for itself.

    Args:
        rows: float32 of little endian, or an even number of bytes each, contiguous, [rows, ...].
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
    for i in range(len(which)):
        found[i] = _fletcher32_of(rows[which[i]])
    return found


@compiled
def _fletcher32_of(words: npt.NDArray[np.uint16]) -> np.uint32:
    whole = len(words) - len(words) % BLOCK
    first, second = np.uint64(0), np.uint64(0)
    for start in range(0, whole, BLOCK):
        plain, weighted = np.uint32(0), np.uint32(0)
        for i in range(BLOCK):
            word = np.uint32(words[start + i])
            plain += word
            weighted += np.uint32(BLOCK - i) * word
        second = _fold(second + np.uint64(BLOCK) * first + np.uint64(weighted))
        first = _fold(first + np.uint64(plain))
    for i in range(whole, len(words)):
        first = _fold(first + np.uint64(words[i]))
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


CHECKSUM_BYTES = 4
"""Behind the values of every chunk."""

MOST_ROWS = 512
"""Read by one call of the kernel, which takes at most 1024 places to put things."""

Stamp = tuple[int, int, int, int]
Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


def stamp_of(status: os.stat_result) -> Stamp:
    """What distinguishes a file from another one that takes its name, or from itself rewritten."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def read_chunks(path: Path, stamp: Stamp, offsets: Rows, mels: Floats, slots: Rows) -> list[int]:
    """Read some chunks of a file to some slots.

    Args:
        path, stamp: the file, and which one it must be.
        offsets: where in it each chunk begins, [n].
        mels: where their values go, float32, contiguous, [at least n, ...].
        slots: which of `mels` each goes to, [n].

    Returns:
        Which of the n chunks do not match their checksums.

    Raises:
        DataMismatch: the file is gone, cannot be read, or is another one.
    """
    order = np.argsort(offsets, kind="stable")
    sums = np.empty((len(offsets), 1), "<u4")
    try:
        with open_file(path) as file:
            descriptor = file.fileno()
            if stamp_of(os.fstat(descriptor)) != stamp:
                raise DataMismatch(f"{path} has changed since it was opened", FEATURIZE_AGAIN)
            for stretch in _stretches(offsets, order, mels[:1].nbytes + CHECKSUM_BYTES):
                views = [part.data.cast("B") for at in stretch for part in (mels[slots[at]], sums[at])]
                _fill(descriptor, views, int(offsets[stretch[0]]), path)
    except OSError as error:
        raise DataMismatch(f"{path} cannot be read: {error.strerror}", FEATURIZE_AGAIN) from error
    return np.flatnonzero(fletcher32(mels, slots) != sums[:, 0]).tolist()


def prefetch_chunks(path: Path, offsets: Rows, size: int) -> None:
    """Have the kernel read chunks of `size` bytes ahead; where it cannot, nothing happens."""
    if not hasattr(os, "posix_fadvise"):
        return
    with suppress(OSError), open_file(path) as file:
        for stretch in _stretches(offsets, np.argsort(offsets), size + CHECKSUM_BYTES):
            length = len(stretch) * (size + CHECKSUM_BYTES)
            os.posix_fadvise(file.fileno(), int(offsets[stretch[0]]), length, os.POSIX_FADV_WILLNEED)


def _stretches(offsets: Rows, order: Rows, size: int) -> Iterator[Rows]:
    """Cut the ascending order of chunks into stretches that follow upon each other in the file."""
    breaks = np.flatnonzero(np.diff(offsets[order]) != size) + 1
    for stretch in np.split(order, breaks):
        for start in range(0, len(stretch), MOST_ROWS):
            yield stretch[start : start + MOST_ROWS]


def _fill(descriptor: int, views: list[memoryview], offset: int, path: Path) -> None:
    while views:
        # The kernel may give less than asked for: at a signal, and beyond 2 GiB always.
        got = os.preadv(descriptor, views, offset)
        if not got:
            raise DataMismatch(f"{path} is cut off", FEATURIZE_AGAIN)
        offset += got
        while views and got >= len(views[0]):
            got -= len(views.pop(0))
        if got:
            views[0] = views[0][got:]

"""Reading the chunks of a shard past HDF5, straight to where the mels are wanted.

HDF5 tells once where each chunk lies; what lies there is the mel and its checksum. Reading them by place
takes a fifth of the time, needs no lock, leaves no file open that processes would share, and reads neighbours
at one go.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import DataMismatch
from .checksum import fletcher32
from .index import FEATURIZE_AGAIN

CHECKSUM_BYTES = 4
"""Behind the values of every chunk."""

MOST_ROWS = 512
"""Read by one call of the kernel, which takes at most 1024 places to put things."""

Stamp = tuple[int, int, int, int]
Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float32]


def stamp_of(status: os.stat_result) -> Stamp:
    """What tells a file from another one that takes its name, or from itself rewritten."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def read_chunks(path: Path, stamp: Stamp, offsets: Rows, mels: Floats, places: Rows) -> list[int]:
    """Read some chunks of a file to some places.

    Args:
        path, stamp: the file, and which one it must be.
        offsets: where in it each chunk begins, [n].
        mels: where their values go, float32, contiguous, [at least n, ...].
        places: which of `mels` each goes to, [n].

    Returns:
        Which of the n chunks do not match their checksums.

    Raises:
        DataMismatch: the file is gone, cannot be read, or is another one.
    """
    order = np.argsort(offsets, kind="stable")
    sums = np.empty((len(offsets), 1), "<u4")
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            if stamp_of(os.fstat(descriptor)) != stamp:
                raise DataMismatch(f"{path} has changed since it was opened", FEATURIZE_AGAIN)
            for stretch in _stretches(offsets, order, mels[:1].nbytes + CHECKSUM_BYTES):
                views = [part.data.cast("B") for at in stretch for part in (mels[places[at]], sums[at])]
                _fill(descriptor, views, int(offsets[stretch[0]]), path)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise DataMismatch(f"{path} cannot be read: {error.strerror}", FEATURIZE_AGAIN) from error
    return np.flatnonzero(fletcher32(mels, places) != sums[:, 0]).tolist()


def prefetch_chunks(path: Path, offsets: Rows, size: int) -> None:
    """Have the kernel read chunks of `size` bytes ahead; where it cannot, nothing happens."""
    if not hasattr(os, "posix_fadvise"):
        return
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            for stretch in _stretches(offsets, np.argsort(offsets), size + CHECKSUM_BYTES):
                length = len(stretch) * (size + CHECKSUM_BYTES)
                os.posix_fadvise(descriptor, int(offsets[stretch[0]]), length, os.POSIX_FADV_WILLNEED)
        finally:
            os.close(descriptor)


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

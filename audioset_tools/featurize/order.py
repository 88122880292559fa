"""In what order the rows of a split come: shuffled well, and still read in stretches.

Every shard is cut into runs of neighbouring rows, at places that change with the epoch. The runs of all
shards are shuffled and laid behind each other; then rows are shuffled within a buffer of many runs at a time.
So a disk looks for a place once in a run rather than once a row, and memory holds one buffer.

The noise copies of a clip stand beside it in its shard, hence mostly in the same run and buffer. There they
are shuffled like any other rows: a third of a buffer lies between two of them on average, and a buffer holds
five batches of the paper's size. What else is in the buffer changes with every epoch.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

RUN = 16
"""Rows; 6.5 MB of the paper's mels, which any disk reads for longer than it looks for them."""

BUFFER_BYTES = 256 * 2**20

Rows = npt.NDArray[np.int64]


def buffer_rows(row_bytes: int) -> int:
    """How many rows of a size are shuffled at a time: a few runs at least."""
    return max(4 * RUN, BUFFER_BYTES // row_bytes)


def shuffled(shard_rows: Sequence[int], buffer: int, seed: int, epoch: int) -> Iterator[Rows]:
    """All rows once, in an order that nothing but the arguments decides.

    Args:
        shard_rows: of every shard.
        buffer: rows to shuffle at a time.
        seed, epoch: which order.

    Yields:
        Row numbers, counted over all shards, a buffer at a time.
    """
    rng = np.random.default_rng((seed, epoch))
    ends = np.cumsum(shard_rows)
    cuts = [
        np.arange(end - rows + rng.integers(1, RUN, endpoint=True), end, RUN)
        for end, rows in zip(ends, shard_rows, strict=True)
    ]
    runs = np.split(np.arange(ends[-1]), np.unique(np.concatenate([*cuts, ends[:-1]])))
    order = np.concatenate([runs[run] for run in rng.permutation(len(runs))])
    for start in range(0, len(order), buffer):
        yield rng.permutation(order[start : start + buffer])

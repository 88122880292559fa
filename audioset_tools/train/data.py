"""Batches for the loop, read from the memory-mapped shards.

The page cache keeps what fits into memory, so there is no second copy of our own.
"""

from collections.abc import Iterator

import numpy as np
import torch

from ..featurize.reader import MelShards


def batches(
    shards: MelShards, batch_size: int, shuffle: tuple[int, int] | None = None
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """All rows of a split once, in batches; the last may be smaller.

    Args:
        shards: the split.
        batch_size: rows of a batch.
        shuffle: seed and epoch, which decide the order; None for the order of the shards.

    Yields:
        mels, float32, [B, 1, bands, frames]; labels, int64, [B].
    """
    order = np.arange(len(shards))
    if shuffle is not None:
        order = np.random.default_rng(shuffle).permutation(order)
    for start in range(0, len(order), batch_size):
        # Ascending inside a batch: the order there means nothing to training, and the disk is read forwards.
        rows = np.sort(order[start : start + batch_size])
        mel = torch.from_numpy(shards.take(rows)).unsqueeze(1)
        yield mel, torch.from_numpy(shards.label[rows].astype(np.int64))

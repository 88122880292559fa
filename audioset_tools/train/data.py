"""Batches for the loop: the shards' own, as tensors, each read while the one before it is learned from."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

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
        mels, float32, [B, 1, bands, frames]; targets: classes, int64, [B]; or, multi-label, 0 or 1 for every
        class, float32, [B, classes].
    """
    seed, epoch = shuffle or (None, 0)
    read = shards.batches(batch_size, seed, epoch)
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as reader:
        ahead = reader.submit(next, read, None)
        while (batch := ahead.result()) is not None:
            ahead = reader.submit(next, read, None)
            mel, target = batch
            dtype = np.float32 if target.ndim > 1 else np.int64
            yield torch.from_numpy(mel).unsqueeze(1), torch.from_numpy(target.astype(dtype))

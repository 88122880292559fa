"""Batches for the loop: the shards' own, as tensors, each read while the one before it is learned from."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext

import numpy as np
import torch

from ..featurize.reader import MelShards

Tensors = tuple[torch.Tensor, torch.Tensor]

CPU = torch.device("cpu")


def batches(
    shards: MelShards,
    batch_size: int,
    shuffle: tuple[int, int] | None = None,
    device: torch.device = CPU,
) -> Iterator[Tensors]:
    """All rows of a split once, in batches; the last may be smaller.

    Args:
        shards: the split.
        batch_size: rows of a batch.
        shuffle: seed and epoch, which decide the order; None for the order of the shards.
        device: where they are wanted. A CUDA device gets a batch while it computes with the one before.

    Yields:
        mels, float32, [B, 1, bands, frames]; targets: classes, int64, [B]; or, multi-label, 0 or 1 for every
        class, float32, [B, classes].
    """
    seed, epoch = shuffle or (None, 0)
    read = shards.batches(batch_size, seed, epoch)
    copying = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]

    def following() -> Tensors | None:
        if (batch := next(read, None)) is None:
            return None
        mel, target = batch
        dtype = np.float32 if target.ndim > 1 else np.int64
        with torch.cuda.stream(copying) if copying else nullcontext():
            return (
                torch.from_numpy(mel).unsqueeze(1).to(device),
                torch.from_numpy(target.astype(dtype)).to(device),
            )

    with ThreadPoolExecutor(1, thread_name_prefix="batches") as reader:
        ahead = reader.submit(following)
        while (tensors := ahead.result()) is not None:
            ahead = reader.submit(following)
            if copying:
                # Their memory belongs to the copying stream, which would else reuse it too soon.
                for tensor in tensors:
                    tensor.record_stream(torch.cuda.current_stream(device))
            yield tensors

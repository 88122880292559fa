"""Small shards for the tests of shards and reader."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from audioset_tools.shards.shard import ShardHeader, write_shard
from audioset_tools.shards.spec import MelSpec

SHAPE = (4, 6)
HEADER = ShardHeader("train", "paper", ("Piano", "Drums"), MelSpec(), "digest", "inputs", "0.1.0", "0.11")
SEVERAL = replace(HEADER, recipe="several", multi_label=True)


def mels(rows: int) -> np.ndarray:
    return np.arange(rows * 24, dtype=np.float32).reshape(rows, *SHAPE)


def write(path: Path, rows: int = 20, header: ShardHeader = HEADER, offset: float = 0) -> Path:
    """Rows that all differ; every clip has one noise copy; multi-label, each third row has both.

    Two clips are a group.
    """
    with write_shard(path, header, rows, SHAPE) as writer:
        for row, mel in enumerate(mels(rows) + np.float32(offset)):
            also = [1 - row % 2] if header.multi_label and row % 3 == 0 else []
            writer.add(
                mel,
                label=row % 2,
                key=f"-key_{row // 2}",
                noise=row % 2,
                sha256="a" * 64,
                also=also,
                group=f"-group_{row // 4}",
            )
    return path

"""Declaring a folder of shards finished."""

from collections.abc import Sequence
from pathlib import Path

from .index import Index, Listed, write_index
from .shard import open_shard
from .statistics import combined


def finish_folder(folder: Path, shards: Sequence[Path]) -> None:
    """Write `index.json`: which shards there are, and mean and standard deviation over the train split.

    The statistics come from those that every shard keeps of its own rows, in the order given: the same
    bytes, however many workers made the shards and in whatever order.

    Args:
        folder: of one spec.
        shards: all that belong to it.

    Raises:
        DataMismatch: a shard is damaged.
    """
    opened = [open_shard(path) for path in shards]
    train = [shard.statistics for shard in opened if shard.header.split == "train"]
    mean, std = (), ()
    if train:
        over_all = combined(train)
        mean, std = tuple(over_all.mean.tolist()), tuple(over_all.std.tolist())
    listed = {
        shard.path.name: Listed(shard.header.split, len(shard), shard.header.inputs) for shard in opened
    }
    write_index(folder, Index(listed, mean, std))

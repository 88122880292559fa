"""What the rows of a shard are, in names: for whoever looks at one."""

import numpy as np

from .shard import Shard


def keys_of(shard: Shard) -> list[str]:
    """The key of every row."""
    return [key.decode("ascii", "backslashreplace") for key in shard.key.tolist()]


def classes_of(shard: Shard) -> list[list[str]]:
    """The classes that every row carries, the one it was drawn for first."""
    names = shard.header.class_names
    also = shard.target.astype(bool)
    also[np.arange(len(shard)), shard.label] = False
    return [
        [names[label], *(names[number] for number in np.flatnonzero(others))]
        for label, others in zip(shard.label.tolist(), also, strict=True)
    ]

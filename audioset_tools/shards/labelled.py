"""The clips of all splits together, for who learns from some of them and asks about the others."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from .chunks import Floats, Rows
from .index import read_index
from .reader import Batch, Labels, MelShards, Targets, buffer_rows, shuffled
from .shard import ShardHeader

Names = npt.NDArray[np.bytes_]


class TrainingRows(Protocol):
    """What a network learns from: the `MelShards` of a split, or `LabelledClips`."""

    @property
    def header(self) -> ShardHeader:
        """Of one of its shards: classes, recipe and spec are those of all."""

    @property
    def mean(self) -> Floats:
        """Of every band over the train split, [bands]."""

    @property
    def target(self) -> Targets:
        """What is learned of every row; see `MelShards.target`."""

    def __len__(self) -> int: ...

    def take(self, rows: Sequence[int] | npt.NDArray[np.integer]) -> Floats:
        """The mels of some rows: float32, [len(rows), bands, frames]."""

    def batches(self, batch_size: int, seed: int | None = None, epoch: int = 0) -> Iterator[Batch]:
        """All rows once, in batches; see `MelShards.batches`."""


@dataclass(frozen=True, slots=True)
class LabelledClips:
    """Clips of any splits, without noise copies, and labels, which need not be those that the shards have.

    Args:
        shards: one `MelShards` for each split.
        rows: which of all their rows, counted on from one to the next, int64, [clips].
        target: what a model learns of every clip, as `MelShards.target` has it.
    """

    shards: tuple[MelShards, ...]
    rows: Rows
    target: Targets

    @property
    def header(self) -> ShardHeader:
        return self.shards[0].header

    @property
    def shape(self) -> tuple[int, int]:
        """Bands and frames."""
        return self.shards[0].shape

    @property
    def mean(self) -> Floats:
        return self.shards[0].mean

    @property
    def key(self) -> Names:
        """Of every clip, [clips]."""
        return self._columns([one.key for one in self.shards])

    @property
    def group(self) -> Names:
        """Of every clip, [clips]."""
        return self._columns([one.group for one in self.shards])

    @property
    def split(self) -> npt.NDArray[np.str_]:
        """Of every clip, [clips]."""
        return self._columns([np.full(len(one), one.header.split) for one in self.shards])

    @property
    def label(self) -> Labels:
        """The class of every clip, [clips]; multi-label, the one it was drawn for."""
        if self.target.ndim == 1:
            return self.target.astype(np.int64)
        return self._columns([one.label for one in self.shards])

    def __len__(self) -> int:
        return len(self.rows)

    def select(self, clips: Rows) -> Self:
        """Only some of them, which are counted from 0."""
        return replace(self, rows=self.rows[clips], target=self.target[clips])

    def take(self, clips: Sequence[int] | npt.NDArray[np.integer]) -> Floats:
        """The mels of some clips: float32, [len(clips), bands, frames]."""
        rows, ends = self.rows[np.asarray(clips, np.int64)], np.cumsum([len(one) for one in self.shards])
        mels = np.empty((len(rows), *self.shape), np.float32)
        of_shards = np.searchsorted(ends, rows, side="right")
        for number in np.unique(of_shards).tolist():
            which = of_shards == number
            mels[which] = self.shards[number].take(rows[which] - (ends[number] - len(self.shards[number])))
        return mels

    def batches(self, batch_size: int, seed: int | None = None, epoch: int = 0) -> Iterator[Batch]:
        """All clips once, in batches; the last may be smaller; see `MelShards.batches`."""
        order = np.arange(len(self))
        if seed is not None:
            order = shuffled([len(self)], buffer_rows(4 * self.shape[0] * self.shape[1]), seed, epoch)
        for start in range(0, len(order), batch_size):
            clips = order[start : start + batch_size]
            yield self.take(clips), self.target[clips]

    def _columns(self, parts: Sequence[npt.NDArray[Any]]) -> npt.NDArray[Any]:
        return np.concatenate(parts)[self.rows]


def read_labelled(folder: Path) -> LabelledClips:
    """All clips of a folder of shards.

    Raises:
        DataMismatch: the folder is unfinished, or a shard missing, damaged or foreign.
    """
    splits = sorted({listed.split for listed in read_index(folder).shards.values()})
    shards = tuple(MelShards(folder, split) for split in splits)
    rows = np.flatnonzero(np.concatenate([one.noise for one in shards]) == 0)
    return LabelledClips(shards, rows, np.concatenate([one.target for one in shards])[rows])

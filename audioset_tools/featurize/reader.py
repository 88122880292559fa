"""The rows of finished shards, for training and for other people."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import DataMismatch
from .index import FEATURIZE_AGAIN, read_index
from .shard import Floats, Shard, ShardHeader, open_shard


class MelShards:
    """The rows of one split over all its shards, in the order of the shards.

    Opens every shard once and keeps the maps; `take` is then nothing but reading memory.

    Args:
        folder: the shards of one spec.
        split: train, validation or test.

    Attributes:
        header: of the first shard.
        label: int32, [rows]. key: bytes, [rows]. noise: int32, [rows].

    Raises:
        DataMismatch: the folder is unfinished, or a shard is missing, damaged, foreign or of another spec.
    """

    def __init__(self, folder: Path, split: str) -> None:
        listed = read_index(folder)
        shards = [_open_listed(folder / name, listed[name]) for name in sorted(listed)]
        for shard in shards:
            if _meaning(shard.header) != _meaning(shards[0].header):
                raise DataMismatch(f"{shard.path} is of another spec or recipe", FEATURIZE_AGAIN)
        chosen = [shard for shard in shards if shard.header.split == split]
        if not chosen:
            raise DataMismatch(f"{folder} has no shard of the {split} split", FEATURIZE_AGAIN)
        self.header = chosen[0].header
        self.label = np.concatenate([shard.label for shard in chosen])
        self.key = np.concatenate([shard.key for shard in chosen])
        self.noise = np.concatenate([shard.noise for shard in chosen])
        self._mels = [shard.mel for shard in chosen]
        self._starts = np.cumsum([0] + [len(mel) for mel in self._mels])

    def __len__(self) -> int:
        return len(self.label)

    @property
    def shape(self) -> tuple[int, int]:
        """Bands and frames."""
        bands, frames = self._mels[0].shape[1:]
        return bands, frames

    def take(self, rows: npt.NDArray[np.integer]) -> Floats:
        """The mels of some rows: float32, [len(rows), bands, frames]."""
        batch = np.empty((len(rows), *self.shape), np.float32)
        shard_of = np.searchsorted(self._starts, rows, side="right") - 1
        for shard in np.unique(shard_of):
            places = np.flatnonzero(shard_of == shard)
            batch[places] = self._mels[shard][rows[places] - self._starts[shard]]
        return batch


def _open_listed(path: Path, inputs: str) -> Shard:
    if not path.exists():
        raise DataMismatch(f"the shard {path} is missing", FEATURIZE_AGAIN)
    shard = open_shard(path)
    if shard.header.inputs != inputs:
        raise DataMismatch(f"{path} is not the shard that index.json names", FEATURIZE_AGAIN)
    return shard


def _meaning(header: ShardHeader) -> tuple[object, ...]:
    return header.recipe, header.class_names, header.spec, header.spec_digest


def find_shards(root: Path, name: str | None = None) -> Path:
    """The folder of shards to use.

    Args:
        root: the workspace's `shards` folder.
        name: which one; None if there is only one.

    Raises:
        DataMismatch: there is none, there are several and no name is given, or none of that name.
    """
    folders = {path.name: path for path in sorted(root.glob("*")) if path.is_dir()}
    if not folders:
        raise DataMismatch(f"no shards in {root}", "Run `audioset-tools featurize` first.")
    if name is None and len(folders) == 1:
        return next(iter(folders.values()))
    if name not in folders:
        trouble = f"no shards {name!r} in {root}" if name else f"{root} has shards of {len(folders)} specs"
        raise DataMismatch(trouble, f"Choose one with --shards NAME: {', '.join(folders)}.")
    return folders[name]

"""The features of a workspace's clips, from the clips themselves: a tagger takes waveforms, no mels."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ...audio.clip import read_clip
from ...exceptions import DataMismatch
from ...shards.dataset import read_datasets
from ...shards.reader import MelShards
from ...types import CLIP_SECONDS, OnProgress, Progress, silent
from ...workspace import Workspace
from .embedder import Embedder, Features

AT_ONCE = 16
"""Clips in memory."""

Rows = Sequence[int] | npt.NDArray[np.integer]


class ClipFeatures:
    """Features of clips, each computed once however often it is asked for.

    Args:
        workspace: where `dataset.csv` and the clips lie.

    Raises:
        DataMismatch: `dataset.csv` is damaged.
    """

    def __init__(self, workspace: Workspace, embedder: Embedder) -> None:
        self._workspace, self._embedder = workspace, embedder
        self._placements = read_datasets(workspace.datasets())
        self._known: dict[str, Features] = {}

    def take(self, shards: MelShards, rows: Rows, on_progress: OnProgress = silent) -> Features:
        """The features of some rows of a split, float32, [rows, features]; their mels are not read.

        Args:
            on_progress: called after some clips, with those of `rows`.

        Raises:
            DataMismatch: a clip is gone, damaged, or not in `dataset.csv`; or the file fails over it.
        """
        keys = [key.decode() for key in shards.key[rows]]
        for start in range(0, len(keys), AT_ONCE):
            self._learn([key for key in keys[start : start + AT_ONCE] if key not in self._known])
            on_progress(Progress(min(start + AT_ONCE, len(keys)), len(keys), "features"))
        return np.stack([self._known[key] for key in keys])

    def _learn(self, keys: Sequence[str]) -> None:
        sounds = [self._sound(key) for key in keys]
        if sounds:
            rate = len(sounds[0]) // CLIP_SECONDS
            self._known |= zip(keys, self._embedder(sounds, rate), strict=True)

    def _sound(self, key: str) -> npt.NDArray[np.float32]:
        if key not in self._placements:
            raise DataMismatch(
                f"the clip {key} of the shards is not in {self._workspace.dataset}",
                "Run `audioset-tools featurize` again.",
            )
        placement = self._placements[key]
        return read_clip(self._workspace.root / placement.path, placement.sha256)

"""Features of the clips of a split: which clip's, in which order, each once."""

from pathlib import Path

import numpy as np
import pytest

from audioset_tools.audio.clip import read_clip
from audioset_tools.exceptions import DataMismatch
from audioset_tools.shards.dataset import read_dataset, write_dataset
from audioset_tools.shards.reader import MelShards, find_shards
from audioset_tools.train.probe.clips import ClipFeatures
from audioset_tools.types import Progress
from audioset_tools.workspace import Workspace
from tests.factories import featurized


class Ears:
    """Stands for an `Embedder`: the features of a sound are its first samples."""

    def __init__(self) -> None:
        self.heard = 0

    def __call__(self, sounds: list[np.ndarray], rate: int) -> np.ndarray:
        assert rate == 16_000
        self.heard += len(sounds)
        return np.stack([sound[100:103] for sound in sounds])


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return featurized(tmp_path_factory.mktemp("workspace"))


def test_rows_in_their_order_each_clip_heard_once(workspace: Workspace) -> None:
    ears, steps = Ears(), list[Progress]()
    clips = ClipFeatures(workspace, ears)  # type: ignore[arg-type]
    shards = MelShards(find_shards(workspace.shards, None), "train")
    rows = np.flatnonzero(shards.noise == 0)[::-1]
    found = clips.take(shards, rows, steps.append)
    placements = {one.key: one for one in read_dataset(workspace.dataset)}
    for row, features in zip(rows, found, strict=True):
        one = placements[shards.key[row].decode()]
        assert one.split == "train"
        np.testing.assert_array_equal(features, read_clip(workspace.root / one.path, one.sha256)[100:103])
    np.testing.assert_array_equal(clips.take(shards, rows[:3]), found[:3])
    assert ears.heard == len(rows)
    assert (steps[-1].done, steps[-1].total) == (len(rows), len(rows))


def test_a_clip_that_is_gone_or_in_no_list_is_an_error(tmp_path: Path) -> None:
    workspace = featurized(tmp_path)
    shards = MelShards(find_shards(workspace.shards, None), "test")
    placements = read_dataset(workspace.dataset)
    (workspace.root / placements[-1].path).unlink()
    write_dataset(workspace.dataset, placements[1:])
    clips = ClipFeatures(workspace, Ears())  # type: ignore[arg-type]
    known = {one.key for one in placements[1:]}
    everything = [
        MelShards(find_shards(workspace.shards, None), split) for split in ("train", "validation", "test")
    ]
    for shards in everything:
        for row, key in enumerate(shards.key):
            if key.decode() not in known:
                with pytest.raises(DataMismatch, match="of the shards is not in"):
                    clips.take(shards, [row])
            elif key.decode() == placements[-1].key:
                with pytest.raises(DataMismatch, match="cannot be read"):
                    clips.take(shards, [row])

"""Batches: every row once, in an order that seed and epoch decide."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from audioset_tools.shards.reader import MelShards
from audioset_tools.train.step import batches
from audioset_tools.workspace import Workspace
from tests.train.conftest import SPEC


def test_every_row_comes_once_with_its_label(workspace: Workspace) -> None:
    shards = MelShards(workspace.shards / "small-1", "train")
    seen = list(batches(shards, 10, shuffle=(0, 1)))
    assert [len(label) for _, label in seen] == [10, 10, 10, 6]
    assert all(mel.shape[1:] == (1, *SPEC.shape) and mel.dtype == torch.float32 for mel, _ in seen)
    assert all(label.dtype == torch.int64 for _, label in seen)
    rows = {mel.numpy().tobytes(): int(label) for part in seen for mel, label in zip(*part, strict=True)}
    everything = shards.take(np.arange(len(shards)))
    expected = {row.tobytes(): int(label) for row, label in zip(everything, shards.label, strict=True)}
    assert rows == expected


def test_seed_and_epoch_decide_the_order(workspace: Workspace) -> None:
    shards = MelShards(workspace.shards / "small-1", "train")

    def order(shuffle: tuple[int, int] | None) -> bytes:
        return b"".join(mel.numpy().tobytes() for mel, _ in batches(shards, 4, shuffle))

    assert order((0, 1)) == order((0, 1))
    assert len({order((0, 1)), order((0, 2)), order((1, 1)), order(None)}) == 4
    assert order(None) == shards.take(np.arange(len(shards))).tobytes()


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")
def test_the_shards_are_a_dataset_for_torchs_own_loader(workspace: Workspace, workers: int) -> None:
    shards = MelShards(workspace.shards / "small-1", "train")
    loader = DataLoader(shards, batch_size=10, shuffle=True, num_workers=workers)  # type: ignore[arg-type]
    seen = [
        (row.numpy().tobytes(), int(label)) for batch in loader for row, label in zip(*batch, strict=True)
    ]
    everything = shards.take(np.arange(len(shards)))
    assert sorted(seen) == sorted(
        (mel.tobytes(), int(x)) for mel, x in zip(everything, shards.label, strict=True)
    )

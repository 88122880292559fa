"""Waveforms of a split, as a map-style data set that needs no torch."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch.utils.data import DataLoader

from audioset_tools import Clips
from audioset_tools.csvfile import read_csv
from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.shards.dataset import HEADER, read_dataset
from audioset_tools.workspace import Workspace
from tests.factories import CLASSES, featurized


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return featurized(tmp_path_factory.mktemp("clips") / "audioset")


def test_a_clip_is_its_file_and_its_class(workspace: Workspace) -> None:
    clips = Clips(workspace, "train")
    rows = {row["key"]: row for row in read_csv(workspace.dataset, HEADER, dict, "")}
    assert (clips.labels, clips.sample_rate, len(clips)) == (CLASSES, 16_000, 6)
    assert clips.keys == sorted(key for key, row in rows.items() if row["split"] == "train")
    for number, key in enumerate(clips.keys):
        samples, target = clips[number]
        sound, _ = soundfile.read(workspace.root / rows[key]["path"], dtype="float32")
        assert samples.dtype == np.float32 and np.array_equal(samples, sound)
        assert CLASSES[target] == rows[key]["class"]


def test_torch_loads_it_with_workers_and_cross_entropy_takes_its_targets(workspace: Workspace) -> None:
    loader = DataLoader(Clips(workspace.root, "train"), batch_size=4, num_workers=2)  # type: ignore[arg-type]
    samples, targets = next(iter(loader))
    assert samples.shape == (4, 160_000) and targets.dtype == torch.int64
    torch.nn.functional.cross_entropy(torch.zeros(4, 2), targets)


def test_batches_hold_every_clip_once_in_an_order_that_the_seed_decides(workspace: Workspace) -> None:
    clips = Clips(workspace, "train")
    first = list(clips.batches(4, seed=1))
    assert [len(samples) for samples, _ in first] == [4, 2]
    again = np.concatenate([samples for samples, _ in clips.batches(4, seed=1)])
    other = np.concatenate([samples for samples, _ in clips.batches(4, seed=1, epoch=1)])
    whole = np.concatenate([samples for samples, _ in first])
    assert np.array_equal(whole, again) and not np.array_equal(whole, other)
    assert sorted(map(bytes, whole)) == sorted(map(bytes, other)) == sorted(map(bytes, clips.take(range(6))))


def test_it_goes_to_another_process_and_needs_no_torch(workspace: Workspace) -> None:
    pickled = pickle.dumps(Clips(workspace, "test"))
    code = (
        f"import pickle, sys; clips = pickle.loads({pickled!r}); samples, target = clips[-1];"
        "print(samples.shape, target, 'torch' in sys.modules, 'librosa' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("False False\n")


@pytest.mark.parametrize("number", [2, -3])
def test_there_is_no_clip_beyond_the_last(workspace: Workspace, number: int) -> None:
    with pytest.raises(IndexError, match=f"no clip {number} among 2"):
        Clips(workspace, "test")[number]


def test_a_split_that_is_none_is_told_those_there_are(workspace: Workspace) -> None:
    with pytest.raises(UsageError, match=r"'val'\n.*has train, validation, test"):
        Clips(workspace, "val")


def test_a_clip_that_changed_is_refused(tmp_path: Path) -> None:
    workspace = featurized(tmp_path / "w")
    path = workspace.root / next(one.path for one in read_dataset(workspace.dataset) if one.split == "test")
    path.write_bytes(path.read_bytes()[:-2] + b"\x01\x02")
    with pytest.raises(DataMismatch, match="not the file that was fetched"):
        list(Clips(workspace, "test").batches(8))


def test_splits_that_are_not_decided_are_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no workspace"):
        Clips(tmp_path / "nowhere", "train")
    workspace = featurized(tmp_path / "w")
    workspace.dataset.unlink()
    with pytest.raises(DataMismatch, match="not decided yet"):
        Clips(workspace, "train")

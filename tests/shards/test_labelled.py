"""All splits together, without noise copies, and labels that may be others than those on disk."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from audioset_tools.exceptions import DataMismatch
from audioset_tools.featurize.run import finish_folder
from audioset_tools.shards.labelled import LabelledClips, read_labelled
from audioset_tools.shards.shard import ShardHeader
from tests.shards.small import HEADER, SEVERAL, mels, write


def make(folder: Path, header: ShardHeader = HEADER) -> LabelledClips:
    """Ten clips of the train split, one of them in a shard of its own, and two of the test split."""
    write(folder / "train-00000.h5", 18, header)
    write(folder / "train-00001.h5", 2, header, offset=1000)
    write(folder / "test-00000.h5", 4, replace(header, split="test"), offset=2000)
    finish_folder(folder, sorted(folder.glob("*.h5")))
    return read_labelled(folder)


def test_clips_of_all_splits_without_their_noise_copies(tmp_path: Path) -> None:
    clips = make(tmp_path)
    assert len(clips) == 12 and set(clips.target.tolist()) == {0}
    assert clips.split.tolist() == ["test"] * 2 + ["train"] * 10
    assert clips.key[:3].tolist() == [b"-key_0", b"-key_1", b"-key_0"]
    assert clips.group[:2].tolist() == [b"-group_0"] * 2
    everything = np.concatenate([mels(4)[::2] + 2000, mels(18)[::2], mels(2)[::2] + 1000])
    rows = np.array([11, 0, 5, 1])
    np.testing.assert_array_equal(clips.take(rows), everything[rows])


def test_some_of_them_with_other_labels(tmp_path: Path) -> None:
    clips = make(tmp_path)
    some = replace(clips, target=np.arange(12)).select(np.array([10, 3, 4]))
    assert some.target.tolist() == some.label.tolist() == [10, 3, 4]
    assert some.key.tolist() == clips.key[[10, 3, 4]].tolist()
    np.testing.assert_array_equal(some.take(np.array([2])), clips.take(np.array([4])))


def test_batches_have_all_clips_once_in_an_order_of_their_own(tmp_path: Path) -> None:
    clips = replace(make(tmp_path), target=np.arange(12))

    def order(seed: int | None, epoch: int = 0) -> list[int]:
        found = []
        for mel, target in clips.batches(5, seed, epoch):
            np.testing.assert_array_equal(mel, clips.take(target))
            found += target.tolist()
        return found

    assert order(None) == list(range(12))
    assert sorted(order(1)) == list(range(12))
    assert order(1) == order(1) != order(1, epoch=1)


def test_where_a_clip_may_have_several_classes_the_label_is_that_it_was_drawn_for(tmp_path: Path) -> None:
    clips = make(tmp_path, SEVERAL)
    assert clips.target.shape == (12, 2) and clips.label.tolist() == [0] * 12
    assert clips.target[2].tolist() == [1, 1] and clips.select(np.array([3])).target.tolist() == [[1, 0]]


def test_an_unfinished_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataMismatch):
        read_labelled(tmp_path)

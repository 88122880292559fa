"""Each clip is judged by the network that did not learn it, alike however many threads there are."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from audioset_tools.exceptions import DataMismatch
from audioset_tools.shards.labelled import LabelledClips, read_labelled
from audioset_tools.train import cross_validation
from audioset_tools.train.config import TrainConfig
from audioset_tools.train.cross_validation import left_out_probabilities
from audioset_tools.types import Progress
from tests.train import small

CONFIG = TrainConfig("rnn", epochs=5, batch_size=8, device="cpu")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> LabelledClips:
    return read_labelled(small.write(tmp_path_factory.mktemp("shards") / "small", noise_copies=1))


def folds_of(clips: LabelledClips, folds: int = 2) -> np.ndarray:
    return np.arange(len(clips)) // 3 % folds


def test_clips_are_judged_rightly_by_what_the_others_teach(clips: LabelledClips) -> None:
    told: list[Progress] = []
    found = left_out_probabilities(clips, folds_of(clips), CONFIG, told.append)
    assert found.shape == (57, 3) and found.sum(axis=1) == pytest.approx(np.ones(57))
    assert (found.argmax(axis=1) == clips.target).mean() > 0.9
    assert (told[-1].done, told[-1].total, len(told)) == (57 * 5, 57 * 5, 10)


def test_what_a_clip_is_labelled_does_not_change_what_is_said_of_it(clips: LabelledClips) -> None:
    config, fold = replace(CONFIG, epochs=1), folds_of(clips)
    before = left_out_probabilities(clips, fold, config)
    target = clips.target.copy()
    target[fold == 1] = (target[fold == 1] + 1) % 3
    after = left_out_probabilities(replace(clips, target=target), fold, config)
    np.testing.assert_array_equal(before[fold == 1], after[fold == 1])
    assert (before[fold == 0] != after[fold == 0]).any()


def test_the_number_of_threads_changes_nothing(clips: LabelledClips) -> None:
    config, threads = replace(CONFIG, epochs=1), torch.get_num_threads()
    try:
        found = []
        for count in (1, 3):
            torch.set_num_threads(count)
            torch.manual_seed(count)
            found.append(left_out_probabilities(clips, folds_of(clips), config))
            assert torch.get_num_threads() == count
    finally:
        torch.set_num_threads(threads)
    np.testing.assert_array_equal(*found)


def test_several_classes_at_once(tmp_path: Path) -> None:
    clips = read_labelled(small.write(tmp_path / "small", multi_label=True))
    found = left_out_probabilities(clips, folds_of(clips), CONFIG)
    assert ((found > 0.5) == clips.target).mean() > 0.8 and found.sum(axis=1).max() > 1.5


def test_a_training_that_runs_away_is_no_judge(clips: LabelledClips, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        cross_validation, "network_logits", lambda *_: lambda mels: np.full((len(mels), 3), np.nan)
    )
    with pytest.raises(DataMismatch, match="ran away"):
        left_out_probabilities(clips, folds_of(clips), replace(CONFIG, epochs=1))

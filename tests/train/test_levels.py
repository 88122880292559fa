"""What networks begin with: power becomes decibels, bands are standardised, and clips of a training vary."""

import numpy as np
import pytest
import torch

from audioset_tools.featurize.mel import logmel
from audioset_tools.shards.reader import MelShards
from audioset_tools.shards.spec import MelSpec
from audioset_tools.train.levels import InputNorm, RandomEqualiser, RandomShift, fit_levels
from audioset_tools.train.networks import build
from audioset_tools.workspace import Workspace
from tests.train.conftest import SPEC, sound, write_shards


def test_power_becomes_the_decibels_of_the_preset_log() -> None:
    waveform = sound("Tone", np.random.default_rng(0))
    power, decibels = logmel(waveform, SPEC), logmel(waveform, MelSpec(n_mels=32, hop_length=4000, log=True))
    layer = InputNorm(32, decibels=False)
    np.testing.assert_allclose(layer(torch.from_numpy(power)[None, None])[0, 0], decibels, atol=1e-3)
    same = InputNorm(32, decibels=True)(torch.from_numpy(decibels)[None, None])
    np.testing.assert_array_equal(same[0, 0], decibels)


@pytest.mark.parametrize("log", [False, True])
def test_every_band_is_standardised_by_the_train_split(workspace: Workspace, log: bool) -> None:
    spec = MelSpec(n_mels=32, hop_length=4000, log=log)
    write_shards(workspace.shards / "other", spec)
    shards = MelShards(workspace.shards / "other", "train")
    model = build("rcnn", 3, shards.shape, decibels=log)
    fit_levels(model, shards)
    level = next(layer for layer in model.modules() if isinstance(layer, InputNorm))
    everything = level(torch.from_numpy(shards.take(np.arange(len(shards)))).unsqueeze(1))
    mean, std = everything.double().mean(dim=(0, 1, 3)), everything.double().std(dim=(0, 1, 3))
    torch.testing.assert_close(mean, torch.zeros(32, dtype=torch.float64), rtol=0, atol=1e-3)
    torch.testing.assert_close(std, torch.ones(32, dtype=torch.float64), rtol=0, atol=1e-2)
    assert {"0.mean", "0.std"} <= set(model.state_dict())


def test_a_band_that_never_changes_is_left_at_zero(workspace: Workspace) -> None:
    layer = InputNorm(2, decibels=True)

    class Constant:
        shape = (2, 4)

        def __len__(self) -> int:
            return 3

        def take(self, rows: np.ndarray) -> np.ndarray:
            return np.full((len(rows), 2, 4), -100, np.float32)

    fit_levels(layer, Constant())  # type: ignore[arg-type]
    assert not layer(torch.full((1, 1, 2, 4), -100.0)).any()


def test_what_varies_the_clips_of_a_training_leaves_others_alone() -> None:
    mel = torch.rand(4, 1, 20, 7)
    for layer in (RandomShift(5), RandomEqualiser(0.4)):
        assert torch.equal(layer.eval()(mel), mel)
        assert not torch.equal(layer.train()(mel), mel)


def test_each_clip_is_moved_by_some_bands() -> None:
    torch.manual_seed(0)
    mel = torch.rand(200, 1, 20, 3)
    found = RandomShift(3)(mel)
    wanted = {by: mel[:, :, (torch.arange(20) - by).clamp(0, 19)] for by in range(-3, 4)}
    moved = [next(by for by, one in wanted.items() if torch.equal(one[n], found[n])) for n in range(200)]
    assert set(moved) == set(range(-3, 4))


def test_each_clip_goes_through_an_equaliser_of_its_own() -> None:
    torch.manual_seed(0)
    curve = (RandomEqualiser(0.5)(torch.zeros(500, 1, 26, 3))).squeeze(1)
    assert torch.equal(curve[:, :, :1].expand_as(curve), curve)
    knots = curve[:, ::5, 0]
    assert knots.std().item() == pytest.approx(0.5, rel=0.1) and abs(knots.mean().item()) < 0.05
    middle = torch.from_numpy(np.array([np.interp(2.5, range(6), one) for one in knots.numpy()]))
    torch.testing.assert_close(curve[:, 12:14, 0].mean(dim=1).double(), middle, rtol=1e-4, atol=1e-5)

"""Batches: every row once, in an order that seed and epoch decide; a step's loss; channels that died."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import numpy as np
import numpy.typing as npt
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader

from audioset_tools.shards.reader import MelShards
from audioset_tools.train.networks import MODELS, Hyperparameters
from audioset_tools.train.step import (
    Learner,
    batches,
    dead_channels,
    learn,
    make_learner,
    mean_loss,
    presence_weights,
)
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


@dataclass
class Rows:
    """What a learner asks of the rows it is made for."""

    target: npt.NDArray[np.uint8]

    @property
    def header(self) -> SimpleNamespace:
        return SimpleNamespace(multi_label=self.target.ndim > 1)

    def __len__(self) -> int:
        return len(self.target)


def learner_of(target: npt.NDArray[np.uint8], how: Hyperparameters) -> Learner:
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(6, 3))
    return make_learner(model, how, Rows(target), torch.device("cpu"))  # type: ignore[arg-type]


def test_the_loss_of_a_step_is_told_without_smoothing_and_weights_that_it_learns_from() -> None:
    mel = torch.randn(20, 1, 2, 3)
    label = np.arange(20, dtype=np.uint8) % 3
    several = np.stack([np.arange(20) % n == 0 for n in (2, 5, 10)], axis=1).astype(np.uint8)
    loss_of = (nn.functional.cross_entropy, nn.functional.binary_cross_entropy_with_logits)
    for target, told, dtype in zip((label, several), loss_of, (torch.int64, torch.float32), strict=True):
        learner, wanted = learner_of(target, MODELS["compact"].trained), torch.tensor(target).to(dtype)
        expected = told(learner.model(mel).detach(), wanted)
        assert learner.how.label_smoothing > 0 and (learner.presence is None) == (target is label)
        loss, _ = learn(learner, mel, wanted)
        assert float(loss) == pytest.approx(float(expected), rel=1e-5)


def test_what_is_rare_weighs_by_the_root_of_how_rare_it_is_where_a_clip_may_have_several() -> None:
    target = np.zeros((99, 3), np.uint8)
    target[:9, 0] = target[:, 1] = 1
    assert presence_weights(target).tolist() == pytest.approx([91**0.5 / 10**0.5, 0.1, 10.0])
    plain, balanced = (
        learner_of(target, replace(MODELS["compact"].trained, balanced=balanced))
        for balanced in (False, True)
    )
    assert plain.presence is None and balanced.presence is not None
    # Everything else alike, the rare class is pulled up further.
    balanced.model.load_state_dict(plain.model.state_dict())
    moved = []
    for learner in (plain, balanced):
        loss = mean_loss(torch.zeros(99, 3), torch.tensor(target).float(), True, presence=learner.presence)
        moved.append(float(loss))
    assert moved[1] == pytest.approx(np.log(2) * (90 + 9 * 9.1**0.5 + 99 * 0.1 + 99) / 297)
    assert moved[0] == pytest.approx(np.log(2))


def layers(biases: list[float], activation: torch.nn.Module) -> torch.nn.Sequential:
    """A convolution whose channels are its biases, an activation, and another convolution with both."""
    first, second = torch.nn.Conv2d(1, len(biases), 1), torch.nn.Conv2d(len(biases), 2, 1)
    for layer, values in ((first, biases), (second, [-1.0, 1.0])):
        torch.nn.init.zeros_(layer.weight)
        layer.bias.data = torch.tensor(values)
    return torch.nn.Sequential(first, activation, second, torch.nn.ReLU(inplace=True))


def test_the_dead_channels_are_those_of_the_layer_with_most() -> None:
    mels = torch.randn(4, 1, 3, 5)
    assert dead_channels(layers([-1.0, -1.0, 0.0, 2.0], torch.nn.ReLU(inplace=True)), mels) == 0.75
    assert dead_channels(layers([1.0, -1.0, 1.0, 2.0], torch.nn.ReLU()), mels) == 0.5
    assert dead_channels(layers([-1.0, -1.0], torch.nn.LeakyReLU(0.3))[:2], mels) == 0
    assert dead_channels(torch.nn.Linear(5, 2), mels) == 0


def test_a_channel_that_one_place_of_one_clip_excites_is_alive() -> None:
    model = layers([0.0], torch.nn.ReLU())[:2]
    torch.nn.init.ones_(model[0].weight)
    mels = torch.full((4, 1, 3, 5), -1.0)
    assert dead_channels(model, mels) == 1
    mels[2, 0, 1, 3] = 0.1
    assert dead_channels(model, mels) == 0
    assert not model[1]._forward_hooks

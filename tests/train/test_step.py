"""Batches: every row once, in an order that seed and epoch decide; a step's loss; channels that died."""

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

from audioset_tools.shards.reader import MelShards
from audioset_tools.train.networks import MODELS
from audioset_tools.train.step import batches, dead_channels, learn, make_learner
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


def test_the_loss_of_a_step_is_told_without_the_smoothing_that_it_learns_from() -> None:
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(6, 3))
    mel, target = torch.randn(20, 1, 2, 3), torch.arange(20) % 3
    expected = torch.nn.functional.cross_entropy(model(mel).detach(), target)
    learner = make_learner(model, MODELS["compact"].trained, 20, torch.device("cpu"), multi_label=False)
    assert learner.how.label_smoothing > 0
    loss, _ = learn(learner, mel, target)
    assert float(loss) == pytest.approx(float(expected), rel=1e-5)


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

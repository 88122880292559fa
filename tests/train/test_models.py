"""The paper's CNN: its size, its initialisation, and the order of pooling and ReLU."""

import pytest
import torch
from torch import nn

from audioset_tools.errors import UsageError
from audioset_tools.train.models import build

FILTERS = (8, 8, 16, 16, 32, 32, 64, 64)


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_the_papers_network_has_106516_parameters() -> None:
    model = build("paper", 4, (128, 801), FILTERS, seed=0)
    assert count(model) == 106_516
    assert model(torch.zeros(2, 1, 128, 801)).shape == (2, 4)


def test_the_other_reading_has_seven_convolutions_and_three_pools() -> None:
    assert count(build("paper", 4, (128, 801), FILTERS[:7], seed=0)) != 106_516


def test_it_equals_the_network_written_out_with_relu_before_pooling() -> None:
    model = build("paper", 4, (64, 90), FILTERS, seed=0).double()
    convolutions = [layer for layer in model if isinstance(layer, nn.Conv2d)]
    mel = torch.randn(3, 1, 64, 90, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    out = mel
    for first, second in zip(convolutions[::2], convolutions[1::2], strict=True):
        out = nn.functional.max_pool2d(torch.relu(second(torch.relu(first(out)))), 2)
    torch.testing.assert_close(model(mel), model[-1](out.flatten(1)), rtol=0, atol=1e-12)


def test_he_initialisation() -> None:
    for layer in build("paper", 4, (128, 801), FILTERS, seed=0):
        if isinstance(layer, nn.Conv2d | nn.Linear):
            fan_in = layer.weight[0].numel()
            assert not layer.bias.any()
            if layer.weight.numel() > 1000:
                assert layer.weight.var().item() == pytest.approx(2 / fan_in, rel=0.15)


def test_the_seed_decides_the_weights_and_nothing_else_is_touched() -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    first, again, other = (build("paper", 2, (64, 90), FILTERS, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(first[0].weight, again[0].weight)
    assert not torch.equal(first[0].weight, other[0].weight)


def test_a_mel_too_small_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="too small for 8 convolutions"):
        build("paper", 4, (16, 801), FILTERS, seed=0)

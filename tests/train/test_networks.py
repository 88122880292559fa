"""The networks: their sizes, their initialisation."""

import pytest
import torch
from torch import nn

from audioset_tools.exceptions import UsageError
from audioset_tools.train.networks import MODELS, build


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


SIZES = {
    "paper": 106_516,
    "paper-7": 339_156,
    "compact": 79_668,
    "han": 1_438_948,
    "crnn": 101_284,
    "rnn": 149_508,
    "rcnn": 75_844,
}
"""Parameters at 128 x 801 and four classes."""


@pytest.mark.parametrize("name", MODELS)
def test_every_network_takes_the_papers_mels(name: str) -> None:
    model = build(name, 4, (128, 801)).eval()
    assert count(model) == SIZES[name]
    with torch.inference_mode():
        assert model(torch.rand(1, 1, 128, 801)).shape == (1, 4)


@pytest.mark.parametrize(("shape", "n_classes"), [((32, 41), 2), ((40, 57), 11), ((65, 33), 527)])
@pytest.mark.parametrize("name", MODELS)
def test_every_network_takes_odd_shapes_and_any_number_of_classes(
    name: str, shape: tuple[int, int], n_classes: int
) -> None:
    model = build(name, n_classes, shape, filters=(8, 8, 16, 16) if MODELS[name].filters else None)
    logits = model(torch.rand(3, 1, *shape))
    assert logits.shape == (3, n_classes) and logits.isfinite().all()
    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in model.parameters())


def test_the_papers_network_equals_the_one_written_out_with_relu_before_pooling() -> None:
    model = build("paper", 4, (64, 90), literal=True).double()
    convolutions = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]
    picture = torch.randn(3, 1, 64, 90, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    out = picture
    for first, second in zip(convolutions[::2], convolutions[1::2], strict=True):
        out = nn.functional.max_pool2d(torch.relu(second(torch.relu(first(out)))), 2)
    torch.testing.assert_close(model(picture), model[-1](out.flatten(1)), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_he_initialisation(name: str) -> None:
    for layer in build(name, 4, (128, 801)).modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            fan_in = layer.weight[0].numel()
            assert layer.bias is None or not layer.bias.any()
            if layer.weight.numel() > 1000:
                assert layer.weight.var().item() == pytest.approx(2 / fan_in, rel=0.15)


@pytest.mark.parametrize("name", MODELS)
def test_the_seed_decides_the_weights_and_nothing_else_is_touched(name: str) -> None:
    torch.manual_seed(7)
    expected = torch.rand(1)
    torch.manual_seed(7)
    first, again, other = (list(build(name, 2, (64, 90), seed=seed).parameters()) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(1), expected)
    assert all(map(torch.equal, first, again))
    assert not torch.equal(first[0], other[0])


def test_a_mel_too_small_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="too small for 8 convolutions"):
        build("paper", 4, (16, 801))

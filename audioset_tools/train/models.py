"""Models by name; each takes mels [B, 1, bands, frames] and gives one logit per class, [B, classes]."""

from collections.abc import Callable, Sequence

import torch
from torch import nn

from ..errors import UsageError


def paper(n_classes: int, shape: tuple[int, int], filters: Sequence[int]) -> nn.Sequential:
    """The paper's CNN (section 4): convolutions of kernel 2, stride 1, no padding; ReLU; max-pools of 2.

    The paper says "a 7 layer CNN" and then lists eight filter counts. We read eight convolutions, pooled
    after each pair as in its reference [5]: 106,516 parameters at 128 x 801 and 4 classes. Pooling after
    every convolution does not fit 128 bands, and a seventh layer would leave one of the counts without use.

    Args:
        n_classes: logits.
        shape: bands and frames of a mel.
        filters: of each convolution; the paper's are 8, 8, 16, 16, 32, 32, 64, 64.

    Raises:
        UsageError: the mel is too small for so many layers.
    """
    layers: list[nn.Module] = []
    channels = 1
    bands, frames = shape
    for number, width in enumerate(filters, start=1):
        layers.append(nn.Conv2d(channels, width, kernel_size=2))
        channels, bands, frames = width, bands - 1, frames - 1
        if number % 2 == 0:
            # Before the ReLU: the largest of four stays the largest, and the ReLU has a quarter of the work.
            layers.append(nn.MaxPool2d(2))
            bands, frames = bands // 2, frames // 2
        layers.append(nn.ReLU(inplace=True))
    if min(bands, frames) < 1:
        raise UsageError(
            f"a mel of {shape[0]} x {shape[1]} is too small for {len(filters)} convolutions",
            "Give fewer filters.",
        )
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * bands * frames, n_classes))


Builder = Callable[[int, tuple[int, int], Sequence[int]], nn.Module]

MODELS: dict[str, Builder] = {"paper": paper}


def build(name: str, n_classes: int, shape: tuple[int, int], filters: Sequence[int], seed: int) -> nn.Module:
    """A new model with He's initialisation, which "works better with ReLU activations" (paper, section 4).

    Weights are normal with variance `2 / fan_in`, biases zero.

    Args:
        name: one of `MODELS`.
        n_classes, shape, filters: see the model.
        seed: decides the weights; the global random state is left as it was.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = MODELS[name](n_classes, shape, filters)
        for layer in model.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
    return model

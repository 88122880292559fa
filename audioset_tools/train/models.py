"""Networks by name; each takes mels [B, 1, bands, frames] and gives one logit per class, [B, classes]."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from .han import han
from .paper import paper
from .rcnn import rcnn
from .recurrent import crnn, rnn


@dataclass(frozen=True, slots=True)
class Network:
    """A network of the registry.

    Args:
        make: from the number of classes, bands and frames of a mel, and, where it has `filters`, those,
            else whether the mels are in decibels.
        lr: the learning rate it is trained with unless another is asked for.
        filters: of each convolution, where that is a setting; None where it is not.
    """

    make: Callable[..., nn.Module]
    lr: float
    filters: tuple[int, ...] | None = None


MODELS: dict[str, Network] = {
    "paper": Network(paper, lr=0.01, filters=(8, 8, 16, 16, 32, 32, 64, 64)),
    "paper-7": Network(paper, lr=0.01, filters=(8, 8, 16, 16, 32, 32, 64)),
    "han": Network(han, lr=0.001),
    "crnn": Network(crnn, lr=0.001),
    "rnn": Network(rnn, lr=0.003),
    "rcnn": Network(rcnn, lr=0.001),
}


def build(
    name: str,
    n_classes: int,
    shape: tuple[int, int],
    *,
    filters: Sequence[int] | None = None,
    decibels: bool = False,
    seed: int = 0,
) -> nn.Module:
    """A new network with He's initialisation, which "works better with ReLU activations" (paper, section 4).

    Weights of convolutions and dense layers are normal with variance `2 / fan_in`, biases zero; recurrent
    cells begin as torch has them.

    Args:
        name: one of `MODELS`.
        n_classes: logits.
        shape: bands and frames of a mel.
        filters: of each convolution of the paper's networks; None for the network's own.
        decibels: whether the mels are in decibels rather than power.
        seed: decides the weights; the global random state is left as it was.

    Raises:
        UsageError: the mel is too small for the network.
    """
    network = MODELS[name]
    make = partial(network.make, n_classes, shape)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = make(decibels) if network.filters is None else make(filters or network.filters)
        for layer in model.modules():
            if isinstance(layer, (nn.Conv2d, nn.Linear)):
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
    return model

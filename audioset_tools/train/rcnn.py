"""The RCNN of the paper's future work: convolutions that look again at what they said."""

import torch
from torch import nn

from .han import GlobalMax
from .levels import Levels

CHANNELS = 32
ITERATIONS = 3


class RecurrentConvolution(nn.Module):
    """A recurrent convolutional layer: `x(t) = norm(relu(feed(u) + back(x(t - 1))))` for `ITERATIONS` steps.

    Every step has the same weights, its own normalisation and a wider view than the one before.

    Shape:
        Input, output: [B, CHANNELS, bands, frames]
    """

    def __init__(self) -> None:
        super().__init__()
        self._feed = nn.Conv2d(CHANNELS, CHANNELS, kernel_size=3, padding=1)
        self._back = nn.Conv2d(CHANNELS, CHANNELS, kernel_size=3, padding=1, bias=False)
        self._norms = nn.ModuleList(nn.GroupNorm(1, CHANNELS) for _ in range(ITERATIONS + 1))

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """What it says in the end."""
        fed = self._feed(maps)
        said: torch.Tensor = self._norms[0](torch.relu(fed))
        for norm in self._norms[1:]:
            said = norm(torch.relu(fed + self._back(said)))
        return said


def rcnn(n_classes: int, shape: tuple[int, int], decibels: bool) -> nn.Module:
    """Liang and Hu, "Recurrent convolutional neural network for object recognition", CVPR 2015.

    A 5 x 5 convolution, four recurrent convolutional layers with max-pooling after the first convolution and
    the second recurrent layer, dropout between, global max-pooling and a dense layer. 32 channels where
    they had 96 to 192; two frames joined to one, and a first pooling by 4 where theirs was by 2, since a mel
    is a hundred times as large as their 32 x 32 pictures; group normalisation of one group where they had
    local response normalisation.

    Args:
        n_classes: logits.
        shape: bands and frames of a mel; any will do.
        decibels: whether the mels are in decibels.
    """
    return nn.Sequential(
        Levels(shape[0], decibels, pool=2),
        nn.Conv2d(1, CHANNELS, kernel_size=5, padding=2),
        nn.ReLU(inplace=True),
        nn.MaxPool2d(4, ceil_mode=True),
        RecurrentConvolution(),
        nn.Dropout(0.2),
        RecurrentConvolution(),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.Dropout(0.2),
        RecurrentConvolution(),
        nn.Dropout(0.2),
        RecurrentConvolution(),
        GlobalMax(),
        nn.Linear(CHANNELS, n_classes),
    )

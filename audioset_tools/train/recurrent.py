"""Networks that read a clip frame by frame: the RNN and CRNN of the paper's future work."""

import torch
from torch import nn

from .levels import Levels

FRAMES_A_STEP = 8
"""Frames joined to one step of `rnn`: 0.1 s, 100 steps a clip."""


class OverTime(nn.Module):
    """Recurrent layers over the frames of maps.

    Args:
        cells: a GRU that takes [B, steps, features].
        last: give what it says at the last step rather than the mean over all.

    Shape:
        Input: [B, channels, bands, frames]; each frame is a step, its channels and bands are the features.
        Output: [B, features of the cells]
    """

    def __init__(self, cells: nn.GRU, last: bool) -> None:
        super().__init__()
        self._cells = cells
        self._last = last

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """What the cells make of it."""
        steps = maps.flatten(1, 2).transpose(1, 2).contiguous()
        said: torch.Tensor = self._cells(steps)[0]
        return said[:, -1] if self._last else said.mean(dim=1)


def rnn(n_classes: int, shape: tuple[int, int], decibels: bool) -> nn.Module:
    """Gated recurrent units (Cho et al. 2014, arXiv 1406.1078), two layers of 64 in both directions.

    Both directions as in Schuster and Paliwal, "Bidirectional recurrent neural networks", IEEE TSP 45(11),
    1997. The input is the bands of a frame of 0.1 s; dropout 0.3 between the layers and before the dense
    layer, which sees the mean over time.

    Args:
        n_classes: logits.
        shape: bands and frames of a mel; any will do.
        decibels: whether the mels are in decibels.
    """
    cells = nn.GRU(shape[0], 64, num_layers=2, batch_first=True, bidirectional=True, dropout=0.3)
    levels = Levels(shape[0], decibels, pool=FRAMES_A_STEP)
    return nn.Sequential(levels, OverTime(cells, last=False), nn.Dropout(0.3), nn.Linear(128, n_classes))


def crnn(n_classes: int, shape: tuple[int, int], decibels: bool) -> nn.Module:
    """Choi, Fazekas, Sandler and Cho, "Convolutional recurrent neural networks for music classification",
    ICASSP 2017 (arXiv 1609.04243), with 30, 60, 60 and 60 filters and two layers of 30 GRUs.

    Four 3 x 3 convolutions, each with batch normalisation, ELU, max-pooling (by 2, 3, 4 and 4 along both
    axes) and dropout 0.1; the GRUs read what is left of the bands step by step, and the last step decides,
    after dropout 0.3. Made for 96 bands by 1366 frames of 21 ms, a step of 2 s; here two frames are joined
    to one of 25 ms, a step being 2.4 s, and 128 bands leave two where his 96 left one.

    Args:
        n_classes: logits.
        shape: bands and frames of a mel; any will do.
        decibels: whether the mels are in decibels.
    """
    layers: list[nn.Module] = [Levels(shape[0], decibels, pool=2)]
    channels, bands = 1, shape[0]
    for width, pool in ((30, 2), (60, 3), (60, 4), (60, 4)):
        layers += [nn.Conv2d(channels, width, kernel_size=3, padding=1), nn.BatchNorm2d(width)]
        layers += [nn.ELU(inplace=True), nn.MaxPool2d(pool, ceil_mode=True), nn.Dropout(0.1)]
        channels, bands = width, -(-bands // pool)
    cells = nn.GRU(channels * bands, 30, num_layers=2, batch_first=True)
    return nn.Sequential(*layers, OverTime(cells, last=True), nn.Dropout(0.3), nn.Linear(30, n_classes))

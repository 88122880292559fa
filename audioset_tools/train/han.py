"""The ConvNet of the paper's reference [5]."""

import torch
from torch import nn

from .levels import Levels

LEAK = 0.33


class GlobalMax(nn.Module):
    """The largest value of every channel: [B, channels, bands, frames] to [B, channels]."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """The maxima."""
        return maps.amax(dim=(2, 3))


def han(n_classes: int, shape: tuple[int, int], decibels: bool) -> nn.Module:
    """Han, Kim and Lee, "Deep convolutional neural networks for predominant instrument recognition in
    polyphonic music", IEEE/ACM TASLP 25(1), 2017 (arXiv 1605.09507).

    Four pairs of 3 x 3 convolutions with 32, 64, 128 and 256 filters, zeros around the maps such that each
    grows by 2, leaky ReLU with slope 0.33; max-pooling by 3 and dropout 0.25 after each pair but the last,
    whose maxima over the whole map go through dropout 0.25, a dense layer of 1024 and dropout 0.5.

    It was made for windows of 1 s, 128 bands by 43 frames of 23 ms; the predictions of a clip's windows were
    joined afterwards. Here the whole clip goes in, the global pooling taking any length, two frames joined
    to one of 25 ms; the sigmoid is left to the loss.

    Args:
        n_classes: logits.
        shape: bands and frames of a mel; any will do.
        decibels: whether the mels are in decibels.
    """
    layers: list[nn.Module] = [Levels(shape[0], decibels, pool=2)]
    channels = 1
    for width in (32, 64, 128, 256):
        for _ in range(2):
            layers += [nn.Conv2d(channels, width, kernel_size=3, padding=2), nn.LeakyReLU(LEAK, inplace=True)]
            channels = width
        layers += [nn.MaxPool2d(3) if width < 256 else GlobalMax(), nn.Dropout(0.25)]
    dense = [nn.Linear(channels, 1024), nn.LeakyReLU(LEAK, inplace=True), nn.Dropout(0.5)]
    return nn.Sequential(*layers, *dense, nn.Linear(1024, n_classes))

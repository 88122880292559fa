"""What networks begin with: mels become standardised decibels, and clips of a training vary by epoch."""

import numpy as np
import torch
from torch import nn

from ..shards.labelled import TrainingRows

FLOOR = 1e-10
"""Power below which everything is the same: librosa's `amin`, as in the preset `log`."""

RANGE_DB = 80.0
"""How far below the loudest value of a clip the floor lies, as in the preset `log`."""

FITTED_ROWS = 256
"""Mels of the train split that the statistics are taken from: at 801 frames, 205,000 values a band."""


class InputNorm(nn.Module):
    """Turns mels into decibels where they are not, joins neighbours, and standardises every band.

    Mean and deviation are buffers, stored with the weights: 0 and 1 until `fit_levels` has seen the train
    split.

    Args:
        bands: how many a mel has.
        decibels: whether the mels are in decibels already.
        pool: neighbouring bands and frames that are joined to their mean, in power where the mels are.

    Shape:
        Input: [B, 1, bands, frames]
        Output: [B, 1, ceil(bands / pool[0]), ceil(frames / pool[1])]
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, bands: int, decibels: bool, pool: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        self._decibels = decibels
        self._join = nn.AvgPool2d(pool, ceil_mode=True) if max(pool) > 1 else nn.Identity()
        joined = -(-bands // pool[0])
        self.register_buffer("mean", torch.zeros(joined, 1))
        self.register_buffer("std", torch.ones(joined, 1))

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """Standardised decibels."""
        standardised: torch.Tensor = (self.decibels(mel) - self.mean) / self.std
        return standardised

    def decibels(self, mel: torch.Tensor) -> torch.Tensor:
        """The same without the standardisation."""
        joined: torch.Tensor = self._join(mel)
        if self._decibels:
            return joined
        level = 10 * torch.log10(joined.clamp_min(FLOOR))
        return level.maximum(level.amax(dim=(2, 3), keepdim=True) - RANGE_DB)


def fit_levels(model: nn.Module, shards: TrainingRows) -> None:
    """Give every `InputNorm` of a model the statistics of the train split.

    Those of at most `FITTED_ROWS` mels, evenly spaced over the split, so that they depend on nothing but the
    split. A band that never changes, as the empty filters of the preset `paper`, is left at 0.

    Args:
        model: any; one without such a layer is left as it is.
    """
    layers = [layer for layer in model.modules() if isinstance(layer, InputNorm)]
    rows = np.unique(np.linspace(0, len(shards) - 1, FITTED_ROWS).astype(np.int64)) if layers else ()
    for layer in layers:
        bands = layer.mean.shape[0]
        count, sums, squares = (
            0,
            torch.zeros(bands, dtype=torch.float64),
            torch.zeros(bands, dtype=torch.float64),
        )
        for start in range(0, len(rows), 16):
            mel = torch.from_numpy(shards.take(rows[start : start + 16])).unsqueeze(1)
            level = layer.decibels(mel).double()
            count += level.numel() // bands
            sums += level.sum(dim=(0, 1, 3))
            squares += level.square().sum(dim=(0, 1, 3))
        mean = sums / count
        std = (squares / count - mean.square()).clamp_min(0).sqrt()
        layer.mean.copy_(mean.unsqueeze(1))
        layer.std.copy_(torch.where(std > 1e-3, std, 1).unsqueeze(1))


class RandomShift(nn.Module):
    """While it is trained, moves each clip up or down by some bands; the outermost are repeated.

    So the next piece is in another key, and the next instrument is another one of its kind.

    Args:
        bands: the farthest that one is moved.

    Shape:
        Input, output: [B, 1, bands, frames]
    """

    def __init__(self, bands: int) -> None:
        super().__init__()
        self._bands = bands

    def forward(self, mel: torch.Tensor) -> torch.Tensor:
        """The same mels outside training."""
        if not self.training:
            return mel
        clips, _, bands, _ = mel.shape
        moved = torch.randint(-self._bands, self._bands + 1, (clips, 1), device=mel.device)
        source = (torch.arange(bands, device=mel.device) - moved).clamp(0, bands - 1)
        return mel.squeeze(1)[torch.arange(clips, device=mel.device)[:, None], source].unsqueeze(1)


KNOTS = 6
"""Of a random curve over the bands, straight lines between."""


class RandomEqualiser(nn.Module):
    """While it is trained, raises and lowers the bands of each clip by a smooth random curve.

    So do microphones, loudspeakers and rooms; the other instrument of the same class does as well.

    Args:
        deviation: of the curve, in units of the levels.

    Shape:
        Input, output: [B, 1, bands, frames]
    """

    def __init__(self, deviation: float) -> None:
        super().__init__()
        self._deviation = deviation

    def forward(self, levels: torch.Tensor) -> torch.Tensor:
        """The same levels outside training."""
        if not self.training:
            return levels
        knots = torch.randn(len(levels), 1, KNOTS, device=levels.device)
        curve = nn.functional.interpolate(knots, levels.shape[2], mode="linear", align_corners=True)
        return levels + self._deviation * curve.unsqueeze(3)

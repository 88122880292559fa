"""Augmentation of training batches, beyond the white noise that the shards' noise copies already carry.

Every decision comes from a generator seeded by the run's seed, the epoch and the clip's place in that
epoch's order, so that a resumed run makes the same ones.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

MASKS = 2
BANDS_SHARE = 27 / 128
FRAMES_SHARE = 1 / 10
"""SpecAugment: masks along each axis, and the widest of each as a share of the axis."""

MIXUP_ALPHA = 0.2
"""mixup: both parameters of the beta distribution."""

Augmentation = Callable[
    [torch.Tensor, torch.Tensor, list[np.random.Generator], torch.Tensor], tuple[torch.Tensor, torch.Tensor]
]


def specaugment(
    mel: torch.Tensor, target: torch.Tensor, rngs: list[np.random.Generator], mean: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Time and frequency masking: Park et al., "SpecAugment", Interspeech 2019 (arXiv 1904.08779).

    Two masks of up to 27 of 128 bands and two of up to a second: their policy LD (F = 27, T = 100 frames of
    10 ms), without time warping, which they found to be no major factor. Masked values become the mean of
    their band over the train split: theirs became 0 in mels whose mean was 0.

    Args:
        mel: [B, 1, bands, frames].
        target: shares of the classes, [B, classes].
        rngs: a generator for every clip.
        mean: of every band, [bands].

    Returns:
        Masked mels, and the targets as they were.
    """
    masked = mel.clone()
    _, _, bands, frames = mel.shape
    for clip, rng in zip(masked, rngs, strict=True):
        for _ in range(MASKS):
            first, past = _span(rng, bands, BANDS_SHARE)
            clip[0, first:past] = mean[first:past, None]
            first, past = _span(rng, frames, FRAMES_SHARE)
            clip[0, :, first:past] = mean[:, None]
    return masked, target


def mixup(
    mel: torch.Tensor, target: torch.Tensor, rngs: list[np.random.Generator], mean: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Zhang et al., "mixup: Beyond empirical risk minimization", ICLR 2018 (arXiv 1710.09412).

    Every clip is mixed with another of its batch, mel and target alike, in shares of lambda and 1 - lambda,
    lambda from Beta(0.2, 0.2). Mels of power add up as sounds do.

    Args:
        mel: [B, 1, bands, frames].
        target: shares of the classes, [B, classes].
        rngs: a generator for every clip.
        mean: of every band, not needed here.

    Returns:
        Mixed mels and targets.
    """
    partner = torch.tensor([int(rng.integers(len(mel))) for rng in rngs])
    drawn = [rng.beta(MIXUP_ALPHA, MIXUP_ALPHA) for rng in rngs]
    share = torch.tensor(drawn, dtype=mel.dtype, device=mel.device)
    mel_share, target_share = share[:, None, None, None], share[:, None]
    return (
        mel_share * mel + (1 - mel_share) * mel[partner],
        target_share * target + (1 - target_share) * target[partner],
    )


def cropped(mel: torch.Tensor, share: float, rngs: list[np.random.Generator]) -> torch.Tensor:
    """A part of every clip, from a random frame on.

    Args:
        mel: [B, 1, bands, frames].
        share: of the frames, above 0; 1 leaves the mels as they are.
        rngs: a generator for every clip.

    Returns:
        [B, 1, bands, share of the frames].
    """
    frames = mel.shape[-1]
    kept = max(1, round(share * frames))
    if kept == frames:
        return mel
    firsts = [int(rng.integers(frames - kept + 1)) for rng in rngs]
    return torch.stack([clip[..., first : first + kept] for clip, first in zip(mel, firsts, strict=True)])


AUGMENTATIONS: dict[str, Augmentation] = {"specaugment": specaugment, "mixup": mixup}


def augmented(
    names: Sequence[str],
    mel: torch.Tensor,
    target: torch.Tensor,
    n_classes: int,
    rngs: list[np.random.Generator],
    mean: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor]:
    """A batch with augmentations applied; the same tensors if there are none.

    Args:
        names: which of `AUGMENTATIONS`, in order.
        mel: [B, 1, bands, frames].
        target: classes, int64, [B]; or a share of every class, float32, [B, classes].
        n_classes: of the data set.
        rngs: a generator for every clip.
        mean: of every band over the train split, [bands].
    """
    if names and target.ndim == 1:
        target = nn.functional.one_hot(target, n_classes).float()
    for name in names:
        mel, target = AUGMENTATIONS[name](mel, target, rngs, mean)
    return mel, target


def generators(seed: int, epoch: int, places: range) -> list[np.random.Generator]:
    """A generator for every place of an epoch's order."""
    return [np.random.default_rng((seed, epoch, place)) for place in places]


def _span(rng: np.random.Generator, length: int, share: float) -> tuple[int, int]:
    """First and one past the last of a mask: a width up to a share of the length, then where it fits."""
    width = int(rng.integers(int(share * length) + 1))
    first = int(rng.integers(length - width + 1))
    return first, first + width

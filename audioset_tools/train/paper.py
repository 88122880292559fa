"""The paper's CNN, in both readings."""

from collections.abc import Sequence

from torch import nn

from ..errors import UsageError


def paper(n_classes: int, shape: tuple[int, int], filters: Sequence[int]) -> nn.Sequential:
    """The paper's CNN (section 4): convolutions of kernel 2, stride 1, no padding; ReLU; max-pools of 2.

    The paper says "a 7 layer CNN" and then lists eight filter counts. `paper` reads eight convolutions,
    pooled after each pair as in its reference [5]: 106,516 parameters at 128 x 801 and 4 classes. `paper-7`
    takes the word: seven convolutions, the last count without use, pooled after the second, fourth and
    sixth: 339,156 parameters. Pooling after every convolution does not fit 128 bands. The mels go in as they
    are, as the paper's did.

    Args:
        n_classes: logits.
        shape: bands and frames of a mel.
        filters: of each convolution.

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

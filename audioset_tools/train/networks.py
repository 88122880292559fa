"""The networks by name; each takes mels, [B, 1, bands, frames], and gives one logit per class, [B, classes].

`paper` and `paper-7` are the two readings of the paper's CNN, `han` is the ConvNet of its reference [5],
`rnn`, `crnn` and `rcnn` are those of its future work, and `compact` is ours.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import nn

from ..exceptions import UsageError
from .levels import InputNorm, RandomEqualiser, RandomShift

FRAMES_A_STEP = 8
"""Frames joined to one step of `rnn`: 0.1 s, 100 steps a clip."""


class OverTime(nn.Module):
    """Recurrent layers over the frames of maps.

    Args:
        cells: a GRU that takes [B, steps, features].
        last: give the output of the last step rather than the mean over all.

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
        outputs: torch.Tensor = self._cells(steps)[0]
        return outputs[:, -1] if self._last else outputs.mean(dim=1)


def rnn(n_classes: int, shape: tuple[int, int], decibels: bool) -> nn.Module:
    """Gated recurrent units (Cho et al. 2014, arXiv 1406.1078), two layers of 64 in both directions.

    Both directions as in Schuster and Paliwal, "Bidirectional recurrent neural networks", IEEE TSP 45(11),
    1997. The input is the bands of a frame of 0.1 s; dropout 0.3 between the layers and before the dense
    layer, which sees the mean over time.

    Args:
        shape: bands and frames of a mel; any will do.
        decibels: whether the mels are in decibels.
    """
    cells = nn.GRU(shape[0], 64, num_layers=2, batch_first=True, bidirectional=True, dropout=0.3)
    levels = InputNorm(shape[0], decibels, pool=(1, FRAMES_A_STEP))
    return nn.Sequential(levels, OverTime(cells, last=False), nn.Dropout(0.3), nn.Linear(128, n_classes))


def crnn(n_classes: int, shape: tuple[int, int], decibels: bool) -> nn.Module:
    """Choi, Fazekas, Sandler and Cho, "Convolutional recurrent neural networks for music classification",
    ICASSP 2017 (arXiv 1609.04243), with 30, 60, 60 and 60 filters and two layers of 30 GRUs.

    Four 3 x 3 convolutions, each with batch normalisation, ELU, max-pooling (by 2, 3, 4 and 4 along both
    axes) and dropout 0.1; the GRUs read what is left of the bands step by step, and the last step decides,
    after dropout 0.3. Made for 96 bands by 1366 frames of 21 ms, a step of 2 s; here two frames are joined
    to one of 25 ms, a step being 2.4 s, and 128 bands leave two where his 96 left one.

    Args:
        shape: bands and frames of a mel; any will do.
        decibels: whether the mels are in decibels.
    """
    layers: list[nn.Module] = [InputNorm(shape[0], decibels, pool=(1, 2))]
    channels, bands = 1, shape[0]
    for width, pool in ((30, 2), (60, 3), (60, 4), (60, 4)):
        layers += [nn.Conv2d(channels, width, kernel_size=3, padding=1), nn.BatchNorm2d(width)]
        layers += [nn.ELU(inplace=True), nn.MaxPool2d(pool, ceil_mode=True), nn.Dropout(0.1)]
        channels, bands = width, -(-bands // pool)
    cells = nn.GRU(channels * bands, 30, num_layers=2, batch_first=True)
    return nn.Sequential(*layers, OverTime(cells, last=True), nn.Dropout(0.3), nn.Linear(30, n_classes))


def paper(
    n_classes: int, shape: tuple[int, int], decibels: bool, filters: Sequence[int], literal: bool
) -> nn.Sequential:
    """The paper's CNN (section 4): convolutions of kernel 2, stride 1, no padding; ReLU; max-pools of 2.

    The paper says "a 7 layer CNN" and then lists eight filter counts. `paper` reads eight convolutions,
    pooled after each pair as in its reference [5]: 106,516 parameters at 128 x 801 and 4 classes. `paper-7`
    takes the word: seven convolutions, the last count without use, pooled after the second, fourth and
    sixth: 339,156 parameters. Pooling after every convolution does not fit 128 bands.

    The paper does not say what it made of the power of its mels. Taken as it is, at the paper's rate, it ends
    the learning in the first steps (docs/train.md), so standardised decibels go in unless `literal`.

    Args:
        shape: bands and frames of a mel.
        decibels: whether the mels are in decibels.
        filters: how many each convolution has.
        literal: whether the mels go in as they are.

    Raises:
        UsageError: the mel is too small for so many layers.
    """
    layers: list[nn.Module] = [] if literal else [InputNorm(shape[0], decibels)]
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
        shape: bands and frames of a mel; any will do.
        decibels: whether the mels are in decibels.
    """
    layers: list[nn.Module] = [InputNorm(shape[0], decibels, pool=(1, 2))]
    channels = 1
    for width in (32, 64, 128, 256):
        for _ in range(2):
            layers += [nn.Conv2d(channels, width, kernel_size=3, padding=2), nn.LeakyReLU(LEAK, inplace=True)]
            channels = width
        layers += [nn.MaxPool2d(3) if width < 256 else GlobalMax(), nn.Dropout(0.25)]
    dense = [nn.Linear(channels, 1024), nn.LeakyReLU(LEAK, inplace=True), nn.Dropout(0.5)]
    return nn.Sequential(*layers, *dense, nn.Linear(1024, n_classes))


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
        """The output of the last step."""
        fed = self._feed(maps)
        output: torch.Tensor = self._norms[0](torch.relu(fed))
        for norm in self._norms[1:]:
            output = norm(torch.relu(fed + self._back(output)))
        return output


def rcnn(n_classes: int, shape: tuple[int, int], decibels: bool) -> nn.Module:
    """Liang and Hu, "Recurrent convolutional neural network for object recognition", CVPR 2015.

    A 5 x 5 convolution, four recurrent convolutional layers with max-pooling after the first convolution and
    the second recurrent layer, dropout between, global max-pooling and a dense layer. 32 channels where
    they had 96 to 192; two frames joined to one, and a first pooling by 4 where theirs was by 2, since a mel
    is a hundred times as large as their 32 x 32 pictures; group normalisation of one group where they had
    local response normalisation.

    Args:
        shape: bands and frames of a mel; any will do.
        decibels: whether the mels are in decibels.
    """
    return nn.Sequential(
        InputNorm(shape[0], decibels, pool=(1, 2)),
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


class MeanAndMax(nn.Module):
    """Over time, of what is the mean over the bands: [B, channels, bands, frames] to [B, 2 x channels]."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        """Means, then maxima."""
        courses = maps.mean(dim=2)
        return torch.cat([courses.mean(dim=2), courses.amax(dim=2)], dim=1)


def compact(n_classes: int, shape: tuple[int, int], decibels: bool) -> nn.Module:
    """A small CNN of today: 79,668 parameters for four classes and 128 bands.

    Each clip of the training is moved by up to 4 bands and goes through a random equaliser: of all that was
    tried, this is what helped most on another soundfont (docs/train.md). Two bands and four frames joined to
    one; four 3 x 3 convolutions, each with batch normalisation (Ioffe and
    Szegedy 2015, arXiv 1502.03167) and ReLU, the first with stride 2, max-pooling by 2 after the others; mean
    over the bands, mean and maximum over time side by side; dropout 0.2 and a dense layer.

    Args:
        shape: bands and frames of a mel; any will do.
        decibels: whether the mels are in decibels.
    """
    layers: list[nn.Module] = [
        RandomShift(4),
        InputNorm(shape[0], decibels, pool=(2, 4)),
        RandomEqualiser(0.4),
    ]
    channels = 1
    for width in (16, 32, 64, 96):
        stride = 2 if channels == 1 else 1
        layers += [nn.Conv2d(channels, width, kernel_size=3, stride=stride, padding=1, bias=False)]
        layers += [nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        layers += [nn.MaxPool2d(2, ceil_mode=True)] if channels > 1 else []
        channels = width
    return nn.Sequential(*layers, MeanAndMax(), nn.Dropout(0.2), nn.Linear(2 * channels, n_classes))


@dataclass(frozen=True, slots=True)
class Hyperparameters:
    """How a network is trained: Adam, or AdamW where weights decay (Loshchilov and Hutter, ICLR 2019).

    Args:
        lr: learning rate; with `one_cycle` the highest.
        batch_size: clips of a step.
        epochs: how many at most.
        patience: stop after so many epochs without a better validation macro-F1; None for never.
        weight_decay: share of a weight taken off in a step, times the learning rate.
        one_cycle: whether the rate rises and falls once over all epochs (Smith and Topin 2017, arXiv
            1708.07120), rather than staying.
        label_smoothing: share of the target spread over all classes (Szegedy et al. 2016).
        crop: share of a clip's frames that a step sees, from a random one on.
        balanced: whether the presence of a rare class weighs more where a clip may have several
            (docs/train.md has what that is worth).
    """

    lr: float
    batch_size: int = 128
    epochs: int = 15
    patience: int | None = 5
    weight_decay: float = 0.0
    one_cycle: bool = False
    label_smoothing: float = 0.0
    crop: float = 1.0
    balanced: bool = False


@dataclass(frozen=True, slots=True)
class Network:
    """A network of the registry.

    Args:
        make: from the number of classes, bands and frames of a mel, and whether it is in decibels; where it
            has `filters`, also from those, and whether the paper is taken literally.
        trained: how, unless something else is asked for.
        filters: of each convolution, where that is a setting; None where it is not.
        bf16: whether bfloat16 on a CPU that has it is faster (docs/train.md).
    """

    make: Callable[..., nn.Module]
    trained: Hyperparameters
    filters: tuple[int, ...] | None = None
    bf16: bool = True


LITERAL_LR = 0.01
"""The paper's "10e-3", for its CNN taken literally."""

MODELS: dict[str, Network] = {
    "paper": Network(paper, Hyperparameters(lr=0.001), filters=(8, 8, 16, 16, 32, 32, 64, 64)),
    "paper-7": Network(paper, Hyperparameters(lr=0.001), filters=(8, 8, 16, 16, 32, 32, 64)),
    "compact": Network(
        compact,
        Hyperparameters(
            lr=0.004,
            batch_size=32,
            epochs=40,
            patience=None,
            weight_decay=0.02,
            one_cycle=True,
            label_smoothing=0.05,
            crop=0.5,
            balanced=True,
        ),
    ),
    "han": Network(han, Hyperparameters(lr=0.001)),
    "crnn": Network(crnn, Hyperparameters(lr=0.001)),
    "rnn": Network(rnn, Hyperparameters(lr=0.003), bf16=False),
    "rcnn": Network(rcnn, Hyperparameters(lr=0.001)),
}


def is_one_cycle(model: str) -> bool:
    """Whether a model is a network whose learning rate rises and falls once."""
    return model in MODELS and MODELS[model].trained.one_cycle


def build(
    name: str,
    n_classes: int,
    shape: tuple[int, int],
    *,
    filters: Sequence[int] | None = None,
    literal: bool = False,
    decibels: bool = False,
    seed: int = 0,
) -> nn.Module:
    """A new network with He's initialisation, which "works better with ReLU activations" (paper, section 4).

    Weights of convolutions and dense layers are normal with variance `2 / fan_in`, biases zero; recurrent
    cells begin as torch has them.

    Args:
        shape: bands and frames of a mel.
        filters: of each convolution of the paper's networks; None for the network's own.
        literal: whether the paper's networks take the mels as they are.
        decibels: whether the mels are in decibels rather than power.
        seed: decides the weights; the global random state is left as it was.

    Raises:
        UsageError: the mel is too small for the network.
    """
    network = MODELS[name]
    make = partial(network.make, n_classes, shape, decibels)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = make() if network.filters is None else make(filters or network.filters, literal)
        for layer in model.modules():
            # On the device "meta" there is nothing to draw, and torch would load its compiler to draw it.
            if isinstance(layer, (nn.Conv2d, nn.Linear)) and not layer.weight.is_meta:
                nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
                if layer.bias is not None:
                    nn.init.zeros_(layer.bias)
    return model

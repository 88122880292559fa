"""The one module that draws: a run's losses and confusion matrix, a clip's mel spectrogram.

It takes arrays and numbers and knows no stage. The same input gives the same bytes.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import imsave
from matplotlib.ticker import MaxNLocator

from .workspace import write_beside

LEAST_LOSS = 1e-6
"""Where the loss axis ends; below it every clip is right beyond doubt."""

RANGE_DB = 80.0
"""Decibels from the loudest colour of a mel to the darkest."""

_FEWEST_TICKS = 4
_CLOSEST_TICKS = 0.045
"""Share of the axis below which two of its numbers would touch."""


def draw_curves(
    path: Path,
    train_loss: Sequence[float],
    validation_loss: Sequence[float],
    validation_f1: Sequence[float],
    best_epoch: int,
) -> None:
    """Draw loss and validation macro-F1 over the epochs, which count from 1, to a PNG."""
    figure = Figure(figsize=(7, 6), layout="constrained")
    losses, f1 = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    epochs = range(1, len(train_loss) + 1)
    # The first loss of an untrained network can be thousands of times the last, and the last can be zero.
    losses.set_yscale("log")
    for loss, name in ((train_loss, "training"), (validation_loss, "validation")):
        losses.plot(epochs, [max(value, LEAST_LOSS) for value in loss], marker="o", label=name)
    losses.set_ylabel("cross-entropy (nat)")
    f1.plot(epochs, [100 * value for value in validation_f1], marker="o", color="C1")
    f1.set(xlabel="epoch", ylabel="validation macro-F1 (%)", ylim=(-3, 103))
    f1.xaxis.set_major_locator(MaxNLocator(integer=True))
    for axes in (losses, f1):
        axes.axvline(best_epoch, color="grey", linestyle=":", label=f"best, epoch {best_epoch}")
        axes.grid(alpha=0.3)
    losses.legend()
    _save(figure, path)


def draw_confusion(path: Path, confusion: npt.NDArray[np.int64], class_names: Sequence[str]) -> None:
    """Draw a confusion matrix, rows actual, to a PNG: counts, shaded by the share of the actual class."""
    figure = Figure(figsize=(2 + 0.9 * len(class_names), 1.5 + 0.9 * len(class_names)), layout="constrained")
    axes = figure.subplots()
    share = confusion / confusion.sum(axis=1, keepdims=True).clip(min=1)
    image = axes.imshow(100 * share, cmap="Blues", vmin=0, vmax=100)
    for row, column in ((r, c) for r in range(len(share)) for c in range(len(share))):
        colour = "white" if share[row, column] > 0.5 else "black"
        axes.text(column, row, str(confusion[row, column]), ha="center", va="center", color=colour)
    axes.set_xticks(range(len(class_names)), class_names, rotation=45, ha="right", parse_math=False)
    axes.set_yticks(range(len(class_names)), class_names, parse_math=False)
    axes.set(xlabel="predicted class", ylabel="actual class")
    figure.colorbar(image, label="share of the actual class (%)")
    _save(figure, path)


def draw_mel(
    path: Path,
    decibels: npt.NDArray[np.float32],
    *,
    seconds: tuple[float, float],
    hertz: npt.NDArray[np.float64],
    title: str,
    unit: str,
) -> None:
    """Draw a mel spectrogram to a PNG; what is more than `RANGE_DB` below its loudest value is darkest.

    Args:
        path: the picture.
        decibels: [bands, frames], lowest band first.
        seconds: the middle of the first frame, and from each frame to the next.
        hertz: frequencies along the axis at equal distances, ascending, from one band below the first
            band's middle to one band above the last's.
        title: of the picture, taken as it is.
        unit: of the colours.
    """
    bands, frames = decibels.shape
    first, step = seconds
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    low, high = _colour_limits(decibels)
    extent = (first - step / 2, first + (frames - 0.5) * step, -0.5, bands - 0.5)
    image = axes.imshow(
        decibels,
        cmap="magma",
        vmin=low,
        vmax=high,
        origin="lower",
        aspect="auto",
        extent=extent,
    )
    # Half a band at either end, so that the lowest and the highest frequency have their place on the axis.
    axes.set(ylim=(-1, bands), xlabel="time (s)", ylabel="frequency (Hz)", facecolor="black")
    ticks = hertz_ticks(hertz)
    rows = np.interp(ticks, hertz, np.linspace(-1, bands, len(hertz)))
    axes.set_yticks(rows, [f"{tick:,g}" for tick in ticks])
    axes.set_title(title, parse_math=False, fontsize="medium")
    figure.colorbar(image, label=unit)
    _save(figure, path)


def draw_mel_strip(path: Path, decibels: npt.NDArray[np.float32]) -> None:
    """Draw a mel without axes to a small JPEG, for lists of many: a pixel a band, a pixel every two frames.

    Of two frames the louder is shown. Colours are those of `draw_mel`.

    Args:
        path: the picture.
        decibels: [bands, frames], lowest band first.
    """
    frames = decibels.shape[1] // 2 * 2
    halved = decibels if frames < 2 else np.maximum(decibels[:, :frames:2], decibels[:, 1:frames:2])
    low, high = _colour_limits(decibels)
    with write_beside(path) as temporary:
        imsave(
            temporary, halved, vmin=low, vmax=high, cmap="magma", origin="lower", format="jpeg",
            pil_kwargs={"quality": 80},
        )  # fmt: skip


def hertz_ticks(hertz: npt.NDArray[np.float64]) -> list[float]:
    """Round frequencies for an axis, none so close to another that their numbers would touch.

    Args:
        hertz: frequencies along the axis at equal distances, ascending.
    """
    octaves = [0.0, *(125.0 * 2**n for n in range(11))]
    chosen = _apart(octaves, hertz)
    if len(chosen) >= _FEWEST_TICKS:
        return chosen
    return _apart(MaxNLocator(8, steps=[1, 2, 5, 10]).tick_values(hertz[0], hertz[-1]), hertz)


def _colour_limits(decibels: npt.NDArray[np.float32]) -> tuple[float, float]:
    """The levels of the darkest and of the lightest colour of a mel."""
    finite = decibels[np.isfinite(decibels)]
    loudest, faintest = (float(finite.max()), float(finite.min())) if len(finite) else (0.0, 0.0)
    if loudest == faintest:
        # One level throughout is silence, which is dark.
        loudest += RANGE_DB
    return loudest - RANGE_DB, loudest


def _apart(ticks: Sequence[float], hertz: npt.NDArray[np.float64]) -> list[float]:
    chosen: list[float] = []
    last = -1.0
    for tick in ticks:
        place = float(np.interp(tick, hertz, np.linspace(0, 1, len(hertz))))
        if hertz[0] <= tick <= hertz[-1] and place - last >= _CLOSEST_TICKS:
            chosen.append(float(tick))
            last = place
    return chosen


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    with write_beside(path) as temporary, warnings.catch_warnings():
        # A class may be named in a script that the font lacks: its signs become boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        figure.savefig(temporary, format="png", dpi=120, metadata={"Software": None})

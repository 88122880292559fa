"""The one module that draws: a run's losses and confusion matrix, a clip's mel, a recording's timeline.

It takes arrays and numbers and knows no stage. The same input gives the same bytes.
"""

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from .workspace import write_beside

LEAST_LOSS = 1e-6
"""Where the loss axis ends; below it every clip is right beyond doubt."""

RANGE_DB = 80.0
"""Decibels from the loudest colour of a mel to the darkest."""

MOST_CLASSES = 24
"""Rows of a timeline: as many names as can be read."""

_LONGEST_NAME = 32
"""Characters of a class name in a picture."""

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


def draw_confusion(
    path: Path,
    confusion: npt.NDArray[np.int64],
    class_names: Sequence[str],
    clips: npt.NDArray[np.int64] | None = None,
) -> None:
    """Draw a confusion matrix, rows actual, to a PNG: counts, shaded by the share of the actual class.

    Args:
        path: the picture.
        confusion: counts, [classes, classes].
        class_names: of rows and columns.
        clips: of each actual class; the sum of its row if left out.
    """
    longest = max(map(len, class_names))
    # Names stand at the left, and slanting below; what is far longer than a word is cut off.
    side, room = 0.5 + 0.55 * max(4, len(class_names)), 0.09 * min(longest, _LONGEST_NAME)
    figure = Figure(figsize=(side + room + 1.6, side + 0.7 * room + 0.6), layout="constrained")
    axes = figure.subplots()
    total = confusion.sum(axis=1) if clips is None else clips
    share = confusion / total[:, None].clip(min=1)
    image = axes.imshow(100 * share, cmap="Blues", vmin=0, vmax=100)
    for row, column in ((r, c) for r in range(len(share)) for c in range(len(share))):
        colour = "white" if share[row, column] > 0.5 else "black"
        axes.text(
            column, row, str(confusion[row, column]),
            ha="center", va="center", color=colour, fontsize="small" if len(share) > 8 else None,
        )  # fmt: skip
    names = _short(class_names)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", parse_math=False)
    axes.set_yticks(range(len(names)), names, parse_math=False)
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
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    image = _show_mel(axes, decibels, seconds, hertz)
    axes.set_title(title, parse_math=False, fontsize="medium")
    figure.colorbar(image, label=unit)
    _save(figure, path)


def draw_timeline(
    path: Path,
    probability: npt.NDArray[np.float64],
    sounding: npt.NDArray[np.bool_],
    class_names: Sequence[str],
    *,
    borders: Sequence[float],
    decibels: npt.NDArray[np.float32],
    seconds: tuple[float, float],
    hertz: npt.NDArray[np.float64],
    title: str,
    unit: str,
) -> None:
    """Draw what is heard when, above the mel spectrogram of the same time, to a PNG.

    Of more than `MOST_CLASSES` classes, those are shown that are the most probable at any time.

    Args:
        path: the picture.
        probability: of every class over time, [windows, classes]; NaN where there is nothing to hear.
        sounding: which classes count as heard, [windows, classes].
        class_names: of the classes.
        borders: seconds at which each window's stretch begins, and where the last one ends, [windows + 1].
        decibels, seconds, hertz, title, unit: see `draw_mel`.
    """
    strongest = np.argsort(-np.nan_to_num(probability).max(axis=0), kind="stable")[:MOST_CLASSES]
    shown = np.sort(strongest)
    height = 0.7 + 0.3 * len(shown)
    figure = Figure(figsize=(10, height + 3.4), layout="constrained")
    classes, mel = figure.subplots(2, 1, sharex=True, height_ratios=[height, 3.4])
    edges = np.arange(len(shown) + 1) - 0.5
    strip = classes.pcolormesh(borders, edges, probability[:, shown].T, cmap="Blues", vmin=0, vmax=1)
    # A line through what is heard, since shades alone do not say which of two is the darker.
    for row, column in enumerate(sounding[:, shown].T):
        spans = [(borders[n], borders[n + 1] - borders[n]) for n in np.flatnonzero(column).tolist()]
        classes.broken_barh(spans, (row - 0.1, 0.2), color="C1", linewidth=0)
    classes.set_yticks(range(len(shown)), _short([class_names[n] for n in shown]), parse_math=False)
    # The first class on top, as in every table; silence shows what lies behind the strip.
    classes.set(ylim=(len(shown) - 0.5, -0.5), facecolor="lightgrey")
    marks = [Patch(color="C1", label="heard"), Patch(color="lightgrey", label="silence")]
    classes.legend(
        handles=marks, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, fontsize="small"
    )
    classes.set_title(title, loc="left", parse_math=False, fontsize="medium")
    figure.colorbar(strip, ax=classes, label="probability")
    figure.colorbar(_show_mel(mel, decibels, seconds, hertz), ax=mel, label=unit)
    mel.set_xlim(borders[0], borders[-1])
    _save(figure, path)


def _show_mel(
    axes: Axes,
    decibels: npt.NDArray[np.float32],
    seconds: tuple[float, float],
    hertz: npt.NDArray[np.float64],
) -> AxesImage:
    """A mel spectrogram with its axes; see `draw_mel`."""
    bands, frames = decibels.shape
    first, step = seconds
    finite = decibels[np.isfinite(decibels)]
    loudest, faintest = (float(finite.max()), float(finite.min())) if len(finite) else (0.0, 0.0)
    if loudest == faintest:
        # One level throughout is silence, which is dark.
        loudest += RANGE_DB
    extent = (first - step / 2, first + (frames - 0.5) * step, -0.5, bands - 0.5)
    image = axes.imshow(
        decibels,
        cmap="magma",
        vmin=loudest - RANGE_DB,
        vmax=loudest,
        origin="lower",
        aspect="auto",
        extent=extent,
    )
    # Half a band at either end, so that the lowest and the highest frequency have their place on the axis.
    axes.set(ylim=(-1, bands), xlabel="time (s)", ylabel="frequency (Hz)", facecolor="black")
    ticks = hertz_ticks(hertz)
    rows = np.interp(ticks, hertz, np.linspace(-1, bands, len(hertz)))
    axes.set_yticks(rows, [f"{tick:,g}" for tick in ticks])
    return image


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


def _apart(ticks: Sequence[float], hertz: npt.NDArray[np.float64]) -> list[float]:
    chosen: list[float] = []
    last = -1.0
    for tick in ticks:
        place = float(np.interp(tick, hertz, np.linspace(0, 1, len(hertz))))
        if hertz[0] <= tick <= hertz[-1] and place - last >= _CLOSEST_TICKS:
            chosen.append(float(tick))
            last = place
    return chosen


def _short(class_names: Sequence[str]) -> list[str]:
    return [name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…" for name in class_names]


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    with write_beside(path) as temporary, warnings.catch_warnings():
        # A class may be named in a script that the font lacks: its signs become boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
        figure.savefig(temporary, format="png", dpi=120, metadata={"Software": None})

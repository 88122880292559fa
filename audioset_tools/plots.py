"""The one module that draws: a run's losses, confusions, calibration, a clip's mel, a recording's timeline.

It takes arrays and numbers and knows no stage. The same input gives the same bytes.
"""

import errno
import logging
import os
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .exceptions import EnvironmentProblem
from .files import write_beside


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Matplotlib from telling of its fonts and folders, here alone: a notebook may want to hear it."""
    logger = logging.getLogger("matplotlib")
    before = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            # A class may be named in a script that the font lacks: its signs become boxes.
            warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)
            yield
    finally:
        logger.setLevel(before)


def _import_matplotlib() -> None:
    """Load it whatever the surroundings say: we draw to files alone, and want no backend of a notebook's."""
    # It reads this file of the current folder, which may be anybody's; and would wait for a pipe.
    if Path("matplotlibrc").exists() and not Path("matplotlibrc").is_file():
        raise OSError(errno.EINVAL, "matplotlibrc, in the current folder, is no file")
    try:
        import matplotlib
    except ValueError:
        os.environ.pop("MPLBACKEND", None)
        import matplotlib  # noqa: F401


# Where its folder cannot be written it takes a temporary one, and collects the fonts again, at length.
try:
    with _quiet():
        _import_matplotlib()
        from matplotlib import rc_context, rcParamsDefault
        from matplotlib.axes import Axes
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
        from matplotlib.image import AxesImage, imsave
        from matplotlib.patches import Patch
        from matplotlib.ticker import MaxNLocator
except (OSError, ValueError) as error:
    raise EnvironmentProblem(
        f"Matplotlib cannot be loaded: {getattr(error, 'strerror', None) or error}",
        "See to matplotlibrc, and give it a folder that it can write to: MPLCONFIGDIR=FOLDER.",
    ) from error


@contextmanager
def _our_style() -> Iterator[None]:
    """Draw as Matplotlib does by itself.

    A `matplotlibrc`, be it a stranger's in the current folder, could have it run LaTeX on the texts.
    """
    kept = {"backend", "backend_fallback"}
    with rc_context({name: rcParamsDefault[name] for name in rcParamsDefault if name not in kept}):
        yield


LEAST_LOSS = 1e-6
"""Where the loss axis ends; below it every clip is right beyond doubt."""

RANGE_DB = 80.0
"""Decibels from the loudest colour of a mel to the darkest."""

MOST_CLASSES = 24
"""Rows of a timeline: as many names as can be read."""

MOST_NAMED = 60
"""Classes of a confusion matrix that has names and counts."""

_LONGEST_NAME = 32
"""Characters of a class name in a picture."""

_FEWEST_TICKS = 4
_CLOSEST_TICKS = 0.045
"""Share of the axis below which two of its numbers would touch."""


@dataclass(frozen=True, slots=True)
class MelImage:
    """A mel spectrogram and its axes.

    Args:
        decibels: [bands, frames], lowest band first.
        seconds: the middle of the first frame, and from each frame to the next.
        hertz: frequencies at equal distances on the mel scale, ascending, from one band below the first
            band's middle to one band above the last's.
        unit: what a decibel is relative to, in words; it stands beside the colours.
    """

    decibels: npt.NDArray[np.float32]
    seconds: tuple[float, float]
    hertz: npt.NDArray[np.float64]
    unit: str


@_our_style()
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
    # Of a single epoch, too: between two whole numbers there is nothing to read.
    f1.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    for axes in (losses, f1):
        axes.axvline(best_epoch, color="grey", linestyle=":", label=f"best, epoch {best_epoch}")
        axes.grid(alpha=0.3)
    losses.legend()
    _save(figure, path)


@_our_style()
def draw_confusion(
    path: Path,
    confusion: npt.NDArray[np.int64],
    class_names: Sequence[str],
    clips: npt.NDArray[np.int64] | None = None,
) -> None:
    """Draw a confusion matrix, rows actual, to a PNG: counts, shaded by the share of the actual class.

    Of very many classes neither names nor counts have room: their numbers stand at the sides.

    Args:
        confusion: numbers of clips, [classes, classes].
        class_names: of rows and columns.
        clips: of each actual class; the sum of its row if left out.
    """
    longest = max(map(len, class_names))
    # Names stand at the left, and slanting below; what is far longer than a word is cut off.
    side, room = (
        0.5 + 0.55 * max(4, len(class_names) if len(class_names) <= MOST_NAMED else 12),
        0.09 * min(longest, _LONGEST_NAME),
    )
    figure = Figure(figsize=(side + room + 1.6, side + 0.7 * room + 0.6), layout="constrained")
    axes = figure.subplots()
    total = confusion.sum(axis=1) if clips is None else clips
    share = confusion / total[:, None].clip(min=1)
    image = axes.imshow(100 * share, cmap="Blues", vmin=0, vmax=100)
    axes.set(xlabel="predicted class", ylabel="actual class")
    figure.colorbar(image, label="share of the actual class (%)")
    if len(share) > MOST_NAMED:
        _save(figure, path)
        return
    for row, column in ((r, c) for r in range(len(share)) for c in range(len(share))):
        colour = "white" if share[row, column] > 0.5 else "black"
        axes.text(
            column, row, str(confusion[row, column]),
            ha="center", va="center", color=colour, fontsize="small" if len(share) > 8 else None,
        )  # fmt: skip
    names = _short(class_names)
    axes.set_xticks(range(len(names)), names, rotation=45, ha="right", parse_math=False)
    axes.set_yticks(range(len(names)), names, parse_math=False)
    _save(figure, path)


@_our_style()
def draw_reliability(
    path: Path,
    counts: npt.NDArray[np.int64],
    confidence: npt.NDArray[np.float64],
    share: npt.NDArray[np.float64],
    ends: npt.NDArray[np.float64],
    *,
    title: str,
    labels: tuple[str, str],
) -> None:
    """Draw how often a model is right by how sure it is, to a PNG; on the diagonal it is as right as sure.

    Args:
        counts: decisions in bins of equal width from 0 to 1, [bins].
        confidence, share: their mean probability, and the share of them that is right, [bins].
        ends: of the share's interval, [bins, 2].
        title: taken as it is.
        labels: what a probability is of, and what the share is of.
    """
    figure = Figure(figsize=(5.5, 6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    width = 1 / len(counts)
    middles = (np.arange(len(counts)) + 0.5) * width
    held = counts > 0
    above.plot([0, 100], [0, 100], color="grey", linestyle=":", label="as right as sure")
    reach = 100 * np.abs(ends - share[:, None])[held].T
    above.errorbar(
        100 * confidence[held],
        100 * share[held],
        reach,
        fmt="o",
        color="C0",
        label="found, and 95 % interval",
    )
    above.set(ylabel=labels[1], xlim=(0, 100), ylim=(-3, 103))
    below.bar(100 * middles, counts, 96 * width, color="C0", alpha=0.35)
    below.set(xlabel=labels[0], ylabel="decisions")
    below.yaxis.set_major_locator(MaxNLocator(3, integer=True, min_n_ticks=1))
    for axes in (above, below):
        axes.grid(alpha=0.3)
    above.legend(loc="best")
    above.set_title(title, parse_math=False, fontsize="medium")
    _save(figure, path)


@_our_style()
def draw_mel(path: Path, mel: MelImage, title: str) -> None:
    """Draw a mel spectrogram to a PNG; what is more than `RANGE_DB` below its loudest value is darkest.

    The title is taken as it is: nothing in it is read as mathematics.
    """
    figure = Figure(figsize=(9, 4.5), layout="constrained")
    axes = figure.subplots()
    image = _show_mel(axes, mel)
    axes.set_title(title, parse_math=False, fontsize="medium")
    figure.colorbar(image, label=mel.unit)
    _save(figure, path)


@_our_style()
def draw_timeline(
    path: Path,
    probability: npt.NDArray[np.float64],
    active: npt.NDArray[np.bool_],
    class_names: Sequence[str],
    *,
    borders: Sequence[float],
    mel: MelImage,
    title: str,
) -> None:
    """Draw what is active when, above the mel spectrogram of the same time, to a PNG.

    Of more than `MOST_CLASSES` classes, those are shown that are the most probable at any time.

    Args:
        path: the PNG to write.
        probability: of every class over time, [windows, classes]; NaN where there is silence.
        active: which classes are predicted, [windows, classes].
        class_names: of the columns of both.
        borders: seconds at which each window's stretch begins, and where the last one ends, [windows + 1].
        mel: of the same time.
        title: taken as it is.
    """
    strongest = np.argsort(-np.nan_to_num(probability).max(axis=0), kind="stable")[:MOST_CLASSES]
    shown = np.sort(strongest)
    height = 0.7 + 0.3 * len(shown)
    figure = Figure(figsize=(10, height + 3.4), layout="constrained")
    classes, below = figure.subplots(2, 1, sharex=True, height_ratios=[height, 3.4])
    edges = np.arange(len(shown) + 1) - 0.5
    strip = classes.pcolormesh(borders, edges, probability[:, shown].T, cmap="Blues", vmin=0, vmax=1)
    # A line through what is active, since shades alone do not say which of two is the darker.
    for row, column in enumerate(active[:, shown].T):
        spans = [(borders[n], borders[n + 1] - borders[n]) for n in np.flatnonzero(column).tolist()]
        classes.broken_barh(spans, (row - 0.1, 0.2), color="C1", linewidth=0)
    classes.set_yticks(range(len(shown)), _short([class_names[n] for n in shown]), parse_math=False)
    # The first class on top, as in every table; silence shows what lies behind the strip.
    classes.set(ylim=(len(shown) - 0.5, -0.5), facecolor="lightgrey")
    marks = [Patch(color="C1", label="active"), Patch(color="lightgrey", label="silence")]
    classes.legend(
        handles=marks, loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False, fontsize="small"
    )
    classes.set_title(title, loc="left", parse_math=False, fontsize="medium")
    figure.colorbar(strip, ax=classes, label="probability")
    figure.colorbar(_show_mel(below, mel), ax=below, label=mel.unit)
    below.set_xlim(borders[0], borders[-1])
    _save(figure, path)


def _show_mel(axes: Axes, mel: MelImage) -> AxesImage:
    bands, frames = mel.decibels.shape
    first, step = mel.seconds
    low, high = _colour_limits(mel.decibels)
    extent = (first - step / 2, first + (frames - 0.5) * step, -0.5, bands - 0.5)
    image = axes.imshow(
        mel.decibels,
        cmap="magma",
        vmin=low,
        vmax=high,
        origin="lower",
        aspect="auto",
        extent=extent,
    )
    # Half a band at either end, so that the lowest and the highest frequency have their place on the axis.
    axes.set(ylim=(-1, bands), xlabel="time (s)", ylabel="frequency (Hz)", facecolor="black")
    ticks = hertz_ticks(mel.hertz)
    rows = np.interp(ticks, mel.hertz, np.linspace(-1, bands, len(mel.hertz)))
    axes.set_yticks(rows, [f"{tick:,g}" for tick in ticks])
    return image


def draw_mel_strip(path: Path, decibels: npt.NDArray[np.float32]) -> None:
    """Draw a mel without axes to a small JPEG, for lists of many: a pixel a band, a pixel every two frames.

    Of two frames the louder is shown. Colours are those of `draw_mel`.

    Args:
        decibels: [bands, frames], lowest band first.
    """
    frames = decibels.shape[1] // 2 * 2
    halved = decibels if frames < 2 else np.maximum(decibels[:, :frames:2], decibels[:, 1:frames:2])
    with write_beside(path) as temporary:
        temporary.write_bytes(encode_mel(halved))


def encode_mel(decibels: npt.NDArray[np.float32]) -> bytes:
    """A mel without axes as JPEG, a pixel a value, in the colours of `draw_mel`.

    Args:
        decibels: [bands, columns], lowest band first.
    """
    low, high = _colour_limits(decibels)
    encoded = BytesIO()
    imsave(
        encoded, decibels, vmin=low, vmax=high, cmap="magma", origin="lower", format="jpeg",
        pil_kwargs={"quality": 80},
    )  # fmt: skip
    return encoded.getvalue()


def encode_pixels(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Pixels as PNG.

    Args:
        pixels: red, green, blue and how much of what lies behind they hide, [rows, columns, 4].
    """
    encoded = BytesIO()
    imsave(encoded, pixels, format="png", metadata={"Software": "audioset-tools"})
    return encoded.getvalue()


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
        coordinate = float(np.interp(tick, hertz, np.linspace(0, 1, len(hertz))))
        if hertz[0] <= tick <= hertz[-1] and coordinate - last >= _CLOSEST_TICKS:
            chosen.append(float(tick))
            last = coordinate
    return chosen


def _short(class_names: Sequence[str]) -> list[str]:
    return [name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…" for name in class_names]


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    with write_beside(path) as temporary, _quiet():
        figure.savefig(temporary, format="png", dpi=120, metadata={"Software": None})

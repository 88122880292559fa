"""The two pictures of a run: its losses over the epochs (paper, figure 3) and its confusion matrix."""

from collections.abc import Sequence
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..workspace import write_beside
from .metrics import Counts

LEAST_LOSS = 1e-6
"""Where the loss axis ends; below it every clip is right beyond doubt."""


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


def draw_confusion(path: Path, confusion: Counts, class_names: Sequence[str]) -> None:
    """Draw a confusion matrix to a PNG: counts, shaded by the share of the actual class."""
    figure = Figure(figsize=(2 + 0.9 * len(class_names), 1.5 + 0.9 * len(class_names)), layout="constrained")
    axes = figure.subplots()
    share = confusion / confusion.sum(axis=1, keepdims=True).clip(min=1)
    image = axes.imshow(100 * share, cmap="Blues", vmin=0, vmax=100)
    for row, column in ((r, c) for r in range(len(share)) for c in range(len(share))):
        colour = "white" if share[row, column] > 0.5 else "black"
        axes.text(column, row, str(confusion[row, column]), ha="center", va="center", color=colour)
    axes.set_xticks(range(len(class_names)), class_names, rotation=45, ha="right")
    axes.set_yticks(range(len(class_names)), class_names)
    axes.set(xlabel="predicted class", ylabel="actual class")
    figure.colorbar(image, label="share of the actual class (%)")
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)
    with write_beside(path) as temporary:
        figure.savefig(temporary, format="png", dpi=120)

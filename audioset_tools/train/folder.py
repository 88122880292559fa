"""The run folder: everything that a run leaves behind, each file whole or not there.

config.json         settings, classes, spec and versions; written first
history.csv         a row per epoch
model.safetensors   the best weights so far, with config, classes and spec in the header
checkpoint.safetensors  what --resume needs; only while the run is unfinished
predictions.csv     key, actual, predicted and the probability of every class, on the test split
confusion.csv .png  of the test split, rows actual
curves.png          losses and macro-F1 over the epochs
metrics.json        scores of the test and validation splits; written last: a folder with it is finished
"""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from ..figures import draw_confusion, draw_curves
from ..workspace import write_beside
from .config import TrainConfig
from .evaluate import Predictions
from .metrics import Scores, scores

FINISHED = "metrics.json"


@dataclass(frozen=True, slots=True)
class Epoch:
    """One row of the history; losses are mean cross-entropies, F1 is macro, speed in training samples/s."""

    epoch: int
    train_loss: float
    train_f1: float
    validation_loss: float
    validation_f1: float
    seconds: float
    samples_per_second: float


@dataclass(frozen=True, slots=True)
class Run:
    """A finished training run.

    Args:
        path: its folder.
        config: its settings.
        class_names: what the labels count.
        history: its epochs.
        best_epoch: whose weights were kept.
        validation, test: what those weights say about the two splits.
    """

    path: Path
    config: TrainConfig
    class_names: tuple[str, ...]
    history: tuple[Epoch, ...]
    best_epoch: int
    validation: Predictions
    test: Predictions


def write_history(folder: Path, history: Sequence[Epoch]) -> None:
    """Write `history.csv`."""
    _write_csv(folder / "history.csv", [field.name for field in fields(Epoch)], map(astuple, history))


def finish_run(run: Run) -> None:
    """Write predictions, confusion matrix and pictures, then the metrics, which make the run finished."""
    names = run.class_names
    test = run.test
    _write_csv(
        run.path / "predictions.csv",
        ["key", "actual", "predicted", *names],
        (
            [key, names[actual], names[predicted], *(f"{value:.6f}" for value in probability)]
            for key, actual, predicted, probability in zip(
                test.key, test.actual, test.predicted, test.probability, strict=True
            )
        ),
    )
    confusion = zip(names, test.confusion, strict=True)
    header = ["actual \\ predicted", *names]
    _write_csv(run.path / "confusion.csv", header, ([name, *row] for name, row in confusion))
    draw_confusion(run.path / "confusion.png", test.confusion, names)
    draw_curves(
        run.path / "curves.png",
        [epoch.train_loss for epoch in run.history],
        [epoch.validation_loss for epoch in run.history],
        [epoch.validation_f1 for epoch in run.history],
        run.best_epoch,
    )
    metrics = {
        "best_epoch": run.best_epoch,
        "validation": _summary(run.validation, names),
        "test": _summary(run.test, names),
    }
    _write_json(run.path / FINISHED, metrics)


def _summary(predictions: Predictions, class_names: Sequence[str]) -> dict[str, Any]:
    found: Scores = scores(predictions.confusion)
    per_class = zip(class_names, found.precision, found.recall, found.f1, strict=True)
    precision, recall, f1 = found.macro
    return {
        "clips": len(predictions.key),
        "loss": predictions.loss,
        "classes": {name: {"precision": p, "recall": r, "f1": f} for name, p, r, f in per_class},
        "macro": {"precision": precision, "recall": recall, "f1": f1},
        "confusion": predictions.confusion.tolist(),
    }


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    with write_beside(path) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")


def _write_csv(path: Path, header: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    with write_beside(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        table = csv.writer(handle, lineterminator="\n")
        table.writerow(header)
        table.writerows(rows)

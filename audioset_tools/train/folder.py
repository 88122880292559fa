"""The run folder: everything that a run leaves behind, each file whole or not there.

config.json         settings, classes, spec and versions; written first
history.csv         a row per epoch, or per setting that a baseline tried
model.safetensors   the best weights so far, with config, classes and spec in the header
checkpoint.safetensors  what --resume needs; only while the run is unfinished
predictions.csv     key, actual, predicted and the probability of every class, on the test split
tables.txt          the paper's Tables 1 and 2 of the test split
confusion.csv .png  of the test split, rows actual
curves.png          losses and macro-F1 over the epochs
metrics.json        scores of the test and validation splits; written last: a folder with it is finished

What is of a split is written by one function, `write_evaluation`, whether `train` or `evaluate` calls it.
"""

import csv
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import Any

from ..errors import DataMismatch
from ..figures import draw_confusion, draw_curves
from ..workspace import write_beside
from .about import NOT_OURS, About, parse_about
from .evaluate import Evaluation, Predictions, judge
from .tables import evaluation_json, evaluation_tables

CONFIG, HISTORY, WEIGHTS, FINISHED = "config.json", "history.csv", "model.safetensors", "metrics.json"

BETWEEN_CLASSES = ";"
"""In a CSV cell that holds the several classes of a clip, as in `dataset.csv`."""


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
class Trial:
    """One row of a baseline's history: a setting, and what came of it on the validation split."""

    trial: int
    settings: str
    validation_loss: float
    validation_f1: float
    seconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """A finished training run.

    Args:
        path: its folder.
        about: its settings and classes.
        history: its epochs, or the trials of a baseline.
        best_epoch: whose weights were kept, counted from 1.
        parameters: numbers that were learned.
        validation, test: what those weights say about the two splits.
    """

    path: Path
    about: About
    history: tuple[Epoch, ...] | tuple[Trial, ...]
    best_epoch: int
    parameters: int
    validation: Predictions
    test: Predictions

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the labels count."""
        return self.about.class_names


def is_finished(folder: Path) -> bool:
    """Whether a run came to its end."""
    return (folder / FINISHED).exists()


def best_of(history: Sequence[Epoch] | Sequence[Trial]) -> int:
    """Which row of a history has the weights that are kept, counted from 1.

    The one with the best macro-F1 on the validation split, of equals the one with the lowest loss, of these
    the first.
    """
    merits = [(row.validation_f1, -row.validation_loss) for row in history]
    return merits.index(max(merits)) + 1


def write_about(folder: Path, about: About) -> None:
    """Write `config.json`."""
    with write_beside(folder / CONFIG) as temporary:
        temporary.write_text(about.json(indent=1) + "\n")


def write_history(folder: Path, history: Sequence[Epoch] | Sequence[Trial]) -> None:
    """Write `history.csv`; there is at least one row."""
    write_csv(folder / HISTORY, [field.name for field in fields(history[0])], map(astuple, history))


def finish_run(run: Run) -> tuple[Evaluation, Evaluation]:
    """Write what the test split gave, and pictures, then the metrics, which make the run finished.

    Returns:
        The validation split and the test split, evaluated.
    """
    validation = judge(run.validation, run.class_names, "validation")
    test = judge(run.test, run.class_names, "test")
    write_evaluation(run.path, test)
    write_curves(run.path, run.history)
    training = {"best_epoch": run.best_epoch, "parameters": run.parameters}
    write_metrics(run.path, training, validation, test)
    return validation, test


def write_evaluation(folder: Path, evaluation: Evaluation) -> None:
    """Write predictions, tables and confusion matrix of a split."""
    names, found = evaluation.class_names, evaluation.predictions
    actual, predicted = found.hot
    rows = zip(found.key, actual, predicted, found.probability, strict=True)
    write_csv(
        folder / "predictions.csv",
        ["key", "actual", "predicted", *names],
        (
            [key, _words(one, names), _words(two, names), *(f"{value:.6f}" for value in probability)]
            for key, one, two, probability in rows
        ),
    )
    with write_beside(folder / "tables.txt") as temporary:
        temporary.write_text("\n".join(evaluation_tables(evaluation)), encoding="utf-8")
    confusion = found.confusion
    header = ["actual \\ predicted", *names]
    write_csv(
        folder / "confusion.csv", header, ([name, *row] for name, row in zip(names, confusion, strict=True))
    )
    draw_confusion(folder / "confusion.png", confusion, names, actual.sum(axis=0))


def write_curves(folder: Path, history: Sequence[Epoch] | Sequence[Trial]) -> None:
    """Draw losses and F1 over the epochs; a baseline has none."""
    epochs = [epoch for epoch in history if isinstance(epoch, Epoch)]
    if epochs:
        draw_curves(
            folder / "curves.png",
            [epoch.train_loss for epoch in epochs],
            [epoch.validation_loss for epoch in epochs],
            [epoch.validation_f1 for epoch in epochs],
            best_of(epochs),
        )


def write_metrics(folder: Path, training: Mapping[str, Any], *evaluations: Evaluation) -> None:
    """Write `metrics.json`: what is known of the training, and each split's figures."""
    content = dict(training) | {each.split: evaluation_json(each) for each in evaluations}
    with write_beside(folder / FINISHED) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")


def read_metrics(folder: Path) -> dict[str, Any]:
    """What `write_metrics` wrote.

    Raises:
        DataMismatch: it is not there, or damaged.
    """
    return _read_json(folder / FINISHED)


def read_config(folder: Path) -> About:
    """What `write_about` wrote.

    Raises:
        DataMismatch: it is not there, or damaged.
    """
    return parse_about(_read_json(folder / CONFIG), folder / CONFIG)


def read_history(folder: Path) -> tuple[Epoch, ...] | tuple[Trial, ...]:
    """What `write_history` wrote.

    Raises:
        DataMismatch: it is not there, or damaged.
    """
    path = folder / HISTORY
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.DictReader(handle, strict=True))
        kind: type[Epoch] | type[Trial] = Trial if "trial" in rows[0] else Epoch
        kinds: dict[str, Any] = {field.name: field.type for field in fields(kind)}
        read: Any = tuple(kind(**{name: kinds[name](row[name]) for name in row}) for row in rows)
    except (OSError, ValueError, LookupError, TypeError, csv.Error) as error:
        raise DataMismatch(f"{path} is missing or damaged", NOT_OURS) from error
    return read  # type: ignore[no-any-return]


def write_csv(path: Path, header: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """Write a table."""
    with write_beside(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        table = csv.writer(handle, lineterminator="\n")
        table.writerow(header)
        table.writerows(rows)


def _words(hot: Iterable[int], class_names: Sequence[str]) -> str:
    return BETWEEN_CLASSES.join(name for one, name in zip(hot, class_names, strict=True) if one)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DataMismatch(f"{path} is missing or damaged", NOT_OURS) from error
    if not isinstance(content, dict):
        raise DataMismatch(f"{path} is missing or damaged", NOT_OURS)
    return content

"""Run folders as anybody may read them: settings, history, predictions and scores from their files.

Nothing of `train` is imported, so a report needs no torch; and a folder that somebody else wrote, or that is
half written, is told of and never an error.
"""

import csv
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ..workspace import printable

Content = TypeVar("Content")

BETWEEN_CLASSES = ";"
"""In the columns `actual` and `predicted` where several classes may sound at once."""

_DAMAGE = (OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError, csv.Error)
"""What reading a file of any content may raise."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a model said of one clip: the numbers of its classes, and the probability of every class."""

    key: str
    actual: tuple[int, ...]
    predicted: tuple[int, ...]
    probability: tuple[float, ...]

    def chance(self, number: int) -> float:
        """The probability of a class."""
        return self.probability[number] if number < len(self.probability) else 0.0


@dataclass(frozen=True, slots=True)
class RunFound:
    """What a run folder holds.

    Args:
        name: of the folder.
        about: `config.json`; empty where there is none.
        class_names: what labels count.
        history: rows of `history.csv`, numbers by column.
        predictions: rows of `predictions.csv`.
        metrics: `metrics.json`; empty while the run is unfinished.
        troubles: files that cannot be read, and why.
    """

    name: str
    about: Mapping[str, Any]
    class_names: tuple[str, ...]
    history: tuple[Mapping[str, float], ...]
    predictions: tuple[Prediction, ...]
    metrics: Mapping[str, Any]
    troubles: tuple[str, ...]

    @property
    def model(self) -> str:
        """Its name in the settings."""
        config = self.about.get("config")
        return str(config.get("model", "")) if isinstance(config, dict) else ""

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """How many clips of a class (row) were predicted as which (column), [classes, classes]."""
        counts = np.zeros((len(self.class_names), len(self.class_names)), np.int64)
        for one in self.predictions:
            for row in one.actual:
                for column in one.predicted:
                    counts[row, column] += 1
        return counts

    def score(self, split: str, name: str, class_name: str | None = None) -> float | None:
        """A score of `metrics.json` as a fraction, of a class or, without one, the macro mean."""
        return _number(self._scores(self.metrics.get(split), class_name).get(name))

    def interval(self, split: str, name: str) -> tuple[float, float] | None:
        """The interval of a macro mean, where the run has one."""
        table = self.metrics.get(split)
        ends = self._scores(table.get("intervals") if isinstance(table, dict) else None, None).get(name)
        if not isinstance(ends, list) or len(ends) != 2:
            return None
        low, high = map(_number, ends)
        return None if low is None or high is None else (low, high)

    @staticmethod
    def _scores(table: object, class_name: str | None) -> Mapping[str, Any]:
        if not isinstance(table, dict):
            return {}
        inner = table.get("macro") if class_name is None else table.get("classes")
        if class_name is not None and isinstance(inner, dict):
            inner = inner.get(class_name)
        return inner if isinstance(inner, dict) else {}


def read_runs(runs: Path) -> tuple[RunFound, ...]:
    """Every run folder, by name; one that holds none of a run's files is none."""
    if not runs.is_dir():
        return ()
    folders = sorted(path for path in runs.iterdir() if path.is_dir() and not path.name.startswith("."))
    return tuple(read_run(path) for path in folders if (path / "config.json").exists())


def read_run(folder: Path) -> RunFound:
    """Read a run folder as far as it can be read."""
    troubles: list[str] = []
    about: dict[str, Any] = _read(folder / "config.json", _read_json, {}, troubles)
    names = about.get("class_names")
    class_names = tuple(map(str, names)) if isinstance(names, list) else ()
    several = about.get("multi_label") is True
    return RunFound(
        name=printable(folder.name),
        about=about,
        class_names=class_names,
        history=_read(folder / "history.csv", _read_history, (), troubles),
        predictions=_read(
            folder / "predictions.csv",
            lambda path: _read_predictions(path, class_names, several),
            (),
            troubles,
        ),
        metrics=_read(folder / "metrics.json", _read_json, {}, troubles),
        troubles=tuple(troubles),
    )


def _read(path: Path, read: Callable[[Path], Content], empty: Content, troubles: list[str]) -> Content:
    if not path.exists():
        return empty
    try:
        content: Content = read(path)
    except _DAMAGE as error:
        troubles.append(printable(f"{path.name} cannot be read: {type(error).__name__}: {error}"))
        return empty
    return content


def _read_json(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict):
        raise ValueError("it holds no object")
    return content


def _read_history(path: Path) -> tuple[dict[str, float], ...]:
    """The columns that hold numbers throughout."""
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle, strict=True))
    columns = [name for name in (rows[0] if rows else {}) if all(_is_number(row[name]) for row in rows)]
    return tuple({name: float(row[name]) for name in columns} for row in rows)


def _read_predictions(path: Path, class_names: tuple[str, ...], several: bool) -> tuple[Prediction, ...]:
    number = {name: index for index, name in enumerate(class_names)}

    def numbers(text: str) -> tuple[int, ...]:
        names = text.split(BETWEEN_CLASSES) if several else [text]
        return tuple(number[name] for name in names if name or not several)

    with path.open(encoding="utf-8", newline="") as handle:
        header, *rows = csv.reader(handle, strict=True)
    if header[:3] != ["key", "actual", "predicted"]:
        raise ValueError(f"its columns are {header[:3]}")
    return tuple(
        Prediction(key, numbers(actual), numbers(predicted), tuple(map(float, probability)))
        for key, actual, predicted, *probability in rows
    )


def _is_number(text: object) -> bool:
    try:
        float(str(text))
    except ValueError:
        return False
    return True


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return float(value)
    return None

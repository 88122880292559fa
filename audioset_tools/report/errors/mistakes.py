"""What a run got wrong on the test split, and which of that people are asked to listen to."""

import csv
import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...errors import DataMismatch, UsageError
from ...types import KEY
from ...workspace import Workspace, printable

PREDICTIONS = "predictions.csv"
"""What `train` and `evaluate` leave in a run's folder."""

BETWEEN_CLASSES = ";"
"""In a cell that holds the several classes of a clip."""

_COLUMNS = ["key", "actual", "predicted"]
_AGAIN = "Take the run folder whole, as `audioset-tools train` left it, or train again."


@dataclass(frozen=True, slots=True)
class Mistake:
    """A clip of the test split that the model got wrong.

    Args:
        key: which clip.
        actual, predicted: as they stand in the file: a class, or several, or none, with `;` between.
        classes: the actual ones, in which an analysis counts the clip.
        probability: of every class, in the order of the file.
    """

    key: str
    actual: str
    predicted: str
    classes: tuple[str, ...]
    probability: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Mistakes:
    """All mistakes of a run.

    Args:
        class_names: in the order of the file.
        clips: how many the test split has.
        wrong: those that the model got wrong; where several classes may sound, in any of them.
        multi_label: whether in some clip several sound, or none does.
    """

    class_names: tuple[str, ...]
    clips: int
    wrong: tuple[Mistake, ...]
    multi_label: bool

    @property
    def by_key(self) -> dict[str, Mistake]:
        return {one.key: one for one in self.wrong}


def find_run(workspace: Workspace, run: str) -> Path:
    """The folder of a run, given by its path or by its name in the workspace.

    Raises:
        UsageError: there is no such run.
    """
    for folder in (workspace.runs / run, Path(run)):
        if (folder / PREDICTIONS).is_file():
            return folder
    names = sorted(path.parent.name for path in workspace.runs.glob(f"*/{PREDICTIONS}"))
    raise UsageError(
        f"no finished run {printable(run)!r} in {printable(workspace.runs)}",
        f"Name one with --run: {', '.join(map(printable, names))}."
        if names
        else "Name the --workspace it lies in, or run first: audioset-tools train",
    )


def read_mistakes(path: Path) -> Mistakes:
    """Read what a run predicted, and keep what is wrong.

    Args:
        path: of `predictions.csv`.

    Raises:
        DataMismatch: it is missing, damaged or foreign; the message has the line.
    """
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            rows = list(csv.reader(handle, strict=True))
    except (OSError, ValueError, csv.Error) as error:
        raise DataMismatch(f"{path} cannot be read as CSV: {error}", _AGAIN) from error
    names = tuple(rows[0][3:]) if rows else ()
    if not names or rows[0][:3] != _COLUMNS or len(set(names)) < len(names):
        raise DataMismatch(f"{path}, line 1: not key,actual,predicted and a column for each class", _AGAIN)
    found: dict[str, Mistake] = {}
    for line, row in enumerate(rows[1:], start=2):
        try:
            mistake = _mistake(row, names)
            if mistake.key in found:
                raise ValueError(f"clip {mistake.key} stands there twice")
        except ValueError as error:
            raise DataMismatch(f"{path}, line {line}: {error}", _AGAIN) from error
        found[mistake.key] = mistake
    several = any(one.actual not in names or one.predicted not in names for one in found.values())
    wrong = tuple(one for one in found.values() if one.actual != one.predicted)
    return Mistakes(names, len(found), wrong, several)


def _mistake(row: Sequence[str], names: tuple[str, ...]) -> Mistake:
    if len(row) != 3 + len(names):
        raise ValueError(f"{len(row)} fields instead of {3 + len(names)}")
    key, actual, predicted = row[:3]
    if not KEY.fullmatch(key):
        raise ValueError(f"no clip's key: {key!r}")
    probability = tuple(float(value) for value in row[3:])
    # The probabilities of a model that diverged are no numbers; its mistakes are mistakes all the same.
    if any(value < 0 or value > 1 for value in probability if not math.isnan(value)):
        raise ValueError("a probability outside of 0 to 1")
    classes_of(predicted, names)
    return Mistake(key, actual, predicted, classes_of(actual, names), probability)


def classes_of(cell: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """The classes in a cell of the predictions.

    Raises:
        ValueError: there is no such class.
    """
    if cell in names:
        return (cell,)
    several = tuple(cell.split(BETWEEN_CLASSES)) if cell else ()
    for name in several:
        if name not in names:
            raise ValueError(f"no class of this run: {name!r}")
    return several


def draw(mistakes: Mistakes, per_class: int, seed: int) -> tuple[Mistake, ...]:
    """Draw so many mistakes of each actual class, or all where there are fewer; class by class.

    A clip's turn depends on its key and the seed alone: who asks for more later gets those that he had, and
    more of them. A clip of several classes is listened to once.

    Args:
        mistakes: of a run.
        per_class: at most so many of a class.
        seed: of the order.
    """
    queue = sorted(mistakes.wrong, key=lambda one: hashlib.sha256(f"{seed} {one.key}".encode()).digest())
    drawn: dict[str, Mistake] = {}
    for name in mistakes.class_names:
        drawn |= {one.key: one for one in [one for one in queue if name in one.classes][:per_class]}
    return tuple(drawn.values())

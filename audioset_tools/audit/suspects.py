"""`audit.csv`: the clips whose labels are probably wrong, the most suspicious first."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..csvfile import csv_columns, read_csv, write_csv
from ..exceptions import DataMismatch
from ..types import KEY, join_classes, split_classes

NAME = "audit.csv"

COLUMNS = (
    "key",
    "rank",
    "class",
    "suggested",
    "probability",
    "suggested_probability",
    "margin",
    "split",
    "path",
)
"""Then follow the probabilities of all classes, each as `p(NAME)`."""

_OF_CLASS = re.compile(r"p\((.*)\)", re.DOTALL)

_AGAIN = "Run `audioset-tools audit` again: it writes the file whole."


@dataclass(frozen=True, slots=True)
class Suspect:
    """A clip whose label is probably wrong.

    Args:
        rank: 1 for the most suspicious.
        classes, suggested: as labelled, and as it probably is: one each, or, where a clip may have several,
            any number.
        probability, suggested_probability: of both; where a clip may have several classes, of the doubted
            class's being there or not as labelled, and of the contrary.
        split: that it is in.
        path: of its file, below the workspace; empty where `dataset.csv` does not have it.
        of_classes: the probability of every class.
    """

    key: str
    rank: int
    classes: tuple[str, ...]
    suggested: tuple[str, ...]
    probability: float
    suggested_probability: float
    split: str
    path: str
    of_classes: tuple[float, ...]

    @property
    def margin(self) -> float:
        """The lower, the more the suggestion is ahead of the label."""
        return self.probability - self.suggested_probability


@dataclass(frozen=True, slots=True)
class StoredSuspects:
    """All of `audit.csv`; classes are in the order of its columns."""

    class_names: tuple[str, ...]
    suspects: tuple[Suspect, ...]


def write_suspects(path: Path, class_names: Sequence[str], suspects: Iterable[Suspect]) -> None:
    """Write the file whole or not at all."""
    rows = (
        [
            one.key, one.rank, join_classes(one.classes), join_classes(one.suggested),
            *(f"{value:.6f}" for value in (one.probability, one.suggested_probability, one.margin)),
            one.split, one.path, *(f"{value:.6f}" for value in one.of_classes),
        ]
        for one in suspects
    )  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    write_csv(path, [*COLUMNS, *(f"p({name})" for name in class_names)], rows)


def read_suspects(path: Path) -> StoredSuspects:
    """What `write_suspects` wrote.

    Raises:
        DataMismatch: it is not there, damaged or foreign; the message has the line.
        EnvironmentProblem: it cannot be read.
    """
    found = [_OF_CLASS.fullmatch(column) for column in csv_columns(path, _AGAIN)[len(COLUMNS) :]]
    class_names = tuple(one[1] for one in found if one)
    if not found or len(class_names) < len(found):
        raise DataMismatch(f"{path}, line 1: the columns behind path are not those of classes", _AGAIN)
    keys: set[str] = set()

    def parse(row: dict[str, str]) -> Suspect:
        key, rank, classes, suggested, own, other, _, split, where, *cells = row.values()
        if not KEY.fullmatch(key) or key in keys:
            raise ValueError(f"no clip's key, or one that stands there twice: {key[:40]!a}")
        keys.add(key)
        given, probable = (_classes(cell, class_names) for cell in (classes, suggested))
        numbers = tuple(map(float, (own, other, *cells)))
        if not all(0 <= value <= 1 for value in numbers):
            raise ValueError("a probability outside of 0 to 1")
        return Suspect(key, int(rank), given, probable, numbers[0], numbers[1], split, where, numbers[2:])

    return StoredSuspects(class_names, tuple(read_csv(path, COLUMNS, parse, _AGAIN, further=True)))


def _classes(cell: str, class_names: Sequence[str]) -> tuple[str, ...]:
    names = (cell,) if cell in class_names else split_classes(cell)
    if unknown := [name for name in names if name not in class_names]:
        raise ValueError(f"no class of this audit: {unknown[0][:40]!a}")
    return names

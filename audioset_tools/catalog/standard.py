"""AudioSet's own task as a recipe: its subsets are the splits, its labels the classes, and all of them count.

    kind = "official"
    train = ["balanced_train"]

The eval set is the test. The classes are AudioSet's 527, in the order of class_labels_indices.csv, which is
the order of the ontology: number 0 of a published model is Speech, and so it is here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..exceptions import DataMismatch
from .labels import read_labels
from .official import GENUINE, SUBSETS
from .ontology import Ontology

KIND = "official"
"""What `kind` says of such a recipe."""

TEST = "eval"
"""The subset that is the test, always."""

LABELS = "class_labels_indices.csv"
"""AudioSet's file of its labels, which lies beside its lists where somebody has put it there."""

KEYS = {"kind", "name", "seed", "train", "validation", "labels", "per_label", "least_seconds", "splits"}


@dataclass(frozen=True, slots=True)
class StandardTask:
    """Which of AudioSet's rows and labels are wanted; all of them.

    Args:
        train, validation: the subsets of each split; with none for validation, train gives some clips.
        labels: mids or names of the classes, as the recipe has them; empty for all.
        per_label: how many training clips of a label are enough; None for all. Rarer labels choose first.
    """

    train: tuple[str, ...]
    validation: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    per_label: int | None = None

    @property
    def split_of(self) -> dict[str, str]:
        """The split of each subset that is wanted."""
        listed = dict.fromkeys(self.train, "train") | dict.fromkeys(self.validation, "validation")
        return {**listed, TEST: "test"}


def parse_standard(table: Mapping[str, Any]) -> StandardTask:
    """What a recipe of this kind says, besides what every recipe does.

    Raises:
        ValueError: it makes no sense.
    """
    if table["kind"] != KIND:
        raise ValueError(f"kind is {str(table['kind'])[:40]!a}; only {KIND!r} is known")
    if unknown := sorted(table.keys() - KEYS):
        raise ValueError(f"a recipe of kind {KIND} knows nothing of {', '.join(unknown)}")
    train, validation = _texts(table["train"]), _texts(table.get("validation", []))
    choice = [subset for subset in SUBSETS if subset != TEST]
    given = [*train, *validation]
    if not train or not {*given} <= {*choice} or len({*given}) < len(given):
        raise ValueError(f"train and validation share out {' and '.join(choice)}; train has one at least")
    per_label = table.get("per_label")
    if per_label is not None and (not isinstance(per_label, int) or per_label < 1):
        raise ValueError("per_label is no whole number of at least 1")
    return StandardTask(train, validation, tuple(sorted({*_texts(table.get("labels", []))})), per_label)


def _texts(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ValueError(f"no list of texts: {str(values)[:40]!a}")
    return tuple(values)


def official_labels(folder: Path, ontology: Ontology, used: Iterable[str]) -> dict[str, str]:
    """AudioSet's labels by mid, with their names, in its order.

    Those of class_labels_indices.csv where that lies beside the lists; else those that the lists use, as the
    ontology orders and names them. Of the genuine files both are the same.

    Args:
        folder: where the lists lie.
        used: the mids that occur in them.

    Raises:
        DataMismatch: the file is damaged, or not the ontology's.
    """
    path, known = folder / LABELS, {*used}
    if not path.is_file():
        return {mid: name for mid, name in ontology.names.items() if mid in known}
    labels = read_labels(path)
    if unknown := [mid for mid in labels.mids if mid not in ontology.names]:
        raise DataMismatch(f"{path} has {unknown[0][:40]!a}, which the ontology does not define", GENUINE)
    return dict(zip(labels.mids, labels.names, strict=True))

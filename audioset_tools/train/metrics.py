"""The figures of the paper's Tables 1 and 2, and the tables themselves as text."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.metrics import confusion_matrix as sklearn_confusion

Counts = npt.NDArray[np.int64]
Rates = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Scores:
    """Precision, recall and F1 of every class, [classes], each between 0 and 1.

    A class that was never predicted has precision 0, one that never occurs recall 0.
    """

    precision: Rates
    recall: Rates
    f1: Rates

    @property
    def macro(self) -> tuple[float, float, float]:
        """Means over the classes of the three: the column Total of the paper's Table 2."""
        return float(self.precision.mean()), float(self.recall.mean()), float(self.f1.mean())


def confusion_matrix(actual: npt.ArrayLike, predicted: npt.ArrayLike, n_classes: int) -> Counts:
    """How often each actual class (row) was predicted as which (column): [classes, classes]."""
    counts: Counts = sklearn_confusion(actual, predicted, labels=range(n_classes))
    return counts


def scores(confusion: Counts) -> Scores:
    """Precision, recall and F1 from a confusion matrix whose rows are the actual classes."""
    hits = np.diag(confusion).astype(np.float64)
    actual, predicted = confusion.sum(axis=1), confusion.sum(axis=0)
    return Scores(
        precision=hits / np.maximum(predicted, 1),
        recall=hits / np.maximum(actual, 1),
        f1=2 * hits / np.maximum(actual + predicted, 1),
    )


def format_table1(confusion: Counts, class_names: Sequence[str]) -> str:
    """A confusion matrix in the form of the paper's Table 1: a row per actual class.

    The paper's header reads "predict-actual", but its rows sum to 200, the number of test clips of a class.
    """
    rows = [[name, *(str(count) for count in row)] for name, row in zip(class_names, confusion, strict=True)]
    return _format([["actual \\ predicted", *class_names], *rows])


def format_table2(found: Scores, class_names: Sequence[str]) -> str:
    """Scores in the form of the paper's Table 2: percent, a column per class, their mean as Total."""
    named = zip(
        ("Precision (%)", "Recall (%)", "F1-score (%)"),
        (found.precision, found.recall, found.f1),
        found.macro,
        strict=True,
    )
    rows = [[name, *(f"{100 * rate:.2f}" for rate in [*rates, total])] for name, rates, total in named]
    return _format([["", *class_names, "Total"], *rows])


def _format(table: Sequence[Sequence[str]]) -> str:
    widths = [max(len(cell) for cell in column) for column in zip(*table, strict=True)]
    lines = [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in table
    ]
    return "\n".join(line.rstrip() for line in lines)

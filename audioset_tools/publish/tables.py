"""The paper's tables of every published run, made again from its predictions.

    python tables.py

Needs Python and nothing else. For each folder of `runs/` it counts `predictions.csv`, prints the confusion
matrix, precision, recall and F1, and compares them with those that `metrics.json` tells of the test split. It
ends with exit code 1 where a figure differs.
"""

import csv
import json
import math
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

Clips = list[list[set[str]]]
"""Of each clip its actual classes, and its predicted ones."""

FIGURES = ("precision", "recall", "f1")

AS_GOOD_AS_EQUAL = 1e-9


def read_predictions(path: Path) -> tuple[list[str], Clips]:
    """The classes in order, and of each clip its actual and its predicted ones."""
    with path.open(encoding="utf-8", newline="") as handle:
        header, *rows = csv.reader(handle)
    first = header.index("predicted") + 1
    place = {name: number for number, name in enumerate(header)}
    which = place["actual"], place["predicted"]
    clips = [[set(filter(None, row[column].split(";"))) for column in which] for row in rows]
    return header[first:], clips


def ratio(part: float, whole: float) -> float:
    """A share; nothing of nothing is none."""
    return part / whole if whole else 0.0


def three(hits: int, actual: int, predicted: int) -> list[float]:
    """Precision, recall and F1 from counts."""
    return [ratio(hits, predicted), ratio(hits, actual), ratio(2 * hits, actual + predicted)]


def scores(names: Sequence[str], clips: Clips) -> tuple[dict[str, list[float]], list[float], list[float]]:
    """Precision, recall and F1 of every class, their mean, and those of all decisions together."""
    counts = {
        name: (
            sum(name in actual and name in predicted for actual, predicted in clips),
            sum(name in actual for actual, _ in clips),
            sum(name in predicted for _, predicted in clips),
        )
        for name in names
    }
    found = {name: three(*counts[name]) for name in names}
    macro = [math.fsum(one[figure] for one in found.values()) / len(names) for figure in range(3)]
    hits, actual, predicted = map(sum, zip(*counts.values(), strict=True))
    micro = three(hits, actual, predicted)
    return found, macro, micro


def table(rows: Sequence[Sequence[str]]) -> None:
    """Rows of text in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *rest in rows:
        cells = [first.ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        say("  ".join(cells))
    say("")


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")


def differences(
    told: dict[str, Any], found: dict[str, list[float]], macro: list[float], micro: list[float]
) -> Iterator[str]:
    """The figures that `metrics.json` tells otherwise, whose classes stand in the same order."""
    theirs = [*told["classes"].values(), told["macro"], told["micro"]]
    ours = {**found, "Total": macro, "Micro": micro}
    for (name, values), other in zip(ours.items(), theirs, strict=True):
        for figure, value in zip(FIGURES, values, strict=True):
            if abs((other[figure] or 0.0) - value) > AS_GOOD_AS_EQUAL:
                yield f"{figure} of {name}: {value!r} here, {other[figure]!r} in metrics.json"


def main() -> int:
    """Print the tables of all runs; returns the exit code."""
    wrong, runs = 0, sorted(Path(__file__).parent.glob("runs/*/"))
    if not runs:
        say("there is no run")
        return 0
    for run in runs:
        names, clips = read_predictions(run / "predictions.csv")
        found, macro, micro = scores(names, clips)
        say(f"{run.name}: {len(clips)} test clips\n")
        pairs = Counter((one, other) for actual, predicted in clips for one in actual for other in predicted)
        counts = [[one, *(str(pairs[one, other]) for other in names)] for one in names]
        table([["actual \\ predicted", *names], *counts])
        columns = [*(found[name] for name in names), macro, micro]
        rows = [
            [word, *(f"{100 * one[number]:.2f}" for one in columns)] for number, word in enumerate(FIGURES)
        ]
        table([["(%)", *names, "Total", "Micro"], *rows])
        told = json.loads((run / "metrics.json").read_text("utf-8"))["test"]
        for line in differences(told, found, macro, micro):
            say(f"DIFFERS: {line}")
            wrong += 1
    say("every figure is that of metrics.json" if not wrong else f"{wrong} figures differ")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Runs beside one another, best first, from what their folders say."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..csvfile import write_csv
from ..exceptions import DataMismatch
from ..types import Table
from ..words import counted
from .folder import (
    FINISHED,
    PREDICTIONS,
    WRITE_AGAIN,
    Prediction,
    read_config,
    read_history,
    read_metrics,
    read_predictions,
)
from .intervals import differences
from .metrics import MultiHot

MOST_CLASSES = 6
"""That have a column each in the printed table."""

UNDECIDED = "~"
"""Marks a run that may be as good as the best: the interval of their difference holds 0."""


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much a run's macro-F1 lies above that of the best run, on the same clips; between -1 and 1.

    Args:
        low, high: ends of its interval, in which both are judged by the same drawings.
    """

    value: float
    low: float
    high: float

    @property
    def decided(self) -> bool:
        """Whether the interval leaves no doubt which of the two is better."""
        return not self.low <= 0 <= self.high


@dataclass(frozen=True, slots=True)
class Compared:
    """A run, in figures of its test split between 0 and 1.

    Args:
        parameters: numbers that were learned.
        rows: epochs, or the settings that a baseline tried.
        best: the one that was kept, counted from 1.
        seconds: that they took together, validation included.
        macro_f1: mean F1 of the classes.
        micro_f1: F1 of all decisions together.
        class_f1: F1 of every class.
        mean_ap: mAP, where a clip may have several classes and it is defined; else None.
        multi_label: whether a clip may have several classes.
        tested: what was predicted for each test clip.
        difference: to the best run; None for that itself, and for a run tested on other clips.
    """

    path: Path
    model: str
    parameters: int
    rows: int
    best: int
    seconds: float
    macro_f1: float
    interval: tuple[float, float]
    micro_f1: float
    class_f1: dict[str, float]
    mean_ap: float | None
    multi_label: bool
    tested: tuple[Prediction, ...]
    difference: Difference | None = None

    @property
    def clips(self) -> frozenset[str]:
        """The keys of the test clips."""
        return frozenset(row.key for row in self.tested)


def compare(runs: Sequence[Path]) -> list[Compared]:
    """Read runs, the one with the best macro-F1 first.

    Args:
        runs: folders of finished runs.

    Raises:
        DataMismatch: one is not finished, damaged, or has other classes than the rest.
    """
    compared = [_read(folder) for folder in dict.fromkeys(runs)]
    for other in compared[1:]:
        if list(other.class_f1) != list(compared[0].class_f1):
            raise DataMismatch(
                f"{other.path} tells other classes apart than {compared[0].path}",
                "Compare runs of the same recipe.",
            )
    return _with_differences(sorted(compared, key=lambda run: (-run.macro_f1, run.path.name)))


def tested_clips(folder: Path) -> frozenset[str]:
    """The keys of the clips that a run was tested on.

    Raises:
        DataMismatch: its predictions are missing or damaged.
    """
    return frozenset(row.key for row in read_predictions(folder / PREDICTIONS).rows)


def remarks(compared: Sequence[Compared]) -> list[str]:
    """What a reader of the table must know."""
    found = []
    if any(run.difference is not None and not run.difference.decided for run in compared):
        found.append(f"{UNDECIDED} may be as good as the best: the 95 % interval of the difference holds 0")
    if any(run.difference is None for run in compared[1:]):
        found.append("some runs were tested on different clips than the best: theirs is another exam")
    if len(compared[0].class_f1) > MOST_CLASSES:
        found.append("the F1 of every class is in --json and --csv")
    return found


def compare_table(compared: Sequence[Compared]) -> Table:
    """For people; the classes have columns as long as they are few."""
    names = list(compared[0].class_f1)
    shown = names if len(names) <= MOST_CLASSES else []
    several = any(run.mean_ap is not None for run in compared)
    header = ("run", "parameters", "best of", "time", "macro", "95 %", "to the best", "micro")
    rows = []
    for run in compared:
        low, high = run.interval
        cells = [
            run.path.name,
            f"{run.parameters:,}",
            f"{run.best} of {run.rows}",
            _time(run.seconds),
            f"{100 * run.macro_f1:.2f}",
            f"{100 * low:.1f}-{100 * high:.1f}",
            _difference(run, run is compared[0]),
            f"{100 * run.micro_f1:.2f}",
        ]
        cells += [f"{100 * run.class_f1[name]:.2f}" for name in shown]
        cells += [_three(run.mean_ap)] if several else []
        rows.append(tuple(cells))
    clips = counted(len(compared[0].tested), "test clip")
    title = f"F1 in % on {clips}; macro is the Total of the paper's Table 2"
    header = (*header, *shown, *(("mAP",) if several else ()))
    of_classes = tuple(range(header.index("micro") + 1, header.index("micro") + 1 + len(shown)))
    dispensable = ("parameters", "time", "best of", "micro")
    optional = (of_classes, *((header.index(head),) for head in dispensable))
    return Table(title, header, tuple(rows), optional)


def compare_json(compared: Sequence[Compared]) -> dict[str, Any]:
    """For programs."""
    return {"runs": [{**_plain(run), "f1": run.class_f1} for run in compared]}


def write_comparison(path: Path, compared: Sequence[Compared]) -> None:
    """Write the comparison as CSV: a row per run, a column per figure."""
    names = list(compared[0].class_f1)
    rows = [[*_plain(run).values(), *run.class_f1.values()] for run in compared]
    write_csv(path, [*_plain(compared[0]), *(f"f1 {name}" for name in names)], rows)


def _plain(run: Compared) -> dict[str, Any]:
    return {
        "run": str(run.path),
        "model": run.model,
        "parameters": run.parameters,
        "epochs": run.rows,
        "best_epoch": run.best,
        "seconds": round(run.seconds, 3),
        "test_clips": len(run.tested),
        "macro_f1": run.macro_f1,
        "macro_f1_low": run.interval[0],
        "macro_f1_high": run.interval[1],
        "difference": None if run.difference is None else run.difference.value,
        "difference_low": None if run.difference is None else run.difference.low,
        "difference_high": None if run.difference is None else run.difference.high,
        "micro_f1": run.micro_f1,
        "map": run.mean_ap,
    }


def _read(folder: Path) -> Compared:
    about, metrics, history = read_config(folder), read_metrics(folder), read_history(folder)
    stored = read_predictions(folder / PREDICTIONS)
    if stored.class_names != about.class_names:
        raise DataMismatch(f"{folder / PREDICTIONS} has other classes than its run", WRITE_AGAIN)
    try:
        test = metrics["test"]
        low, high = test["intervals"]["macro"]["f1"]
        mean_ap = test["macro"].get("map")
        return Compared(
            path=folder,
            model=str(about.config["model"]),
            parameters=int(metrics["parameters"]),
            rows=len(history),
            best=int(metrics["best_epoch"]),
            seconds=sum(row.seconds for row in history),
            macro_f1=float(test["macro"]["f1"]),
            interval=(float(low), float(high)),
            micro_f1=float(test["micro"]["f1"]),
            class_f1={name: float(test["classes"][name]["f1"]) for name in about.class_names},
            mean_ap=None if mean_ap is None else float(mean_ap),
            multi_label=about.multi_label,
            tested=stored.rows,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataMismatch(f"{folder / FINISHED} is damaged, or of another version", WRITE_AGAIN) from error


def _with_differences(ranked: Sequence[Compared]) -> list[Compared]:
    """The same runs, each with its difference to the first if it was tested on the same clips."""
    best = ranked[0]
    exam = _exam(best)
    others = [run for run in ranked[1:] if _exam(run) == exam]
    if not others:
        return list(ranked)
    rows = sorted(best.tested, key=lambda row: row.key)
    n_classes = len(best.class_f1)
    ends = differences(
        [row.group for row in rows],
        _hot((row.actual for row in rows), n_classes),
        _predicted(best),
        [_predicted(run) for run in others],
        by_class=not best.multi_label,
    )
    found = {
        run.path: Difference(run.macro_f1 - best.macro_f1, low, high)
        for run, (low, high) in zip(others, ends, strict=True)
    }
    return [replace(run, difference=found.get(run.path)) for run in ranked]


def _exam(run: Compared) -> dict[str, tuple[int, ...]]:
    """Each test clip and its classes."""
    return {row.key: row.actual for row in run.tested}


def _predicted(run: Compared) -> MultiHot:
    """Zeros and ones, [clips by key, classes]."""
    rows = sorted(run.tested, key=lambda row: row.key)
    return _hot((row.predicted for row in rows), len(run.class_f1))


def _hot(classes: Iterable[tuple[int, ...]], n_classes: int) -> MultiHot:
    return np.array([[number in numbers for number in range(n_classes)] for numbers in classes], np.uint8)


def _difference(run: Compared, best: bool) -> str:
    """`-2.3 ± 1.9`, marked where that is undecided."""
    if run.difference is None:
        return "" if best else "other clips"
    found = run.difference
    mark = "" if found.decided else f" {UNDECIDED}"
    return f"{100 * found.value:.1f} ± {50 * (found.high - found.low):.1f}{mark}"


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _three(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"

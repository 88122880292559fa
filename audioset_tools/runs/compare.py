"""Runs beside one another, best first, from what their folders say."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..csvfile import write_csv
from ..exceptions import DataMismatch
from ..types import Table
from .folder import (
    FINISHED,
    PREDICTIONS,
    WRITE_AGAIN,
    read_config,
    read_history,
    read_metrics,
    read_predictions,
)

MOST_CLASSES = 6
"""That have a column each in the printed table."""


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
        clips: the keys of the test clips.
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
    clips: frozenset[str]


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
    return sorted(compared, key=lambda run: (-run.macro_f1, run.path.name))


def tested_clips(folder: Path) -> frozenset[str]:
    """The keys of the clips that a run was tested on.

    Raises:
        DataMismatch: its predictions are missing or damaged.
    """
    return frozenset(row.key for row in read_predictions(folder / PREDICTIONS).rows)


def remarks(compared: Sequence[Compared]) -> list[str]:
    """What a reader of the table must know."""
    found = []
    if len({run.clips for run in compared}) > 1:
        found.append("these runs were tested on different clips; their figures are not those of one exam")
    if len(compared[0].class_f1) > MOST_CLASSES:
        found.append("the F1 of every class is in --json and --csv")
    return found


def compare_table(compared: Sequence[Compared]) -> Table:
    """For people; the classes have columns as long as they are few."""
    names = list(compared[0].class_f1)
    shown = names if len(names) <= MOST_CLASSES else []
    several = any(run.mean_ap is not None for run in compared)
    header = ("run", "parameters", "best of", "time", "macro", "95 %", "micro")
    rows = []
    for run in compared:
        low, high = run.interval
        cells = [
            run.path.name,
            f"{run.parameters:,}",
            f"{run.best} of {run.rows}",
            _time(run.seconds),
            f"{100 * run.macro_f1:.2f}",
            f"{100 * low:.1f} to {100 * high:.1f}",
            f"{100 * run.micro_f1:.2f}",
        ]
        cells += [f"{100 * run.class_f1[name]:.2f}" for name in shown]
        cells += [_three(run.mean_ap)] if several else []
        rows.append(tuple(cells))
    title = f"F1 in % on {len(compared[0].clips):,} test clips"
    return Table(title, (*header, *shown, *(["mAP"] if several else [])), tuple(rows))


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
        "test_clips": len(run.clips),
        "macro_f1": run.macro_f1,
        "macro_f1_low": run.interval[0],
        "macro_f1_high": run.interval[1],
        "micro_f1": run.micro_f1,
        "map": run.mean_ap,
    }


def _read(folder: Path) -> Compared:
    about, metrics, history = read_config(folder), read_metrics(folder), read_history(folder)
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
            clips=tested_clips(folder),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise DataMismatch(f"{folder / FINISHED} is damaged, or of another version", WRITE_AGAIN) from error


def _time(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 120 else f"{seconds / 60:.1f} min"


def _three(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"

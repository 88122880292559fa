"""A training run in words: a line an epoch, and the paper's two tables at the end."""

from collections.abc import Iterator
from typing import Any

from ..runs.evaluation import judge
from ..runs.folder import Epoch, Run, Trial
from ..runs.tables import evaluation_tables


def history_line(row: Epoch | Trial) -> str:
    """One epoch, or one setting of a baseline, and what came of it."""
    if isinstance(row, Trial):
        return (
            f"trial {row.trial:2}: loss {row.validation_loss:.4f}, F1 {row.validation_f1:.4f} validation;"
            f" {row.settings}"
        )
    return (
        f"epoch {row.epoch:2}: loss {row.train_loss:.4f} train, "
        f"{row.validation_loss:.4f} validation; F1 {row.train_f1:.4f} train, "
        f"{row.validation_f1:.4f} validation; {row.samples_per_second:.0f} samples/s"
    )


def run_tables(run: Run) -> Iterator[str]:
    """The test split in the form of the paper's Tables 1 and 2."""
    best = run.history[run.best_epoch - 1]
    if isinstance(best, Trial):
        yield f"Weights of trial {best.trial}: {best.settings}\n"
    else:
        yield f"Weights of epoch {best.epoch}\n"
    yield from evaluation_tables(judge(run.test, run.class_names, "test"))
    yield f"The run is in {run.path}"


def run_json(run: Run) -> dict[str, Any]:
    """The same for `--json`."""
    precision, recall, f1 = run.test.scores.macro
    return {
        "path": str(run.path),
        "classes": list(run.class_names),
        "best_epoch": run.best_epoch,
        "epochs": len(run.history),
        "confusion": run.test.confusion.tolist(),
        "macro": {"precision": precision, "recall": recall, "f1": f1},
    }

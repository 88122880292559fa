"""A training run in words: a line an epoch, and the paper's two tables at the end."""

from collections.abc import Iterator
from typing import Any

from .evaluate import judge
from .folder import Epoch, Run, Trial
from .loop import Step
from .tables import evaluation_tables


def epoch_line(epoch: Epoch, epochs: int) -> str:
    """One epoch: losses, macro-F1 and speed."""
    return (
        f"epoch {epoch.epoch:2} of {epochs}: loss {epoch.train_loss:.4f} train, "
        f"{epoch.validation_loss:.4f} validation; F1 {epoch.train_f1:.4f} train, "
        f"{epoch.validation_f1:.4f} validation; {epoch.samples_per_second:.0f} samples/s"
    )


def step_line(step: Step) -> str:
    """An epoch under way, beside a bar that shows how far it is."""
    return f"loss {step.loss:.4f}, F1 {step.f1:.4f}, {step.samples_per_second:.0f} samples/s"


def trial_line(trial: Trial) -> str:
    """One setting of a baseline, and what came of it."""
    return (
        f"trial {trial.trial:2}: loss {trial.validation_loss:.4f}, F1 {trial.validation_f1:.4f} validation;"
        f" {trial.settings}"
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

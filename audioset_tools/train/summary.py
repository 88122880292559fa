"""A training run in words: a line an epoch, and the paper's two tables at the end."""

from collections.abc import Iterator
from dataclasses import asdict
from math import isfinite
from typing import Any

from ..runs.evaluation import judge
from ..runs.folder import Epoch, Run, Trial
from ..runs.metrics import ranking
from ..runs.tables import evaluation_tables
from ..types import Table
from .config import TrainConfig
from .networks import MODELS

RECOMMENDED = "That is the paper's network; to use one, `audioset-tools train --model compact`"


def history_line(row: Epoch | Trial, config: TrainConfig) -> str:
    """One epoch, or one setting of a baseline, and what came of it: within 80 columns."""
    if isinstance(row, Trial):
        return (
            f"trial {row.trial:2}: loss {row.validation_loss:.4f}, F1 {row.validation_f1:.4f} validation;"
            f" {row.settings}"
        )
    return (
        f"epoch {row.epoch:2} of {config.epochs or MODELS[config.model].trained.epochs}:"
        f" train loss {_loss(row.train_loss)}, F1 {row.train_f1:.3f};"
        f" validation loss {_loss(row.validation_loss)}, F1 {row.validation_f1:.3f}"
    )


def _loss(value: float) -> str:
    """Six characters, as long as it is below 100,000."""
    digits = 4 if value < 10 else 2 if value < 1_000 else 0
    return f"{value:,.{digits}f}"


def run_tables(run: Run) -> Iterator[str | Table]:
    """The test split in the form of the paper's Tables 1 and 2."""
    best = run.history[run.best_epoch - 1]
    if isinstance(best, Trial):
        yield f"Weights of trial {best.trial}: {best.settings}\n"
    else:
        yield f"Weights of epoch {best.epoch}\n"
    yield from evaluation_tables(judge(run.test, run.class_names, "test"))
    yield f"The run is in {run.path}"
    if run.about.config["model"] in ("paper", "paper-7"):
        yield RECOMMENDED


def run_json(run: Run) -> dict[str, Any]:
    """The same for `--json`."""
    precision, recall, f1 = run.test.scores.macro
    macro: dict[str, float | None] = {"precision": precision, "recall": recall, "f1": f1}
    if run.test.multi_label:
        ranked = ranking(run.test.hot[0], run.test.probability).macro
        named = zip(("map", "auc", "d_prime"), ranked, strict=True)
        # What is not defined, or infinite, is null, as in metrics.json.
        macro |= {name: value if isfinite(value) else None for name, value in named}
    return {
        "path": str(run.path),
        "classes": list(run.class_names),
        "best_epoch": run.best_epoch,
        "epochs": len(run.history),
        "warnings": [asdict(each) for each in run.warnings],
        "confusion": run.test.confusion.tolist(),
        "macro": macro,
    }

"""A training in words."""

from pathlib import Path

import numpy as np

from audioset_tools.runs.evaluation import Predictions
from audioset_tools.runs.folder import Epoch, Run, Trial
from audioset_tools.train.summary import history_line, run_json, run_tables
from tests.train.small import CLASSES, about

PERFECT = Predictions(("a", "b", "c"), ("a", "b", "c"), np.arange(3), np.eye(3), 0.0)


def test_a_row_of_the_history_in_words() -> None:
    assert history_line(Epoch(3, 0.5, 0.25, 1.0, 0.125, 9.0, 41.7)) == (
        "epoch  3: loss 0.5000 train, 1.0000 validation; F1 0.2500 train, 0.1250 validation; 42 samples/s"
    )
    assert history_line(Trial(2, "k 5", 0.5, 0.75, 1.0)) == (
        "trial  2: loss 0.5000, F1 0.7500 validation; k 5"
    )


def test_a_run_in_words_and_for_programs() -> None:
    trials = (Trial(1, "k 1", 1, 0.5, 1), Trial(2, "k 5", 0.5, 0.75, 1))
    run = Run(Path("runs/knn"), about(), trials, 2, 9, PERFECT, PERFECT)
    text = "\n".join(run_tables(run))
    assert text.startswith("Weights of trial 2: k 5\n") and text.endswith("The run is in runs/knn")
    told = run_json(run)
    assert told["classes"] == list(CLASSES) and told["confusion"] == np.eye(3, dtype=int).tolist()
    assert told["macro"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0} and told["best_epoch"] == 2

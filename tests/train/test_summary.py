"""A training in words."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from audioset_tools.runs.evaluation import Predictions
from audioset_tools.runs.folder import Caution, Epoch, Run, Trial
from audioset_tools.runs.tables import tables_text
from audioset_tools.train.config import TrainConfig
from audioset_tools.train.summary import history_line, run_json, run_tables
from tests.train.small import CLASSES, about

PERFECT = Predictions(("a", "b", "c"), ("a", "b", "c"), np.arange(3), np.eye(3), 0.0)


def test_a_row_of_the_history_in_words() -> None:
    config = TrainConfig("compact")
    line = history_line(Epoch(3, 0.5, 0.25, 1.0, 0.125, 9.0, 41.7), config)
    assert line == "epoch  3 of 40: train loss 0.5000, F1 0.250; validation loss 1.0000, F1 0.125"
    line = history_line(Epoch(13, 8178.4, 1, 25.7214, 1, 9.0, 41.7), config)
    assert line == "epoch 13 of 40: train loss 8,178, F1 1.000; validation loss 25.72, F1 1.000"
    assert history_line(Trial(2, "k 5", 0.5, 0.75, 1.0), TrainConfig("knn")) == (
        "trial  2: loss 0.5000, F1 0.7500 validation; k 5"
    )


def test_a_run_in_words_and_for_programs() -> None:
    trials = (Trial(1, "k 1", 1, 0.5, 1), Trial(2, "k 5", 0.5, 0.75, 1))
    run = Run(Path("runs/knn"), about(), trials, 2, 9, PERFECT, PERFECT)
    text = tables_text(run_tables(run))
    assert text.startswith("Weights of trial 2: k 5\n") and text.endswith("The run is in runs/knn")
    assert "compact" not in text
    paper = replace(run, about=about(config={"model": "paper"}))
    assert list(run_tables(paper))[-1].endswith("`audioset-tools train --model compact`")
    told = run_json(replace(run, warnings=(Caution("early", "epoch 1 is the best", "Lower --lr."),)))
    assert told["warnings"] == [{"kind": "early", "what": "epoch 1 is the best", "remedy": "Lower --lr."}]
    assert told["classes"] == list(CLASSES) and told["confusion"] == np.eye(3, dtype=int).tolist()
    assert told["macro"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0} and told["best_epoch"] == 2

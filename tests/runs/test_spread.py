"""How far figures spread over seeds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from audioset_tools.runs.folder import Trial, read_config, write_about
from audioset_tools.runs.spread import deviation, spread_json, spread_table, spreads
from tests.runs.test_compare import a_run

FIGURES = {("svm", 0): 0.8, ("svm", 1): 0.9, ("svm", 2): 0.85, ("knn", 1): 0.95}


def run_of(folder: Path, model: str, seed: int, macro: float) -> Path:
    a_run(folder, model, (macro - 0.1, macro, macro + 0.1), history=[Trial(1, "k 1", 1.0, 0.5, 1.25)])
    write_about(folder, replace(read_config(folder), config={"model": model, "seed": seed}))
    return folder


def test_the_seeds_of_a_model_have_their_mean_deviation_and_ends(tmp_path: Path) -> None:
    runs = [run_of(tmp_path / f"{model}-{seed}", model, seed, f1) for (model, seed), f1 in FIGURES.items()]
    found = spreads(runs)
    # The better mean first, a single seed without a deviation; micro lies 0.01 below macro.
    table = spread_table(found)
    assert table.header == ("model", "F1", "seed 0", "seed 1", "seed 2", "mean", "SD", "min to max")
    assert table.rows == (
        ("knn", "macro", "", "95.00", "", "95.00", "", "95.00 to 95.00"),
        ("knn", "micro", "", "94.00", "", "94.00", "", "94.00 to 94.00"),
        ("svm", "macro", "80.00", "90.00", "85.00", "85.00", "5.00", "80.00 to 90.00"),
        ("svm", "micro", "79.00", "89.00", "84.00", "84.00", "5.00", "79.00 to 89.00"),
    )
    assert "3 test clips, over 3 seeds" in table.title
    told = spread_json(found)["models"][1]
    assert (told["model"], told["seeds"]) == ("svm", [0, 1, 2])
    assert told["macro_f1"]["of_seeds"] == pytest.approx([0.8, 0.9, 0.85])
    assert told["macro_f1"]["standard_deviation"] == pytest.approx(np.std([0.8, 0.9, 0.85], ddof=1))
    assert deviation([0.5]) is None


def test_of_many_seeds_the_table_has_the_spread_alone(tmp_path: Path) -> None:
    runs = [run_of(tmp_path / str(seed), "svm", seed, 0.5 + seed / 100) for seed in range(7)]
    table = spread_table(spreads(runs))
    assert table.header == ("model", "F1", "mean", "SD", "min to max")
    assert table.rows[0] == ("svm", "macro", "53.00", "2.16", "50.00 to 56.00")

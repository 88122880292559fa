"""The paper's Tables 1 and 2 in text."""

import json
from pathlib import Path

import numpy as np
import pytest
from matplotlib.image import imread
from scipy.stats import norm
from sklearn.metrics import average_precision_score, roc_auc_score

from audioset_tools.plots import draw_confusion
from audioset_tools.runs.evaluation import Predictions, judge
from audioset_tools.runs.intervals import intervals
from audioset_tools.runs.metrics import multi_hot, scores
from audioset_tools.runs.tables import evaluation_json, evaluation_tables, table1, table2, tables_text
from audioset_tools.types import Table
from audioset_tools.words import draw_table


def test_table_2_with_intervals() -> None:
    actual = np.repeat([0, 0, 1, 1], [9, 1, 2, 8])
    predicted = np.repeat([0, 1, 0, 1], [9, 1, 2, 8])
    ends = intervals([str(n) for n in range(20)], multi_hot(actual, 2), multi_hot(predicted, 2), None, 0)
    found = table2(scores(np.array([[9, 1], [2, 8]])), ("Piano", "Drums"), ends)
    assert found.header == ("", "Piano", "Drums", "Total", "Micro")
    name, *cells = found.rows[0]
    assert name == "Precision (%)"
    assert [cell.split()[0] for cell in cells] == ["81.82", "88.89", "85.35", "85.00"]
    # Wilson's interval of 17 in 20.
    assert cells[-1] == "85.00 (64.0-94.8)"


def test_527_classes_fit_a_screen_and_their_means_are_scikit_learns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    # The eight last classes sound in no clip.
    actual = (rng.random((300, 527)) < np.linspace(0.3, 0.02, 527)).astype(np.uint8)
    actual[:, -8:] = 0
    actual[0, :-8] = 1
    chance = np.clip(0.2 * actual + 0.7 * rng.random(actual.shape), 0, 1)
    names = tuple(f"Class {n}, or what sounds like it" for n in range(527))
    keys = tuple(f"{n:010}A_0" for n in range(300))
    found = Predictions(keys, keys, actual, chance, 0.5)
    # A hundred drawings are enough for the form of the tables.
    monkeypatch.setattr("audioset_tools.runs.intervals._MOST_VALUES", 1)
    evaluation = judge(found, names, "test")
    parts = list(evaluation_tables(evaluation))
    lines = tables_text(parts).splitlines()
    assert len(lines) < 66
    assert max(len(line) for line in lines if not line.startswith("Left out")) <= 80
    here = range(519)
    ap = [average_precision_score(actual[:, n], chance[:, n]) for n in here]
    auc = np.mean([roc_auc_score(actual[:, n], chance[:, n]) for n in here])
    means, classes = (part for part in parts if isinstance(part, Table))
    said = {name: value for name, value, _ in means.rows}
    assert said["mAP"] == f"{np.mean(ap):.3f}" and said["mean AUC"] == f"{auc:.3f}"
    assert float(said["d' of that AUC"]) == pytest.approx(2**0.5 * norm.ppf(auc), abs=0.0005)
    assert f"{100 * evaluation.scores.macro[2]:.2f}" == said["Total F1 (%)"]
    assert any("all: 8 classes: Class 519, or what sounds like it, Class 520" in line for line in lines)
    best, worst = int(np.argmax(ap)), int(np.argmin(ap))
    first, *_, last = classes.rows
    assert first[:2] == (names[best], str(actual[:, best].sum())) and last[0] == names[worst]
    assert classes.rows[10][0] == "... 499 more"
    # All of them are in the figures for programs.
    figures = json.loads(json.dumps(evaluation_json(evaluation)))
    assert len(figures["classes"]) == 527 and len(figures["left_out"]) == 8
    draw_confusion(tmp_path / "confusion.png", found.confusion, names)
    height, width = imread(tmp_path / "confusion.png").shape[:2]
    assert height < 1_600 and width < 1_800


ELEVEN = tuple(f"Instrument of the kind number {n}, or its like" for n in range(11))


def test_tables_of_many_classes_with_long_names_stay_readable(tmp_path: Path) -> None:
    confusion = np.random.default_rng(0).integers(0, 2_000, (11, 11))
    for table in (table1(confusion, ELEVEN, ""), table2(scores(confusion), ELEVEN)):
        assert all(name in str(table) for name in ELEVEN)
        assert max(len(line.text) for line in draw_table(table)) <= 80
    # Numbers stand for the classes in one; the other has a row for each.
    numbered, turned = (
        [line.text for line in draw_table(table)]
        for table in (table1(confusion, ELEVEN, ""), table2(scores(confusion), ELEVEN))
    )
    assert numbered[1].split()[3:] == [str(n) for n in range(1, 6)]
    assert turned[1].endswith("F1-score") and turned[-1].startswith("Total")
    draw_confusion(tmp_path / "confusion.png", confusion, ELEVEN)
    height, width = imread(tmp_path / "confusion.png").shape[:2]
    assert height < 1_600 and width < 1_800

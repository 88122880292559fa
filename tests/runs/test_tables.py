"""The paper's Tables 1 and 2 in text."""

from pathlib import Path

import numpy as np
from matplotlib.image import imread

from audioset_tools.plots import draw_confusion
from audioset_tools.runs.intervals import intervals
from audioset_tools.runs.metrics import multi_hot, scores
from audioset_tools.runs.tables import WIDEST, format_table1, format_table2


def test_table_2_with_intervals() -> None:
    actual = np.repeat([0, 0, 1, 1], [9, 1, 2, 8])
    predicted = np.repeat([0, 1, 0, 1], [9, 1, 2, 8])
    ends = intervals([str(n) for n in range(20)], multi_hot(actual, 2), multi_hot(predicted, 2), None, 0)
    found = format_table2(scores(np.array([[9, 1], [2, 8]])), ("Piano", "Drums"), ends).splitlines()
    assert found[0].split() == ["Piano", "Drums", "Total", "Micro"]
    assert found[1].split() == ["Precision", "(%)", "81.82", "88.89", "85.35", "85.00"]
    # Wilson's interval of 17 in 20.
    assert found[2].split("  ")[-1].strip() == "64.0 to 94.8"


ELEVEN = tuple(f"Instrument of the kind number {n}, or its like" for n in range(11))


def test_tables_of_many_classes_with_long_names_stay_readable(tmp_path: Path) -> None:
    confusion = np.random.default_rng(0).integers(0, 2_000, (11, 11))
    for text in (format_table1(confusion, ELEVEN), format_table2(scores(confusion), ELEVEN)):
        assert max(map(len, text.splitlines())) <= WIDEST + 20
        assert all(name in text for name in ELEVEN)
    turned = format_table2(scores(confusion), ELEVEN).splitlines()
    assert turned[0].split("  ")[-1] == "F1-score (%)" and turned[-1].startswith("Total")
    assert format_table1(confusion, ELEVEN).splitlines()[0].split()[3:] == [str(n) for n in range(1, 12)]
    draw_confusion(tmp_path / "confusion.png", confusion, ELEVEN)
    height, width = imread(tmp_path / "confusion.png").shape[:2]
    assert height < 1_600 and width < 1_800

"""Runs beside one another."""

import csv
import json
from pathlib import Path

import pytest

from audioset_tools.csvfile import write_csv
from audioset_tools.exceptions import DataMismatch
from audioset_tools.runs.compare import compare, compare_json, compare_table, remarks, write_comparison
from audioset_tools.runs.folder import Epoch, Trial, write_about, write_history
from tests.train.small import CLASSES, about


def a_run(
    folder: Path,
    model: str,
    f1: tuple[float, float, float],
    *,
    history: list[Epoch] | list[Trial],
    mean_ap: float | None = None,
    clips: int = 3,
    wrong: int = 0,
    classes: tuple[str, ...] = CLASSES,
) -> Path:
    """A folder as a finished run leaves it, as far as a comparison looks."""
    macro = sum(f1) / 3
    test = {
        "macro": {"f1": macro} | ({} if mean_ap is None else {"map": mean_ap}),
        "micro": {"f1": macro - 0.01},
        "classes": {name: {"f1": value} for name, value in zip(classes, f1, strict=True)},
        "intervals": {"macro": {"f1": [macro - 0.1, macro + 0.1]}},
    }
    write_about(folder, about(config={"model": model}, class_names=classes))
    write_history(folder, history)
    rows = [
        [f"-clip_{n:03}", f"video {n // 2}", classes[n % 3], classes[(n + (n < wrong)) % 3], 1.0, 0.0, 0.0]
        for n in range(clips)
    ]
    write_csv(folder / "predictions.csv", ["key", "group", "actual", "predicted", *classes], rows)
    content = {"best_epoch": 1, "parameters": 1_234, "test": test}
    (folder / "metrics.json").write_text(json.dumps(content))
    return folder


EPOCHS = [Epoch(n, 1.0, 0.5, 1.0, 0.5, 100.0, 80.0) for n in (1, 2)]
TRIALS = [Trial(1, "k 1", 1.0, 0.5, 1.25)]


def test_the_table_is_the_one_expected(tmp_path: Path) -> None:
    runs = [
        a_run(tmp_path / "knn", "knn", (0.5, 0.6, 0.7), history=TRIALS),
        a_run(tmp_path / "paper-lr1", "paper", (0.9, 0.8, 0.7), history=EPOCHS),
    ]
    table = compare_table(compare([*runs, runs[0]]))
    assert table.title == "F1 in % on 3 test clips; macro is the Total of the paper's Table 2"
    assert table.header == (
        "run", "parameters", "best of", "time", "macro", "95 %", "to the best", "micro", *CLASSES,
    )  # fmt: skip
    assert table.rows == (
        ("paper-lr1", "1,234", "1 of 2", "3.3 min", "80.00", "70.0-90.0", "", "79.00",
         "90.00", "80.00", "70.00"),
        ("knn", "1,234", "1 of 1", "1.2 s", "60.00", "50.0-70.0", table.rows[1][6], "59.00",
         "50.00", "60.00", "70.00"),
    )  # fmt: skip
    write_comparison(tmp_path / "table.csv", compare(runs))
    with (tmp_path / "table.csv").open() as handle:
        first = next(csv.DictReader(handle))
    assert first["model"] == "paper" and first["seconds"] == "200.0" and first["map"] == ""
    assert float(first["f1 Piano"]) == 0.9 and first["test_clips"] == "3"


def test_an_order_that_the_clips_do_not_support_is_marked(tmp_path: Path) -> None:
    """Of 300 clips one run has 4 wrong, one 5 and one 90; the fourth was tested on others."""
    f1s = {4: 0.987, 5: 0.983, 90: 0.7}
    runs = [
        a_run(tmp_path / f"{n} wrong", "knn", (f1,) * 3, history=TRIALS, clips=300, wrong=n)
        for n, f1 in f1s.items()
    ]
    runs.append(a_run(tmp_path / "elsewhere", "knn", (0.5,) * 3, history=TRIALS, clips=200))
    compared = compare(runs)
    best, near, far, elsewhere = compared
    assert best.difference is None and elsewhere.difference is None
    assert near.difference is not None and not near.difference.decided
    assert far.difference is not None and far.difference.decided and far.difference.high < -0.2
    cells = [row[6] for row in compare_table(compared).rows]
    assert cells[0] == "" and cells[1].startswith("-0.4 ± ") and cells[1].endswith(" ~")
    assert cells[2].startswith("-28.7 ± ") and not cells[2].endswith("~") and cells[3] == "other clips"
    words = " ".join(remarks(compared))
    assert "~ may be as good as the best" in words and "different clips" in words
    told = json.loads(json.dumps(compare_json(compared)))["runs"]
    assert told[0]["difference"] is None and told[2]["difference_high"] == far.difference.high
    assert remarks([best, far]) == []


def test_several_classes_at_once_have_their_map(tmp_path: Path) -> None:
    runs = [
        a_run(tmp_path / name, "knn", (0.5, 0.5, 0.5), history=TRIALS, mean_ap=value)
        for name, value in (("b", 0.25), ("a", None))
    ]
    table = compare_table(compare(runs))
    assert [row[0] for row in table.rows] == ["a", "b"]
    assert table.header[-1] == "mAP" and [row[-1] for row in table.rows] == ["", "0.250"]


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    one = a_run(tmp_path / "a", "knn", (0.5, 0.5, 0.5), history=TRIALS)
    more = a_run(tmp_path / "b", "knn", (0.5, 0.5, 0.5), history=TRIALS, clips=4)
    assert not remarks(compare([one]))
    assert "different clips" in remarks(compare([one, more]))[0]
    other = a_run(tmp_path / "c", "knn", (0.5, 0.5, 0.5), history=TRIALS, classes=("a", "b", "c"))
    with pytest.raises(DataMismatch, match="other classes"):
        compare([one, other])
    for name, damage in (
        ("metrics.json", "{}"),
        ("metrics.json", '{"test": []}'),
        ("metrics.json", "no"),
        ("predictions.csv", "a,b\n1,2\n"),
        ("predictions.csv", None),
    ):
        path = one / name
        before = path.read_text()
        path.unlink() if damage is None else path.write_text(damage)
        with pytest.raises(DataMismatch, match=name):
            compare([one])
        path.write_text(before)
    compare([one])

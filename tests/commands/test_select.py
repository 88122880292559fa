"""`audioset-tools select`, as it is typed."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from audioset_tools.cli import cli
from tests.catalog.conftest import Row, write_folder

DASHED = "-abcdefghiA"
ROWS: list[Row] = [
    (DASHED, 30_000, 40_000, ("/m/05r5c", "/m/04rlf")),
    ("--_defghijA", 1_000, 11_000, ("/m/0l14j_", "/m/085jw", "/m/09x0r")),
    ("abcdefghijE", 0, 10_000, ("/m/05r5c", "/m/0342h")),
]


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("lists"), {"unbalanced_train": ROWS})


def select(lists: Path, *arguments: str) -> str:
    """What the command prints to stdout."""
    outcome = CliRunner().invoke(
        cli, ["select", "--metadata", str(lists), *arguments], catch_exceptions=False
    )
    assert outcome.exit_code == 0, outcome.output
    return outcome.stdout


def test_candidates_are_written_by_class_and_rank(lists: Path, tmp_path: Path) -> None:
    select(lists, "--out", str(tmp_path / "out.csv"))
    with (tmp_path / "out.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["key", "ytid", "start_ms", "end_ms", "class", "also", "tier", "rank", "subset"]
    assert [row["class"] for row in rows] == ["Piano", "Flute", "Other", "Other"]
    assert [row["rank"] for row in rows] == ["0", "0", "0", "1"]
    assert list(rows[0].values()) == [
        f"{DASHED}_30000", DASHED, "30000", "40000", "Piano", "", "3", "0", "unbalanced_train",
    ]  # fmt: skip


def test_json_has_every_outcome(lists: Path) -> None:
    told = json.loads(select(lists, "--json", "--per-class", "1"))
    assert (told["recipe"], told["rows"], told["per_class"]) == ("paper", 5, 1)
    piano = told["classes"]["Piano"]
    assert piano["outcomes"]["kept"] == piano["outcomes"]["another instrument"] == 1
    assert piano["tiers"] == {"L0": 1, "L1": 1, "L2": 1, "L3": 1}
    assert told["classes"]["Drums"]["fillable_with_dead_share"] is None


@pytest.mark.parametrize("arguments", [["--explain", DASHED], [f"--explain={DASHED}"]])
def test_an_id_that_begins_with_a_dash_is_explained(lists: Path, arguments: list[str]) -> None:
    text = select(lists, *arguments)
    assert f"{DASHED}_30000  30 to 40 s, unbalanced_train" in text
    assert "Piano: in, tier L3, rank 0 of 1" in text
    assert "Flute: out, no label of the class" in text

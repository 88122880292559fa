"""`audioset-tools select`, as it is typed."""

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from audioset_tools.cli import cli
from audioset_tools.exceptions import UsageError
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


@pytest.mark.parametrize(
    "arguments",
    [
        ["--explain", DASHED], [f"--explain={DASHED}"], ["--explain", f"{DASHED}_30000"],
        ["--explain", f"clips/Piano/Y{DASHED}_30000.wav"],
        ["--explain", f"https://music.youtube.com/watch?v={DASHED}&t=30s"],
    ],
)  # fmt: skip
def test_an_id_that_begins_with_a_dash_is_explained(lists: Path, arguments: list[str]) -> None:
    text = select(lists, *arguments)
    assert f"{DASHED}_30000  30 to 40 s, unbalanced_train" in text
    assert "Piano: in, tier L3, rank 0 of 1" in text
    assert "Flute: out, no label of the class" in text


def refused(lists: Path, *arguments: str) -> str:
    """What an impossible wish is told."""
    outcome = CliRunner().invoke(cli, ["select", "--metadata", str(lists), *arguments])
    assert isinstance(outcome.exception, UsageError) and outcome.exception.exit_code == 2
    return str(outcome.exception)


def test_labels_are_searched_for_people_and_for_programs(lists: Path) -> None:
    text = select(lists, "--labels", "flute")
    assert text.startswith("Flute  /m/0l14j_\n  above it    Music > Musical instrument > Wind instrument")
    assert "1: 0 balanced train, 0 eval, 1 unbalanced train" in text
    assert max(map(len, text.splitlines())) < 80
    told = json.loads(select(lists, "--labels", "flute", "--json"))
    assert told["word"] == "flute" and [label["mid"] for label in told["labels"]] == ["/m/0l14j_"]
    assert "Perhaps Flute" in refused(lists, "--labels", "flutte")


def test_a_recipe_is_begun_selects_and_is_never_written_over(lists: Path, tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    select(lists, "--init", str(mine), "--class", "piano", "--class", "Flute")
    text = mine.read_text()
    told = json.loads(select(lists, "--recipe", str(mine), "--json"))
    assert {name: entry["outcomes"]["kept"] for name, entry in told["classes"].items()} == {
        "Piano": 2,
        "Flute": 1,
    }
    assert "is there already" in refused(lists, "--init", str(mine), "--class", "Dog")
    assert mine.read_text() == text


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--init", "x.toml"], "belong together"),
        (["--class", "Dog"], "belong together"),
        (["--init", "x.toml", "--class", "Dog", "--labels", "dog"], "--labels and --init exclude each other"),
        (["--labels", "dog", "--explain", DASHED], "--labels and --explain exclude each other"),
        (["--init", "x.toml", "--class", "Dgo"], "perhaps 'Dog'"),
    ],
)
def test_what_does_not_go_together_is_said(lists: Path, arguments: list[str], said: str) -> None:
    assert said in " ".join(refused(lists, *arguments).split())
    assert not Path("x.toml").exists()

"""Lists in the official form, small and made up, of which every row has the class that was meant."""

import csv
import json
import re
from pathlib import Path

import pytest

from audioset_tools.catalog.recipe import read_recipe
from audioset_tools.demo import label_sets
from audioset_tools.exceptions import UsageError
from audioset_tools.simulator import decide
from audioset_tools.simulator.lists import SUBSETS, write_lists
from audioset_tools.simulator.plan import Plan
from audioset_tools.types import YTID

PER_CLASS = {"Piano": 90, "Drums": 80, "Flute": 70, "Other": 100}
PIANO = {"/m/05r5c", "/m/01s0ps"}
DRUMS = {"/m/02hnl", "/m/026t6", "/m/06rvn", "/m/03t3fj", "/m/02k_mr", "/m/0bm02", "/m/01qbl", "/m/03qtq"}
FLUTE = {"/m/0l14j_"}
FAMILIES = {"/m/05148p4", "/m/0l14md", "/m/085jw", "/m/04szw", "/m/04rlf"}
REJECTED = {"/m/01p970", "/m/011k_j", "/m/0cfdd"}

Row = tuple[str, int, int, frozenset[str]]


def read(path: Path) -> tuple[str, list[Row]]:
    """One list as the standard library reads it: the numbers of its second line, and its rows."""
    first, second, third, *_ = lines = path.read_text().splitlines(keepends=True)
    assert re.fullmatch(r"# Segments csv created \w{3} \w{3} .\d \d\d:\d\d:\d\d \d{4}\n", first)
    assert third == "# YTID, start_seconds, end_seconds, positive_labels\n"
    rows = [
        (ytid, int(float(start) * 1000), int(float(end) * 1000), frozenset(mids.split(",")))
        for ytid, start, end, mids in csv.reader(lines[3:], skipinitialspace=True)
    ]
    return second, rows


def below(nodes: dict[str, dict[str, list[str]]], mid: str) -> set[str]:
    return {mid}.union(*(below(nodes, child) for child in nodes[mid]["child_ids"]))


def test_lists_are_in_the_official_form(tmp_path: Path) -> None:
    write_lists(tmp_path, PER_CLASS, seed=5)
    everyone = []
    for subset in SUBSETS:
        path = tmp_path / f"{subset}_segments.csv"
        assert b"\r" not in path.read_bytes()
        second, rows = read(path)
        labels = [mid for *_, mids in rows for mid in mids]
        assert second == (
            f"# num_ytids={len(rows)}, num_segs={len(rows)}, "
            f"num_unique_labels={len(set(labels))}, num_positive_labels={len(labels)}\n"
        )
        assert rows == sorted(rows)
        line = path.read_text().splitlines()[3]
        assert re.fullmatch(r'[\w-]{11}, \d+\.000, \d+\.000, "[\w/]+(,[\w/]+)*"', line)
        everyone += [ytid for ytid, *_ in rows]
    assert len(set(everyone)) == len(everyone) == 374
    assert all(YTID.fullmatch(ytid) for ytid in everyone)
    assert sum(ytid.startswith("-") for ytid in everyone) >= 8


def test_the_class_of_a_row_follows_from_its_labels(tmp_path: Path) -> None:
    table = write_lists(tmp_path, PER_CLASS, seed=6)
    nodes = {node["id"]: node for node in json.loads((tmp_path / "ontology.json").read_text())}
    instruments = below(nodes, "/m/04szw")
    seen = dict.fromkeys([*PER_CLASS, ""], 0)
    music = 0
    for subset in SUBSETS:
        for ytid, start_ms, end_ms, mids in read(tmp_path / f"{subset}_segments.csv")[1]:
            assert mids <= nodes.keys()
            held = (mids & instruments) - FAMILIES
            if held & REJECTED or sum(bool(held & one) for one in (PIANO, DRUMS, FLUTE)) > 1:
                name = ""
            elif held and (held <= PIANO or held <= DRUMS or held <= FLUTE):
                name = "Piano" if held <= PIANO else "Drums" if held <= DRUMS else "Flute"
            elif held & (PIANO | DRUMS | FLUTE):
                name = ""
            else:
                name = "Other"
                most_specific = [mid for mid in held if not held & below(nodes, mid) - {mid}]
                assert len(most_specific) == (1 if "/m/04rlf" in mids else 0)
                music += len(most_specific)
            seen[name] += 1
            assert table.get(ytid, ("", start_ms, end_ms)) == (name, start_ms, end_ms)
    assert seen == {**PER_CLASS, "": 34}
    assert music == PER_CLASS["Other"] // 2


def test_the_other_files(tmp_path: Path) -> None:
    write_lists(tmp_path, {"Piano": 3})
    nodes = json.loads((tmp_path / "ontology.json").read_text())
    fields = {"id", "name", "description", "citation_uri", "positive_examples", "child_ids", "restrictions"}
    assert all(node.keys() == fields for node in nodes)
    known = {node["id"] for node in nodes}
    assert all(known.issuperset(node["child_ids"]) for node in nodes)
    with (tmp_path / "class_labels_indices.csv").open(newline="") as handle:
        labels = list(csv.DictReader(handle))
    assert [int(row["index"]) for row in labels] == list(range(len(labels)))
    assert {row["mid"] for row in labels} < known


def test_no_row_has_a_label_that_the_file_of_labels_lacks(tmp_path: Path) -> None:
    recipe = read_recipe("paper")
    write_lists(tmp_path, dict.fromkeys(recipe.class_names, 40), classes=label_sets(recipe))
    with (tmp_path / "class_labels_indices.csv").open(newline="") as handle:
        labels = {row["mid"] for row in csv.DictReader(handle)}
    lists = [path.read_text().splitlines()[3:] for path in tmp_path.glob("*_segments.csv")]
    used = {mid for lines in lists for line in lines for mid in line.split('"')[1].split(",")}
    # The recipe has "Crash cymbal" among its drums.
    assert "/m/01qbl" in used <= labels and "/m/0bm0k" not in labels
    with pytest.raises(UsageError, match="no labels are known for the class Crash"):
        write_lists(tmp_path, {"Crash": 1}, classes={"Crash": [("/m/0bm0k",)], "Piano": [("/m/05r5c",)]})


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    tables = [write_lists(tmp_path / name, PER_CLASS, seed) for name, seed in (("a", 1), ("b", 1), ("c", 2))]
    files = [{path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in "abc"]
    assert (tables[0], files[0]) == (tables[1], files[1])
    assert tables[0] != tables[2]


def test_the_table_goes_into_a_plan(tmp_path: Path) -> None:
    table = write_lists(tmp_path, {"Flute": 3})
    assert {decide(Plan(table=table), ytid).class_name for ytid in table} == {"Flute"}


def test_a_class_without_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Theremin"):
        write_lists(tmp_path, {"Theremin": 3})


@pytest.mark.parametrize("seed", range(12))
def test_the_shortest_list_leaves_no_subset_empty(tmp_path: Path, seed: int) -> None:
    write_lists(tmp_path, {"Piano": 3}, seed=seed)
    assert all(read(tmp_path / f"{name}_segments.csv")[1] for name in SUBSETS)

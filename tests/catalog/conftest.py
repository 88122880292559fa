"""Lists in the official form, made of rows of the tests' own."""

import random
from collections.abc import Iterable
from pathlib import Path

import pytest

from audioset_tools.catalog.official import SUBSETS, official_files
from audioset_tools.catalog.ontology import Ontology, read_ontology
from audioset_tools.catalog.recipe import read_recipe
from audioset_tools.catalog.select import Selection, read_selection
from audioset_tools.simulator.lists import write_lists

Row = tuple[str, int, int, tuple[str, ...]]
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def ytid(number: int) -> str:
    """A video id of its own for each number, many of them beginning with `-`."""
    digits = random.Random(number)
    return "".join(digits.choices("-" + ALPHABET, k=10)) + digits.choice("AEIMQUYcgkosw048")


def render(rows: Iterable[Row]) -> str:
    """Rows as a list in the official form."""
    listed = list(rows)
    labels = [mid for *_, mids in listed for mid in mids]
    header = (
        "# Segments csv created Sun Mar  5 10:54:31 2017\n"
        f"# num_ytids={len(listed)}, num_segs={len(listed)}, num_unique_labels={len(set(labels))}, "
        f"num_positive_labels={len(labels)}\n"
        "# YTID, start_seconds, end_seconds, positive_labels\n"
    )
    return header + "".join(
        f'{ytid}, {start / 1000:.3f}, {end / 1000:.3f}, "{",".join(mids)}"\n'
        for ytid, start, end, mids in listed
    )


def write_folder(folder: Path, rows: dict[str, list[Row]]) -> Path:
    """The three lists, those not given with one row of Speech, and a small ontology."""
    write_lists(folder, {"Piano": 1}, seed=0)
    for number, subset in enumerate(SUBSETS):
        listed = rows.get(subset) or [(ytid(10_000_000 + number), 0, 10_000, ("/m/09x0r",))]
        (folder / official_files()[subset].file).write_text(render(listed))
    return folder


@pytest.fixture(scope="session")
def ontology(tmp_path_factory: pytest.TempPathFactory) -> Ontology:
    folder = tmp_path_factory.mktemp("ontology")
    write_lists(folder, {"Piano": 1}, seed=0)
    return read_ontology(folder / "ontology.json")


LABELS = [
    ("/m/05r5c",),
    ("/m/05r5c", "/m/09x0r"),
    ("/m/02hnl", "/m/0342h"),
    ("/m/0l14j_", "/m/085jw"),
    ("/m/0342h",),
    ("/m/09x0r",),
    ("/m/04rlf",),
    ("/m/05148p4",),
    ("/m/01p970",),
    ("/m/05r5c", "/m/015lz1"),
]
ROWS: list[Row] = [
    (ytid(n), 1000 * (n % 60), 1000 * (n % 60) + 10_000, LABELS[n % len(LABELS)]) for n in range(300)
]


def selected(folder: Path, rows: list[Row], recipe: str = "paper") -> Selection:
    folder.mkdir(exist_ok=True)
    return read_selection(
        write_folder(folder, {"balanced_train": rows[:50], "unbalanced_train": rows[50:]}),
        read_recipe(recipe),
    )


@pytest.fixture(scope="session")
def selection(tmp_path_factory: pytest.TempPathFactory) -> Selection:
    return selected(tmp_path_factory.mktemp("lists"), ROWS)


SEVERAL: list[tuple[str, ...]] = [
    ("/m/05r5c", "/m/04rlf"),
    ("/m/05r5c", "/m/02hnl"),
    ("/m/02hnl", "/m/09x0r"),
    ("/m/0l14j_", "/m/02hnl", "/m/05r5c"),
    ("/m/0l14j_", "/m/0342h"),
    ("/m/02hnl", "/m/03m5k"),
    ("/m/0395lw",),
]


@pytest.fixture(scope="session")
def several(tmp_path_factory: pytest.TempPathFactory) -> Selection:
    rows: list[Row] = [(ytid(n), 0, 10_000, SEVERAL[n % len(SEVERAL)]) for n in range(20 * len(SEVERAL))]
    return selected(tmp_path_factory.mktemp("several"), rows, "several")

"""A search of the labels: names, ways, counts and quality, on 80 columns and for programs."""

import json
from pathlib import Path

import pytest

from audioset_tools.catalog.search import QUALITY, FoundLabel, label_lines, labels_json, search_labels
from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.workspace import Workspace
from tests.catalog.conftest import Row, write_folder, ytid

DOG, CAT, BARK, GROWLING, PETS, ANIMAL, SPEECH = (
    *("/m/0bt9lr", "/m/01yrx", "/m/05tny_", "/m/0ghcn6", "/m/068hy", "/m/0jbk", "/m/09x0r"),
)
LABELS = [(DOG,), (DOG, BARK, PETS, ANIMAL), (BARK,), (GROWLING,), (DOG, CAT), (DOG, SPEECH), (CAT,)]


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows: list[Row] = [(ytid(n), 0, 10_000, mids) for n, mids in enumerate(LABELS)]
    folder = tmp_path_factory.mktemp("lists")
    return write_folder(folder, {"balanced_train": rows[:2], "unbalanced_train": rows[2:]})


def found(lists: Path, word: str) -> list[FoundLabel]:
    return search_labels(Workspace("nowhere"), word, metadata=lists)


def test_a_label_is_told_with_its_place_and_its_counts(lists: Path) -> None:
    (dog,) = found(lists, "dog")
    assert (dog.mid, dog.name, dog.way) == (DOG, "Dog", ("Animal", "Domestic animals, pets"))
    assert dog.parents == ("Domestic animals, pets",) and dog.below == ("Bark", "Growling")
    assert dog.subsets == {"balanced_train": 2, "eval": 0, "unbalanced_train": 2} and dog.segments == 4
    assert (dog.reached, dog.alone, dog.rated) == (6, 4, None)
    (growling,) = found(lists, "Growl")
    assert growling.parents == ("Dog", "Cat") and growling.way[-1] == "Dog" and growling.alone == 1


def test_what_is_called_so_comes_first_and_a_mid_finds_one(lists: Path) -> None:
    assert [label.name for label in found(lists, "Wind")] == ["Wind", "Wind instrument, woodwind instrument"]
    assert [label.name for label in found(lists, BARK)] == ["Bark"]
    assert len(found(lists, "")) > 70
    with pytest.raises(UsageError, match="no label has 'Dgo'") as refused:
        found(lists, "Dgo")
    assert refused.value.remedy == "Perhaps Dog?"
    with pytest.raises(UsageError, match="Try a shorter part"):
        found(lists, "\x1b[31m")


def test_the_quality_is_told_where_it_lies_beside_the_lists(lists: Path, tmp_path: Path) -> None:
    folder = write_folder(tmp_path, {})
    (folder / QUALITY).write_text(f"label_id,num_rated,num_true\n{DOG},10,9\n{CAT},0,0\n")
    (dog,), (cat,) = found(folder, DOG), found(folder, CAT)
    assert (dog.rated, dog.true, cat.rated) == (10, 9, 0)
    text = "\n".join(label_lines([dog, cat]))
    assert "9 of 10 that people rated are right" in text and "not rated" in text and QUALITY not in text
    assert QUALITY in "\n".join(label_lines(found(lists, "dog")))
    for row in [f"{DOG},x,1", f"{DOG},1", f"{DOG},1,2", f"{DOG},-1,-2", f"{DOG},{'9' * 5000},1"]:
        (folder / QUALITY).write_text(f"label_id,num_rated,num_true\n{row}\n")
        with pytest.raises(DataMismatch, match=f"{QUALITY}, line 2"):
            found(folder, "dog")


def test_all_labels_fit_80_columns_and_json_says_the_same(lists: Path) -> None:
    labels = found(lists, "")
    lines = list(label_lines(labels))
    assert max(map(len, lines)) < 80
    told = json.loads(json.dumps(labels_json("", labels)))["labels"]
    (dog,) = [one for one in told if one["name"] == "Dog"]
    assert dog["path"] == ["Animal", "Domestic animals, pets", "Dog"]
    assert (dog["segments"], dog["with_below"], dog["alone"], dog["rated_true"]) == (4, 6, 4, None)
    block = lines[lines.index(f"Dog  {DOG}") :]
    assert block[1].split(maxsplit=2) == ["above", "it", "Animal > Domestic animals, pets"]
    assert "4: 2 balanced train, 0 eval, 2 unbalanced train" in block[2]
    assert block[3].endswith("Bark; Growling: with these 6 segments")

"""A recipe of AudioSet's own task: what it says, and which labels are its classes."""

from pathlib import Path

import pytest

from audioset_tools.catalog.ontology import Ontology
from audioset_tools.catalog.recipe import STANDARD, read_recipe
from audioset_tools.catalog.standard import LABELS, official_labels
from audioset_tools.exceptions import DataMismatch, UsageError

MINE = 'kind = "official"\nname = "mine"\nseed = 1\ntrain = ["balanced_train"]\n'


def written(folder: Path, text: str) -> str:
    path = folder / "mine.toml"
    path.write_text(text)
    return str(path)


def test_the_shipped_ones_test_on_eval_and_have_names_of_their_own() -> None:
    for name in STANDARD:
        recipe = read_recipe(name)
        assert recipe.name == name and recipe.multi_label and recipe.least_ms == 0 and recipe.standard
        assert recipe.standard.split_of["eval"] == "test"
    assert len({read_recipe(name).digest for name in STANDARD}) == len(STANDARD)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (('"official"', '"unofficial"'), "only 'official' is known"),
        (('["balanced_train"]', "[]"), "train has one at least"),
        (('["balanced_train"]', '["eval"]'), "share out balanced_train and unbalanced_train"),
        (('["balanced_train"]', '["balanced_train"]\nvalidation = ["balanced_train"]'), "share out"),
        (('["balanced_train"]', '"balanced_train"'), "no list of texts"),
        (("seed = 1", "seed = 1\nper_label = 0"), "per_label is no whole number"),
        (("seed = 1", "seed = 1\nmulti_label = true"), "knows nothing of multi_label"),
        (("seed = 1", "seed = -1"), "the seed must lie"),
        (("seed = 1", "seed = 1\nlabels = [1]"), "no list of texts"),
        (("seed = 1\n", ""), "seed is missing"),
        (('train = ["balanced_train"]', ""), "train is missing"),
    ],
)
def test_one_that_makes_no_sense_says_why(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    assert change[0] in MINE
    with pytest.raises(UsageError, match=said):
        read_recipe(written(tmp_path, MINE.replace(*change)))


def test_its_digest_is_of_all_that_it_says_and_of_nothing_else(tmp_path: Path) -> None:
    plain = read_recipe(written(tmp_path, MINE)).digest
    assert read_recipe(written(tmp_path, f"# mine\n{MINE}labels = []\n")).digest == plain
    others = ['labels = ["Dog"]', "per_label = 9", 'validation = ["unbalanced_train"]', "least_seconds = 10"]
    digests = {read_recipe(written(tmp_path, f"{MINE}{line}\n")).digest for line in others}
    assert len(digests) == len(others) and plain not in digests


def test_without_audiosets_file_the_labels_are_those_in_use_as_the_ontology_orders_them(
    ontology: Ontology, tmp_path: Path
) -> None:
    found = official_labels(tmp_path, ontology, {"/m/0bt9lr", "/m/05r5c"})
    assert found == {"/m/05r5c": "Piano", "/m/0bt9lr": "Dog"} and [*found] == ["/m/05r5c", "/m/0bt9lr"]


def test_audiosets_file_decides_where_it_is_there(ontology: Ontology, tmp_path: Path) -> None:
    (tmp_path / LABELS).write_text('index,mid,display_name\n0,/m/0bt9lr,"Dog"\n1,/m/05r5c,"Piano"\n')
    found = official_labels(tmp_path, ontology, {"/m/02hnl"})
    assert [*found.items()] == [("/m/0bt9lr", "Dog"), ("/m/05r5c", "Piano")]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("0,/m/0bt9lr,Dog\n2,/m/05r5c,Piano\n", "line 3 is no label number 1"),
        ("0,/m/0bt9lr,Dog\n1,/m/0bt9lr,Dog\n", "stands there twice"),
        ("0,/m/nothing,Dog\n", "/m/nothing', which the ontology does not define"),
        ("zero,/m/0bt9lr,Dog\n", "line 2 is no label number 0"),
    ],
)
def test_a_damaged_file_of_labels_is_refused_with_its_line(
    ontology: Ontology, tmp_path: Path, rows: str, said: str
) -> None:
    (tmp_path / LABELS).write_text("index,mid,display_name\n" + rows)
    with pytest.raises(DataMismatch, match=said):
        official_labels(tmp_path, ontology, ())

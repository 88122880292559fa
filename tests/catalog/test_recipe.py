"""Recipes: the shipped ones are whole, and one that makes no sense says why."""

from pathlib import Path

import pytest

from audioset_tools.catalog.official import manifest
from audioset_tools.catalog.ontology import Ontology
from audioset_tools.catalog.recipe import SHIPPED, Recipe, parse_recipe, read_recipe
from audioset_tools.catalog.select import Judge
from audioset_tools.exceptions import UsageError

PAPER = manifest("paper.toml").read_text()


def test_the_shipped_recipes_agree_on_all_but_other() -> None:
    paper, clean = read_recipe("paper"), read_recipe("clean")
    assert paper.class_names == clean.class_names == ("Piano", "Drums", "Flute", "Other")
    assert paper.classes[:3] == clean.classes[:3]
    assert paper.digest != clean.digest
    assert (paper.splits.train, paper.splits.validation, paper.splits.test) == (8_000, 800, 800)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_recipe_has_its_own_name_and_labels_that_there_are(name: str, ontology: Ontology) -> None:
    recipe = read_recipe(name)
    assert recipe.name == name
    assert recipe.multi_label == (name == "several")
    Judge(recipe, ontology)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("seed = 2019", "seed = 2019\nmulti-label = true", "knows nothing of multi-label"),
        ("seed = 2019", "seed = 2019\nmulti_label = 1", "neither true nor false"),
        ("least_seconds = 10 ", "least_seconds = true ", "must be a number from 0.1 to 10"),
        ("least_seconds = 10 ", 'least_seconds = "10" ', "must be a number from 0.1 to 10"),
        ("least_seconds = 10 ", "least_seconds = [10] ", "must be a number from 0.1 to 10"),
        ("least_seconds = 10 ", "least_seconds = 10.001 ", "must be a number from 0.1 to 10"),
        ("least_seconds = 10 ", "least_seconds = 0 ", "must be a number from 0.1 to 10"),
        ("least_seconds = 10 ", "least_seconds = -5 ", "must be a number from 0.1 to 10"),
        ("least_seconds = 10 ", "least_seconds = nan ", "must be a number from 0.1 to 10"),
        ("least_seconds = 10 ", "least_seconds = inf ", "must be a number from 0.1 to 10"),
        ('name = "Flute"', 'name = "Flute;Oboe"', "holds a semicolon"),
        ('name = "paper"', "name = ", "not a recipe"),
        ("seed = 2019", "", "seed is missing"),
        ("seed = 2019", "seed = -1", "the seed must lie"),
        ("seed = 2019", "seed = 18446744073709551616", "not a recipe"),
        ("seed = 2019", 'seed = "many"', "not a recipe"),
        ("[[classes.pools]]", "[classes.pools]", "not a recipe"),
        ("instruments = [0, 1]", "instruments = [0]", "not a recipe"),
        ("descendants = false", "descendants = 0", "neither true nor false"),
        ("seed = 2019", "seed = 2019\npropagate = true", "propagate needs multi_label = true"),
        ('root = "/m/04szw"', "", "counts instruments, and .instruments. has no root"),
        ('root = "/m/04szw"', 'roots = "/m/04szw"', ".instruments. knows nothing of roots"),
        ('speech = ["/m/09x0r"]', 'voice = ["/m/09x0r"]', ".tiers. knows nothing of voice"),
        ("[instruments]", "[[instruments]]", ".instruments. is no table"),
        ("instruments = [0, 1]", "music = false\ninclude = []", "not a recipe"),
        ("include = [", "inclusive = [", "knows nothing of inclusive"),
        ('"/m/0l14j_"', '"/m/05r5c"', "included by two classes"),
        ('name = "Flute"', 'name = "Piano"', "different names"),
        ("instruments = [0, 1]", "instrument = [0, 1]", "not a recipe"),
        ("validation = 800", "validation = 0", "leave one empty"),
    ],
)
def test_a_recipe_that_makes_no_sense_says_why(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert old in PAPER
    path = tmp_path / "mine.toml"
    path.write_text(PAPER.replace(old, new))
    with pytest.raises(UsageError, match=said):
        read_recipe(str(path))


def rewritten(path: Path, *changes: tuple[str, str]) -> Recipe:
    """The paper's recipe with changes, read from a file."""
    text = PAPER
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path.write_text(text)
    return read_recipe(str(path))


@pytest.mark.parametrize(
    ("written", "least_ms"),
    [("10", 10_000), ("9.5", 9_500), ("0.1", 100), ("4.0004", 4_000), ("", 10_000)],
)
def test_the_least_length_is_read_and_ten_seconds_where_there_is_none(
    tmp_path: Path, written: str, least_ms: int
) -> None:
    line = f"least_seconds = {written} " if written else ""
    assert rewritten(tmp_path / "r.toml", ("least_seconds = 10 ", line)).least_ms == least_ms


def test_a_digest_is_of_what_a_recipe_means_and_not_of_how_it_is_written(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    swapped = ('"/m/05r5c",            # Piano\n  "/m/01s0ps",', '"/m/01s0ps",\n  "/m/05r5c",')
    for same in [("least_seconds = 10 ", ""), ("seed = 2019", "seed = 0x7e3 # a year"), swapped]:
        assert rewritten(mine, same).digest == read_recipe("paper").digest
    for other in [("seed = 2019", "seed = 7"), ("least_seconds = 10 ", "least_seconds = 4 "),
                  ("train = 8000", "train = 4000"), ("instruments = [0, 1]", "instruments = [0, 2]"),
                  ('  "/m/085jw",            # Wind', '  # Wind'), ('"Drums"', '"Drum"'),
                  ('speech = ["/m/09x0r"]', "speech = []"), ('"/m/0cfdd"', '"/m/03m5k"')]:  # fmt: skip
        assert rewritten(mine, other).digest != read_recipe("paper").digest, other


def test_two_classes_never_share_a_folder(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(PAPER.replace('name = "Flute"', 'name = "A b"').replace('name = "Drums"', 'name = "A-b"'))
    with pytest.raises(UsageError, match="the same folder"):
        read_recipe(str(path))


@pytest.mark.parametrize("name", ["nowhere", "../paper", "/etc/passwd", "nowhere.toml", ""])
def test_no_such_recipe(name: str) -> None:
    with pytest.raises(UsageError):
        read_recipe(name)


def test_a_label_that_the_ontology_lacks_is_named(tmp_path: Path, ontology: Ontology) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(PAPER.replace("/m/0l14j_", "/m/0nothing"))
    with pytest.raises(UsageError, match="/m/0nothing"):
        Judge(read_recipe(str(path)), ontology)


@pytest.mark.parametrize("classes", ["classes = []", 'classes = ["Piano"]', "classes = 4", "classes = [{}]"])
def test_classes_that_are_no_tables_are_refused(tmp_path: Path, classes: str) -> None:
    path = tmp_path / "mine.toml"
    head = PAPER.split("[[classes]]")[0]
    path.write_text(f"{classes}\n{head}")
    with pytest.raises(UsageError, match="not a recipe"):
        read_recipe(str(path))


def test_the_digests_of_the_shipped_recipes_stay_what_ledgers_hold() -> None:
    assert {name: read_recipe(name).digest[:16] for name in SHIPPED} == {
        "paper": "401ef8fc898ac7e2",
        "clean": "bd5031dde3bd1790",
        "instruments": "4d6187944665f189",
        "keyboards": "dce84ea21a7f3d6c",
        "several": "944914bc64f9db76",
    }


def test_the_sections_of_instruments_and_tiers_may_be_left_out_and_each_key_too(tmp_path: Path) -> None:
    classes = '[[classes]]\nname = "Dog"\ninclude = ["Dog"]\n[[classes]]\nname = "Rest"\n'
    bare = parse_recipe(f'name = "a"\nseed = 1\n{classes}', "a.toml")
    assert (bare.instrument_root, bare.tiered, bare.descendants, bare.propagate) == (None, False, True, False)
    assert [pool.name for pool in bare.classes[1].pools] == ["everything else"]
    some = parse_recipe(
        f'name = "a"\nseed = 1\n[instruments]\n[tiers]\nspeech = ["Speech"]\n{classes}', "a.toml"
    )
    assert some.instrument_root is None and some.tiered


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        ('[[classes]]\nname = "Dog"\ninclude = ["Dog"]', "one without include takes everything else"),
        ('[[classes]]\nname = "Dog"\n[[classes]]\nname = "Cat"', "only one class may go without include"),
        (
            '[[classes]]\nname = "Dog"\ninclude = []\n[[classes]]\nname = "Cat"',
            "has labels in include, or pools",
        ),
        (
            '[[classes]]\nname = "Dog"\ninclude = ["Dog"]\n[[classes]]\nname = "Rest"\n'
            '[[classes.pools]]\nname = "p"\nmusic = false',
            "leaves out music or voices",
        ),
    ],
)
def test_a_short_recipe_that_makes_no_sense_says_why(classes: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse_recipe(f'name = "a"\nseed = 1\n{classes}', "a.toml")

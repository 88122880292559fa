"""Names become mids, labels stand for what lies below them, and what is not clear is refused or said."""

import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.catalog.ontology import Ontology
from audioset_tools.catalog.recipe import SHIPPED, Recipe, parse_recipe, read_recipe
from audioset_tools.catalog.resolve import resolve
from audioset_tools.catalog.select import Judge, RowFate
from audioset_tools.exceptions import UsageError

DOG, CAT, BARK, MEOW, GROWLING = "/m/0bt9lr", "/m/01yrx", "/m/05tny_", "/m/07qrkrw", "/m/0ghcn6"
ANIMAL, PETS, BIRD, MUSIC, SPEECH = "/m/0jbk", "/m/068hy", "/m/015p6", "/m/04rlf", "/m/09x0r"
FLUTE, INSTRUMENT, CLARINET, WIND = "/m/0l14j_", "/m/04szw", "/m/01wy6", "/m/085jw"


def written(head: str = "", **classes: str) -> Recipe:
    """A recipe of a class for each `name=labels`, the labels as TOML; with none of everything else."""
    tables = [
        f'[[classes]]\nname = "{name}"\n' + (f"include = {labels}\n" if labels else "")
        for name, labels in classes.items()
    ]
    return parse_recipe("\n".join(['name = "mine"\nseed = 1', head, *tables]), "mine.toml")


def fates(recipe: Recipe, ontology: Ontology, *mids: str) -> dict[str, RowFate]:
    """What each class makes of a clip with these labels."""
    judge = Judge(recipe, ontology)
    return {rule.name: judge.verdict(frozenset(mids), rule).outcome for rule in judge.classes}


def carried(recipe: Recipe, ontology: Ontology, *mids: str) -> str:
    """The classes that take a clip with these labels."""
    return " ".join(name for name, fate in fates(recipe, ontology, *mids).items() if fate is RowFate.KEPT)


PETS_WRITTEN = {"Dog": '["Dog"]', "Cat": '["Cat"]'}


def test_a_name_in_any_case_and_its_mid_give_the_same_recipe_and_digest(ontology: Ontology) -> None:
    by_name = resolve(written(**PETS_WRITTEN), ontology)
    for dog, cat in [
        (f'["{DOG}"]', f'["{CAT}"]'),
        ('["dog"]', '[" CAT "]'),
        (f'["Dog", "{DOG}"]', '["Cat"]'),
    ]:
        same = resolve(written(Dog=dog, Cat=cat), ontology)
        assert same.classes == by_name.classes and same.digest == by_name.digest
    by_hand = written(
        "descendants = false",
        Dog=f'["{DOG}", "{BARK}"]\ntransparent = ["{PETS}", "{ANIMAL}", "{GROWLING}"]',
        Cat=f'["Cat", "Meow"]\ntransparent = ["{PETS}", "Animal", "growling"]',
    )
    assert resolve(by_hand, ontology).digest == by_name.digest
    assert resolve(by_name, ontology) is by_name


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_recipe_is_resolved_as_it_lies_there(name: str, ontology: Ontology) -> None:
    assert resolve(recipe := read_recipe(name), ontology) is recipe


def test_names_stand_wherever_mids_do(ontology: Ontology) -> None:
    head = """descendants = false
[instruments]
root = "musical instrument"
transparent = ["Music"]
rejected = ["Tabla"]
[tiers]
music = ["Music"]
speech = ["Speech"]
vocal = ["Singing"]"""
    recipe = resolve(written(head, Flute='["Flute"]\ntransparent = ["Percussion"]', Other=""), ontology)
    assert recipe.instrument_root == INSTRUMENT
    assert (recipe.transparent, recipe.rejected) == ({MUSIC}, {"/m/01p970"})
    assert (recipe.music, recipe.speech, recipe.vocal) == ({MUSIC}, {SPEECH}, {"/m/015lz1"})
    assert recipe.classes[0].include == {FLUTE} and recipe.classes[0].transparent == {"/m/0l14md"}


def test_names_that_are_none_are_all_told_with_what_may_be_meant(ontology: Ontology) -> None:
    with pytest.raises(UsageError) as refused:
        resolve(written(Dog='["Dgo"]', Flute='["Flutes"]', Wind='["woodwind", "qqqq"]'), ontology)
    for told in [
        "'Dgo' (perhaps 'Dog'",
        "'Flutes' (perhaps 'Flute'",
        "'Wind instrument, woodwind inst",
        "'qqqq'",
    ]:
        assert told in str(refused.value)
    assert "--labels WORD" in refused.value.remedy


def test_a_name_of_several_labels_is_refused_with_their_mids() -> None:
    twice = Ontology({"/m/1": "Rattle", "/m/2": "rattle", "/m/3": "Bell"}, {})
    with pytest.raises(UsageError, match="'Rattle' is the name of several: /m/1, /m/2"):
        resolve(written(A='["Rattle"]', B='["Bell"]'), twice)
    assert resolve(written(A='["/m/1"]', B='["Bell"]'), twice).classes[0].include == {"/m/1"}


def test_a_mid_that_the_ontology_lacks_is_named(ontology: Ontology) -> None:
    with pytest.raises(UsageError, match="lacks: /m/0nothing"):
        Judge(written(A='["/m/0nothing"]', B='["Bell"]'), ontology)


def test_a_megabyte_of_a_name_is_refused_in_no_time(ontology: Ontology) -> None:
    with pytest.raises(UsageError) as refused:
        resolve(written(A=f'["{"Dog" * 200_000}"]', B='["Bell"]'), ontology)
    assert len(str(refused.value)) < 500


def test_a_label_written_as_name_and_as_mid_is_included_by_two_classes(ontology: Ontology) -> None:
    with pytest.raises(UsageError, match="included by two classes: '/m/0bt9lr'"):
        resolve(written(A='["Dog"]', B=f'["{DOG}"]'), ontology)


@pytest.mark.parametrize(
    ("mids", "classes"),
    [
        ([DOG], "Dog"),
        ([BARK], "Dog"),
        ([DOG, BARK, PETS, ANIMAL], "Dog"),
        ([DOG, GROWLING], "Dog"),
        ([MEOW, MUSIC, SPEECH, INSTRUMENT], "Cat"),
        ([DOG, MEOW], ""),
        ([GROWLING], ""),
        ([ANIMAL], ""),
        ([PETS, SPEECH], ""),
        ([BIRD, ANIMAL], "Other"),
        ([FLUTE, MUSIC], "Other"),
        ([MUSIC], "Other"),
    ],
)
def test_classes_that_are_no_instruments(ontology: Ontology, mids: list[str], classes: str) -> None:
    assert carried(written(**PETS_WRITTEN, Other=""), ontology, *mids) == classes


def test_bare_music_may_be_a_flute_unless_the_recipe_says_that_it_never_counts(ontology: Ontology) -> None:
    recipe = written(Flute='["Flute"]', Other="")
    assert fates(recipe, ontology, MUSIC)["Other"] is RowFate.AMBIGUOUS
    assert carried(recipe, ontology, WIND, MUSIC) == ""
    lenient = written('[instruments]\ntransparent = ["Music"]', Flute='["Flute"]', Other="")
    assert carried(lenient, ontology, MUSIC) == "Other"


def test_a_root_keeps_out_what_else_lies_below_it_but_no_ancestors(ontology: Ontology) -> None:
    recipe = written('[instruments]\nroot = "Animal"', **PETS_WRITTEN)
    assert carried(recipe, ontology, DOG, PETS, ANIMAL) == "Dog"
    assert carried(recipe, ontology, DOG, GROWLING, PETS) == "Dog"
    assert fates(recipe, ontology, DOG, BIRD)["Dog"] is RowFate.OTHER_INSTRUMENT
    assert carried(recipe, ontology, DOG, FLUTE) == "Dog"


def test_what_the_recipe_names_elsewhere_is_not_included_and_rejected_reaches_down(
    ontology: Ontology,
) -> None:
    apart = written(Animal='["Animal"]', Dog='["Dog"]', Flute='["Flute"]')
    assert carried(apart, ontology, BARK) == "Dog"
    assert carried(apart, ontology, MEOW) == carried(apart, ontology, ANIMAL) == "Animal"
    assert carried(apart, ontology, ANIMAL, DOG) == "Dog"
    growls = written(Dog='["Dog"]\ntransparent = ["Growling"]', Flute='["Flute"]')
    assert carried(growls, ontology, GROWLING) == "" and carried(growls, ontology, DOG, GROWLING) == "Dog"
    strict = written('[instruments]\nrejected = ["Cat"]', Dog='["Dog"]', Flute='["Flute"]')
    assert fates(strict, ontology, FLUTE, MEOW)["Flute"] is RowFate.REJECTED_LABEL
    assert carried(strict, ontology, FLUTE, GROWLING) == "Flute"


def test_without_descendants_a_label_stands_for_itself_alone(ontology: Ontology) -> None:
    exact = written("descendants = false", **PETS_WRITTEN)
    assert carried(exact, ontology, BARK) == "" and carried(exact, ontology, DOG, BARK) == "Dog"


NESTED = {"Bark": '["Bark"]', "Dog": '["Dog"]', "Animal": '["Animal"]', "Cat": '["Cat"]', "Other": ""}


@pytest.mark.parametrize(
    ("mids", "most_specific", "propagated"),
    [
        ([BARK], "Bark", "Bark Dog Animal"),
        ([DOG, ANIMAL, BARK], "Bark", "Bark Dog Animal"),
        ([DOG], "Dog", "Dog Animal"),
        ([BIRD], "Animal", "Animal"),
        ([BARK, MEOW], "Bark Cat", "Bark Dog Animal Cat"),
        ([GROWLING], "", "Animal"),
        ([FLUTE, MUSIC], "Other", "Other"),
    ],
)
def test_labels_propagate_up_where_the_recipe_says_so(
    ontology: Ontology, mids: list[str], most_specific: str, propagated: str
) -> None:
    assert carried(written("multi_label = true", **NESTED), ontology, *mids) == most_specific
    up = written("multi_label = true\npropagate = true", **NESTED)
    assert carried(up, ontology, *mids) == propagated


def test_the_switch_of_propagation_is_part_of_the_digest(ontology: Ontology) -> None:
    recipe = resolve(written("multi_label = true", **PETS_WRITTEN), ontology)
    assert replace(recipe, propagate=True).digest != recipe.digest
    up = written("multi_label = true\npropagate = true", **PETS_WRITTEN)
    assert resolve(up, ontology).classes == recipe.classes


def test_without_tiers_all_are_alike_and_ancestors_cost_no_tier(ontology: Ontology) -> None:
    plain, tiers = written(**PETS_WRITTEN), written('[tiers]\nspeech = ["Speech"]', **PETS_WRITTEN)
    for recipe, expected in [(plain, (0, 0, 0)), (tiers, (3, 2, 1))]:
        judge = Judge(recipe, ontology)
        labels = [{DOG, BARK, PETS, ANIMAL}, {DOG, MUSIC}, {DOG, SPEECH}]
        assert tuple(judge.verdict(frozenset(mids), judge.classes[0]).tier for mids in labels) == expected


@given(data=st.data())
def test_no_label_set_belongs_to_two_classes_of_one_label(ontology: Ontology, data: st.DataObject) -> None:
    names = sorted(ontology.names)
    chosen = data.draw(st.lists(st.sampled_from(names), min_size=2, max_size=4, unique=True))
    classes = {f"c{number}": f'["{mid}"]' for number, mid in enumerate(chosen)}
    mids = data.draw(st.frozensets(st.sampled_from(names), min_size=1, max_size=5))
    single = written(**classes, Other="")
    assert len(carried(single, ontology, *mids).split()) <= 1
    several = carried(written("multi_label = true", **classes, Other=""), ontology, *mids).split()
    up = carried(
        written("multi_label = true\npropagate = true", **classes, Other=""), ontology, *mids
    ).split()
    assert set(several) - {"Other"} <= set(up) and ("Other" not in up or up == ["Other"])


def test_thousands_of_classes_that_are_no_labels_are_refused_in_no_time(ontology: Ontology) -> None:
    for label, said in [("/m/0none", "lacks: /m/0none0,"), ("none", "no label of AudioSet's: 'none0'")]:
        recipe = written(**{f"c{n}": f'["{label}{n}"]' for n in range(4_000)})
        begun = time.process_time()
        with pytest.raises(UsageError, match=said):
            resolve(recipe, ontology)
        assert time.process_time() - begun < 5

"""What "single-instrument" means, case by case, and that the judgements fit together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.catalog.judge import Judge, Outcome
from audioset_tools.catalog.labels import Ontology
from audioset_tools.catalog.recipe import SHIPPED, Recipe, read_recipe

PIANO, E_PIANO, KEYBOARD, DRUM_KIT, DRUM, PERCUSSION = (
    "/m/05r5c", "/m/01s0ps", "/m/05148p4", "/m/02hnl", "/m/026t6", "/m/0l14md",
)  # fmt: skip
FLUTE, WIND, GUITAR, TABLA, INSTRUMENT, MUSIC = (
    "/m/0l14j_", "/m/085jw", "/m/0342h", "/m/01p970", "/m/04szw", "/m/04rlf",
)  # fmt: skip
SPEECH, SINGING, RAPPING, ANIMAL = "/m/09x0r", "/m/015lz1", "/m/06bxc", "/m/0jbk"
ACOUSTIC, ELECTRIC, STRUM, SAXOPHONE, BRASS = (
    "/m/042v_gx", "/m/02sgy", "/m/07s0s5r", "/m/06ncr", "/m/01kcd",
)  # fmt: skip


def verdict(recipe: Recipe, ontology: Ontology, name: str, *mids: str) -> tuple[Outcome, int, int]:
    (rule,) = [rule for rule in recipe.classes if rule.name == name]
    found = Judge(recipe, ontology).verdict(frozenset(mids), rule)
    return found.outcome, found.tier, found.pool


@pytest.mark.parametrize(
    ("name", "mids", "outcome", "tier"),
    [
        ("Piano", [PIANO], Outcome.KEPT, 3),
        ("Piano", [PIANO, E_PIANO, KEYBOARD, INSTRUMENT, MUSIC], Outcome.KEPT, 3),
        ("Piano", [KEYBOARD, MUSIC], Outcome.NO_LABEL, 0),
        ("Piano", [PIANO, GUITAR], Outcome.OTHER_INSTRUMENT, 0),
        ("Piano", [PIANO, PERCUSSION], Outcome.OTHER_INSTRUMENT, 0),
        ("Piano", [PIANO, DRUM], Outcome.OTHER_CLASS, 0),
        ("Piano", [PIANO, TABLA], Outcome.REJECTED_LABEL, 0),
        ("Piano", [PIANO, MUSIC, SPEECH], Outcome.KEPT, 1),
        ("Piano", [PIANO, MUSIC, SINGING], Outcome.KEPT, 0),
        ("Drums", [DRUM_KIT, DRUM, PERCUSSION, INSTRUMENT], Outcome.KEPT, 3),
        ("Drums", [DRUM, KEYBOARD], Outcome.OTHER_INSTRUMENT, 0),
        ("Flute", [FLUTE, WIND], Outcome.KEPT, 3),
        ("Other", [GUITAR, MUSIC], Outcome.KEPT, 0),
        ("Other", [SPEECH], Outcome.KEPT, 0),
        ("Other", [MUSIC], Outcome.KEPT, 0),
        ("Other", [PIANO], Outcome.OTHER_CLASS, 0),
        ("Other", [TABLA], Outcome.REJECTED_LABEL, 0),
        ("Other", [KEYBOARD, MUSIC], Outcome.AMBIGUOUS, 0),
        ("Other", [WIND, SPEECH], Outcome.AMBIGUOUS, 0),
    ],
)
def test_the_paper_recipe(
    ontology: Ontology, name: str, mids: list[str], outcome: Outcome, tier: int
) -> None:
    assert verdict(read_recipe("paper"), ontology, name, *mids)[:2] == (outcome, tier)


def test_a_sound_that_is_no_music_makes_tier_2(ontology: Ontology) -> None:
    assert ANIMAL not in ontology.subtree(MUSIC, SPEECH, SINGING)
    assert verdict(read_recipe("paper"), ontology, "Piano", PIANO, MUSIC, ANIMAL)[1] == 2


@pytest.mark.parametrize(
    ("mids", "outcome", "pool"),
    [
        ([GUITAR, MUSIC], Outcome.KEPT, 0),
        ([SPEECH], Outcome.KEPT, 1),
        ([MUSIC], Outcome.NO_POOL, 0),
        ([INSTRUMENT, MUSIC], Outcome.NO_POOL, 0),
        ([SINGING], Outcome.NO_POOL, 0),
        ([GUITAR, "/m/07y_7", MUSIC], Outcome.NO_POOL, 0),
    ],
)
def test_the_clean_recipe_draws_other_from_two_pools(
    ontology: Ontology, mids: list[str], outcome: Outcome, pool: int
) -> None:
    assert verdict(read_recipe("clean"), ontology, "Other", *mids)[::2] == (outcome, pool)


@pytest.mark.parametrize(
    ("recipe", "name", "mids", "outcome", "tier"),
    [
        ("instruments", "Saxophone", [SAXOPHONE, BRASS, WIND], Outcome.KEPT, 3),
        ("instruments", "Clarinet", ["/m/01wy6", BRASS], Outcome.OTHER_INSTRUMENT, 0),
        ("instruments", "Acoustic guitar", [ACOUSTIC, GUITAR, STRUM], Outcome.KEPT, 3),
        ("instruments", "Acoustic guitar", [ACOUSTIC, ELECTRIC, GUITAR], Outcome.OTHER_CLASS, 0),
        ("instruments", "Acoustic guitar", [GUITAR, STRUM], Outcome.NO_LABEL, 0),
        ("instruments", "Piano", [PIANO, DRUM_KIT], Outcome.OTHER_INSTRUMENT, 0),
        ("instruments", "Piano", [PIANO, SINGING], Outcome.OTHER_CLASS, 0),
        ("instruments", "Voice", [SINGING, MUSIC], Outcome.KEPT, 3),
        ("instruments", "Voice", [SINGING, "/m/0l14jd", "/t/dd00004"], Outcome.KEPT, 3),
        ("instruments", "Voice", [SINGING, RAPPING], Outcome.KEPT, 0),
        ("instruments", "Voice", [SINGING, SPEECH], Outcome.KEPT, 1),
        ("keyboards", "Classical piano", [PIANO, KEYBOARD], Outcome.KEPT, 3),
        ("keyboards", "Keyboard", [PIANO, KEYBOARD], Outcome.ANCESTOR, 0),
        ("keyboards", "Classical piano", [PIANO, E_PIANO, KEYBOARD], Outcome.ANCESTOR, 0),
        ("keyboards", "Keyboard", [PIANO, E_PIANO, KEYBOARD], Outcome.KEPT, 3),
        ("keyboards", "Keyboard", [KEYBOARD, MUSIC], Outcome.KEPT, 3),
        ("keyboards", "Keyboard", [KEYBOARD, "/m/03q5t"], Outcome.ANCESTOR, 0),
        ("keyboards", "Other", [KEYBOARD, "/m/03q5t"], Outcome.KEPT, 0),
        ("keyboards", "Other", [KEYBOARD], Outcome.OTHER_CLASS, 0),
        ("several", "Piano", [PIANO, DRUM_KIT, SINGING], Outcome.KEPT, 3),
        ("several", "Drums", [PIANO, DRUM_KIT, SINGING], Outcome.KEPT, 3),
        ("several", "Piano", [PIANO, "/m/03m5k"], Outcome.KEPT, 3),
        ("several", "Piano", [PIANO, GUITAR], Outcome.AMBIGUOUS, 0),
        ("several", "Piano", [PIANO, GUITAR, ACOUSTIC, STRUM], Outcome.KEPT, 3),
        ("several", "Piano", [PIANO, KEYBOARD, WIND, FLUTE], Outcome.KEPT, 3),
        ("several", "Piano", [PIANO, PERCUSSION], Outcome.AMBIGUOUS, 0),
        ("several", "Piano", [PIANO, "/m/05pd6"], Outcome.REJECTED_LABEL, 0),
        ("several", "Piano", [PIANO, SINGING, RAPPING], Outcome.KEPT, 0),
    ],
)
def test_the_other_recipes(
    ontology: Ontology, recipe: str, name: str, mids: list[str], outcome: Outcome, tier: int
) -> None:
    assert verdict(read_recipe(recipe), ontology, name, *mids)[:2] == (outcome, tier)


@given(data=st.data(), name=st.sampled_from([name for name in SHIPPED if name != "several"]))
def test_no_label_set_belongs_to_two_classes(ontology: Ontology, data: st.DataObject, name: str) -> None:
    recipe = read_recipe(name)
    mids = frozenset(data.draw(st.lists(st.sampled_from(sorted(ontology.names)), min_size=1, max_size=6)))
    judge = Judge(recipe, ontology)
    kept = [rule.name for rule in recipe.classes if judge.verdict(mids, rule).outcome is Outcome.KEPT]
    assert len(kept) <= 1


@given(data=st.data())
def test_several_classes_take_a_clip_all_together_or_not_at_all(
    ontology: Ontology, data: st.DataObject
) -> None:
    recipe = read_recipe("several")
    mids = frozenset(data.draw(st.lists(st.sampled_from(sorted(ontology.names)), min_size=1, max_size=6)))
    judge = Judge(recipe, ontology)
    verdicts = [judge.verdict(mids, rule) for rule in recipe.classes]
    named = [one for one in verdicts if one.outcome not in (Outcome.NO_LABEL, Outcome.ANCESTOR)]
    assert len({(verdict.outcome, verdict.tier) for verdict in named}) <= 1
    assert all(verdict.outcome is not Outcome.OTHER_INSTRUMENT for verdict in named)

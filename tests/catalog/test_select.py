"""What "single-instrument" means, case by case, and that judgements, queues and funnels fit together.

The order of a queue depends on nothing but ids and seed.
"""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.catalog.official import manifest
from audioset_tools.catalog.ontology import Ontology
from audioset_tools.catalog.recipe import SHIPPED, Recipe, read_recipe
from audioset_tools.catalog.select import Judge, RowFate, Selection
from audioset_tools.catalog.summary import explain_clip, funnel_json, funnel_tables
from audioset_tools.exceptions import DataMismatch
from tests.catalog.conftest import ROWS, Row, selected, ytid

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


def verdict(recipe: Recipe, ontology: Ontology, name: str, *mids: str) -> tuple[RowFate, int, int]:
    (rule,) = [rule for rule in recipe.classes if rule.name == name]
    found = Judge(recipe, ontology).verdict(frozenset(mids), rule)
    return found.outcome, found.tier, found.pool


@pytest.mark.parametrize(
    ("name", "mids", "outcome", "tier"),
    [
        ("Piano", [PIANO], RowFate.KEPT, 3),
        ("Piano", [PIANO, E_PIANO, KEYBOARD, INSTRUMENT, MUSIC], RowFate.KEPT, 3),
        ("Piano", [KEYBOARD, MUSIC], RowFate.NO_LABEL, 0),
        ("Piano", [PIANO, GUITAR], RowFate.OTHER_INSTRUMENT, 0),
        ("Piano", [PIANO, PERCUSSION], RowFate.OTHER_INSTRUMENT, 0),
        ("Piano", [PIANO, DRUM], RowFate.OTHER_CLASS, 0),
        ("Piano", [PIANO, TABLA], RowFate.REJECTED_LABEL, 0),
        ("Piano", [PIANO, MUSIC, SPEECH], RowFate.KEPT, 1),
        ("Piano", [PIANO, MUSIC, SINGING], RowFate.KEPT, 0),
        ("Drums", [DRUM_KIT, DRUM, PERCUSSION, INSTRUMENT], RowFate.KEPT, 3),
        ("Drums", [DRUM, KEYBOARD], RowFate.OTHER_INSTRUMENT, 0),
        ("Flute", [FLUTE, WIND], RowFate.KEPT, 3),
        ("Other", [GUITAR, MUSIC], RowFate.KEPT, 0),
        ("Other", [SPEECH], RowFate.KEPT, 0),
        ("Other", [MUSIC], RowFate.KEPT, 0),
        ("Other", [PIANO], RowFate.OTHER_CLASS, 0),
        ("Other", [TABLA], RowFate.REJECTED_LABEL, 0),
        ("Other", [KEYBOARD, MUSIC], RowFate.AMBIGUOUS, 0),
        ("Other", [WIND, SPEECH], RowFate.AMBIGUOUS, 0),
    ],
)
def test_the_paper_recipe(
    ontology: Ontology, name: str, mids: list[str], outcome: RowFate, tier: int
) -> None:
    assert verdict(read_recipe("paper"), ontology, name, *mids)[:2] == (outcome, tier)


def test_a_sound_that_is_no_music_makes_tier_2(ontology: Ontology) -> None:
    assert ANIMAL not in ontology.subtree(MUSIC, SPEECH, SINGING)
    assert verdict(read_recipe("paper"), ontology, "Piano", PIANO, MUSIC, ANIMAL)[1] == 2


@pytest.mark.parametrize(
    ("mids", "outcome", "pool"),
    [
        ([GUITAR, MUSIC], RowFate.KEPT, 0),
        ([SPEECH], RowFate.KEPT, 1),
        ([MUSIC], RowFate.NO_POOL, 0),
        ([INSTRUMENT, MUSIC], RowFate.NO_POOL, 0),
        ([SINGING], RowFate.NO_POOL, 0),
        ([GUITAR, "/m/07y_7", MUSIC], RowFate.NO_POOL, 0),
    ],
)
def test_the_clean_recipe_draws_other_from_two_pools(
    ontology: Ontology, mids: list[str], outcome: RowFate, pool: int
) -> None:
    assert verdict(read_recipe("clean"), ontology, "Other", *mids)[::2] == (outcome, pool)


@pytest.mark.parametrize(
    ("recipe", "name", "mids", "outcome", "tier"),
    [
        ("instruments", "Saxophone", [SAXOPHONE, BRASS, WIND], RowFate.KEPT, 3),
        ("instruments", "Clarinet", ["/m/01wy6", BRASS], RowFate.OTHER_INSTRUMENT, 0),
        ("instruments", "Acoustic guitar", [ACOUSTIC, GUITAR, STRUM], RowFate.KEPT, 3),
        ("instruments", "Acoustic guitar", [ACOUSTIC, ELECTRIC, GUITAR], RowFate.OTHER_CLASS, 0),
        ("instruments", "Acoustic guitar", [GUITAR, STRUM], RowFate.NO_LABEL, 0),
        ("instruments", "Piano", [PIANO, DRUM_KIT], RowFate.OTHER_INSTRUMENT, 0),
        ("instruments", "Piano", [PIANO, SINGING], RowFate.OTHER_CLASS, 0),
        ("instruments", "Voice", [SINGING, MUSIC], RowFate.KEPT, 3),
        ("instruments", "Voice", [SINGING, "/m/0l14jd", "/t/dd00004"], RowFate.KEPT, 3),
        ("instruments", "Voice", [SINGING, RAPPING], RowFate.KEPT, 0),
        ("instruments", "Voice", [SINGING, SPEECH], RowFate.KEPT, 1),
        ("keyboards", "Classical piano", [PIANO, KEYBOARD], RowFate.KEPT, 3),
        ("keyboards", "Keyboard", [PIANO, KEYBOARD], RowFate.ANCESTOR, 0),
        ("keyboards", "Classical piano", [PIANO, E_PIANO, KEYBOARD], RowFate.ANCESTOR, 0),
        ("keyboards", "Keyboard", [PIANO, E_PIANO, KEYBOARD], RowFate.KEPT, 3),
        ("keyboards", "Keyboard", [KEYBOARD, MUSIC], RowFate.KEPT, 3),
        ("keyboards", "Keyboard", [KEYBOARD, "/m/03q5t"], RowFate.ANCESTOR, 0),
        ("keyboards", "Other", [KEYBOARD, "/m/03q5t"], RowFate.KEPT, 0),
        ("keyboards", "Other", [KEYBOARD], RowFate.OTHER_CLASS, 0),
        ("several", "Piano", [PIANO, DRUM_KIT, SINGING], RowFate.KEPT, 3),
        ("several", "Drums", [PIANO, DRUM_KIT, SINGING], RowFate.KEPT, 3),
        ("several", "Piano", [PIANO, "/m/03m5k"], RowFate.KEPT, 3),
        ("several", "Piano", [PIANO, GUITAR], RowFate.AMBIGUOUS, 0),
        ("several", "Piano", [PIANO, GUITAR, ACOUSTIC, STRUM], RowFate.KEPT, 3),
        ("several", "Piano", [PIANO, KEYBOARD, WIND, FLUTE], RowFate.KEPT, 3),
        ("several", "Piano", [PIANO, PERCUSSION], RowFate.AMBIGUOUS, 0),
        ("several", "Piano", [PIANO, "/m/05pd6"], RowFate.REJECTED_LABEL, 0),
        ("several", "Piano", [PIANO, SINGING, RAPPING], RowFate.KEPT, 0),
    ],
)
def test_the_other_recipes(
    ontology: Ontology, recipe: str, name: str, mids: list[str], outcome: RowFate, tier: int
) -> None:
    assert verdict(read_recipe(recipe), ontology, name, *mids)[:2] == (outcome, tier)


@given(data=st.data(), name=st.sampled_from([name for name in SHIPPED if name != "several"]))
def test_no_label_set_belongs_to_two_classes(ontology: Ontology, data: st.DataObject, name: str) -> None:
    recipe = read_recipe(name)
    mids = frozenset(data.draw(st.lists(st.sampled_from(sorted(ontology.names)), min_size=1, max_size=6)))
    judge = Judge(recipe, ontology)
    kept = [rule.name for rule in recipe.classes if judge.verdict(mids, rule).outcome is RowFate.KEPT]
    assert len(kept) <= 1


@given(data=st.data())
def test_several_classes_take_a_clip_all_together_or_not_at_all(
    ontology: Ontology, data: st.DataObject
) -> None:
    recipe = read_recipe("several")
    mids = frozenset(data.draw(st.lists(st.sampled_from(sorted(ontology.names)), min_size=1, max_size=6)))
    judge = Judge(recipe, ontology)
    verdicts = [judge.verdict(mids, rule) for rule in recipe.classes]
    named = [one for one in verdicts if one.outcome not in (RowFate.NO_LABEL, RowFate.ANCESTOR)]
    assert len({(verdict.outcome, verdict.tier) for verdict in named}) <= 1
    assert all(verdict.outcome is not RowFate.OTHER_INSTRUMENT for verdict in named)


def keys(selection: Selection) -> dict[str, list[str]]:
    return {queue.class_name: [c.key for c in selection.candidates(queue)] for queue in selection.queues}


def test_every_row_has_one_outcome_in_each_class(selection: Selection) -> None:
    for funnel, queue in zip(selection.funnels, selection.queues, strict=True):
        assert sum(funnel.outcomes.values()) == len(selection.catalog) == 301
        assert funnel.kept == len(queue) == sum(funnel.subsets.values())
        assert list(funnel.tiers) == sorted(funnel.tiers, reverse=True)
        assert not funnel.tiers or funnel.tiers[0] == funnel.kept
        assert not funnel.pools or sum(funnel.pools.values()) == funnel.kept


def test_the_counts_are_those_of_the_rows(selection: Selection) -> None:
    piano, drums, flute, other = selection.funnels
    assert (piano.kept, piano.tiers) == (90, (90, 60, 30, 30))
    assert (drums.kept, drums.outcomes[RowFate.OTHER_INSTRUMENT]) == (0, 30)
    assert (flute.kept, flute.fillable(24), flute.fillable(31)) == (30, pytest.approx(0.2), None)
    assert other.kept == 30 * 3 + 1
    assert other.outcomes[RowFate.AMBIGUOUS] == other.outcomes[RowFate.REJECTED_LABEL] == 30


def test_ranks_count_up_and_the_best_tier_comes_first(selection: Selection) -> None:
    for queue in selection.queues:
        candidates = list(selection.candidates(queue))
        assert [c.rank for c in candidates] == list(range(len(queue)))
        assert [c.tier for c in candidates] == sorted((c.tier for c in candidates), reverse=True)


def test_the_order_depends_on_no_other_row_and_not_on_the_files_order(
    selection: Selection, tmp_path: Path
) -> None:
    mixed = ROWS[:]
    random.Random(1).shuffle(mixed)
    assert keys(selected(tmp_path / "a", mixed)) == keys(selection)
    fewer = keys(selected(tmp_path / "b", ROWS[100:]))["Piano"]
    assert fewer == [key for key in keys(selection)["Piano"] if key in set(fewer)]


def test_a_candidate_has_all_labels_of_its_row(selection: Selection) -> None:
    segments = {one.key: one for one in map(selection.catalog.segment, range(len(selection.catalog)))}
    for queue in selection.queues:
        for one in selection.candidates(queue):
            assert one.labels == tuple(sorted(segments[one.key].mids)) and one.split == ""


def test_another_seed_gives_another_order(selection: Selection, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(manifest("paper.toml").read_text().replace("seed = 2019", "seed = 2020"))
    other = keys(selected(tmp_path / "a", ROWS, str(recipe)))
    assert other["Flute"] != keys(selection)["Flute"]
    assert sorted(other["Flute"]) == sorted(keys(selection)["Flute"])


def test_pools_take_turns_until_one_is_spent(tmp_path: Path) -> None:
    clean = selected(tmp_path, ROWS, "clean")
    other = clean.queues[3]
    music = ["/m/0342h" in clean.catalog.segment(int(row)).mids for row in other.rows]
    assert music[:60] == [True, False] * 30
    assert clean.funnels[3].pools == {"one other instrument": 30, "no music": 31}


SHORT: list[Row] = [
    *((ytid(500 + n), 0, 10_000, ("/m/0l14j_",)) for n in range(6)),
    (ytid(510), 0, 9_999, ("/m/0l14j_",)),
    (ytid(511), 20_000, 24_000, ("/m/0l14j_", "/m/04rlf")),
    (ytid(512), 0, 3_999, ("/m/0342h",)),
    (ytid(513), 0, 100, ("/m/05r5c", "/m/02hnl")),
]


@pytest.mark.parametrize(("least", "flutes", "others"), [("10", 6, 1), ("4", 8, 1), ("0.1", 8, 2)])
def test_what_is_too_short_is_counted_where_the_class_would_else_take_it(
    tmp_path: Path, least: str, flutes: int, others: int
) -> None:
    path = tmp_path / "recipe.toml"
    path.write_text(
        manifest("paper.toml").read_text().replace("least_seconds = 10 ", f"least_seconds = {least} ")
    )
    short = selected(tmp_path / "lists", SHORT + ROWS[60:70], str(path))
    funnels = {funnel.class_name: funnel for funnel in short.funnels}
    flute, piano = funnels["Flute"], funnels["Piano"]
    assert (flute.kept, flute.outcomes[RowFate.TOO_SHORT]) == (flutes + 1, 8 - flutes)
    assert flute.tiers[0] == sum(flute.subsets.values()) == len(short.queues[2]) == flute.kept
    # Of a piano with drums the instruments are what keeps it out, however short it is.
    assert (piano.outcomes[RowFate.TOO_SHORT], piano.outcomes[RowFate.OTHER_CLASS]) == (0, 1)
    assert funnels["Other"].outcomes[RowFate.TOO_SHORT] == 2 - others
    for funnel, queue in zip(short.funnels, short.queues, strict=True):
        assert sum(funnel.outcomes.values()) == len(short.catalog)
        assert all(c.end_ms - c.start_ms >= float(least) * 1000 for c in short.candidates(queue))
    told = funnel_json(short)
    assert (told["recipe"], told["least_seconds"]) == ("paper", float(least))
    table = funnel_tables(short, 1)[0]
    assert f"segments of {least} s at least" in table.title
    assert ("− too short" in table.header) is (least != "0.1")
    said = "\n".join(explain_clip(short, ytid(511)))
    in_words = "Flute: out, too short: 4 s, where the recipe takes 10 s at least"
    assert (in_words if least == "10" else "Flute: in, tier L3") in said


def test_a_class_is_rare_by_its_clips_that_are_long_enough(tmp_path: Path) -> None:
    both, drums = ("/m/0l14j_", "/m/02hnl"), ("/m/02hnl",)
    rows: list[Row] = [(ytid(n), 0, 10_000, both) for n in range(600, 605)]
    rows += [(ytid(n), 0, 10_000, ("/m/0l14j_",)) for n in range(605, 610)]
    rows += [(ytid(n), 0, 9_000, drums) for n in range(610, 620)]
    rows += [(ytid(620), 0, 9_000, both)]
    short = selected(tmp_path / "lists", rows, "several")
    funnels = {funnel.class_name: funnel for funnel in short.funnels}
    assert (funnels["Drums"].kept, funnels["Drums"].carried, funnels["Flute"].kept) == (5, 5, 5)
    assert funnels["Drums"].outcomes[RowFate.TOO_SHORT] == 11
    assert (funnels["Flute"].carried, funnels["Flute"].outcomes[RowFate.TOO_SHORT]) == (10, 1)
    assert "carries: no class" in "\n".join(explain_clip(short, ytid(620)))


def test_a_label_that_the_ontology_lacks_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataMismatch, match="/m/0zzzz"):
        selected(tmp_path, [*ROWS[:60], (ytid(999), 0, 10_000, ("/m/0zzzz",))])


def test_a_clip_of_several_classes_stands_in_the_queue_of_the_rarest(several: Selection) -> None:
    classes = {queue.class_name: list(several.candidates(queue)) for queue in several.queues}
    drawn = {name: [candidate.also for candidate in queue] for name, queue in classes.items() if queue}
    assert drawn.keys() == {"Flute", "Piano", "Drums"}
    assert drawn["Flute"] == [("Drums", "Piano")] * 20
    assert sorted(drawn["Piano"]) == [()] * 20 + [("Drums",)] * 20
    assert drawn["Drums"] == [()] * 40
    keys = [candidate.key for queue in classes.values() for candidate in queue]
    assert len(keys) == len(set(keys)) == 100


def test_a_funnel_counts_what_is_carried_besides_what_is_drawn(several: Selection) -> None:
    funnels = {funnel.class_name: funnel for funnel in several.funnels}
    assert [(funnels[name].kept, funnels[name].carried) for name in ("Flute", "Piano", "Drums")] == [
        (20, 20), (40, 60), (40, 80),
    ]  # fmt: skip
    assert funnels["Flute"].outcomes[RowFate.AMBIGUOUS] == 20
    for funnel in several.funnels:
        assert sum(funnel.outcomes.values()) == len(several.catalog)
    told = funnel_json(several, 10)["classes"]["Drums"]
    assert (told["carried"], told["outcomes"]["kept"]) == (80, 40)
    text = "\n".join(
        " ".join((*table.header, *map(" ".join, table.rows))) for table in funnel_tables(several, 9)
    )
    assert "carried in all" in text and "drawn for a rarer class" in text

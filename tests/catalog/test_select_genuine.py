"""The genuine lists give exactly the counts that were found by hand before.

With segments of any length: the least length that the shipped recipes ask for is taken back where these are
compared, and what it costs is compared by itself.
"""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audioset_tools.catalog.lists import Catalog, read_catalog
from audioset_tools.catalog.ontology import Ontology, read_ontology
from audioset_tools.catalog.recipe import parse_recipe, read_recipe
from audioset_tools.catalog.select import RowFate, Selection, select_candidates

GENUINE_LISTS = Path(__file__).parents[3] / "shared" / "audioset"

pytestmark = pytest.mark.skipif(
    not GENUINE_LISTS.is_dir(),
    reason=f"AudioSet's lists are not in {GENUINE_LISTS}; nothing downloads them here",
)

INSTRUMENTS = {
    "Piano": ((52, 45, 9_441), (9_538, 9_301, 8_583, 8_177)),
    "Drums": ((111, 108, 20_850), (21_069, 20_585, 18_562, 17_845)),
    "Flute": ((54, 49, 4_009), (4_112, 4_063, 3_759, 3_593)),
}


@pytest.fixture(scope="module")
def genuine() -> tuple[Catalog, Ontology]:
    return read_catalog(GENUINE_LISTS), read_ontology(GENUINE_LISTS / "ontology.json")


@pytest.fixture(scope="module", params=["paper", "clean"])
def selection(genuine: tuple[Catalog, Ontology], request: pytest.FixtureRequest) -> Selection:
    return select_candidates(*genuine, replace(read_recipe(request.param), least_ms=1_000))


def test_rows_subsets_and_tiers(selection: Selection) -> None:
    assert len(selection.catalog) == 2_084_320
    for funnel in selection.funnels[:3]:
        assert (tuple(funnel.subsets.values()), funnel.tiers) == INSTRUMENTS[funnel.class_name]


def test_other(selection: Selection) -> None:
    other = selection.funnels[3]
    if selection.recipe.name == "paper":
        assert tuple(other.subsets.values()) == (20_895, 19_062, 1_956_117)
        assert other.kept == 1_996_074
    else:
        assert other.pools == {"one other instrument": 135_294, "no music": 994_323}
        assert tuple(other.subsets.values()) == (2_147 + 13_141, 1_985 + 12_378, 131_162 + 968_804)


def test_flute_bounds_everything(selection: Selection) -> None:
    assert selection.funnels[2].fillable(2_400) == pytest.approx(0.416, abs=0.0005)


TEN_SECONDS = {
    "paper": (9_537, 21_006, 4_106, 1_972_114),
    "clean": (9_537, 21_006, 4_106, 1_112_761),
    "instruments": (1_685, 1_382, 4_078, 11_333, 9_156, 2_845, 9_310, 2_143, 2_085, 24_943, 61_205),
    "keyboards": (5_493, 4_878, 21_006, 4_106, 1_972_114),
    "several": (*(4_383, 1_822, 22_176, 4_470, 12_821, 11_761, 3_624, 11_031, 2_705, 3_089, 26_367, 62_651),),
}
SHORT_FLUTES = {3_000: 0, 4_000: 1, 8_000: 4, 10_000: 6}
"""How many of the paper's flutes each least length costs."""


@pytest.mark.parametrize("name", TEN_SECONDS)
def test_the_shipped_recipes_take_only_what_fills_a_clip(
    genuine: tuple[Catalog, Ontology], name: str
) -> None:
    selection = select_candidates(*genuine, read_recipe(name))
    assert tuple(funnel.kept for funnel in selection.funnels) == TEN_SECONDS[name]
    lengths = selection.catalog.end_ms - selection.catalog.start_ms
    assert (lengths < 10_000).sum() == 24_071
    assert lengths.min() == 1_000 and lengths.max() == 10_000
    assert all((lengths[queue.rows] == 10_000).all() for queue in selection.queues)


def test_what_each_least_length_costs_the_flutes(genuine: tuple[Catalog, Ontology]) -> None:
    costs = {}
    for least_ms in SHORT_FLUTES:
        flute = select_candidates(*genuine, replace(read_recipe("paper"), least_ms=least_ms)).funnels[2]
        costs[least_ms] = flute.outcomes[RowFate.TOO_SHORT]
        assert flute.kept == 4_112 - costs[least_ms]
    assert costs == SHORT_FLUTES


DRAWN = {
    "instruments": (1_685, 1_383, 4_084, 11_342, 9_164, 2_847, 9_311, 2_143, 2_099, 24_964, 61_352),
    "keyboards": (5_494, 4_879, 21_069, 4_112, 1_996_074),
    "several": (*(4_383, 1_823, 22_239, 4_476, 12_832, 11_773, 3_626, 11_032, 2_705, 3_103, 26_389, 62_798),),
}
CARRIED = (4_423, 1_823, 22_768, 4_574, 14_178, 11_790, 3_643, 12_333, 2_806, 3_372, 28_780, 64_507)


@pytest.mark.parametrize("name", DRAWN)
def test_the_recipes_beyond_four_classes(genuine: tuple[Catalog, Ontology], name: str) -> None:
    selection = select_candidates(*genuine, replace(read_recipe(name), least_ms=1_000))
    assert tuple(funnel.kept for funnel in selection.funnels) == DRAWN[name]
    if name == "several":
        assert tuple(funnel.carried for funnel in selection.funnels) == CARRIED
        rows = np.concatenate([queue.rows for queue in selection.queues])
        assert len(rows) == len(np.unique(rows))


PETS = ("Dog", "Cat", "Siren")
BEFORE = (6_421, 1_765, 8_455)
"""By rules without the ontology: one label each, alone among all animals but its two ancestors."""

AFTER = (16_394, 6_947, 12_193)
PETS_RECIPE = """name = "pets"
seed = 1
HEAD
""" + "\n".join(f'[[classes]]\nname = "{name}"\ninclude = ["{name}"]' for name in PETS)


def kept(genuine: tuple[Catalog, Ontology], head: str) -> tuple[int, ...]:
    recipe = parse_recipe(PETS_RECIPE.replace("HEAD", head), "pets.toml")
    return tuple(funnel.kept for funnel in select_candidates(*genuine, recipe).funnels)


def test_classes_that_are_no_instruments_lose_nothing_to_their_ancestors(
    genuine: tuple[Catalog, Ontology],
) -> None:
    root = '[instruments]\nroot = "Animal"\ntransparent = ["Animal", "Domestic animals, pets"]'
    assert kept(genuine, f"descendants = false\nleast_seconds = 1\n{root}") == BEFORE
    assert kept(genuine, "") == AFTER
    strict = kept(genuine, root)
    assert all(before < now < plain for before, now, plain in zip(BEFORE, strict, AFTER, strict=True))


def test_these_are_the_counts_of_pandas() -> None:
    nodes = json.loads((GENUINE_LISTS / "ontology.json").read_text())
    mids = {node["name"]: node["id"] for node in nodes}
    children = {node["id"]: {*node["child_ids"]} for node in nodes}
    dogs, cats, sirens = ({mids[name]} | children[mids[name]] for name in PETS)
    # What lies below them lies right below them, and of it only growling below two.
    assert not any(children[mid] for mid in (dogs | cats | sirens) - {mids[name] for name in PETS})
    assert dogs & cats == {mids["Growling"]} and not sirens & (dogs | cats)
    clips = pd.concat(
        pd.read_csv(
            path, skiprows=3, header=None, names=["ytid", "start", "end", "mids"], skipinitialspace=True
        )
        for path in sorted(GENUINE_LISTS.glob("*_segments.csv"))
    )
    # Only those are split that may have one of these; a label is no other's beginning.
    clips = clips[clips["mids"].str.contains("|".join(map(re.escape, sorted(dogs | cats | sirens))))]
    clips["mids"] = clips["mids"].str.split(",").map(frozenset)
    below = clips["mids"].map(lambda held: mids["Dog"] in held and not held.isdisjoint(children[mids["Dog"]]))
    assert below.sum() == 6_165
    clips = clips[(clips["end"] - clips["start"]).round(3) >= 10]
    carried = pd.DataFrame(
        {
            number: clips["mids"].map(lambda held, own=own: not held.isdisjoint(own))
            for number, own in enumerate((dogs - cats, cats - dogs, sirens))
        }
    )
    assert tuple(carried[carried.sum(axis=1) == 1].sum()) == AFTER


def test_every_display_name_is_one_label_and_that_of_the_label_file(
    genuine: tuple[Catalog, Ontology],
) -> None:
    _, ontology = genuine
    listed = pd.read_csv(GENUINE_LISTS / "class_labels_indices.csv")
    assert len(listed) == 527
    for mid, name in zip(listed["mid"], listed["display_name"], strict=True):
        assert ontology.called(name) == ontology.called(name.upper()) == [mid]

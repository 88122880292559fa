"""The ontology is a graph, and a foreign file in its place is refused."""

import json
from pathlib import Path

import pytest

from audioset_tools.catalog.ontology import Ontology, read_ontology
from audioset_tools.catalog.run import select
from audioset_tools.catalog.search import search_labels
from audioset_tools.catalog.template import write_recipe
from audioset_tools.exceptions import DataMismatch
from audioset_tools.workspace import Workspace
from tests.catalog.conftest import write_folder


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "[1]", '[{"id": "a"}]', '[{"id":"a","name":"A","child_ids":["b"]}]']
)
def test_a_foreign_ontology_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ontology.json"
    path.write_text(text)
    with pytest.raises(DataMismatch):
        read_ontology(path)


def test_another_ontology_than_audiosets_is_told_unless_it_is_meant(tmp_path: Path) -> None:
    write_folder(tmp_path, {})
    path, nowhere = tmp_path / "ontology.json", Workspace(tmp_path / "nowhere")
    assert read_ontology(path, genuine=True) == read_ontology(path), "the demo's own is known too"
    nodes = json.loads(path.read_text())
    instrument = next(node for node in nodes if node["id"] == "/m/04szw")
    instrument["child_ids"] = []
    path.write_text(json.dumps(nodes))
    with pytest.raises(DataMismatch, match=r"ontology.json is another ontology than AudioSet's \(sha256 "):
        read_ontology(path, genuine=True)
    for asks in (
        lambda **how: select(nowhere, metadata=tmp_path, **how),
        lambda **how: search_labels(nowhere, "Piano", metadata=tmp_path, **how),
        lambda **how: write_recipe(nowhere, tmp_path / "x.toml", ["Piano"], metadata=tmp_path, **how),
    ):
        with pytest.raises(DataMismatch, match="if you mean this one, add --any-ontology"):
            asks()
        assert asks(any_ontology=True)


def test_a_subtree_in_a_graph_with_several_parents() -> None:
    graph = Ontology(dict.fromkeys("abcd", ""), {"a": ("b", "c"), "b": ("d",), "c": ("d",), "d": ()})
    assert graph.subtree("b", "c") == set("bcd")


def test_the_most_specific_labels_have_none_of_the_others_below_them(ontology: Ontology) -> None:
    electric_piano, piano, keyboard, flute = "/m/01s0ps", "/m/05r5c", "/m/05148p4", "/m/0l14j_"
    for mids, specific in [
        ({piano, keyboard, electric_piano, flute}, {electric_piano, flute}),
        ({piano, keyboard}, {piano}),
        ({keyboard}, {keyboard}),
        (set(), set()),
    ]:
        assert ontology.most_specific(frozenset(mids)) == specific


def test_labels_are_described_by_name_and_a_stranger_by_its_mid(ontology: Ontology) -> None:
    assert ontology.described({"/m/0l14j_", "/m/05r5c", "/m/0nothing"}) == "/m/0nothing; Flute; Piano"


def test_what_lies_above_and_the_shortest_way_down_to_a_label() -> None:
    children = {"a": ("b", "c"), "b": ("d",), "c": ("e",), "d": ("f",), "e": ("f",), "x": ("f",), "f": ()}
    graph = Ontology(dict.fromkeys("abcdefx", ""), children)
    assert graph.above("f") == set("abcdex") and graph.above("b", "d") == {"a"} and graph.above("a") == set()
    assert graph.way("f") == ["x"] and graph.way("d") == ["a", "b"] and graph.way("a") == []
    circle = Ontology(dict.fromkeys("ab", ""), {"a": ("b",), "b": ("a",)})
    assert circle.way("a") == [] and circle.above("a") == {"b"} and circle.subtree("a") == {"a", "b"}


def test_a_label_is_found_by_its_mid_or_its_name_in_any_case(ontology: Ontology) -> None:
    for word in ["/m/0l14j_", "Flute", "fLUTE", "  flute "]:
        assert ontology.called(word) == ["/m/0l14j_"]
    assert ontology.called("Flut") == ontology.called("") == []
    assert ontology.similar("Fluet")[0] == "Flute"
    assert ontology.similar("woodwind")[0] == "Wind instrument, woodwind instrument"
    assert ontology.similar("") == ontology.similar("?!") == []

"""What a run is of: any JSON is that or refused, and weights go with the shards they were made for."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.exceptions import DataMismatch
from audioset_tools.runs.about import parse_about, require_same_data
from audioset_tools.shards.shard import ShardHeader
from tests.train.small import SHAPE, SPEC, about


@pytest.mark.parametrize(
    "change",
    [
        {"class_names": []},
        {"class_names": ["Piano", "Piano"]},
        {"class_names": ["Piano", 3]},
        {"class_names": ["\ud800"]},
        {"class_names": "Piano"},
        {"shape": [12]},
        {"shape": [0, 4]},
        {"shape": [1.5, 4]},
        {"config": []},
        {"config": {"filters": [[8]]}},
        {"spec": {"log": {}}},
        {"versions": {"torch": 2}},
        {"threads": 0},
        {"multi_label": 1},
        {"recipe": None},
        {"spec_digest": "\udcff"},
        {"more": 1},
    ],
)
def test_settings_that_cannot_be_are_refused(change: dict[str, object]) -> None:
    content = json.loads(about().json())
    assert parse_about(content, Path("x")) == about()
    with pytest.raises(DataMismatch):
        parse_about(content | change, Path("x"))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
        max_leaves=10,
    ),
    st.sampled_from(sorted(json.loads(about().json()))),
)
def test_any_json_is_settings_or_refused(content: object, name: str) -> None:
    for read in (content, json.loads(about().json()) | {name: content}):
        with suppress(DataMismatch):
            parse_about(read, Path("x")).json()


def test_weights_for_other_data_are_refused() -> None:
    def header(classes: tuple[str, ...], digest: str, multi_label: bool = False) -> ShardHeader:
        return ShardHeader("test", "paper", classes, SPEC, digest, "", "", "", multi_label)

    names = about().class_names
    require_same_data(about(), header(names, "small"), SHAPE, Path("x"))
    for other, shape, words in (
        (header(names[::-1], "small"), SHAPE, "Flute, Drums, Piano"),
        (header(names, "small", True), SHAPE, "any number at once"),
        (header(names, "other"), SHAPE, "other"),
        (header(names, "small"), (12, 25), "12 x 25"),
    ):
        with pytest.raises(DataMismatch, match=words):
            require_same_data(about(), other, shape, Path("x"))

"""Placements as columns are the placements that they were made of, whatever these hold."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.shards.placements import SPLITS, Placement, Placements, joined

KEYS = st.text("-_abz09", min_size=1, max_size=32)
TEXTS = st.text(max_size=8)
SOME = st.builds(
    Placement,
    KEYS,
    TEXTS,
    st.lists(TEXTS, max_size=2).map(tuple),
    st.sampled_from(["", *SPLITS]),
    st.one_of(TEXTS, KEYS),
    st.text("0123456789abcdef", min_size=64, max_size=64),
    st.lists(TEXTS, max_size=2).map(tuple),
    st.sampled_from(["", "gaaaaaaaaaa", "gbbbbbbbbbb"]),
)


@given(st.lists(SOME, max_size=8))
def test_what_goes_in_comes_out(some: list[Placement]) -> None:
    found = Placements(some)
    assert [*found] == some and len(found) == len(some)
    assert found == some and found == Placements(some) and (not some or found != some[1:])
    assert [found[n] for n in range(len(some))] == some and [*found[1:3]] == some[1:3]
    assert [*found.of_split("test")] == [one for one in some if one.split == "test"]
    # As another process gets it.
    assert [*copy.copy(found[::2])] == some[::2]


def one(key: str, split: str = "train", class_name: str = "Piano") -> Placement:
    return Placement(key, class_name, (), split, f"clips/{class_name}/Y{key}.wav", "ab" * 32)


def test_any_difference_is_one() -> None:
    some = [one("a"), one("b")]
    texts = {"key": "c", "class_name": "x", "split": "test", "path": "x", "sha256": "cd" * 32}
    for name, value in {**texts, "also": ("x",), "labels": ("x",), "group": "gaaaaaaaaaa"}.items():
        assert Placements([some[0], replace(some[1], **{name: value})]) != some
    assert Placements(some) != "ab" and Placements() == ()


def test_what_has_no_room_in_a_column_is_refused() -> None:
    with pytest.raises(ValueError, match="32"):
        Placements([one("a" * 33)])
    with pytest.raises(IndexError):
        Placements([one("a")])[1]


def test_a_key_is_found_where_it_stands_and_a_class_by_its_number() -> None:
    found = Placements([one("b"), one("c", class_name="Drums"), one("a")])
    assert found.by_key(np.array([b"a", b"x", b"b"])).tolist() == [2, -1, 0]
    assert Placements().by_key(np.array([b"a"])).tolist() == [-1]
    assert found.of_kinds({("Drums",): 5, ("Piano",): 7}).tolist() == [7, 5, 7]
    assert found.of_kinds({("Drums",): 5}).tolist() == [-1, 5, -1]


def test_placed_clips_are_joined_in_their_new_splits() -> None:
    whole = Placements([one("a", ""), one("b", ""), one("c", "")])
    placed = whole.placed(np.array([0, 1, 2]), np.array([b"gaaaaaaaaaa"] * 3))
    both = joined(placed.take(np.array([2])), placed.take(np.array([0])))
    assert [(it.key, it.split, it.group) for it in both] == [
        ("c", "test", "gaaaaaaaaaa"),
        ("a", "train", "gaaaaaaaaaa"),
    ]
    with pytest.raises(ValueError, match="different"):
        joined(placed, Placements([one("a")]))


def test_a_shards_share_is_small_wherever_it_is_sent() -> None:
    """Of 20,000 clips with as many paths and labels of their own 128 are sent, not all."""
    many = Placements(
        replace(one(f"{n:010}A_0", class_name=f"class {n}"), labels=(f"label {n}",)) for n in range(20_000)
    )
    assert len(pickle.dumps(many[:128])) < 40_000

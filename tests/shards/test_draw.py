"""Whole groups fill a split as well as they can; see `test_splits` for what becomes of a data set."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.shards.draw import _fitting, _Sizes

CLASSES = ("Piano", "Drums")


def fitting(groups: Sequence[Mapping[str, int]], left: dict[str, int]) -> list[int]:
    """The numbers of the groups that are taken; `left` goes down."""
    pairs = [(CLASSES.index(name), n) for group in groups for name, n in group.items()]
    classes, counts = np.array(pairs, np.int64).reshape(-1, 2).T
    room = np.array([left.get(name, 0) for name in CLASSES])
    taken = _fitting(_Sizes(classes, counts, np.cumsum([0, *map(len, groups)])), room)
    left.update({name: int(room[CLASSES.index(name)]) for name in left})
    return np.flatnonzero(taken).tolist()


def fitting_by_search(groups: Sequence[Mapping[str, int]], left: dict[str, int]) -> list[int]:
    """The same by the rule's own words, trying all sums of the later groups of a class alone."""
    taken = []
    for number, group in enumerate(groups):
        later = {
            name: {
                sum(some)
                for sizes in [[one[name] for one in groups[number + 1 :] if set(one) == {name}]]
                for n in range(len(sizes) + 1)
                for some in combinations(sizes, n)
            }
            for name in group
        }

        def unfilled(name: str, room: int, sums: Mapping[str, set[int]] = later) -> int:
            return room - max(one for one in sums[name] if one <= room)

        if all(
            left[name] >= n and unfilled(name, left[name] - n) <= unfilled(name, left[name])
            for name, n in group.items()
        ):
            taken.append(number)
            for name, n in group.items():
                left[name] -= n
    return taken


@given(st.lists(st.integers(1, 7), max_size=9), st.integers(0, 25))
def test_groups_of_one_class_fill_as_much_as_any_choice_of_them_could(sizes: list[int], room: int) -> None:
    left = {"Piano": room}
    taken = fitting([Counter(Piano=size) for size in sizes], left)
    sums = {sum(some) for n in range(len(sizes) + 1) for some in combinations(sizes, n)}
    assert sum(sizes[n] for n in taken) == max(one for one in sums if one <= room) == room - left["Piano"]
    if set(sizes) <= {1}:
        assert taken == list(range(min(room, len(sizes))))


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)).filter(any), max_size=30),
    st.integers(0, 20),
    st.integers(0, 20),
)
def test_groups_of_several_classes_never_fill_too_much_and_single_clips_fill_the_rest(
    sizes: list[tuple[int, int]], piano: int, drums: int
) -> None:
    groups = [Counter({"Piano": a, "Drums": b}) for a, b in sizes]
    groups = [Counter({name: n for name, n in group.items() if n}) for group in groups]
    left = {"Piano": piano, "Drums": drums}
    taken = fitting(groups, left)
    total = sum((groups[n] for n in taken), Counter[str]())
    assert (total["Piano"] + left["Piano"], total["Drums"] + left["Drums"]) == (piano, drums)
    assert min(left.values()) >= 0
    for name, room in left.items():
        unused = [n for n, group in enumerate(groups) if group == {name: 1} and n not in taken]
        assert not room or not unused


@given(
    st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)).filter(any), max_size=9),
    st.integers(0, 14),
    st.integers(0, 14),
)
def test_what_is_taken_is_what_the_rule_says(sizes: list[tuple[int, int]], piano: int, drums: int) -> None:
    groups = [{name: n for name, n in (("Piano", a), ("Drums", b)) if n} for a, b in sizes]
    ours, theirs = {"Piano": piano, "Drums": drums}, {"Piano": piano, "Drums": drums}
    assert fitting(groups, ours) == fitting_by_search(groups, theirs) and ours == theirs


def test_where_one_more_or_less_is_nothing_the_first_that_fit_are_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("audioset_tools.shards.draw._EXACT", 5)
    groups = [{"Piano": n} for n in (4, 4, 3, 2, 3)]
    assert fitting(groups, {"Piano": 6}) == [0, 3]
    assert fitting(groups, {"Piano": 5}) == [2, 3]

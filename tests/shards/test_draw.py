"""Whole groups fill a split as well as they can; see `test_splits` for what becomes of a data set."""

from collections import Counter
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.shards.draw import _fitting


@given(st.lists(st.integers(1, 7), max_size=9), st.integers(0, 25))
def test_groups_of_one_class_fill_as_much_as_any_choice_of_them_could(sizes: list[int], room: int) -> None:
    left = {"Piano": room}
    taken = list(_fitting([Counter(Piano=size) for size in sizes], left))
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
    taken = list(_fitting(groups, left))
    total = sum((groups[n] for n in taken), Counter[str]())
    assert (total["Piano"] + left["Piano"], total["Drums"] + left["Drums"]) == (piano, drums)
    assert min(left.values()) >= 0
    for name, room in left.items():
        unused = [n for n, group in enumerate(groups) if group == {name: 1} and n not in taken]
        assert not room or not unused

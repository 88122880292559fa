"""A list as a whole: rows of one segment are joined, contradictions refused, its digest says what it says."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.catalog.list_rows import ListRow, RowsOfList
from audioset_tools.catalog.segment_list import NO_CLASS, SegmentList, list_of, read_segment_list
from audioset_tools.exceptions import DataMismatch

A, B, C = "0000000000A", "0000000001A", "0000000002A"


def listed(*rows: ListRow) -> SegmentList:
    return list_of(RowsOfList("my.csv", "a form", "line", iter(rows)), "list my")


def row(ytid: str, *classes: str, line: int = 2, **more: object) -> ListRow:
    return replace(ListRow(line, ytid, 30_000, 40_000, classes), **more)


def test_every_segment_is_one_candidate_by_class_and_rank() -> None:
    found = listed(row(B, "Rain"), row(C, "Wind", split="test"), row(A, "Rain"))
    assert [(one.class_name, one.rank, one.ytid) for one in found.candidates] == [
        ("Rain", 0, A),
        ("Rain", 1, B),
        ("Wind", 0, C),
    ]
    assert found.class_names == ("Rain", "Wind") and not found.multi_label
    assert {one.labels for one in found.candidates} == {("Rain",), ("Wind",)}
    assert [one.split for one in found.candidates] == ["", "", "test"]
    assert str(found) == "list my (a form): 3 segments of 2 classes"


def test_a_group_is_kept_and_a_list_without_any_says_what_it_said_before() -> None:
    plain, grouped = listed(row(A, "Rain")), listed(row(A, "Rain", group="tape 7"))
    assert [one.group for one in grouped.candidates] == ["tape 7"]
    assert plain.digest != grouped.digest
    # As the version without groups had it: its workspaces go on.
    assert plain.digest == "27eb329c03dc6a07bac4c3c6dd519cb58f41cfae897b7678a0eb3c7add8dd190"


def test_without_a_class_there_is_one() -> None:
    found = listed(row(A, labels=("/m/b", "/m/a")), row(B))
    assert found.class_names == (NO_CLASS,)
    assert [one.labels for one in found.candidates] == [("/m/a", "/m/b"), ()]


def test_a_segment_of_several_classes_is_drawn_for_the_one_that_has_fewest() -> None:
    found = listed(row(A, "Speech"), row(B, "Speech"), row(B, "Dog"), row(C, "Dog", "Speech"))
    assert found.multi_label and found.repeated == 0
    assert [(one.ytid, one.class_name, one.also) for one in found.candidates] == [
        (B, "Dog", ("Speech",)),
        (C, "Dog", ("Speech",)),
        (A, "Speech", ()),
    ]
    (said,) = listed(row(A, "Speech", "Dog", drawn_for="Speech")).candidates
    assert (said.class_name, said.also) == ("Speech", ("Dog",))


def test_what_is_there_twice_is_counted() -> None:
    found = listed(row(A, "Rain"), row(A, "Rain", line=3), row(B, "Rain"))
    assert (found.rows, found.repeated, len(found.candidates)) == (3, 1, 2)
    assert "1 row twice" in str(found)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"end_ms": 39_000}, f"{A}_30000 ends at 39 s here, and 40 s in line 2"),
        ({"split": "test"}, f"{A}_30000 is of the split test here, and none in line 2"),
        ({"group": "b"}, f"{A}_30000 is of the group b here, and none in line 2"),
        ({"drawn_for": "Rain"}, f"{A}_30000 is drawn for Rain here, and none in line 2"),
    ],
)
def test_a_contradiction_is_refused_with_both_lines(change: dict[str, object], words: str) -> None:
    with pytest.raises(DataMismatch, match=r"my\.csv, line 7: ") as refused:
        listed(row(A, "Rain"), replace(row(A, "Rain", line=7), **change))
    assert words in refused.value.what


@pytest.mark.parametrize(
    ("classes", "trouble"),
    [
        (("Rain/a", "Rain-a"), "would lie in one folder"),
        (("雨", "風"), "would lie in one folder"),
        (("x" * 101,), "no name of a class"),
        (tuple(f"c{n}" for n in range(2_001)), "more than 2,000 classes"),
    ],
)
def test_a_class_must_be_able_to_name_a_folder(classes: tuple[str, ...], trouble: str) -> None:
    with pytest.raises(DataMismatch, match=trouble):
        listed(*(row(f"{n:010}A", name) for n, name in enumerate(classes)))


def test_an_empty_list_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("ytid,start\n")
    with pytest.raises(DataMismatch, match="holds no segment"):
        read_segment_list(tmp_path / "list.csv")


ROWS = st.lists(
    st.builds(
        lambda n, start, names: ListRow(2, f"{n:010}A", start, start + 10_000, names),
        st.integers(0, 3),
        st.sampled_from([0, 1_000]),
        st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True).map(tuple),
    ),
    min_size=1,
    max_size=12,
)


@given(ROWS, st.randoms())
def test_order_and_repetition_change_nothing(rows: list[ListRow], rng: random.Random) -> None:
    other = [*rows, *rng.choices(rows, k=3)]
    rng.shuffle(other)
    one, two = listed(*rows), listed(*other)
    assert one.digest == two.digest and one.candidates == two.candidates
    more = listed(*rows, row(C, "d", start_ms=5_000, end_ms=15_000))
    assert more.digest != one.digest

"""Times in words, and tables of many rows and columns."""

import time
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from audioset_tools.types import Table
from audioset_tools.words import (
    clock_time,
    counted,
    draw_table,
    duration,
    ends_of,
    figure_columns,
    text_width,
)
from tests.fitting import require_fit

WORDS = st.text("abcdefghijklmnopqrstuvwxyzäßñ音樂", min_size=1, max_size=14)
TEXTS = st.lists(WORDS, max_size=9).map(" ".join)
FIGURES = st.integers(-(10**6), 10**6).map("{:,}".format) | st.sampled_from(["", "-", "9 of 40", "81.0 %"])


@st.composite
def tables(draw: st.DrawFn) -> Table:
    columns = draw(st.integers(1, 14))
    kinds = [draw(st.sampled_from([TEXTS, FIGURES])) for _ in range(columns)]
    rows = draw(st.lists(st.tuples(*kinds), max_size=6))
    optional = draw(st.lists(st.integers(1, columns - 1), max_size=2, unique=True)) if columns > 2 else []
    header = tuple(draw(TEXTS) for _ in range(columns))
    return Table(draw(TEXTS), header, tuple(rows), tuple((number,) for number in optional))


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1:00 min"),
        (90, "1:30 min"),
        (3_599.6, "1:00 h"),
        (11_100, "3:05 h"),
        (86_400 + 11_100, "1 day, 3:05 h"),
        (2 * 86_400 + 60, "2 days, 0:01 h"),
    ],
)
def test_a_length_of_time(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_a_moment_of_today_has_seconds_and_any_other_its_day() -> None:
    noon = datetime.now().replace(hour=12, minute=5, second=9, microsecond=0)
    assert clock_time(noon.timestamp()) == "12:05:09"
    assert clock_time(0) == time.strftime("%a %d %b, %H:%M", time.localtime(0))


def test_a_table_of_too_many_rows_shows_its_ends() -> None:
    assert ends_of(range(20), len) == tuple(range(20))
    assert ends_of([*map(str, range(25))], str)[9:12] == ("9", "... 5 more", "15")
    assert len(ends_of(range(10_000), len)) == 21


def test_one_of_something_is_no_plural() -> None:
    assert [counted(n, "clip") for n in (0, 1, 2_400)] == ["0 clips", "1 clip", "2,400 clips"]
    assert [counted(n, "class is", "classes are") for n in (1, 2)] == ["1 class is", "2 classes are"]


@given(tables())
def test_any_table_fits_and_no_word_of_it_is_broken(table: Table) -> None:
    require_fit(table)


def drawn(table: Table, width: int = 40) -> list[str]:
    return [line.text for line in draw_table(table, width)]


def test_words_stand_left_and_figures_right() -> None:
    keys, times = ("0aB_30000", "12345678901_30"), ("3:05 min", "45 s")
    rows = tuple(zip(keys, times, ("-1.5 ± 0.2 ~", "+10.5 ± 3.1"), ("2 dead, 1 gone", "none"), strict=True))
    table = Table("T", ("key", "time", "change", "why"), rows)
    assert figure_columns(table) == {1, 2}
    assert drawn(table, 80) == [
        "T",
        "key                 time        change  why",
        "0aB_30000       3:05 min  -1.5 ± 0.2 ~  2 dead, 1 gone",
        "12345678901_30      45 s   +10.5 ± 3.1  none",
    ]


def test_heads_and_texts_are_wrapped_between_words() -> None:
    row = ("a", "1,234", "Look at the disk, and at it again")
    table = Table("", ("name", "to be tried again", "what to do"), (row,))
    assert drawn(table) == [
        "name  to be tried  what to do",
        "            again",
        "a           1,234  Look at the disk, and",
        "                   at it again",
    ]


def test_a_column_in_which_nothing_stands_is_left_out() -> None:
    table = Table(
        "", ("what", "to do", "found"), (("Python", "", "3.13"), ("clock", "", "right")), ((1,), (2,))
    )
    assert drawn(table) == ["what    found", "Python  3.13", "clock   right"]


def test_a_table_without_room_is_turned() -> None:
    heads = ("class", *(f"head {n} of many" for n in range(6)))
    table = Table("T", heads, (("Piano", *"123456"), ("Drums", *"234567")))
    assert drawn(table)[1:3] == ["class           Piano  Drums", "head 0 of many      1      2"]


def test_or_does_without_some_columns_and_says_which() -> None:
    header = ("run", "macro", "time", "parameters")
    short, long = ((name, "81.00", "3 s", "1,234") for name in ("a-run-of-mine", "a-run-of-mine-with-a-name"))
    assert drawn(Table("T", header, (short,) * 9))[1].split() == [*header]
    head, *_, last, more = drawn(Table("T", header, (long,) * 9, ((3,), (2,))))[1:]
    assert head.split() == ["run", "macro", "time"]
    assert f"{last} {more}" == "no room for parameters: a wider screen has more, --json all"


def test_or_is_cut_into_several_of_about_equal_width() -> None:
    rows = tuple((f"row {n}", *["1,234,567"] * 8) for n in range(9))
    lines = drawn(Table("", ("", *"ABCDEFGH"), rows, turns=False))
    heads = [line.split() for line in lines if line and not line.startswith("row")]
    assert heads == [["A", "B"], ["C", "D", "E"], ["F", "G", "H"]]
    assert sum(line.startswith("row 8") for line in lines) == 3


def test_or_has_a_line_for_each_cell() -> None:
    said = "words that go on for so long that no two columns of them have any room"
    header, rows = ("key", "found", "what to do", "n"), (("one", said, said, "1"), ("two", "", said, "2"))
    assert drawn(Table("T", header, rows)) == [
        "T",
        "one",
        "  found       words that go on for so",
        "              long that no two columns",
        "              of them have any room",
        "  what to do  words that go on for so",
        "              long that no two columns",
        "              of them have any room",
        "  n           1",
        "",
        "two",
        "  what to do  words that go on for so",
        "              long that no two columns",
        "              of them have any room",
        "  n           2",
    ]


def test_a_word_that_is_longer_than_a_line_stands_alone_and_whole() -> None:
    table = Table("", ("what", "found"), (("sha256", "ab" * 32), ("size", "1,234 bytes")))
    assert drawn(table) == ["sha256", "  " + "ab" * 32, "size    1,234 bytes"]


def test_where_it_does_not_fit_another_form_is_tried() -> None:
    narrow = Table("narrow", ("a",), (("b",),))
    table = Table("T", ("", "c" * 30, "d" * 30), (("x", "1", "2"),), turns=False, narrow=narrow)
    assert drawn(table) == ["narrow", "a", "b"]


@pytest.mark.parametrize(
    "text", ["Flute", "太鼓 (taiko)", "ｆｌｕｔｅ", "флейта", "ﻨﺎﻱ", "cafe\u0301", "🎷", "−2.3 ± 1.9"]
)
def test_texts_are_as_wide_as_rich_has_them(text: str) -> None:
    assert text_width(text) == cell_len(text)

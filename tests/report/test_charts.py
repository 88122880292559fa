"""Charts: their numbers are round, their text is escaped, their lines lie where the values are."""

import re
from xml.etree.ElementTree import Element, fromstring

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.report.charts import HEIGHT, WIDTH, Axis, Mark, Series, bars, histogram, line_chart, ticks
from tests.report.workspaces import HOSTILE


def parsed(svg: str) -> Element:
    return fromstring(svg)


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in parsed(svg).iter("text")]


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_are_few_round_and_inside(low: float, span: float) -> None:
    found = ticks(low, low + span)
    assert 2 <= len(found) <= 7
    assert all(low - span * 1e-6 <= tick <= low + span * (1 + 1e-6) for tick in found)
    steps = np.diff(found)
    assert np.allclose(steps, steps[0], rtol=1e-3)


def test_a_line_passes_through_its_points() -> None:
    svg = line_chart(
        "Growth", Axis("hours", 0, 10), Axis("clips", 0, 100), [Series("a", [(0, 0), (10, 100)])]
    )
    (path,) = parsed(svg).iter("path")
    (x0, y0), (x1, y1) = (
        map(float, pair.split(" ")) for pair in re.findall(r"[ML]([\d.]+ [\d.]+)", path.get("d"))
    )
    assert x0 < x1 <= WIDTH and HEIGHT > y0 > y1 >= 0
    assert {"hours", "clips", "Growth", "0", "100", "10"} <= set(texts(svg))
    assert "<figcaption>" not in svg and 'role="img"' in svg and 'aria-label="Growth"' in svg


def test_what_is_no_number_leaves_a_gap_and_decades_take_zero() -> None:
    points = [(1.0, 1000.0), (2.0, float("nan")), (3.0, 0.0), (4.0, 1.0)]
    svg = line_chart("Loss", Axis("epoch"), Axis("nat"), [Series("a", points, True)], y_decades=True)
    (path,) = parsed(svg).iter("path")
    assert path.get("d", "").count("M") == 2 and "nan" not in svg
    assert len(list(parsed(svg).iter("circle"))) == 3 and "1,000" in texts(svg)
    nothing = line_chart("None", Axis("x"), Axis("y"), [Series("a", [])])
    assert "nan" not in nothing and "inf" not in nothing
    endless = line_chart("Inf", Axis("x"), Axis("y"), [Series("a", [(1, float("inf"))])], y_decades=True)
    assert "inf" not in endless.replace("Inf", "")


def test_between_whole_numbers_there_is_nothing_to_read() -> None:
    x = Axis("epoch", 1, 2, whole=True)
    texts_of = texts(line_chart("Loss", x, Axis("nat", 0, 8), [Series("a", [(1, 1.5), (2, 7)])]))
    assert [one for one in texts_of if "." in one] == [] and {"1", "2"} <= set(texts_of)


def test_zero_lies_below_all_decades_and_is_told() -> None:
    points = [(1.0, 10.0), (2.0, 0.001), (3.0, 0.0)]
    svg = line_chart("Loss", Axis("epoch"), Axis("nat"), [Series("a", points, True)], y_decades=True)
    high, low, zero = (float(dot.get("cy", "")) for dot in parsed(svg).iter("circle"))
    assert high < low < zero and low - high == pytest.approx(4 * (zero - low), abs=0.5)
    assert {"0", "0.001", "10"} <= set(texts(svg))
    without = line_chart("Loss", Axis("x", 1, 2), Axis("y"), [Series("a", points[:2])], y_decades=True)
    assert "0" not in texts(without)


def test_a_part_has_its_colour_also_where_others_are_empty_and_counts_have_whole_ticks() -> None:
    svg = parsed(bars("Why", "clips", {"removed": {"Piano": 0.0, "Drums": 1.0, "Flute": 1.0}}))
    colours = [bar.get("class") for bar in svg.iter("rect")]
    assert colours == ["fill c1", "fill c2"]
    assert {"0", "1", "2"} <= set(texts(bars("Why", "clips", {"removed": {"Drums": 2.0}})))
    assert not [text for text in texts(bars("Why", "clips", {"removed": {"Drums": 2.0}})) if "." in text]
    assert "0.5" in texts(bars("F1", "%", {"one": {"F1": 1.5}}))


def test_a_long_line_is_thinned_and_keeps_its_ends() -> None:
    points = [(float(n), float(n)) for n in range(10_000)]
    svg = line_chart("Long", Axis("x"), Axis("y"), [Series("a", points)], steps=True)
    assert len(svg) < 9_000 and "9,999" not in svg and max(map(len, texts(svg))) < 12


def test_a_histogram_counts_all_and_names_each_bar() -> None:
    svg = histogram("Length", "seconds", [0, 5, 10], [3, 1234], words="Two bars.")
    assert [one.text for one in parsed(svg).iter("title")] == ["0 to 5: 3", "5 to 10: 1,234"]
    assert "Two bars." in svg and "clips" in texts(svg)


def test_bars_are_as_long_as_their_parts() -> None:
    svg = bars("Why", "candidates", {"removed": {"A": 3, "B": 1}, "private": {"A": 0, "B": 2}})
    widths = [float(one.get("width", 0)) for one in parsed(svg).iter("rect")]
    assert len(widths) == 3 and np.isclose(widths[0], 3 * widths[1], rtol=0.02)
    assert [one.tail for one in parsed(svg).iter("span")] == ["A", "B"]
    assert "legend" not in bars("Why", "candidates", {"removed": {"A": 3}})


def test_hostile_names_are_text() -> None:
    for svg in (
        bars(HOSTILE, HOSTILE, {HOSTILE: {HOSTILE: 1, "b": 1}}, words=HOSTILE),
        line_chart(
            HOSTILE, Axis(HOSTILE), Axis(HOSTILE), [Series(HOSTILE, [(0, 0)])] * 2, marks=[Mark(HOSTILE, 0)]
        ),
    ):
        names = {element.tag for element in parsed(svg).iter()}
        assert not names & {"script", "img"} and "\033" not in svg


def test_of_very_many_the_first_are_drawn_and_this_is_said() -> None:
    many = {f"reason {n} {'x' * 10_000}": {f"class {c}": 1.0 for c in range(300)} for n in range(100)}
    svg = bars("Why", "clips", many)
    assert len(svg) < 500_000 and "The first 40 of 100 bars" in svg and "277 others" in svg
    lines = [Series(f"class {n}", [(0.0, 1.0), (1.0, float(n))]) for n in range(5_000)]
    marks = [Mark("paused", 0.0, n / 10_000) for n in range(5_000)]
    svg = line_chart("Clips", Axis("x"), Axis("y"), lines, marks=marks, words="x" * 100_000)
    assert len(svg) < 100_000 and svg.count("<path") == 24 and svg.count('class="mark"') == 200

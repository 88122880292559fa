"""Charts as plain SVG, coloured by the page's style sheet: readable in light and dark, and without seeing.

A chart is drawn 480 wide and scales with the page. It has a title, the unit on each axis, and below it in
words what there is to see. Text goes in through ElementTree, which escapes it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10
from xml.etree.ElementTree import Element, SubElement, tostring

from ..words import counted
from ..workspace import printable

WIDTH, HEIGHT = 480, 270

LEFT, RIGHT, TOP, BOTTOM = 84, 16, 34, 46

COLOURS = 8
"""Classes `c0`, `c1`, ... of the style sheet."""

MOST_POINTS = 200
"""Points of a line that are drawn; more cannot be distinguished."""

MOST_LINES = 24
"""Lines of a chart, and parts of its bars; of more the first are drawn, and it says so."""

MOST_BARS = 40
MOST_MARKS = 200

_LONGEST_NAME = 100
_LONGEST_WORDS = 1_000

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis measures, in which unit, and from where to where; found from the data where None.

    `whole` where it counts, as epochs do: between two whole numbers there is nothing to read.
    """

    label: str
    low: float | None = None
    high: float | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """A named row of points, x ascending."""

    name: str
    points: Sequence[Point]
    dots: bool = False


@dataclass(frozen=True, slots=True)
class Mark:
    """A value on the x axis, or a stretch of it, that is pointed out."""

    name: str
    start: float
    stop: float | None = None


def line_chart(
    title: str,
    x: Axis,
    y: Axis,
    lines: Sequence[Series],
    *,
    marks: Sequence[Mark] = (),
    steps: bool = False,
    words: str = "",
    y_decades: bool = False,
) -> str:
    """Lines over a common axis.

    Args:
        lines: what is drawn; NaN leaves a gap.
        marks: values on the x axis that are pointed out.
        steps: hold each value until the next, as counts do.
        words: what there is to see, as a caption.
        y_decades: a logarithmic y axis; what is not above zero lies at its foot, which then is 0.
    """
    drawn = [Series(_name(line.name), _thinned(line.points), line.dots) for line in lines[:MOST_LINES]]
    points = [point for line in drawn for point in line.points if isfinite(point[1])]
    x_low, x_high = _span([p[0] for p in points], x)
    if y_decades:
        heights = [log10(p[1]) for p in points if p[1] > 0] or [0.0]
        y_low, y_high = float(floor(min(heights))), float(ceil(max(heights)) or 1)
        y_high = max(y_high, y_low + 1)
        y_ticks = {float(n): _decade(n) for n in range(int(y_low), int(y_high) + 1)}
        if any(p[1] <= 0 for p in points):
            y_low -= 1
            y_ticks = {y_low: "0", **y_ticks}
    else:
        y_low, y_high = _span([p[1] for p in points], y)
        whole = all(float(p[1]).is_integer() for p in points)
        y_ticks = {tick: number(tick) for tick in ticks(y_low, y_high, whole)}
    if len(y_ticks) > 7:
        y_ticks = dict(list(y_ticks.items())[:: ceil(len(y_ticks) / 7)])
    to_x = scale(x_low, x_high, LEFT, WIDTH - RIGHT)
    to_y = scale(y_low, y_high, HEIGHT - BOTTOM, TOP)
    svg = frame(title)
    # The longest, of which each can be seen.
    for mark in sorted(marks, key=lambda one: one.start - (one.stop or one.start))[:MOST_MARKS]:
        draw_mark(svg, mark, to_x)
    x_ticks = {tick: number(tick) for tick in ticks(x_low, x_high, x.whole)}
    draw_axes(svg, x.label, y.label, x_ticks, y_ticks, to_x, to_y)

    def spot(point: Point) -> tuple[float, float]:
        if y_decades:
            return to_x(point[0]), to_y(log10(point[1]) if point[1] > 0 else y_low)
        return to_x(point[0]), to_y(point[1])

    for index, line in enumerate(drawn):
        colour = f"c{index % COLOURS}"
        path = path_of([spot(p) if isfinite(p[1]) else None for p in line.points], steps)
        dashed = " dashed" if index >= COLOURS else ""
        SubElement(svg, "path", {"d": path, "class": f"line {colour}{dashed}"})
        for x_at, y_at in (spot(p) for p in line.points if line.dots and isfinite(p[1])):
            SubElement(
                svg,
                "circle",
                {"cx": coordinate(x_at), "cy": coordinate(y_at), "r": "3.5", "class": f"fill {colour}"},
            )
    words += _of_many("lines", lines, MOST_LINES)
    return with_legend(svg, [line.name for line in drawn] if len(drawn) > 1 else [], words)


def histogram(
    title: str, x_label: str, edges: Sequence[float], counts: Sequence[int], *, words: str = ""
) -> str:
    """How many values lie between each two edges; the first and last bar hold what lies beyond."""
    to_x = scale(edges[0], edges[-1], LEFT, WIDTH - RIGHT)
    high = max(max(counts, default=0), 1)
    y_ticks = ticks(0, high, whole=True)
    to_y = scale(0, max(high, y_ticks[-1]), HEIGHT - BOTTOM, TOP)
    svg = frame(title)
    x_ticks = {tick: number(tick) for tick in ticks(edges[0], edges[-1])}
    draw_axes(svg, x_label, "clips", x_ticks, {t: number(t) for t in y_ticks}, to_x, to_y)
    for low, above, count in zip(edges, edges[1:], counts, strict=False):
        if count:
            left, right, top = to_x(low), to_x(above), to_y(count)
            bar = SubElement(
                svg,
                "rect",
                {
                    "x": coordinate(left + 0.5),
                    "y": coordinate(top),
                    "width": coordinate(max(right - left - 1, 1)),
                    "height": coordinate(to_y(0) - top),
                    "class": "fill c0",
                },
            )
            SubElement(bar, "title").text = f"{number(low)} to {number(above)}: {count:,}"
    return with_legend(svg, [], words)


def bars(
    title: str,
    unit: str,
    rows: Mapping[str, Mapping[str, float]],
    *,
    words: str = "",
    high: float | None = None,
) -> str:
    """A horizontal bar for each row, made of parts in a row; parts of one name have one colour.

    Args:
        unit: of the lengths, below the axis.
        rows: by name, the lengths of the parts by name.
        words: what there is to see.
        high: where the axis ends; found from the rows where None.
    """
    left, each = 12, 40
    words += _of_many("bars", rows, MOST_BARS)
    rows = {name: _parts(rows[name]) for name in list(rows)[:MOST_BARS]}
    height = TOP + each * len(rows) + BOTTOM
    # Parts of no length have a colour as well: so a class has the same one in every chart.
    parts = list(dict.fromkeys(name for row in rows.values() for name in row))
    longest = high or max((sum(row.values()) for row in rows.values()), default=0) or 1
    to_x = scale(0, longest, left, WIDTH - RIGHT - 44)
    svg = frame(title, height)
    whole = all(float(part).is_integer() for row in rows.values() for part in row.values())
    for tick in ticks(0, longest, whole):
        draw_line(svg, to_x(tick), TOP, to_x(tick), height - BOTTOM, "grid")
        draw_label(svg, to_x(tick), height - BOTTOM + 16, number(tick), "middle")
    draw_label(svg, (left + WIDTH - RIGHT) / 2, height - 8, unit, "middle")
    for index, (name, row) in enumerate(rows.items()):
        y, at = TOP + each * index, 0.0
        label = draw_label(svg, left, y + 14, cut(_name(name), 56), "start")
        SubElement(label, "title").text = _name(name)
        for part, length in row.items():
            if length > 0:
                start, stop = to_x(at), to_x(at + length)
                box = {
                    "x": coordinate(start),
                    "y": coordinate(y + 19),
                    "width": coordinate(max(stop - start, 0.5)),
                }
                colour = f"fill c{parts.index(part) % COLOURS}"
                bar = SubElement(svg, "rect", {**box, "height": "16", "class": colour})
                SubElement(bar, "title").text = f"{_name(part)}: {number(length)} {unit}"
            at += length
        draw_label(svg, to_x(at) + 6, y + 32, number(round(at, 2)), "start")
    return with_legend(svg, [_name(part) for part in parts] if len(parts) > 1 else [], words)


def ticks(low: float, high: float, whole: bool = False) -> list[float]:
    """Round numbers from `low` to `high`, three to seven of them; fewer where only whole ones will do."""
    span = high - low
    power = 10.0 ** floor(log10(span / 4))
    step = next(power * m for m in (1, 2, 5, 10) if span / (power * m) <= 6)
    step = max(step, 1.0) if whole else step
    return [round(n * step, 10) for n in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def scale(low: float, high: float, start: float, stop: float) -> Callable[[float], float]:
    """From values to coordinates."""
    return lambda value: start + (value - low) / (high - low) * (stop - start)


def frame(title: str, height: int = HEIGHT) -> Element:
    """An empty chart."""
    svg = Element("svg", {"viewBox": f"0 0 {WIDTH} {height}", "class": "chart", "role": "img"})
    svg.set("aria-label", printable(title))
    heading = draw_label(svg, 12, 18, printable(title), "start")
    heading.set("class", "heading")
    return svg


def draw_axes(
    svg: Element,
    x_label: str,
    y_label: str,
    x_ticks: Mapping[float, str],
    y_ticks: Mapping[float, str],
    to_x: Callable[[float], float],
    to_y: Callable[[float], float],
) -> None:
    """Both axes with their numbers, and lines across."""
    foot = HEIGHT - BOTTOM
    for value, text in y_ticks.items():
        draw_line(svg, LEFT, to_y(value), WIDTH - RIGHT, to_y(value), "grid")
        draw_label(svg, LEFT - 8, to_y(value) + 4, text, "end")
    for value, text in x_ticks.items():
        draw_line(svg, to_x(value), foot, to_x(value), foot + 5, "axis")
        draw_label(svg, to_x(value), foot + 19, text, "middle")
    draw_line(svg, LEFT, foot, WIDTH - RIGHT, foot, "axis")
    draw_label(svg, (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, printable(x_label), "middle")
    middle = (TOP + foot) / 2
    turned = draw_label(svg, 16, middle, printable(y_label), "middle")
    turned.set("transform", f"rotate(-90 16 {coordinate(middle)})")


def draw_mark(svg: Element, mark: Mark, to_x: Callable[[float], float]) -> None:
    """A mark, over the whole height."""
    start = to_x(mark.start)
    stop = start if mark.stop is None else to_x(mark.stop)
    shape = {
        "x": coordinate(start),
        "y": coordinate(TOP),
        "width": coordinate(max(stop - start, 1.5)),
        "height": coordinate(HEIGHT - TOP - BOTTOM),
        "class": "mark",
    }
    SubElement(SubElement(svg, "rect", shape), "title").text = printable(mark.name)


def draw_line(svg: Element, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
    """A straight line of a class of the style sheet."""
    ends = {
        "x1": coordinate(x1),
        "y1": coordinate(y1),
        "x2": coordinate(x2),
        "y2": coordinate(y2),
        "class": kind,
    }
    SubElement(svg, "line", ends)


def draw_label(svg: Element, x: float, y: float, text: str, anchor: str) -> Element:
    """A text."""
    label = SubElement(svg, "text", {"x": coordinate(x), "y": coordinate(y), "text-anchor": anchor})
    label.text = text
    return label


def path_of(points: Sequence[tuple[float, float] | None], steps: bool) -> str:
    """The `d` of a path; None leaves a gap."""
    parts: list[str] = []
    before: float | None = None
    for point in points:
        if point is None:
            before = None
            continue
        x, y = map(coordinate, point)
        if before is None:
            parts.append(f"M{x} {y}")
        else:
            parts.append(f"H{x}V{y}" if steps else f"L{x} {y}")
        before = point[1]
    return "".join(parts)


def with_legend(svg: Element, names: Sequence[str], words: str) -> str:
    """The chart, and below it in the page's own letters which colour is what, and what there is to see."""
    box = Element("figure", {"class": "figure"})
    box.append(svg)
    if names:
        legend = SubElement(box, "ul", {"class": "legend"})
        for index, name in enumerate(names):
            item = SubElement(legend, "li")
            swatch = SubElement(item, "span", {"class": f"swatch c{index % COLOURS}", "aria-hidden": "true"})
            swatch.tail = name
    if words:
        SubElement(box, "figcaption").text = printable(cut(words, _LONGEST_WORDS))
    for element in box.iter():
        element.text, element.tail = (text and printable(text) for text in (element.text, element.tail))
    return tostring(box, encoding="unicode", short_empty_elements=False)


def number(value: float) -> str:
    """A number for people."""
    return f"{value:,.10g}"


def coordinate(value: float) -> str:
    """A coordinate as text, to a tenth of a unit."""
    return f"{value:.1f}".removesuffix(".0")


def cut(text: str, most: int) -> str:
    """A text of at most so many letters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _name(text: str) -> str:
    return printable(cut(text, _LONGEST_NAME))


def _of_many(what: str, all_of_them: Sequence[object] | Mapping[str, object], most: int) -> str:
    """Words that say how much is not drawn."""
    return f" The first {most} of {len(all_of_them):,} {what} are drawn." if len(all_of_them) > most else ""


def _parts(row: Mapping[str, float]) -> Mapping[str, float]:
    """The parts of a bar; of very many the first, and the others together."""
    if len(row) <= MOST_LINES:
        return row
    first = dict(list(row.items())[: MOST_LINES - 1])
    return {**first, counted(len(row) - len(first), "other"): sum(row.values()) - sum(first.values())}


def _span(values: Sequence[float], axis: Axis) -> tuple[float, float]:
    low = min(values, default=0.0) if axis.low is None else axis.low
    high = max(values, default=1.0) if axis.high is None else axis.high
    return (low, high) if high > low else (low, low + 1)


def _thinned(points: Sequence[Point]) -> Sequence[Point]:
    if len(points) <= MOST_POINTS:
        return points
    step = (len(points) - 1) / (MOST_POINTS - 1)
    return [points[round(n * step)] for n in range(MOST_POINTS)]


def _decade(n: int) -> str:
    return f"{10.0**n:,g}" if -3 <= n <= 5 else f"1e{n}"

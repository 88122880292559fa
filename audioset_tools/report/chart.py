"""Charts as plain SVG, coloured by the page's style sheet: readable in light and dark, and without seeing.

A chart is drawn 480 wide and scales with the page. It has a title, the unit on each axis, and below it in
words what there is to see. Text goes in through ElementTree, which escapes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, isfinite, log10
from xml.etree.ElementTree import SubElement

from ..workspace import printable
from .svg import (
    BOTTOM,
    COLOURS,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Mark,
    Point,
    draw_axes,
    draw_label,
    draw_line,
    draw_mark,
    frame,
    number,
    path_of,
    place,
    scale,
    ticks,
    with_legend,
)

MOST_POINTS = 200
"""Points of a line that are drawn; more cannot be told apart."""


@dataclass(frozen=True, slots=True)
class Axis:
    """What an axis measures, in which unit, and from where to where; found from the data where None."""

    label: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A named row of points, x ascending."""

    name: str
    points: Sequence[Point]
    dots: bool = False


def line_chart(
    title: str,
    x: Axis,
    y: Axis,
    lines: Sequence[Line],
    *,
    marks: Sequence[Mark] = (),
    steps: bool = False,
    words: str = "",
    y_decades: bool = False,
) -> str:
    """Lines over a common axis.

    Args:
        title: above the chart.
        x, y: the axes.
        lines: what is drawn; NaN leaves a gap.
        marks: places on the x axis.
        steps: hold each value until the next, as counts do.
        words: what there is to see, as a caption.
        y_decades: a logarithmic y axis; what is not above zero lies at its foot, which then is 0.
    """
    drawn = [Line(printable(line.name), _thinned(line.points), line.dots) for line in lines]
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
    for mark in marks:
        draw_mark(svg, mark, to_x)
    draw_axes(svg, x.label, y.label, {t: number(t) for t in ticks(x_low, x_high)}, y_ticks, to_x, to_y)

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
                svg, "circle", {"cx": place(x_at), "cy": place(y_at), "r": "3.5", "class": f"fill {colour}"}
            )
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
                    "x": place(left + 0.5),
                    "y": place(top),
                    "width": place(max(right - left - 1, 1)),
                    "height": place(to_y(0) - top),
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
        title: above the chart.
        unit: of the lengths.
        rows: by name, the lengths of the parts by name.
        words: what there is to see.
        high: where the axis ends; found from the rows where None.
    """
    left, each = 12, 40
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
        label = draw_label(svg, left, y + 14, cut(printable(name), 56), "start")
        SubElement(label, "title").text = printable(name)
        for part, length in row.items():
            if length > 0:
                start, stop = to_x(at), to_x(at + length)
                box = {"x": place(start), "y": place(y + 19), "width": place(max(stop - start, 0.5))}
                colour = f"fill c{parts.index(part) % COLOURS}"
                bar = SubElement(svg, "rect", {**box, "height": "16", "class": colour})
                SubElement(bar, "title").text = f"{printable(part)}: {number(length)} {unit}"
            at += length
        draw_label(svg, to_x(at) + 6, y + 32, number(round(at, 2)), "start")
    return with_legend(svg, [printable(part) for part in parts] if len(parts) > 1 else [], words)


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


def cut(text: str, most: int) -> str:
    """A text of at most so many letters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"

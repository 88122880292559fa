"""What charts are drawn of: axes, marks, a legend, and an SVG around them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from xml.etree.ElementTree import Element, SubElement, tostring

from ..workspace import printable

WIDTH, HEIGHT = 480, 270
LEFT, RIGHT, TOP, BOTTOM = 84, 16, 34, 46

COLOURS = 8
"""Classes `c0`, `c1`, ... of the style sheet."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place on the x axis, or a stretch of it, that is pointed out."""

    name: str
    start: float
    stop: float | None = None


def ticks(low: float, high: float, whole: bool = False) -> list[float]:
    """Round numbers from `low` to `high`, three to seven of them; fewer where only whole ones will do."""
    span = high - low
    power = 10.0 ** floor(log10(span / 4))
    step = next(power * m for m in (1, 2, 5, 10) if span / (power * m) <= 6)
    step = max(step, 1.0) if whole else step
    return [round(n * step, 10) for n in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def scale(low: float, high: float, start: float, stop: float) -> Callable[[float], float]:
    """From values to places."""
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
    turned.set("transform", f"rotate(-90 16 {place(middle)})")


def draw_mark(svg: Element, mark: Mark, to_x: Callable[[float], float]) -> None:
    """A mark, over the whole height."""
    start = to_x(mark.start)
    stop = start if mark.stop is None else to_x(mark.stop)
    shape = {
        "x": place(start),
        "y": place(TOP),
        "width": place(max(stop - start, 1.5)),
        "height": place(HEIGHT - TOP - BOTTOM),
        "class": "mark",
    }
    SubElement(SubElement(svg, "rect", shape), "title").text = printable(mark.name)


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
        SubElement(box, "figcaption").text = printable(words)
    for element in box.iter():
        element.text, element.tail = (text and printable(text) for text in (element.text, element.tail))
    return tostring(box, encoding="unicode", short_empty_elements=False)


def path_of(points: Sequence[tuple[float, float] | None], steps: bool) -> str:
    """The `d` of a path; None leaves a gap."""
    parts: list[str] = []
    before: float | None = None
    for point in points:
        if point is None:
            before = None
            continue
        x, y = map(place, point)
        if before is None:
            parts.append(f"M{x} {y}")
        else:
            parts.append(f"H{x}V{y}" if steps else f"L{x} {y}")
        before = point[1]
    return "".join(parts)


def draw_line(svg: Element, x1: float, y1: float, x2: float, y2: float, kind: str) -> None:
    """A straight line of a class of the style sheet."""
    ends = {"x1": place(x1), "y1": place(y1), "x2": place(x2), "y2": place(y2), "class": kind}
    SubElement(svg, "line", ends)


def draw_label(svg: Element, x: float, y: float, text: str, anchor: str) -> Element:
    """A text."""
    label = SubElement(svg, "text", {"x": place(x), "y": place(y), "text-anchor": anchor})
    label.text = text
    return label


def number(value: float) -> str:
    """A number for people."""
    return f"{value:,.10g}"


def place(value: float) -> str:
    """A place, to a tenth of a unit."""
    return f"{value:.1f}".removesuffix(".0")

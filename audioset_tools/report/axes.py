"""The axes around a clip's picture: seconds below, hertz at the left; once in a page, shown around each."""

from xml.etree.ElementTree import Element, SubElement, tostring

import numpy as np

from ..shards.spec import MelSpec, mel_axis
from ..types import CLIP_SECONDS
from . import charts

LEFT, TOP, RIGHT, BOTTOM = 42, 8, 10, 26

PICTURE = (400, 128)
"""Its width and height in the axes' units; the style sheet gives it the same share of the whole."""

_HERTZ = (125, 250, 500, 1_000, 2_000, 4_000, 8_000, 16_000)

_CLOSEST = 17
"""Units between two numbers at least, so that they do not touch."""


def axes_symbol(spec: MelSpec) -> str:
    """An SVG that shows nothing itself and holds the symbol `axes`.

    Args:
        spec: whose bands the pictures have.
    """
    width, height = PICTURE
    svg = Element("svg", {"class": "hidden", "aria-hidden": "true"})
    box = f"0 0 {LEFT + width + RIGHT} {TOP + height + BOTTOM}"
    symbol = SubElement(svg, "symbol", {"id": "axes", "viewBox": box})
    for hertz, y in hertz_ticks(spec):
        charts.draw_line(symbol, LEFT - 5, y, LEFT, y, "axis")
        charts.draw_label(symbol, LEFT - 8, y + 6, _short(hertz), "end")
    foot = TOP + height
    for second in range(0, CLIP_SECONDS + 1, 2):
        x = LEFT + second * width / CLIP_SECONDS
        charts.draw_line(symbol, x, foot, x, foot + 5, "axis")
        charts.draw_label(symbol, x, foot + 23, str(second), "end" if second == CLIP_SECONDS else "middle")
    charts.draw_label(symbol, LEFT + 0.9 * width, foot + 23, "s", "middle")
    charts.draw_label(symbol, LEFT - 15, foot + 23, "Hz", "end")
    return tostring(svg, encoding="unicode", short_empty_elements=False)


def hertz_marks(spec: MelSpec) -> list[tuple[str, float]]:
    """The same frequencies in words, and where each lies in percent from the top of the picture."""
    return [(_short(hertz), round(100 * (y - TOP) / PICTURE[1], 1)) for hertz, y in hertz_ticks(spec)]


def hertz_ticks(spec: MelSpec) -> list[tuple[int, float]]:
    """Round frequencies and where they lie from the top of the axes, none too close to another."""
    height, bands = PICTURE[1], spec.n_mels
    # The middle of a band lies in the middle of its row.
    middles = mel_axis(spec, bands + 2)
    found: list[tuple[int, float]] = []
    for hertz in _HERTZ:
        if not spec.fmin <= hertz <= spec.fmax:
            continue
        band = float(np.interp(hertz, middles, np.arange(-1, bands + 1)))
        y = TOP + height * (1 - min(max((band + 0.5) / bands, 0), 1))
        if not found or found[-1][1] - y >= _CLOSEST:
            found.append((hertz, y))
    return found


def _short(hertz: int) -> str:
    return f"{hertz // 1_000}k" if hertz >= 1_000 else str(hertz)

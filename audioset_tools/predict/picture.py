"""A recording's timeline as a picture: what is active when, above the spectrogram of all of it."""

from dataclasses import replace
from pathlib import Path

from ..plots import MelImage, draw_timeline
from ..shards.spec import MelSpec, in_decibels, mel_axis
from ..workspace import printable
from .summary import dominant_words
from .timeline import Timeline, summary

AXIS_POINTS = 2_001
"""Of the axis of frequencies: as fine as a picture shows."""

_TITLE_LETTERS = 60


def draw(picture: Path, timeline: Timeline, spec: MelSpec) -> None:
    """Draw a recording's timeline to a PNG.

    Args:
        picture: the PNG to write.
        timeline: it must have its spectrogram.
        spec: whose bands the spectrogram has.
    """
    spectrogram = timeline.spectrogram
    assert spectrogram is not None
    borders = [start / timeline.sample_rate for start, _ in timeline.intervals]
    draw_timeline(
        picture,
        timeline.probability,
        timeline.active,
        timeline.class_names,
        borders=[*borders, timeline.seconds],
        mel=MelImage(
            in_decibels(spectrogram.bands, replace(spec, log=False)),
            seconds=(spectrogram.first, spectrogram.step),
            hertz=mel_axis(spec, AXIS_POINTS),
            unit="level (dB, relative to the loudest)",
        ),
        title=f"{_short(printable(timeline.recording.path.name))}: {dominant_words(summary(timeline))}",
    )


def _short(name: str) -> str:
    return name if len(name) <= _TITLE_LETTERS else f"{name[: _TITLE_LETTERS - 12]}...{name[-9:]}"

"""A recording's timeline as a picture: what is active when, above the spectrogram of all of it."""

import os
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..exceptions import UsageError
from ..plots import MelImage, draw_timeline
from ..shards.spec import MelSpec, in_decibels, mel_axis
from ..workspace import printable
from .summary import dominant_words
from .timeline import Recording, Timeline, summary

_AXIS_POINTS = 2_001

_NAME_BYTES = 200
"""As much of a recording's name is kept: with the suffix and while it is written it must stay a name."""

_TITLE_LETTERS = 60


def picture_paths(png: Path, recordings: Sequence[Recording]) -> list[Path]:
    """Where each recording's picture goes; two of the same name get numbers.

    Args:
        png: the picture of a single recording, or a folder: one that exists, or any for several recordings.
        recordings: each gets a picture.

    Raises:
        UsageError: there are several recordings, and `png` is a file.
    """
    if len(recordings) == 1 and not png.is_dir():
        return [png]
    if png.is_file():
        raise UsageError(
            f"{printable(png)} is a file, and there are {len(recordings)} pictures",
            "Name a folder with --png.",
        )
    taken: dict[Path, None] = {}
    for recording in recordings:
        folder = png / recording.name.parent
        base = os.fsdecode(os.fsencode(recording.name.name)[:_NAME_BYTES])
        path, number = folder / f"{base}.png", 2
        while path in taken:
            path, number = folder / f"{base}-{number}.png", number + 1
        taken[path] = None
    return list(taken)


def require_writable(picture: Path) -> None:
    """See that a picture can be written, before the hours of sound that it will show.

    Raises:
        OSError: it cannot.
    """
    picture.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=picture.parent):
        pass


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
            hertz=mel_axis(spec, _AXIS_POINTS),
            unit="level (dB, relative to the loudest)",
        ),
        title=f"{_short(printable(timeline.recording.path.name))}: {dominant_words(summary(timeline))}",
    )


def _short(name: str) -> str:
    return name if len(name) <= _TITLE_LETTERS else f"{name[: _TITLE_LETTERS - 12]}...{name[-9:]}"

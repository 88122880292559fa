"""A recording's timeline as a page to listen along with, and for several recordings an index of their pages.

A page holds its pictures and its scripts; the sound it does not hold, which may be hours long: it leads to
the recording where that lies. Names of files and classes are a stranger's text, and are escaped.
"""

import base64
import os
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import numpy.typing as npt

from ..pages import write_page
from ..plots import MOST_CLASSES, encode_mel, encode_pixels, hertz_ticks
from ..shards.spec import MelSpec, in_decibels, mel_axis
from ..words import counted
from ..workspace import printable
from .picture import AXIS_POINTS
from .summary import clock, dominant_words, passage_words, recording_tables
from .targets import is_one_file, require_writable, target_paths
from .timeline import Recording, Summary, Timeline, Unreadable, passages, summary

INDEX = "index.html"

COLUMNS = 1_200
"""Of the picture of probabilities."""

MOST_PASSAGES = 5_000
"""That a page knows, to jump to."""

MOST_RECORDINGS = 20_000
"""Rows of an index."""

MOST_COLUMNS = 24
"""Classes that have a column in an index."""

KEYS = 9
"""Classes that a number key leads to."""

_ROW, _LINE = 8, slice(3, 5)
"""Pixels of a class in the picture of probabilities, the last left free; and those of the line in it."""

_BLUE, _ORANGE, _GREY = (58, 134, 214), (214, 120, 20), (128, 128, 128)
"""Colours that are seen on a light ground and on a dark one."""

_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 43_200, 86_400)
_MOST_TICKS = 6

_CLOSEST_PERCENT = 10
"""Of the spectrogram's height between two numbers, so that they do not touch."""


@dataclass(frozen=True, slots=True)
class Row:
    """A recording in an index: how it is sorted and what is shown; without a page where it is unreadable."""

    name: str
    address: str
    seconds: float = 0.0
    found: Summary | None = None
    why: str = ""


@dataclass(slots=True)
class PageWriter:
    """Writes the page of each recording as its answer comes, and at the end the index.

    Args:
        paths: where each recording's page goes, in their order.
        index: where the index goes; None for a single page.

    Raises:
        UsageError: there are several recordings, and the target is a file.
        OSError: nothing can be written there.
    """

    paths: Sequence[Path]
    index: Path | None
    rows: list[Row] = field(default_factory=list)

    @classmethod
    def open(cls, target: Path, recordings: Sequence[Recording]) -> "PageWriter":
        """See where pages go, and that they can."""
        index = None if is_one_file(target, recordings) else target / INDEX
        taken = () if index is None else (index,)
        paths = target_paths(target, recordings, ".html", "--html", taken)
        require_writable(paths[0])
        return cls(paths, index)

    def write(self, number: int, answer: Timeline | Unreadable, spec: MelSpec) -> None:
        """Write the page of a recording, if it has an answer, and keep its row of the index."""
        name = str(answer.recording.name)
        if isinstance(answer, Unreadable):
            self.rows.append(Row(name, "", why=answer.why))
            return
        path = self.paths[number]
        back = address = ""
        if self.index is not None:
            back, address = _address(self.index, path), _address(path, self.index)
        write_timeline(path, answer, spec, back)
        self.rows.append(Row(name, address, answer.seconds, summary(answer)))

    def finish(self, class_names: Sequence[str]) -> None:
        """Write the index, where there is one."""
        if self.index is not None:
            write_index(self.index, self.rows, class_names)


def write_timeline(path: Path, timeline: Timeline, spec: MelSpec, back: str = "") -> None:
    """Write the page of one recording.

    Args:
        path: of the page, to which its addresses are relative.
        timeline: it must have its spectrogram.
        spec: whose bands the spectrogram has.
        back: the address of the index; "" for none.
    """
    shown = strongest(timeline)
    name = printable(timeline.recording.path.name)
    table, over_time = recording_tables(timeline)
    found = passages(timeline)
    write_page(
        path,
        "timeline.html",
        scripts=("timeline.js",),
        data={
            "seconds": timeline.seconds,
            "names": [printable(one) for one in timeline.class_names],
            "passages": [
                {
                    "start": one.start_s,
                    "end": one.end_s,
                    "active": [timeline.class_names.index(each) for each in one.active],
                    "words": passage_words(one),
                }
                for one in found[:MOST_PASSAGES]
            ],
        },
        title=name,
        line=f"{clock(timeline.seconds)}, {dominant_words(summary(timeline))}",
        notes=[*timeline.notes, *_left_out(timeline, shown, len(found))],
        sound=_address(timeline.recording.path, path),
        strip=_data("image/png", encode_pixels(strip(timeline, shown))),
        mel=_data("image/jpeg", _mel(timeline, spec)),
        hertz=_hertz(spec),
        seconds=timeline.seconds,
        ticks=[
            (f"{100 * second / timeline.seconds:.3f}", clock(second)) for second in ticks(timeline.seconds)
        ],
        classes=[(number, printable(timeline.class_names[number])) for number in shown],
        keys=KEYS,
        tables=(table, over_time),
        back=back,
    )


def write_index(path: Path, rows: Sequence[Row], class_names: Sequence[str]) -> None:
    """Write a table of recordings that the page sorts by any of its columns.

    Args:
        path: of the index, to which the rows' addresses are relative.
        rows: as many recordings; more than `MOST_RECORDINGS` are not shown.
        class_names: what the shares of every row are of.
    """
    heard = [row.found for row in rows if row.found is not None]
    shares = np.array([one.share for one in heard]).reshape(len(heard), len(class_names)).sum(axis=0)
    columns = sorted(np.argsort(-shares, kind="stable")[:MOST_COLUMNS].tolist())
    head = [("recording", False), ("length", True), ("dominant", False), ("mean probability", True)]
    head += [(f"{printable(class_names[n])}", True) for n in columns]
    head += [("unsure", True), ("silence", True)]
    write_page(
        path,
        "recordings.html",
        scripts=("recordings.js",),
        title=counted(len(rows), "recording"),
        head=head,
        rows=[_cells(row, columns) for row in rows[:MOST_RECORDINGS]],
        left_out=max(0, len(rows) - MOST_RECORDINGS),
        classes_left_out=len(class_names) - len(columns),
    )


def strongest(timeline: Timeline) -> list[int]:
    """The classes that are shown: of very many those that are the most probable at any time, in order."""
    highest = np.nan_to_num(timeline.probability).max(axis=0)
    return sorted(np.argsort(-highest, kind="stable")[:MOST_CLASSES].tolist())


def strip(timeline: Timeline, shown: Sequence[int]) -> npt.NDArray[np.uint8]:
    """A band for each class over time: the denser the more probable, with a line where it is active.

    Args:
        shown: numbers of its classes, from top to bottom.

    Returns:
        Pixels, [`_ROW` a class, `COLUMNS`, 4]; grey throughout a column where there is silence.
    """
    ends = np.array([end for _, end in timeline.intervals])
    at = (np.arange(COLUMNS) + 0.5) * ends[-1] / COLUMNS
    window = np.searchsorted(ends, at, side="right").clip(max=len(ends) - 1)
    silent = timeline.silent[window]
    pixels = np.zeros((_ROW * len(shown), COLUMNS, 4), np.uint8)
    for row, number in enumerate(shown):
        band = pixels[_ROW * row : _ROW * (row + 1) - 1]
        band[..., :3] = _BLUE
        band[..., 3] = np.rint(255 * np.nan_to_num(timeline.probability[window, number]))
        band[_LINE, timeline.active[window, number]] = (*_ORANGE, 255)
        band[:, silent] = (*_GREY, 96)
    return pixels


def ticks(seconds: float) -> list[float]:
    """Round moments for the axis below a recording, a few of them."""
    step = next((step for step in _STEPS if seconds / step <= _MOST_TICKS), _STEPS[-1])
    return [float(n * step) for n in range(int(seconds / step) + 1)]


def _left_out(timeline: Timeline, shown: Sequence[int], found: int) -> list[str]:
    notes = []
    if len(shown) < len(timeline.class_names):
        all_of_them = len(timeline.class_names)
        notes.append(
            f"Of {all_of_them:,} classes those {len(shown)} are drawn that are the most probable at any time."
        )
    if found > MOST_PASSAGES:
        notes.append(f"Keys lead to the first {MOST_PASSAGES:,} of {found:,} stretches.")
    return notes


def _mel(timeline: Timeline, spec: MelSpec) -> bytes:
    spectrogram = timeline.spectrogram
    assert spectrogram is not None
    return encode_mel(in_decibels(spectrogram.bands, replace(spec, log=False)))


def _hertz(spec: MelSpec) -> list[tuple[str, str]]:
    """Round frequencies, each with how far from the top of the spectrogram it lies, in percent."""
    axis, bands = mel_axis(spec, AXIS_POINTS), spec.n_mels
    rows = np.interp(hertz_ticks(axis), axis, np.linspace(-1, bands, len(axis)))
    found: list[tuple[float, float]] = []
    for hertz, row in zip(hertz_ticks(axis), rows.tolist(), strict=True):
        above = 100 * (1 - min(max((row + 0.5) / bands, 0), 1))
        if not found or found[-1][0] - above >= _CLOSEST_PERCENT:
            found.append((above, hertz))
    return [(f"{above:.2f}", f"{hertz:,g}") for above, hertz in found]


def _cells(row: Row, columns: Sequence[int]) -> dict[str, Any]:
    """What the template shows of a row; each cell as text, and by what it is sorted."""
    found = row.found
    if found is None:
        return {"name": row.name, "address": "", "why": row.why, "cells": []}
    numbers = [*(float(found.share[n]) for n in columns), found.unsure, found.silent]
    mean = float(found.mean.max())
    return {
        "name": row.name,
        "address": row.address,
        "why": "",
        "cells": [
            (f"{row.seconds:.3f}", clock(row.seconds)),
            (None, found.dominant or ("silence" if found.silent == 1 else "unsure")),
            (f"{mean:.6f}", f"{mean:.2f}" if found.silent < 1 else ""),
            *((f"{share:.6f}", f"{100 * share:.0f} %") for share in numbers),
        ],
    }


def _address(target: Path, page: Path) -> str:
    """Where a file lies, as a page names it: relative to it, and whatever its name holds written out."""
    relative = os.path.relpath(target.absolute(), page.absolute().parent)
    return quote(os.fsencode(relative))


def _data(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"

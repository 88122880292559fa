"""How loud every clip is: read once from its samples, and kept beside the page for the next time."""

import csv
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..errors import DataMismatch
from ..featurize.audio import read_clip
from ..types import Clip
from ..workspace import Workspace, write_beside

HEADER = ["sha256", "rms_db", "full_scale"]

FULL_SCALE = 32_767 / 32_768
"""From here on a 16-bit sample is at the end of its range."""

SILENCE_DB = -120.0
"""The level of nothing at all."""


@dataclass(frozen=True, slots=True)
class Level:
    """How loud a clip is.

    Args:
        rms_db: root mean square over the ten seconds, padding included, in decibels of full scale.
        full_scale: samples at the end of their range.
    """

    rms_db: float
    full_scale: int


def measure(clips: Sequence[Clip], place: Workspace, known: Path) -> dict[str, Level]:
    """The levels of clips by sha256; a clip that is gone or damaged has none.

    Args:
        clips: whose.
        place: the workspace.
        known: a CSV of levels, brought up to date.
    """
    levels = _read(known)
    wanted = {clip.sha256: clip for clip in clips}
    lacking = [clip for digest, clip in wanted.items() if digest not in levels]
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        found = pool.map(lambda clip: _level(clip, place), lacking)
        levels |= {clip.sha256: level for clip, level in zip(lacking, found, strict=True) if level}
    levels = {digest: level for digest, level in sorted(levels.items()) if digest in wanted}
    if levels != _read(known):
        _write(known, levels)
    return levels


def level_of(samples: npt.NDArray[np.float32]) -> Level:
    """How loud some samples within [-1, 1] are."""
    square = float(np.dot(samples, samples)) / max(len(samples), 1)
    rms_db = 10 * np.log10(square) if square > 0 else SILENCE_DB
    return Level(round(max(float(rms_db), SILENCE_DB), 2), int((np.abs(samples) >= FULL_SCALE).sum()))


def _level(clip: Clip, place: Workspace) -> Level | None:
    try:
        return level_of(read_clip(place.root / clip.path, clip.sha256))
    except DataMismatch:
        return None


def _read(path: Path) -> dict[str, Level]:
    """What an earlier report measured; nothing where the file is not one of ours."""
    try:
        with path.open(encoding="utf-8", newline="") as handle:
            header, *rows = csv.reader(handle, strict=True)
        if header != HEADER:
            return {}
        return {digest: Level(float(rms_db), int(full_scale)) for digest, rms_db, full_scale in rows}
    except (OSError, ValueError, csv.Error):
        return {}


def _write(path: Path, levels: dict[str, Level]) -> None:
    with write_beside(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        table = csv.writer(handle, lineterminator="\n")
        table.writerow(HEADER)
        table.writerows((digest, one.rms_db, one.full_scale) for digest, one in levels.items())

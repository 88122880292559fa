"""HDF5 as PaSST's and EfficientAT's loaders read it: MP3 files at 32 kHz, and targets as packed bits.

Source: https://github.com/kkoutini/PaSST, `audioset/dataset.py`, which EfficientAT shares. Its data set takes
what it decodes for 32 kHz, cuts it at 320,000 samples or fills it up with zeros, and reads one file.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from ..audio.mp3 import decode_mp3, encode_mp3, require_mp3
from ..exceptions import DataMismatch
from .examples import Exported
from .hdf5 import (
    AGAIN,
    OCTETS,
    RATE,
    SAMPLES,
    Batch,
    ClipRows,
    Forms,
    check_rows,
    files_of,
    names_form,
    resampling_notes,
    rows_of,
    videos_of,
    write_rows,
)
from .part import ExportPart, ExportPlan, digest_of

VERSION = 1

MOST = 10_000
"""Clips of a file, 1.6 GB: the paper's data set is one a split."""

_LEAST_AGREEMENT = 0.5
"""Of the power of what an MP3 holds, in what it has in common with its clip: about 1 where it is that clip's,
0 where it is another's or not in step, however loud either is."""

_LEAST_POWER = 0.01
"""Of a clip's, in its MP3."""

_PASSED_HZ = 15_000
"""The coder leaves out what is above."""


def plan(data: Exported) -> ExportPlan:
    """A file a split, or several of a large one.

    Raises:
        EnvironmentProblem: nothing here writes MP3.
    """
    require_mp3()
    parts, videos = [], videos_of(data)
    for split, number, examples in data.chunks(MOST):
        rows = rows_of(data, examples, videos)
        parts.append(
            ExportPart(
                f"{split}-{number:05d}.h5",
                digest_of("passt", VERSION, rows.inputs()),
                len(rows.names),
                partial(_write, rows),
                partial(_check, rows),
            )
        )
    return ExportPlan(parts, [*resampling_notes(data), *_width_notes(data)])


def _forms(rows: ClipRows) -> Forms:
    return {
        "audio_name": names_form(rows),
        "mp3": (OCTETS, ()),
        "target": ("|u1", (-(-rows.targets // 8),)),
    }


def _batches(rows: ClipRows, sounds: bool) -> Iterator[Batch]:
    for row, name in enumerate(rows.names):
        batch = {"audio_name": [name], "target": np.packbits(rows.target(row, row + 1), axis=-1)}
        if sounds:
            batch["mp3"] = np.frombuffer(encode_mp3(rows.sound(row), RATE), np.uint8)[None]
        yield batch


def _write(rows: ClipRows, path: Path) -> None:
    write_rows(path, len(rows.names), _forms(rows), _batches(rows, sounds=True))


def _check(rows: ClipRows, path: Path) -> None:
    check_rows(path, len(rows.names), _forms(rows), _batches(rows, sounds=False))
    for row, content in enumerate(files_of(path, "mp3")):
        if not is_of(content, rows.sound(row)):
            key = rows.examples[row].key
            raise DataMismatch(f"{path} has other sound for {key} than was written", AGAIN)


def is_of(content: bytes, samples: np.ndarray) -> bool:
    """Whether an MP3 is a clip's, in step with it and as long."""
    try:
        found = decode_mp3(content)
    except ValueError:
        return False
    if found.shape != (SAMPLES,):
        return False
    sound = samples.astype(np.float64) / 32768
    power = float(np.square(found, dtype=np.float64).sum())
    if float(found @ sound) < _LEAST_AGREEMENT * power:
        return False
    if power >= _LEAST_POWER * float(np.square(sound).sum()):
        return True
    passed = np.fft.rfft(sound)[: _PASSED_HZ * SAMPLES // RATE]
    return power >= _LEAST_POWER * 2 * float(np.square(np.abs(passed)).sum()) / SAMPLES


def _width_notes(data: Exported) -> Iterator[str]:
    if not data.target_mids:
        yield f"the targets are {len(data.target_names):,} classes: give the data set classes_num of that"

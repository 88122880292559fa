"""HDF5 as PANNs' loaders read it: samples in `hdf5s/waveforms`, and where they lie in `hdf5s/indexes`.

Source: https://github.com/qiuqiangkong/audioset_tagging_cnn, `utils/dataset.py`, `utils/create_indexes.py`
and `utils/data_generator.py`. Its data set takes every row for 32 kHz and ten
seconds, whatever the file says. Its indexes name their files by paths, opened as they stand.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np

from .examples import Exported
from .hdf5 import (
    AT_ONCE,
    RATE,
    SAMPLES,
    Batch,
    ClipRows,
    Forms,
    check_rows,
    names_form,
    resampling_notes,
    rows_of,
    videos_of,
    write_rows,
)
from .part import ExportPart, ExportPlan, digest_of

VERSION = 1

MOST = 1_000
"""Clips of a file of samples: 640 MB."""

_PATH_BYTES = 200
"""Room for a path, as PANNs has it; more for longer ones."""

_NAMED = 3


def plan(data: Exported) -> ExportPlan:
    """Files of samples, and an index a split."""
    parts, places = [], dict[str, list[tuple[str, int]]]()
    videos, splits = videos_of(data), data.splits
    for split, number, examples in data.chunks(MOST):
        name = f"hdf5s/waveforms/{split}-{number:05d}.h5"
        rows = rows_of(data, examples, videos)
        inputs = digest_of("panns", VERSION, rows.inputs())
        parts.append(ExportPart(name, inputs, len(rows.names), partial(_write, rows), partial(_check, rows)))
        places.setdefault(split, []).append((data.file(name), len(examples)))
    for split, files in places.items():
        rows = rows_of(data, splits[split], videos)
        inputs = digest_of("panns index", VERSION, [name.decode() for name in rows.names], files,
                           rows.targets, [one.targets for one in rows.examples])  # fmt: skip
        make, check = partial(_write_index, rows, files), partial(_check_index, rows, files)
        parts.append(ExportPart(f"hdf5s/indexes/{split}.h5", inputs, 0, make, check))
    return ExportPlan(parts, [*resampling_notes(data), *_sampler_notes(data), *_width_notes(data)])


def _forms(rows: ClipRows) -> Forms:
    return {
        "audio_name": names_form(rows),
        "waveform": ("<i2", (SAMPLES,)),
        "target": (np.bool_, (rows.targets,)),
    }


def _batches(rows: ClipRows) -> Iterator[Batch]:
    for row, name in enumerate(rows.names):
        yield {"audio_name": [name], "waveform": rows.sound(row)[None], "target": rows.target(row, row + 1)}


def _write(rows: ClipRows, path: Path) -> None:
    write_rows(path, len(rows.names), _forms(rows), _batches(rows), sample_rate=RATE)


def _check(rows: ClipRows, path: Path) -> None:
    check_rows(path, len(rows.names), _forms(rows), _batches(rows))


Files = list[tuple[str, int]]
"""Files of samples by their paths, and how many rows each has."""


def _index_forms(rows: ClipRows, files: Files) -> Forms:
    longest = max(len(path.encode()) for path, _ in files)
    return {
        "audio_name": names_form(rows),
        "hdf5_path": (f"S{max(_PATH_BYTES, longest)}", ()),
        "index_in_hdf5": ("<i4", ()),
        "target": (np.bool_, (rows.targets,)),
    }


def _index_batches(rows: ClipRows, files: Files) -> Iterator[Batch]:
    row = 0
    for path, count in files:
        for first in range(0, count, AT_ONCE):
            many = min(AT_ONCE, count - first)
            yield {
                "audio_name": rows.names[row : row + many],
                "hdf5_path": [path.encode()] * many,
                "index_in_hdf5": np.arange(first, first + many),
                "target": rows.target(row, row + many),
            }
            row += many


def _write_index(rows: ClipRows, files: Files, path: Path) -> None:
    write_rows(path, len(rows.names), _index_forms(rows, files), _index_batches(rows, files))


def _check_index(rows: ClipRows, files: Files, path: Path) -> None:
    check_rows(path, len(rows.names), _index_forms(rows, files), _index_batches(rows, files))


def _sampler_notes(data: Exported) -> Iterator[str]:
    """PANNs draws a clip of each target in turn, and knows no target without any."""
    for split, examples in data.splits.items():
        if split != "train":
            continue
        carried = {number for one in examples for number in one.targets}
        lacking = [name for number, name in enumerate(data.target_names) if number not in carried]
        if lacking:
            named = "; ".join(lacking[:_NAMED]) + ("; ..." if len(lacking) > _NAMED else "")
            yield (
                f"{len(lacking):,} of {len(data.target_names):,} targets have no clip in {split} ({named}):"
                " PANNs' balanced samplers fail on them; train it with --balanced=none"
            )


def _width_notes(data: Exported) -> Iterator[str]:
    if not data.target_mids:
        yield f"the targets are {len(data.target_names):,} classes: set PANNs' classes_num to that"

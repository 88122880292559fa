"""The one door to HDF5: a shard is written whole or not at all, and read without copying.

A shard holds some clips of one split, noise copies included:

    mel     float32  [rows, bands, frames]   one contiguous block, so that a reader can map it
    label   int32    [rows]                  index into the attribute `class_names`
    key     S32      [rows]                  which clip
    noise   int32    [rows]                  0 for the clip itself, 1, 2, ... for its noise copies
    sha256  S64      [rows]                  of the clip's file

and as attributes what they mean (`ShardHeader`). Nothing in it depends on time or place.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from ..errors import DataMismatch, EnvironmentProblem
from ..workspace import write_beside
from .index import FEATURIZE_AGAIN

FORMAT = "audioset-tools mel shard 1"

COLUMNS = {"label": "i4", "key": "S32", "noise": "i4", "sha256": "S64"}

BLOCK = 16
"""Rows written at once: 0.15 ms a row, against 0.4 one at a time (FACTS section 4)."""

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class ShardHeader:
    """What the rows of a shard mean and what they were made from.

    Args:
        split: train, validation or test.
        recipe: name of the recipe that decided the classes.
        class_names: what the labels count.
        spec: the mel spec as canonical JSON.
        spec_digest: its short name.
        inputs: digest of everything that decided the rows; equal inputs give equal bytes.
        audioset_tools, librosa: the versions that made it.
    """

    split: str
    recipe: str
    class_names: tuple[str, ...]
    spec: str
    spec_digest: str
    inputs: str
    audioset_tools: str
    librosa: str


@dataclass(frozen=True, slots=True)
class Shard:
    """One shard, open for reading; `mel` is mapped from the file, the columns are in memory."""

    path: Path
    header: ShardHeader
    mel: Floats
    label: npt.NDArray[np.int32]
    key: npt.NDArray[np.bytes_]
    noise: npt.NDArray[np.int32]


class ShardWriter:
    """Fills the rows of a new shard in order; made by `write_shard`."""

    def __init__(self, file: h5py.File, header: ShardHeader, rows: int, shape: tuple[int, int]) -> None:
        file.attrs["format"] = FORMAT
        for field in fields(header):
            value = getattr(header, field.name)
            file.attrs[field.name] = value if isinstance(value, str) else json.dumps(value)
        self._mel = file.create_dataset("mel", (rows, *shape), "f4", track_times=False)
        self._columns = {
            name: file.create_dataset(name, (rows,), dtype, track_times=False)
            for name, dtype in COLUMNS.items()
        }
        self._filled = {name: np.zeros(rows, dtype) for name, dtype in COLUMNS.items()}
        self._block = np.empty((BLOCK, *shape), np.float32)
        self._row = 0

    def add(self, mel: Floats, *, label: int, key: str, noise: int, sha256: str) -> None:
        """Append a row.

        Args:
            mel: float32, [bands, frames].
            label: index of the class.
            key: the clip's key.
            noise: number of the noise copy, 0 for the clip itself.
            sha256: of the clip's file.
        """
        self._block[self._row % BLOCK] = mel
        for name, value in (("label", label), ("key", key), ("noise", noise), ("sha256", sha256)):
            self._filled[name][self._row] = value
        self._row += 1
        if self._row % BLOCK == 0:
            self._mel[self._row - BLOCK : self._row] = self._block

    def finish(self) -> None:
        """Write what is still in memory; refuses to leave a row empty."""
        if self._row != len(self._mel):
            raise ValueError(f"{self._row} rows added to a shard of {len(self._mel)}")
        rest = self._row % BLOCK
        self._mel[self._row - rest : self._row] = self._block[:rest]
        for name, column in self._columns.items():
            column[:] = self._filled[name]


@contextmanager
def write_shard(
    target: Path, header: ShardHeader, rows: int, shape: tuple[int, int]
) -> Iterator[ShardWriter]:
    """Give a writer for a shard, which comes to stand at `target` when all its rows are there and checked.

    Args:
        target: path of the shard.
        header: what goes into the attributes.
        rows: how many rows will be added.
        shape: bands and frames of each.

    Raises:
        EnvironmentProblem: the disk does not take it.
    """
    try:
        with write_beside(target) as temporary:
            with h5py.File(temporary, "w") as file:
                writer = ShardWriter(file, header, rows, shape)
                yield writer
                writer.finish()
            open_shard(temporary)
    except OSError as error:
        raise EnvironmentProblem(
            f"the shard {target} cannot be written: {error.strerror or error}",
            "See that the disk has space and the folder can be written to, then run the command again.",
        ) from error


def open_shard(path: Path) -> Shard:
    """Open a shard for reading, after checking that it is one and whole.

    Raises:
        DataMismatch: it is not; the message names the file.
    """
    try:
        with h5py.File(path, "r") as file:
            header = _read_header(path, file)
            rows, offset = _check_fields(path, file)
            columns = {name: file[name][:] for name in COLUMNS}
            shape = file["mel"].shape
    except (OSError, RuntimeError, KeyError, ValueError) as error:
        # h5py raises any of these, depending on where in the file the damage lies.
        raise DataMismatch(f"{path} is no HDF5 file, or a damaged one", FEATURIZE_AGAIN) from error
    label = columns["label"]
    if label.min() < 0 or label.max() >= len(header.class_names) or not columns["key"].all():
        raise DataMismatch(f"{path} has labels of no class or rows of no clip", FEATURIZE_AGAIN)
    mel = np.memmap(path, np.float32, mode="r", offset=offset, shape=(rows, *shape[1:]))
    return Shard(path, header, mel, label, columns["key"], columns["noise"])


def _read_header(path: Path, file: h5py.File) -> ShardHeader:
    if file.attrs.get("format") != FORMAT:
        raise DataMismatch(f"{path} is not a shard of audioset-tools of this version", FEATURIZE_AGAIN)
    values = {field.name: file.attrs.get(field.name) for field in fields(ShardHeader)}
    missing = [name for name, value in values.items() if not isinstance(value, str)]
    if missing:
        raise DataMismatch(f"{path} lacks the attribute {missing[0]}", FEATURIZE_AGAIN)
    try:
        class_names = tuple(str(name) for name in json.loads(values["class_names"]))
    except (ValueError, TypeError) as error:
        raise DataMismatch(f"{path} has a damaged attribute class_names", FEATURIZE_AGAIN) from error
    return ShardHeader(**{**values, "class_names": class_names})


def _check_fields(path: Path, file: h5py.File) -> tuple[int, int]:
    """The number of rows, and where in the file the mels begin."""
    mel = file.get("mel")
    offset = mel.id.get_offset() if isinstance(mel, h5py.Dataset) else None
    if offset is None or mel.ndim != 3 or mel.dtype != np.float32 or not len(mel):
        raise DataMismatch(f"{path} has no mel of contiguous float32 rows", FEATURIZE_AGAIN)
    for name, dtype in COLUMNS.items():
        column = file.get(name)
        if not isinstance(column, h5py.Dataset) or column.shape != (len(mel),) or column.dtype != dtype:
            raise DataMismatch(f"{path} has no {name} for every row", FEATURIZE_AGAIN)
    return len(mel), offset

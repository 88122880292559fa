"""The one door to HDF5: a shard is written whole or not at all, and a flipped bit in it is found.

A shard holds some clips of one split, noise copies included; docs/shards.md has the layout field by field:

    mel     float32  [rows, bands, frames]   a chunk a row
    label   int32    [rows]                  index into the attribute `class_names`
    target  uint8    [rows, classes]         1 where the clip carries the class, 0 elsewhere
    key     S32      [rows]                  which clip
    noise   int32    [rows]                  0 for the clip itself, 1, 2, ... for its noise copies
    sha256  S64      [rows]                  of the clip's file
    mean    float64  [bands]                 over all rows and frames
    std     float64  [bands]

and as attributes what they mean (`ShardHeader`). Everything has a checksum: each chunk the fletcher32 that
any HDF5 checks as it reads, and HDF5's own structure the one that its newer format has. Nothing in a shard
depends on time or place.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from ..errors import DataMismatch, EnvironmentProblem
from ..workspace import write_beside
from .checksum import fletcher32
from .chunks import CHECKSUM_BYTES, Floats, Rows, Stamp, prefetch_chunks, read_chunks, stamp_of
from .index import FEATURIZE_AGAIN, REPAIR
from .statistics import Accumulator, Statistics

FORMAT = "audioset-tools mel shard 3"

LIBVER = ("v110", "v110")
"""The oldest format of HDF5 whose structure is all under checksums; from HDF5 1.10 on anyone reads it."""


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
        multi_label: whether a row may carry several classes; its label is then the one it was drawn for.
    """

    split: str
    recipe: str
    class_names: tuple[str, ...]
    spec: str
    spec_digest: str
    inputs: str
    audioset_tools: str
    librosa: str
    multi_label: bool = False


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard whose mels are still in its file. It holds no open file: threads and processes may share it.

    Args:
        path: of the file.
        header: what the rows mean.
        shape: bands and frames of every mel.
        label, key, noise, sha256: a value for every row.
        target: of every row which classes it carries, its label among them: 0 or 1, [rows, classes].
        statistics: of its rows.
        offsets: where in the file each mel begins.
        stamp: which file that was; another one that takes its place is not read by mistake.
    """

    path: Path
    header: ShardHeader
    shape: tuple[int, int]
    label: npt.NDArray[np.int32]
    key: npt.NDArray[np.bytes_]
    noise: npt.NDArray[np.int32]
    sha256: npt.NDArray[np.bytes_]
    target: npt.NDArray[np.uint8]
    statistics: Statistics
    offsets: Rows
    stamp: Stamp

    def __len__(self) -> int:
        return len(self.label)

    def read(self, start: int, stop: int) -> Floats:
        """The mels of the rows from `start` to before `stop`: float32, [stop - start, bands, frames].

        Raises:
            DataMismatch: a mel is damaged, or the file is gone or has changed since it was opened.
        """
        mels = np.empty((stop - start, *self.shape), np.float32)
        self.read_into(np.arange(start, stop), mels, np.arange(stop - start))
        return mels

    def read_into(self, rows: Rows, mels: Floats, places: Rows) -> None:
        """Read the mels of some rows to some places and check them.

        Args:
            rows: which rows of the shard, [n].
            mels: where they go, float32, contiguous, [at least n, bands, frames].
            places: which of `mels` each goes to, [n].

        Raises:
            DataMismatch: a mel is damaged, or the file is gone or has changed since it was opened.
        """
        for damaged in read_chunks(self.path, self.stamp, self.offsets[rows], mels, places):
            row = rows[damaged]
            clip = f"{self.key[row].decode('ascii', 'replace')}, noise copy {self.noise[row]}"
            raise DataMismatch(f"{self.path}: the mel of {clip} (row {row}) is damaged", REPAIR)

    def prefetch(self, rows: Rows) -> None:
        """Have the kernel read the mels of some rows ahead; a hint and nothing more."""
        prefetch_chunks(self.path, self.offsets[rows], 4 * self.shape[0] * self.shape[1])


class ShardWriter:
    """Fills the rows of a new shard in order; made by `write_shard`."""

    def __init__(self, file: h5py.File, header: ShardHeader, rows: int, shape: tuple[int, int]) -> None:
        for name, value in {"format": FORMAT, **asdict(header)}.items():
            _write_attribute(file, name, value if isinstance(value, str) else json.dumps(value))
        self._mel = _create(file, "mel", (rows, *shape), "<f4", chunks=(1, *shape))
        forms = _forms(rows, len(header.class_names), shape[0])
        self._fields = {name: _create(file, name, *form) for name, form in forms.items()}
        self._filled = {name: np.zeros(*form) for name, form in forms.items()}
        self._chunk = np.empty(4 * shape[0] * shape[1] + CHECKSUM_BYTES, np.uint8)
        self._chunk_mel = self._chunk[:-CHECKSUM_BYTES].view("<f4").reshape(1, *shape)
        self._accumulator = Accumulator(shape)
        self._row = 0

    def add(
        self, mel: Floats, *, label: int, key: str, noise: int, sha256: str, also: Sequence[int] = ()
    ) -> None:
        """Append a row.

        Args:
            mel: float32, [bands, frames].
            label: index of the class.
            key: the clip's key.
            noise: number of the noise copy, 0 for the clip itself.
            sha256: of the clip's file.
            also: indices of the other classes that the clip carries.
        """
        self._chunk_mel[0] = mel
        self._chunk[-CHECKSUM_BYTES:] = fletcher32(self._chunk_mel).astype("<u4").view(np.uint8)
        # The chunk as it lies in the file: HDF5 would take ten times as long for the same checksum.
        self._mel.id.write_direct_chunk((self._row, 0, 0), self._chunk)
        self._accumulator.add(self._chunk_mel[0])
        for name, value in (("label", label), ("key", key), ("noise", noise), ("sha256", sha256)):
            self._filled[name][self._row] = value
        self._filled["target"][self._row, [label, *also]] = 1
        self._row += 1

    def finish(self) -> None:
        """Write all that is beside the mels; refuses to leave a row empty."""
        if self._row != len(self._mel):
            raise ValueError(f"{self._row} rows added to a shard of {len(self._mel)}")
        statistics = self._accumulator.statistics()
        self._filled.update(mean=statistics.mean, std=statistics.std)
        for name, field in self._fields.items():
            field[:] = self._filled[name]


def _forms(rows: int = 0, classes: int = 0, bands: int = 0) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and type of every data set beside `mel`."""
    return {
        "label": ((rows,), "<i4"),
        "key": ((rows,), "S32"),
        "noise": ((rows,), "<i4"),
        "sha256": ((rows,), "S64"),
        "target": ((rows, classes), "|u1"),
        **dict.fromkeys(("mean", "std"), ((bands,), "<f8")),
    }


def _write_attribute(file: h5py.File, name: str, value: str) -> None:
    # Of fixed length: HDF5 keeps strings of any length on a heap that has no checksum.
    content = value.encode()
    file.attrs.create(name, content, dtype=h5py.string_dtype("utf-8", max(1, len(content))))


def _create(
    file: h5py.File, name: str, shape: tuple[int, ...], dtype: str, chunks: tuple[int, ...] | None = None
) -> h5py.Dataset:
    return file.create_dataset(
        name, shape, dtype, chunks=chunks or shape, fletcher32=True, track_times=False, fillvalue=None
    )


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
            with h5py.File(temporary, "w", libver=LIBVER) as file:
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
    """Read all of a shard but its mels, after checking that it is one and whole.

    Raises:
        DataMismatch: it is not; the message names the file.
    """
    try:
        stamp = stamp_of(path.stat())
        # Without a lock: nobody writes to a shard that has its name, and many network disks have none.
        with h5py.File(path, "r", locking=False) as file:
            header = _read_header(path, file)
            shape = _check_fields(path, file, len(header.class_names))
            found = {name: file[name][:] for name in _forms()}
            offsets = _read_offsets(path, file["mel"])
    except (OSError, RuntimeError, KeyError, ValueError, TypeError) as error:
        # h5py raises any of these, depending on where in the file the damage lies.
        raise DataMismatch(f"{path} is no HDF5 file, or a damaged one", FEATURIZE_AGAIN) from error
    label, target = found["label"], found["target"]
    if label.min() < 0 or label.max() >= len(header.class_names) or not found["key"].all():
        raise DataMismatch(f"{path} has labels of no class or rows of no clip", FEATURIZE_AGAIN)
    own = target[np.arange(len(label)), label]
    if not own.all() or target.max() > 1 or not (header.multi_label or target.sum() == len(label)):
        raise DataMismatch(f"{path} has targets that its labels contradict", FEATURIZE_AGAIN)
    statistics = Statistics(len(label), found.pop("mean"), found.pop("std"))
    return Shard(path, header, shape, **found, statistics=statistics, offsets=offsets, stamp=stamp)


def _read_header(path: Path, file: h5py.File) -> ShardHeader:
    if file.attrs.get("format") != FORMAT.encode():
        raise DataMismatch(f"{path} is not a shard of audioset-tools of this version", FEATURIZE_AGAIN)
    found = {field.name: file.attrs.get(field.name) for field in fields(ShardHeader)}
    missing = [name for name, value in found.items() if not isinstance(value, bytes)]
    if missing:
        raise DataMismatch(f"{path} lacks the attribute {missing[0]}", FEATURIZE_AGAIN)
    values = {name: value.decode() for name, value in found.items()}
    try:
        names, several = json.loads(values.pop("class_names")), json.loads(values.pop("multi_label"))
        return ShardHeader(**values, class_names=tuple(map(str, names)), multi_label=bool(several))
    except (ValueError, TypeError) as error:
        raise DataMismatch(f"{path} has damaged attributes of its classes", FEATURIZE_AGAIN) from error


def _check_fields(path: Path, file: h5py.File, classes: int) -> tuple[int, int]:
    """Bands and frames of every mel."""
    mel = file.get("mel")
    if not isinstance(mel, h5py.Dataset) or mel.ndim != 3 or mel.dtype != "<f4" or not mel.size:
        raise DataMismatch(f"{path} has no mel of float32 rows", FEATURIZE_AGAIN)
    rows, bands, frames = mel.shape
    if mel.chunks != (1, bands, frames) or mel.compression is not None or not mel.fletcher32 or mel.shuffle:
        raise DataMismatch(f"{path} has a mel of other chunks than one a row", FEATURIZE_AGAIN)
    for name, (shape, dtype) in _forms(rows, classes, bands).items():
        found = file.get(name)
        if not isinstance(found, h5py.Dataset) or found.shape != shape or found.dtype != dtype:
            raise DataMismatch(f"{path} has no {name} of the shape {shape}", FEATURIZE_AGAIN)
    return bands, frames


def _read_offsets(path: Path, mel: h5py.Dataset) -> Rows:
    offsets = np.zeros(len(mel), np.int64)
    size = 4 * mel.shape[1] * mel.shape[2] + CHECKSUM_BYTES

    def note(chunk: h5py.h5d.StoreInfo) -> None:
        if chunk.size == size and not chunk.filter_mask:
            offsets[chunk.chunk_offset[0]] = chunk.byte_offset

    mel.id.chunk_iter(note)
    if not offsets.all():
        raise DataMismatch(f"{path} lacks mels, or their checksums", FEATURIZE_AGAIN)
    return offsets

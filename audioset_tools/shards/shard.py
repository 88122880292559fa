"""A shard: written whole or not at all, and a flipped bit in it is found.

A shard holds some clips of one split, noise copies included; docs/shards.md has the layout field by field:

    mel     float32  [rows, bands, frames]   a chunk a row
    label   int32    [rows]                  index into the attribute `class_names`
    target  uint8    [rows, classes]         1 where the clip carries the class, 0 elsewhere
    key     S32      [rows]                  which clip
    group   S11      [rows]                  which group it belongs to: none stands in two splits
    noise   int32    [rows]                  0 for the clip itself, 1, 2, ... for its noise copies
    sha256  S64      [rows]                  of the clip's file
    mean    float64  [bands]                 over all rows and frames
    std     float64  [bands]

and as attributes what they mean (`ShardHeader`). Everything has a checksum: each chunk the fletcher32 that
any HDF5 checks as it reads, and HDF5's own structure the one that its newer format has. Nothing in a shard
depends on time or place.

A row adds to two sums per band, of the differences from a pivot and of their squares; the pivot is the mean
of the first row. Taking the mean's share off the sum of squares afterwards costs no digits then: with n rows
of f frames, and the first row's mean d away from that of all, that share is n f d^2, while that row alone
brings the squared deviations to f d^2 at least.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import h5py
import numpy as np
import numpy.typing as npt

from ..compiled import compiled
from ..exceptions import DataMismatch, EnvironmentProblem
from ..files import parse_json, remedy_of, write_beside
from .chunks import CHECKSUM_BYTES, Floats, Rows, Stamp, fletcher32, prefetch_chunks, read_chunks
from .index import FEATURIZE_AGAIN, REPAIR
from .spec import MelSpec, read_spec
from .structure import DAMAGE, Structure, opened

Doubles = npt.NDArray[np.float64]

LANES = 64
"""Sums kept side by side, so that an addition need not wait for the one before it: 0.03 ms a row."""


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the values of some rows are like.

    Args:
        mean, std: of every band over rows and frames, float64, [bands].
    """

    rows: int
    mean: Doubles
    std: Doubles


class Accumulator:
    """Takes in rows as they come.

    Args:
        shape: bands and frames of each.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        bands, self._frames = shape
        self._rows = 0
        self._pivot, self._sums, self._squares = np.zeros((3, bands))

    def add(self, mel: Floats) -> None:
        """Take in a row, float32, [bands, frames]."""
        if not self._rows:
            self._pivot = mel.astype(np.float64).sum(axis=1) / self._frames
        _add(mel, self._pivot, self._sums, self._squares)
        self._rows += 1

    def statistics(self) -> Statistics:
        """Of all rows so far; there must be one."""
        values = self._rows * self._frames
        # Rows that hold infinity or NaN have no statistics; `verify` is there to find them.
        with np.errstate(invalid="ignore", over="ignore"):
            offset = self._sums / values
            variance = np.maximum(self._squares / values - offset**2, 0)
            return Statistics(self._rows, self._pivot + offset, np.sqrt(variance))


def combined(parts: Sequence[Statistics]) -> Statistics:
    """The statistics of all rows of some parts; there must be one."""
    rows = np.array([part.rows for part in parts], np.float64)
    means = np.stack([part.mean for part in parts])
    deviations = np.stack([part.std for part in parts])
    with np.errstate(invalid="ignore", over="ignore"):
        mean = np.average(means, axis=0, weights=rows)
        variance = np.average(deviations**2 + (means - mean) ** 2, axis=0, weights=rows)
        return Statistics(int(rows.sum()), mean, np.sqrt(variance))


@compiled
def _add(mel: Floats, pivot: Doubles, sums: Doubles, squares: Doubles) -> None:
    bands, frames = mel.shape
    sum_lanes, square_lanes = np.empty(LANES), np.empty(LANES)
    for band in range(bands):
        sum_lanes[:] = 0
        square_lanes[:] = 0
        for start in range(0, frames - frames % LANES, LANES):
            values = mel[band, start : start + LANES]
            for lane in range(LANES):
                difference = values[lane] - pivot[band]
                sum_lanes[lane] += difference
                square_lanes[lane] += difference * difference
        for lane in range(frames % LANES):
            difference = mel[band, frames - 1 - lane] - pivot[band]
            sum_lanes[lane] += difference
            square_lanes[lane] += difference * difference
        sums[band] += sum_lanes.sum()
        squares[band] += square_lanes.sum()


FORMAT = "audioset-tools mel shard 4"

WITHOUT_GROUP = "audioset-tools mel shard 3"
"""The format before, which has no group: there each video is one."""

LIBVER = ("v110", "v110")
"""The oldest format of HDF5 whose structure is all under checksums; from HDF5 1.10 on anyone reads it."""


@dataclass(frozen=True, slots=True)
class ShardHeader:
    """What the rows of a shard mean and what they were made from.

    Args:
        split: train, validation or test.
        recipe: name of the recipe that decided the classes.
        class_names: what the labels count.
        spec: of its mels; in the file as canonical JSON.
        inputs: digest of everything that decided the rows; equal inputs give equal bytes.
        audioset_tools, librosa: the versions that made it.
        multi_label: whether a row may carry several classes; its label is then the one it was drawn for.
    """

    split: str
    recipe: str
    class_names: tuple[str, ...]
    spec: MelSpec
    spec_digest: str
    inputs: str
    audioset_tools: str
    librosa: str
    multi_label: bool = False


@dataclass(frozen=True, slots=True)
class Shard:
    """A shard whose mels are still in its file. It holds no open file: threads and processes may share it.

    Args:
        header: what the rows mean.
        shape: bands and frames of every mel.
        label, key, noise, sha256: a value for every row.
        group: of every row its group's name; clips of one group never stand in two splits.
        carried: of every row which classes it carries, a bit each, [rows, classes / 8]; see `target`.
        offsets: where in the file each mel begins.
        stamp: which file that was; another one that takes its place is not read by mistake.
    """

    path: Path
    header: ShardHeader
    shape: tuple[int, int]
    label: npt.NDArray[np.int32]
    key: npt.NDArray[np.bytes_]
    group: npt.NDArray[np.bytes_]
    noise: npt.NDArray[np.int32]
    sha256: npt.NDArray[np.bytes_]
    carried: npt.NDArray[np.uint8]
    statistics: Statistics
    offsets: Rows
    stamp: Stamp

    def __len__(self) -> int:
        return len(self.label)

    @property
    def target(self) -> npt.NDArray[np.uint8]:
        """Of every row which classes it carries, its label among them: 0 or 1, [rows, classes]."""
        return np.unpackbits(self.carried, axis=1, count=len(self.header.class_names))

    def read(self, start: int, stop: int) -> Floats:
        """The mels of the rows from `start` to before `stop`: float32, [stop - start, bands, frames].

        Raises:
            DataMismatch: a mel is damaged, or the file is gone or has changed since it was opened.
        """
        mels = np.empty((stop - start, *self.shape), np.float32)
        self.read_into(np.arange(start, stop), mels, np.arange(stop - start))
        return mels

    def read_into(self, rows: Rows, mels: Floats, slots: Rows) -> None:
        """Read the mels of some rows to some slots and check them.

        Args:
            rows: which rows of the shard, [n].
            mels: where they go, float32, contiguous, [at least n, bands, frames].
            slots: which of `mels` each goes to, [n].

        Raises:
            DataMismatch: a mel is damaged, or the file is gone or has changed since it was opened.
        """
        for damaged in read_chunks(self.path, self.stamp, self.offsets[rows], mels, slots):
            row = rows[damaged]
            clip = f"{self.key[row].decode('ascii', 'replace')}, noise copy {self.noise[row]}"
            raise DataMismatch(f"{self.path}: the mel of {clip} (row {row}) is damaged", REPAIR)

    def prefetch(self, rows: Rows) -> None:
        """Have the kernel read the mels of some rows ahead; a hint and nothing more."""
        prefetch_chunks(self.path, self.offsets[rows], 4 * self.shape[0] * self.shape[1])


class ShardWriter:
    """Fills the rows of a new shard in order; made by `write_shard`."""

    def __init__(self, file: h5py.File, header: ShardHeader, rows: int, shape: tuple[int, int]) -> None:
        for name, value in {"format": FORMAT, **asdict(header), "spec": header.spec.json()}.items():
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
        self,
        mel: Floats,
        *,
        label: int,
        key: str,
        noise: int,
        sha256: str,
        also: Sequence[int] = (),
        group: str = "",
    ) -> None:
        """Append a row.

        Args:
            mel: of the row, float32, [bands, frames].
            label: index of the class.
            noise: number of the noise copy, 0 for the clip itself.
            sha256: of the clip's file.
            also: indices of the other classes that the clip carries.
            group: the name of the clip's group; "" for its video.
        """
        self._chunk_mel[0] = mel
        self._chunk[-CHECKSUM_BYTES:] = fletcher32(self._chunk_mel).astype("<u4").view(np.uint8)
        # The chunk as it lies in the file: HDF5 would take ten times as long for the same checksum.
        self._mel.id.write_direct_chunk((self._row, 0, 0), self._chunk)
        self._accumulator.add(self._chunk_mel[0])
        row = {"label": label, "key": key, "group": group or key[:11], "noise": noise, "sha256": sha256}
        for name, value in row.items():
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


_GROUP = "S11"
"""As long as a video's id, which may take its place."""


def _forms(rows: int = 0, classes: int = 0, bands: int = 0) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and type of every data set beside `mel`."""
    return {
        "label": ((rows,), "<i4"),
        "key": ((rows,), "S32"),
        "group": ((rows,), _GROUP),
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
            with h5py.File(temporary, "w", libver=LIBVER, locking=False) as file:
                writer = ShardWriter(file, header, rows, shape)
                yield writer
                writer.finish()
            open_shard(temporary)
    except OSError as error:
        raise EnvironmentProblem(
            f"the shard {target} cannot be written: {error.strerror or error}", remedy_of(error)
        ) from error


def open_shard(path: Path) -> Shard:
    """Read all of a shard but its mels, after checking that it is one and whole.

    Raises:
        DataMismatch: it is not; the message names the file.
        EnvironmentProblem: you may not read it.
    """
    try:
        with opened(path) as file:
            header = _read_header(path, file)
            names = [name for name in _forms() if name != "group" or file.text("format") != WITHOUT_GROUP]
            rows, bands, frames = _check_fields(path, file, names, len(header.class_names))
            found = {name: file.read(name) for name in names}
            offsets, stamp = file.offsets("mel"), file.stamp
    except PermissionError as error:
        raise EnvironmentProblem(f"{path} cannot be read: {error.strerror}", remedy_of(error)) from error
    except DAMAGE as error:
        raise DataMismatch(f"{path} is no shard, or a damaged one", FEATURIZE_AGAIN) from error
    if damaged := [name for name, values in found.items() if values is None]:
        raise DataMismatch(f"{path} has a damaged {damaged[0]}", FEATURIZE_AGAIN)
    if offsets is None:
        raise DataMismatch(f"{path} lacks mels, or their checksums", FEATURIZE_AGAIN)
    columns = {name: values for name, values in found.items() if values is not None}
    columns.setdefault("group", columns["key"].astype(_GROUP))
    label, target = columns["label"], columns.pop("target")
    columns["carried"] = np.packbits(target, axis=1)
    if label.min() < 0 or label.max() >= len(header.class_names):
        raise DataMismatch(f"{path} has labels of no class", FEATURIZE_AGAIN)
    if not columns["key"].all() or not columns["group"].all():
        raise DataMismatch(f"{path} has rows of no clip or of no group", FEATURIZE_AGAIN)
    own = target[np.arange(rows), label]
    if not own.all() or target.max() > 1 or not (header.multi_label or target.sum() == rows):
        raise DataMismatch(f"{path} has targets that its labels contradict", FEATURIZE_AGAIN)
    statistics, shape = Statistics(rows, columns.pop("mean"), columns.pop("std")), (bands, frames)
    return Shard(path, header, shape, **columns, statistics=statistics, offsets=offsets, stamp=stamp)


def _read_header(path: Path, file: Structure) -> ShardHeader:
    if file.text("format") not in (FORMAT, WITHOUT_GROUP):
        raise DataMismatch(f"{path} is not a shard of audioset-tools of this version", FEATURIZE_AGAIN)
    values = {}
    for field in fields(ShardHeader):
        text = file.text(field.name)
        if text is None:
            raise DataMismatch(f"{path} lacks the attribute {field.name}", FEATURIZE_AGAIN)
        values[field.name] = text
    try:
        spec = read_spec(values.pop("spec"))
        names, several = parse_json(values.pop("class_names")), parse_json(values.pop("multi_label"))
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("the classes are no list of names")
        return ShardHeader(**values, spec=spec, class_names=tuple(names), multi_label=bool(several))
    except DataMismatch as error:
        raise DataMismatch(f"{path} has {error.what}", FEATURIZE_AGAIN) from error
    except (ValueError, TypeError) as error:
        raise DataMismatch(f"{path} has damaged attributes of its classes", FEATURIZE_AGAIN) from error


def _check_fields(path: Path, file: Structure, names: Sequence[str], classes: int) -> tuple[int, int, int]:
    """How many rows there are, and the bands and frames of every mel; `names` are the other data sets."""
    shape = file.shape("mel")
    if shape is None or len(shape) != 3:
        raise DataMismatch(f"{path} has no mel of float32 rows", FEATURIZE_AGAIN)
    rows, bands, frames = shape
    if not file.holds("mel", shape, "<f4", (1, bands, frames)):
        raise DataMismatch(f"{path} has no mel of float32 rows, each a chunk of the file", FEATURIZE_AGAIN)
    forms = _forms(rows, classes, bands)
    for name in names:
        wanted, dtype = forms[name]
        if not file.holds(name, wanted, dtype, wanted):
            raise DataMismatch(f"{path} has no {name} of the shape {wanted}", FEATURIZE_AGAIN)
    return rows, bands, frames


def keys_of(shard: Shard) -> list[str]:
    """The key of every row."""
    return [key.decode("ascii", "backslashreplace") for key in shard.key.tolist()]


def classes_of(shard: Shard) -> list[list[str]]:
    """The classes that every row carries, the one it was drawn for first."""
    names = shard.header.class_names
    also = shard.target.astype(bool)
    also[np.arange(len(shard)), shard.label] = False
    return [
        [names[label], *(names[number] for number in np.flatnonzero(others))]
        for label, others in zip(shard.label.tolist(), also, strict=True)
    ]

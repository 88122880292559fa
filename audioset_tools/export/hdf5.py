"""Clips as rows of HDF5 at 32 kHz, for `panns` and `passt`: names, targets, and the sound of each.

Rows are written as they come, so that a file takes no memory, and read back past HDF5. No row depends on time
or place.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from ..archives.archive import ArchiveError
from ..archives.hdf5_rows import check_layout, read_bytes, read_rows
from ..audio import libav, libsndfile
from ..audio.binary import ffmpeg_build
from ..audio.clip import read_clip
from ..audio.kept import decode_kept
from ..audio.mixdown import to_pcm
from ..audio.stretch import resampled, resampler
from ..exceptions import DataMismatch, EnvironmentProblem
from ..files import open_file, remedy_of
from ..shards.shard import LIBVER
from ..types import CLIP_SECONDS
from ..workspace import Workspace
from .examples import Example, Exported
from .part import about

RATE = 32_000
"""Hertz that PANNs, PaSST and EfficientAT were made for; they look at no file's own rate."""

SAMPLES = RATE * CLIP_SECONDS

NAME_BYTES = 20
"""Room for a name, as PANNs has it; more where two clips of one video need longer ones."""

AT_ONCE = 4_096
"""Rows without sound that are written together."""

OCTETS = h5py.vlen_dtype(np.uint8)
"""The type of a column of files: bytes of any length."""

AGAIN = "See to the disk, and export again."

Batch = Mapping[str, Any]
"""Some rows that follow on one another: the values of each column."""

Forms = Mapping[str, tuple[Any, tuple[int, ...]]]
"""By the name of a column, the type of its values and the shape of one row."""


@dataclass(frozen=True, slots=True)
class ClipRows:
    """Clips as the rows of a file.

    Args:
        root: the folder of the workspace.
        sample_rate: of its clips, in hertz.
        examples: in the order of the rows.
        names: what a row is called by its reader, as bytes of one length at most.
        targets: how many there are.
    """

    root: Path
    sample_rate: int
    examples: tuple[Example, ...]
    names: tuple[bytes, ...]
    targets: int

    def sound(self, row: int) -> npt.NDArray[np.int16]:
        """A clip at 32 kHz, [320000]: as it is, else decoded again from what was kept, else resampled.

        Raises:
            DataMismatch: the clip or what was kept of it is gone, or has changed.
        """
        one = self.examples[row]
        if one.kept and self.sample_rate < RATE:
            # Where it lies follows from the clip; of the record no more than the suffix is believed.
            wanted = Workspace(self.root).kept_source(one.classes[0], one.key)
            path = wanted.with_name(wanted.name + Path(one.kept.path).suffix)
            return decode_kept(path, one.kept, one.start_ms, one.end_ms, RATE).samples
        return to_pcm(resampled(read_clip(one.path, one.sha256), self.sample_rate, RATE))

    def target(self, first: int, behind: int) -> npt.NDArray[np.bool_]:
        """Which targets some rows carry, [rows, targets]."""
        found = np.zeros((behind - first, self.targets), np.bool_)
        for row, one in enumerate(self.examples[first:behind]):
            found[row, list(one.targets)] = True
        return found

    def inputs(self) -> list[object]:
        """All that decides the rows, for `digest_of`; also the decoders, as others give other sound."""
        kept = [one.kept for one in self.examples if one.kept and self.sample_rate < RATE]
        decoders = [libsndfile.library(), resampler()]
        if kept:
            decoders += [ffmpeg_build().version, libav.library() if libav.pyav() else ""]
        return [
            *(about(self.examples), [name.decode() for name in self.names], self.targets, self.sample_rate),
            *([(one.sha256, one.begins_ms) for one in kept], decoders),
        ]


def videos_of(data: Exported) -> Mapping[str, int]:
    """How many clips there are of each video."""
    return Counter(one.ytid for one in data.examples)


def rows_of(data: Exported, examples: Sequence[Example], videos: Mapping[str, int]) -> ClipRows:
    """Some of the clips to export as rows.

    Args:
        videos: how many clips of each there are in the whole export.
    """
    names = tuple(_name(one, videos).encode() for one in examples)
    return ClipRows(data.root, data.sample_rate, tuple(examples), names, len(data.target_names))


def _name(one: Example, videos: Mapping[str, int]) -> str:
    """`Y`, the video's id and `.wav`, as PANNs names its clips; with the start where a video has several."""
    return f"Y{one.ytid}.wav" if videos[one.ytid] == 1 else f"Y{one.key}.wav"


def names_form(rows: ClipRows) -> tuple[str, tuple[int, ...]]:
    """The type of the column of names."""
    return f"S{max(NAME_BYTES, *map(len, rows.names))}", ()


def resampling_notes(data: Exported) -> Iterator[str]:
    """What a user should know of the sound."""
    if data.sample_rate >= RATE:
        return
    lacking = sum(one.kept is None for one in data.examples)
    if lacking:
        top = f"{data.sample_rate / 2000:g} kHz"
        yield (
            f"{lacking:,} of {len(data.examples):,} clips are upsampled from {data.sample_rate:,} to {RATE:,}"
            f" Hz: there is nothing above {top} in them, which models of 32 kHz never saw; fetch with"
            " --keep-source or --sample-rate 32000 for what is above"
        )


def write_rows(path: Path, rows: int, forms: Forms, batches: Iterable[Batch], **attributes: int) -> None:
    """Write columns of so many rows.

    Raises:
        EnvironmentProblem: the disk does not take them.
    """
    try:
        with h5py.File(path, "w", libver=LIBVER, locking=False) as file:
            for name, (dtype, shape) in forms.items():
                file.create_dataset(name, (rows, *shape), dtype, track_times=False)
            for name, value in attributes.items():
                file.attrs.create(name, value, dtype="<i4")
            first = 0
            for batch in batches:
                count = len(next(iter(batch.values())))
                for name, values in batch.items():
                    file[name][first : first + count] = values
                first += count
    except OSError as error:
        what = f"{path} cannot be written: {error.strerror or error}"
        raise EnvironmentProblem(what, remedy_of(error)) from error


def check_rows(path: Path, rows: int, forms: Forms, batches: Iterable[Batch]) -> None:
    """See that columns are there as they were to be written; bytes of any length are left to `files_of`.

    Raises:
        DataMismatch: they are not.
    """
    try:
        with open_file(path) as raw, h5py.File(raw, "r") as file:
            for name, (dtype, shape) in forms.items():
                if file[name].shape != (rows, *shape) or file[name].dtype != dtype:
                    raise DataMismatch(f"{path} has another {name} than was written", AGAIN)
                check_layout(file[name])
            first = 0
            for batch in batches:
                behind = first + len(next(iter(batch.values())))
                for name, values in batch.items():
                    wanted = np.asarray(values, forms[name][0]).tobytes()
                    if read_rows(raw.fileno(), file[name], first, behind).tobytes() != wanted:
                        raise DataMismatch(f"{path} has other {name} than was written", AGAIN)
                first = behind
    except (OSError, KeyError, RuntimeError, ArchiveError) as error:
        raise DataMismatch(f"{path} cannot be read back: {error}", AGAIN) from error


def files_of(path: Path, column: str) -> Iterator[bytes]:
    """The bytes of any length in a column, row by row.

    Raises:
        DataMismatch: they are not there.
    """
    try:
        with open_file(path) as raw, h5py.File(raw, "r") as file:
            part = file[column]
            check_layout(part)
            for row in range(len(part)):
                yield read_bytes(raw.fileno(), part, row)
    except (OSError, KeyError, RuntimeError, ArchiveError) as error:
        raise DataMismatch(f"{path} cannot be read back: {error}", AGAIN) from error

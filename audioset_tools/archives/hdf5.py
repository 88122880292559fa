"""HDF5 as PANNs and PaSST pack it: names in `audio_name`, and beside them samples or MP3 files.

PANNs: `waveform` int16 [n, 320000] at 32 kHz, in which a clip that could not be had is a row of zeros, mostly
without a name. PaSST and EfficientAT: `mp3`, bytes of any length, [n].

A file of HDF5 may have other files read in its name: by external links, external storage and virtual data
sets. None of them is followed; nor is a soft link, which may lead to one. h5py opens the file and says where
things lie; `hdf5_rows` reads them.
"""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EIO, ESTALE
from pathlib import Path

import h5py
import numpy as np

from ..files import open_file
from ..workspace import printable
from .archive import ArchiveError, Entry, file_name, unreadable
from .hdf5_rows import check_layout, read_bytes, read_rows

_NAMES, _SAMPLES, _FILES = "audio_name", "waveform", "mp3"

_SECONDS = 10
"""How long the rows of samples are, where the file does not state their rate."""

_RATES = range(8_000, 192_001)

_FORMS = {"int16": 1, "float32": 3}
"""Types of samples, and what a WAV file calls them."""

_DAMAGE = (
    OSError,
    RuntimeError,
    LookupError,
    ValueError,
    TypeError,
    MemoryError,
    OverflowError,
    struct.error,
)
"""What h5py raises over damage, depending on where it lies."""

_MOST_ROWS = 2_500_000
_MOST_NAME_BYTES = 1_024
_MOST_DEFLATED = 1_032
"""Bytes that a byte of deflate may become."""
_ROWS_AT_ONCE = 4_096


class Hdf5:
    """A file of HDF5.

    Args:
        path: of the file, which nothing else writes to meanwhile.
    """

    def __init__(self, path: Path) -> None:
        self.files = [path]

    def index(self) -> Iterator[Entry]:
        """Its rows that have a name; see `Archive`."""
        with _opened(self.files[0]) as (file, descriptor):
            names, sounds = _parts_of(file, descriptor)
            suffix = ".wav" if sounds.ndim > 1 else ".mp3"
            for start in range(0, len(names), _ROWS_AT_ONCE):
                rows = read_rows(descriptor, names, start, min(start + _ROWS_AT_ONCE, len(names)))
                for row, written in enumerate(rows, start):
                    name = file_name(written.tobytes().rstrip(b"\0 ").decode("utf-8", "surrogateescape"))
                    if name:
                        yield Entry(name if "." in name else f"{name}{suffix}", (row, 0))

    def read(self, entry: Entry) -> bytes:
        """A row as a file; none where there are only zeros. See `Archive`."""
        row, _ = entry.where
        with _opened(self.files[0]) as (file, descriptor):
            names, sounds = _parts_of(file, descriptor)
            if not 0 <= row < len(names):
                raise ArchiveError("it is damaged", "Get the archive again.")
            if sounds.ndim == 1:
                return read_bytes(descriptor, sounds, row)
            content = read_rows(descriptor, sounds, row, row + 1).view(sounds.dtype)[0]
            return _as_wav(content, _rate_of(file, len(content))) if content.any() else b""


@contextmanager
def _opened(path: Path) -> Iterator[tuple[h5py.File, int]]:
    """An open file, and its descriptor; whatever h5py says of damage is an error of ours."""
    try:
        raw = open_file(path)
    except OSError as error:
        raise unreadable(path, error) from error
    try:
        # The open file rather than its name, under which a pipe may lie by now.
        with raw, h5py.File(raw, "r") as file:
            yield file, raw.fileno()
    except _DAMAGE as error:
        # The disk's own words are among HDF5's.
        if code := next((code for code in (EIO, ESTALE) if os.strerror(code) in str(error)), None):
            raise unreadable(path, OSError(code, os.strerror(code))) from error
        raise ArchiveError("it is damaged, or no HDF5", "Get the archive again.") from error


def _parts_of(file: h5py.File, descriptor: int) -> tuple[h5py.Dataset, h5py.Dataset]:
    """The names, and the samples or files beside them.

    Raises:
        ArchiveError: there are none, they are not as PANNs or PaSST have them, or lie in another file.
    """
    names = _own(file, _NAMES)
    sounds = _own(file, _SAMPLES)
    if sounds is None:
        sounds = _own(file, _FILES)
    if names is None or sounds is None:
        found = printable(", ".join(list(file)[:20])[:200])
        raise ArchiveError(
            f"it has no {_NAMES} beside {_SAMPLES} or {_FILES}, but {found or 'nothing'}",
            "HDF5 as PANNs and PaSST pack it is read; unpack others to files first.",
        )
    if names.ndim != 1 or len(names) > _MOST_ROWS or len(sounds) != len(names) or not _fits_name(names.dtype):
        raise _of_another_form(names)
    if sounds.name == f"/{_FILES}":
        if sounds.ndim != 1 or h5py.check_vlen_dtype(sounds.dtype) != np.uint8:
            raise _of_another_form(sounds)
    elif sounds.ndim != 2 or sounds.dtype.name not in _FORMS:
        raise _of_another_form(sounds)
    check_layout(names)
    check_layout(sounds)
    if len(names) * names.dtype.itemsize > os.fstat(descriptor).st_size * _MOST_DEFLATED:
        raise ArchiveError(
            "it is damaged: it claims more names than it has room for", "Get the archive again."
        )
    return names, sounds


def _own(file: h5py.File, name: str) -> h5py.Dataset | None:
    """A data set that lies in the file itself; None if there is none of the name."""
    # Not `name in file` and not `file.get`, which open what a link leads to.
    links = file.id.links
    if not links.exists(name.encode()):
        return None
    found = file[name] if links.get_info(name.encode()).type == h5py.h5l.TYPE_HARD else None
    if not isinstance(found, h5py.Dataset) or found.is_virtual or found.external:
        raise ArchiveError(
            f"its {name} lies in another file, or is no data set", "Name the folder of that file."
        )
    return found


def _fits_name(dtype: np.dtype) -> bool:
    text = h5py.check_string_dtype(dtype)
    return text is not None and text.length is not None and text.length <= _MOST_NAME_BYTES


def _of_another_form(part: h5py.Dataset) -> ArchiveError:
    shape = " x ".join(map(str, part.shape or ()))
    return ArchiveError(
        f"its {part.name[1:]} is {shape} of {part.dtype}",
        "HDF5 as PANNs and PaSST pack it is read; unpack others to files first.",
    )


def _rate_of(file: h5py.File, samples: int) -> int:
    """The rate of its samples: as it states, or as ten seconds a row make it.

    Raises:
        ArchiveError: that is no rate.
    """
    rate = samples // _SECONDS
    if "sample_rate" in file.attrs:
        stated = file.attrs.get_id("sample_rate")
        # Text of any length is not looked at.
        if stated.get_type().get_class() == h5py.h5t.INTEGER and stated.shape in ((), (1,)):
            rate = int(np.ravel(file.attrs["sample_rate"])[0])
    if rate not in _RATES:
        raise ArchiveError(f"a sample rate of {rate} is none", "Unpack it to files first.")
    return rate


def _as_wav(samples: np.ndarray, rate: int) -> bytes:
    """Mono samples as a WAV file."""
    form, width = _FORMS[samples.dtype.name], samples.dtype.itemsize
    content = samples.astype(samples.dtype.newbyteorder("<")).tobytes()
    head = (b"RIFF", 36 + len(content), b"WAVE", b"fmt ", 16, form, 1, rate, rate * width, width, 8 * width)
    return struct.pack("<4sI4s4sIHHIIHH4sI", *head, b"data", len(content)) + content

"""What is taken of a file of HDF5 that may be anybody's: what lies in it, as a shard has it, and no more.

HDF5 may read other files in the name of one: by external links, external storage and virtual data sets. It
takes as much memory as a file of a few kilobytes claims to hold. So a file is opened once, as a regular one;
only hard links are followed; data sets have one layout, one filter and a type of numpy's own; and before
anything of one is read, what it claims to hold must fit into the file. Bytes are read past HDF5.
"""

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from ..files import open_file
from .chunks import CHECKSUM_BYTES, Rows, Stamp, fletcher32, stamp_of

Values = npt.NDArray[Any]

DAMAGE = (OSError, RuntimeError, LookupError, ValueError, TypeError, MemoryError, OverflowError)
"""What h5py raises over damage, depending on where in the file it lies."""

_BEGINNING = b"\x89HDF\r\n\x1a\n\x03\x08\x08"
"""Of the format of HDF5 1.10, with addresses and lengths of eight bytes."""

_MOST_TEXT = 1 << 20
"""Bytes of an attribute: what names 30,000 classes."""


class Structure:
    """An open file of HDF5, whose parts must be as those of a shard.

    Args:
        file, descriptor: the same file, as HDF5 and as the kernel has it.
        stamp: which file that is.
    """

    def __init__(self, file: h5py.File, descriptor: int, stamp: Stamp) -> None:
        self.stamp = stamp
        self._file = file
        self._descriptor = descriptor
        self._size = os.fstat(descriptor).st_size

    def text(self, name: str) -> str | None:
        """An attribute that is a text of fixed length; None if there is none.

        Raises:
            ValueError: it is too long, or no UTF-8.
        """
        if name not in self._file.attrs:
            return None
        found = self._file.attrs.get_id(name)
        kind = found.get_type()
        # Texts of any length lie elsewhere, as much as they say; so does what a reference points to.
        if kind.get_class() != h5py.h5t.STRING or kind.is_variable_str() or found.shape != ():
            return None
        if kind.get_size() > min(_MOST_TEXT, self._size):
            raise ValueError(f"an attribute of {kind.get_size():,} bytes")
        return bytes(self._file.attrs[name]).decode()

    def shape(self, name: str) -> tuple[int, ...] | None:
        """Of a data set; None if there is none of the name in this very file."""
        part = self._part(name)
        return None if part is None else part.shape

    def holds(self, name: str, shape: tuple[int, ...], dtype: str, chunk: tuple[int, ...]) -> bool:
        """Whether there is a data set of such a form, of which each chunk has room in the file."""
        part = self._part(name)
        if part is None or part.shape != shape or not all(shape):
            return False
        kind, created = part.id.get_type(), part.id.get_create_plist()
        filters = [created.get_filter(number)[0] for number in range(created.get_nfilters())]
        return (
            not kind.committed()
            and kind.equal(h5py.h5t.py_create(np.dtype(dtype), logical=True))
            and created.get_layout() == h5py.h5d.CHUNKED
            and created.get_external_count() == 0
            and filters == [h5py.h5z.FILTER_FLETCHER32]
            and part.chunks == chunk
            and math.prod(-(-n // of) for n, of in zip(shape, chunk, strict=True)) * _stored(part)
            <= self._size
        )

    def read(self, name: str) -> Values | None:
        """A data set of one chunk, which `holds` found there; None if its bytes are not those written."""
        part = self._file[name]
        where = part.id.get_chunk_info_by_coord((0,) * part.ndim)
        if where.byte_offset is None or where.filter_mask or where.size != _stored(part):
            return None
        content = os.pread(self._descriptor, where.size, where.byte_offset)
        values, checksum = content[:-CHECKSUM_BYTES], content[-CHECKSUM_BYTES:]
        if len(content) != where.size or _checksum(values) != checksum:
            return None
        return np.frombuffer(values, part.dtype).reshape(part.shape).copy()

    def offsets(self, name: str) -> Rows | None:
        """Where each chunk of a data set with one a row begins; None if one is not there whole."""
        part = self._file[name]
        size, rows = _stored(part), len(part)
        offsets, met = np.zeros(rows, np.int64), 0

        def note(chunk: h5py.h5d.StoreInfo) -> bool | None:
            nonlocal met
            met += 1
            row = chunk.chunk_offset[0]
            if chunk.size == size and not chunk.filter_mask and 0 <= row < rows:
                offsets[row] = chunk.byte_offset
            # An index that leads in a circle has no end.
            return True if met > rows else None

        part.id.chunk_iter(note)
        whole = met == rows and offsets.all() and offsets.max() <= self._size - size
        return offsets if whole else None

    def _part(self, name: str) -> h5py.Dataset | None:
        # Not `name in file` and not `file.get`, which open what a link leads to.
        links = self._file.id.links
        if not links.exists(name.encode()) or links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
            return None
        found = self._file[name]
        return found if isinstance(found, h5py.Dataset) and found.shape is not None else None


def _stored(part: h5py.Dataset) -> int:
    """Bytes of each chunk in the file, its checksum among them."""
    size: int = math.prod(part.chunks or part.shape) * part.id.get_type().get_size()
    return size + CHECKSUM_BYTES


def _checksum(content: bytes) -> bytes:
    # A last byte without another has a zero for it.
    even = np.frombuffer(content + b"\0" * (len(content) % 2), np.uint8)
    return fletcher32(even[None]).astype("<u4").tobytes()


@contextmanager
def opened(path: Path) -> Iterator[Structure]:
    """Open a file of HDF5 to read it.

    Raises:
        OSError: it is no regular file, may not be read, or is none of HDF5 in a shard's format.
    """
    with open_file(path) as raw:
        stamp = stamp_of(os.fstat(raw.fileno()))
        if raw.read(len(_BEGINNING)) != _BEGINNING:
            raise OSError("not in the format of a shard")
        # The open file rather than its name, under which another may lie by now.
        with h5py.File(raw, "r") as file:
            yield Structure(file, raw.fileno(), stamp)

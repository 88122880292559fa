"""Rows of HDF5's data sets, read past HDF5: what a stranger's file makes its C code do is not bounded.

HDF5 is asked where things lie. Told of four gigabytes by a file of six kilobytes it takes them, or does not
come back; over a damaged chunk it may end the process. So the bytes are read and unpacked here. The layouts
are those of the format specification: contiguous, or chunks with the filters deflate, shuffle and fletcher32;
bytes of any length lie in a global heap (III.E).
"""

import math
import os
import struct
import zlib
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from .archive import MOST_BYTES, ArchiveError, check_size

Octets = npt.NDArray[np.uint8]

_DEFLATE, _SHUFFLE, _FLETCHER32 = h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32

_CHECKSUM_BYTES = 4
_MOST_CHUNKS = 4_096
"""That a row, or the rows that are read at once, may lie in."""

_REFERENCE = struct.Struct("<IQI")
_HEAP = struct.Struct("<4s4xQ")
_OBJECT = struct.Struct("<H6xQ")
_MOST_OBJECTS = 1 << 16


def check_layout(part: h5py.Dataset) -> None:
    """See that rows of a data set can be read here.

    Raises:
        ArchiveError: they lie in another way.
    """
    created, file = part.id.get_create_plist(), part.file.id.get_create_plist()
    filters = {created.get_filter(number)[0] for number in range(created.get_nfilters())}
    row = math.prod(part.shape[1:]) * part.id.get_type().get_size()
    chunk = math.prod(part.chunks or ()) * part.id.get_type().get_size()
    if (
        created.get_layout() not in (h5py.h5d.CONTIGUOUS, h5py.h5d.CHUNKED)
        or not filters <= {_DEFLATE, _SHUFFLE, _FLETCHER32}
        or file.get_userblock()
        or file.get_sizes() != (8, 8)
        or not 0 < max(row, chunk) <= MOST_BYTES
    ):
        shape = " x ".join(map(str, part.shape))
        raise ArchiveError(
            f"its {part.name[1:]} is {shape} of {part.dtype}, packed in another way",
            "HDF5 as PANNs and PaSST pack it is read; unpack others to files first.",
        )


def read_rows(descriptor: int, part: h5py.Dataset, first: int, behind: int) -> Octets:
    """Some rows as they lie.

    Args:
        descriptor: of the open file.
        part: a data set of it whose layout was checked, of one dimension or two.
        first, behind: the first row, and the one behind the last.

    Returns:
        The bytes of the rows, [rows, bytes of a row]; zeros where nothing was ever written.

    Raises:
        ArchiveError: it is damaged.
    """
    size = part.id.get_type().get_size()
    columns = part.shape[1] if part.ndim > 1 else 1
    found = np.zeros((behind - first, columns * size), np.uint8)
    if part.chunks is None:
        start = part.id.get_offset()
        if start is not None:
            content = os.pread(descriptor, found.size, start + first * found.shape[1])
            if len(content) != found.size:
                raise _damaged(part)
            found = np.frombuffer(content, np.uint8).reshape(found.shape)
        return found
    height, width = (*part.chunks, 1)[:2]
    corners = [
        (top, left)
        for top in range(first // height * height, behind, height)
        for left in range(0, columns, width)
    ]
    if len(corners) > _MOST_CHUNKS:
        raise _damaged(part)
    for top, left in corners:
        chunk = _read_chunk(descriptor, part, (top, left)[: part.ndim], height * width * size, size)
        if chunk is not None:
            rows = chunk.reshape(height, width * size)[max(0, first - top) : behind - top]
            target = found[max(0, top - first) :, left * size : (left + width) * size]
            target[: len(rows)] = rows[:, : target.shape[1]]
    return found


def _read_chunk(
    descriptor: int, part: h5py.Dataset, corner: tuple[int, ...], length: int, size: int
) -> Octets | None:
    """A chunk unpacked; None if it was never written."""
    where = part.id.get_chunk_info_by_coord(corner)
    if where.byte_offset is None:
        return None
    # What does not become smaller by deflating becomes a little larger.
    if not 0 < where.size <= length + length // 100 + 1_024:
        raise _damaged(part)
    content = os.pread(descriptor, where.size, where.byte_offset)
    created = part.id.get_create_plist()
    for number in reversed(range(created.get_nfilters())):
        kind = created.get_filter(number)[0]
        if where.filter_mask >> number & 1:
            continue
        if kind == _FLETCHER32:
            content = content[:-_CHECKSUM_BYTES]
        elif kind == _DEFLATE:
            try:
                content = zlib.decompressobj().decompress(content, length + _CHECKSUM_BYTES + 1)
            except zlib.error as error:
                raise _damaged(part) from error
        elif len(content) % size == 0:
            content = np.frombuffer(content, np.uint8).reshape(size, -1).T.tobytes()
    if len(content) != length:
        raise _damaged(part)
    return np.frombuffer(content, np.uint8)


def read_bytes(descriptor: int, part: h5py.Dataset, row: int) -> bytes:
    """The bytes of any length in a row of a data set of one dimension.

    Raises:
        ArchiveError: they are not there, or too many.
    """
    length, heap, wanted = _REFERENCE.unpack(read_rows(descriptor, part, row, row + 1).tobytes())
    if not length:
        return b""
    check_size(f"row {row}", length)

    def read(form: struct.Struct, offset: int) -> tuple[Any, ...]:
        return form.unpack(os.pread(descriptor, form.size, offset))

    mark, size = read(_HEAP, heap)
    at = heap + _HEAP.size
    for _ in range(_MOST_OBJECTS):
        number, held = read(_OBJECT, at)
        if mark != b"GCOL" or not number or at + _OBJECT.size + held > heap + size:
            break
        if number == wanted and held >= length:
            content = os.pread(descriptor, length, at + _OBJECT.size)
            if len(content) == length:
                return content
        at += _OBJECT.size + -(-held // 8) * 8
    raise _damaged(part)


def _damaged(part: h5py.Dataset) -> ArchiveError:
    return ArchiveError(f"its {part.name[1:]} is damaged", "Get the archive again.")

"""Rows read past HDF5 are those that HDF5 reads, however they are laid out."""

import os
import zlib
from contextlib import closing
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.archives.archive import ArchiveError
from audioset_tools.archives.hdf5_rows import check_layout, read_bytes, read_rows

TYPES = ("<i2", ">i2", "<f4", "S7", "<f8")


def read(path: Path, first: int, behind: int) -> np.ndarray:
    with path.open("rb") as raw, h5py.File(path) as file:
        check_layout(file["x"])
        return read_rows(raw.fileno(), file["x"], first, behind).view(file["x"].dtype)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_rows_are_those_that_hdf5_reads(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    rows, columns = data.draw(st.integers(1, 9)), data.draw(st.integers(1, 9))
    values = (
        np.random.default_rng(rows).integers(0, 99, (rows, columns)).astype(data.draw(st.sampled_from(TYPES)))
    )
    options: dict[str, object] = {}
    if data.draw(st.booleans()):
        options["chunks"] = (data.draw(st.integers(1, rows)), data.draw(st.integers(1, columns)))
        options |= {name: data.draw(st.booleans()) for name in ("shuffle", "fletcher32")}
        options["compression"] = data.draw(st.sampled_from([None, "gzip"]))
    path = tmp_path_factory.mktemp("rows") / "x.h5"
    flat = data.draw(st.booleans())
    with h5py.File(path, "w") as file:
        if flat:
            options["chunks"] = options["chunks"][:1] if "chunks" in options else None
            values = values[:, 0]
        file.create_dataset("x", data=values, **options)
    first = data.draw(st.integers(0, rows - 1))
    behind = data.draw(st.integers(first + 1, rows))
    assert np.array_equal(read(path, first, behind).reshape(values[first:behind].shape), values[first:behind])


@pytest.mark.parametrize("chunks", [None, (2, 4)])
def test_what_was_never_written_is_zeros(chunks: tuple[int, ...] | None, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file.create_dataset("x", (5, 7), np.int16, chunks=chunks)
    assert not read(tmp_path / "x.h5", 1, 4).any()


def test_other_layouts_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.h5"
    values = np.zeros((4, 5), np.int16)
    with h5py.File(path, "w", userblock_size=512) as file:
        file["x"] = values
    with pytest.raises(ArchiveError, match="its x is 4 x 5 of int16, packed in another way"):
        read(path, 0, 1)
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=values, compression="lzf")
    with pytest.raises(ArchiveError, match="packed in another way"):
        read(path, 0, 1)
    with h5py.File(path, "w") as file:
        created = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        created.set_layout(h5py.h5d.COMPACT)
        space = h5py.h5s.create_simple((4, 5))
        h5py.h5d.create(file.id, b"x", h5py.h5t.STD_I16LE, space, created)
    with pytest.raises(ArchiveError, match="packed in another way"):
        read(path, 0, 1)


def test_a_chunk_that_unpacks_to_more_than_it_may_is_damaged(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "x.h5", "w") as file:
        part = file.create_dataset("x", (4, 5), np.int16, chunks=(1, 5), compression="gzip")
        for row in range(4):
            part[row] = 1
        # As large as a chunk may be, and a thousand times as much in it.
        bomb = zlib.compress(bytes(900_000), 9)
        part.id.write_direct_chunk((0, 0), bomb)
        part.id.write_direct_chunk((1, 0), b"no deflate")
        part.id.write_direct_chunk((2, 0), bytes(3_000))
    for row in range(3):
        with pytest.raises(ArchiveError, match="its x is damaged"):
            read(tmp_path / "x.h5", row, row + 1)
    assert read(tmp_path / "x.h5", 3, 4).tolist() == [[1] * 5]


def test_bytes_of_any_length_are_those_that_hdf5_reads(tmp_path: Path) -> None:
    sounds = [os.urandom(length) for length in (1, 7, 8, 5_000, 0, 100_000)]
    with h5py.File(tmp_path / "x.h5", "w") as file:
        part = file.create_dataset("x", (7,), h5py.vlen_dtype(np.uint8))
        for row, sound in enumerate(sounds):
            part[row] = np.frombuffer(sound, np.uint8)
    with h5py.File(tmp_path / "x.h5") as file, closing((tmp_path / "x.h5").open("rb")) as raw:
        assert [read_bytes(raw.fileno(), file["x"], row) for row in range(7)] == [*sounds, b""]

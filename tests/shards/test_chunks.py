"""Our fletcher32 is HDF5's: plain h5py, which checks it, reads what we wrote, and finds it where we say."""

from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from audioset_tools.shards.chunks import fletcher32


def by_hdf5(path: Path, values: np.ndarray) -> int:
    """What HDF5 stores behind the values."""
    with h5py.File(path, "w") as file:
        data = file.create_dataset("x", data=values, chunks=values.shape, fletcher32=True)
        file.flush()
        _, chunk = data.id.read_direct_chunk((0,) * values.ndim)
    return int.from_bytes(chunk[-4:], "little")


@settings(max_examples=200, deadline=None)
@given(arrays(np.uint32, array_shapes(max_dims=1, max_side=700), elements=st.integers(0, 2**32 - 1)))
def test_it_is_hdf5s(tmp_path_factory: pytest.TempPathFactory, bits: np.ndarray) -> None:
    path = tmp_path_factory.getbasetemp() / "x.h5"
    assert fletcher32(bits.view("<f4")[None]).tolist() == [by_hdf5(path, bits)]


@pytest.mark.parametrize("byte", [0, 1, 0x7F, 0x80, 0xFF])
@pytest.mark.parametrize("values", [1, 127, 128, 129, 102_528])
def test_one_byte_throughout(tmp_path: Path, byte: int, values: int) -> None:
    bits = np.full(4 * values, byte, np.uint8).view("<f4")
    assert fletcher32(bits[None]).tolist() == [by_hdf5(tmp_path / "x.h5", bits.view("u4"))]


def test_rows_are_each_taken_for_themselves() -> None:
    rows = np.random.default_rng(0).random((5, 7, 9), dtype=np.float32)
    whole = fletcher32(rows)
    assert len(set(whole.tolist())) == 5
    assert fletcher32(rows, np.array([3, 0, 3])).tolist() == whole[[3, 0, 3]].tolist()
    assert fletcher32(rows[:0]).shape == (0,)

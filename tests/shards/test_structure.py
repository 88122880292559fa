"""Whatever a file of HDF5 would have read in its name, or says that it holds, it is refused at no cost."""

import os
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from audioset_tools.exceptions import DataMismatch
from audioset_tools.featurize.run import finish_folder
from audioset_tools.shards.reader import MelShards
from audioset_tools.shards.shard import open_shard
from tests.shards.small import HEADER, SHAPE, write
from tests.shards.test_shard import replace_field

ROWS = 20
SECRET = b"a line of another file, 32 bytes"


@pytest.fixture
def shard(tmp_path: Path) -> Path:
    (tmp_path / "secret").write_bytes(SECRET * ROWS)
    with h5py.File(tmp_path / "other.h5", "w", libver=("v110", "v110")) as file:
        file.create_dataset("key", data=np.full(ROWS, SECRET, "S32"), chunks=(ROWS,), fletcher32=True)
        file.create_dataset("label", data=np.zeros(ROWS, "i4"), chunks=(ROWS,), fletcher32=True)
    return write(tmp_path / "s.h5", ROWS)


def without(path: Path, name: str) -> h5py.File:
    """The file, open to be written to, without a data set."""
    file = h5py.File(path, "a", libver=("v110", "v110"))
    del file[name]
    return file


def external_link(path: Path) -> None:
    with without(path, "key") as file:
        file["key"] = h5py.ExternalLink("other.h5", "/key")


def soft_link(path: Path) -> None:
    with h5py.File(path, "a") as file:
        file.move("key", "elsewhere")
        file["key"] = h5py.SoftLink("/elsewhere")


def external_storage(path: Path) -> None:
    with without(path, "key") as file:
        file.create_dataset("key", (ROWS,), "S32", external=[(str(path.parent / "secret"), 0, 32 * ROWS)])


def virtual(path: Path) -> None:
    layout = h5py.VirtualLayout((ROWS,), "S32")
    layout[:] = h5py.VirtualSource(str(path.parent / "other.h5"), "key", (ROWS,))
    with without(path, "key") as file:
        file.create_virtual_dataset("key", layout)


def many_rows(path: Path) -> None:
    """All that is small of 10^7 rows, and mels that were never written."""
    rows = 10**7
    with h5py.File(path, "a", libver=("v110", "v110")) as file:
        for name, shape, dtype in (
            ("mel", (rows, 1, 1), "f4"), ("label", (rows,), "i4"), ("key", (rows,), "S32"),
            ("group", (rows,), "S11"), ("noise", (rows,), "i4"), ("sha256", (rows,), "S64"),
            ("target", (rows, 2), "u1"), ("mean", (1,), "f8"), ("std", (1,), "f8"),
        ):  # fmt: skip
            del file[name]
            chunks = (1, 1, 1) if name == "mel" else shape
            file.create_dataset(name, shape, dtype, chunks=chunks, fletcher32=True)


def committed(path: Path) -> None:
    with without(path, "label") as file:
        file["kind"] = np.dtype("<i4")
        file.create_dataset("label", (ROWS,), file["kind"], chunks=(ROWS,), fletcher32=True)


def references(path: Path) -> None:
    with without(path, "key") as file:
        file.create_dataset("key", data=np.full(ROWS, file["mel"].ref, h5py.ref_dtype))


def as_label(dtype: object) -> Callable[[Path], None]:
    return lambda path: replace_field(path, "label", np.zeros(ROWS, "i4"), dtype=dtype)


def attribute(name: str, value: object, dtype: object = None) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        with h5py.File(path, "a") as file:
            del file.attrs[name]
            file.attrs.create(name, value, dtype=dtype)

    return change


def one_chunk_for_all(path: Path) -> None:
    """A data set of several chunks where one is expected."""
    replace_field(path, "key", np.full(ROWS, b"k", "S32"), chunks=(1,))


def elsewhere(make: Callable[[Path], object]) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        path.unlink()
        make(path)

    return change


HOSTILE = {
    "an external link": external_link,
    "a soft link": soft_link,
    "external storage": external_storage,
    "a virtual data set": virtual,
    "10^7 rows": many_rows,
    "a type of its own": committed,
    "references": references,
    "an enumeration": as_label(h5py.enum_dtype({"no": 0, "yes": 1}, "i4")),
    "texts of any length": lambda path: replace_field(
        path, "key", np.full(ROWS, "k", object), dtype=h5py.string_dtype(), chunks=None, fletcher32=None
    ),
    "contiguous": lambda path: replace_field(
        path, "label", np.zeros(ROWS, "i4"), chunks=None, fletcher32=None
    ),
    "a filter more": lambda path: replace_field(path, "label", np.zeros(ROWS, "i4"), compression="gzip"),
    "chunks of a row": one_chunk_for_all,
    "an attribute of any length": attribute("recipe", "x" * 10, h5py.string_dtype()),
    "an attribute of many": attribute("recipe", np.full(1_000, b"paper")),
    "an attribute that refers": attribute("recipe", h5py.h5r.Reference(), h5py.ref_dtype),
    "classes nested": attribute("class_names", np.bytes_(b"[" * 60_000)),
    "classes that are numbers": attribute("class_names", np.bytes_(b"[1, 2]")),
    "an older format": lambda path: h5py.File(path, "w", libver="earliest").close(),
    "a pipe": elsewhere(os.mkfifo),
    "a link to a device": elsewhere(lambda path: path.symlink_to("/dev/zero")),
    "a folder": elsewhere(Path.mkdir),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_it_is_refused_and_takes_no_memory(shard: Path, name: str) -> None:
    HOSTILE[name](shard)
    tracemalloc.start()
    try:
        with pytest.raises(DataMismatch, match=r"s\.h5"):
            open_shard(shard)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", ["a pipe", "a link to a device"])
def test_what_takes_the_place_of_an_open_shard_is_not_waited_for(shard: Path, name: str) -> None:
    opened = open_shard(shard)
    HOSTILE[name](shard)
    with pytest.raises(DataMismatch, match=r"s\.h5"):
        opened.read(0, 1)
    opened.prefetch(np.arange(3))


@pytest.mark.parametrize("name", ["an external link", "10^7 rows", "a pipe"])
def test_whoever_trains_is_told(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / "shards" / "train-00000.h5", ROWS)
    finish_folder(path.parent, [path])
    (tmp_path / "other.h5").write_bytes(path.read_bytes())
    HOSTILE[name](path)
    with pytest.raises(DataMismatch, match="train-00000"):
        _ = MelShards(path.parent, "train").target


def test_an_odd_number_of_bytes_has_the_checksum_that_hdf5_gives_it(tmp_path: Path) -> None:
    shard = open_shard(write(tmp_path / "s.h5", 15, replace(HEADER, class_names=("a", "b", "c"))))
    assert shard.target.shape == (15, 3) and shard.shape == SHAPE

"""Shards: whole or not there, readable by plain h5py, refused when foreign, damaged or mixed."""

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from audioset_tools.errors import DataMismatch, EnvironmentProblem
from audioset_tools.featurize.index import write_index
from audioset_tools.featurize.reader import MelShards, find_shards
from audioset_tools.featurize.shard import ShardHeader, open_shard, write_shard

SHAPE = (4, 6)
HEADER = ShardHeader("train", "paper", ("Piano", "Drums"), "{}", "digest", "inputs", "0.1.0", "0.11")


def mels(rows: int) -> np.ndarray:
    return np.arange(rows * 24, dtype=np.float32).reshape(rows, *SHAPE)


def write(path: Path, rows: int = 20, header: ShardHeader = HEADER, offset: float = 0) -> Path:
    with write_shard(path, header, rows, SHAPE) as writer:
        for row, mel in enumerate(mels(rows) + np.float32(offset)):
            writer.add(mel, label=row % 2, key=f"-key_{row // 2}", noise=row % 2, sha256="a" * 64)
    return path


@pytest.mark.parametrize("rows", [1, 15, 16, 17, 40])
def test_what_is_written_is_read(tmp_path: Path, rows: int) -> None:
    shard = open_shard(write(tmp_path / "s.h5", rows))
    assert shard.header == HEADER
    assert isinstance(shard.mel, np.memmap)
    np.testing.assert_array_equal(shard.mel, mels(rows))
    np.testing.assert_array_equal(shard.label, np.arange(rows) % 2)
    np.testing.assert_array_equal(shard.noise, np.arange(rows) % 2)
    assert shard.key[0] == b"-key_0"


def test_plain_h5py_reads_it(tmp_path: Path) -> None:
    with h5py.File(write(tmp_path / "s.h5")) as file:
        np.testing.assert_array_equal(file["mel"][3], mels(20)[3])
        assert json.loads(file.attrs["class_names"]) == ["Piano", "Drums"]
        assert file["sha256"][0] == b"a" * 64


def test_a_shard_that_is_not_filled_never_appears(tmp_path: Path) -> None:
    with (
        pytest.raises(ValueError, match="1 rows added to a shard of 2"),
        write_shard(tmp_path / "s.h5", HEADER, 2, SHAPE) as writer,
    ):
        writer.add(mels(1)[0], label=0, key="k", noise=0, sha256="a" * 64)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_leaves_the_old_shard_and_nothing_else(tmp_path: Path) -> None:
    before = write(tmp_path / "s.h5").read_bytes()
    with pytest.raises(KeyboardInterrupt), write_shard(tmp_path / "s.h5", HEADER, 2, SHAPE):
        raise KeyboardInterrupt
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [before]


def test_a_folder_that_cannot_be_made_is_the_environments_fault(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentProblem, match="cannot be written"):
        write(tmp_path / "file" / "s.h5")


def foreign(path: Path) -> None:
    with h5py.File(path, "w") as file:
        file["waveform"] = np.zeros(10)


def change(path: Path, **attributes: object) -> None:
    with h5py.File(path, "a") as file:
        for name, value in attributes.items():
            del file.attrs[name]
            if value is not None:
                file.attrs[name] = value


def replace_field(path: Path, name: str, data: np.ndarray, **options: object) -> None:
    with h5py.File(path, "a") as file:
        del file[name]
        file.create_dataset(name, data=data, **options)


DAMAGE = {
    "foreign": (foreign, "is not a shard"),
    "truncated": (lambda path: path.write_bytes(path.read_bytes()[:-100]), "no HDF5 file, or a damaged"),
    "empty": (lambda path: path.write_bytes(b""), "no HDF5 file"),
    "text": (lambda path: path.write_text("hello"), "no HDF5 file"),
    "another version": (lambda path: change(path, format="audioset-tools mel shard 9"), "not a shard"),
    "no spec": (lambda path: change(path, spec=None), "lacks the attribute spec"),
    "number for a recipe": (lambda path: change(path, recipe=3), "lacks the attribute recipe"),
    "classes": (lambda path: change(path, class_names="["), "damaged attribute class_names"),
    "compressed": (lambda path: replace_field(path, "mel", mels(20), compression="gzip"), "no mel of contig"),
    "double": (lambda path: replace_field(path, "mel", mels(20).astype("f8")), "no mel of contiguous"),
    "short label": (lambda path: replace_field(path, "label", np.zeros(3, "i4")), "no label for every"),
    "no class": (lambda path: replace_field(path, "label", np.full(20, 2, "i4")), "labels of no class"),
    "no key": (lambda path: replace_field(path, "key", np.zeros(20, "S32")), "rows of no clip"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_refused(tmp_path: Path, name: str) -> None:
    damage, message = DAMAGE[name]
    path = write(tmp_path / "s.h5")
    damage(path)
    with pytest.raises(DataMismatch, match=message) as caught:
        open_shard(path)
    assert "audioset-tools featurize" in caught.value.remedy


@pytest.mark.parametrize("start", range(0, 2400, 48))
def test_garbage_anywhere_in_the_structure_never_gives_a_traceback(tmp_path: Path, start: int) -> None:
    path = write(tmp_path / "s.h5", rows=2)
    content = bytearray(path.read_bytes())
    content[start : start + 48] = bytes(range(200, 248))
    path.write_bytes(content)
    try:
        open_shard(path)
    except DataMismatch as error:
        assert str(path) in error.what


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two train shards and one test shard."""
    folder = tmp_path / "shards" / "paper-1234"
    write(folder / "train-00000.h5", 20)
    write(folder / "train-00001.h5", 5, offset=1000)
    test = ShardHeader("test", *(getattr(HEADER, n) for n in list(HEADER.__slots__)[1:]))
    write(folder / "test-00000.h5", 3, test)
    write_index(folder, dict.fromkeys(("train-00000.h5", "train-00001.h5", "test-00000.h5"), "inputs"))
    return folder


def test_rows_are_taken_across_shards(folder: Path) -> None:
    shards = MelShards(folder, "train")
    assert len(shards) == 25
    assert shards.shape == SHAPE
    rows = np.array([24, 0, 19, 20, 0])
    expected = np.concatenate([mels(20), mels(5) + 1000])[rows]
    np.testing.assert_array_equal(shards.take(rows), expected)
    assert len(MelShards(folder, "test")) == 3


def test_a_split_without_shards_is_refused(folder: Path) -> None:
    with pytest.raises(DataMismatch, match="no shard of the validation split"):
        MelShards(folder, "validation")


def test_a_missing_or_foreign_shard_among_them_is_named(folder: Path) -> None:
    foreign(folder / "test-00000.h5")
    with pytest.raises(DataMismatch, match=r"test-00000.h5 is not a shard"):
        MelShards(folder, "train")
    (folder / "test-00000.h5").unlink()
    with pytest.raises(DataMismatch, match=r"test-00000.h5 is missing"):
        MelShards(folder, "train")


@pytest.mark.parametrize(
    "header",
    [
        ShardHeader("train", "paper", ("Piano", "Drums"), "{}", "other spec", "inputs", "0.1.0", "0.11"),
        ShardHeader("train", "clean", ("Piano", "Drums"), "{}", "digest", "inputs", "0.1.0", "0.11"),
        ShardHeader("train", "paper", ("Drums", "Piano"), "{}", "digest", "inputs", "0.1.0", "0.11"),
    ],
)
def test_shards_of_another_meaning_are_never_mixed(folder: Path, header: ShardHeader) -> None:
    write(folder / "train-00001.h5", 5, header)
    with pytest.raises(DataMismatch, match="is of another spec or recipe"):
        MelShards(folder, "train")


def test_a_shard_of_other_inputs_is_refused(folder: Path) -> None:
    write_index(folder, {"train-00000.h5": "others"})
    with pytest.raises(DataMismatch, match=r"not the shard that index.json names"):
        MelShards(folder, "train")


def test_an_unfinished_folder_is_refused(folder: Path) -> None:
    (folder / "index.json").unlink()
    with pytest.raises(DataMismatch, match="unfinished"):
        MelShards(folder, "train")


@pytest.mark.parametrize("text", ["", "{", "[]", '{"shards": 3}', "{}"])
def test_a_damaged_index_is_refused(folder: Path, text: str) -> None:
    (folder / "index.json").write_text(text)
    with pytest.raises(DataMismatch, match=r"index.json is damaged"):
        MelShards(folder, "train")


def test_which_shards_to_use(folder: Path) -> None:
    root = folder.parent
    assert find_shards(root) == find_shards(root, "paper-1234") == folder
    with pytest.raises(DataMismatch, match="no shards 'log'"):
        find_shards(root, "log")
    shutil.copytree(folder, root / "log-5678")
    with pytest.raises(DataMismatch, match="2 specs") as caught:
        find_shards(root)
    assert "--shards NAME: log-5678, paper-1234" in caught.value.remedy
    assert find_shards(root, "paper-1234") == folder


def test_no_shards_at_all(tmp_path: Path) -> None:
    with pytest.raises(DataMismatch, match="no shards") as caught:
        find_shards(tmp_path / "shards")
    assert "featurize" in caught.value.remedy

"""index.json: what is written is read, and damage is found."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.exceptions import DataMismatch
from audioset_tools.shards.index import Index, Listed, read_index, shard_files, shard_name, write_index


@given(place=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_a_flipped_bit_in_the_index_is_found_or_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    folder = tmp_path_factory.mktemp("index")
    expected = Index({"train-00000.h5": Listed("train", 3, "ab12")}, (1.5, 2.25e-7), (0.1, 3e8))
    write_index(folder, expected)
    content = bytearray((folder / "index.json").read_bytes())
    content[place % len(content)] ^= 1 << bit
    (folder / "index.json").write_bytes(content)
    try:
        assert read_index(folder) == expected
    except DataMismatch as error:
        assert "damaged" in error.what


def test_a_shard_has_its_place_for_good_a_thousand_to_a_folder(tmp_path: Path) -> None:
    assert [shard_name("train", n) for n in (0, 999, 1_000, 15_624)] == [
        *("train-00000.h5", "train-00999.h5", "001/train-01000.h5", "015/train-15624.h5")
    ]
    for name in ("train-00000.h5", "001/train-01000.h5", "index.json", "else/train-00002.h5", "001/x.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [path.relative_to(tmp_path).as_posix() for path in shard_files(tmp_path)]
    assert found == ["train-00000.h5", "001/train-01000.h5"]


def test_an_index_names_shards_in_its_folder_and_one_below(tmp_path: Path) -> None:
    below = Index({"001/train-01000.h5": Listed("train", 5, "abc")}, (0.0,), (1.0,))
    write_index(tmp_path, below)
    assert read_index(tmp_path) == below
    for name in ("../train-01000.h5", "001/../x.h5", "a/b.h5", "/001/x.h5"):
        write_index(tmp_path, Index({name: Listed("train", 5, "abc")}, (0.0,), (1.0,)))
        with pytest.raises(DataMismatch):
            read_index(tmp_path)

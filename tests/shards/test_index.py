"""index.json: what is written is read, and damage is found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.exceptions import DataMismatch
from audioset_tools.shards.index import Index, Listed, read_index, write_index


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

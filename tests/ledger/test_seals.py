"""Seals of many rows at once are those of each, as zlib's own CRC has it."""

from zlib import crc32

from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.ledger.schema import seal_of
from audioset_tools.ledger.seals import seals

texts = st.text(max_size=40)


@given(st.lists(st.tuples(texts, st.binary(max_size=40), texts), min_size=1))
def test_the_seal_is_the_crc_of_the_text_with_digits_in_its_midst(
    rows: list[tuple[str, bytes, str]],
) -> None:
    expected = [
        crc32(f"{before}{content.hex()}{behind}".encode()) - 2**31 for before, content, behind in rows
    ]
    assert seals(*zip(*rows, strict=True)).tolist() == expected


def test_half_of_a_surrogate_pair_and_every_byte_are_sealed_as_one_by_one() -> None:
    content = bytes(range(256)) * 7
    found = seals(["\ud800\x1fé\x1fx"], [content], ["\x1fNone"])
    assert found.tolist() == [seal_of("\ud800", "é", content, None)]

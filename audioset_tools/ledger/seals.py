"""The seals of many rows at once, by compiled code: what `sealed` says of the text of each.

Most of a clip's text are the hexadecimal digits of its fingerprint. They are never written out: a CRC is
linear, so what eight bytes do to it by their sixteen digits is looked up, byte by byte.
"""

from collections.abc import Sequence
from zlib import crc32

import numpy as np
import numpy.typing as npt

from ..compiled import compiled

Bytes = npt.NDArray[np.uint8]
Ends = npt.NDArray[np.int64]
Seals = npt.NDArray[np.int64]
Table = npt.NDArray[np.uint32]

_AT_ONCE = 8
"""Bytes that are looked up together."""

_ALL = 0xFFFFFFFF


def _after(content: bytes, state: int = 0) -> int:
    """The state of a CRC behind some bytes; `crc32` inverts it before and after."""
    return crc32(content, state ^ _ALL) ^ _ALL


def _tables(form: bytes) -> tuple[Table, Table, Table]:
    """What to look up where each byte is written in some form, such as its digits, each [places, 256].

    Returns:
        What a byte in a place among `_AT_ONCE` makes of a state of 0; what `_AT_ONCE` of them leave of each
        of a state's four bytes; and what a single one leaves of these.
    """
    size, bytes_ = len(form % 0), range(256)
    made = [
        [_after(form % byte + bytes(size * (_AT_ONCE - 1 - place))) for byte in bytes_]
        for place in range(_AT_ONCE)
    ]
    left, left_by_one = (
        [[_after(bytes(size * many), byte << 8 * place) for byte in bytes_] for place in range(4)]
        for many in (_AT_ONCE, 1)
    )
    return np.array(made, np.uint32), np.array(left, np.uint32), np.array(left_by_one, np.uint32)


_OF_TEXT, _OF_DIGITS = _tables(b"%c"), _tables(b"%02x")


def seals(before: Sequence[str], content: Sequence[bytes], behind: Sequence[str]) -> Seals:
    """The seals of texts, each of a text, the digits of some bytes, and another text, [rows]."""
    parts = ([text.encode("utf-8", "surrogatepass") for text in texts] for texts in (before, behind))
    first, last = map(_packed, parts)
    return _seals(*first, *_packed(content), *last)


def _packed(parts: Sequence[bytes]) -> tuple[Bytes, Ends]:
    """All of them one behind the other, and where each ends."""
    return np.frombuffer(b"".join(parts), np.uint8), np.cumsum(np.array([*map(len, parts)], np.int64))


@compiled
def _seals(
    before: Bytes, before_ends: Ends, content: Bytes, content_ends: Ends, behind: Bytes, behind_ends: Ends
) -> Seals:
    found = np.empty(len(before_ends), np.int64)
    first, second, third = 0, 0, 0
    for row in range(len(found)):
        state = _behind(np.uint32(_ALL), before[first : before_ends[row]], _OF_TEXT)
        state = _behind(state, content[second : content_ends[row]], _OF_DIGITS)
        state = _behind(state, behind[third : behind_ends[row]], _OF_TEXT)
        first, second, third = before_ends[row], content_ends[row], behind_ends[row]
        found[row] = np.int64(state ^ np.uint32(_ALL)) - 2**31
    return found


@compiled
def _behind(state: np.uint32, content: Bytes, tables: tuple[Table, Table, Table]) -> np.uint32:
    """The state behind some bytes, written as the tables have it."""
    made, left, left_by_one = tables
    whole = len(content) // _AT_ONCE * _AT_ONCE
    for start in range(0, whole, _AT_ONCE):
        after = _left(state, left)
        for place in range(_AT_ONCE):
            after ^= made[place, content[start + place]]
        state = after
    for place in range(whole, len(content)):
        state = _left(state, left_by_one) ^ made[_AT_ONCE - 1, content[place]]
    return state


@compiled
def _left(state: np.uint32, table: Table) -> np.uint32:
    found = np.uint32(0)
    for place in range(4):
        found ^= table[place, state >> np.uint32(8 * place) & np.uint32(255)]
    return found

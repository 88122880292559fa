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

_AT_ONCE = 8
"""Bytes that are looked up together."""

_ALL = 0xFFFFFFFF


def _after(content: bytes, state: int = 0) -> int:
    """The state of a CRC behind some bytes; `crc32` inverts it before and after."""
    return crc32(content, state ^ _ALL) ^ _ALL


def _table(texts: Sequence[Sequence[bytes]]) -> npt.NDArray[np.uint32]:
    return np.array([[_after(text) for text in of_place] for of_place in texts], np.uint32)


_BYTES, _PLACES = range(256), range(_AT_ONCE)
_PLAIN = _table([[bytes([byte, *bytes(_AT_ONCE - 1 - place)]) for byte in _BYTES] for place in _PLACES])
_DIGITS = _table(
    [[b"%02x" % byte + bytes(2 * (_AT_ONCE - 1 - place)) for byte in _BYTES] for place in _PLACES]
)
"""What a byte, or its two digits, in a place among `_AT_ONCE` makes of a state of 0, [places, 256]."""

_BEHIND_DIGITS = np.array(
    [[_after(bytes(2 * _AT_ONCE), byte << 8 * place) for byte in _BYTES] for place in range(4)], np.uint32
)
"""What `_AT_ONCE` bytes' digits leave of each byte of a state, [4, 256]."""

_DIGIT = np.frombuffer(b"0123456789abcdef", np.uint8)
_EIGHT, _ONE_BYTE = np.uint32(8), np.uint32(255)


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
        state = _of_text(np.uint32(_ALL), before[first : before_ends[row]])
        state = _of_digits(state, content[second : content_ends[row]])
        state = _of_text(state, behind[third : behind_ends[row]])
        first, second, third = before_ends[row], content_ends[row], behind_ends[row]
        found[row] = np.int64(state ^ np.uint32(_ALL)) - 2**31
    return found


@compiled
def _of_text(state: np.uint32, text: Bytes) -> np.uint32:
    whole = len(text) // _AT_ONCE * _AT_ONCE
    for start in range(0, whole, _AT_ONCE):
        after = np.uint32(0)
        for place in range(4):
            byte = np.uint32(text[start + place]) ^ state >> np.uint32(8 * place) & _ONE_BYTE
            after ^= _PLAIN[place, byte]
        for place in range(4, _AT_ONCE):
            after ^= _PLAIN[place, text[start + place]]
        state = after
    for place in range(whole, len(text)):
        state = _behind(state, text[place])
    return state


@compiled
def _of_digits(state: np.uint32, content: Bytes) -> np.uint32:
    whole = len(content) // _AT_ONCE * _AT_ONCE
    for start in range(0, whole, _AT_ONCE):
        after = np.uint32(0)
        for place in range(4):
            after ^= _BEHIND_DIGITS[place, state >> np.uint32(8 * place) & _ONE_BYTE]
        for place in range(_AT_ONCE):
            after ^= _DIGITS[place, content[start + place]]
        state = after
    for place in range(whole, len(content)):
        state = _behind(state, _DIGIT[content[place] >> 4])
        state = _behind(state, _DIGIT[content[place] & 15])
    return state


@compiled
def _behind(state: np.uint32, byte: np.uint8) -> np.uint32:
    """The state behind one byte more."""
    after: np.uint32 = _PLAIN[_AT_ONCE - 1, (state ^ byte) & _ONE_BYTE] ^ state >> _EIGHT
    return after

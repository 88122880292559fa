"""One segment list as columns, checked to the byte.

A row is official if it is `YTID, S.SSS, E.EEE, "MID,MID"` and nothing else: one space after a comma, three
decimals, quotes round the labels. Some thousands of rows at a time are checked as arrays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pandas as pd

from .damage import HEADER, MID_LIST

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_SIX_BITS = np.full(256, 255, np.uint8)
_SIX_BITS[list(_ALPHABET)] = np.arange(64)

_BLOCK = 1 << 19
"""Bytes read at a time: few enough that the arrays made from them stay in a processor's cache."""

_LOW_BYTES = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)
"""Masks that keep the first n bytes of a little-endian word."""

Bytes = npt.NDArray[np.uint8]
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class Columns:
    """Rows as columns of equal length [rows].

    `ytid_bits` is the 64-bit number that a ytid spells in base64; `labels` are 64-bit hashes of the label
    lists, and `texts` holds the lists by hash.
    """

    ytid: npt.NDArray[np.bytes_]
    ytid_bits: npt.NDArray[np.uint64]
    start_ms: npt.NDArray[np.int64]
    end_ms: npt.NDArray[np.int64]
    labels: npt.NDArray[np.uint64]
    texts: dict[int, str]

    def __len__(self) -> int:
        return len(self.ytid)


def join_columns(parts: Sequence[Columns], texts: dict[int, str]) -> Columns:
    """The rows of all parts, one part after the other; `texts` are those of all."""
    return Columns(
        ytid=np.concatenate([part.ytid for part in parts]),
        ytid_bits=np.concatenate([part.ytid_bits for part in parts]),
        start_ms=np.concatenate([part.start_ms for part in parts]),
        end_ms=np.concatenate([part.end_ms for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        texts=texts,
    )


def read_columns(file: BinaryIO) -> Columns | None:
    """The rows of a list, or None if anything at all is not as in the official files.

    Args:
        file: open at its beginning.
    """
    header = HEADER.fullmatch(b"".join(file.readline() for _ in range(3)))
    if header is None:
        return None
    parts, texts = [], dict[int, str]()
    while block := file.read(_BLOCK):
        part = _read_block(block + file.readline(), texts)
        if part is None:
            return None
        parts.append(part)
    if not parts or sum(map(len, parts)) != int(header["rows"]):
        return None
    return join_columns(parts, texts)


def _read_block(raw: bytes, texts: dict[int, str]) -> Columns | None:
    """Whole lines as columns, or None; label lists not met before are added to `texts`.

    Line ends, points and quotes are found first. Every other mark must stand at its distance from them, and
    what is between must be digits or letters of its column: so nothing of a row is left unread.
    """
    # The last label list is read in words of eight bytes, which may reach beyond the end.
    text = np.frombuffer(raw + bytes(8), np.uint8)
    line_end = np.flatnonzero(text == ord("\n"))
    if not len(line_end) or line_end[-1] + 1 < len(raw):
        return None
    line = np.concatenate([[0], line_end[:-1] + 1])
    points, quotes = np.flatnonzero(text == ord(".")), np.flatnonzero(text == ord('"'))
    if not len(points) == len(quotes) == 2 * len(line):
        return None
    (point, end_point), (quote, end_quote) = points.reshape(-1, 2).T, quotes.reshape(-1, 2).T
    in_order = (line + 13 < point) & (point + 6 < end_point) & (quote + 1 < end_quote)
    if not (in_order & (end_point + 6 == quote) & (end_quote + 1 == line_end)).all():
        return None
    for comma in (line + 11, point + 4, end_point + 4):
        if (text[comma] != ord(",")).any() or (text[comma + 1] != ord(" ")).any():
            return None
    ytid = np.ndarray(len(raw) - 10, "S11", text, strides=(1,))[line]
    bits = _SIX_BITS.take(ytid.view(np.uint8).reshape(-1, 11))
    start_ms = _milliseconds(text, line + 13, point)
    end_ms = _milliseconds(text, point + 6, end_point)
    if (bits > 63).any() or (bits[:, 10] & 3).any() or start_ms is None or end_ms is None:
        return None
    if (start_ms >= end_ms).any():
        return None
    labels = _hash(text, quote + 1, end_quote)
    first = np.flatnonzero(~pd.Series(labels).duplicated().to_numpy())
    for number, row in zip(labels[first].tolist(), first.tolist(), strict=True):
        if number not in texts:
            begin, end = quote[row] + 1, end_quote[row]
            # A byte that is not ASCII becomes a letter that no label has.
            texts[number] = raw[begin:end].decode("latin-1")
            if not MID_LIST.fullmatch(texts[number]):
                return None
    return Columns(
        ytid=ytid,
        ytid_bits=_pack(bits),
        start_ms=start_ms,
        end_ms=end_ms,
        labels=labels,
        texts=texts,
    )


def _milliseconds(text: Bytes, begin: Places, point: Places) -> npt.NDArray[np.int64] | None:
    """Numbers of one to six digits before the point and three behind it, times 1000; None if one is not."""
    before = point - begin
    if (before > 6).any():
        return None
    # Nine digits fit into 32 bits.
    number = np.zeros(len(point), np.int32)
    for place in (*range(-int(before.max()), 0), 1, 2, 3):
        # Unsigned: what stands below "0" in ASCII wraps round to far above 9.
        digit = text[point + place] - np.uint8(ord("0"))
        if place < -1:
            digit[before < -place] = 0
        if (digit > 9).any():
            return None
        number = number * 10 + digit
    return number.astype(np.int64)


def _pack(six_bits: Bytes) -> npt.NDArray[np.uint64]:
    """Eleven base64 digits to the 64 bits they spell: ten of six bits, one of four."""
    packed = np.zeros(len(six_bits), np.uint64)
    for digit in range(10):
        packed = packed << np.uint64(6) | six_bits[:, digit]
    return packed << np.uint64(4) | six_bits[:, 10] >> np.uint8(2)


def _hash(text: Bytes, begin: Places, end: Places) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of each stretch of text, eight bytes at a time.

    That any two of the 56,275 label lists share a hash has a chance of 1e-10.
    """
    words = np.ndarray(len(text) - 7, np.dtype("<u8"), text, strides=(1,))
    length = end - begin
    hashes = length.astype(np.uint64)
    rows = np.arange(len(begin))
    while len(rows):
        word = words[begin] & _LOW_BYTES[np.minimum(length, 8)]
        hashes[rows] = scatter(hashes[rows] ^ word)
        longer = length > 8
        rows, begin, length = rows[longer], begin[longer] + 8, length[longer] - 8
    return hashes


def scatter(numbers: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """splitmix64's finaliser: a bijection of 64-bit numbers that scatters them.

    Source: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
    """
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))

"""Read AudioSet's segment lists as they are, and refuse every damaged copy of them.

A list has three header lines beginning `# `, then rows such as

    --PJHxphWEs, 30.000, 40.000, "/m/09x0r,/t/dd00088"

Ids, times and labels are checked as columns, a million rows at a time; only a file that fails is read again
line by line (`damage.py`), to say where.
Source: https://research.google.com/audioset/download.html
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..errors import DataMismatch
from ..types import Segment
from .damage import HEADER, MID_LIST, describe_damage
from .official import GENUINE, SUBSETS, official_files

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_SIX_BITS = np.full(256, 255, np.uint8)
_SIX_BITS[list(_ALPHABET)] = np.arange(64)


@dataclass(frozen=True, slots=True)
class Catalog:
    """Rows of the lists as columns of equal length [rows].

    `ytid_bits` is the 64-bit number that a ytid spells in base64; `labels` indexes `label_sets`, the distinct
    label lists (52,367 of them in the 2 M official rows); `subset` indexes `SUBSETS`.
    """

    ytid: npt.NDArray[np.bytes_]
    ytid_bits: npt.NDArray[np.uint64]
    start_ms: npt.NDArray[np.int64]
    end_ms: npt.NDArray[np.int64]
    labels: npt.NDArray[np.int64]
    label_sets: tuple[frozenset[str], ...]
    subset: npt.NDArray[np.int8]

    def __len__(self) -> int:
        return len(self.ytid)

    def find(self, ytid: str) -> Iterator[int]:
        """The rows of one video."""
        return map(int, np.flatnonzero(self.ytid == ytid.encode("ascii", "replace")))

    def segment(self, row: int) -> Segment:
        """One row as a noun."""
        return Segment(
            ytid=self.ytid[row].decode(),
            start_ms=int(self.start_ms[row]),
            end_ms=int(self.end_ms[row]),
            mids=self.label_sets[self.labels[row]],
            subset=SUBSETS[self.subset[row]],
        )


@dataclass(frozen=True, slots=True)
class _List:
    """One file's rows, before the label lists of the three are brought together."""

    ytid: npt.NDArray[np.bytes_]
    ytid_bits: npt.NDArray[np.uint64]
    start_ms: npt.NDArray[np.int64]
    end_ms: npt.NDArray[np.int64]
    labels: pd.Categorical


def read_catalog(folder: Path) -> Catalog:
    """Read the three official lists.

    Args:
        folder: where they lie under their official names.

    Raises:
        DataMismatch: a file is damaged or foreign, or a segment occurs twice.
    """
    files = official_files()
    lists = [read_list(folder / files[subset].file) for subset in SUBSETS]
    labels = pd.api.types.union_categoricals([part.labels for part in lists])
    catalog = Catalog(
        ytid=np.concatenate([part.ytid for part in lists]),
        ytid_bits=np.concatenate([part.ytid_bits for part in lists]),
        start_ms=np.concatenate([part.start_ms for part in lists]),
        end_ms=np.concatenate([part.end_ms for part in lists]),
        labels=labels.codes.astype(np.int64),
        label_sets=tuple(frozenset(str(text).split(",")) for text in labels.categories),
        subset=np.repeat(np.arange(len(SUBSETS), dtype=np.int8), [len(part.ytid) for part in lists]),
    )
    _refuse_twice(catalog, folder)
    return catalog


def read_list(path: Path) -> _List:
    """Read one list.

    Raises:
        DataMismatch: with the line, what is wrong with it, and where the genuine file is.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataMismatch(f"{path} cannot be read: {error.strerror}", GENUINE) from error
    columns = _columns(raw)
    if columns is None:
        raise DataMismatch(f"{path}: {describe_damage(raw)}", GENUINE)
    return columns


def _columns(raw: bytes) -> _List | None:
    """The rows as columns, or None if anything at all is not as in the official files."""
    header = HEADER.match(raw)
    if header is None or not raw.endswith(b"\n"):
        return None
    blocks = [_read_block(raw[begin:end]) for begin, end in _blocks(raw, header.end())]
    whole = [block for block in blocks if block is not None]
    if not whole or len(whole) < len(blocks) or sum(map(len, whole)) != int(header["rows"]):
        return None
    texts: dict[int, bytes] = {}
    for block in whole:
        texts |= block.texts
    labels, hashes = pd.factorize(np.concatenate([block.labels for block in whole]))
    distinct = [texts[number].decode("ascii") for number in hashes.tolist()]
    if not all(map(MID_LIST.fullmatch, distinct)):
        return None
    return _List(
        ytid=np.concatenate([block.ytid for block in whole]),
        ytid_bits=np.concatenate([block.ytid_bits for block in whole]),
        start_ms=np.concatenate([block.start_ms for block in whole]),
        end_ms=np.concatenate([block.end_ms for block in whole]),
        labels=pd.Categorical.from_codes(labels, pd.Index(distinct)),
    )


def _blocks(raw: bytes, begin: int) -> Iterator[tuple[int, int]]:
    """Stretches of whole lines, small enough for a processor's cache."""
    while begin < len(raw):
        # A line longer than a block is no official row; the block that begins with it is refused.
        end = raw.rfind(b"\n", begin, begin + _BLOCK) + 1 or len(raw)
        yield begin, end
        begin = end


@dataclass(frozen=True, slots=True)
class _Block:
    """Some rows as columns; `labels` are 64-bit hashes of the label lists, `texts` the lists by hash."""

    ytid: npt.NDArray[np.bytes_]
    ytid_bits: npt.NDArray[np.uint64]
    start_ms: npt.NDArray[np.int64]
    end_ms: npt.NDArray[np.int64]
    labels: npt.NDArray[np.uint64]
    texts: dict[int, bytes]

    def __len__(self) -> int:
        return len(self.ytid)


def _read_block(raw: bytes) -> _Block | None:
    """Whole lines as columns; None unless each is `YTID, S.SSS, E.EEE, "LABELS"` to the byte.

    The line ends, points and quotes are found first; every other mark must then stand at its distance from
    them, and what is between must be digits or letters of its column.
    """
    text = np.frombuffer(raw + bytes(8), np.uint8)
    line_end = np.flatnonzero(text == ord("\n"))
    line = np.concatenate([[0], line_end[:-1] + 1])
    points, quotes = np.flatnonzero(text == ord(".")), np.flatnonzero(text == ord('"'))
    if not len(points) == len(quotes) == 2 * len(line):
        return None
    (point, end_point), (quote, end_quote) = points.reshape(-1, 2).T, quotes.reshape(-1, 2).T
    in_place = (line + 13 < point) & (point + 6 < end_point) & (end_point + 6 == quote) & (quote + 1 < end_quote)
    if not (in_place & (end_quote + 1 == line_end)).all():
        return None
    for comma in (line + 11, point + 4, end_point + 4):
        if (text[comma] != ord(",")).any() or (text[comma + 1] != ord(" ")).any():
            return None
    ids = text[line[:, None] + np.arange(11)]
    bits = _SIX_BITS[ids]
    start_ms = _milliseconds(text, line + 13, point)
    end_ms = _milliseconds(text, point + 6, end_point)
    if (bits > 63).any() or (bits[:, 10] & 3).any() or start_ms is None or end_ms is None:
        return None
    if (start_ms >= end_ms).any():
        return None
    labels = _hash(text, quote + 1, end_quote)
    hashes, first = np.unique(labels, return_index=True)
    return _Block(
        ytid=np.ascontiguousarray(ids).view("S11").ravel(),
        ytid_bits=_pack(bits),
        start_ms=start_ms,
        end_ms=end_ms,
        labels=labels,
        texts={number: raw[quote[row] + 1 : end_quote[row]] for number, row in zip(hashes.tolist(), first.tolist())},
    )


def _milliseconds(
    text: npt.NDArray[np.uint8], begin: npt.NDArray[np.intp], point: npt.NDArray[np.intp]
) -> npt.NDArray[np.int64] | None:
    """Numbers with one to six digits before the point and three behind it, times 1000; None if one is not so."""
    before = point - begin
    if (before > 6).any():
        return None
    number = np.zeros(len(point), np.int64)
    for place in (-6, -5, -4, -3, -2, -1, 1, 2, 3):
        # Wraps round at 256: anything below "0" is far above 9.
        digit = text[point + place] - np.uint8(ord("0"))
        if place < -1:
            digit[before < -place] = 0
        if (digit > 9).any():
            return None
        number = number * 10 + digit
    return number


def _hash(
    text: npt.NDArray[np.uint8], begin: npt.NDArray[np.intp], end: npt.NDArray[np.intp]
) -> npt.NDArray[np.uint64]:
    """A 64-bit hash of each stretch of text, eight bytes at a time.

    Two of the 52,367 label lists share one with a chance of 1e-10.
    """
    words = np.ndarray(len(text) - 7, np.dtype("<u8"), text, strides=(1,))
    hashes = (end - begin).astype(np.uint64)
    rows = np.arange(len(begin))
    while len(rows):
        length = end[rows] - begin
        word = words[begin] & _LOW_BYTES[np.minimum(length, 8)]
        hashes[rows] = scatter(hashes[rows] ^ word)
        longer = length > 8
        rows, begin = rows[longer], begin[longer] + 8
    return hashes


def _pack(six_bits: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint64]:
    """Eleven base64 digits to the 64 bits they spell: ten of six bits, one of four."""
    packed = np.zeros(len(six_bits), np.uint64)
    for digit in range(10):
        packed = packed << np.uint64(6) | six_bits[:, digit]
    return packed << np.uint64(4) | six_bits[:, 10] >> np.uint8(2)


def _refuse_twice(catalog: Catalog, folder: Path) -> None:
    twice = pd.DataFrame({"ytid": catalog.ytid_bits, "start": catalog.start_ms}).duplicated()
    if twice.any():
        segment = catalog.segment(int(np.argmax(twice)))
        raise DataMismatch(f"{folder}: the segment {segment.key} occurs twice in the lists", GENUINE)

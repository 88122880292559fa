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
    if header is None or not raw.endswith(b"\n") or b"\r" in raw or not raw.isascii():
        return None
    text = np.frombuffer(raw, np.uint8)
    starts = np.flatnonzero(text == ord("\n"))[2:-1] + 1
    rows = int(header["rows"])
    # 13 bytes of id and separator must lie inside the file even behind the last line's start.
    if len(starts) != rows or not rows or starts[-1] + 13 > len(raw):
        return None
    if raw.count(b'"') != 2 * rows or raw.count(b".", header.end()) != 2 * rows:
        return None
    ids = text[starts[:, None] + np.arange(11)]
    bits = _SIX_BITS[ids]
    separated = (text[starts + 11] == ord(",")) & (text[starts + 12] == ord(" "))
    if not separated.all() or (bits > 63).any() or (bits[:, 10] & 3).any():
        return None
    try:
        frame = pd.read_csv(
            io.BytesIO(raw),
            skiprows=3,
            header=None,
            names=["start", "end", "labels"],
            usecols=[1, 2, 3],
            skipinitialspace=True,
            dtype="category",
            keep_default_na=False,
        )
    except pd.errors.ParserError:
        return None
    start_ms, end_ms = _milliseconds(frame["start"]), _milliseconds(frame["end"])
    sets_are_lists = all(MID_LIST.fullmatch(str(text)) for text in frame["labels"].cat.categories)
    if len(frame) != rows or start_ms is None or end_ms is None or not sets_are_lists:
        return None
    if (start_ms >= end_ms).any():
        return None
    return _List(
        ytid=np.ascontiguousarray(ids).view("S11").ravel(),
        ytid_bits=_pack(bits),
        start_ms=start_ms,
        end_ms=end_ms,
        labels=frame["labels"].array,
    )


def _milliseconds(column: pd.Series) -> npt.NDArray[np.int64] | None:
    """A categorical column of seconds as whole milliseconds; None if one value is anything else."""
    seconds = column.cat.categories
    if not pd.api.types.is_numeric_dtype(seconds.dtype):
        return None
    exact = seconds.to_numpy(np.float64) * 1000
    if not (np.isfinite(exact) & (exact >= 0) & (abs(exact - np.round(exact)) < 1e-3)).all():
        return None
    by_code = np.round(exact).astype(np.int64)
    milliseconds: npt.NDArray[np.int64] = by_code[column.cat.codes.to_numpy()]
    return milliseconds


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

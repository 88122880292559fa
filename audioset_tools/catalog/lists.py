"""Reads AudioSet's segment lists as they are, and refuses every damaged copy of them.

A list has three header lines beginning `# `, then rows such as

    --PJHxphWEs, 30.000, 40.000, "/m/09x0r,/t/dd00088"

A row is official if it is `YTID, S.SSS, E.EEE, "MID,MID"` and nothing else: one space after a comma, three
decimals, quotes round the labels. Some thousands of rows at a time are checked as arrays; only a file that
fails is read again line by line, to say where and how.
Damaged copies are common: spreadsheet exports with `#NAME?` for ids that begin with `-`, lost header lines,
lost quotes, times turned into integers, downloads that broke off.
Source: https://research.google.com/audioset/download.html
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..exceptions import DataMismatch
from ..files import open_file, read_file
from ..types import YTID, Segment
from .official import GENUINE, SUBSETS, official_files, unread

Bytes = npt.NDArray[np.uint8]
Positions = npt.NDArray[np.intp]

_HEADER_LINES = (
    rb"# [ -~]*",
    rb"# num_ytids=\d+, num_segs=(?P<rows>\d{1,9}), num_unique_labels=\d+, num_positive_labels=\d+",
    rb"# YTID, start_seconds, end_seconds, positive_labels",
)
HEADER = re.compile(b"".join(line + b"\n" for line in _HEADER_LINES))
"""The three header lines of every official list; `rows` is the number of rows that follow."""

SECONDS = re.compile(r"\d{1,6}\.\d{3}")
MID_LIST = re.compile(r"/[a-z]/[0-9a-z_]+(,/[a-z]/[0-9a-z_]+)*")

_TIMES = rf"(?P<start>{SECONDS.pattern}), (?P<end>{SECONDS.pattern})"
_ROW = re.compile(rf'(?P<ytid>{YTID.pattern}), {_TIMES}, "({MID_LIST.pattern})"')

_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_SIX_BITS = np.full(256, 255, np.uint8)
_SIX_BITS[list(_ALPHABET)] = np.arange(64)

_BLOCK = 1 << 19
"""Bytes read at a time: few enough that the arrays made from them stay in a processor's cache."""

_LONGEST_LINE = 1 << 16

MOST_BYTES = 256 * 2**20
"""No list is larger: AudioSet's largest has 100 MB."""

_LOW_BYTES = np.array([(1 << 8 * n) - 1 for n in range(9)], np.uint64)
"""Masks that keep the first n bytes of a little-endian word."""


@dataclass(frozen=True, slots=True)
class Catalog:
    """Rows of the lists as columns of equal length [rows].

    `ytid_bits` is the 64-bit number that a ytid spells in base64; `labels` indexes `label_sets`, the distinct
    label lists (56,275 of them in the 2 M official rows); `subset` indexes `SUBSETS`.
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

    def rows_by_set(self, these: npt.NDArray[np.bool_] | None = None) -> npt.NDArray[np.int64]:
        """How many rows, or of `these` rows [rows], there are of each label set, [subset, label set]."""
        sets = len(self.label_sets)
        numbers = self.subset.astype(np.int64) * sets + self.labels
        chosen = numbers if these is None else numbers[these]
        counts: npt.NDArray[np.int64] = np.bincount(chosen, minlength=len(SUBSETS) * sets).reshape(-1, sets)
        return counts

    def shuffled(self, seed: int) -> npt.NDArray[np.uint64]:
        """Each row's place in a shuffle: by its id, its start and the seed alone, never by the other rows."""
        return scatter(self.ytid_bits ^ scatter(self.start_ms.astype(np.uint64) + np.uint64(seed)))

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


def read_catalog(folder: Path) -> Catalog:
    """Read the three official lists, which lie in a folder under their official names.

    Raises:
        DataMismatch: a file is damaged or foreign, or a segment occurs twice.
    """
    files = official_files()
    lists = [read_list(folder / files[subset].file) for subset in SUBSETS]
    rows = join_columns(lists, lists[0].texts | lists[1].texts | lists[2].texts)
    labels, hashes = pd.factorize(rows.labels)
    catalog = Catalog(
        ytid=rows.ytid,
        ytid_bits=rows.ytid_bits,
        start_ms=rows.start_ms,
        end_ms=rows.end_ms,
        labels=labels,
        label_sets=tuple(frozenset(rows.texts[number].split(",")) for number in hashes.tolist()),
        subset=np.repeat(np.arange(len(SUBSETS), dtype=np.int8), list(map(len, lists))),
    )
    _refuse_twice(catalog, folder)
    return catalog


def _refuse_twice(catalog: Catalog, folder: Path) -> None:
    ordered = np.sort(catalog.ytid_bits)
    # In the official lists no video occurs twice, so sorting settles it.
    if not (ordered[1:] == ordered[:-1]).any():
        return
    twice = pd.DataFrame({"ytid": catalog.ytid_bits, "start": catalog.start_ms}).duplicated()
    if twice.any():
        segment = catalog.segment(int(np.argmax(twice)))
        raise DataMismatch(f"{folder}: the segment {segment.key} occurs twice in the lists", GENUINE)


def read_list(path: Path) -> Columns:
    """Read one list.

    Raises:
        DataMismatch: with the line, what is wrong with it, and where the genuine file is.
        EnvironmentProblem: it cannot be read.
    """
    try:
        with open_file(path) as file:
            columns = read_columns(file)
        if columns is not None:
            return columns
        raw = read_file(path, MOST_BYTES)
    except OSError as error:
        raise unread(path, error) from error
    raise DataMismatch(f"{path}: {describe_damage(raw)}", GENUINE)


def read_columns(file: BinaryIO) -> Columns | None:
    """The rows of a list open at its beginning, or None if anything is not as in the official files."""
    header = HEADER.fullmatch(b"".join(file.readline(_LONGEST_LINE) for _ in range(3)))
    if header is None:
        return None
    parts, texts = [], dict[int, str]()
    while block := file.read(_BLOCK):
        part = _read_block(block + file.readline(_LONGEST_LINE), texts)
        if part is None:
            return None
        parts.append(part)
    if not parts or sum(map(len, parts)) != int(header["rows"]):
        return None
    return join_columns(parts, texts)


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


def _milliseconds(text: Bytes, begin: Positions, point: Positions) -> npt.NDArray[np.int64] | None:
    """Numbers of one to six digits before the point and three behind it, times 1000; None if one is not."""
    before = point - begin
    if (before > 6).any():
        return None
    # Nine digits fit into 32 bits.
    number = np.zeros(len(point), np.int32)
    for offset in (*range(-int(before.max()), 0), 1, 2, 3):
        # Unsigned: what stands below "0" in ASCII wraps round to far above 9.
        digit = text[point + offset] - np.uint8(ord("0"))
        if offset < -1:
            digit[before < -offset] = 0
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


def _hash(text: Bytes, begin: Positions, end: Positions) -> npt.NDArray[np.uint64]:
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


def describe_damage(raw: bytes) -> str:
    """Say where a list that is known to be damaged first departs from the official form, and how."""
    if not raw.strip():
        return "the file is empty"
    header = HEADER.match(raw)
    if header is None:
        return _describe_header(raw)
    rows = raw[header.end() :].split(b"\n")
    last = rows.pop()
    for number, row in enumerate(rows, start=4):
        if wrong := _describe_row(row.decode("utf-8", "replace")):
            return f"line {number}: {wrong}"
    promised = int(header["rows"])
    if last and len(rows) + 1 == promised and not _describe_row(last.decode("utf-8", "replace")):
        return f"line {len(rows) + 4}: its line end is missing; the row is whole, and so is all before it"
    if last:
        return f"line {len(rows) + 4}: the last line is cut off: the download or the disk broke off there"
    if len(rows) != promised:
        return f"line {len(rows) + 3}: the file ends after {len(rows):,} rows of {promised:,} promised"
    return "the file is not in the form of an AudioSet segment list"


def _describe_header(raw: bytes) -> str:
    lines = raw.split(b"\n", 3)[:3]
    if lines[0].endswith(b"\r"):
        return "line 1: Windows line ends; something has rewritten the file"
    for number, (line, form) in enumerate(zip(lines, _HEADER_LINES, strict=False), start=1):
        found = ascii(line[:60].decode("utf-8", "replace"))
        if not line.startswith(b"# "):
            return f"line {number}: a header line beginning '# ' is expected, found {found}"
        if not re.fullmatch(form, line):
            return f"line {number}: not as in the header of an AudioSet segment list: {found}"
    return f"line {len(lines)}: the file ends inside its header"


def _describe_row(row: str) -> str | None:
    """What is wrong with one row, or None."""
    match = _ROW.fullmatch(row)
    if match:
        backwards = float(match["start"]) >= float(match["end"])
        return f"the segment ends before it starts: {row[:80]!a}" if backwards else None
    if row.startswith("#"):
        return f"a spreadsheet has replaced the id by an error value: {row[:40]!a}"
    if row.endswith("\r"):
        return "Windows line ends; something has rewritten the file"
    fields = row.split(", ")
    if len(fields) < 4:
        return f"4 columns separated by ', ' are expected, found {len(fields)}: {row[:80]!a}"
    if not YTID.fullmatch(fields[0]):
        return f"not a video id: {fields[0][:40]!a}"
    for text in fields[1:3]:
        if not SECONDS.fullmatch(text):
            return f"a time in seconds with three decimals is expected, found {text[:20]!a}"
    if not (fields[3].startswith('"') and row.endswith('"')):
        return f"the label list has lost its quotes: {fields[3][:60]!a}"
    return f"not a list of labels: {fields[3][:60]!a}"

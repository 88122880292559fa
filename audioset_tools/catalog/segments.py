"""Read AudioSet's segment lists as they are, and refuse every damaged copy of them.

A list has three header lines beginning `# `, then rows such as

    --PJHxphWEs, 30.000, 40.000, "/m/09x0r,/t/dd00088"

Rows are checked as columns (`columns.py`); only a file that fails is read again line by line (`damage.py`),
to say where.
Source: https://research.google.com/audioset/download.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from ..errors import DataMismatch
from ..types import Segment
from .columns import Columns, join_columns, read_columns
from .damage import describe_damage
from .official import GENUINE, SUBSETS, official_files


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

    def segment(self, row: int) -> Segment:
        """One row as a noun."""
        return Segment(
            ytid=self.ytid[row].decode(),
            start_ms=int(self.start_ms[row]),
            end_ms=int(self.end_ms[row]),
            mids=self.label_sets[self.labels[row]],
            subset=SUBSETS[self.subset[row]],
        )


def read_catalog(folder: Path) -> Catalog:
    """Read the three official lists.

    Args:
        folder: where they lie under their official names.

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


def read_list(path: Path) -> Columns:
    """Read one list.

    Raises:
        DataMismatch: with the line, what is wrong with it, and where the genuine file is.
    """
    try:
        with path.open("rb") as file:
            columns = read_columns(file)
        if columns is not None:
            return columns
        raw = path.read_bytes()
    except OSError as error:
        raise DataMismatch(f"{path} cannot be read: {error.strerror}", GENUINE) from error
    raise DataMismatch(f"{path}: {describe_damage(raw)}", GENUINE)


def _refuse_twice(catalog: Catalog, folder: Path) -> None:
    ordered = np.sort(catalog.ytid_bits)
    # In the official lists no video occurs twice, so sorting settles it.
    if not (ordered[1:] == ordered[:-1]).any():
        return
    twice = pd.DataFrame({"ytid": catalog.ytid_bits, "start": catalog.start_ms}).duplicated()
    if twice.any():
        segment = catalog.segment(int(np.argmax(twice)))
        raise DataMismatch(f"{folder}: the segment {segment.key} occurs twice in the lists", GENUINE)

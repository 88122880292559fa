"""`dataset.csv`: the frozen splits on disk, one clip a row, for people and spreadsheets to read as well."""

import csv
import io
from dataclasses import astuple
from pathlib import Path

from ..errors import DataMismatch
from ..workspace import write_beside
from .split import SPLITS, Placement

HEADER = ["key", "class", "also", "split", "path", "sha256"]
"""`also` holds the other classes that a clip carries, with `SEPARATOR` between them."""

SEPARATOR = ";"

RESTORE = (
    "Restore the file from a copy; if there is none, delete it together with shards/ and runs/: "
    "the splits are then drawn anew and old test figures no longer count."
)


def read_dataset(path: Path) -> list[Placement]:
    """The placements of a `dataset.csv`, or none if there is no such file yet.

    Raises:
        DataMismatch: the file is damaged; the message has the line.
    """
    if not path.exists():
        return []
    try:
        text = path.read_text(encoding="utf-8")
        rows = list(csv.reader(io.StringIO(text)))
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataMismatch(f"{path} is no CSV text: {error}", RESTORE) from error
    if not text.endswith("\n"):
        raise DataMismatch(f"{path} is cut off: its last line does not end", RESTORE)
    if rows[0] != HEADER:
        raise DataMismatch(f"{path}, line 1: the columns are not {','.join(HEADER)}", RESTORE)
    placements: dict[str, Placement] = {}
    for line, row in enumerate(rows[1:], start=2):
        trouble = _trouble(row)
        if not trouble and row[0] in placements:
            trouble = f"clip {row[0]} stands there twice"
        if trouble:
            raise DataMismatch(f"{path}, line {line}: {trouble}", RESTORE)
        key, class_name, also, *rest = row
        placements[key] = Placement(key, class_name, tuple(filter(None, also.split(SEPARATOR))), *rest)
    return list(placements.values())


def _trouble(row: list[str]) -> str:
    if len(row) != len(HEADER):
        return f"{len(row)} fields instead of {len(HEADER)}"
    key, class_name, _, split, path, sha256 = row
    if not all((key, class_name, split, path, sha256)):
        return "an empty field"
    if split not in SPLITS:
        return f"no such split: {split!r}"
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        return f"no sha256: {sha256!r}"
    return ""


def write_dataset(path: Path, placements: tuple[Placement, ...]) -> None:
    """Write a `dataset.csv` whole or not at all."""
    with (
        write_beside(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as handle,
    ):
        table = csv.writer(handle, lineterminator="\n")
        table.writerow(HEADER)
        for key, class_name, also, *rest in map(astuple, placements):
            table.writerow((key, class_name, SEPARATOR.join(also), *rest))

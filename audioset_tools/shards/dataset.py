"""`dataset.csv`: which clip is for training, for validation and for the test, decided once and for good.

One clip a row, for people and spreadsheets to read as well. `splits` decides, this writes and reads.
"""

import re
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from ..csvfile import MOST_BYTES, csv_parsed, write_csv
from ..exceptions import DataMismatch
from ..files import read_file
from ..types import join_classes, split_classes
from .placements import MOST_OF_A_KEY, SPLITS, Placement, Placements

GROUP = re.compile(r"g[a-z2-7]{10}")
"""The name of a group."""


HEADER = ["key", "class", "also", "split", "path", "sha256", "labels", "group"]
"""`also` holds the other classes that a clip carries, `labels` what the lists say: see `join_classes`. Files
of before there were groups lack the last."""

RESTORE = (
    "Restore the file from a copy; if there is none, delete it together with shards/ and runs/: "
    "the splits are then drawn again and old test figures no longer count."
)


def read_dataset(path: Path) -> Placements:
    """The placements of a `dataset.csv`, or none if there is no such file yet.

    Raises:
        DataMismatch: the file is damaged; the message has the line.
    """
    try:
        content = read_file(path, MOST_BYTES)
    except FileNotFoundError:
        return Placements()
    except OSError as error:
        raise DataMismatch(f"{path} cannot be read: {error.strerror}", RESTORE) from error
    if not content.endswith(b"\n"):
        raise DataMismatch(f"{path} is cut off: its last line does not end", RESTORE)
    grouped = content[: content.index(b"\n")].rstrip(b"\r").endswith(b",group")
    header = HEADER if grouped else HEADER[:-1]
    placements = Placements(csv_parsed(content, str(path), header, _parse, RESTORE))
    if placements.has_twins():
        # Once more, for the line of which nobody kept account.
        keys = set[str]()

        def parse(row: dict[str, str]) -> None:
            key = _parse(row).key
            if key in keys:
                raise ValueError(f"clip {key} stands there twice")
            keys.add(key)

        deque(csv_parsed(content, str(path), header, parse, RESTORE), 0)
    return placements


def read_datasets(paths: Iterable[Path]) -> dict[str, Placement]:
    """By key every clip that some tables place; the split is that of the first which does.

    Raises:
        DataMismatch: one is damaged; the message has the line.
    """
    placed: dict[str, Placement] = {}
    for path in paths:
        placed = {one.key: one for one in read_dataset(path)} | placed
    return placed


def _parse(row: dict[str, str]) -> Placement:
    key, class_name, also, split, path, sha256, labels, group = [*row.values(), ""][: len(HEADER)]
    if not all((key, class_name, split, path, sha256)):
        raise ValueError("an empty field")
    if len(key) > MOST_OF_A_KEY or not key.isascii() or not key.isprintable():
        raise ValueError(f"no key of a clip: {key[:40]!a}")
    if split not in SPLITS:
        raise ValueError(f"no such split: {split!r}")
    if len(sha256) != 64 or set(sha256) - set("0123456789abcdef"):
        raise ValueError(f"no sha256: {sha256!r}")
    if group and not GROUP.fullmatch(group):
        raise ValueError(f"no group: {group[:40]!a}")
    return Placement(key, class_name, split_classes(also), split, path, sha256, split_classes(labels), group)


def write_dataset(path: Path, placements: Iterable[Placement]) -> None:
    """Write a `dataset.csv` whole or not at all."""
    write_csv(
        path,
        HEADER,
        (
            (
                one.key,
                one.class_name,
                join_classes(one.also),
                one.split,
                one.path,
                one.sha256,
                join_classes(one.labels),
                one.group,
            )
            for one in placements
        ),
    )

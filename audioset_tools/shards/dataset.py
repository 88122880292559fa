"""`dataset.csv`: which clip is for training, for validation and for the test, decided once and for good.

One clip a row, for people and spreadsheets to read as well. `splits` decides, this writes and reads.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..csvfile import MOST_BYTES, csv_blocks, csv_cells, csv_parsed, write_lines
from ..exceptions import DataMismatch
from ..files import read_file
from ..ledger.columns import Told
from ..types import join_classes, split_classes
from .placements import MOST_OF_A_KEY, SPLITS, Gathering, Placement, Placements

GROUP = re.compile(r"g[a-z2-7]{10}")
"""The name of a group."""

_GROUP_OR_NONE = re.compile(rf"(?:{GROUP.pattern})?")
_KEY = re.compile(rf"[ -~]{{1,{MOST_OF_A_KEY}}}")
_SHA256 = re.compile(r"[0-9a-f]{64}")


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
    gathering, told = Gathering(), dict[tuple[str, str, str], Told]()
    for columns in csv_blocks(content, str(path), header, partial(_parse, told), RESTORE):
        gathering.add(*columns)
    placements = gathering.placements()
    if placements.has_twins():
        # Once more, for the line of which nobody kept account.
        keys = set[str]()

        def parse(row: dict[str, str]) -> None:
            if row["key"] in keys:
                raise ValueError(f"clip {row['key']} stands there twice")
            keys.add(row["key"])

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


def _parse(told: dict[tuple[str, str, str], Told], rows: Sequence[list[str]]) -> tuple[Sequence[Any], ...]:
    """What `Gathering` takes, from some rows.

    Args:
        told: what the classes and labels of rows before were.
        rows: the fields of each.
    """
    key, class_name, also, split, path, sha256, labels, *grouped = zip(*rows, strict=True)
    group = grouped[0] if grouped else [""] * len(rows)
    if any("" in column for column in (key, class_name, split, path, sha256)):
        raise ValueError("an empty field")
    if not all(map(_KEY.fullmatch, key)):
        raise ValueError(f"no key of a clip: {key[0][:40]!a}")
    if not {*split} <= {*SPLITS}:
        raise ValueError(f"no such split: {split[0][:40]!a}")
    if not all(map(_SHA256.fullmatch, sha256)):
        raise ValueError(f"no sha256: {sha256[0][:80]!a}")
    if not all(map(_GROUP_OR_NONE.fullmatch, group)):
        raise ValueError(f"no group: {group[0][:40]!a}")
    about = [*zip(class_name, also, labels, strict=True)]
    for one in about:
        if one not in told:
            told[one] = one[0], split_classes(one[1]), split_classes(one[2])
    return key, path, sha256, split, [told[one] for one in about], group


def write_dataset(path: Path, placements: Iterable[Placement]) -> None:
    """Write a `dataset.csv` whole or not at all."""
    placed = placements if isinstance(placements, Placements) else Placements(placements)
    told = [
        csv_cells([kind.class_name, *map(join_classes, (kind.also, kind.labels))]) for kind in placed.kinds
    ]

    def blocks() -> Iterator[str]:
        for key, where, sha256, split, group, kind in placed.blocks():
            texts, lines = map(csv_cells, (key, where, sha256, group)), []
            for one, file, digest, name, of_split, code in zip(*texts, split, kind, strict=True):
                class_name, also, labels = told[code]
                lines.append(f"{one},{class_name},{also},{of_split},{file},{digest},{labels},{name}\n")
            yield "".join(lines)

    write_lines(path, HEADER, blocks())

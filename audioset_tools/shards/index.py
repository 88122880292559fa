"""`index.json`: which shards make up a finished folder, and what the train split is like.

It goes before the first shard of a folder changes and comes back after the last one is in place, so that a
folder without it is unfinished and nobody trains on half of it.
"""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..exceptions import DataMismatch
from ..files import leftovers, parse_json, read_file, write_beside

NAME = "index.json"

_NAME_OF_SHARD = re.compile(r"(?:\d{3,}/)?[\w-]+\.h5", re.ASCII)

_IN_A_FOLDER = 1_000
"""Shards of a split that lie together: file systems of clusters list a folder of many thousands slowly."""

_MOST_ROWS = 10**8
"""Of all shards together: fifty noise copies of every segment of AudioSet."""

FEATURIZE_AGAIN = "Run `audioset-tools featurize` again: it keeps what is right and makes the rest again."

REPAIR = "Run `audioset-tools verify --deep --repair`, then `audioset-tools featurize`: it makes that again."
"""Where a row is damaged: `featurize` alone reads headers and would keep it."""


def shard_name(split: str, number: int) -> str:
    """Where a shard lies in its folder, for good: the first thousand of a split there, others below it."""
    name = f"{split}-{number:05d}.h5"
    return name if number < _IN_A_FOLDER else f"{number // _IN_A_FOLDER:03d}/{name}"


def shard_files(folder: Path, pattern: str = "*.h5") -> list[Path]:
    """The files of a folder of shards, by their own names.

    Args:
        folder: where the shards of one spec lie.
        pattern: of their names; that of shards if left out.
    """
    found = [*folder.glob(pattern), *folder.glob(f"[0-9][0-9][0-9]*/{pattern}")]
    return sorted(found, key=lambda path: path.name)


def half_written(folder: Path) -> list[Path]:
    """What processes that are gone left half-written in a folder of shards."""
    return [path for one in (folder, *folder.glob("[0-9][0-9][0-9]*")) for path in leftovers(one)]


@dataclass(frozen=True, slots=True)
class Listed:
    """A shard of a finished folder.

    Args:
        split: of all its rows.
        rows: how many it has.
        inputs: the digest of what it was made from.
    """

    split: str
    rows: int
    inputs: str


@dataclass(frozen=True, slots=True)
class Index:
    """What a finished folder holds.

    Args:
        shards: by the file's name, as `shard_name` gives it.
        mean, std: of every band over all rows and frames of the train split; empty without one.
    """

    shards: Mapping[str, Listed]
    mean: tuple[float, ...]
    std: tuple[float, ...]


def write_index(folder: Path, index: Index) -> None:
    """Declare a folder of shards finished."""
    content = {
        "shards": {name: asdict(listed) for name, listed in index.shards.items()},
        "mean": index.mean,
        "std": index.std,
    }
    with write_beside(folder / NAME) as temporary:
        temporary.write_text(json.dumps({**content, "sha256": _digest(content)}, indent=1) + "\n")


def read_index(folder: Path) -> Index:
    """What is in a finished folder.

    Raises:
        DataMismatch: featurize did not finish here, or the file is damaged.
    """
    try:
        content = parse_json(read_file(folder / NAME))
        if content.pop("sha256") != _digest(content):
            raise ValueError("not what was written")
        shards = {name: Listed(**listed) for name, listed in content["shards"].items()}
        if not _possible(shards):
            raise ValueError("no shards of this folder")
        return Index(shards, _numbers(content["mean"]), _numbers(content["std"]))
    except FileNotFoundError as error:
        raise DataMismatch(
            f"{folder} is unfinished: featurize did not come to its end, or clips were taken out since",
            f"If it is still running, wait; else: {FEATURIZE_AGAIN}",
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        raise DataMismatch(f"{folder / NAME} is damaged or of another version", FEATURIZE_AGAIN) from error


def _possible(shards: Mapping[str, Listed]) -> bool:
    """Whether the names are of files in this very folder, with no more rows than one can count in memory."""
    right = all(
        _NAME_OF_SHARD.fullmatch(name)
        and isinstance(one.split, str)
        and isinstance(one.inputs, str)
        and isinstance(one.rows, int)
        and one.rows > 0
        for name, one in shards.items()
    )
    return right and sum(one.rows for one in shards.values()) <= _MOST_ROWS


def _numbers(values: list[Any]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)


def _digest(content: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()

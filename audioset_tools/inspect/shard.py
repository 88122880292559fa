"""What is inside a shard."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..exceptions import UsageError
from ..shards.index import shard_files
from ..shards.reader import find_shards
from ..shards.shard import ShardHeader, Statistics, keys_of, open_shard
from ..types import ID_FORMS
from ..workspace import Workspace, printable

FIRST_KEYS = 5


@dataclass(frozen=True, slots=True)
class ShardFacts:
    """What is inside a shard.

    Args:
        size: of the file, bytes.
        header: what its rows mean.
        rows: how many mels it holds, noise copies included.
        classes: per class, how many clips and how many rows carry it.
        noise_copies: the most of a clip.
        first_keys: of the first clips.
    """

    path: Path
    size: int
    header: ShardHeader
    rows: int
    classes: Mapping[str, tuple[int, int]]
    noise_copies: int
    statistics: Statistics
    first_keys: tuple[str, ...]


def find_shard(text: str, workspace: Workspace, folder: str | None) -> Path:
    """The shard that a user names.

    Args:
        text: a path; or a name below the workspace, below its shards, or in one folder of them.
        folder: the folder of shards to look in, where several have a shard of that name.

    Raises:
        UsageError: there is none of that name, or no such workspace.
        DataMismatch: there are several.
    """
    for path in (Path(text), workspace.root / text, workspace.shards / text):
        if path.is_file():
            return path
        if path.is_dir():
            names = ", ".join(printable(inner.name) for inner in shard_files(path))
            raise UsageError(f"{printable(path)} is a folder", f"Name one of its shards: {names or 'none'}.")
    if workspace.shards.is_dir():
        found = find_shards(workspace.shards, folder)
        for path in (found / text, *(path for path in shard_files(found) if path.name == text)):
            if found in path.parents and path.is_file():
                return path
    workspace.existing()
    raise UsageError(
        f"{printable(text)!r} is neither a shard nor a clip",
        f"Give the path of an .h5 file, or {ID_FORMS}.",
    )


def inspect_shard(path: Path) -> ShardFacts:
    """Look into a shard.

    Raises:
        DataMismatch: it is none, or damaged.
    """
    shard = open_shard(path)
    classes = {}
    for number, name in enumerate(shard.header.class_names):
        mine = shard.target[:, number] == 1
        classes[name] = (int((mine & (shard.noise == 0)).sum()), int(mine.sum()))
    return ShardFacts(
        path=path,
        size=path.stat().st_size,
        header=shard.header,
        rows=len(shard.label),
        classes=classes,
        noise_copies=int(shard.noise.max()),
        statistics=shard.statistics,
        first_keys=tuple(dict.fromkeys(keys_of(shard)))[:FIRST_KEYS],
    )

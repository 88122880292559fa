"""Everything that is known about one clip."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..exceptions import DataMismatch, UsageError
from ..ledger import Ledger
from ..ledger.changes import candidates_of
from ..ledger.queries import Standing, standing
from ..shards.dataset import read_dataset
from ..shards.index import shard_files
from ..shards.reader import find_shards
from ..shards.shard import Shard, keys_of, open_shard
from ..types import ClipId
from ..workspace import Workspace


@dataclass(frozen=True, slots=True)
class MelFacts:
    """One mel of a clip: which copy, where it lies, and its values; or how it is damaged, and no values."""

    shard: str
    row: int
    noise: int
    low: float | None
    high: float | None
    mean: float | None
    damage: str = ""


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """What is known about a clip.

    Args:
        standing: its state in the ledger, if there is one that knows it.
        split: in `dataset.csv`; empty if it is not there.
        mels: all of it, noise copies included, by folder of shards.
        unreadable: shards that could not be searched.
    """

    key: str
    standing: Standing | None
    split: str
    mels: tuple[MelFacts, ...]
    unreadable: tuple[str, ...]


def find_clip(meant: ClipId, workspace: Workspace, folder: str | None) -> str:
    """The key of the clip that is meant; of a video, that of its only one.

    Args:
        meant: a clip, or a video.
        workspace: whose ledger, `dataset.csv` and shards are searched.
        folder: the only folder of shards to search; None for all.

    Raises:
        UsageError: nothing is known of it, the video has several clips, or there is no such workspace.
        DataMismatch: the ledger or `dataset.csv` is damaged.
    """
    if meant.start_ms is not None:
        return str(meant)
    keys = {placement.key for placement in read_dataset(workspace.dataset) if meant.holds(placement.key)}
    if workspace.ledger.exists():
        with Ledger(workspace.ledger, read_only=True) as ledger:
            keys |= {candidate.key for candidate in candidates_of(ledger, [meant.ytid])}
    for path in () if keys else _shards(workspace, folder):
        with suppress(DataMismatch):
            keys |= {key for key in keys_of(open_shard(path)) if meant.holds(key)}
    if not keys:
        raise _unknown(str(meant), workspace)
    if len(keys) > 1:
        raise UsageError(
            f"{len(keys)} clips of the video {meant} are known in {workspace.root}",
            f"Name one of them by its key: {', '.join(sorted(keys))}.",
        )
    return keys.pop()


def inspect_clip(key: str, workspace: Workspace, folder: str | None) -> ClipFacts:
    """Gather what is known about a clip.

    Args:
        key: its video's id, an underscore, and its start in milliseconds.
        workspace: whose ledger, `dataset.csv` and shards are searched.
        folder: the only folder of shards to search; None for all.

    Raises:
        UsageError: nothing is known of it, or there is no such workspace or folder of shards.
        DataMismatch: the ledger or `dataset.csv` is damaged.
    """
    known = None
    if workspace.ledger.exists():
        with Ledger(workspace.ledger, read_only=True) as ledger:
            known = standing(ledger, key)
    splits = [placement.split for placement in read_dataset(workspace.dataset) if placement.key == key]
    mels: list[MelFacts] = []
    unreadable = []
    for path in _shards(workspace, folder):
        try:
            shard = open_shard(path)
        except DataMismatch:
            unreadable.append(path.relative_to(workspace.root).as_posix())
            continue
        name = path.relative_to(workspace.root).as_posix()
        rows = np.flatnonzero(shard.key == key.encode()).tolist()
        mels += [_mel_facts(shard, row, name) for row in rows]
    if known is None and not splits and not mels:
        raise _unknown(key, workspace)
    return ClipFacts(key, known, "".join(splits[:1]), tuple(mels), tuple(unreadable))


def _unknown(clip: str, workspace: Workspace) -> UsageError:
    """The error of a clip of which nothing is known; that of a workspace that is not there is raised."""
    workspace.existing()
    return UsageError(
        f"no clip {clip} is known in {workspace.root}",
        "Name its --workspace; `audioset-tools select --explain ID` says why a clip is in or out.",
    )


def which_row(facts: ClipFacts, noise: int) -> MelFacts:
    """The one mel of a clip to draw.

    Args:
        facts: what is known about it.
        noise: which copy; 0 for the clip itself.

    Raises:
        UsageError: there is none, or there are some of several specs.
    """
    copies = sorted({mel.noise for mel in facts.mels})
    found = [mel for mel in facts.mels if mel.noise == noise]
    if not copies:
        raise UsageError(f"no shard holds clip {facts.key}", "Run first: audioset-tools featurize")
    if not found:
        raise UsageError(f"clip {facts.key} has no noise copy {noise}", f"It has {copies}, 0 being itself.")
    # Below `shards/`, the name of the spec's folder comes first.
    folders = sorted({Path(mel.shard).parts[1] for mel in found})
    if len(folders) > 1:
        raise UsageError(
            f"clip {facts.key} is in {len(folders)} folders of shards",
            f"Choose one with --shards: {', '.join(folders)}.",
        )
    return found[0]


def _shards(workspace: Workspace, folder: str | None) -> Iterator[Path]:
    if folder is not None:
        yield from shard_files(find_shards(workspace.shards, folder))
    else:
        for path in sorted(workspace.shards.glob("*/")):
            yield from shard_files(path)


def _mel_facts(shard: Shard, row: int, name: str) -> MelFacts:
    noise = int(shard.noise[row])
    try:
        (mel,) = shard.read(row, row + 1)
    except DataMismatch as error:
        return MelFacts(name, row, noise, None, None, None, error.what)
    return MelFacts(name, row, noise, float(mel.min()), float(mel.max()), float(mel.mean(dtype=np.float64)))

"""Everything that is known about one clip."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import DataMismatch, UsageError
from ..featurize.dataset import read_dataset
from ..featurize.reader import find_shards
from ..featurize.shard import Shard, open_shard
from ..history import Standing, standing
from ..ledger import Ledger
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
        key: its key.
        standing: what the ledger says, if there is one and it does.
        split: in `dataset.csv`; empty if it is not there.
        mels: all of it, noise copies included, by folder of shards.
        unreadable: shards that could not be searched.
    """

    key: str
    standing: Standing | None
    split: str
    mels: tuple[MelFacts, ...]
    unreadable: tuple[str, ...]


def inspect_clip(key: str, workspace: Workspace, folder: str | None) -> ClipFacts:
    """Gather what is known about a clip.

    Args:
        key: its key.
        workspace: where to look.
        folder: the only folder of shards to look in; None for all.

    Raises:
        UsageError: nobody knows it.
        DataMismatch: the ledger or `dataset.csv` is damaged, or there is no such folder of shards.
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
        raise UsageError(
            f"no clip {key} is known in {workspace.root}",
            "Name its --workspace; `audioset-tools select --explain YTID` says why a clip is in or out.",
        )
    return ClipFacts(key, known, "".join(splits[:1]), tuple(mels), tuple(unreadable))


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
    folders = sorted({Path(mel.shard).parent.name for mel in found})
    if len(folders) > 1:
        raise UsageError(
            f"clip {facts.key} is in {len(folders)} folders of shards",
            f"Choose one with --shards: {', '.join(folders)}.",
        )
    return found[0]


def _shards(workspace: Workspace, folder: str | None) -> Iterator[Path]:
    if folder is not None:
        yield from sorted(find_shards(workspace.shards, folder).glob("*.h5"))
    else:
        yield from sorted(workspace.shards.glob("*/*.h5"))


def _mel_facts(shard: Shard, row: int, name: str) -> MelFacts:
    noise = int(shard.noise[row])
    try:
        (mel,) = shard.read(row, row + 1)
    except DataMismatch as error:
        return MelFacts(name, row, noise, None, None, None, error.what)
    return MelFacts(name, row, noise, float(mel.min()), float(mel.max()), float(mel.mean(dtype=np.float64)))

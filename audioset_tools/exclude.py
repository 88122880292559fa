"""Leaves out of a workspace what somebody listed: the next candidates take the places of these clips.

The ledger is told first, in a way that not even a power cut undoes. What follows on disk is derived from it
and from what is there: files are set aside, then the shards go, and last the rows of `dataset.csv`, which
tell that shards may hold these clips. So an exclusion that was interrupted is completed by the next fetch or
the next featurize, and so is what a backup brought back.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from . import takeout, upkeep
from .exclusions import Exclusion
from .ledger import Ledger
from .workspace import Workspace


@dataclass(frozen=True, slots=True)
class Excluded:
    """What a list changed.

    Args:
        candidates: how many are out because of it that were not before, or for another reason.
        unknown: its keys that are in no queue.
        set_aside: where the files of clips that were there lie now, below the workspace.
        shards: that held one of them and were removed, below the workspace.
    """

    candidates: int
    unknown: tuple[str, ...]
    set_aside: tuple[str, ...]
    shards: tuple[str, ...]


def exclude(ledger: Ledger, workspace: Workspace, listed: Iterable[Exclusion], at: float) -> Excluded:
    """Put what is listed out of the queues and out of the data set; doing it again changes nothing.

    The caller holds the workspace's lock.

    Args:
        ledger: the workspace's.
        workspace: where to look for files.
        listed: which clips, and why.
        at: seconds since the epoch, for the record.
    """
    why = {one.key: one.detail for one in listed}
    videos = {key[:11] for key in why}
    known = [candidate for candidate in upkeep.candidates_of(ledger, videos) if candidate.key in why]
    n = upkeep.exclude(ledger, [(candidate, why[candidate.key]) for candidate in known], at)
    set_aside, shards = finish_excluding(ledger, workspace)
    unknown = why.keys() - {candidate.key for candidate in known}
    return Excluded(n, tuple(sorted(unknown)), set_aside, shards)


def finish_excluding(ledger: Ledger, workspace: Workspace) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """See that nothing on disk belongs to the data set that is excluded from it.

    Returns:
        Where files lie now that were set aside, and the shards removed, both below the workspace.
    """
    out = upkeep.excluded(ledger)
    paths = [workspace.clip(candidate.class_name, candidate.key) for candidate in out]
    moved = tuple(workspace.put_aside(path) for path in paths if path.exists())
    keys = {candidate.key for candidate in out}
    shards: list[str] = []
    if takeout.names(workspace.dataset, keys.__contains__):
        removed = takeout.remove_shards(workspace, keys.__contains__)
        shards += (path.relative_to(workspace.root).as_posix() for path in removed)
        takeout.remove_rows(workspace.dataset, keys.__contains__)
    return moved, tuple(shards)


def excluded_line(done: Excluded) -> str:
    """What a list changed, in words."""
    said = [f"{_counted(done.candidates, 'candidate is', 'candidates are')} newly excluded"]
    if done.set_aside:
        said.append(f"{_counted(len(done.set_aside), 'clip lies', 'clips lie')} in set-aside/ now")
    if done.shards:
        said.append(
            f"{_counted(len(done.shards), 'shard is', 'shards are')} gone, for featurize to make anew"
        )
    if done.unknown:
        said.append(f"{_counted(len(done.unknown), 'key is', 'keys are')} in no queue")
    return "; ".join(said)


def _counted(n: int, one: str, many: str) -> str:
    return f"{n:,} {one if n == 1 else many}"

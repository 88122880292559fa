"""A whole workspace against its own records: the clips, and the shards made from them."""

import time
from collections.abc import Callable

from .featurize import verify as shards
from .fetch import verify as clips
from .findings import Report
from .ledger import Ledger
from .workspace import Workspace

Show = Callable[[int, int, str], None]


def verify(
    workspace: Workspace,
    deep: bool,
    on_progress: Show,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """Look a workspace over without changing anything; any other command may be running in it.

    Args:
        workspace: which.
        deep: read every byte instead of sizes, headers and small columns.
        on_progress: told how many files are done, how many there are, and what they are.
        clock: seconds since the epoch.
        sleep: waits so many seconds.

    Raises:
        DataMismatch: there is no ledger, or none that can be read.
    """
    report = clips.verify(workspace, deep, _of(on_progress, "clips"), clock, sleep)
    with Ledger(workspace.ledger, read_only=True) as ledger:
        recorded = _recorded(ledger)
    return report + shards.verify(workspace, recorded, deep, _of(on_progress, "shards"), clock, sleep)


def repair(ledger: Ledger, workspace: Workspace, deep: bool, on_progress: Show, at: float) -> Report:
    """Put right what can be. The caller holds the workspace's lock.

    Args:
        ledger: open for writing.
        workspace: which.
        deep: read every byte instead of sizes, headers and small columns.
        on_progress: told how many files are done, how many there are, and what they are.
        at: seconds since the epoch, for the record.

    Raises:
        DataMismatch: the ledger's pages are damaged.
    """
    report = clips.repair(ledger, workspace, deep, _of(on_progress, "clips"), at)
    return report + shards.repair(workspace, _recorded(ledger), deep, _of(on_progress, "shards"))


def _of(on_progress: Show, what: str) -> Callable[[int, int], None]:
    return lambda done, total: on_progress(done, total, what)


def _recorded(ledger: Ledger) -> shards.Recorded:
    origin = ledger.origin()
    accepted = {clip.key: clip for _, clip in ledger.clips()}
    return shards.Recorded(origin.recipe if origin else "", ledger.class_names, accepted)

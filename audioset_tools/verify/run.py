"""A whole workspace against its own records: the clips, and the shards made from them."""

import os
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from time import time

from ..exceptions import DataMismatch
from ..ledger import Ledger
from ..manifest.compare import compare
from ..manifest.document import read_manifest
from ..types import OnProgress, silent
from ..workspace import AnyPath, Workspace
from . import clips, shards
from .findings import Report


def verify(
    workspace: Workspace,
    *,
    deep: bool = False,
    repair: bool = False,
    against: AnyPath | None = None,
    on_progress: OnProgress = silent,
) -> Report:
    """Compare the ledger with clips and shards, and put right what can be if asked to.

        report = verify(Workspace("audioset"), deep=True)
        report.left        # what is wrong: () if all is well

    Args:
        workspace: no other process may be writing to it meanwhile.
        deep: read every byte instead of sizes, headers and small columns.
        repair: queue again what is lost, mend the ledger's counts, remove damaged shards; without this
            nothing is changed.
        against: a manifest of `freeze`, to say of each of its clips whether it is here, to the byte or by its
            sound.
        on_progress: called after each clip and each shard.

    Raises:
        UsageError: there is no such workspace, or no such manifest.
        DataMismatch: it has no ledger, or none that can be read; or the manifest is damaged.
        EnvironmentProblem: another process is working in it.
    """
    manifest = None if against is None else read_manifest(Path(against))
    workspace.require_ledger()
    # What cannot be written to, as on a read-only medium, takes no lock and needs none.
    writable = repair or os.access(workspace.root, os.W_OK)
    with (
        workspace.lock() if writable else nullcontext(),
        Ledger(workspace.ledger, read_only=not repair) as ledger,
    ):
        try:
            report = _look(ledger, workspace, deep, repair, on_progress)
        except DataMismatch:
            # Rows that are not those that were written are refused by whoever reads them.
            found = clips.look_at_ledger(ledger, deep, clips.RESTORE)
            if not found:
                raise
            return Report(findings=found, left=found)
        if manifest is not None:
            report = replace(report, against=compare(ledger, workspace, manifest, on_progress))
        return report


def _look(ledger: Ledger, workspace: Workspace, deep: bool, repair: bool, on_progress: OnProgress) -> Report:
    if repair:
        report = clips.repair_clips(ledger, workspace, time(), deep, on_progress)
        return report + shards.repair_shards(workspace, _recorded(ledger), deep, on_progress)
    report = clips.look_at_clips(ledger, workspace, deep, on_progress)
    return report + shards.look_at_shards(workspace, _recorded(ledger), deep, on_progress)


def _recorded(ledger: Ledger) -> shards.Recorded:
    origin = ledger.origin()
    accepted = {clip.key: clip for _, clip in ledger.clips()}
    return shards.Recorded(origin.recipe if origin else "", ledger.class_names, accepted)

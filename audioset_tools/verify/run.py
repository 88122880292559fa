"""A whole workspace against its own records: the clips, and the shards made from them."""

import os
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path
from time import time

from ..exceptions import DataMismatch, UsageError
from ..ledger import Ledger
from ..ledger.columns import clip_columns
from ..manifest.compare import compare
from ..manifest.document import read_manifest
from ..shards.placements import Gathering
from ..tasks.division import Division
from ..tasks.part import ArrayPart
from ..types import OnProgress, message, silent
from ..workspace import AnyPath, Workspace
from . import clips, shards
from .findings import Look, Report


def verify(
    workspace: Workspace,
    *,
    deep: bool = False,
    repair: bool = False,
    against: AnyPath | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    part: tuple[int, int] = (1, 1),
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
        jobs: how many threads read; None for twice as many as there are cores, up to 8.
        scheduler: address of a Dask scheduler whose workers read, or the file it wrote of itself.
        part: I and N: look at every Nth clip and shard from the Ith on, while others look at the rest.
        on_progress: called after some clips, and after each shard.

    Raises:
        UsageError: there is no such workspace, or no such manifest; or a part is to repair or compare.
        DataMismatch: it has no ledger, or none that can be read; or the manifest is damaged.
        EnvironmentProblem: another process is working in it.
    """
    division = Division(clips.AT_ONCE if jobs is None else jobs, scheduler, ArrayPart(*part))
    if not division.is_whole and (repair or against is not None):
        raise UsageError(
            "an array part neither repairs nor compares", "Leave out --part, or --repair and --against."
        )
    manifest = None if against is None else read_manifest(Path(against))
    workspace.require_ledger()
    # What cannot be written to, as on a read-only medium, takes no lock and needs none.
    writable = repair or os.access(workspace.root, os.W_OK)
    with (
        workspace.lock(shared=not division.is_whole) if writable else nullcontext(),
        Ledger(workspace.ledger, read_only=not repair) as ledger,
        division.engine(workspace.root, lambda text: on_progress(message(text))) as by,
    ):
        clips.refuse_lost_ledger(ledger, workspace)
        ledger.require_candidates()
        try:
            report = _look(ledger, Look(workspace, by, deep, division.part, on_progress), repair)
        except DataMismatch:
            # Rows that are not those that were written are refused by whoever reads them.
            found = clips.look_at_ledger(ledger, deep, clips.RESTORE)
            if not found:
                raise
            return Report(findings=found, left=found)
        if manifest is not None:
            report = replace(report, against=compare(ledger, workspace, manifest, on_progress))
        return report


def _look(ledger: Ledger, look: Look, repair: bool) -> Report:
    if repair:
        report = clips.repair_clips(ledger, look, time())
        return report + shards.repair_shards(look, _recorded(ledger, look.workspace))
    report = clips.look_at_clips(ledger, look)
    return report + shards.look_at_shards(look, _recorded(ledger, look.workspace))


def _recorded(ledger: Ledger, workspace: Workspace) -> shards.Recorded:
    origin = ledger.origin()
    gathering = Gathering()
    # Nobody asks without shards, and it takes its time.
    for columns in clip_columns(ledger) if workspace.shards.is_dir() else ():
        gathering.add(columns.key, columns.path, columns.sha256, columns.split, columns.classes)
    name = origin.recipe if origin else ""
    return shards.Recorded(name, ledger.class_names, gathering.placements())

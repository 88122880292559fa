"""From a workspace to a folder that somebody's reader reads; run again, it makes only what is missing."""

from dataclasses import replace
from pathlib import Path

from ..exceptions import UsageError
from ..tasks.division import Division
from ..tasks.part import ArrayPart
from ..types import OnProgress, silent
from ..words import counted
from ..workspace import AnyPath, Workspace
from .examples import read_exported
from .folder import read_contents
from .formats import FORMATS, plan_of
from .write import ExportResult, Target, write_export


def export(
    workspace: Workspace,
    format: str,
    out: AnyPath,
    *,
    targets: str | None = None,
    metadata: AnyPath | None = None,
    jobs: int | None = None,
    scheduler: str | None = None,
    part: tuple[int, int] = (1, 1),
    on_progress: OnProgress = silent,
) -> ExportResult:
    """Write a data set in a form that somebody's reader reads, and read back what was written.

        export(Workspace("audioset"), "webdataset", "tars")

    Interrupted at any instant, the next call makes only what is missing. The same workspace gives the same
    bytes.

    Args:
        workspace: as `fetch` left it; its splits are decided now if they are not.
        format: whose reader it is for, one of `FORMATS`.
        out: a new folder, or one of the same export.
        targets: what the clips' targets count: `classes` of the recipe, or `mids`, AudioSet's 527 labels;
            None for what the format's readers expect.
        metadata: folder with AudioSet's label file; the workspace's own if left out.
        jobs: files made at once; None for as many as there are cores.
        scheduler: address of a Dask scheduler whose workers make the files, or the file it wrote of itself.
        part: I and N: make every Nth file from the Ith on, while others make the rest. Who finds all of them
            there finishes the export.
        on_progress: called as clips are written.

    Raises:
        UsageError: there is no such workspace or format, `out` holds something else, or the format has no
            room for what this data set holds.
        DataMismatch: no clips, or a clip gone or damaged.
        EnvironmentProblem: the disk is full, or another process writes to the workspace.
    """
    if format not in FORMATS:
        raise UsageError(f"there is no format {format!r}", f"Choose one of {', '.join(FORMATS)}.")
    folder, form, division = Path(out), FORMATS[format], Division(jobs, scheduler, ArrayPart(*part))
    targets = targets or form.targets
    before = read_contents(folder, format, targets)
    plan_parts = plan_of(format)
    if scheduler is not None:
        workspace = Workspace(workspace.root.absolute())
    data = read_exported(workspace, targets, None if metadata is None else Path(metadata))
    data = replace(data, out=folder.absolute())
    data, bare = (data, 0) if form.bare else data.targeted
    plan = plan_parts(data)
    linked = data.examples if form.linked else ()
    notes = [*_of_bare(bare, len(data.target_names)), *plan.notes]
    return write_export(
        Target(folder, format, targets, before),
        data,
        replace(plan, notes=notes),
        linked,
        division,
        on_progress,
    )


def _of_bare(clips: int, targets: int) -> list[str]:
    return (
        [f"{counted(clips, 'clip is', 'clips are')} left out: none of the {targets:,} targets is theirs"]
        if clips
        else []
    )

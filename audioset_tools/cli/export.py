"""`audioset-tools export`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from ..export.formats import FORMATS
from ..workspace import Workspace
from .command import Command
from .completion import one_of
from .options import FOLDER, json_option, needing, part_option, scheduler_option, workspace_option

if TYPE_CHECKING:
    from ..export.write import ExportResult

_LINES = "\n".join(f"{name:<12}  {one.words}" for name, one in FORMATS.items())


@click.command(cls=Command, epilog=f"The formats are:\n\n\b\n{_LINES}")
@click.argument("format_name", metavar="FORMAT", shell_complete=one_of(FORMATS))
@workspace_option
@click.option("--out", type=FOLDER, required=True, help="A new folder, or one of the same export.")
@click.option(
    "--targets", type=click.Choice(["classes", "mids"]),
    help="What the targets count: the recipe's classes, or AudioSet's 527 labels; what the format's readers"
    " expect if left out.",
)  # fmt: skip
@click.option(
    "--metadata", type=FOLDER, help="Folder with AudioSet's label file; the workspace's own if left out."
)
@click.option("--jobs", type=int, help="Files made at once; as many as there are cores if left out.")
@scheduler_option
@part_option
@json_option
def export(
    format_name: str,
    workspace: Workspace,
    out: Path,
    targets: str | None,
    metadata: Path | None,
    jobs: int | None,
    scheduler: str | None,
    part: tuple[int, int],
    as_json: bool,
) -> None:
    """Write the data set in a form that another tool reads: FORMAT, one of those below."""
    from .. import console
    from ..export.run import export as write

    extra = FORMATS[format_name].extra if format_name in FORMATS else ""
    with needing(extra), console.bar("clip") as show:
        done = write(
            workspace,
            format_name,
            out,
            targets=targets,
            metadata=metadata,
            jobs=jobs,
            scheduler=scheduler,
            part=part,
            on_progress=show,
        )
    show_export(done, as_json)


def show_export(done: "ExportResult", as_json: bool) -> None:
    """Print what an export, or a publication, came to."""
    from .. import console
    from ..export.summary import export_json, export_line, export_table, remarks

    if as_json:
        console.result_json(export_json(done))
        return
    console.table(export_table(done))
    console.result(export_line(done))
    for remark in remarks(done):
        console.say(remark)

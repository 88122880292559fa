"""`audioset-tools freeze`."""

from pathlib import Path

import click

from ..workspace import Workspace
from .command import Command
from .options import FILE, json_option, workspace_option


@click.command(cls=Command)
@workspace_option
@click.option(
    "--out", type=FILE, default=Path("manifest.json"), show_default=True, help="The manifest to write."
)
@json_option
def freeze(workspace: Workspace, out: Path, as_json: bool) -> None:
    """Write a manifest of the data set, from which it can be made again elsewhere and compared."""
    from .. import console
    from ..manifest.freeze import freeze as write
    from ..words import counted

    with console.bar("clip") as show:
        manifest = write(workspace, out, on_progress=show)
    if as_json:
        console.result_json(
            {"clips": len(manifest.clips), "left_out": len(manifest.left_out), "out": str(out)}
        )
        return
    console.result(
        f"{counted(len(manifest.clips), 'clip')} and {len(manifest.left_out):,} left out, in {out}"
    )
    if not any(one.split for one in manifest.clips):
        console.say("its splits are not frozen yet; audioset-tools featurize does that, then freeze again")

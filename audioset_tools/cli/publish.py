"""`audioset-tools publish`."""

from pathlib import Path

import click

from ..workspace import Workspace
from .command import Command
from .export import show_export
from .options import json_option, workspace_option


@click.command(cls=Command)
@click.argument("out", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@workspace_option
@click.option("--title", help="Of the data set; the recipe's name if left out.")
@click.option("--author", "authors", multiple=True, help="Who made it, for CITATION.cff; may be repeated.")
@click.option("--with-audio", is_flag=True, help="Take the clips along; they are not yours to license.")
@click.option(
    "--metadata",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder with AudioSet's label file; the workspace's own if left out.",
)
@json_option
def publish(
    out: Path,
    workspace: Workspace,
    title: str | None,
    authors: tuple[str, ...],
    with_audio: bool,
    metadata: Path | None,
    as_json: bool,
) -> None:
    """Write one folder for a paper or a hub: manifest, cards, weights, predictions and their tables."""
    from .. import console
    from ..publish.run import publish as write

    with console.bar("clip") as show:
        done = write(
            workspace,
            out,
            title=title,
            authors=authors,
            with_audio=with_audio,
            metadata=metadata,
            on_progress=show,
        )
    show_export(done, as_json)

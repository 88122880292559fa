"""`audioset-tools select`."""

from pathlib import Path

import click

from ..workspace import Workspace
from .options import FILE, json_option, metadata_option, recipe_option, workspace_option


@click.command()
@recipe_option
@click.option(
    "--per-class", type=click.IntRange(min=1), default=2400, show_default=True, help="Clips wanted."
)
@metadata_option
@workspace_option
@click.option("--out", type=FILE, help="Write the ranked candidates as CSV.")
@click.option("--explain", metavar="YTID", help="Say why one clip is in or out, and stop.")
@json_option
def select(
    recipe: str,
    per_class: int,
    metadata: Path | None,
    workspace: Workspace,
    out: Path | None,
    explain: str | None,
    as_json: bool,
) -> None:
    """Show what a recipe makes of AudioSet's lists."""
    from .. import console
    from ..catalog.run import select as select_by
    from ..catalog.summary import explain_clip, funnel_json, funnel_tables, write_candidates

    selection = select_by(workspace, recipe, metadata=metadata)
    if explain is not None:
        for line in explain_clip(selection, explain):
            console.result(line)
        return
    if out is not None:
        write_candidates(selection, out)
        console.say(f"wrote {sum(map(len, selection.queues)):,} candidates to {out}")
    if as_json:
        console.result_json(funnel_json(selection, per_class))
    else:
        for table in funnel_tables(selection, per_class):
            console.table(table)

"""`audioset-tools audit`."""

from pathlib import Path

import click

from ..workspace import Workspace
from .command import Command
from .options import FOLDER, device_option, json_option, needing, shards_option, workspace_option


@click.command(cls=Command)
@workspace_option
@shards_option
@click.option(
    "--folds", type=int, default=5, show_default=True, help="Each clip is judged by what the others teach."
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of the folds and the networks."
)
@device_option
@click.option("--out", type=FOLDER, help="Where audit.csv goes; audit/ in the workspace if left out.")
@json_option
def audit(
    workspace: Workspace,
    shards: str | None,
    folds: int,
    seed: int,
    device: str,
    out: Path | None,
    as_json: bool,
) -> None:
    """List the clips whose labels are probably wrong, for people to listen to."""
    with needing("train"):
        from ..audit.run import audit as find_suspects
        from ..audit.summary import audit_json, audit_lines, audit_tables
    from .. import console

    with console.bar("clip") as show:
        found = find_suspects(
            workspace, folds=folds, seed=seed, device=device, shards=shards, out=out, on_progress=show
        )
    if as_json:
        console.result_json(audit_json(found))
        return
    for table in audit_tables(found):
        console.table(table)
    where = [] if out is None else ["--out", str(out)]
    for line in audit_lines(found, where):
        console.result(line)

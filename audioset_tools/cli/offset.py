"""`audioset-tools offset`."""

from pathlib import Path
from typing import Any

import click

from ..exceptions import UsageError
from ..workspace import Workspace
from .command import Command
from .options import connection_options, json_option, pace_option, workspace_option


@click.command(cls=Command)
@click.option(
    "--source", "source_names", multiple=True, required=True, metavar="youtube|local:DIR|hf:OWNER/NAME",
    help="The two sources to compare; the second is compared with the first.",
)  # fmt: skip
@click.option("--sample", type=int, default=50, show_default=True, help="Clips to compare.")
@workspace_option
@pace_option
@connection_options
@json_option
def offset(
    source_names: tuple[str, ...],
    sample: int,
    workspace: Workspace,
    pace: str,
    proxy: str | None,
    no_check_certificate: bool,
    cookies: Path | None,
    browser: str | None,
    ytdlp_options: dict[str, Any],
    as_json: bool,
) -> None:
    """Estimate by how much one source's cuts lie beside another's."""
    from .. import console
    from ..offset.run import estimate_offset
    from ..offset.summary import offset_json, offset_lines, offset_table
    from ..sources.connection.connection import Connection

    if len(source_names) != 2:
        raise UsageError(
            f"--source is given {len(source_names)} times", "Name two: --source youtube --source local:DIR"
        )
    with console.bar("pair") as show:
        found = estimate_offset(
            workspace,
            *source_names,
            sample=sample,
            pace=pace,
            connection=Connection(proxy, not no_check_certificate, cookies, browser, ytdlp_options),
            on_progress=show,
        )
    if as_json:
        console.result_json(offset_json(found))
        return
    console.table(offset_table(found))
    for line in offset_lines(found):
        console.say(line)

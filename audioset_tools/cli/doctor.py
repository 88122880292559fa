"""`audioset-tools doctor`."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from ..exceptions import EnvironmentProblem
from ..workspace import Workspace
from .command import Command
from .options import connection_options, json_option, pace_option, recipe_option, workspace_option


@click.command(cls=Command)
@workspace_option
@click.option(
    "--per-class",
    type=click.IntRange(min=1),
    default=2400,
    show_default=True,
    help="Clips there must be room for.",
)
@recipe_option
@click.option(
    "--network",
    is_flag=True,
    help="Also have YouTube give one clip, step by step; nothing is sent without this.",
)
@pace_option
@connection_options
@json_option
def doctor(
    workspace: Workspace,
    per_class: int,
    recipe: str | None,
    network: bool,
    pace: str,
    proxy: str | None,
    no_check_certificate: bool,
    cookies: Path | None,
    browser: str | None,
    ytdlp_options: dict[str, Any],
    as_json: bool,
) -> None:
    """Check this machine and a workspace: what is missing, what is odd, what to do."""
    from datetime import date

    from .. import console
    from ..doctor.check import checks_json, checks_table, guarded_all, problems
    from ..doctor.network import youtube
    from ..doctor.run import examine
    from ..sources.pace import parse_pace

    policy = parse_pace(pace)
    checks = examine(workspace, per_class=per_class, recipe=recipe)
    if network:
        from ..sources.connection.connection import Connection
        from ..sources.versions import nightly_advice
        from ..sources.youtube import YouTube

        connect = partial(
            YouTube,
            connection=Connection(proxy, not no_check_certificate, cookies, browser, ytdlp_options),
            keep=workspace.youtube if workspace.ledger.exists() else None,
        )
        advice = nightly_advice(date.today())
        ask = partial(youtube, workspace, policy, connect, advice)
        checks += guarded_all("YouTube", ask)
    if as_json:
        console.result_json(checks_json(checks))
    else:
        console.table(checks_table(checks))
    if wrong := problems(checks):
        raise EnvironmentProblem(
            f"doctor found a problem with {', '.join(wrong)}",
            "Do what the table says, then run doctor again.",
        )

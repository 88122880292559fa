"""`audioset-tools doctor`."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from ..errors import EnvironmentProblem
from ..workspace import Workspace
from .options import connection_options, json_option, recipe_option, workspace_option


@click.command()
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
@click.option(
    "--pace", default="guest", show_default=True, help="With --network, the pace that you fetch at."
)
@connection_options
@json_option
def doctor(
    workspace: Path,
    per_class: int,
    recipe: str,
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
    from ..catalog.recipe import read_recipe
    from ..doctor.check import checks_json, checks_table, guarded_all, problems
    from ..doctor.examine import examine
    from ..doctor.network import youtube
    from ..fetch.pace import parse_pace

    place, policy = Workspace(workspace), parse_pace(pace)
    checks = examine(place, per_class, read_recipe(recipe), console.clock_time)
    if network:
        from ..fetch.versions import nightly_advice
        from ..fetch.youtube import YouTube

        connect = partial(
            YouTube,
            proxy=proxy,
            check_certificate=not no_check_certificate,
            cookies=str(cookies) if cookies else None,
            browser=browser,
            options=ytdlp_options,
            keep=place.youtube if place.ledger.exists() else None,
        )
        advice = nightly_advice(date.today())
        ask = partial(youtube, place, policy, connect, console.clock_time, advice)
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

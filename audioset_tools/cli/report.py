"""`audioset-tools report`."""

from typing import Any

import click

from ..types import Progress
from ..workspace import Workspace
from .command import Command
from .completion import RECIPES, one_of
from .options import FOLDER, Number, needing, workspace_option

EVERY_S = 5.0
"""Seconds between two looks of `--watch` without a number."""


@click.command(cls=Command)
@workspace_option
@click.option("--out", type=FOLDER, help="Folder of the page; `report` in the workspace if left out.")
@click.option("--per-class", type=int, default=3, show_default=True, help="Clips of each class to listen to.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which clips those are.")
@click.option(
    "--metadata", type=FOLDER,
    help="Folder with AudioSet's lists: for the selection, if the workspace did not record it, and labels.",
)  # fmt: skip
@click.option(
    "--recipe", shell_complete=one_of(RECIPES, "file"),
    help="With --metadata: the recipe; the workspace's own if left out.",
)  # fmt: skip
@click.option(
    "--watch", type=Number(min=0.1), is_flag=False, flag_value=EVERY_S, metavar="[SECONDS]",
    help="Write it again every few seconds (5 if left out) while a fetch runs; the open page renews itself.",
)  # fmt: skip
def report(workspace: Workspace, **settings: Any) -> None:
    """Write a page to look at and listen to, of whatever the workspace holds so far."""
    from .. import console

    with needing("report"):
        from ..report.run import LookProgress
        from ..report.run import report as write

    def show(progress: Progress) -> None:
        if isinstance(progress, LookProgress):
            for trouble in progress.troubles:
                console.say(trouble)
        console.say(progress.text)

    written = write(workspace, **settings, on_progress=show)
    for trouble in written.troubles:
        console.say(trouble)
    console.say(f"pages: {written.pages:,}, sounds and pictures: {written.media:,}")
    console.result(str(written.index))

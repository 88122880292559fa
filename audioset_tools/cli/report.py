"""`audioset-tools report`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from ..errors import UsageError
from ..workspace import Workspace
from .options import FOLDER, needing, workspace_option

EVERY_S = 5.0
"""Seconds between two looks of `--watch` without a number."""


@click.command()
@workspace_option
@click.option("--out", type=FOLDER, help="Folder of the page; `report` in the workspace if left out.")
@click.option("--per-class", type=int, default=3, show_default=True, help="Clips of each class to listen to.")
@click.option("--seed", type=int, default=0, show_default=True, help="Which clips those are.")
@click.option(
    "--metadata", type=FOLDER,
    help="Folder with AudioSet's lists, to show the selection of a workspace that did not record it.",
)  # fmt: skip
@click.option("--recipe", help="With --metadata: the recipe; that of the workspace if left out.")
@click.option(
    "--watch", type=click.FloatRange(min=0.1), is_flag=False, flag_value=EVERY_S, metavar="[SECONDS]",
    help="Write it anew every few seconds (5 if left out) while a fetch runs; the open page renews itself.",
)  # fmt: skip
def report(
    workspace: Path,
    out: Path | None,
    per_class: int,
    seed: int,
    metadata: Path | None,
    recipe: str | None,
    watch: float | None,
) -> None:
    """Write a page to look at and listen to, of whatever the workspace holds so far."""
    from time import sleep, time

    from .. import console

    with needing("report"):
        from ..report.build import Report, ReportConfig, write_report
        from ..report.watch import watch_report

    place = Workspace(workspace)
    if not workspace.is_dir():
        raise UsageError(
            f"there is no folder {workspace}",
            "Name the data set's with --workspace; `audioset-tools fetch` makes one.",
        )
    folder = out or place.report
    config = ReportConfig(per_class, seed, watch or 0)
    funnel = _funnel(place, metadata, recipe)

    def told(written: Report, busy: bool) -> None:
        for trouble in written.troubles:
            console.say(trouble)
        if busy:
            console.say(f"{written.index} is up to date; it renews itself")

    if watch is None:
        written = write_report(place, folder, config, funnel=funnel, say=console.say)
        told(written, False)
    else:
        written = watch_report(place, folder, config, clock=time, sleep=sleep, funnel=funnel, told=told)
    console.say(f"pages: {written.pages:,}, sounds and pictures: {written.media:,}")
    console.result(str(written.index))


def _funnel(place: Workspace, metadata: Path | None, recipe: str | None) -> Mapping[str, Any] | None:
    """The selection's account from the lists, if they are named."""
    if metadata is None:
        return None
    from ..catalog.enqueue import read_selection
    from ..catalog.funnel import funnel_json
    from ..catalog.official import find_metadata
    from ..catalog.recipe import read_recipe
    from ..ledger import Ledger

    name = recipe or "paper"
    if recipe is None and place.ledger.exists():
        with Ledger(place.ledger, read_only=True) as ledger:
            origin = ledger.origin()
            name = origin.recipe if origin else name
    return funnel_json(read_selection(find_metadata(metadata, place.metadata), read_recipe(name)))

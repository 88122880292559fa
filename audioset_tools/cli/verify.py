"""`audioset-tools verify`."""

from pathlib import Path

import click

from ..errors import DataMismatch
from ..workspace import Workspace
from .options import json_option, require, workspace_option


@click.command()
@workspace_option
@click.option(
    "--deep", is_flag=True, help="Read every byte: sha256, peaks, duplicates, every index, every mel."
)
@click.option(
    "--repair", "mend", is_flag=True,
    help="Queue again what is lost, mend the ledger's counts, remove damaged shards.",
)  # fmt: skip
@json_option
def verify(workspace: Path, deep: bool, mend: bool, as_json: bool) -> None:
    """Compare the ledger with clips and shards; without --repair nothing is changed."""
    from time import time

    from .. import console
    from ..findings import counted, findings_table, remedies, report_json
    from ..ledger import Ledger
    from ..verify import repair
    from ..verify import verify as look

    place = Workspace(workspace)
    require(place.ledger, "Run `audioset-tools fetch` first.")
    with console.bar("files") as show:
        if mend:
            with place.lock(), Ledger(place.ledger) as ledger:
                report = repair(ledger, place, deep, show, time())
        else:
            report = look(place, deep, show)
    if as_json:
        console.result_json(report_json(report))
    else:
        if report.findings:
            console.table(findings_table(report))
        well = "" if report.findings else f": {'every byte' if deep else 'sizes and headers'} as recorded"
        shards = f", {report.shards:,} shards" if report.shards else ""
        console.result(f"{report.clips:,} clips{shards}{well}")
    if report.queued:
        aside = f"; {len(report.set_aside):,} files moved to {place.set_aside}" if report.set_aside else ""
        console.say(f"{report.queued:,} clips are in the queue again{aside}; run next: audioset-tools fetch")
    if report.removed:
        console.say(f"removed, to be made anew: {', '.join(report.removed)}")
    if report.left:
        raise DataMismatch(f"{place.root}: {counted(report.left)}", " ".join(remedies(report.left)))

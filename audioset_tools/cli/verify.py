"""`audioset-tools verify`."""

from pathlib import Path

import click

from ..errors import DataMismatch
from ..workspace import Workspace
from .options import json_option, require, workspace_option


@click.command()
@workspace_option
@click.option("--deep", is_flag=True, help="Read every byte: sha256, peak, duplicates; every index too.")
@click.option("--repair", "mend", is_flag=True, help="Queue again what is lost; mend the ledger's counts.")
@json_option
def verify(workspace: Path, deep: bool, mend: bool, as_json: bool) -> None:
    """Compare the ledger with the disk; without --repair nothing is changed."""
    from collections import Counter
    from time import time

    from .. import console
    from ..fetch.check import Kind
    from ..fetch.verify import repair, verify_json, verify_table
    from ..fetch.verify import verify as look
    from ..ledger import Ledger

    place = Workspace(workspace)
    require(place.ledger, "Run `audioset-tools fetch` first.")
    with console.bar("clips") as show:
        if mend:
            with place.lock(), Ledger(place.ledger) as ledger:
                report = repair(ledger, place, deep, lambda n, of: show(n, of, ""), time())
        else:
            report = look(place, deep, lambda n, of: show(n, of, ""))
    if as_json:
        console.result_json(verify_json(report))
    else:
        if report.findings:
            console.table(verify_table(report))
        well = "" if report.findings else f": {'every byte' if deep else 'sizes and headers'} as recorded"
        console.result(f"{report.clips:,} clips{well}")
    if report.queued:
        aside = f"; {len(report.set_aside):,} files moved to {place.set_aside}" if report.set_aside else ""
        console.say(f"{report.queued:,} clips are in the queue again{aside}; run next: audioset-tools fetch")
    if report.left:
        counts = Counter(finding.kind for finding in report.left)
        raise DataMismatch(
            f"{place.root}: " + ", ".join(f"{counts[kind]:,} {kind}" for kind in Kind if counts[kind]),
            "Nothing that it cannot name is deleted: look at those files, then move them out of clips/."
            if mend
            else "Run: audioset-tools verify --repair, and then: audioset-tools fetch",
        )

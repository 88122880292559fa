"""`audioset-tools verify`."""

from pathlib import Path

import click

from ..exceptions import DataMismatch
from ..workspace import Workspace
from .command import Command
from .options import FILE, json_option, part_option, scheduler_option, workspace_option


@click.command(cls=Command)
@workspace_option
@click.option(
    "--deep", is_flag=True, help="Read every byte: sha256, peaks, duplicates, every index, every mel."
)
@click.option(
    "--repair", "mend", is_flag=True,
    help="Queue again what is lost, mend the ledger's counts, remove damaged shards.",
)  # fmt: skip
@click.option(
    "--against", type=FILE,
    help="Also compare with this manifest of `freeze`: same bytes, same sound, another sound, gone.",
)  # fmt: skip
@scheduler_option
@part_option
@json_option
def verify(
    workspace: Workspace,
    deep: bool,
    mend: bool,
    against: Path | None,
    scheduler: str | None,
    part: tuple[int, int],
    as_json: bool,
) -> None:
    """Compare the ledger with clips and shards; without --repair nothing is changed."""
    from .. import console
    from ..manifest.compare import comparison_tables
    from ..verify.findings import count_kinds, findings_table, remedies, report_json
    from ..verify.run import verify as compare
    from ..words import counted

    with console.bar("file") as show:
        report = compare(
            workspace,
            deep=deep,
            repair=mend,
            against=against,
            scheduler=scheduler,
            part=part,
            on_progress=show,
        )
    if as_json:
        console.result_json(report_json(report))
    else:
        if report.findings:
            console.table(findings_table(report))
        well = "" if report.findings else f": {'every byte' if deep else 'sizes and headers'} as recorded"
        shards = f", {counted(report.shards, 'shard')}" if report.shards else ""
        console.result(f"{counted(report.clips, 'clip')}{shards}{well}")
        for table in comparison_tables(report.against) if report.against else ():
            console.table(table)
    if report.queued:
        aside = (
            f"; {counted(len(report.set_aside), 'file')} moved to {workspace.set_aside}"
            if report.set_aside
            else ""
        )
        again = f"{counted(report.queued, 'clip is', 'clips are')} in the queue again"
        console.say(f"{again}{aside}; run next: audioset-tools fetch")
    if report.removed:
        console.say(f"removed, to be made again: {', '.join(report.removed)}")
    if report.left:
        raise DataMismatch(f"{workspace.root}: {count_kinds(report.left)}", " ".join(remedies(report.left)))
    if report.against and not report.against.alike:
        raise DataMismatch(
            f"{workspace.root} is not the data set of {against}",
            "What is gone is fetched by audioset-tools fetch --list with the manifest, perhaps from another"
            " --source.",
        )

"""`audioset-tools status`."""

from pathlib import Path

import click

from ..exceptions import UsageError
from ..workspace import Workspace
from .command import Command
from .options import FILE, json_option, workspace_option


@click.command(cls=Command)
@workspace_option
@click.option(
    "--failures", is_flag=True, help="List the candidates that are dead or wait for another try, and why."
)
@click.option("--out", type=FILE, help="With --failures: write all of them as CSV.")
@json_option
def status(workspace: Workspace, failures: bool, out: Path | None, as_json: bool) -> None:
    """Show how far a workspace is, also while a fetch is running in it."""
    from time import time

    from .. import console
    from ..fetch.status import (
        failure_json,
        failures_table,
        read_status,
        status_json,
        status_lines,
        status_tables,
        write_failures,
    )
    from ..ledger import Ledger
    from ..ledger.queries import failures as every_failure
    from ..words import counted

    if out is not None and not failures:
        raise UsageError("--out goes with --failures", "Write: audioset-tools status --failures --out FILE")
    workspace.require_ledger()
    with Ledger(workspace.ledger, read_only=True) as ledger:
        now, found = time(), read_status(ledger)
        if out is not None:
            written = write_failures(every_failure(ledger), out)
            console.say(f"wrote {counted(written, 'failure')} to {out}")
        if failures and as_json:
            console.result_json_rows("failures", map(failure_json, every_failure(ledger)))
        elif failures and out is None:
            total = sum(c.dead + c.waiting for c in found.classes)
            console.table(failures_table(every_failure(ledger), total))
        elif as_json:
            console.result_json(status_json(found, now))
        elif not failures:
            for table in status_tables(found):
                if table.rows:
                    console.table(table)
            for line in status_lines(found, now):
                console.result(line)

"""`audioset-tools errors`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..exceptions import UsageError
from ..workspace import Workspace, printable
from .command import Command
from .options import FILE, FOLDER, json_option, needing, run_option, workspace_option

if TYPE_CHECKING:
    from ..errors.table3 import Analysis


@click.command(cls=Command)
@click.argument("files", metavar="FILE...", nargs=-1, type=FILE)
@run_option
@click.option("--audit", "audited", is_flag=True, help="Ask about the labels that `audit` suspects instead.")
@workspace_option
@click.option(
    "--per-class", type=int, default=30, show_default=True, help="Misclassified clips of an actual class."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the drawing of clips.")
@click.option(
    "--annotators", multiple=True, metavar="NAME", help="Names to choose from; with commas, or once each."
)
@click.option(
    "--metadata", type=FOLDER, help="Folder with AudioSet's lists, for the labels; the workspace's."
)
@click.option("--out", type=FOLDER, help="Folder of the page, and of the answers if the run is not yours.")
@click.option("--serve", is_flag=True, help="Serve the page on 127.0.0.1 and keep the answers.")
@click.option(
    "--port", type=int, default=0, show_default=True, help="With --serve: 0 is the run's own, if it is free."
)
@click.option("--import", "importing", is_flag=True, help="Take in answers that pages exported to FILE...")
@click.option("--table", "table3", is_flag=True, help="Print Table 3, agreement, and what to relabel.")
@click.option(
    "--merge", "rule", type=click.Choice(["paper", "majority"]), default="paper", show_default=True,
    help="How several answers for a clip become one.",
)  # fmt: skip
@click.option("--csv", type=FILE, help="Write Table 3 as CSV to this file.")
@click.option("--relabel", type=FILE, help="Write the clips to relabel as an exclusion list.")
@json_option
def errors(
    files: tuple[Path, ...],
    run: str | None,
    audited: bool,
    workspace: Workspace,
    importing: bool,
    table3: bool,
    rule: str,
    csv: Path | None,
    relabel: Path | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Have people listen to what a run got wrong, or `audit` suspects, and print the paper's Table 3."""
    from .. import console
    from ..words import counted

    with needing("report"):
        from ..errors.page import INDEX, Made
        from ..errors.run import ErrorsConfig, ask, tabulate, take_in

    if audited == (run is not None):
        raise UsageError(
            "what is to be asked about?", "Name a run with --run RUN, or give --audit, not both."
        )
    config = ErrorsConfig(**settings)
    counting = table3 or csv is not None or relabel is not None
    if config.serve + importing + counting > 1 or (as_json and not counting) or bool(files) != importing:
        raise UsageError(
            "one thing at a time: the page, --serve, --import FILE..., or --table",
            "--csv, --relabel and --json go with --table; FILE... goes with --import.",
        )
    if importing:
        taken = take_in(workspace, run, files, config.out)
        console.result(
            f"{counted(taken.new, 'new answer')}, {taken.known:,} known already: {printable(taken.answers)}"
        )
    elif counting:
        found = tabulate(workspace, run, rule, csv=csv, relabel=relabel, out=config.out)
        if csv is not None:
            console.say(f"wrote Table 3 to {printable(csv)}")
        if relabel is not None:
            console.say(f"clips written to {printable(relabel)}: {len(found.relabel):,}")
        _print(found, as_json)
    else:

        def ready(made: Made, address: str) -> None:
            console.result(f"clips to listen to: {made.clips:,}, at {address}")

        made = ask(
            workspace, run, config, on_ready=ready, on_progress=lambda progress: console.say(progress.text)
        )
        if not config.serve:
            console.result(f"clips to listen to: {made.clips:,}, in {printable(made.folder / INDEX)}")


def _print(found: "Analysis", as_json: bool) -> None:
    from .. import console
    from ..errors.table3 import analysis_json, analysis_lines, relabel_table, table3, tied_table

    if as_json:
        console.result_json(analysis_json(found))
        return
    more = (tied_table(found), relabel_table(found.relabel))
    tables = (table for table in more if table.rows)
    console.results([table3(found.rows), *analysis_lines(found), "", *tables])

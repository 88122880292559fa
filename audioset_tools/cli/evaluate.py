"""`audioset-tools evaluate`."""

from pathlib import Path

import click

from ..exceptions import DataMismatch, UsageError
from ..workspace import Workspace
from .command import Command
from .completion import run_names
from .options import (
    FILE,
    FOLDER,
    device_option,
    embedding_option,
    json_option,
    needing,
    shards_option,
    workspace_option,
)


@click.command(cls=Command)
@click.argument("runs", metavar="[RUN]...", nargs=-1, shell_complete=run_names)
@workspace_option
@click.option(
    "--split", type=click.Choice(["train", "validation", "test"]), default="test", show_default=True,
    help="The clips to judge by; of train the clips themselves, without their noise copies.",
)  # fmt: skip
@shards_option
@click.option(
    "--files", type=FILE, metavar="CSV",
    help="Judge by recordings of your own instead: a CSV with the columns path and class.",
)  # fmt: skip
@device_option
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True,
    help="Of the drawings behind the intervals.",
)  # fmt: skip
@embedding_option
@click.option(
    "--out", type=FOLDER, help="Write into a folder of the run's name there, if the run is another one's."
)
@click.option("--compare", "beside", is_flag=True, help="Show finished runs in one table, best first.")
@click.option("--csv", "table", type=FILE, help="With --compare: write the table to this file too.")
@json_option
def evaluate(
    runs: tuple[str, ...],
    workspace: Workspace,
    split: str,
    shards: str | None,
    files: Path | None,
    device: str,
    seed: int,
    embedding: Path | None,
    out: Path | None,
    beside: bool,
    table: Path | None,
    as_json: bool,
) -> None:
    """Judge a run, by name or folder, or the newest; or compare several."""
    if beside and files is not None:
        raise UsageError("--compare reads what runs say of their test splits", "Leave --files out.")
    if beside:
        _compare(Workspace(workspace.root, out), runs, table, as_json)
        return
    if len(runs) > 1 or table is not None:
        raise UsageError(
            "several runs, and --csv, go with --compare",
            "Write: audioset-tools evaluate --compare RUN RUN...",
        )
    with needing("train"):
        from ..predict.evaluate import evaluate as judge
        from ..runs.tables import evaluation_json, evaluation_tables
    from .. import console

    with console.bar("clip" if files is None else "file") as show:
        found = judge(
            workspace,
            runs[0] if runs else None,
            split=split,
            shards=shards,
            files=files,
            device=device,
            seed=seed,
            embedding=embedding,
            out=out,
            on_progress=show,
        )
    if as_json:
        where = {"run": str(found.run), "folder": str(found.folder), "split": found.split}
        console.result_json({**where, **evaluation_json(found)})
    else:
        console.result(f"The run {found.run}\n")
        console.results(evaluation_tables(found))
        console.result(f"Written to {found.folder}")
    if left_out := len(found.left_out):
        total = left_out + len(found.predictions.key)
        raise DataMismatch(
            f"{left_out:,} of {total:,} files were left out; the figures are those of the others",
            "See files.csv in that folder for why, and put right what can be.",
        )


def _compare(workspace: Workspace, runs: tuple[str, ...], table: Path | None, as_json: bool) -> None:
    from .. import console
    from ..runs.compare import compare, compare_json, compare_table, remarks, write_comparison
    from ..runs.folder import find_run, finished_runs

    compared = compare([find_run(workspace, name) for name in runs] or finished_runs(workspace))
    if table is not None:
        write_comparison(table, compared)
    if as_json:
        console.result_json(compare_json(compared))
    else:
        console.table(compare_table(compared))
    for remark in remarks(compared):
        console.say(remark)

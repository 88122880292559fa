"""`audioset-tools evaluate`."""

from pathlib import Path

import click

from ..errors import UsageError
from ..workspace import Workspace
from .options import FILE, json_option, needing, workspace_option


@click.command()
@click.argument("runs", metavar="[RUN]...", nargs=-1)
@workspace_option
@click.option(
    "--split", type=click.Choice(["train", "validation", "test"]), default="test", show_default=True,
    help="The clips to judge by; of train the clips themselves, without their noise copies.",
)  # fmt: skip
@click.option("--shards", metavar="NAME", help="Which folder of shards; the one trained on if left out.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@click.option(
    "--seed", type=click.IntRange(min=0), default=0, show_default=True,
    help="Of the drawings behind the intervals.",
)  # fmt: skip
@click.option("--compare", "beside", is_flag=True, help="Show finished runs in one table, best first.")
@click.option("--csv", "table", type=FILE, help="With --compare: write the table to this file too.")
@json_option
def evaluate(
    runs: tuple[str, ...],
    workspace: Path,
    split: str,
    shards: str | None,
    device: str,
    seed: int,
    beside: bool,
    table: Path | None,
    as_json: bool,
) -> None:
    """Judge a run, by name or folder, or the newest; or compare several."""
    place = Workspace(workspace)
    if beside:
        _compare(place, runs, table, as_json)
        return
    if len(runs) > 1 or table is not None:
        raise UsageError(
            "several runs, and --csv, go with --compare",
            "Write: audioset-tools evaluate --compare RUN RUN...",
        )
    with needing("train"):
        from ..train.loop import pick_device
        from ..train.runs import evaluate_run, find_run
        from ..train.tables import evaluation_json, evaluation_tables
    from .. import console

    run = find_run(place, runs[0] if runs else None)
    with console.bar("clips") as show:
        found = evaluate_run(
            place, run, split, shards, pick_device(device), seed, lambda done, total: show(done, total, "")
        )
    if as_json:
        told = evaluation_json(found.evaluation)
        console.result_json({"run": str(found.run), "folder": str(found.folder), "split": split, **told})
    else:
        console.result(f"The run {found.run}\n")
        for text in evaluation_tables(found.evaluation):
            console.result(text)
        console.result(f"Written to {found.folder}")


def _compare(place: Workspace, runs: tuple[str, ...], table: Path | None, as_json: bool) -> None:
    with needing("train"):
        from ..train.compare import compare, compare_json, compare_table, remarks, write_comparison
        from ..train.runs import find_run, finished_runs
    from .. import console

    compared = compare([find_run(place, name) for name in runs] or finished_runs(place))
    if table is not None:
        write_comparison(table, compared)
    if as_json:
        console.result_json(compare_json(compared))
    else:
        console.table(compare_table(compared))
    for remark in remarks(compared):
        console.say(remark)

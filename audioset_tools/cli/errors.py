"""`audioset-tools errors`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..workspace import Workspace, printable
from .options import FILE, FOLDER, json_option, needing, workspace_option

if TYPE_CHECKING:
    from ..report.errors.config import ErrorsConfig


@click.command()
@click.argument("files", metavar="FILE...", nargs=-1, type=FILE)
@click.option("--run", required=True, help="The run: its name in the workspace, or its folder.")
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
@click.option("--out", type=FOLDER, help="Folder of the page; errors/ in the run's if left out.")
@click.option("--serve", is_flag=True, help="Serve the page on 127.0.0.1 and keep the answers.")
@click.option(
    "--port", type=int, default=0, show_default=True, help="With --serve: 0 is the run's own, if it is free."
)
@click.option("--import", "take_in", is_flag=True, help="Take in answers that pages exported to FILE...")
@click.option("--table", "tell", is_flag=True, help="Print Table 3, agreement, and what to label anew.")
@click.option(
    "--merge", "rule", type=click.Choice(["paper", "majority"]), default="paper", show_default=True,
    help="How several answers for a clip become one.",
)  # fmt: skip
@click.option("--csv", type=FILE, help="Write Table 3 as CSV to this file.")
@click.option("--relabel", type=FILE, help="Write the clips to be labelled anew as an exclusion list.")
@json_option
def errors(
    files: tuple[Path, ...],
    run: str,
    workspace: Path,
    take_in: bool,
    tell: bool,
    rule: str,
    csv: Path | None,
    relabel: Path | None,
    as_json: bool,
    **settings: Any,
) -> None:
    """Have people listen to what a run got wrong, and print the paper's Table 3 of the causes."""
    from ..report.errors.config import ErrorsConfig

    config = ErrorsConfig(**settings)
    telling = tell or csv is not None or relabel is not None
    if config.serve + take_in + telling > 1 or (as_json and not telling) or bool(files) != take_in:
        raise UsageError(
            "one thing at a time: the page, --serve, --import FILE..., or --table",
            "--csv, --relabel and --json go with --table; FILE... goes with --import.",
        )
    place = Workspace(workspace)
    if take_in:
        _import(place, run, files)
    elif telling:
        _tell(place, run, rule, csv, relabel, as_json)
    else:
        _ask(place, run, config)


def _import(place: Workspace, run: str, files: tuple[Path, ...]) -> None:
    from .. import console
    from ..report.errors.exchange import import_answers
    from ..report.errors.mistakes import PREDICTIONS, find_run, read_mistakes
    from ..report.errors.store import ANSWERS

    folder = find_run(place, run)
    new, known = import_answers(folder / ANSWERS, files, read_mistakes(folder / PREDICTIONS).by_key)
    console.result(f"{new:,} new answers, {known:,} known already: {printable(folder / ANSWERS)}")


def _tell(
    place: Workspace, run: str, rule: str, csv: Path | None, relabel: Path | None, as_json: bool
) -> None:
    with needing("report"):
        from ..report.errors.table import analyse, analysis_json, analysis_lines, tied_table, write_table3
    from .. import console
    from ..report.errors.merge import Rule, merge
    from ..report.errors.mistakes import PREDICTIONS, find_run, read_mistakes
    from ..report.errors.relabel import relabel_table, write_relabel
    from ..report.errors.store import ANSWERS, read_answers

    folder = find_run(place, run)
    mistakes = read_mistakes(folder / PREDICTIONS)
    verdicts = merge(mistakes.wrong, read_answers(folder / ANSWERS), Rule(rule))
    found = analyse(mistakes, verdicts, Rule(rule))
    if csv is not None:
        write_table3(csv, found.rows)
        console.say(f"wrote Table 3 to {printable(csv)}")
    if relabel is not None:
        write_relabel(relabel, found.relabel)
        console.say(f"clips written to {printable(relabel)}: {len(found.relabel):,}")
    if as_json:
        console.result_json(analysis_json(found))
        return
    for line in analysis_lines(found):
        console.result(line)
    console.result("")
    for table in (tied_table(found), relabel_table(found.relabel)):
        if table.rows:
            console.table(table)


def _ask(place: Workspace, run: str, config: "ErrorsConfig") -> None:
    with needing("report"):
        from ..report.errors.page import INDEX, make_page
        from ..report.errors.server import listen, make_app, serve
    from .. import console
    from ..report.errors.labels import label_names
    from ..report.errors.mistakes import PREDICTIONS, draw, find_run, read_mistakes
    from ..report.errors.store import ANSWERS, read_answers, store_answers

    folder = find_run(place, run)
    answers = folder / ANSWERS
    mistakes = read_mistakes(folder / PREDICTIONS)
    drawn = draw(mistakes, config.per_class, config.seed)
    if config.serve:
        # What is damaged, or cannot be written to, is told now and not when somebody has answered.
        read_answers(answers)
        store_answers(answers, [])
    labels = label_names({one.key for one in drawn}, config.metadata, place.metadata)
    console.say(f"clips drawn: {len(drawn):,}; what is lacking of their sounds and pictures is made")
    out = config.out or folder / "errors"
    made = make_page(out, place, folder.name, mistakes, drawn, config.annotators, labels)
    for remark in made.remarks:
        console.say(remark)
    if not config.serve:
        console.result(f"clips to listen to: {made.clips:,}, in {printable(made.folder / INDEX)}")
        return
    with listen(config.port, folder) as listening:
        console.say(f"Answers go to {printable(answers)}; Ctrl-C stops.")
        serve(
            make_app(made, mistakes.by_key, answers, listening.getsockname()[1]),
            listening,
            lambda address: console.result(f"clips to listen to: {made.clips:,}, at {address}"),
        )

"""`audioset-tools select`."""

import shlex
from collections.abc import Mapping
from pathlib import Path

import click

from ..exceptions import UsageError
from ..types import ClipId
from ..workspace import Workspace
from .command import ID, Command
from .options import FILE, json_option, metadata_option, recipe_option, workspace_option


@click.command(cls=Command)
@recipe_option
@click.option(
    "--per-class", type=click.IntRange(min=1), default=2400, show_default=True, help="Clips wanted."
)
@metadata_option
@workspace_option
@click.option("--out", type=FILE, help="Write the ranked candidates as CSV.")
@click.option("--explain", type=ID, metavar="ID", help="Say why one clip is in or out, and stop.")
@click.option("--labels", metavar="WORD", help="Search AudioSet's labels by name, and stop.")
@click.option("--init", type=FILE, help="Write a recipe for the --class labels, and stop.")
@click.option("--class", "classes", metavar="LABEL", multiple=True, help="With --init: a label; repeat it.")
@json_option
def select(
    recipe: str | None,
    per_class: int,
    metadata: Path | None,
    workspace: Workspace,
    out: Path | None,
    explain: ClipId | None,
    labels: str | None,
    init: Path | None,
    classes: tuple[str, ...],
    as_json: bool,
) -> None:
    """Show what a recipe makes of AudioSet's lists."""
    from .. import console
    from ..catalog.run import select as select_by
    from ..catalog.summary import explain_clip, funnel_json, funnel_tables, left_out_line, write_candidates
    from ..words import counted

    _refuse_several({"--labels": labels, "--init": init, "--explain": explain, "--out": out})
    if bool(classes) != (init is not None):
        raise UsageError(
            "--init FILE and --class LABEL belong together",
            "Such as --init pets.toml --class Dog --class Cat.",
        )
    if labels is not None:
        _search(workspace, labels, metadata, as_json)
        return
    if init is not None:
        _begin(workspace, init, classes, metadata)
        return
    selection = select_by(workspace, recipe, metadata=metadata)
    if selection.left_out:
        console.say(left_out_line(selection))
    if explain is not None:
        for line in explain_clip(selection, explain.ytid):
            console.result(line)
        return
    if out is not None:
        write_candidates(selection, out)
        console.say(f"wrote {counted(sum(map(len, selection.queues)), 'candidate')} to {out}")
    if as_json:
        console.result_json(funnel_json(selection, per_class))
    else:
        for table in funnel_tables(selection, per_class):
            console.table(table)


def _refuse_several(asked: Mapping[str, object]) -> None:
    """See that one thing is asked for: each of these is the whole answer."""
    given = [option for option, value in asked.items() if value is not None]
    if len(given) > 1:
        raise UsageError(f"{' and '.join(given)} exclude each other", "Ask for one after the other.")


def _search(workspace: Workspace, word: str, metadata: Path | None, as_json: bool) -> None:
    from .. import console
    from ..catalog.search import label_lines, labels_json, search_labels

    found = search_labels(workspace, word, metadata=metadata)
    if as_json:
        console.result_json(labels_json(word, found))
        return
    for line in label_lines(found):
        console.result(line)


def _begin(workspace: Workspace, target: Path, classes: tuple[str, ...], metadata: Path | None) -> None:
    from .. import console
    from ..catalog.template import write_recipe

    recipe = write_recipe(workspace, target, classes, metadata=metadata)
    lists = ["--workspace", str(workspace.root)] if metadata is None else ["--metadata", str(metadata)]
    words = ["audioset-tools", "select", "--recipe", str(target), *lists]
    console.say(f"wrote {target}: {', '.join(recipe.class_names)}\nnext: {shlex.join(words)}")

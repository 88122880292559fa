"""`audioset-tools demo`."""

from collections.abc import Callable
from pathlib import Path

import click
from click.core import ParameterSource

from ..exceptions import UsageError
from .command import Command
from .completion import RECIPES, one_of
from .options import FOLDER, metadata_option, needing


@click.command(cls=Command)
@click.option(
    "--workspace", type=FOLDER, default=Path("audioset-demo"), show_default=True, help="Made from scratch."
)
@click.option(
    "--recipe", default="paper", show_default=True, shell_complete=one_of(RECIPES),
    help="What the classes are: a recipe's name or TOML file.",
)  # fmt: skip
@click.option(
    "--per-class", type=click.IntRange(min=3), default=36, show_default=True, help="Clips of each class."
)
@metadata_option
@click.pass_obj
def demo(
    run: Callable[[list[str]], int], workspace: Path, recipe: str, per_class: int, metadata: Path | None
) -> int:
    """Run every stage against a simulated YouTube."""
    outer = click.get_current_context().parent
    if outer and outer.get_parameter_source("workspace") is ParameterSource.COMMANDLINE:
        raise UsageError(
            "the demo makes a folder of its own, and touches no workspace",
            "Name it behind the command, if at all: audioset-tools demo --workspace DIR",
        )
    with needing("demo"):
        from ..demo import run_demo

    return run_demo(workspace, recipe, per_class, metadata, run)

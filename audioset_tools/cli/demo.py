"""`audioset-tools demo`."""

from pathlib import Path

import click

from .options import FOLDER, metadata_option, needing


@click.command()
@click.option("--workspace", type=FOLDER, default=Path("audioset-demo"), show_default=True, help="Made anew.")
@click.option(
    "--per-class", type=click.IntRange(min=3), default=36, show_default=True, help="Clips of each class."
)
@metadata_option
def demo(workspace: Path, per_class: int, metadata: Path | None) -> int:
    """Run every stage against a simulated YouTube."""
    with needing("demo"):
        from ..demo import run_demo

    from . import run

    return run_demo(workspace, per_class, metadata, run)

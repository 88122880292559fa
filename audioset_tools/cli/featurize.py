"""`audioset-tools featurize`."""

from pathlib import Path

import click

from ..exceptions import UsageError
from ..workspace import Workspace
from .command import Command
from .completion import PRESETS, one_of
from .options import exclude_option, json_option, part_option, scheduler_option, workspace_option


def _snr(_: click.Context, __: click.Parameter, text: str) -> tuple[float, float]:
    try:
        low, high = map(float, text.split(":"))
    except ValueError as error:
        raise UsageError(
            f"--noise-snr {text} is no range", "Write LO:HI in decibels: --noise-snr 10:30"
        ) from error
    return low, high


@click.command(cls=Command)
@workspace_option
@click.option(
    "--preset", default="paper", show_default=True, shell_complete=one_of(PRESETS),
    help="The mel: paper (power) or log (decibels).",
)  # fmt: skip
@click.option(
    "--per-class", type=int, metavar="N",
    help="Make a smaller set beside the whole one: the first N clips of each class, in splits of its own.",
)  # fmt: skip
@click.option(
    "--noise-copies", type=int, default=1, show_default=True, help="Noisy copies of each training clip."
)
@click.option(
    "--noise-snr", default="10:30", show_default=True, metavar="LO:HI", callback=_snr,
    help="Their signal-to-noise ratios, in decibels.",
)  # fmt: skip
@click.option("--jobs", type=int, help="Shards made at once; as many as there are cores if left out.")
@scheduler_option
@part_option
@exclude_option
@json_option
def featurize(
    workspace: Workspace,
    preset: str,
    per_class: int | None,
    noise_copies: int,
    noise_snr: tuple[float, float],
    jobs: int | None,
    scheduler: str | None,
    part: tuple[int, int],
    exclude: Path | None,
    as_json: bool,
) -> None:
    """Write mel tensors to HDF5 shards."""
    from .. import console
    from ..featurize.run import featurize as make_shards
    from ..featurize.summary import featurize_json, featurize_table, remarks
    from ..words import counted

    with console.bar("clip") as show:
        done = make_shards(
            workspace,
            preset=preset,
            per_class=per_class,
            noise_copies=noise_copies,
            noise_snr=noise_snr,
            jobs=jobs,
            scheduler=scheduler,
            part=part,
            exclude=exclude,
            on_progress=show,
        )
    if as_json:
        console.result_json(featurize_json(done))
    else:
        console.table(featurize_table(done))
        made = f"{counted(done.built, 'shard')} made, {done.reused:,} kept"
        console.result(f"{counted(done.rows, 'mel')} in {done.folder} ({made})")
    for remark in remarks(done, str(workspace.clips)):
        console.say(remark)

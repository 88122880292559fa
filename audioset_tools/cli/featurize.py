"""`audioset-tools featurize`."""

from pathlib import Path

import click

from ..errors import UsageError
from ..workspace import Workspace
from .options import json_option, require, workspace_option


def _snr(_: click.Context, __: click.Parameter, text: str) -> tuple[float, float]:
    try:
        low, high = map(float, text.split(":"))
    except ValueError as error:
        raise UsageError(
            f"--noise-snr {text} is no range", "Write LO:HI in decibels: --noise-snr 10:30"
        ) from error
    return low, high


@click.command()
@workspace_option
@click.option(
    "--preset", default="paper", show_default=True, help="The mel: paper (power) or log (decibels)."
)
@click.option(
    "--noise-copies", type=int, default=1, show_default=True, help="Noisy copies of each training clip."
)
@click.option(
    "--noise-snr", default="10:30", show_default=True, metavar="LO:HI", callback=_snr,
    help="Their signal-to-noise ratios, in decibels.",
)  # fmt: skip
@click.option("--jobs", type=int, help="Shards made at once; as many as there are cores if left out.")
@json_option
def featurize(
    workspace: Path,
    preset: str,
    noise_copies: int,
    noise_snr: tuple[float, float],
    jobs: int | None,
    as_json: bool,
) -> None:
    """Write mel tensors to HDF5 shards."""
    from .. import console
    from ..featurize.run import FeaturizeConfig
    from ..featurize.run import featurize as make_shards
    from ..featurize.summary import Speed, featurize_json, featurize_table
    from ..forget import finish_forgetting
    from ..ledger import Ledger
    from ..types import Splits

    place = Workspace(workspace)
    require(place.ledger, "Run `audioset-tools fetch` first.")
    with place.lock(), Ledger(place.ledger) as ledger, console.bar("clips") as show:
        speed = Speed()
        finish_forgetting(ledger, place)
        origin = ledger.origin()
        config = FeaturizeConfig(
            preset, noise_copies, noise_snr, jobs,
            seed=origin.seed if origin else 0, splits=Splits(*origin.splits) if origin else Splits(),
        )  # fmt: skip
        clips = [clip for _, clip in ledger.clips()]
        name, multi_label = (origin.recipe, origin.multi_label) if origin else ("", False)
        done = make_shards(
            clips, ledger.class_names, name, place, config, lambda n, of: show(n, of, speed(n)), multi_label
        )
    if as_json:
        console.result_json(featurize_json(done))
    else:
        console.table(featurize_table(done))
        console.result(f"{done.rows:,} mels in {done.folder} ({done.built} shards made, {done.reused} kept)")

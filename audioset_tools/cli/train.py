"""`audioset-tools train`."""

from pathlib import Path
from typing import Any

import click

from ..workspace import Workspace
from .command import Command
from .completion import AUGMENTATIONS, MODELS, one_of
from .options import FILE, FOLDER, device_option, json_option, needing, shards_option, workspace_option


@click.command(cls=Command)
@workspace_option
@shards_option
@click.option(
    "--model", default="paper", show_default=True, shell_complete=one_of(MODELS),
    help=f"{', '.join(MODELS[:-1])}, or {MODELS[-1]}.",
)  # fmt: skip
@click.option("--literal", is_flag=True, help="The paper's CNN as its words have it, which does not learn.")
@click.option("--epochs", type=int, help="At most; the model's own if left out, 15 or 40.")
@click.option("--batch-size", type=int, help="Clips of a step; 128, of compact 32; of few clips fewer.")
@click.option("--lr", type=float, help="The learning rate; the model's own if left out.")
@click.option("--patience", type=int, help="Stop after so many epochs no better in macro-F1; 5, or never.")
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of the first weights and the order of clips."
)
@click.option(
    "--seeds", type=int, default=1, show_default=True,
    help="How many to train in turn, from --seed on; gives mean and spread.",
)  # fmt: skip
@click.option(
    "--augment",
    multiple=True,
    metavar="NAME",
    shell_complete=one_of(AUGMENTATIONS),
    help="specaugment or mixup, on the training clips; may be given twice.",
)
@device_option
@click.option("--threads", type=int, help="Of the CPU; one for each core if left out.")
@click.option("--embedding", type=FILE, help="Of the probe: a tagger, as TFLite or ONNX.")
@click.option("--embedding-output", metavar="NAME", help="Which of its outputs; the first if left out.")
@click.option("--embedding-rate", type=int, metavar="HZ", help="Of its waveform; 16000 if left out.")
@click.option("--name", help="Of the run's folder; made of what differs from the defaults if left out.")
@click.option("--resume", is_flag=True, help="Go on with the unfinished run of these settings.")
@click.option("--out", type=FOLDER, help="Where the run's folder goes; runs/ in the workspace if left out.")
@json_option
def train(
    workspace: Workspace, as_json: bool, resume: bool, seeds: int, out: Path | None, **settings: Any
) -> int:
    """Train a network or a baseline, or all of them, and print the paper's tables."""
    with needing("train"):
        from ..train.config import TrainConfig
        from ..train.every import ALL
        from ..train.run import train_as
        from ..train.summary import history_line, run_json, run_tables
    from .. import console

    workspace = Workspace(workspace.root, out)
    if (embedding := settings["embedding"]) is not None:
        settings["embedding"] = str(embedding)
    if settings["model"] == ALL:
        return _train_every(workspace, settings, seeds, resume, as_json)
    config = TrainConfig(**settings)
    if seeds != 1:
        return _train_every(workspace, settings, seeds, resume, as_json)
    with console.bar("sample") as show:
        run = train_as(
            workspace,
            config,
            resume=resume,
            on_epoch=lambda row: console.say(history_line(row, config)),
            on_progress=show,
        )
    if as_json:
        console.result_json(run_json(run))
    else:
        console.results(run_tables(run))
    for warning in run.warnings:
        console.warn(warning.what, warning.remedy)
    return 0


def _train_every(
    workspace: Workspace, settings: dict[str, Any], seeds: int, resume: bool, as_json: bool
) -> int:
    from .. import console
    from ..runs.compare import compare, compare_json, compare_table, remarks
    from ..runs.folder import read_run
    from ..runs.spread import spread_json, spread_table, spreads
    from ..train.config import TrainConfig
    from ..train.every import ALL, every_json, train_every
    from ..train.summary import history_line

    model = settings.pop("model")
    current: list[TrainConfig] = []

    def begin(config: TrainConfig, done: Path | None) -> None:
        current[:] = [config]
        console.step(f"{config.run_name}: finished already, {done}" if done else config.run_name)

    with console.bar("sample") as show:
        every = train_every(
            workspace,
            None if model == ALL else [model],
            seeds=seeds,
            resume=resume,
            on_run=begin,
            on_failure=lambda config, error: console.complain(
                f"{config.run_name}: {error.what}", error.remedy
            ),
            on_epoch=lambda row: console.say(history_line(row, current[0])),
            on_progress=show,
            **settings,
        )
    compared = compare(every.runs) if every.runs else []
    spread = spreads(every.runs) if every.runs and seeds > 1 else []
    if as_json:
        several = spread_json(spread) if seeds > 1 else {}
        console.result_json({**compare_json(compared), **several, **every_json(every)})
    elif spread:
        console.table(spread_table(spread))
    elif compared:
        console.table(compare_table(compared))
        for remark in remarks(compared):
            console.say(remark)
    for folder in every.runs:
        for warning in read_run(folder, whole=False).warnings:
            console.warn(f"{folder.name}: {warning.what}", warning.remedy)
    return every.exit_code

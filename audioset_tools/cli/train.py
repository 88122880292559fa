"""`audioset-tools train`."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..errors import UsageError
from ..workspace import Workspace
from .options import json_option, needing, workspace_option

if TYPE_CHECKING:
    from ..train.config import TrainConfig
    from ..train.folder import Run


@click.command()
@workspace_option
@click.option("--shards", metavar="NAME", help="Which folder of shards, if there are several.")
@click.option(
    "--model", default="paper", show_default=True,
    help="paper, paper-7, han, crnn, rnn, rcnn, svm, gmm, knn, hmm, or all.",
)  # fmt: skip
@click.option("--epochs", type=int, default=15, show_default=True, help="Epochs at most.")
@click.option("--batch-size", type=int, default=128, show_default=True, help="Clips of a step.")
@click.option("--lr", type=float, help="Adam's learning rate; the model's own if left out, 0.01 for paper.")
@click.option(
    "--patience", type=int, default=5, show_default=True, help="Stop after so many epochs no better."
)
@click.option(
    "--seed", type=int, default=0, show_default=True, help="Of the first weights and the order of clips."
)
@click.option(
    "--augment",
    multiple=True,
    metavar="NAME",
    help="specaugment or mixup, on the training clips; may be given twice.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@click.option("--name", help="Of the run's folder; made of what differs from the defaults if left out.")
@click.option("--resume", is_flag=True, help="Go on with the unfinished run of these settings.")
@json_option
def train(workspace: Path, as_json: bool, resume: bool, **settings: Any) -> int:
    """Train a network or a baseline, or all of them, and print the paper's tables."""
    with needing("train"):
        from ..train.config import TrainConfig
        from ..train.every import ALL
        from ..train.summary import run_json, run_tables
    from .. import console

    place = Workspace(workspace)
    if settings["model"] == ALL:
        del settings["model"]
        return _train_every(place, TrainConfig(**settings), resume, as_json)
    run = _train_one(place, TrainConfig(**settings), resume)
    if as_json:
        console.result_json(run_json(run))
    else:
        for text in run_tables(run):
            console.result(text)
    return 0


def _train_one(place: Workspace, config: "TrainConfig", resume: bool) -> "Run":
    from .. import console
    from ..train.classical import CLASSICAL
    from ..train.fit import fit_baseline
    from ..train.loop import train as train_model
    from ..train.summary import epoch_line, step_line, trial_line

    with console.bar("samples") as show:
        if config.model in CLASSICAL:
            if resume:
                raise UsageError(f"the baseline {config.model} cannot be resumed", "Leave --resume out.")
            return fit_baseline(
                place,
                config,
                on_trial=lambda trial: console.say(trial_line(trial)),
                on_batch=lambda done, total: show(done, total, "features"),
            )
        return train_model(
            place,
            config,
            on_epoch=lambda epoch: console.say(epoch_line(epoch, config.epochs)),
            on_step=lambda step: show(step.done, step.total, step_line(step)),
            resume=resume,
        )


def _train_every(place: Workspace, config: "TrainConfig", resume: bool, as_json: bool) -> int:
    from .. import console
    from ..train.begin import choose_folder
    from ..train.checkpoint import CHECKPOINT
    from ..train.compare import compare, compare_json, compare_table
    from ..train.every import every_json, train_every

    def train_one(wanted: "TrainConfig") -> Path:
        begun = (choose_folder(place.runs, wanted, resume=False) / CHECKPOINT).exists()
        return _train_one(place, wanted, resume and begun).path

    every = train_every(
        place,
        config,
        train_one,
        on_model=lambda model, done: console.step(f"{model}: finished already, {done}" if done else model),
        on_failure=lambda model, error: console.complain(f"{model}: {error.what}", error.remedy),
    )
    compared = compare(every.runs) if every.runs else []
    if as_json:
        console.result_json({**compare_json(compared), **every_json(every)})
    elif compared:
        console.table(compare_table(compared))
    return every.exit_code

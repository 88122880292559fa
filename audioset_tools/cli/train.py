"""`audioset-tools train`."""

from pathlib import Path
from typing import Any

import click

from ..workspace import Workspace
from .options import json_option, needing, workspace_option


@click.command()
@workspace_option
@click.option("--shards", metavar="NAME", help="Which folder of shards, if there are several.")
@click.option("--model", default="paper", show_default=True, help="paper, paper-7, han, crnn, rnn or rcnn.")
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
def train(workspace: Path, as_json: bool, resume: bool, **settings: Any) -> None:
    """Train a network and print the paper's tables."""
    with needing("train"):
        from ..train.config import TrainConfig
        from ..train.loop import train as train_model
        from ..train.summary import epoch_line, run_json, run_tables, step_line
    from .. import console

    config = TrainConfig(**settings)
    with console.bar("samples") as show:
        run = train_model(
            Workspace(workspace),
            config,
            on_epoch=lambda epoch: console.say(epoch_line(epoch, config.epochs)),
            on_step=lambda step: show(step.done, step.total, step_line(step)),
            resume=resume,
        )
    if as_json:
        console.result_json(run_json(run))
    else:
        for text in run_tables(run):
            console.result(text)

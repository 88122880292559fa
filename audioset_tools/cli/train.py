"""`audioset-tools train`."""

from typing import TYPE_CHECKING, Any

import click

from ..workspace import Workspace
from .options import FILE, json_option, needing, workspace_option

if TYPE_CHECKING:
    from ..train.config import TrainConfig


@click.command()
@workspace_option
@click.option("--shards", metavar="NAME", help="Which folder of shards, if there are several.")
@click.option(
    "--model", default="paper", show_default=True,
    help="paper, compact, paper-7, han, crnn, rnn, rcnn, svm, gmm, knn, hmm, probe, or all.",
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
    "--augment",
    multiple=True,
    metavar="NAME",
    help="specaugment or mixup, on the training clips; may be given twice.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda or mps.")
@click.option("--threads", type=int, help="Of the CPU; one for each core if left out.")
@click.option("--embedding", type=FILE, help="Of the probe: a tagger, as TFLite or ONNX.")
@click.option("--embedding-output", metavar="NAME", help="Which of its outputs; the first if left out.")
@click.option("--embedding-rate", type=int, metavar="HZ", help="Of its waveform; 16000 if left out.")
@click.option("--name", help="Of the run's folder; made of what differs from the defaults if left out.")
@click.option("--resume", is_flag=True, help="Go on with the unfinished run of these settings.")
@json_option
def train(workspace: Workspace, as_json: bool, resume: bool, **settings: Any) -> int:
    """Train a network or a baseline, or all of them, and print the paper's tables."""
    with needing("train"):
        from ..train.every import ALL
        from ..train.run import train as train_one
        from ..train.summary import history_line, run_json, run_tables
    from .. import console

    if settings["model"] == ALL:
        del settings["model"]
        return _train_every(workspace, settings, resume, as_json)
    with console.bar("samples") as show:
        run = train_one(
            workspace,
            resume=resume,
            on_epoch=lambda row: console.say(history_line(row)),
            on_progress=show,
            **settings,
        )
    if as_json:
        console.result_json(run_json(run))
    else:
        for text in run_tables(run):
            console.result(text)
    return 0


def _train_every(workspace: Workspace, settings: dict[str, Any], resume: bool, as_json: bool) -> int:
    from .. import console
    from ..runs.compare import compare, compare_json, compare_table, remarks
    from ..train.config import TrainConfig
    from ..train.every import all_models, every_json, train_every
    from ..train.summary import history_line

    probe = _probe_of(settings)
    with console.bar("samples") as show:
        every = train_every(
            workspace,
            TrainConfig(**settings),
            models=all_models(probe),
            resume=resume,
            on_model=lambda model, done: console.step(
                f"{model}: finished already, {done}" if done else model
            ),
            on_failure=lambda model, error: console.complain(f"{model}: {error.what}", error.remedy),
            on_epoch=lambda row: console.say(history_line(row)),
            on_progress=show,
        )
    compared = compare(every.runs) if every.runs else []
    if as_json:
        console.result_json({**compare_json(compared), **every_json(every)})
    elif compared:
        console.table(compare_table(compared))
        for remark in remarks(compared):
            console.say(remark)
    return every.exit_code


def _probe_of(settings: dict[str, Any]) -> "TrainConfig | None":
    """The probe's part of the settings, which the other models do not have; None without an embedding."""
    from ..train.config import OF_BASELINES, OF_PROBE, PROBE, TrainConfig

    embedding = {name: settings.pop(name) for name in OF_PROBE if name in settings}
    if not any(embedding.values()):
        return None
    common = {name: settings[name] for name in OF_BASELINES if name in settings}
    file = embedding.pop("embedding")
    return TrainConfig(PROBE, **common, embedding=None if file is None else str(file), **embedding)

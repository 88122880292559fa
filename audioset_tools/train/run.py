"""Training, from top to bottom: shards, model, epochs, the best weights, the run folder."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .. import __version__
from ..exceptions import DataMismatch, UsageError
from ..runs.about import About, about_run
from ..runs.evaluation import best_temperature, predictions
from ..runs.folder import (
    CHECKPOINT,
    WEIGHTS,
    Caution,
    Epoch,
    Run,
    Trial,
    best_of,
    choose_folder,
    finish_run,
    lock_run,
    remember_workspace,
    write_about,
    write_history,
)
from ..shards.labelled import TrainingRows
from ..shards.reader import MelShards, find_shards
from ..types import OnProgress, Progress, message, silent
from ..workspace import Workspace
from .augment import augmented, cropped, generators
from .config import PROBE, TrainConfig
from .fit import fit_baseline
from .levels import fit_levels
from .networks import MODELS, build
from .probe.fit import fit_probe
from .step import (
    Learner,
    RunningScores,
    batches,
    cpu_threads,
    dead_channels,
    keep_memory,
    learn,
    make_learner,
    pick_precision,
    seeded,
    set_rate,
    steps_of,
)
from .trained import (
    AT_ONCE,
    at_temperature,
    count_parameters,
    network_logits,
    pick_device,
    predict,
    split_logits,
)
from .watch import final_cautions, goes_on, guessing_loss, meaning_words, new_cautions
from .weights import (
    START_AGAIN,
    Checkpoint,
    Weights,
    digest_of,
    load_optimiser_state,
    load_state,
    optimiser_state_of,
    read_checkpoint,
    require_same_run,
    state_of,
    write_checkpoint,
    write_weights,
)

LOOK_EVERY = 10
"""Steps between two looks at the loss where each makes the CPU wait for the device."""

OnEpoch = Callable[[Epoch | Trial], object]
"""Called with each new row of a run's history."""


def ignore(row: Epoch | Trial) -> None:
    """Do nothing with a row of the history."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step(Progress):
    """How far an epoch is, in clips: mean loss and macro-F1 so far, and how fast it goes."""

    loss: float
    f1: float
    samples_per_second: float


def train(
    workspace: Workspace,
    model: str = "paper",
    *,
    literal: bool = False,
    filters: tuple[int, ...] | None = None,
    batch_size: int | None = None,
    lr: float | None = None,
    epochs: int | None = None,
    patience: int | None = None,
    seed: int = 0,
    augment: tuple[str, ...] = (),
    device: str = "auto",
    threads: int | None = None,
    shards: str | None = None,
    name: str | None = None,
    embedding: Path | str | None = None,
    embedding_output: str | None = None,
    embedding_rate: int | None = None,
    resume: bool = False,
    out: Path | str | None = None,
    on_epoch: OnEpoch = ignore,
    on_progress: OnProgress = silent,
) -> Run:
    """Train a network or fit a baseline on the workspace's shards, and leave a run folder.

    >>> run = train(Workspace(Path("audioset")), "paper", epochs=2, on_epoch=print)
    >>> run.path, run.best_epoch

    Args:
        workspace: as `featurize` left it.
        model, literal, filters, batch_size, lr, epochs, patience, seed: of the training; see `TrainConfig`.
        augment, device, threads, shards, name: of what, where, and under which name; see `TrainConfig`.
        embedding, embedding_output, embedding_rate: of a probe alone; see `TrainConfig`.
        resume: go on with the unfinished run of these settings, with as many threads as it began with.
        out: where the run's folder goes; None for `runs` in the workspace.
        on_epoch: called after every epoch of a network, and every trial of a baseline.
        on_progress: called with the clips of an epoch, each a `Step`, or those whose features are computed.

    Raises:
        DataMismatch: no shards, shards of several specs, damaged ones, a loss that is no number, a class
            without clips, or a checkpoint of another run.
        EnvironmentProblem: the device asked for is not there, or somebody else trains in the folder.
        UsageError: a value is impossible, a finished run has the chosen name, there is none to resume, or
            the model does not fit the mels.
    """
    config = TrainConfig(
        model=model,
        literal=literal,
        filters=filters,
        batch_size=batch_size,
        lr=lr,
        epochs=epochs,
        patience=patience,
        seed=seed,
        augment=augment,
        device=device,
        threads=threads,
        shards=shards,
        name=name,
        embedding=None if embedding is None else str(embedding),
        embedding_output=embedding_output,
        embedding_rate=embedding_rate,
    )
    workspace = Workspace(workspace.root, out or workspace.out)
    return train_as(workspace, config, resume=resume, on_epoch=on_epoch, on_progress=on_progress)


def train_as(
    workspace: Workspace,
    config: TrainConfig,
    *,
    resume: bool = False,
    on_epoch: OnEpoch = ignore,
    on_progress: OnProgress = silent,
) -> Run:
    """`train` with settings that are together already."""
    if config.model in MODELS:
        run = train_network(workspace, config, resume=resume, on_epoch=on_epoch, on_progress=on_progress)
    elif resume:
        raise UsageError(f"the baseline {config.model} cannot be resumed", "Leave --resume out.")
    else:
        fit = fit_probe if config.model == PROBE else fit_baseline
        run = fit(workspace, config, on_trial=on_epoch, on_progress=on_progress)
    if workspace.out is not None:
        remember_workspace(run.path, workspace)
    return run


def train_network(
    workspace: Workspace,
    config: TrainConfig,
    *,
    resume: bool = False,
    on_epoch: OnEpoch = ignore,
    on_progress: OnProgress = silent,
) -> Run:
    """Train a network, from top to bottom.

    Adam and cross-entropy (paper, section 5), binary cross-entropy for several classes at once. After every
    epoch the validation split is predicted; the weights of the best epoch (`best_of`) are kept, and training
    stops when `patience` epochs brought no better macro-F1, or when nothing can come of it any more. What the
    epochs say against it (`watch`) is told as it shows, and stands in the run. With the kept weights one
    temperature is fitted on the validation split, and the test split is predicted once. On a CPU the same
    seed and number of threads give the same weights, bit for bit, whether a run was killed and resumed or
    not. What may be raised is listed with `train`.
    """
    source = find_shards(workspace.shards, config.shards)
    data = {split: MelShards(source, split) for split in ("train", "validation", "test")}
    device = pick_device(config.device)
    keep_memory()

    folder = choose_folder(workspace.runs, config.run_name, chosen=config.name is not None, resume=resume)
    with lock_run(folder):
        kept = read_checkpoint(folder) if resume and (folder / CHECKPOINT).exists() else None
        with cpu_threads(config.threads or (kept.about.threads if kept is not None else None)):
            about, digest = _about(config, data["train"], device, kept), digest_of(list(data.values()))
            if kept is not None:
                require_same_run(kept, about, digest, folder)
            learner = _learner(config, data["train"], about, device)
            guessing = guessing_loss(data["train"].target, len(about.class_names))
            if kept is None:
                (folder / CHECKPOINT).unlink(missing_ok=True)
                write_about(folder, about)
            else:
                _restore(learner, kept)
                _publish(folder, kept)
            on_progress(message(meaning_words(guessing, about.multi_label)))

            while kept is None or goes_on(kept.history, learner.how, guessing):
                epoch = run_epoch(learner, data, config, len(kept.history) + 1 if kept else 1, on_progress)
                require_finite(epoch, folder, kept)
                kept = _checkpoint(learner, about, digest, epoch, kept)
                write_checkpoint(folder, kept)
                _publish(folder, kept)
                on_epoch(epoch)
                for caution in new_cautions(kept.history, config, guessing):
                    on_progress(message(f"warning: {caution.what}\n{caution.remedy}"))
            return _finish(folder, learner, kept, data, final_cautions(kept.history, config, guessing))


def _about(config: TrainConfig, train: MelShards, device: torch.device, kept: Checkpoint | None) -> About:
    versions = {"audioset_tools": __version__, "torch": torch.__version__}
    precision = kept.about.precision if kept else pick_precision(device, MODELS[config.model].bf16)
    threads = torch.get_num_threads()
    return about_run(config.settings, train.header, train.shape, versions, threads, precision)


def _learner(config: TrainConfig, train: MelShards, about: About, device: torch.device) -> Learner:
    """A new network, and what changes it."""
    model = build(
        config.model,
        len(about.class_names),
        about.shape,
        filters=config.filters,
        literal=config.literal,
        decibels=about.spec.log,
        seed=config.seed,
    )
    fit_levels(model, train)
    return make_learner(model, config.hyperparameters(len(train)), train, device, about.precision)


def _finish(
    folder: Path,
    learner: Learner,
    kept: Checkpoint,
    data: Mapping[str, MelShards],
    warnings: tuple[Caution, ...],
) -> Run:
    """With the best weights fit the temperature, predict, and leave the folder of a finished run."""
    load_state(learner.model, kept.best)
    to_logits = network_logits(learner.model, learner.device)
    key, group, actual, logits = split_logits(to_logits, data["validation"], AT_ONCE)
    temperature = best_temperature(logits, actual)
    write_weights(folder / WEIGHTS, Weights(kept.about, kept.best, temperature))
    run = Run(
        path=folder,
        about=kept.about,
        history=kept.history,
        best_epoch=kept.best_epoch,
        parameters=count_parameters(learner.model),
        validation=predictions(key, group, actual, logits / temperature),
        test=predict(at_temperature(to_logits, temperature), data["test"], AT_ONCE),
        warnings=warnings,
    )
    finish_run(run)
    (folder / CHECKPOINT).unlink()
    return run


def run_epoch(
    learner: Learner,
    data: Mapping[str, MelShards],
    config: TrainConfig,
    number: int,
    on_progress: OnProgress,
) -> Epoch:
    """Learn from the train split once and judge the validation split; stops at a loss that is no number."""
    began = time.perf_counter()
    with seeded(config.seed, number):
        tally = train_epoch(learner, data["train"], config, number, on_progress)
    speed = tally.clips / (time.perf_counter() - began)
    train_loss, train_f1 = tally.report()
    found = predict(network_logits(learner.model, learner.device), data["validation"], AT_ONCE)
    return Epoch(
        epoch=number,
        train_loss=train_loss,
        train_f1=train_f1,
        validation_loss=found.loss,
        validation_f1=found.macro_f1,
        seconds=round(time.perf_counter() - began, 3),
        samples_per_second=round(speed, 1),
        dead_channels=dead_channels(learner.model, some_mels(data["validation"], learner.device)),
    )


def some_mels(shards: MelShards, device: torch.device) -> torch.Tensor:
    """Of clips evenly spaced over a split, so that all classes are among them: [B, 1, bands, frames]."""
    rows = np.unique(np.linspace(0, len(shards) - 1, AT_ONCE).astype(np.int64))
    return torch.from_numpy(shards.take(rows)).unsqueeze(1).to(device)


def train_epoch(
    learner: Learner, shards: TrainingRows, config: TrainConfig, number: int, on_progress: OnProgress
) -> RunningScores:
    """One pass over the train split; ends early at a loss that is no number."""
    began = time.perf_counter()
    n_classes, how = len(shards.header.class_names), learner.how
    done = (number - 1) * steps_of(len(shards), how.batch_size)
    mean = torch.from_numpy(shards.mean).to(learner.device)
    look_every = 1 if learner.device.type == "cpu" else LOOK_EVERY
    tally = RunningScores(n_classes, learner.multi_label, learner.device)
    ordered = batches(shards, how.batch_size, (config.seed, number), learner.device)
    for count, (mel, target) in enumerate(ordered, start=1):
        places = range(tally.clips, tally.clips + len(mel))
        rngs = generators(config.seed, number, places)
        mel = cropped(mel, how.crop, rngs)
        set_rate(learner, done + count - 1)
        loss, logits = learn(learner, *augmented(config.augment, mel, target, n_classes, rngs, mean))
        tally.add(loss, logits, target)
        if count % look_every == 0 or tally.clips == len(shards):
            if not tally.is_finite():
                break
            speed = tally.clips / (time.perf_counter() - began)
            loss_so_far, f1 = tally.report()
            text = f"loss {loss_so_far:.4f}, F1 {f1:.4f}, {speed:.0f} samples/s"
            on_progress(
                Step(tally.clips, len(shards), text, loss=loss_so_far, f1=f1, samples_per_second=speed)
            )
    return tally


def require_finite(epoch: Epoch, folder: Path, kept: Checkpoint | None) -> None:
    """See that the losses of an epoch are numbers.

    Args:
        kept: the state before it, if there is one.

    Raises:
        DataMismatch: one is not.
    """
    for split, loss in (("train", epoch.train_loss), ("validation", epoch.validation_loss)):
        if not math.isfinite(loss):
            raise DataMismatch(
                f"the {split} loss is {loss} in epoch {epoch.epoch}: training ran away. "
                + (
                    f"The weights of epoch {kept.best_epoch} are kept in {folder / WEIGHTS}"
                    if kept
                    else "There are no weights to keep"
                ),
                "Lower --lr, or featurize with --preset log, whose values lie closer together.",
            )


def _checkpoint(
    learner: Learner, about: About, digest: str, epoch: Epoch, before: Checkpoint | None
) -> Checkpoint:
    """The state after an epoch."""
    model = state_of(learner.model)
    history = (*(before.history if before else ()), epoch)
    best_epoch = best_of(history, learner.how.one_cycle)
    return Checkpoint(
        about=about,
        data=digest,
        model=model,
        best=model if before is None or best_epoch == epoch.epoch else before.best,
        optimiser=optimiser_state_of(learner.optimiser),
        history=history,
        best_epoch=best_epoch,
    )


def _restore(learner: Learner, kept: Checkpoint) -> None:
    """Bring a new learner to the state of a checkpoint.

    Raises:
        DataMismatch: it is of another model.
    """
    try:
        load_state(learner.model, kept.model)
        load_optimiser_state(learner.optimiser, kept.optimiser)
    except (RuntimeError, ValueError, LookupError, TypeError) as error:
        # torch raises any of these over tensors that are not those of a model.
        raise DataMismatch("the checkpoint is of another model than it names", START_AGAIN) from error


def _publish(folder: Path, kept: Checkpoint) -> None:
    """Write what follows from a checkpoint: the best weights and the history."""
    write_weights(folder / WEIGHTS, Weights(kept.about, kept.best))
    write_history(folder, kept.history)

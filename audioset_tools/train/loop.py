"""Training, from top to bottom: shards, model, epochs, the best weights, the run folder."""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch

from .. import __version__
from ..errors import DataMismatch, EnvironmentProblem
from ..featurize.reader import MelShards, find_shards
from ..workspace import Workspace
from .about import About, about_run
from .allocator import keep_memory
from .augment import augmented, generators
from .begin import choose_folder, locked
from .checkpoint import (
    CHECKPOINT,
    Checkpoint,
    digest_of,
    load_optimiser_state,
    load_state,
    optimiser_state_of,
    read_checkpoint,
    require_same_run,
    state_of,
    write_checkpoint,
)
from .config import TrainConfig
from .data import batches
from .evaluate import AT_ONCE, predict
from .folder import WEIGHTS, Epoch, Run, finish_run, write_about, write_history
from .levels import fit_levels
from .models import build
from .step import Learner, learn, make_learner
from .tally import Tally
from .weights import write_weights

LOOK_EVERY = 10
"""Steps between two looks at the loss where each makes the CPU wait for the device."""


@dataclass(frozen=True, slots=True)
class Step:
    """How far an epoch is: clips done and in all, mean loss and macro-F1 so far, clips a second."""

    done: int
    total: int
    loss: float
    f1: float
    samples_per_second: float


def train(
    workspace: Workspace,
    config: TrainConfig,
    on_epoch: Callable[[Epoch], None],
    on_step: Callable[[Step], None] = lambda step: None,
    resume: bool = False,
) -> Run:
    """Train a model on the workspace's shards and leave a run folder.

    Adam and cross-entropy (paper, section 5), binary cross-entropy for several classes at once. After every
    epoch the validation split is predicted; the weights with the best macro-F1 are kept, of equals those
    with the lower loss, and training stops when `patience` epochs brought nothing better. The test split is
    looked at once, with those weights. On a CPU the same seed and number of threads give the same weights,
    bit for bit, whether a run was killed and resumed or not.

    Args:
        workspace: where shards and runs lie.
        config: how.
        on_epoch: told after every epoch.
        on_step: told after a step how far the epoch is.
        resume: go on with the unfinished run of that name, with as many threads as it began with.

    Raises:
        DataMismatch: no shards, shards of several specs, damaged ones, a loss that is no number, or a
            checkpoint of another run.
        EnvironmentProblem: the device asked for is not there, or somebody else trains in the folder.
        UsageError: a finished run has the chosen name, there is none to resume, or the model does not fit
            the mels.
    """
    source = find_shards(workspace.shards, config.shards)
    data = {split: MelShards(source, split) for split in ("train", "validation", "test")}
    digest = digest_of(list(data.values()))
    header, shape = data["train"].header, data["train"].shape
    device = pick_device(config.device)
    keep_memory()

    folder = choose_folder(workspace.runs, config, resume)
    with locked(folder):
        kept = read_checkpoint(folder) if resume and (folder / CHECKPOINT).exists() else None
        if kept is not None:
            torch.set_num_threads(kept.about.threads)
        versions = {"audioset_tools": __version__, "torch": torch.__version__}
        about = about_run(asdict(config), header, shape, versions, torch.get_num_threads())
        if kept is not None:
            require_same_run(kept, about, digest, folder)

        model = build(
            config.model,
            len(header.class_names),
            shape,
            filters=config.filters,
            decibels=bool(about.spec["log"]),
            seed=config.seed,
        )
        fit_levels(model, data["train"])
        learner = make_learner(model, config.learning_rate, device, header.multi_label)
        if kept is None:
            (folder / CHECKPOINT).unlink(missing_ok=True)
            write_about(folder, about)
        else:
            _restore(learner, kept)
            _publish(folder, kept)

        while kept is None or _goes_on(kept, config):
            epoch = run_epoch(learner, data, config, len(kept.history) + 1 if kept else 1, on_step)
            require_finite(epoch, folder, kept)
            kept = _checkpoint(learner, about, digest, epoch, kept)
            write_checkpoint(folder, kept)
            _publish(folder, kept)
            on_epoch(epoch)

        load_state(model, kept.best)
        run = Run(
            path=folder,
            about=about,
            history=kept.history,
            best_epoch=kept.best_epoch,
            parameters=sum(parameter.numel() for parameter in model.parameters()),
            validation=predict(model, data["validation"], AT_ONCE, device),
            test=predict(model, data["test"], AT_ONCE, device),
        )
        finish_run(run)
        (folder / CHECKPOINT).unlink()
        return run


def run_epoch(
    learner: Learner,
    data: Mapping[str, MelShards],
    config: TrainConfig,
    number: int,
    on_step: Callable[[Step], None],
) -> Epoch:
    """Learn from the train split once and judge the validation split; stops at a loss that is no number.

    Dropout's random numbers come from seed and epoch; the global random state is left as it was.
    """
    began = time.perf_counter()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(np.random.SeedSequence((config.seed, number)).generate_state(1)[0]))
        tally = train_epoch(learner, data["train"], config, number, on_step)
    speed = tally.clips / (time.perf_counter() - began)
    train_loss, train_f1 = tally.report()
    found = predict(learner.model, data["validation"], AT_ONCE, learner.device)
    return Epoch(
        epoch=number,
        train_loss=train_loss,
        train_f1=train_f1,
        validation_loss=found.loss,
        validation_f1=found.macro_f1,
        seconds=round(time.perf_counter() - began, 3),
        samples_per_second=round(speed, 1),
    )


def train_epoch(
    learner: Learner, shards: MelShards, config: TrainConfig, number: int, on_step: Callable[[Step], None]
) -> Tally:
    """One pass over the train split; ends early at a loss that is no number."""
    began = time.perf_counter()
    n_classes = len(shards.header.class_names)
    mean = torch.from_numpy(shards.mean).to(learner.device)
    look_every = 1 if learner.device.type == "cpu" else LOOK_EVERY
    tally = Tally(n_classes, learner.multi_label, learner.device)
    ordered = batches(shards, config.batch_size, (config.seed, number), learner.device)
    for count, (mel, target) in enumerate(ordered, start=1):
        places = range(tally.clips, tally.clips + len(mel))
        rngs = generators(config.seed, number, places)
        loss, logits = learn(learner, *augmented(config.augment, mel, target, n_classes, rngs, mean))
        tally.add(loss, logits, target)
        if count % look_every == 0 or tally.clips == len(shards):
            if not tally.is_finite():
                break
            speed = tally.clips / (time.perf_counter() - began)
            on_step(Step(tally.clips, len(shards), *tally.report(), speed))
    return tally


def pick_device(name: str) -> torch.device:
    """The device of that name; for auto the fastest there is.

    Raises:
        EnvironmentProblem: it is not there.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, there in available.items() if there)
    if not available[name]:
        raise EnvironmentProblem(f"torch finds no {name} device here", "Use --device cpu or --device auto.")
    return torch.device(name)


def require_finite(epoch: Epoch, folder: Path, kept: Checkpoint | None) -> None:
    """See that the losses of an epoch are numbers.

    Args:
        epoch: just over.
        folder: of the run.
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
    better = before is None or _merit(epoch) > _merit(before.history[before.best_epoch - 1])
    return Checkpoint(
        about=about,
        data=digest,
        model=model,
        best=model if before is None or better else before.best,
        optimiser=optimiser_state_of(learner.optimiser),
        history=history,
        best_epoch=epoch.epoch if before is None or better else before.best_epoch,
    )


def _restore(learner: Learner, kept: Checkpoint) -> None:
    """Bring a new learner to the state of a checkpoint."""
    load_state(learner.model, kept.model)
    load_optimiser_state(learner.optimiser, kept.optimiser)


def _publish(folder: Path, kept: Checkpoint) -> None:
    """Write what follows from a checkpoint: the best weights and the history."""
    write_weights(folder / WEIGHTS, kept.best, kept.about)
    write_history(folder, kept.history)


def _goes_on(kept: Checkpoint, config: TrainConfig) -> bool:
    done = len(kept.history)
    return done < config.epochs and done - kept.best_epoch < config.patience


def _merit(epoch: Epoch) -> tuple[float, float]:
    return epoch.validation_f1, -epoch.validation_loss

"""Training, from top to bottom: shards, model, epochs, the best weights, the run folder."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import asdict

import torch
from torch import nn

from .. import __version__
from ..errors import DataMismatch, EnvironmentProblem
from ..featurize.reader import MelShards, find_shards
from ..workspace import Workspace
from .about import about_run
from .allocator import keep_memory
from .begin import choose_folder
from .config import TrainConfig
from .data import batches
from .evaluate import predict
from .folder import WEIGHTS, Epoch, Run, finish_run, write_about, write_history
from .levels import fit_levels
from .metrics import confusion_matrix, scores
from .models import build
from .weights import write_weights


def train(
    workspace: Workspace,
    config: TrainConfig,
    on_epoch: Callable[[Epoch], None],
    on_batch: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Train a model on the workspace's shards and leave a run folder.

    Adam and cross-entropy (paper, section 5). After every epoch the validation split is predicted; the
    weights with the best macro-F1 are kept, of equals those with the lower loss, and training stops when
    `patience` epochs brought nothing better. The test split is looked at once, with those weights. On a CPU
    the same seed and number of threads give the same weights, bit for bit.

    Args:
        workspace: where shards and runs lie.
        config: how.
        on_epoch: told after every epoch.
        on_batch: told after every step how many samples of the epoch are done and how many there are.

    Raises:
        DataMismatch: no shards, shards of several specs, damaged ones, or a loss that is no number.
        EnvironmentProblem: the device asked for is not there.
        UsageError: a finished run has the chosen name, or the model does not fit the mels.
    """
    source = find_shards(workspace.shards, config.shards)
    data = {split: MelShards(source, split) for split in ("train", "validation", "test")}
    for shards in data.values():
        shards.open()
    header = data["train"].header
    n_classes = len(header.class_names)

    device = pick_device(config.device)
    if device.type == "cpu":
        keep_memory()
    model = build(
        config.model,
        n_classes,
        data["train"].shape,
        filters=config.filters,
        decibels=bool(json.loads(header.spec).get("log")),
        seed=config.seed,
    )
    fit_levels(model, data["train"])
    model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimiser = torch.optim.Adam(model.parameters(), lr=config.learning_rate)
    versions = {"audioset_tools": __version__, "torch": str(torch.__version__)}
    about = about_run(asdict(config), header, data["train"].shape, versions, torch.get_num_threads())
    folder = choose_folder(workspace.runs, config, resume=False)
    write_about(folder, about)

    history: list[Epoch] = []
    best: Epoch | None = None
    best_weights: dict[str, torch.Tensor] = {}
    for number in range(1, config.epochs + 1):
        began = time.perf_counter()
        train_loss, train_f1 = train_epoch(model, optimiser, data["train"], config, number, device, on_batch)
        speed = len(data["train"]) / (time.perf_counter() - began)
        found = predict(model, data["validation"], config.batch_size, device)
        require_finite(found.loss, number)
        epoch = Epoch(
            epoch=number,
            train_loss=train_loss,
            train_f1=train_f1,
            validation_loss=found.loss,
            validation_f1=found.macro_f1,
            seconds=round(time.perf_counter() - began, 3),
            samples_per_second=round(speed, 1),
        )
        history.append(epoch)
        write_history(folder, history)
        if best is None or _merit(epoch) > _merit(best):
            best = epoch
            best_weights = {name: tensor.cpu().clone() for name, tensor in model.state_dict().items()}
            arrays = {name: tensor.numpy() for name, tensor in best_weights.items()}
            write_weights(folder / WEIGHTS, arrays, about)
        on_epoch(epoch)
        if number - best.epoch >= config.patience:
            break

    assert best is not None
    model.load_state_dict(best_weights)
    run = Run(
        path=folder,
        about=about,
        history=tuple(history),
        best_epoch=best.epoch,
        parameters=sum(parameter.numel() for parameter in model.parameters()),
        validation=predict(model, data["validation"], config.batch_size, device),
        test=predict(model, data["test"], config.batch_size, device),
    )
    finish_run(run)
    return run


def train_epoch(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    shards: MelShards,
    config: TrainConfig,
    number: int,
    device: torch.device,
    on_batch: Callable[[int, int], None],
) -> tuple[float, float]:
    """One pass over the training split: the mean loss and the macro-F1 seen on the way.

    Raises:
        DataMismatch: a loss is no number.
    """
    model.train()
    total, actual, predicted = 0.0, [], []
    for mel, label in batches(shards, config.batch_size, shuffle=(config.seed, number)):
        logits = model(mel.to(device))
        loss = nn.functional.cross_entropy(logits, label.to(device))
        require_finite(loss.item(), number)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        total += loss.item() * len(label)
        actual += label.tolist()
        predicted += logits.argmax(dim=1).tolist()
        on_batch(len(actual), len(shards))
    confusion = confusion_matrix(actual, predicted, len(shards.header.class_names))
    return total / len(actual), scores(confusion).macro[2]


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


def require_finite(loss: float, number: int) -> None:
    """See that a loss is a number.

    Raises:
        DataMismatch: it is not.
    """
    if not math.isfinite(loss):
        raise DataMismatch(
            f"the loss is {loss} in epoch {number}: training ran away",
            "Lower --lr, or featurize with --preset log, whose values lie closer together.",
        )


def _merit(epoch: Epoch) -> tuple[float, float]:
    return epoch.validation_f1, -epoch.validation_loss

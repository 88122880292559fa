"""A finished run, network or baseline, ready to predict from its folder alone; `evaluate_split` judges it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ..exceptions import DataMismatch, EnvironmentProblem, UsageError
from ..runs.about import NOT_OURS, About, require_same_data
from ..runs.evaluation import (
    Evaluation,
    Mels,
    Predictions,
    ToLogits,
    judge,
    predictions,
    to_probability,
)
from ..runs.folder import (
    HISTORY,
    WEIGHTS,
    Run,
    best_of,
    find_run,
    is_finished,
    read_history,
    read_metrics,
    require_place,
    workspace_of,
    write_curves,
    write_evaluation,
    write_metrics,
)
from ..runs.metrics import Logits, Probabilities
from ..shards.placements import SPLITS
from ..shards.reader import MelShards, find_shards
from ..types import OnProgress, Progress, silent
from ..workspace import Workspace, smaller_set
from .baselines import CLASSICAL, classical_logits
from .config import PROBE, TrainConfig
from .networks import build, is_one_cycle
from .probe.clips import ClipFeatures
from .probe.embedder import Embedder
from .probe.regression import regression_logits
from .probe.settings import embedding_of
from .weights import Tensors, read_weights

AT_ONCE = 16
"""Clips of a batch where nothing is learned."""


def pick_device(name: str) -> torch.device:
    """The device of that name; for auto the fastest there is.

    Raises:
        UsageError: no device has such a name.
        EnvironmentProblem: it is not there.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        name = next(device for device, there in available.items() if there)
    if name not in available:
        raise UsageError(f"no device {name!r}", "Choose auto, cpu, cuda or mps.")
    if not available[name]:
        raise EnvironmentProblem(f"torch finds no {name} device here", "Use --device cpu or --device auto.")
    return torch.device(name)


def network_logits(model: nn.Module, device: torch.device) -> ToLogits:
    """A network on `device`, with no more than evaluation needs; it is left in evaluation mode."""

    def to_logits(mels: Mels) -> Logits:
        model.eval()
        with torch.inference_mode():
            logits: Logits = model(torch.from_numpy(mels).unsqueeze(1).to(device)).cpu().double().numpy()
        return logits

    return to_logits


def at_temperature(to_logits: ToLogits, temperature: float) -> ToLogits:
    """The same model with logits divided by a temperature."""

    def divided(mels: Mels) -> Logits:
        logits: Logits = to_logits(mels) / temperature
        return logits

    return divided


Take = Callable[[MelShards, npt.NDArray[np.integer]], Mels]
"""What a model is given of some rows of a split: their mels, or a probe the features of their clips."""


def predict(
    to_logits: ToLogits,
    shards: MelShards,
    batch_size: int,
    on_progress: OnProgress = silent,
    take: Take = MelShards.take,
) -> Predictions:
    """Run a model over the clips of a split; arguments as of `split_logits`."""
    return predictions(*split_logits(to_logits, shards, batch_size, on_progress, take))


SplitLogits = tuple[tuple[str, ...], tuple[str, ...], npt.NDArray[np.integer], Logits]
"""Keys, groups and classes of some clips as `Predictions` has them, and logits, [rows, classes]."""


def split_logits(
    to_logits: ToLogits,
    shards: MelShards,
    batch_size: int,
    on_progress: OnProgress = silent,
    take: Take = MelShards.take,
) -> SplitLogits:
    """A model's logits for the clips of a split, in the order of the shards.

    Noise copies, which only the train split has, are left out: a model is judged by clips.

    Args:
        to_logits: the model, a network or a baseline.
        on_progress: called after every batch, with clips.
        take: gives what the model is given of some rows.
    """
    rows = np.flatnonzero(shards.noise == 0)
    parts = []
    for start in range(0, len(rows), batch_size):
        parts.append(to_logits(take(shards, rows[start : start + batch_size])))
        on_progress(Progress(min(start + batch_size, len(rows)), len(rows)))
    multi_label = shards.header.multi_label
    actual = shards.target[rows] if multi_label else shards.label[rows].astype(np.int64)
    key, group = (tuple(name.decode() for name in names[rows]) for names in (shards.key, shards.group))
    return key, group, actual, np.concatenate(parts)


@dataclass(frozen=True, slots=True)
class Trained:
    """A model with its weights.

    Args:
        about: what they are of.
        parameters: numbers that were learned.
        to_logits: at the temperature that was fitted on the validation split.
        embedder: what gives a probe the features of a sound; None for a model of mels.
    """

    path: Path
    about: About
    parameters: int
    to_logits: ToLogits
    embedder: Embedder | None = None

    def probabilities(self, mels: Mels) -> Probabilities:
        """Of every class, float64, [B, classes]: adding up to one, or, multi-label, each for itself.

        Args:
            mels: float32, [B, bands, frames], made with the spec that `about` names; for a probe features,
                [B, features], by its embedder.
        """
        return to_probability(self.to_logits(mels), self.about.multi_label)


def load_run(folder: Path, device: torch.device, embedding: Path | str | None = None) -> Trained:
    """Read the weights of a run and make its model.

    Args:
        device: where a network computes; a baseline computes on the CPU.
        embedding: where a probe's file lies; None for where it lay when the probe was trained.

    Raises:
        DataMismatch: the folder holds no weights, foreign ones, damaged ones, or ones that do not fit the
            model they name; or the embedding's file is another, or cannot be run.
        EnvironmentProblem: the package that runs the embedding's file is not installed.
        UsageError: there is no such file, or the run takes none.
    """
    path = folder / WEIGHTS
    weights = read_weights(path)
    about, tensors = weights.about, weights.tensors
    config = _config(about, path)
    embedder = None
    if config.model != PROBE and embedding is not None:
        raise UsageError(f"the run {folder} takes no embedding", "Leave --embedding out.")
    if config.model == PROBE:
        count = sum(tensor.size for tensor in tensors.values())
        to_logits = regression_logits(tensors, about, path)
        embedder = Embedder(embedding_of(config, embedding))
    elif config.model in CLASSICAL:
        count = sum(tensor.size for tensor in tensors.values())
        to_logits = classical_logits(config.model, tensors, about, path)
    else:
        model = _network(config, about, tensors, path, device)
        count, to_logits = count_parameters(model), network_logits(model, device)
    return Trained(path, about, count, at_temperature(to_logits, weights.temperature), embedder)


def count_parameters(model: nn.Module) -> int:
    """Numbers that a network learns."""
    return sum(parameter.numel() for parameter in model.parameters())


def _config(about: About, path: Path) -> TrainConfig:
    settings: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in about.config.items()
    }
    try:
        return TrainConfig(**settings)
    except (TypeError, UsageError) as error:
        raise DataMismatch(f"{path} has settings that this version does not know", NOT_OURS) from error


def _network(
    config: TrainConfig, about: About, tensors: Tensors, path: Path, device: torch.device
) -> nn.Module:
    # Without memory: what the settings ask for may be far larger than what the file holds; and without first
    # weights, which those of the file would replace.
    try:
        with torch.device("meta"):
            model = build(
                config.model,
                len(about.class_names),
                about.shape,
                filters=config.filters,
                literal=config.literal,
                decibels=about.spec.log,
                seed=config.seed,
            )
    except (UsageError, RuntimeError) as error:
        # torch raises the latter where so many numbers cannot be counted.
        raise DataMismatch(f"{path} has settings that no {config.model} can have", NOT_OURS) from error
    empty = model.state_dict()
    wanted = {name: tuple(tensor.shape) for name, tensor in empty.items()}
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if wanted != found:
        names = [name for name in {**wanted, **found} if wanted.get(name) != found.get(name)]
        raise DataMismatch(f"{path} does not fit the model {config.model}: see {names[0]}", NOT_OURS)
    loaded = {
        name: torch.from_numpy(np.array(tensor)).to(empty[name].dtype) for name, tensor in tensors.items()
    }
    model.load_state_dict(loaded, assign=True)
    return model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def evaluate_split(
    workspace: Workspace,
    run: Run | Path | str | None = None,
    *,
    split: str = "test",
    shards: str | None = None,
    device: str = "auto",
    seed: int = 0,
    embedding: Path | str | None = None,
    on_progress: OnProgress = silent,
) -> Evaluation:
    """Judge a run by a split and write what comes of it.

    The test split of a finished run of this workspace is written into the run's folder, where `train` wrote
    it; whatever else into `evaluate-<split>` there, or below the workspace's `out`. So no evaluation makes an
    unfinished run look finished.

    Args:
        workspace: where the shards lie.
        run: one, its name in the workspace, or any run's folder; None for the newest finished one.
        split: train, validation or test; of train the clips themselves, without their noise copies.
        shards: which folder of shards; None for the one the run was trained on, or the only one.
        device: auto, cpu, cuda or mps, where a network computes.
        seed: of the drawings behind the intervals.
        embedding: where a probe's file lies; None for where it lay when the probe was trained.
        on_progress: called after every batch, with clips.

    Raises:
        UsageError: there is no such run, split, folder of shards or file.
        DataMismatch: weights or shards are damaged, foreign, or not made for each other.
        EnvironmentProblem: the device is not there.
    """
    if split not in SPLITS:
        raise UsageError(f"there is no split {split!r}", f"Choose one of {', '.join(SPLITS)}.")
    folder = find_run(workspace, run)
    workspace = workspace_of(folder, workspace)
    in_place = split == "test" and folder.parent.resolve() == workspace.runs.resolve() and is_finished(folder)
    target = folder if in_place else workspace.beside(folder) / f"evaluate-{split}"
    require_place(target)
    trained = load_run(folder, pick_device(device), embedding)
    of_run = trained.about.config.get("shards")
    if shards is None and isinstance(of_run, str):
        # All clips in place of a smaller set would be judged by a model that was trained on some of them.
        named = smaller_set(of_run) or (workspace.shards / of_run).is_dir()
        shards = of_run if named else None
    data = MelShards(find_shards(workspace.shards, shards), split)
    require_same_data(trained.about, data.header, data.shape, trained.path)
    take: Take = MelShards.take
    if trained.embedder is not None:
        take = ClipFeatures(workspace, trained.embedder).take
    found = predict(trained.to_logits, data, AT_ONCE, on_progress, take)
    evaluation = judge(found, trained.about.class_names, split, seed)

    history = read_history(folder) if (folder / HISTORY).exists() else ()
    training = {"parameters": trained.parameters}
    write_evaluation(target, evaluation)
    if history:
        training["best_epoch"] = best_of(history, is_one_cycle(str(trained.about.config["model"])))
        write_curves(target, history, training["best_epoch"])
    write_metrics(target, read_metrics(folder) | training if in_place else training, evaluation)
    return replace(evaluation, run=folder, folder=target)

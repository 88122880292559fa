"""A finished run, ready to answer: network or baseline, from its folder alone."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..errors import DataMismatch, UsageError
from .about import NOT_OURS, About
from .classical import CLASSICAL, classical_logits
from .config import TrainConfig
from .evaluate import Logits, Mels, network_logits, to_probability
from .folder import WEIGHTS
from .metrics import Rates
from .models import build
from .weights import Tensors, read_weights


@dataclass(frozen=True, slots=True)
class Trained:
    """A model with its weights.

    Args:
        path: of its weights.
        about: what they are of.
        parameters: numbers that were learned.
        logits: what it says to mels.
    """

    path: Path
    about: About
    parameters: int
    logits: Logits

    def probabilities(self, mels: Mels) -> Rates:
        """Of every class, float64, [B, classes]: adding up to one, or, multi-label, each for itself.

        Args:
            mels: float32, [B, bands, frames], made with the spec that `about` names.
        """
        return to_probability(self.logits(mels), self.about.multi_label)


def load_run(folder: Path, device: torch.device) -> Trained:
    """Read the weights of a run and make its model.

    Args:
        folder: of the run.
        device: where a network computes; a baseline computes on the CPU.

    Raises:
        DataMismatch: the folder holds no weights, foreign ones, damaged ones, or ones that do not fit the
            model they name.
    """
    path = folder / WEIGHTS
    about, tensors = read_weights(path)
    config = _config(about, path)
    if config.model in CLASSICAL:
        count = sum(tensor.size for tensor in tensors.values())
        return Trained(path, about, count, classical_logits(config.model, tensors, about, path))
    model = _network(config, about, tensors, path, device)
    return Trained(path, about, count_parameters(model), network_logits(model, device))


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
    def make() -> nn.Module:
        return build(
            config.model,
            len(about.class_names),
            about.shape,
            filters=config.filters,
            decibels=bool(about.spec.get("log")),
            seed=config.seed,
        )

    # First without memory: what the settings ask for may be far larger than what the file holds.
    try:
        with torch.device("meta"):
            wanted = {name: tuple(tensor.shape) for name, tensor in make().state_dict().items()}
    except (UsageError, RuntimeError) as error:
        # torch raises the latter where so many numbers cannot be counted.
        raise DataMismatch(f"{path} has settings that no {config.model} can have", NOT_OURS) from error
    found = {name: tensor.shape for name, tensor in tensors.items()}
    if wanted != found:
        names = [name for name in {**wanted, **found} if wanted.get(name) != found.get(name)]
        raise DataMismatch(f"{path} does not fit the model {config.model}: see {names[0]}", NOT_OURS)
    model = make()
    model.load_state_dict({name: torch.from_numpy(np.array(tensor)) for name, tensor in tensors.items()})
    return model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]

"""Everything that an unfinished run needs to go on, in one file: `checkpoint.safetensors`.

It is written whole after every epoch, before the files that follow from it (`model.safetensors` and
`history.csv`), so that a process killed at any instant leaves the state after some epoch and nothing half
done. What happens within an epoch is decided by seed and epoch alone; no random state needs keeping.
"""

from dataclasses import astuple, dataclass, fields
from hashlib import sha256
from pathlib import Path

import numpy as np
import torch
from torch import nn

from ..errors import DataMismatch
from ..featurize.reader import MelShards
from .about import About
from .folder import Epoch
from .weights import Tensors, read_weights, write_weights

CHECKPOINT = "checkpoint.safetensors"

START_ANEW = "Give what the run began with, or leave --resume out to start anew."


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A run after an epoch.

    Args:
        about: what is trained.
        data: digest of its shards, see `digest_of`.
        model: weights and buffers.
        best: those of the best epoch so far.
        optimiser: what Adam keeps of every parameter, by the parameter's number and the value's name.
        history: the epochs so far.
        best_epoch: the best of them.
    """

    about: About
    data: str
    model: Tensors
    best: Tensors
    optimiser: Tensors
    history: tuple[Epoch, ...]
    best_epoch: int


def write_checkpoint(folder: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint into a run folder."""
    tensors: Tensors = {
        **{f"model/{name}": tensor for name, tensor in checkpoint.model.items()},
        **{f"best/{name}": tensor for name, tensor in checkpoint.best.items()},
        **{f"optimiser/{name}": tensor for name, tensor in checkpoint.optimiser.items()},
        "history": np.array([astuple(epoch) for epoch in checkpoint.history], np.float64),
        "best_epoch": np.array(checkpoint.best_epoch),
        "data": np.frombuffer(bytes.fromhex(checkpoint.data), np.uint8),
    }
    write_weights(folder / CHECKPOINT, tensors, checkpoint.about)


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read the checkpoint of a run folder.

    Raises:
        DataMismatch: there is none, or it is damaged or none of ours.
    """
    path = folder / CHECKPOINT
    about, tensors = read_weights(path)
    missing = {"history", "best_epoch", "data"} - set(tensors)
    if missing:
        raise DataMismatch(f"{path} is no checkpoint: it has no {min(missing)}", START_ANEW)
    return Checkpoint(
        about=about,
        data=tensors["data"].tobytes().hex(),
        model=_part(tensors, "model/"),
        best=_part(tensors, "best/"),
        optimiser=_part(tensors, "optimiser/"),
        history=tuple(Epoch(int(row[0]), *map(float, row[1:])) for row in tensors["history"]),
        best_epoch=int(tensors["best_epoch"]),
    )


def require_same_run(checkpoint: Checkpoint, about: About, data: str, folder: Path) -> None:
    """See that a run may go on from a checkpoint.

    Args:
        checkpoint: of that folder.
        about: what the run is that wants to go on.
        data: digest of its shards.
        folder: of the run, for the message.

    Raises:
        DataMismatch: the checkpoint is of other settings, shards, versions or threads.
    """
    for field in fields(About):
        before, now = getattr(checkpoint.about, field.name), getattr(about, field.name)
        if before != now:
            trouble = f"the run {folder} began with {_difference(field.name, before, now)}"
            raise DataMismatch(trouble, START_ANEW)
    if checkpoint.data != data:
        raise DataMismatch(f"the run {folder} began on other shards", START_ANEW)


def digest_of(splits: list[MelShards]) -> str:
    """A digest of everything that decided the rows of some splits, in hexadecimal."""
    digest = sha256()
    for shards in splits:
        for shard in shards.open():
            digest.update(f"{shard.path.name}\0{shard.header.inputs}\0{len(shard)}\0".encode())
    return digest.hexdigest()


def state_of(model: nn.Module) -> Tensors:
    """Weights and buffers, copied."""
    return {name: tensor.detach().cpu().numpy().copy() for name, tensor in model.state_dict().items()}


def load_state(model: nn.Module, state: Tensors) -> None:
    """Give a model such weights and buffers."""
    model.load_state_dict({name: torch.from_numpy(np.array(value)) for name, value in state.items()})


def optimiser_state_of(optimiser: torch.optim.Optimizer) -> Tensors:
    """What an optimiser keeps of every parameter, copied."""
    return {
        f"{number}/{name}": value.detach().cpu().numpy().copy()
        for number, of_parameter in optimiser.state_dict()["state"].items()
        for name, value in of_parameter.items()
    }


def load_optimiser_state(optimiser: torch.optim.Optimizer, state: Tensors) -> None:
    """Give it back to an optimiser of the same parameters and settings."""
    values: dict[int, dict[str, torch.Tensor]] = {}
    for path, value in state.items():
        number, name = path.split("/")
        values.setdefault(int(number), {})[name] = torch.from_numpy(np.array(value))
    optimiser.load_state_dict({**optimiser.state_dict(), "state": values})


def _part(tensors: Tensors, prefix: str) -> Tensors:
    return {name.removeprefix(prefix): tensors[name] for name in tensors if name.startswith(prefix)}


def _difference(name: str, before: object, now: object) -> str:
    if isinstance(before, dict) and isinstance(now, dict):
        name = next(key for key in {**before, **now} if before.get(key) != now.get(key))
        before, now = before.get(name), now.get(name)
    return f"{name} {before}, not {now}"

"""Everything that an unfinished run needs to go on, in one file: `checkpoint.safetensors`.

It is written whole after every epoch, before the files that follow from it (`model.safetensors` and
`history.csv`), so that a process killed at any instant leaves the state after some epoch and nothing half
done. What happens within an epoch is decided by seed and epoch alone; no random state needs keeping.
"""

from dataclasses import astuple, dataclass
from hashlib import sha256
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ..errors import DataMismatch
from ..featurize.reader import MelShards
from .about import About
from .folder import Epoch
from .weights import Tensors, read_weights, write_weights

CHECKPOINT = "checkpoint.safetensors"

START_ANEW = "Leave --resume out to start anew, or give the settings and shards that the run began with."


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A run after an epoch.

    Args:
        model: weights and buffers.
        best: those of the best epoch so far.
        optimiser: what Adam keeps of every parameter, by the parameter's number and the value's name.
        scaler: scale and growth tracker of mixed precision; empty without.
        history: the epochs so far.
        best_epoch: the best of them.
    """

    model: Tensors
    best: Tensors
    optimiser: Tensors
    scaler: npt.NDArray[np.float64]
    history: tuple[Epoch, ...]
    best_epoch: int


def write_checkpoint(folder: Path, checkpoint: Checkpoint, about: About, data: str) -> None:
    """Write a checkpoint into a run folder.

    Args:
        folder: of the run.
        checkpoint: what to keep.
        about: what the run is.
        data: digest of its shards.
    """
    tensors: Tensors = {
        **{f"model/{name}": tensor for name, tensor in checkpoint.model.items()},
        **{f"best/{name}": tensor for name, tensor in checkpoint.best.items()},
        **{f"optimiser/{name}": tensor for name, tensor in checkpoint.optimiser.items()},
        "scaler": checkpoint.scaler,
        "history": np.array([astuple(epoch) for epoch in checkpoint.history], np.float64),
        "best_epoch": np.array(checkpoint.best_epoch),
        "data": np.frombuffer(bytes.fromhex(data), np.uint8),
    }
    write_weights(folder / CHECKPOINT, tensors, about)


def read_checkpoint(folder: Path, about: About, data: str) -> Checkpoint:
    """Read the checkpoint of the same run.

    Args:
        folder: of the run.
        about: what the run is that wants to go on.
        data: digest of its shards.

    Raises:
        DataMismatch: there is none, it is damaged, or of a run with other settings, shards or versions.
    """
    path = folder / CHECKPOINT
    stored, tensors = read_weights(path)
    for name in ("config", "class_names", "multi_label", "recipe", "spec", "shape", "versions"):
        before, now = getattr(stored, name), getattr(about, name)
        if before != now:
            raise DataMismatch(f"{path} was trained with {_difference(name, before, now)}", START_ANEW)
    if "data" not in tensors or tensors["data"].tobytes().hex() != data:
        raise DataMismatch(f"{path} was trained on other shards", START_ANEW)
    return Checkpoint(
        model=_part(tensors, "model/"),
        best=_part(tensors, "best/"),
        optimiser=_part(tensors, "optimiser/"),
        scaler=tensors["scaler"].astype(np.float64),
        history=tuple(Epoch(int(row[0]), *map(float, row[1:])) for row in tensors["history"]),
        best_epoch=int(tensors["best_epoch"]),
    )


def stored_threads(folder: Path) -> int:
    """With how many threads a run began; a sum in another number of parts may come out otherwise.

    Raises:
        DataMismatch: its checkpoint is damaged.
    """
    return read_weights(folder / CHECKPOINT)[0].threads


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

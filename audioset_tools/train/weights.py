"""Weights on disk: safetensors, whose header says what they are of and what they must add up to.

Nothing is ever unpickled. A file that is foreign, cut short or damaged by a single bit is refused: the
header's one entry, `audioset_tools`, holds beside the fields of `About` the temperature, and a sha256 over
all that and every tensor.

A checkpoint is the same with all that an unfinished run needs to go on. It is written whole after every
epoch, before the files that follow from it (`model.safetensors` and `history.csv`), so that a process killed
at any instant leaves the state after some epoch and nothing half done. What happens within an epoch is
decided by seed and epoch alone; no random state needs keeping.
"""

import json
from dataclasses import asdict, astuple, dataclass, fields, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError
from safetensors.numpy import load, save_file
from torch import nn

from ..exceptions import DataMismatch
from ..files import open_file, parse_json, read_file, write_beside
from ..runs.about import NOT_OURS, About, parse_about
from ..runs.folder import CHECKPOINT, Epoch
from ..shards.reader import MelShards
from ..shards.spec import MelSpec

HEADER_KEY = "audioset_tools"

MAX_HEADER_BYTES = 2**20
"""Several hundred times what a run of ours needs."""

MOST_BYTES = 2**32
"""Of weights, or of a checkpoint with what its optimiser keeps: a billion numbers."""

Tensors = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Weights:
    """A file of weights.

    Args:
        temperature: what the logits are divided by, so that probabilities are shares of right answers (Guo et
            al., ICML 2017, section 4.2); 1 where none was fitted.
    """

    about: About
    tensors: Tensors
    temperature: float = 1.0


def write_weights(path: Path, weights: Weights) -> None:
    """Write tensors and what they are of; the same gives the same bytes."""
    # Not np.ascontiguousarray, which gives a single number an axis.
    laid_out = {name: np.asarray(tensor, order="C") for name, tensor in weights.tensors.items()}
    weights = replace(weights, tensors=laid_out)
    entry = parse_json(weights.about.json())
    entry |= {"temperature": weights.temperature, "sha256": _digest(weights)}
    with write_beside(path) as temporary:
        # One entry: safetensors writes several in an order that changes from run to run.
        save_file(laid_out, temporary, {HEADER_KEY: json.dumps(entry, sort_keys=True)})


def read_weights(path: Path) -> Weights:
    """Read what `write_weights` wrote.

    Raises:
        DataMismatch: the file is not there, not ours, damaged, or holds numbers that are none.
    """
    content = _content(path)
    size = int.from_bytes(content[:8], "little")
    try:
        entry = parse_json(content[8 : 8 + size]).get("__metadata__", {}).get(HEADER_KEY)
        if entry is None:
            raise DataMismatch(f"{path} are weights of another program", NOT_OURS)
        about, temperature, digest = _parse_entry(entry, path)
        weights = Weights(about, load(content), temperature)
    except (SafetensorError, ValueError, TypeError, LookupError, AttributeError, OverflowError) as error:
        # safetensors raises any of these, depending on where the damage lies and which numbers it names.
        raise DataMismatch(f"{path} is no safetensors file, or a damaged one", NOT_OURS) from error
    if _digest(weights) != digest:
        raise DataMismatch(f"{path} is damaged: its sha256 is another than was written", NOT_OURS)
    for name, tensor in weights.tensors.items():
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            raise DataMismatch(f"{path} holds values in {name} that are no numbers", "Train again.")
    return weights


def _content(path: Path) -> bytes:
    """All of a file whose header is of a size that ours may have."""
    try:
        with open_file(path) as handle:
            size = int.from_bytes(handle.read(8), "little")
            if not 0 < size <= MAX_HEADER_BYTES:
                raise DataMismatch(
                    f"{path} is no safetensors file of ours: a header of {size:,} bytes", NOT_OURS
                )
        # By its content, not by its name: safetensors would wait for a pipe that took its place.
        return read_file(path, MOST_BYTES)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise DataMismatch(f"there are no weights {path}", NOT_OURS) from error
    except OSError as error:
        raise DataMismatch(f"the weights {path} cannot be read: {error.strerror}", NOT_OURS) from error


def _parse_entry(entry: str, path: Path) -> tuple[About, float, str]:
    try:
        content = parse_json(entry)
        digest, temperature = str(content.pop("sha256")), float(content.pop("temperature"))
        if not 0 < temperature < float("inf"):
            raise ValueError("a temperature is above 0")
    except (ValueError, KeyError, AttributeError, TypeError) as error:
        raise DataMismatch(f"{path} has a header that this version did not write", NOT_OURS) from error
    return parse_about(content, path), temperature, digest


def _digest(weights: Weights) -> str:
    """Over what the tensors are of, the temperature, and name, type, shape and bytes of each."""
    digest = sha256(f"{weights.about.json()}\0{weights.temperature!r}".encode())
    for name in sorted(weights.tensors):
        tensor = weights.tensors[name]
        digest.update(f"\0{name}\0{tensor.dtype.str}\0{tensor.shape}\0".encode())
        digest.update(tensor.data if tensor.size else b"")
    return digest.hexdigest()


START_AGAIN = "Give what the run began with, or leave --resume out to start again."


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A run after an epoch.

    Args:
        data: digest of its shards, see `digest_of`.
        model: weights and buffers, by name.
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
    write_weights(folder / CHECKPOINT, Weights(checkpoint.about, tensors))


def read_checkpoint(folder: Path) -> Checkpoint:
    """Read the checkpoint of a run folder.

    Raises:
        DataMismatch: there is none, or it is damaged or none of ours.
    """
    path = folder / CHECKPOINT
    weights = read_weights(path)
    about, tensors = weights.about, weights.tensors
    missing = {"history", "best_epoch", "data"} - set(tensors)
    if missing:
        raise DataMismatch(f"{path} is no checkpoint: it has no {min(missing)}", START_AGAIN)
    history, best = tensors["history"], tensors["best_epoch"]
    if (
        (history.ndim, history.shape[1:]) != (2, (len(fields(Epoch)),))
        or history.dtype.kind + best.dtype.kind != "fi"
        or best.size != 1
        or not 1 <= best <= len(history)
    ):
        raise DataMismatch(f"{path} is no checkpoint: it has no history of epochs", START_AGAIN)
    return Checkpoint(
        about=about,
        data=tensors["data"].tobytes().hex(),
        model=_part(tensors, "model/"),
        best=_part(tensors, "best/"),
        optimiser=_part(tensors, "optimiser/"),
        history=tuple(Epoch(int(row[0]), *map(float, row[1:])) for row in history),
        best_epoch=int(best),
    )


def require_same_run(checkpoint: Checkpoint, about: About, data: str, folder: Path) -> None:
    """See that a run may go on from a checkpoint.

    Args:
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
            raise DataMismatch(trouble, START_AGAIN)
    if checkpoint.data != data:
        raise DataMismatch(f"the run {folder} began on other shards", START_AGAIN)


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
    if isinstance(before, MelSpec) and isinstance(now, MelSpec):
        before, now = asdict(before), asdict(now)
    if isinstance(before, dict) and isinstance(now, dict):
        name = next(key for key in {**before, **now} if before.get(key) != now.get(key))
        before, now = before.get(name), now.get(name)
    return f"{name} {before}, not {now}"

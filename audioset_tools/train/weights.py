"""Weights on disk: safetensors, whose header says what they are of and what they must add up to.

Nothing is ever unpickled. A file that is foreign, cut short or damaged by a single bit is refused: the
header's one entry, `audioset_tools`, holds beside what `About` says a sha256 over that and every tensor.
"""

import json
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from ..errors import DataMismatch
from ..workspace import write_beside
from .about import NOT_OURS, About, parse_about

HEADER_KEY = "audioset_tools"

MAX_HEADER_BYTES = 2**20
"""Several hundred times what a run of ours needs."""

Tensors = dict[str, npt.NDArray[Any]]


def write_weights(path: Path, tensors: Mapping[str, npt.NDArray[Any]], about: About) -> None:
    """Write tensors and what they are of; the same gives the same bytes.

    Args:
        path: of the file.
        tensors: by name.
        about: what they are of.
    """
    # Not np.ascontiguousarray, which gives a single number an axis.
    laid_out = {name: np.asarray(tensor, order="C") for name, tensor in tensors.items()}
    entry = json.loads(about.json()) | {"sha256": _digest(about, laid_out)}
    with write_beside(path) as temporary:
        # One entry: safetensors writes several in an order that changes from run to run.
        save_file(laid_out, temporary, {HEADER_KEY: json.dumps(entry, sort_keys=True)})


def read_weights(path: Path) -> tuple[About, Tensors]:
    """Read what `write_weights` wrote.

    Raises:
        DataMismatch: the file is not there, not ours, damaged, or holds numbers that are none.
    """
    _check_beginning(path)
    try:
        with safe_open(path, "numpy") as file:
            entry = (file.metadata() or {}).get(HEADER_KEY)
            if entry is None:
                raise DataMismatch(f"{path} are weights of another program", NOT_OURS)
            about, digest = _parse_entry(entry, path)
            tensors: Tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, ValueError, TypeError, KeyError) as error:
        # safetensors raises any of these, depending on where the damage lies and which numbers it names.
        raise DataMismatch(f"{path} is no safetensors file, or a damaged one", NOT_OURS) from error
    if _digest(about, tensors) != digest:
        raise DataMismatch(f"{path} is damaged: its sha256 is another than was written", NOT_OURS)
    for name, tensor in tensors.items():
        if tensor.dtype.kind == "f" and not np.isfinite(tensor).all():
            raise DataMismatch(f"{path} holds values in {name} that are no numbers", "Train again.")
    return about, tensors


def _check_beginning(path: Path) -> None:
    """See that there is a file whose header is of a size that ours may have."""
    if not path.is_file():
        raise DataMismatch(f"there are no weights {path}", NOT_OURS)
    with path.open("rb") as handle:
        beginning = handle.read(8)
    size = int.from_bytes(beginning, "little")
    if not 0 < size <= MAX_HEADER_BYTES:
        raise DataMismatch(f"{path} is no safetensors file of ours: a header of {size:,} bytes", NOT_OURS)


def _parse_entry(entry: str, path: Path) -> tuple[About, str]:
    try:
        content = json.loads(entry)
        digest = content.pop("sha256")
    except (ValueError, RecursionError, KeyError, AttributeError, TypeError) as error:
        raise DataMismatch(f"{path} has a header that audioset-tools did not write", NOT_OURS) from error
    return parse_about(content, path), str(digest)


def _digest(about: About, tensors: Mapping[str, npt.NDArray[Any]]) -> str:
    """Over what the tensors are of, and name, type, shape and bytes of each."""
    digest = sha256(about.json().encode())
    for name in sorted(tensors):
        tensor = tensors[name]
        digest.update(f"\0{name}\0{tensor.dtype.str}\0{tensor.shape}\0".encode())
        digest.update(tensor.data if tensor.size else b"")
    return digest.hexdigest()

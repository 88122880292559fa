"""One step of training: batches read ahead, forward, backward, Adam, and the scores so far.

On a CPU a step goes in parts that take little memory, on a GPU in mixed precision. Losses and counts stay on
the device, so that no step waits for the sums.
"""

import ctypes
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ..shards.reader import MelShards

Tensors = tuple[torch.Tensor, torch.Tensor]

CPU = torch.device("cpu")


def batches(
    shards: MelShards,
    batch_size: int,
    shuffle: tuple[int, int] | None = None,
    device: torch.device = CPU,
) -> Iterator[Tensors]:
    """All rows of a split once, in batches; the last may be smaller.

    Args:
        batch_size: rows of a batch.
        shuffle: seed and epoch, which decide the order; None for the order of the shards.
        device: where they are wanted. A CUDA device gets a batch while it computes with the one before.

    Yields:
        mels, float32, [B, 1, bands, frames]; targets: classes, int64, [B]; or, multi-label, 0 or 1 for every
        class, float32, [B, classes].
    """
    seed, epoch = shuffle or (None, 0)
    read = shards.batches(batch_size, seed, epoch)
    copying = torch.cuda.Stream(device) if device.type == "cuda" else None  # type: ignore[no-untyped-call]

    def following() -> Tensors | None:
        if (batch := next(read, None)) is None:
            return None
        mel, target = batch
        dtype = np.float32 if target.ndim > 1 else np.int64
        with torch.cuda.stream(copying) if copying else nullcontext():
            return (
                torch.from_numpy(mel).unsqueeze(1).to(device),
                torch.from_numpy(target.astype(dtype)).to(device),
            )

    with ThreadPoolExecutor(1, thread_name_prefix="batches") as reader:
        ahead = reader.submit(following)
        while (tensors := ahead.result()) is not None:
            ahead = reader.submit(following)
            if copying:
                # Their memory belongs to the copying stream, which would else reuse it too soon.
                for tensor in tensors:
                    tensor.record_stream(torch.cuda.current_stream(device))
            yield tensors


class RunningScores:
    """Adds up an epoch.

    Args:
        n_classes: of the data set.
        multi_label: whether a clip may have several classes.
        device: where losses and logits are.
    """

    def __init__(self, n_classes: int, multi_label: bool, device: torch.device) -> None:
        self._multi_label = multi_label
        self._loss = torch.zeros(
            (), device=device, dtype=torch.float32 if device.type == "mps" else torch.float64
        )
        self._counts = torch.zeros(3, n_classes, device=device)
        self.clips = 0

    def add(self, loss: torch.Tensor, logits: torch.Tensor, target: torch.Tensor) -> None:
        """Take in a batch.

        Args:
            loss: mean over the batch, a tensor of one value.
            logits: of the batch, [B, classes].
            target: classes, int64, [B]; or, multi-label, 0 or 1 for every class, float32, [B, classes].
        """
        n_classes = logits.shape[1]
        if self._multi_label:
            predicted, actual = (logits > 0).float(), target
        else:
            predicted = torch.nn.functional.one_hot(logits.argmax(dim=1), n_classes).float()
            actual = torch.nn.functional.one_hot(target, n_classes).float()
        self._counts += torch.stack([(predicted * actual).sum(0), predicted.sum(0), actual.sum(0)])
        self._loss += loss * len(target)
        self.clips += len(target)

    def report(self) -> tuple[float, float]:
        """Mean loss and macro-F1 so far."""
        hits, predicted, actual = self._counts.cpu().double()
        f1 = 2 * hits / (predicted + actual).clamp_min(1)
        return self._loss.item() / self.clips, f1.mean().item()

    def is_finite(self) -> bool:
        """Whether every loss so far was a number."""
        return math.isfinite(self._loss.item())


PART = 8
"""Clips of a part on a CPU: a quarter of the memory for the same speed (docs/train.md has the figures)."""


@dataclass(frozen=True, slots=True)
class Learner:
    """What a step changes.

    Args:
        model: a network on `device`.
        mixed: whether it computes with bfloat16 where that does no harm.
        multi_label: whether a clip may have several classes.
    """

    model: nn.Module
    optimiser: torch.optim.Optimizer
    device: torch.device
    mixed: bool
    multi_label: bool


def make_learner(model: nn.Module, lr: float, device: torch.device, multi_label: bool) -> Learner:
    """Bring a model to a device and give it an Adam.

    Mixed precision is bfloat16 on GPUs that have it. float16 reaches no further than 65,504, and the power of
    a loud clip's mel lies beyond.
    """
    model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Learner(
        model=model,
        optimiser=torch.optim.Adam(model.parameters(), lr=lr),
        device=device,
        mixed=device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False),
        multi_label=multi_label,
    )


def learn(learner: Learner, mel: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A step on one batch.

    On a CPU the batch goes through the model in parts whose gradients add up to that of the whole, within
    rounding; batch normalisation needs the whole.

    Args:
        mel: [B, 1, bands, frames].
        target: as `mean_loss` takes it.

    Returns:
        The mean loss before the step, a tensor of one value; logits, [B, classes]; both on the device.
    """
    clips = len(mel)
    whole = learner.device.type != "cpu" or any(
        isinstance(layer, nn.BatchNorm2d) for layer in learner.model.modules()
    )
    part = clips if whole else PART
    learner.model.train()
    learner.optimiser.zero_grad()
    total, logits = torch.zeros((), device=learner.device), []
    for start in range(0, clips, part):
        inputs, wanted = (each[start : start + part].to(learner.device) for each in (mel, target))
        with torch.autocast("cuda", torch.bfloat16, enabled=learner.mixed):
            outputs = learner.model(inputs)
            loss = mean_loss(outputs, wanted, learner.multi_label) * (len(inputs) / clips)
        loss.backward()  # type: ignore[no-untyped-call]
        total += loss.detach()
        logits.append(outputs.detach())
    learner.optimiser.step()
    return total, torch.cat(logits)


def mean_loss(logits: torch.Tensor, target: torch.Tensor, multi_label: bool) -> torch.Tensor:
    """Cross-entropy; or, multi-label, binary cross-entropy, the mean over the classes.

    Args:
        logits: of the batch, [B, classes].
        target: classes, int64, [B]; or a share of every class, float32, [B, classes].
        multi_label: whether a clip may have several classes.
    """
    if multi_label:
        return nn.functional.binary_cross_entropy_with_logits(logits, target)
    return nn.functional.cross_entropy(logits, target)


M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_MAX = -1, -2, -4
"""Parameters of `mallopt`, from glibc's malloc.h."""


def keep_memory() -> None:
    """Make this process keep the memory it frees; without glibc there is nothing to do.

    By default glibc maps every large tensor again and unmaps it afterwards, so that each step faults in
    gigabytes of fresh pages: docs/train.md has the figures.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(M_MMAP_MAX, 0)
    mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
    mallopt(M_TOP_PAD, 256 * 2**20)

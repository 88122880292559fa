"""One step of training: batches read ahead, forward, backward, Adam, and the scores so far.

On a CPU a step goes in parts that take little memory, and in mixed precision where that is faster. Losses
and counts stay on the device, so that no step waits for the sums.
"""

import ctypes
import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from ..runs.about import BF16, FLOAT32
from ..shards.labelled import TrainingRows
from ..shards.reader import Targets
from .networks import Hyperparameters

Tensors = tuple[torch.Tensor, torch.Tensor]

CPU = torch.device("cpu")


def batches(
    shards: TrainingRows,
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


def pick_precision(device: torch.device, bf16: bool) -> str:
    """In which a network is trained: mixed with bfloat16 on a GPU that has it, and on a CPU where it gains.

    float16 reaches no further than 65,504, and the power of a loud clip's mel lies beyond.

    Args:
        bf16: whether the network is faster with bfloat16 on a CPU.
    """
    if device.type == "cuda":
        return BF16 if torch.cuda.is_bf16_supported(including_emulation=False) else FLOAT32
    has_it = device.type == "cpu" and torch.cpu.get_capabilities().get("avx512_bf16", False)
    return BF16 if bf16 and has_it else FLOAT32


@dataclass(frozen=True, slots=True)
class Learner:
    """What a step changes, and how.

    Args:
        model: a network on `device`.
        steps: how many the whole training has at most.
        precision: `FLOAT32`, or `BF16` where that does no harm.
        multi_label: whether a clip may have several classes.
        presence: what the presence of each class weighs in its loss, [classes], where a clip may have several
            and the rare ones weigh more; else None.
    """

    model: nn.Module
    optimiser: torch.optim.Optimizer
    device: torch.device
    how: Hyperparameters
    steps: int
    precision: str
    multi_label: bool
    presence: torch.Tensor | None


def make_learner(
    model: nn.Module,
    how: Hyperparameters,
    rows: TrainingRows,
    device: torch.device,
    precision: str = FLOAT32,
) -> Learner:
    """Bring a model to a device and give it an Adam.

    Args:
        rows: what it is to learn from, which decides the number of steps and what is rare.
    """
    multi_label = rows.header.multi_label
    model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return Learner(
        model=model,
        optimiser=torch.optim.AdamW(model.parameters(), lr=how.lr, weight_decay=how.weight_decay),
        device=device,
        how=how,
        steps=how.epochs * steps_of(len(rows), how.batch_size),
        precision=precision,
        multi_label=multi_label,
        presence=presence_weights(rows.target).to(device) if how.balanced and multi_label else None,
    )


def presence_weights(target: Targets) -> torch.Tensor:
    """What the presence of a class weighs: the root of how many clips lack it for each that has it.

    Args:
        target: 0 or 1 for every class, [rows, classes].
    """
    having = target.sum(axis=0, dtype=np.float64)
    # One more of both, so that a class that all have, or none has, weighs something.
    return torch.tensor(np.sqrt((len(target) - having + 1) / (having + 1)), dtype=torch.float32)


def steps_of(clips: int, batch_size: int) -> int:
    """Steps of an epoch."""
    return -(-clips // batch_size)


RISING = 0.25
"""Share of a cycle in which the learning rate rises."""

FIRST, LAST = 1 / 25, 1e-4 / 25
"""Of the highest learning rate, at a cycle's ends, as torch's `OneCycleLR` has them."""


def one_cycle(done: float) -> float:
    """The learning rate, as a share of the highest, when a share of all steps is done: cosines."""
    if done < RISING:
        low, share = FIRST, 1 - done / RISING
    else:
        low, share = LAST, (done - RISING) / (1 - RISING)
    return low + (1 - low) * (1 + math.cos(math.pi * share)) / 2


def set_rate(learner: Learner, step: int) -> None:
    """Give the optimiser the learning rate of a step, counted from 0 over the whole training."""
    if learner.how.one_cycle:
        for group in learner.optimiser.param_groups:
            group["lr"] = learner.how.lr * one_cycle(step / max(1, learner.steps - 1))


def learn(learner: Learner, mel: torch.Tensor, target: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A step on one batch.

    On a CPU the batch goes through the model in parts whose gradients add up to that of the whole, within
    rounding; batch normalisation needs the whole.

    Args:
        mel: [B, 1, bands, frames].
        target: as `mean_loss` takes it.

    Returns:
        The mean loss before the step, a tensor of one value, without label smoothing and weights, so that it
        stands beside that of the validation split; logits, [B, classes]; both on the device.
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
        with torch.autocast(learner.device.type, torch.bfloat16, enabled=learner.precision == BF16):
            outputs = learner.model(inputs)
        share = len(inputs) / clips
        loss = mean_loss(
            outputs.float(), wanted, learner.multi_label, learner.how.label_smoothing, learner.presence
        )
        (loss * share).backward()  # type: ignore[no-untyped-call]
        logits.append(outputs.detach().float())
        total += mean_loss(logits[-1], wanted, learner.multi_label) * share
    learner.optimiser.step()
    return total, torch.cat(logits)


def mean_loss(
    logits: torch.Tensor,
    target: torch.Tensor,
    multi_label: bool,
    smoothing: float = 0.0,
    presence: torch.Tensor | None = None,
) -> torch.Tensor:
    """Cross-entropy; or, multi-label, binary cross-entropy, the mean over the classes.

    Args:
        logits: of the batch, [B, classes].
        target: classes, int64, [B]; or a share of every class, float32, [B, classes].
        multi_label: whether a clip may have several classes.
        smoothing: share of the target spread over all classes; multi-label, over yes and no of each.
        presence: multi-label, what the presence of each class weighs, [classes]; None for 1.
    """
    if multi_label:
        target = (1 - smoothing) * target + smoothing / 2
        return nn.functional.binary_cross_entropy_with_logits(logits, target, pos_weight=presence)
    return nn.functional.cross_entropy(logits, target, label_smoothing=smoothing)


def dead_channels(model: nn.Module, mels: torch.Tensor) -> float:
    """How much of a network has died: the share of channels that a ReLU leaves at zero everywhere.

    The network is in evaluation mode. Such a channel has no gradient and learns nothing more. Where several
    layers have a ReLU, the share is that of the layer with most of them; a network without, or with
    activations that leak, has 0.

    Args:
        mels: of some clips of all classes, [B, 1, bands, frames], where the model is.
    """
    shares: list[float] = []

    def look(layer: nn.Module, inputs: object, output: torch.Tensor) -> None:
        if output.ndim == 4:
            shares.append(float((output.amax(dim=(0, 2, 3)) <= 0).float().mean()))

    hooks = [each.register_forward_hook(look) for each in model.modules() if isinstance(each, nn.ReLU)]
    try:
        with torch.inference_mode():
            model(mels)
    finally:
        for hook in hooks:
            hook.remove()
    return max(shares, default=0.0)


@contextmanager
def seeded(seed: int, epoch: int) -> Iterator[None]:
    """Let torch's random numbers, as dropout's, follow from seed and epoch; its state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(np.random.SeedSequence((seed, epoch)).generate_state(1)[0]))
        yield


@contextmanager
def cpu_threads(count: int | None) -> Iterator[None]:
    """Compute with so many threads of the CPU, afterwards with as many as before; None changes nothing."""
    before = torch.get_num_threads()
    torch.set_num_threads(count or before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


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

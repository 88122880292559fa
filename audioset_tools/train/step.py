"""One step of training: forward, backward, Adam; on a CPU in parts that take little memory, on a GPU in
mixed precision.
"""

from dataclasses import dataclass

import torch
from torch import nn

PART = 8
"""Clips of a part on a CPU: a quarter of the memory for the same speed (docs/train.md has the figures)."""


@dataclass(frozen=True, slots=True)
class Learner:
    """What a step changes.

    Args:
        model: on `device`.
        optimiser: of its parameters.
        device: where it computes.
        mixed: whether it computes with bfloat16 where that does no harm.
        multi_label: whether several classes may sound at once.
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
        learner: whose weights change.
        mel: [B, 1, bands, frames].
        target: see `mean_loss`.

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
            said = learner.model(inputs)
            loss = mean_loss(said, wanted, learner.multi_label) * (len(inputs) / clips)
        loss.backward()  # type: ignore[no-untyped-call]
        total += loss.detach()
        logits.append(said.detach())
    learner.optimiser.step()
    return total, torch.cat(logits)


def mean_loss(logits: torch.Tensor, target: torch.Tensor, multi_label: bool) -> torch.Tensor:
    """Cross-entropy; or, multi-label, binary cross-entropy, the mean over the classes.

    Args:
        logits: [B, classes].
        target: classes, int64, [B]; or a share of every class, float32, [B, classes].
        multi_label: whether several classes may sound at once.
    """
    if multi_label:
        return nn.functional.binary_cross_entropy_with_logits(logits, target)
    return nn.functional.cross_entropy(logits, target)

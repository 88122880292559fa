"""Loss and macro-F1 of the batches so far, kept on the device so that no step waits for the sums."""

import math

import torch


class Tally:
    """Adds up an epoch.

    Args:
        n_classes: of the data set.
        multi_label: whether several classes may sound at once.
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
            loss: its mean.
            logits: [B, classes].
            target: classes, int64, [B]; or, multi-label, 0 or 1 for every class, float32, [B, classes].
        """
        n_classes = logits.shape[1]
        if self._multi_label:
            said, actual = (logits > 0).float(), target
        else:
            said = torch.nn.functional.one_hot(logits.argmax(dim=1), n_classes).float()
            actual = torch.nn.functional.one_hot(target, n_classes).float()
        self._counts += torch.stack([(said * actual).sum(0), said.sum(0), actual.sum(0)])
        self._loss += loss * len(target)
        self.clips += len(target)

    def report(self) -> tuple[float, float]:
        """Mean loss and macro-F1 so far."""
        hits, said, actual = self._counts.cpu().double()
        f1 = 2 * hits / (said + actual).clamp_min(1)
        return self._loss.item() / self.clips, f1.mean().item()

    def is_finite(self) -> bool:
        """Whether every loss so far was a number."""
        return math.isfinite(self._loss.item())

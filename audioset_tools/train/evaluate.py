"""What a model says about every clip of a split, and how good that is."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from ..featurize.reader import MelShards
from .data import batches
from .metrics import Counts, confusion_matrix
from .step import mean_loss


@dataclass(frozen=True, slots=True)
class Predictions:
    """A model's answers on one split, row by row.

    Args:
        key: which clip.
        actual: its class, [rows].
        probability: of every class, [rows, classes].
        loss: mean cross-entropy.
    """

    key: tuple[str, ...]
    actual: npt.NDArray[np.int64]
    probability: npt.NDArray[np.float64]
    loss: float

    @property
    def predicted(self) -> npt.NDArray[np.int64]:
        """The most probable class, [rows]."""
        winners: npt.NDArray[np.int64] = self.probability.argmax(axis=1)
        return winners

    @property
    def confusion(self) -> Counts:
        """[classes, classes], rows actual."""
        return confusion_matrix(self.actual, self.predicted, self.probability.shape[1])


def predict(model: nn.Module, shards: MelShards, batch_size: int, device: torch.device) -> Predictions:
    """Run a model over a split, in the order of the shards.

    Args:
        model: on `device`; left in evaluation mode.
        shards: the split.
        batch_size: rows at once.
        device: where the model is.
    """
    model.eval()
    with torch.inference_mode():
        logits = torch.cat([model(mel.to(device)).double().cpu() for mel, _ in batches(shards, batch_size)])
    several = shards.header.multi_label
    actual = shards.target if several else shards.label.astype(np.int64)
    wanted = torch.from_numpy(actual.astype(np.float64) if several else actual)
    loss = mean_loss(logits, wanted, several).item()
    return Predictions(
        key=tuple(key.decode() for key in shards.key),
        actual=actual,
        probability=(logits.sigmoid() if several else logits.softmax(dim=1)).numpy(),
        loss=loss,
    )

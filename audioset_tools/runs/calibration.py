"""Whether a probability is what it says: expected calibration error, and the bins of a reliability diagram.

Of all clips that a model is 80 % sure of, 80 % should be right. Guo et al. (2017) sort the clips by
confidence into 15 bins of equal width and average, over the clips, how far the share that is right lies from
the mean confidence of their bin. Confidence is the probability of the predicted class; where a clip may have
several classes, each class of each clip counts with its own probability, and with whether the clip has it.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .metrics import Probabilities, Rates

BINS = 15
"""As Guo et al. (2017) have them."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """A reliability diagram; bins are of equal width, from 0 to 1, and hold their upper end.

    Args:
        counts: decisions in each bin, [bins].
        confidence: their mean probability, [bins]; 0 where there are none.
        share: of them that are right, or that a clip has, [bins]; 0 where there are none.
    """

    counts: npt.NDArray[np.int64]
    confidence: Rates
    share: Rates

    @property
    def error(self) -> float:
        """The expected calibration error, between 0 and 1; NaN where nothing could be judged."""
        return self._mean(np.abs(self.confidence - self.share))

    @property
    def mean_confidence(self) -> float:
        """Of all decisions."""
        return self._mean(self.confidence)

    @property
    def mean_share(self) -> float:
        """Of all decisions that are right, or that a clip has."""
        return self._mean(self.share)

    def _mean(self, values: Rates) -> float:
        total = self.counts.sum()
        return float(self.counts @ values / total) if total else float("nan")


def calibration(actual: npt.NDArray[np.integer], probability: Probabilities) -> Calibration:
    """The bins of some predictions; what a model that diverged says is no number and in no bin.

    Args:
        actual: the class of each row, [rows]; where it may have several, zeros and ones, [rows, classes].
        probability: of every class, [rows, classes].
    """
    if actual.ndim == 2:
        confidence, right = probability.ravel(), actual.ravel() == 1
    else:
        confidence, right = probability.max(axis=1), probability.argmax(axis=1) == actual
    right, confidence = right[np.isfinite(confidence)], confidence[np.isfinite(confidence)]
    number = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    counts = np.bincount(number, minlength=BINS)
    sums = (np.bincount(number, weights=each, minlength=BINS) for each in (confidence, right))
    means = [each / np.maximum(counts, 1) for each in sums]
    return Calibration(counts, means[0], means[1])

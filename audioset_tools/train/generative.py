"""From how likely each class makes a clip to which class the clip has: Bayes' rule, for mixtures and HMMs."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from ..errors import DataMismatch
from .metrics import MultiHot, Rates


def groups(target: MultiHot, multi_label: bool) -> Iterator[npt.NDArray[np.bool_]]:
    """The rows that each model is fitted to: those of every class; where classes overlap, then those without.

    Args:
        target: zeros and ones, [rows, classes].
        multi_label: whether classes overlap.

    Yields:
        Which rows, [rows]: as many groups as there are classes, or twice as many.

    Raises:
        DataMismatch: a group is empty.
    """
    sounds = target.astype(bool)
    for members in [*sounds.T, *(~sounds.T if multi_label else ())]:
        if not members.any():
            raise DataMismatch(
                "a class sounds in none of the training clips, or in all of them",
                "Fetch more clips of the rare class, or choose another model.",
            )
        yield members


def against(likelihood: Rates, priors: Rates, multi_label: bool) -> Rates:
    """The logarithm of each class's probability up to a constant, or, where classes overlap, of its odds.

    Args:
        likelihood: logarithm of the density of every row in every group, [rows, groups].
        priors: share of the training rows in each group, [groups].
        multi_label: whether the groups are twice the classes, see `groups`.

    Returns:
        [rows, classes].
    """
    weighed: Rates = likelihood + np.log(priors)
    n_classes = len(priors) // 2
    return weighed[:, :n_classes] - weighed[:, n_classes:] if multi_label else weighed

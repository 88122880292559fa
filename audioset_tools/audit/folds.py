"""Folds of a data set: every clip is left out once, and no group is both learned from and left out."""

import warnings

import numpy as np
import numpy.typing as npt
from sklearn.model_selection import StratifiedGroupKFold

from ..exceptions import DataMismatch, UsageError

Folds = npt.NDArray[np.int64]


def draw_folds(label: npt.NDArray[np.integer], group: npt.NDArray[np.bytes_], folds: int, seed: int) -> Folds:
    """The fold of every clip, from 0 on: groups stay whole, and each fold has its share of every class.

    Args:
        label: the class of every clip, [clips].
        group: of every clip, [clips].
        folds: how many, 2 at least.
        seed: another one draws others.

    Raises:
        UsageError: fewer than two folds are asked for, or more than there are groups.
        DataMismatch: without some fold a class would have no clip left to learn from.
    """
    names, number = np.unique(group, return_inverse=True)
    if not 2 <= folds <= len(names):
        raise UsageError(
            f"{folds} folds of {len(names)} groups of clips",
            "Give --folds of 2 at least, or fetch more clips.",
        )
    drawing = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    found = np.empty(len(label), np.int64)
    with warnings.catch_warnings():
        # It warns of classes with fewer clips than folds.
        warnings.simplefilter("ignore")
        try:
            drawn = [left_out for _, left_out in drawing.split(label, label, number)]
        except ValueError as error:
            raise _too_few() from error
    for fold, left_out in enumerate(drawn):
        found[left_out] = fold
    for one in np.unique(label):
        if len(np.unique(found[label == one])) < 2:
            raise _too_few()
    return found


def _too_few() -> DataMismatch:
    return DataMismatch(
        "a class has too few clips of different videos to be learned from some and asked about the others",
        "Fetch more clips of the rare class, or give fewer --folds.",
    )

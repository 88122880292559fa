"""The classes of the nearest training clips: Eronen and Klapuri (2000), the paper's reference [2]."""

from collections.abc import Mapping

import numpy as np
from sklearn.neighbors import NearestNeighbors

from .features import Features
from .metrics import MultiHot, Rates
from .weights import Tensors

GRID = tuple({"k": k} for k in (1.0, 5.0, 11.0, 21.0, 41.0))

SHAPES = {"known": ("rows", "features"), "classes": ("rows", "classes"), "k": ()}


def fit(
    features: Features, target: MultiHot, settings: Mapping[str, float], seed: int, multi_label: bool
) -> Tensors:
    """Remember all training rows.

    Args:
        features: standardised, [rows, features].
        target: zeros and ones, [rows, classes].
        settings: one of `GRID`.
        seed, multi_label: not needed.
    """
    k = min(int(settings["k"]), len(features))
    return {"known": features, "classes": target.astype(np.float32), "k": np.array(float(k))}


def score(tensors: Tensors, features: Features, multi_label: bool) -> Rates:
    """The logarithm of each class's share of the neighbours, or of its odds: [rows, classes].

    A share counts one neighbour more than there are, divided evenly, so that none is zero.
    """
    known, classes = tensors["known"], tensors["classes"].astype(np.float64)
    k = min(max(int(tensors["k"]), 1), len(known))
    search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(known)
    votes = classes[search.kneighbors(features, return_distance=False)].sum(axis=1)
    even = 0.5 if multi_label else 1 / classes.shape[1]
    share = (votes + even) / (k + 1)
    logits: Rates = np.log(share) - np.log1p(-share) if multi_label else np.log(share)
    return logits

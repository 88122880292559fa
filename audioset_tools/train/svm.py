"""Support vector machines, one class against the rest.

Marques and Moreno (1999), the paper's reference [1], told eight instruments apart with Gaussian mixtures and
SVMs; these made fewest errors.
"""

from collections.abc import Mapping

import numpy as np
from sklearn.metrics.pairwise import rbf_kernel
from sklearn.svm import SVC

from .features import Features
from .metrics import MultiHot, Rates
from .weights import Tensors

GRID = tuple({"C": c, "gamma": gamma} for c in (1.0, 10.0) for gamma in (0.5, 1.0, 2.0))
"""gamma in units of one over the number of features, which are standardised."""

SHAPES = {
    "vectors": ("vectors", "features"),
    "duals": ("classes", "vectors"),
    "intercepts": ("classes",),
    "gamma": (),
}

CACHE_MB = 1_000
"""Of kernel values: room for every pair of 16,000 rows."""


def fit(
    features: Features, target: MultiHot, settings: Mapping[str, float], seed: int, multi_label: bool
) -> Tensors:
    """Fit a machine for every class, errors on rare classes weighing more.

    Args:
        features: standardised, [rows, features].
        target: zeros and ones, [rows, classes].
        settings: one of `GRID`.
        seed, multi_label: not needed.
    """
    gamma = settings["gamma"] / features.shape[1]
    duals = np.zeros((target.shape[1], len(features)))
    intercepts = np.zeros(target.shape[1])
    for number, sounds in enumerate(target.T):
        machine = SVC(C=settings["C"], gamma=gamma, class_weight="balanced", cache_size=CACHE_MB)
        machine.fit(features, sounds)
        duals[number, machine.support_] = machine.dual_coef_[0]
        intercepts[number] = machine.intercept_[0]
    needed = duals.any(axis=0)
    return {
        "vectors": features[needed],
        "duals": duals[:, needed],
        "intercepts": intercepts,
        "gamma": np.array(gamma),
    }


def score(tensors: Tensors, features: Features, multi_label: bool) -> Rates:
    """How far on the side of each class: [rows, classes]."""
    kernel = rbf_kernel(features.astype(np.float64), tensors["vectors"].astype(np.float64), tensors["gamma"])
    distance: Rates = kernel @ tensors["duals"].T + tensors["intercepts"]
    return distance

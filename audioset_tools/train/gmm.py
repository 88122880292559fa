"""A Gaussian mixture for every class, as in Marques and Moreno (1999), the paper's reference [1]."""

import warnings
from collections.abc import Mapping

import numpy as np
from scipy.special import logsumexp
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture

from .features import Features
from .generative import against, groups
from .metrics import MultiHot, Rates
from .weights import Tensors

GRID = tuple({"components": n} for n in (1.0, 4.0, 16.0))

SHAPES = {
    "priors": ("groups",),
    "weights": ("groups", "components"),
    "means": ("groups", "components", "features"),
    "variances": ("groups", "components", "features"),
}

LEAST_VARIANCE = 1e-3
"""Of standardised features: no component shrinks to a single clip."""


def fit(
    features: Features, target: MultiHot, settings: Mapping[str, float], seed: int, multi_label: bool
) -> Tensors:
    """Fit a mixture of diagonal Gaussians to each group of rows.

    Args:
        features: standardised, [rows, features].
        target: zeros and ones, [rows, classes].
        settings: one of `GRID`.
        seed: of the first guess.
        multi_label: whether classes overlap.
    """
    found, priors = [], []
    for members in groups(target, multi_label):
        few = min(int(settings["components"]), int(members.sum()))
        mixture = GaussianMixture(few, covariance_type="diag", reg_covar=LEAST_VARIANCE, random_state=seed)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            mixture.fit(features[members].astype(np.float64))
        found.append(mixture)
        priors.append(members.mean())
    most = max(mixture.n_components for mixture in found)
    return {
        "priors": np.array(priors),
        "weights": np.array([_filled(mixture.weights_, most, 0) for mixture in found]),
        "means": np.array([_filled(mixture.means_, most, 0) for mixture in found]),
        "variances": np.array([_filled(mixture.covariances_, most, 1) for mixture in found]),
    }


def score(tensors: Tensors, features: Features, multi_label: bool) -> Rates:
    """The logarithm of each class's probability up to a constant, or of its odds: [rows, classes]."""
    rows = features.astype(np.float64)
    likelihood = [
        logsumexp(log_gaussians(rows, means, variances), axis=1, b=weights)
        for means, variances, weights in zip(
            tensors["means"], tensors["variances"], tensors["weights"], strict=True
        )
    ]
    return against(np.array(likelihood).T, tensors["priors"], multi_label)


def log_gaussians(rows: Rates, means: Rates, variances: Rates) -> Rates:
    """The log density of every row under every diagonal Gaussian: [rows, components]."""
    densities = [
        -0.5 * (np.log(2 * np.pi * variance).sum() + ((rows - mean) ** 2 / variance).sum(axis=-1))
        for mean, variance in zip(means, variances, strict=True)
    ]
    return np.stack(densities, axis=-1)


def _filled(values: Rates, length: int, value: float) -> Rates:
    """With components that never occur, up to a length."""
    missing = np.full((length - len(values), *values.shape[1:]), value)
    return np.concatenate([values, missing])

"""A hidden Markov model for every class, over the course of the cepstra.

Eichner, Wolff and Hoffmann (2006), the paper's reference [3], told four instruments apart with HMMs. Ours
have diagonal Gaussians as outputs, any state may follow any other, and a clip is a hundred steps at most.
"""

import logging
from collections.abc import Mapping

import numpy as np
from hmmlearn.hmm import GaussianHMM
from scipy.special import logsumexp

from .features import Features
from .generative import against, groups
from .gmm import log_gaussians
from .metrics import MultiHot, Rates
from .weights import Tensors

GRID = tuple({"states": n} for n in (2.0, 4.0, 8.0))

SHAPES = {
    "priors": ("groups",),
    "starts": ("groups", "states"),
    "transitions": ("groups", "states", "states"),
    "means": ("groups", "states", "features"),
    "variances": ("groups", "states", "features"),
}

ROUNDS = 10
"""Of expectation and maximisation."""

LEAST_VARIANCE = 1e-2
"""Of standardised features: no state shrinks to a single step."""

# It reports through logging what we know: that the rounds ended before the likelihood stood still.
logging.getLogger("hmmlearn").setLevel(logging.ERROR)


def fit(
    features: Features, target: MultiHot, settings: Mapping[str, float], seed: int, multi_label: bool
) -> Tensors:
    """Fit a model to each group of rows.

    Args:
        features: standardised, [rows, steps, features].
        target: zeros and ones, [rows, classes].
        settings: one of `GRID`.
        seed: of the first guess.
        multi_label: whether classes overlap.
    """
    found, priors = [], []
    for members in groups(target, multi_label):
        rows = features[members].astype(np.float64)
        model = GaussianHMM(
            int(settings["states"]), n_iter=ROUNDS, min_covar=LEAST_VARIANCE, random_state=seed
        )
        model.fit(rows.reshape(-1, rows.shape[2]), lengths=[rows.shape[1]] * len(rows))
        found.append(model)
        priors.append(members.mean())
    return {
        "priors": np.array(priors),
        "starts": np.array([model.startprob_ for model in found]),
        "transitions": np.array([model.transmat_ for model in found]),
        "means": np.array([model.means_ for model in found]),
        # hmmlearn gives diagonals as full matrices.
        "variances": np.array([np.diagonal(model.covars_, axis1=1, axis2=2) for model in found]),
    }


def score(tensors: Tensors, features: Features, multi_label: bool) -> Rates:
    """The logarithm of each class's probability up to a constant, or of its odds: [rows, classes]."""
    rows = features.astype(np.float64)
    parts = zip(*(tensors[name] for name in ("starts", "transitions", "means", "variances")), strict=True)
    likelihood = [_log_likelihood(rows, *part) for part in parts]
    return against(np.array(likelihood).T, tensors["priors"], multi_label)


def _log_likelihood(rows: Rates, start: Rates, transition: Rates, means: Rates, variances: Rates) -> Rates:
    """Of every row under one model, by the forward algorithm in logarithms: [rows]."""
    outputs = log_gaussians(rows, means, variances)
    with np.errstate(divide="ignore"):
        reached, step = np.log(start) + outputs[:, 0], np.log(transition)
    for output in outputs.transpose(1, 0, 2)[1:]:
        reached = output + logsumexp(reached[:, :, None] + step, axis=1)
    total: Rates = logsumexp(reached, axis=1)
    return total

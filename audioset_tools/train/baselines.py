"""The classical baselines of the paper's related work, by name: they learn from hand-picked features.

What one has learned is arrays, and what predicts is our own arithmetic upon them (or a public function of
scikit-learn): nothing of scikit-learn or hmmlearn itself is ever stored.

svm     support vector machines, one class against the rest: Marques and Moreno (1999), the paper's reference
        [1], told eight instruments apart with Gaussian mixtures and SVMs; these made fewest errors
gmm     a Gaussian mixture for every class, as in the same
knn     the classes of the nearest training clips: Eronen and Klapuri (2000), the paper's reference [2]
hmm     a hidden Markov model for every class, over the course of the cepstra: Eichner, Wolff and Hoffmann
        (2006), the paper's reference [3], told four instruments apart so. Ours have diagonal Gaussians as
        outputs, any state may follow any other, and a clip is a hundred steps at most

Mixtures and HMMs tell how likely each class makes a clip; which class the clip has follows by Bayes' rule.

scikit-learn and hmmlearn are imported by the functions that need them: whoever loads a network waits for
neither (1.2 s and 140 MB).
"""

import logging
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp
from threadpoolctl import threadpool_limits

from ..exceptions import DataMismatch
from ..runs.about import NOT_OURS, About
from ..runs.evaluation import Mels, ToLogits
from ..runs.metrics import Logits, MultiHot
from .features import Extract, Features, course, summary
from .weights import Tensors

Settings = Mapping[str, float]
"""One choice from a baseline's grid, by name."""

LogLikelihoods = npt.NDArray[np.float64]
"""Of every row in every group, or under every component, [rows, groups]."""

ClassScores = npt.NDArray[np.float64]
"""Of every class, the larger the likelier, [rows, classes]: logits but for a temperature."""

Fitted = npt.NDArray[np.float64]
"""Numbers that a model has learned, or rows to compare them with."""

Shapes = Mapping[str, tuple[str, ...]]
"""The axes' names of every array that was learned; axes of one name are of one length."""

COMMON_SHAPES = {"mean": ("features",), "std": ("features",)}
"""Beside those that a baseline has learned: of the standardisation."""


@dataclass(frozen=True, slots=True)
class Classifier:
    """What learns from features, whatever these are of.

    Args:
        shapes: of the arrays that `fit` gives.
        fit: from features, targets as zeros and ones, [rows, classes], one choice of settings, a seed, and
            whether classes overlap, to arrays.
        score: from these arrays, features, and whether classes overlap, to scores.
    """

    shapes: Shapes
    fit: Callable[[Features, MultiHot, Settings, int, bool], Tensors]
    score: Callable[[Tensors, Features, bool], ClassScores]


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline(Classifier):
    """How one of them works.

    Args:
        extract: its features of mels, which are standardised before `fit` and `score` see them.
        grid: the settings that are tried.
        library: what it is fitted with beside scikit-learn; the extra of the baseline's name brings it.
    """

    extract: Extract
    grid: tuple[Settings, ...]
    library: str = ""


def groups(target: MultiHot, multi_label: bool) -> Iterator[npt.NDArray[np.bool_]]:
    """The rows that each model is fitted to: those of every class; where classes overlap, then those without.

    Args:
        target: zeros and ones, [rows, classes].

    Yields:
        Which rows, [rows]: as many groups as there are classes, or twice as many.

    Raises:
        DataMismatch: a group is empty.
    """
    present = target.astype(bool)
    for members in [*present.T, *(~present.T if multi_label else ())]:
        if not members.any():
            raise DataMismatch(
                "a class is in none of the training clips, or in all of them",
                "Fetch more clips of the rare class, or choose another model.",
            )
        yield members


def against(likelihood: LogLikelihoods, priors: Fitted, multi_label: bool) -> ClassScores:
    """The logarithm of each class's probability up to a constant, or, where classes overlap, of its odds.

    Args:
        likelihood: logarithm of the density of every row in every group, [rows, groups].
        priors: share of the training rows in each group, [groups].
        multi_label: whether the groups are twice the classes, see `groups`.

    Returns:
        [rows, classes].
    """
    weighed: ClassScores = likelihood + np.log(priors)
    n_classes = len(priors) // 2
    return weighed[:, :n_classes] - weighed[:, n_classes:] if multi_label else weighed


GMM_GRID = tuple({"components": n} for n in (1.0, 4.0, 16.0))

GMM_SHAPES = {
    "priors": ("groups",),
    "weights": ("groups", "components"),
    "means": ("groups", "components", "features"),
    "variances": ("groups", "components", "features"),
}

GMM_LEAST_VARIANCE = 1e-3
"""Of standardised features: no component shrinks to a single clip."""


def fit_gmm(
    features: Features, target: MultiHot, settings: Settings, seed: int, multi_label: bool
) -> Tensors:
    """Fit a mixture of diagonal Gaussians to each group of rows.

    Args:
        features: standardised ones, [rows, features].
        target: zeros and ones, [rows, classes].
        seed: of the first guess.
    """
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.mixture import GaussianMixture

    found, priors = [], []
    for members in groups(target, multi_label):
        few = min(int(settings["components"]), int(members.sum()))
        mixture = GaussianMixture(
            few, covariance_type="diag", reg_covar=GMM_LEAST_VARIANCE, random_state=seed
        )
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


def score_gmm(tensors: Tensors, features: Features, multi_label: bool) -> ClassScores:
    """The logarithm of each class's probability up to a constant, or of its odds: [rows, classes]."""
    rows = features.astype(np.float64)
    likelihood = [
        logsumexp(log_gaussians(rows, means, variances), axis=1, b=weights)
        for means, variances, weights in zip(
            tensors["means"], tensors["variances"], tensors["weights"], strict=True
        )
    ]
    return against(np.array(likelihood).T, tensors["priors"], multi_label)


def log_gaussians(rows: Fitted, means: Fitted, variances: Fitted) -> LogLikelihoods:
    """The log density of every row under every diagonal Gaussian: [rows, components]."""
    densities = [
        -0.5 * (np.log(2 * np.pi * variance).sum() + ((rows - mean) ** 2 / variance).sum(axis=-1))
        for mean, variance in zip(means, variances, strict=True)
    ]
    return np.stack(densities, axis=-1)


def _filled(values: Fitted, length: int, value: float) -> Fitted:
    """With components that never occur, up to a length."""
    missing = np.full((length - len(values), *values.shape[1:]), value)
    return np.concatenate([values, missing])


HMM_GRID = tuple({"states": n} for n in (2.0, 4.0, 8.0))

HMM_SHAPES = {
    "priors": ("groups",),
    "starts": ("groups", "states"),
    "transitions": ("groups", "states", "states"),
    "means": ("groups", "states", "features"),
    "variances": ("groups", "states", "features"),
}

ROUNDS = 10
"""Of expectation and maximisation."""

HMM_LEAST_VARIANCE = 1e-2
"""Of standardised features: no state shrinks to a single step."""

# It reports through logging what we know: that the rounds ended before the likelihood stood still.
logging.getLogger("hmmlearn").setLevel(logging.ERROR)


def fit_hmm(
    features: Features, target: MultiHot, settings: Settings, seed: int, multi_label: bool
) -> Tensors:
    """Fit a model to each group of rows.

    Args:
        features: standardised, [rows, steps, features].
        target: zeros and ones, [rows, classes].
        seed: of the first guess.
    """
    from hmmlearn.hmm import GaussianHMM

    found, priors = [], []
    for members in groups(target, multi_label):
        rows = features[members].astype(np.float64)
        model = GaussianHMM(
            int(settings["states"]), n_iter=ROUNDS, min_covar=HMM_LEAST_VARIANCE, random_state=seed
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


def score_hmm(tensors: Tensors, features: Features, multi_label: bool) -> ClassScores:
    """The logarithm of each class's probability up to a constant, or of its odds: [rows, classes]."""
    rows = features.astype(np.float64)
    parts = zip(*(tensors[name] for name in ("starts", "transitions", "means", "variances")), strict=True)
    likelihood = [_log_likelihood(rows, *part) for part in parts]
    return against(np.array(likelihood).T, tensors["priors"], multi_label)


def _log_likelihood(
    rows: Fitted, start: Fitted, transition: Fitted, means: Fitted, variances: Fitted
) -> LogLikelihoods:
    """Of every row under one model, by the forward algorithm in logarithms: [rows]."""
    outputs = log_gaussians(rows, means, variances)
    with np.errstate(divide="ignore"):
        reached, step = np.log(start) + outputs[:, 0], np.log(transition)
    for output in outputs.transpose(1, 0, 2)[1:]:
        reached = output + logsumexp(reached[:, :, None] + step, axis=1)
    total: LogLikelihoods = logsumexp(reached, axis=1)
    return total


KNN_GRID = tuple({"k": k} for k in (1.0, 5.0, 11.0, 21.0, 41.0))

KNN_SHAPES = {"known": ("rows", "features"), "classes": ("rows", "classes"), "k": ()}


def fit_knn(
    features: Features, target: MultiHot, settings: Settings, seed: int, multi_label: bool
) -> Tensors:
    """Remember all training rows.

    Args:
        features: standardised ones, [rows, features].
        target: zeros and ones, [rows, classes].
    """
    k = min(int(settings["k"]), len(features))
    return {"known": features, "classes": target.astype(np.float32), "k": np.array(float(k))}


def score_knn(tensors: Tensors, features: Features, multi_label: bool) -> ClassScores:
    """The logarithm of each class's share of the neighbours, or of its odds: [rows, classes].

    A share counts one neighbour more than there are, divided evenly, so that none is zero.
    """
    from sklearn.neighbors import NearestNeighbors

    known, classes = tensors["known"], tensors["classes"].astype(np.float64)
    k = min(max(int(tensors["k"]), 1), len(known))
    search = NearestNeighbors(n_neighbors=k, algorithm="brute").fit(known)
    votes = classes[search.kneighbors(features, return_distance=False)].sum(axis=1)
    even = 0.5 if multi_label else 1 / classes.shape[1]
    share = (votes + even) / (k + 1)
    scores: ClassScores = np.log(share) - np.log1p(-share) if multi_label else np.log(share)
    return scores


SVM_GRID = tuple({"C": c, "gamma": gamma} for c in (1.0, 10.0) for gamma in (0.5, 1.0, 2.0))
"""gamma in units of one over the number of features, which are standardised."""

SVM_SHAPES = {
    "vectors": ("vectors", "features"),
    "duals": ("classes", "vectors"),
    "intercepts": ("classes",),
    "gamma": (),
}

CACHE_MB = 1_000
"""Of kernel values: room for every pair of 16,000 rows."""


def fit_svm(
    features: Features, target: MultiHot, settings: Settings, seed: int, multi_label: bool
) -> Tensors:
    """Fit a machine for every class, errors on rare classes weighing more.

    A class that no training clip has, or every one, is as far on its side as the nearest clips of others are.

    Args:
        features: standardised ones, [rows, features].
        target: zeros and ones, [rows, classes].

    Raises:
        DataMismatch: that is so of all classes.
    """
    from sklearn.svm import SVC

    gamma = settings["gamma"] / features.shape[1]
    duals = np.zeros((target.shape[1], len(features)))
    intercepts = np.zeros(target.shape[1])
    for number, present in enumerate(target.T):
        if present.min() == present.max():
            intercepts[number] = 1 if present.any() else -1
            continue
        machine = SVC(C=settings["C"], gamma=gamma, class_weight="balanced", cache_size=CACHE_MB)
        machine.fit(features, present)
        duals[number, machine.support_] = machine.dual_coef_[0]
        intercepts[number] = machine.intercept_[0]
    needed = duals.any(axis=0)
    if not needed.any():
        raise DataMismatch("there is nothing to tell apart in the training clips", "Fetch more clips.")
    return {
        "vectors": features[needed],
        "duals": duals[:, needed],
        "intercepts": intercepts,
        "gamma": np.array(gamma),
    }


def score_svm(tensors: Tensors, features: Features, multi_label: bool) -> ClassScores:
    """How far on the side of each class: [rows, classes]."""
    from sklearn.metrics.pairwise import rbf_kernel

    kernel = rbf_kernel(features.astype(np.float64), tensors["vectors"].astype(np.float64), tensors["gamma"])
    distance: ClassScores = kernel @ tensors["duals"].T + tensors["intercepts"]
    return distance


CLASSICAL: dict[str, Baseline] = {
    "svm": Baseline(extract=summary, grid=SVM_GRID, shapes=SVM_SHAPES, fit=fit_svm, score=score_svm),
    "gmm": Baseline(extract=summary, grid=GMM_GRID, shapes=GMM_SHAPES, fit=fit_gmm, score=score_gmm),
    "knn": Baseline(extract=summary, grid=KNN_GRID, shapes=KNN_SHAPES, fit=fit_knn, score=score_knn),
    "hmm": Baseline(
        extract=course,
        grid=HMM_GRID,
        shapes=HMM_SHAPES,
        fit=fit_hmm,
        score=score_hmm,
        library="hmmlearn",
    ),
}


def standardiser(features: Features) -> Tensors:
    """Mean and deviation of each feature over all other axes; what never changes has deviation 1."""
    axes = tuple(range(features.ndim - 1))
    mean = features.mean(axes, np.float64).astype(np.float32)
    std = features.std(axes, np.float64).astype(np.float32)
    return {"mean": mean, "std": np.where(std > 1e-6, std, 1).astype(np.float32)}


def standardised(features: Features, tensors: Tensors) -> Features:
    """Features with mean 0 and deviation 1 over the train split."""
    return ((features - tensors["mean"]) / tensors["std"]).astype(np.float32, copy=False)


def classical_logits(name: str, tensors: Tensors, about: About, path: Path) -> ToLogits:
    """A stored baseline as a model.

    Args:
        path: of the weights, for the message.

    Raises:
        DataMismatch: the arrays are not those of such a baseline.
    """
    baseline = CLASSICAL[name]
    require_shapes(tensors, {**baseline.shapes, **COMMON_SHAPES}, about, path)
    decibels = about.spec.log

    def to_logits(mels: Mels) -> Logits:
        with threadpool_limits(1), np.errstate(all="ignore"):
            features = standardised(baseline.extract(mels, decibels), tensors)
            logits: Logits = baseline.score(tensors, features, about.multi_label)
        return logits

    return to_logits


def require_shapes(tensors: Tensors, shapes: Shapes, about: About, path: Path) -> None:
    """See that every array is there, of floating-point numbers, and that equal axes have equal lengths.

    Args:
        path: of the weights, for the message.

    Raises:
        DataMismatch: they are not so.
    """
    n_classes = len(about.class_names)
    lengths = {"classes": n_classes, "groups": n_classes * (2 if about.multi_label else 1)}
    fit = sorted(tensors) == sorted(shapes)
    for name in shapes if fit else ():
        axes, found = shapes[name], tensors[name]
        fit &= found.dtype.kind == "f" and found.ndim == len(axes)
        fit &= all(
            0 < length == lengths.setdefault(axis, length)
            for axis, length in zip(axes, found.shape, strict=False)
        )
    if not fit:
        raise DataMismatch(f"{path} holds no such arrays as a {about.config['model']} has", NOT_OURS)

"""Confident learning: which labels are probably wrong, by what models say of clips that they did not learn.

Northcutt, Jiang and Chuang, "Confident Learning: Estimating Uncertainty in Dataset Labels", JAIR 70, 2021
(arXiv 1911.00068), section 3. A class's threshold is the mean probability that its own clips have for it
(equation 2). A clip that reaches the thresholds of some classes is confidently of the most probable of these;
counting labels (rows) against such classes (columns) gives the confident joint (equation 1), and calibrated
to the number of clips of each label the joint distribution of given and true labels (equation 3). It says how
many clips of each label are wrong. Which ones is decided by both of the paper's ways together ("C + NR"):
they are among the clips of their label that are least probable for it, and for some other class among those
whose probability for it exceeds that for their label the most.

Where a clip may have several classes, each class is asked by itself: labelled with it or not.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..runs.metrics import Counts, Probabilities

Labels = npt.NDArray[np.int64]

BELIEVED = -1
"""What is suggested where the label is believed."""


@dataclass(frozen=True, slots=True)
class LabelNoise:
    """What is wrong with labels.

    Args:
        joint: estimated share of the clips with a label (row) and a true class (column), [classes, classes].
        suggested: the class that a clip probably has, or `BELIEVED`, [rows].
    """

    joint: npt.NDArray[np.float64]
    suggested: Labels


def find_noise(probability: Probabilities, label: Labels) -> LabelNoise:
    """Estimate how many labels are wrong, and which.

    Args:
        probability: of every class, by a model that has not learned the clip, [rows, classes].
        label: the class given, [rows].
    """
    joint = estimate_joint(confident_joint(probability, label), label)
    n_classes, rows = probability.shape[1], np.arange(len(label))
    own = probability[rows, label]
    wanted = np.rint(len(label) * joint).astype(np.int64)
    np.fill_diagonal(wanted, 0)
    doubted = np.zeros(len(label), bool)
    exceeds = np.zeros(probability.shape, bool)
    for given in range(n_classes):
        members = np.flatnonzero(label == given)
        doubted[_first(members, own[members], int(wanted[given].sum()))] = True
        for other in np.flatnonzero(wanted[given]):
            margin = own[members] - probability[members, other]
            exceeds[_first(members, margin, int(wanted[given, other])), other] = True
    # Nobody need listen to a clip whose label is what the model would say as well.
    exceeds &= doubted[:, None] & (probability > own[:, None])
    best = np.where(exceeds, probability, -1).argmax(axis=1)
    return LabelNoise(joint, np.where(exceeds.any(axis=1), best, BELIEVED))


def thresholds(probability: Probabilities, label: Labels) -> Probabilities:
    """The mean probability of each class over the clips labelled with it; infinite without any: [classes]."""
    counts = np.bincount(label, minlength=probability.shape[1])
    sums = np.bincount(label, probability[np.arange(len(label)), label], probability.shape[1])
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)


def confident_joint(probability: Probabilities, label: Labels) -> Counts:
    """Clips by their label (row) and the class that they are confidently of (column): [classes, classes]."""
    reached = probability >= thresholds(probability, label)
    confident = reached.any(axis=1)
    of_class = np.where(reached, probability, -1).argmax(axis=1)
    counts = np.zeros((probability.shape[1],) * 2, np.int64)
    np.add.at(counts, (label[confident], of_class[confident]), 1)
    return counts


def estimate_joint(confident: Counts, label: Labels) -> npt.NDArray[np.float64]:
    """The confident joint, each row brought to the share of the clips with its label: adds up to one.

    A label of which no clip is confidently anything is taken for right throughout.
    """
    totals = confident.sum(axis=1, keepdims=True)
    rows = np.where(totals > 0, confident / np.maximum(totals, 1), np.eye(len(confident)))
    shares: npt.NDArray[np.float64] = (
        rows * np.bincount(label, minlength=len(confident))[:, None] / len(label)
    )
    return shares


def _first(members: Labels, score: Probabilities, count: int) -> Labels:
    """So many members with the lowest score, of equals the first."""
    chosen: Labels = members[np.argsort(score, kind="stable")[:count]]
    return chosen

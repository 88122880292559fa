"""Confident learning: by hand, and against the paper's definitions written out clip by clip."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.audit.confident import BELIEVED, confident_joint, find_noise, thresholds

BY_HAND = np.array([0.875, 0.75, 0.75, 0.25, 0.125, 0.25, 0.5, 0.75])
"""Of the first class: four clips that are labelled with it, then four labelled with the second."""


def test_two_classes_by_hand() -> None:
    """Of each class one clip is confidently of the other; of the second, one is confidently of none."""
    probability, label = np.stack([BY_HAND, 1 - BY_HAND], axis=1), np.repeat([0, 1], 4)
    assert thresholds(probability, label) == pytest.approx([0.65625, 0.59375])
    assert confident_joint(probability, label).tolist() == [[3, 1], [1, 2]]
    found = find_noise(probability, label)
    assert found.joint == pytest.approx(np.array([[3 / 8, 1 / 8], [1 / 6, 1 / 3]]))
    assert found.suggested.tolist() == [*[BELIEVED] * 3, 1, *[BELIEVED] * 3, 0]


def test_a_clip_that_reaches_several_thresholds_is_of_the_most_probable_class() -> None:
    probability = np.array([[0.5, 0.3, 0.2], [0.3, 0.45, 0.25], [0.4, 0.1, 0.5]])
    # Thresholds are 0.4 (the mean of 0.5 and 0.3), infinite, and 0.5.
    assert confident_joint(probability, np.array([0, 0, 2])).tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 1]]


@st.composite
def judged(draw: st.DrawFn) -> tuple[np.ndarray, np.ndarray]:
    """What a model says of some clips, and their labels, some of which fit."""
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    classes, clips = draw(st.integers(2, 5)), draw(st.integers(1, 60))
    label = rng.integers(classes, size=clips)
    logits = rng.normal(size=(clips, classes))
    logits[np.arange(clips), label] += draw(st.floats(0, 4))
    probability = np.exp(logits)
    return probability / probability.sum(axis=1, keepdims=True), label


@given(judged())
def test_it_is_as_the_paper_defines_it(given: tuple[np.ndarray, np.ndarray]) -> None:
    probability, label = given
    found = find_noise(probability, label)
    joint, suggested = by_definition(probability, label)
    assert found.joint == pytest.approx(joint)
    assert found.suggested.tolist() == suggested
    assert found.joint.sum() == pytest.approx(1)


@given(judged(), st.integers(0, 100))
def test_neither_the_order_of_clips_nor_that_of_classes_matters(
    given: tuple[np.ndarray, np.ndarray], seed: int
) -> None:
    probability, label = given
    rng = np.random.default_rng(seed)
    clips, classes = rng.permutation(len(label)), rng.permutation(probability.shape[1])
    renamed = np.argsort(classes)
    found = find_noise(probability, label)
    other = find_noise(probability[clips][:, classes], renamed[label[clips]])
    expected = np.where(found.suggested == BELIEVED, BELIEVED, renamed[found.suggested])
    assert other.suggested.tolist() == expected[clips].tolist()


def by_definition(probability: np.ndarray, label: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """Equations 1 to 3 and the way "C + NR" of section 3, with loops and lists."""
    m, n = probability.shape[1], len(label)
    of = [[x for x in range(n) if label[x] == i] for i in range(m)]
    t = [np.mean([probability[x, j] for x in of[j]]) if of[j] else np.inf for j in range(m)]
    count = np.zeros((m, m))
    for x in range(n):
        reached = [j for j in range(m) if probability[x, j] >= t[j]]
        if reached:
            count[label[x], max(reached, key=lambda j: probability[x, j])] += 1
    joint = np.zeros((m, m))
    for i in range(m):
        for j in range(m):
            share = count[i, j] / count[i].sum() if count[i].sum() else float(i == j)
            joint[i, j] = share * len(of[i]) / n
    suggested = []
    for x in range(n):
        i, fits = label[x], []
        wrong = {j: round(n * joint[i, j]) for j in range(m) if j != i}
        least = sorted(of[i], key=lambda y: probability[y, i])[: sum(wrong.values())]
        for j, number in wrong.items():
            most = sorted(of[i], key=lambda y: probability[y, j] - probability[y, i], reverse=True)[:number]
            if x in least and x in most and probability[x, j] > probability[x, i]:
                fits.append(j)
        suggested.append(max(fits, key=lambda j: probability[x, j]) if fits else BELIEVED)
    return joint, suggested

"""The intervals against a bootstrap written out row by row, and against what is known of them."""

import numpy as np
import pytest
from scipy.stats import binom
from sklearn.metrics import average_precision_score, precision_recall_fscore_support, roc_auc_score

from audioset_tools.train.bootstrap import intervals
from audioset_tools.train.metrics import multi_hot

RESAMPLES = 40


def case(multi_label: bool, rows: int = 30) -> tuple[list[str], np.ndarray, np.ndarray, np.ndarray]:
    """Clips of two rows each, with targets, predictions and probabilities; ties among the latter."""
    rng = np.random.default_rng(1)
    clips = [f"clip{row // 2}" for row in range(rows)]
    probability = rng.integers(0, 8, (rows, 3)) / 7
    if multi_label:
        return (
            clips,
            (rng.random((rows, 3)) < 0.4).astype(np.uint8),
            (probability > 0.5).astype(np.uint8),
            probability,
        )
    actual, predicted = rng.integers(0, 3, (2, rows))
    return clips, multi_hot(actual, 3), multi_hot(predicted, 3), probability


def redrawn(clips: list[str], seed: int) -> list[np.ndarray]:
    """The rows of each resample, in an order of their own."""
    names, clip_of = np.unique(clips, return_inverse=True)
    drawn = np.random.default_rng(seed).integers(0, len(names), (RESAMPLES, len(names)))
    return [np.concatenate([np.flatnonzero(clip_of == one) for one in draw]) for draw in drawn]


def middle(values: list[object]) -> np.ndarray:
    return np.moveaxis(np.nanquantile(np.array(values, float), [0.025, 0.975], axis=0), 0, -1)


@pytest.mark.parametrize("multi_label", [False, True])
def test_intervals_equal_a_bootstrap_written_out(multi_label: bool) -> None:
    clips, actual, predicted, probability = case(multi_label)
    found = intervals(clips, actual, predicted, probability, seed=5, resamples=RESAMPLES)
    classes, macro, micro, ranked = [], [], [], []
    for rows in redrawn(clips, 5):
        one, other, chance = actual[rows], predicted[rows], probability[rows]
        classes.append(precision_recall_fscore_support(one, other, zero_division=0)[:3])
        macro.append(precision_recall_fscore_support(one, other, average="macro", zero_division=0)[:3])
        micro.append(precision_recall_fscore_support(one, other, average="micro", zero_division=0)[:3])
        kept = [n for n in range(3) if 0 < one[:, n].sum() < len(rows)]
        ranked.append(
            [
                np.mean([rank(one[:, n], chance[:, n]) for n in kept])
                for rank in (average_precision_score, roc_auc_score)
            ]
        )
    np.testing.assert_allclose(found.classes, middle(classes), atol=1e-12)
    np.testing.assert_allclose(found.macro, middle(macro), atol=1e-12)
    np.testing.assert_allclose(found.micro, middle(micro), atol=1e-12)
    assert found.ranking is not None
    np.testing.assert_allclose(found.ranking, middle(ranked), atol=1e-12)


def test_a_class_that_is_missing_from_some_resamples_is_left_out_of_their_means() -> None:
    actual = np.array([[1, 1], [0, 0], [0, 1], [0, 0]], np.uint8)
    probability = np.array([[0.9, 0.9], [0.2, 0.1], [0.3, 0.8], [0.4, 0.3]])
    found = intervals(list("abcd"), actual, actual, probability, seed=0).ranking
    # Every order that there is is right.
    np.testing.assert_array_equal(found, 1)


def test_without_any_order_there_is_no_interval() -> None:
    found = intervals(list("ab"), np.ones((2, 2), np.uint8), np.ones((2, 2), np.uint8), np.ones((2, 2)), 0)
    assert np.isnan(found.ranking).all()


def test_noise_copies_of_a_clip_go_together() -> None:
    clips, actual, predicted, _ = case(False)
    alone = intervals(clips, actual, predicted, None, seed=0, resamples=200)
    tripled = intervals(
        clips * 3, np.tile(actual, (3, 1)), np.tile(predicted, (3, 1)), None, seed=0, resamples=200
    )
    np.testing.assert_array_equal(alone.classes, tripled.classes)
    np.testing.assert_array_equal(alone.macro, tripled.macro)


def test_the_seed_decides_and_blocks_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    clips, actual, predicted, probability = case(True)

    def bounds(seed: int) -> np.ndarray:
        return intervals(clips, actual, predicted, probability, seed, resamples=RESAMPLES).classes

    first = bounds(0)
    assert not np.array_equal(first, bounds(1))
    monkeypatch.setattr("audioset_tools.train.bootstrap._BLOCK_VALUES", 50)
    np.testing.assert_array_equal(bounds(0), first)


def accuracy_interval(hits: int, clips: int, seed: int, resamples: int) -> np.ndarray:
    actual = np.zeros(clips, np.int64)
    predicted = (np.arange(clips) >= hits).astype(np.int64)
    keys = [str(number) for number in range(clips)]
    return intervals(keys, multi_hot(actual, 2), multi_hot(predicted, 2), None, seed, resamples).micro[2]


def test_the_interval_of_an_accuracy_is_the_binomial_one() -> None:
    found = accuracy_interval(160, 200, seed=0, resamples=4_000)
    expected = binom.ppf([0.025, 0.975], 200, 0.8) / 200
    np.testing.assert_allclose(found, expected, atol=1 / 200)


def test_95_of_100_intervals_hold_the_truth() -> None:
    hits = np.random.default_rng(0).binomial(150, 0.7, 400)
    bounds = np.array([accuracy_interval(each, 150, seed, 400) for seed, each in enumerate(hits)])
    inside = (bounds[:, 0] <= 0.7) & (bounds[:, 1] >= 0.7)
    assert 0.92 <= inside.mean() <= 0.98

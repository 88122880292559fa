"""Intervals against scikit-learn, Wilson's own, a bootstrap written out, and classifiers that are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest
from sklearn.metrics import average_precision_score, f1_score, roc_auc_score

from audioset_tools.runs.intervals import Intervals, _Order, _resamples, differences, intervals, wilson
from audioset_tools.runs.metrics import multi_hot

RESAMPLES = 300


def of(group: list[str], actual: np.ndarray, predicted: np.ndarray, seed: int = 0) -> Intervals:
    """The intervals of clips of one class each, of four classes."""
    return intervals(group, multi_hot(actual, 4), multi_hot(predicted, 4), None, seed, RESAMPLES)


def alone(rows: int) -> list[str]:
    """Each clip a group of its own."""
    return [str(number) for number in range(rows)]


@given(st.integers(1, 300).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipys(counted: tuple[int, int]) -> None:
    hits, n = counted
    expected = binomtest(hits, n).proportion_ci(0.95, method="wilson")
    np.testing.assert_allclose(wilson(hits / n, n), [expected.low, expected.high], atol=1e-9)


def test_of_nothing_nothing_is_known() -> None:
    assert wilson([0.0, 0.5, 1.0], 0).tolist() == [[0, 1]] * 3
    assert np.isnan(wilson(np.nan, 3)).all()


def test_recall_precision_and_accuracy_of_single_clips_are_wilsons() -> None:
    rng = np.random.default_rng(0)
    actual, predicted = np.repeat(np.arange(4), 3), rng.integers(0, 3, 12)
    found = of(alone(12), actual, predicted)
    hits = np.bincount(actual[actual == predicted], minlength=4)
    taken = np.bincount(predicted, minlength=4)
    for figure, whole in ((0, taken), (1, np.full(4, 3))):
        for ends, part, n in zip(found.classes[figure], hits, whole, strict=True):
            # The last class was never predicted: of its precision nothing is known.
            expected = binomtest(part, n).proportion_ci(0.95, method="wilson") if n else (0, 1)
            np.testing.assert_allclose(ends, tuple(expected), atol=1e-9)
    accuracy = binomtest(hits.sum(), 12).proportion_ci(0.95, method="wilson")
    np.testing.assert_allclose(found.micro, [[accuracy.low, accuracy.high]] * 3, atol=1e-9)


def test_three_clips_a_class_that_are_all_right_prove_little() -> None:
    actual = np.repeat(np.arange(4), 3)
    found = of(alone(12), actual, actual)
    assert (found.classes[..., 1] == 1).all() and (found.macro[:, 1] == 1).all()
    # Of three clips 44 %; of the twelve together 76 %; of four videos, each thrice, as of four clips.
    assert found.classes[:2, :, 0] == pytest.approx(0.4385, abs=1e-4)
    assert ((found.classes[2, :, 0] > 0.5) & (found.classes[2, :, 0] < 0.65)).all()
    assert found.macro[:, 0] == pytest.approx(0.75, abs=0.02)
    videos = of([str(n // 3) for n in range(12)], actual, actual)
    assert videos.micro[:, 0] == pytest.approx(wilson(1, 4)[0], abs=0.05)
    assert videos.classes[1, :, 0] == pytest.approx(wilson(1, 1)[0], abs=0.05)


def test_what_is_one_more_clip_of_a_group_adds_nothing() -> None:
    rng = np.random.default_rng(0)
    actual, predicted = np.repeat(np.arange(4), 10), rng.integers(0, 4, 40)
    once = of(alone(40), actual, predicted)
    thrice = of(alone(40) * 3, np.tile(actual, 3), np.tile(predicted, 3))
    np.testing.assert_allclose(thrice.classes[1:], once.classes[1:], atol=0.03)
    np.testing.assert_allclose(thrice.macro, once.macro, atol=0.03)
    np.testing.assert_allclose(thrice.micro, once.micro, atol=0.03)


def test_clips_of_a_group_that_differ_as_strangers_do_are_worth_as_much() -> None:
    rng = np.random.default_rng(0)
    actual = np.repeat(np.arange(4), 400)
    predicted = np.where(rng.random(1600) < 0.7, actual, rng.integers(0, 4, 1600))
    groups = [str(n // 4) for n in range(1600)]
    together, apart = of(groups, actual, predicted), of(alone(1600), actual, predicted)
    for figure in ("classes", "macro", "micro"):
        np.testing.assert_allclose(getattr(together, figure), getattr(apart, figure), atol=0.012)


def test_groups_may_have_clips_of_several_classes() -> None:
    rng = np.random.default_rng(0)
    actual = np.repeat(np.arange(4), 100)
    predicted = np.where(rng.random(400) < 0.7, actual, rng.integers(0, 4, 400))
    # Each video has one clip of each class.
    mixed = [str(n % 100) for n in range(400)]
    together, apart = of(mixed, actual, predicted), of(alone(400), actual, predicted)
    for figure in ("classes", "macro", "micro"):
        np.testing.assert_allclose(getattr(together, figure), getattr(apart, figure), atol=0.03)
    perfect = of(mixed, actual, actual)
    np.testing.assert_allclose(perfect.classes[1, :, 0], wilson(1, 100)[0], atol=0.02)
    assert (perfect.macro[:, 0] > 0.95).all() and (perfect.macro[:, 0] < 0.995).all()


def test_the_spread_of_f1_is_that_of_a_bootstrap_written_out() -> None:
    """Where the made-up clips weigh nothing, the interval is twice the resamples' deviation wide at 1.96."""
    rng = np.random.default_rng(1)
    actual = np.repeat(np.arange(4), 150)
    predicted = np.where(rng.random(600) < 0.6, actual, rng.integers(0, 4, 600))
    found = of([str(n // 3) for n in range(600)], actual, predicted)
    macro, first = [], []
    for _ in range(400):
        triples = np.concatenate([50 * one + rng.integers(0, 50, 50) for one in range(4)])
        drawn = (3 * triples[:, None] + np.arange(3)).ravel()
        by_class = f1_score(actual[drawn], predicted[drawn], average=None)
        macro.append(by_class.mean())
        first.append(by_class[0])
    for ends, values in ((found.macro[2], macro), (found.classes[2, 0], first)):
        assert ends[1] - ends[0] == pytest.approx(2 * 1.96 * np.std(values), rel=0.12)


def test_map_and_auc_of_several_classes_at_once() -> None:
    rng = np.random.default_rng(0)
    actual = (rng.random((200, 3)) < 0.4).astype(np.uint8)
    chance = np.clip(actual * 0.3 + 0.7 * rng.random((200, 3)), 0, 1)
    chance = np.round(chance, 1)
    found = intervals(alone(200), actual, (chance > 0.5).astype(np.uint8), chance, 0, RESAMPLES).ranking
    assert found is not None
    for ends, figure in zip(found, (average_precision_score, roc_auc_score), strict=True):
        values = []
        for _ in range(150):
            rows = rng.integers(0, 200, 200)
            values.append(np.mean([figure(actual[rows, n], chance[rows, n]) for n in range(3)]))
        point = np.mean([figure(actual[:, n], chance[:, n]) for n in range(3)])
        assert ends[0] < point < ends[1]
        assert ends[1] - ends[0] == pytest.approx(2 * 1.96 * np.std(values), rel=0.2)


@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=30),
)
def test_the_order_of_drawn_clips_is_judged_as_scikit_learn_judges_weighted_ones(
    rows: list[tuple[bool, int, int]],
) -> None:
    present, chance, weight = (np.array(column, np.float64) for column in zip(*rows, strict=True))
    if not present.any() or present.all():
        present[0] = 1 - present[0]
    if not present.any() or present.all():
        return
    ap, auc = _Order(present.astype(np.uint8), chance / 4).figures(weight[:, None])[:, 0]
    if not (weight @ present and weight @ (1 - present)):
        assert np.isnan([ap, auc]).all()
    else:
        assert ap == pytest.approx(average_precision_score(present, chance, sample_weight=weight))
        assert auc == pytest.approx(roc_auc_score(present, chance, sample_weight=weight))


def test_of_very_many_clips_of_many_classes_fewer_drawings_are_made() -> None:
    few, many = np.zeros((8, 12), np.uint8), np.broadcast_to(np.uint8(0), (20_371, 527))
    assert (_resamples(few, True), _resamples(many, True), _resamples(many, False)) == (2_000, 354, 2_000)
    assert _resamples(np.broadcast_to(np.uint8(0), (10**6, 527)), True) == 100


def test_a_perfect_order_of_few_clips_proves_little() -> None:
    actual = np.array([[1, 1], [0, 0], [0, 1], [0, 0]], np.uint8)
    found = intervals(alone(4), actual, actual, actual * 0.5 + 0.2, 0, RESAMPLES).ranking
    assert found is not None and (found[:, 1] == 1).all() and (found[:, 0] < 0.8).all()


def test_without_any_order_there_is_no_interval() -> None:
    ones = np.ones((2, 2), np.uint8)
    assert np.isnan(intervals(alone(2), ones, ones, np.ones((2, 2)), 0, RESAMPLES).ranking).all()


@pytest.mark.parametrize("several", [False, True])
def test_the_seed_decides_and_blocks_do_not(several: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    actual, predicted = (multi_hot(rng.integers(0, 3, 30), 3) for _ in range(2))
    group = [str(n // 2) for n in range(30)]

    def bounds(seed: int) -> Intervals:
        return intervals(group, actual, predicted, rng.random((30, 3)) if several else None, seed, RESAMPLES)

    first = bounds(0)
    assert not np.array_equal(first.macro, bounds(1).macro)
    monkeypatch.setattr("audioset_tools.runs.intervals._BLOCK_VALUES", 50)
    np.testing.assert_array_equal(bounds(0).macro, first.macro)
    np.testing.assert_array_equal(bounds(0).classes, first.classes)


@pytest.mark.parametrize(
    ("per_class", "accuracy", "segments"),
    [(3, 0.9, 1), (10, 0.5, 1), (10, 0.99, 1), (30, 0.9, 1), (30, 1.0, 1), (12, 0.9, 4), (40, 0.5, 4)],
)
def test_95_of_100_intervals_hold_the_truth(per_class: int, accuracy: float, segments: int) -> None:
    """Those of macro-F1, and of the F1 of a class; a video's segments are all predicted alike.

    With these numbers of clips only some figures can come out, so that no interval's share is 95 % sharp.
    """
    rng = np.random.default_rng(0)
    chances = np.full((4, 4), (1 - accuracy) / 3)
    np.fill_diagonal(chances, accuracy)
    actual = np.repeat(np.arange(4), per_class // segments)
    inside = []
    for seed in range(150):
        predicted = (rng.random((len(actual), 1)) > chances[actual].cumsum(axis=1)).sum(axis=1).clip(max=3)
        group = [name for name in alone(len(actual)) for _ in range(segments)]
        found = intervals(
            group,
            multi_hot(actual.repeat(segments), 4),
            multi_hot(predicted.repeat(segments), 4),
            None,
            seed,
            resamples=150,
        )
        ends = np.array([found.macro[2], found.classes[2, 1]])
        inside.append((ends[:, 0] <= accuracy + 1e-9) & (accuracy - 1e-9 <= ends[:, 1]))
    # 150 sets: 0.95 by chance within 0.035.
    assert (np.mean(inside, axis=0) >= 0.89).all()


def compared(others: list[np.ndarray], best: np.ndarray, actual: np.ndarray) -> list[tuple[float, float]]:
    """Differences to the best of clips of one class each."""
    hots = [multi_hot(other, 4) for other in others]
    return differences(
        alone(len(actual)), multi_hot(actual, 4), multi_hot(best, 4), hots, by_class=True, resamples=RESAMPLES
    )


def test_what_two_runs_get_wrong_alike_makes_no_difference() -> None:
    rng = np.random.default_rng(0)
    actual = np.repeat(np.arange(4), 100)
    best = np.where(rng.random(400) < 0.6, actual, rng.integers(0, 4, 400))
    # One run differs from the best in ten clips, which it gets wrong; one is as good, with its own mistakes.
    close = best.copy()
    right = np.flatnonzero(best == actual)[::28][:10]
    close[right] = (actual[right] + 1) % 4
    as_good = np.where(rng.random(400) < 0.6, actual, rng.integers(0, 4, 400))
    same, near, far = compared([best, close, as_good], best, actual)
    assert same[0] == -same[1] and same[1] < 0.02
    assert near[0] < -0.02 < near[1] < 0
    single = of(alone(400), actual, best).macro[2]
    assert near[1] - near[0] < (single[1] - single[0]) / 2 < far[1] - far[0]


def test_three_clips_a_class_support_no_order() -> None:
    actual = np.repeat(np.arange(4), 3)
    one_wrong = np.append(actual[:-1], 0)
    ((low, high),) = compared([one_wrong], actual, actual)
    assert low < 0 < high

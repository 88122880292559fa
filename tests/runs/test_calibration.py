"""Expected calibration error, against an example worked by hand and a loop over the bins."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from audioset_tools.runs.calibration import BINS, calibration
from audioset_tools.runs.evaluation import Predictions, judge
from audioset_tools.runs.tables import evaluation_json, evaluation_tables, tables_text

SURE = hnp.arrays(np.float64, (20, 3), elements=st.sampled_from([n / 60 for n in range(61)]))


def test_an_example_worked_by_hand() -> None:
    # Two clips of 0.9 and 0.93, one right: 0.415 off. One of 0.5, right: 0.5 off.
    probability = np.array([[0.9, 0.1], [0.07, 0.93], [0.5, 0.5]])
    found = calibration(np.array([0, 0, 0]), probability)
    assert found.error == pytest.approx((2 * 0.415 + 0.5) / 3)
    assert found.counts.sum() == 3 and found.counts[13] == 2 and found.counts[7] == 1
    assert found.mean_share == pytest.approx(2 / 3) and found.mean_confidence == pytest.approx(2.33 / 3)


@given(SURE, hnp.arrays(np.int64, 20, elements=st.integers(0, 2)))
def test_one_class_a_clip(probability: np.ndarray, actual: np.ndarray) -> None:
    confidence, right = probability.max(axis=1), probability.argmax(axis=1) == actual
    assert calibration(actual, probability).error == pytest.approx(by_loop(confidence, right), abs=1e-12)


@given(SURE, hnp.arrays(np.uint8, (20, 3), elements=st.integers(0, 1)))
def test_several_classes_a_clip(probability: np.ndarray, actual: np.ndarray) -> None:
    expected = by_loop(probability.ravel(), actual.ravel() == 1)
    assert calibration(actual, probability).error == pytest.approx(expected, abs=1e-12)


def by_loop(confidence: np.ndarray, right: np.ndarray) -> float:
    """As Guo et al. (2017) define it, bin (m - 1) / 15 < p <= m / 15 by bin; 0 goes into the first."""
    error = 0.0
    for m in range(1, BINS + 1):
        inside = (confidence * 60 > (m - 1) * 4 + 1e-6) & (confidence * 60 <= m * 4 + 1e-6)
        inside |= (m == 1) & (confidence == 0)
        if inside.any():
            error += inside.mean() * abs(right[inside].mean() - confidence[inside].mean())
    return error


def test_a_model_that_says_what_it_means_has_a_small_error_and_one_that_boasts_a_large_one() -> None:
    rng = np.random.default_rng(0)
    right = rng.uniform(0.5, 1, 20_000)
    honest = np.stack([right, 1 - right], axis=1)
    actual = (rng.random(20_000) > right).astype(np.int64)
    assert calibration(actual, honest).error < 0.01
    boasting = np.stack([right**0.2, 1 - right**0.2], axis=1)
    assert calibration(actual, boasting).error == pytest.approx(np.mean(right**0.2 - right), abs=0.01)


def test_what_is_no_number_is_in_no_bin() -> None:
    said = Predictions(("a", "b"), ("a", "b"), np.array([0, 1]), np.full((2, 2), np.nan), np.nan)
    evaluation = judge(said, ("Piano", "Drums"), "test")
    assert np.isnan(evaluation.calibration.error) and evaluation.calibration.counts.sum() == 0
    assert evaluation_json(evaluation)["calibration"]["error"] is None
    assert "no probability is a number" in tables_text(evaluation_tables(evaluation))


def test_it_is_told_in_words_and_in_json() -> None:
    said = Predictions(("a", "b"), ("a", "b"), np.array([0, 1]), np.array([[0.9, 0.1], [0.8, 0.2]]), 0.0)
    evaluation = judge(said, ("Piano", "Drums"), "test")
    told = json.loads(json.dumps(evaluation_json(evaluation)["calibration"], allow_nan=False))
    assert told["error"] == pytest.approx(0.45) and sum(one["count"] for one in told["bins"]) == 2
    words = tables_text(evaluation_tables(evaluation))
    assert "calibration error: 45.0 %.\nOn average it is 85.0 % sure, and 50.0 % is right." in words

"""Predictions and their figures: torch's losses, and the paper's own matrix."""

import numpy as np
import pytest
import torch

from audioset_tools.runs.evaluation import Predictions, best_temperature, judge, loss_of, to_probability
from audioset_tools.runs.tables import evaluation_json
from tests.runs.conftest import TABLE_1


def test_predictions_without_overlap() -> None:
    said = Predictions(
        ("a", "b"), ("a", "b"), np.array([2, 0]), np.array([[0.2, 0.5, 0.3], [0.6, 0.2, 0.2]]), 0.0
    )
    assert said.predicted.tolist() == [1, 0]
    assert said.confusion.tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]


def test_loss_and_probability_equal_torch() -> None:
    rng = np.random.default_rng(0)
    logits = 20 * rng.standard_normal((50, 3))
    labels, hot = rng.integers(0, 3, 50), rng.integers(0, 2, (50, 3)).astype(np.uint8)
    tensor = torch.from_numpy(logits)
    one = torch.nn.functional.cross_entropy(tensor, torch.from_numpy(labels))
    many = torch.nn.functional.binary_cross_entropy_with_logits(tensor, torch.from_numpy(hot).double())
    assert loss_of(logits, labels) == pytest.approx(one.item())
    assert loss_of(logits, hot) == pytest.approx(many.item())
    np.testing.assert_allclose(to_probability(logits, False), tensor.softmax(1).numpy())
    np.testing.assert_allclose(to_probability(logits, True), tensor.sigmoid().numpy())


def test_the_papers_matrix_is_written_as_the_paper_prints_it() -> None:
    actual, predicted = (np.repeat(axis.ravel(), TABLE_1.ravel()) for axis in np.indices((4, 4)))
    clips = tuple(map(str, range(800)))
    said = Predictions(clips, clips, actual, np.eye(4)[predicted], 0.0)
    evaluation = judge(said, ("Piano", "Drums", "Flute", "Other"), "test")
    told = evaluation_json(evaluation)
    assert told["confusion"] == TABLE_1.tolist()
    assert round(100 * told["macro"]["f1"], 2) == 63.77 and round(100 * told["micro"]["f1"], 2) == 64.5
    # docs/evaluate.md quotes it.
    assert [round(100 * end, 1) for end in told["intervals"]["macro"]["f1"]] == [60.5, 66.9]


def test_the_temperature_is_the_one_of_the_least_loss() -> None:
    rng = np.random.default_rng(0)
    actual = rng.integers(0, 3, 2_000)
    logits = 50 * (np.eye(3)[actual] + 0.8 * rng.standard_normal((2_000, 3)))
    best = best_temperature(logits, actual)
    losses = [loss_of(logits / (best * factor), actual) for factor in (0.8, 1, 1.25)]
    assert losses[1] == min(losses) < loss_of(logits, actual)
    hot = (logits + rng.normal(0, 40, logits.shape) > 20).astype(np.uint8)
    best = best_temperature(logits - 20, hot)
    assert loss_of((logits - 20) / best, hot) <= min(
        loss_of((logits - 20) / (best * factor), hot) for factor in (0.8, 1.25)
    )


@pytest.mark.parametrize("rows", [3, 30, 3_000])
def test_that_all_were_right_does_not_make_a_model_certain(rows: int) -> None:
    """Laplace's rule of succession: after n hits the next is one with (n + 1) / (n + classes)."""
    actual = np.arange(rows) % 3
    logits = np.eye(3)[actual]
    surest = to_probability(logits / best_temperature(logits, actual), False).max()
    assert surest == pytest.approx((rows + 1) / (rows + 3), abs=1e-4)
    hot = np.eye(3, dtype=np.uint8)[actual]
    surest = to_probability((2 * logits - 1) / best_temperature(2 * logits - 1, hot), True).max()
    assert surest == pytest.approx((rows + 1) / (rows + 2), abs=1e-4)

"""What is told of a training by its epochs alone."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import entropy
from sklearn.metrics import log_loss

from audioset_tools.runs.folder import Epoch
from audioset_tools.train.config import TrainConfig
from audioset_tools.train.networks import MODELS, Hyperparameters
from audioset_tools.train.watch import (
    cautions,
    epochs_without_better,
    final_cautions,
    goes_on,
    guessing_loss,
    meaning_words,
    new_cautions,
)

PAPER, LITERAL, COMPACT = TrainConfig(), TrainConfig(literal=True), TrainConfig("compact")
GUESSING = math.log(4)
HOW = MODELS["paper"].trained

F1 = st.floats(0, 1)
LOSSES = st.floats(0, 1e4) | st.sampled_from([GUESSING, math.inf, math.nan])
ROWS = st.lists(st.tuples(LOSSES, F1, LOSSES, F1, F1), min_size=1, max_size=12)


def history_of(rows: Sequence[tuple[float, float, float, float, float]]) -> list[Epoch]:
    """Train loss and F1, validation loss and F1, share of dead channels."""
    return [Epoch(n, *row[:4], 1.0, 1.0, row[4]) for n, row in enumerate(rows, 1)]


# `train --literal` and `train --model compact` as they were on the sounds of bench/domains.py, seed 0.
COLLAPSED = history_of(
    [
        (3223.7843, 0.421, 25.7214, 0.462, 0.219),
        (7.6600, 0.491, 2.7459, 0.251, 0.812),
        (1.5948, 0.309, 1.6220, 0.279, 0.953),
        (1.3228, 0.315, 1.7320, 0.289, 0.969),
        (1.3606, 0.382, 1.4996, 0.270, 0.984),
        (1.3334, 0.243, 1.3698, 0.164, 1.000),
    ]
)
HEALTHY = history_of(
    [
        (1.6280, 0.337, 1.1407, 0.450, 0),
        (1.1864, 0.486, 0.9951, 0.563, 0),
        (0.9058, 0.634, 0.8876, 0.668, 0),
        (0.7753, 0.693, 0.7925, 0.667, 0),
        (0.7568, 0.686, 0.9093, 0.725, 0),
        (0.6239, 0.741, 0.5324, 0.829, 0),
        (0.5650, 0.780, 0.5657, 0.726, 0),
        (0.5210, 0.790, 0.4519, 0.826, 0),
        (0.5076, 0.788, 1.2285, 0.513, 0),
        (0.4137, 0.857, 0.3932, 0.847, 0),
    ]
)


def kinds(history: Sequence[Epoch], config: TrainConfig = PAPER, final: bool = False) -> list[str]:
    return [each.kind for each in (final_cautions if final else cautions)(history, config, GUESSING)]


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40))
def test_guessing_is_the_entropy_of_the_classes(labels: list[int]) -> None:
    share = np.bincount(labels, minlength=5) / len(labels)
    assert guessing_loss(np.array(labels), 5) == pytest.approx(entropy(share))
    constant = np.tile(share, (len(labels), 1))
    assert guessing_loss(np.array(labels), 5) == pytest.approx(log_loss(labels, constant, labels=range(5)))


def test_guessing_among_equally_common_classes_is_the_logarithm_of_their_number() -> None:
    assert guessing_loss(np.array([0, 1, 2, 3, 3, 2, 1, 0]), 4) == pytest.approx(math.log(4))


def test_guessing_where_a_clip_may_have_several_classes_is_the_mean_of_yes_and_no() -> None:
    target = np.array([[1, 0, 1], [1, 0, 0], [1, 0, 0], [1, 0, 0]], np.uint8)
    assert guessing_loss(target, 3) == pytest.approx(entropy([0.25, 0.75]) / 3)


def test_what_the_figures_mean_is_told_within_80_columns() -> None:
    for several in (False, True):
        words = meaning_words(1.386, several)
        assert "F1: the mean of the classes (macro), the Total of" in words
        assert "1.386 is guessing" in " ".join(words.split()) and ("binary" in words) == several
        assert max(map(len, words.splitlines())) <= 80


def test_as_good_is_not_better() -> None:
    history = history_of([(1, 0.5, loss, f1, 0) for loss, f1 in ((1, 0.5), (1, 0.9), (0.5, 0.9), (0.4, 0.9))])
    assert epochs_without_better(history) == 2
    patient = Hyperparameters(lr=1, patience=3)
    assert goes_on(history, patient, GUESSING)
    assert not goes_on([*history, *history_of([(1, 0.5, 0.3, 0.9, 0)])], patient, GUESSING)


@given(ROWS, st.integers(1, 15), st.integers(1, 6))
def test_patience_counts_epochs_since_the_f1_rose(
    rows: list[tuple[float, float, float, float, float]], epochs: int, patience: int
) -> None:
    history = history_of([(*row[:4], 0.0) for row in rows])
    highest, since = -1.0, 0
    for row in history:
        since = 0 if row.validation_f1 > highest else since + 1
        highest = max(highest, row.validation_f1)
    assert epochs_without_better(history) == since
    how = Hyperparameters(lr=1, epochs=epochs, patience=patience)
    assert goes_on(history, how, GUESSING) == (len(history) < epochs and since < patience)


def test_what_only_guesses_with_dead_channels_is_stopped() -> None:
    going = [goes_on(COLLAPSED[:n], HOW, GUESSING) for n in range(1, 7)]
    assert going == [True, True, True, False, False, False]
    assert kinds(COLLAPSED[:4], LITERAL, final=True) == ["collapsed"]
    (told,) = final_cautions(COLLAPSED[:4], LITERAL, GUESSING)
    assert "97 % of a layer's channels are dead" in told.what and "--literal" in told.remedy
    (told,) = final_cautions(COLLAPSED[:4], PAPER, GUESSING)
    assert "--lr" in told.remedy and "compact" in told.remedy


def test_a_healthy_training_is_told_nothing() -> None:
    # `train --model paper`, seed 1, whose train loss falls to nothing while the validation's stays.
    losses = [(6.27, 0.98, 0.54), (0.76, 0.77, 0.70), (0.52, 0.80, 0.73), (0.33, 0.63, 0.77)]
    losses += [(0.19, 0.75, 0.74), (0.09, 0.67, 0.76), (0.03, 0.63, 0.79), (0.01, 0.73, 0.74)]
    paper = history_of([(train, 0.5, loss, f1, 0.5) for train, loss, f1 in losses])
    assert [kinds(paper[:n], final=True) for n in range(2, 9)] == [[]] * 7
    assert [kinds(HEALTHY[:n], COMPACT, final=True) for n in range(1, 11)] == [[]] * 10


def test_a_slow_start_and_a_loss_that_comes_from_far_are_no_trouble() -> None:
    # The paper's network on standardised decibels, seed 0, which had an F1 of 0.7 ten epochs later.
    slow = history_of([(loss, 0.25, loss, 0.2, 0.4) for loss in (6.7528, 1.5996, 1.3610, 1.3437, 1.2843)])
    assert [kinds(slow[:n]) for n in range(1, 6)] == [[]] * 5
    falling = history_of([(loss, 0.5, 1, 0.5, 0.9) for loss in (8000, 900, 200, 60, 30, 10)])
    assert all(
        "collapsed" not in kinds(falling[:n]) and "guessing" not in kinds(falling[:n]) for n in range(1, 7)
    )
    assert goes_on(falling, Hyperparameters(lr=1, patience=9), GUESSING)


def test_what_has_learned_nothing_is_told_so() -> None:
    stuck = history_of([(loss, 0.25, 1.4, 0.2, 0) for loss in (1.5, 1.39, 1.38, 1.39, 1.385, 1.386)])
    assert [kinds(stuck[:n]) for n in range(1, 7)] == [[], [], [], [], ["guessing"], ["guessing"]]
    assert goes_on(stuck, Hyperparameters(lr=1, patience=9), GUESSING)
    (told,) = final_cautions(stuck[:2], PAPER, GUESSING)
    assert (told.kind, told.what) == ("guessing", "guessing is as good: its loss is 1.386")
    quick = history_of([(2.0, 0.5, 0.1, 1.0, 0)])
    assert kinds(quick, final=True) == []


def test_dead_channels_and_a_falling_f1_are_told_of_a_training_that_may_recover() -> None:
    dying = history_of([(1, 0.5, 1, 0.5, 0.5), *[(0.9, 0.5, 1, 0.5, 0.9)] * 3])
    assert [kinds(dying[:n]) for n in range(1, 5)] == [[], [], [], ["dead"]]
    f1s = (0.5, 0.8, 0.69, 0.75, 0.6, 0.69, 0.3)
    falling = history_of([(1, f1, 1, 0.5, 0) for f1 in f1s])
    assert [kinds(falling[:n]) for n in range(1, 8)] == [[], [], [], [], [], [], ["falling"]]
    (told,) = cautions(falling, PAPER, GUESSING)
    assert told.what == "train F1 fell from 0.800 in epoch 2 to 0.300"


def test_each_is_told_when_it_shows_and_not_again() -> None:
    dying = history_of([(1, 0.5, 1, 0.5, 0.9)] * 5)
    assert [len(new_cautions(dying[:n], PAPER, GUESSING)) for n in range(1, 6)] == [0, 0, 1, 0, 0]


def test_of_the_kept_epoch_it_is_told_that_it_is_early_or_knows_its_clips_by_heart() -> None:
    early = history_of([(1, 0.5, 1, f1, 0) for f1 in (0.5, 0.6, 0.5, 0.5, 0.6)])
    assert kinds(early[:4], final=True) == [] and kinds(early, final=True) == ["early"]
    assert kinds(early) == []
    perfect = history_of([(1, 0.5, 1, f1, 0) for f1 in (0.5, 1.0, 0.9, 0.9, 0.9)])
    assert kinds(perfect, final=True) == []
    rows = [(0.87, 0.7, 0.58, 0.74, 0), (0.16, 0.9, 0.45, 0.83, 0), (0.004, 1.0, 0.71, 0.85, 0)]
    by_heart = history_of(rows)
    assert [kinds(by_heart[:n], final=True) for n in (1, 2, 3)] == [[], [], ["by heart"]]
    (told,) = final_cautions(by_heart, PAPER, GUESSING)
    assert told.what == "train loss is 0.00, validation loss rose from 0.45 to 0.71"


@given(ROWS, st.sampled_from([PAPER, LITERAL, COMPACT]))
def test_any_history_is_judged_in_lines_that_fit_a_terminal(
    rows: list[tuple[float, float, float, float, float]], config: TrainConfig
) -> None:
    told = final_cautions(history_of(rows), config, GUESSING)
    assert len({each.kind for each in told}) == len(told)
    assert all(len(f"warning: {each.what}") <= 80 and len(each.remedy) <= 80 for each in told)

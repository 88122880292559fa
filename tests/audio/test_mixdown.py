"""Two channels become one, and what one takes from the other is not lost."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.audio.mixdown import mixed_down, to_pcm
from audioset_tools.types import SAMPLE_RATE


def pairs(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    return np.stack([(left + right) / 2, left], axis=1).astype(np.float32)


NOISE = np.random.default_rng(1).uniform(-0.5, 0.5, (2, 3 * SAMPLE_RATE)).astype(np.float32)


def test_unrelated_channels_are_averaged() -> None:
    mixture = pairs(*NOISE)
    np.testing.assert_array_equal(mixed_down(mixture, SAMPLE_RATE), mixture[:, 0])


@given(st.floats(0.1, 0.9))
def test_of_opposed_channels_the_louder_one_is_taken(quieter: float) -> None:
    left = NOISE[0]
    np.testing.assert_allclose(mixed_down(pairs(left, -left), SAMPLE_RATE), left, atol=1e-6)
    close = 1 - quieter / 10
    np.testing.assert_allclose(mixed_down(pairs(left * close, -left), SAMPLE_RATE), -left, atol=1e-6)


@pytest.mark.parametrize("factor", [1 - 1e-4, 1 - 1e-6, 1, 1 + 1e-6, 1 + 1e-4])
def test_of_channels_equal_but_for_rounding_the_first_is_taken(factor: float) -> None:
    """Which of two such sums is the larger depends on the processor, and a clip's bytes must not."""
    left = NOISE[0]
    np.testing.assert_allclose(mixed_down(pairs(left, -left * factor), SAMPLE_RATE), left, atol=1e-6)


def test_each_second_is_judged_by_itself() -> None:
    left, right = NOISE[0], NOISE[0].copy()
    right[SAMPLE_RATE : 2 * SAMPLE_RATE] *= -1
    np.testing.assert_allclose(mixed_down(pairs(left, right), SAMPLE_RATE), left, atol=1e-6)


@given(st.floats(-4, 4, width=32))
def test_samples_are_rounded_and_clipped_at_full_scale(value: float) -> None:
    (sample,) = to_pcm(np.array([value], np.float32))
    assert sample == np.clip(np.rint(value * 32768), -32768, 32767)

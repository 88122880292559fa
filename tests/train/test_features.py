"""Cepstra of mels that can be worked out by hand."""

from itertools import pairwise

import numpy as np
import pytest

from audioset_tools.exceptions import UsageError
from audioset_tools.train.features import COURSE_STEPS, course, summary


def test_a_constant_mel_has_one_coefficient_and_no_changes() -> None:
    found = summary(np.full((2, 12, 24), -30, np.float32), True)
    assert found.shape == (2, 36) and found.dtype == np.float32
    np.testing.assert_allclose(found[:, 0], -30 * np.sqrt(12), rtol=1e-6)
    np.testing.assert_allclose(found[:, 1:], 0, atol=1e-4)


def test_power_becomes_decibels_80_below_the_loudest_at_most() -> None:
    power = np.full((1, 12, 24), 1e-30, np.float32)
    power[0, :, 0] = 100
    decibels = np.full((1, 12, 24), -60, np.float32)
    decibels[0, :, 0] = 20
    for extract in (summary, course):
        np.testing.assert_allclose(extract(power, False), extract(decibels, True), atol=1e-4)


@pytest.mark.parametrize("frames", [2, 24, COURSE_STEPS, 3 * COURSE_STEPS + 7])
def test_a_course_has_the_means_of_its_steps(frames: int) -> None:
    ramp = np.tile(np.arange(frames, dtype=np.float32), (1, 12, 1))
    found = course(ramp, True)
    steps = min(frames, COURSE_STEPS)
    assert found.shape == (1, steps, 12)
    edges = [int(step * frames / steps) for step in range(steps + 1)]
    wanted = [np.arange(a, b).mean() for a, b in pairwise(edges)]
    np.testing.assert_allclose(found[0, :, 0], np.sqrt(12) * np.array(wanted), rtol=1e-5)


def test_mels_of_one_frame_have_no_changes() -> None:
    with pytest.raises(UsageError, match="two frames"):
        summary(np.zeros((1, 12, 1), np.float32), True)

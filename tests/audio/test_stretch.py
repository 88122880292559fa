"""From a file's frames to a mixture and a channel at a clip's rate."""

import numpy as np
import pytest

from audioset_tools.audio.stretch import Stretch, as_pairs, bounds


def test_bounds_are_rounded_to_the_nearest_frame() -> None:
    assert bounds(0, 10_000, 44_100) == (0, 441_000)
    assert bounds(1, 2, 44_100) == (44, 88)
    assert bounds(1_003, 1_004, 11_025) == (11_058, 11_069)


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("target", [16_000, 32_000, 44_100, 48_000])
def test_ten_seconds_stay_ten_seconds(rate: int, target: int) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(10 * rate) / rate).astype(np.float32)
    pairs = as_pairs(Stretch(np.stack([tone, 0.5 * tone], axis=1), rate, ""), target)
    assert pairs.shape == (10 * target, 2)
    assert np.abs(pairs[target:-target]).max(axis=0) == pytest.approx([0.75, 1.0], rel=0.01)


def test_one_channel_is_its_own_mixture() -> None:
    tone = np.linspace(-1, 1, 1_000, dtype=np.float32)[:, None]
    np.testing.assert_array_equal(as_pairs(Stretch(tone, 16_000, ""), 16_000), np.repeat(tone, 2, axis=1))

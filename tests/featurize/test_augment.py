"""White noise: its level, its seed, its independence of order."""

import numpy as np
import pytest

from audioset_tools.featurize.augment import add_noise, noise_rng

TONE = np.sin(np.arange(160_000) * 0.3).astype(np.float32)


@pytest.mark.parametrize("snr", [-10.0, 0.0, 25.0])
def test_noise_has_the_level_asked_for(snr: float) -> None:
    noise = add_noise(TONE, (snr, snr), noise_rng(0, "key", 1)) - TONE
    assert 10 * np.log10(np.mean(TONE**2) / np.mean(noise**2)) == pytest.approx(snr, abs=0.1)


def test_noise_is_white() -> None:
    noise = add_noise(TONE, (0, 0), noise_rng(0, "key", 1)) - TONE
    bands = np.square(np.abs(np.fft.rfft(noise))).reshape(-1)[1:].reshape(8, -1).mean(axis=1)
    assert bands.max() / bands.min() < 1.1


def test_levels_fill_the_range() -> None:
    ratios = [
        -10 * np.log10(np.mean((add_noise(TONE, (10, 30), noise_rng(0, f"k{n}", 1)) - TONE) ** 2) * 2)
        for n in range(40)
    ]
    assert 10 <= min(ratios) + 0.1 < 13
    assert 27 < max(ratios) - 0.1 <= 30


def test_noise_depends_on_seed_key_and_copy_and_on_nothing_else() -> None:
    names = [(0, "a", 1), (1, "a", 1), (0, "b", 1), (0, "a", 2)]
    first = [add_noise(TONE, (10, 30), noise_rng(*name)) for name in names]
    again = [add_noise(TONE, (10, 30), noise_rng(*name)) for name in reversed(names)]
    assert len({copy.tobytes() for copy in first}) == 4
    assert [copy.tobytes() for copy in first] == [copy.tobytes() for copy in reversed(again)]


def test_the_clip_itself_is_left_alone_and_silence_stays_silence() -> None:
    before = TONE.copy()
    assert add_noise(TONE, (10, 30), noise_rng(0, "key", 1)).dtype == np.float32
    np.testing.assert_array_equal(TONE, before)
    assert not add_noise(np.zeros(100, np.float32), (10, 30), noise_rng(0, "key", 1)).any()

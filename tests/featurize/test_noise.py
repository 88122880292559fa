"""White noise: its level, its seed, its independence of order."""

from statistics import NormalDist

import numpy as np
import pytest

from audioset_tools.featurize.noise import add_noise, noise_rng, white_noise

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


def test_noise_is_gaussian() -> None:
    noise = white_noise(1_000_000, noise_rng(0, "key", 1))
    assert noise.mean() == pytest.approx(0, abs=0.004)
    assert noise.var() == pytest.approx(1, abs=0.006)
    assert np.mean(noise**4) == pytest.approx(3, abs=0.03)
    for deviations in (-2.0, -1.0, 0.0, 0.5, 3.0):
        share = np.mean(noise < deviations)
        assert share == pytest.approx(NormalDist().cdf(deviations), abs=0.002)


@pytest.mark.parametrize("count", [0, 1, 5, 160_000])
def test_noise_of_any_length(count: int) -> None:
    assert white_noise(count, noise_rng(0, "key", 1)).shape == (count,)


def test_noise_stays_the_same_from_release_to_release() -> None:
    """Shards made by one version are completed by the next; numpy promises as much for raw bits only."""
    expected = [-0.46911293, -0.47133437, -0.15628617, 1.1697379, -1.6403451, 0.018188164]
    np.testing.assert_allclose(white_noise(6, noise_rng(7, "-bcdefghijk_30000", 1)), expected, rtol=1e-6)

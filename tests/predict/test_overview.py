"""The spectrogram of a whole recording, of any length and in any pieces."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.featurize.mel import logmel
from audioset_tools.predict.overview import COLUMNS, Overview, Spectrogram
from audioset_tools.shards.spec import MelSpec

SPEC = MelSpec(n_mels=16, hop_length=1_000)


def overview(samples: np.ndarray, sizes: list[int], spec: MelSpec = SPEC) -> Spectrogram:
    taken = Overview(spec)
    for piece in np.split(samples, np.cumsum(sizes).clip(max=len(samples))):
        taken.add(piece)
    return taken.finish()


def sound(count: int) -> np.ndarray:
    return (np.random.default_rng(0).standard_normal(count) * 3_000).astype(np.int16)


@settings(max_examples=20)
@given(count=st.integers(1, 60_000), sizes=st.lists(st.integers(0, 30_000), max_size=4))
def test_pieces_do_not_matter(count: int, sizes: list[int]) -> None:
    samples = sound(count)
    whole, cut = overview(samples, []), overview(samples, sizes)
    np.testing.assert_array_equal(whole.bands, cut.bands)
    assert whole.bands.shape == (16, -(-count // 1_000))


def test_a_clips_frames_are_those_of_its_mel_up_to_its_level() -> None:
    samples = sound(160_000)
    found, mel = overview(samples, []).bands, logmel(samples, SPEC)[:, :160]
    scale = mel[:, 80].sum() / found[:, 80].sum()
    np.testing.assert_allclose(scale * found[:, 1:], mel[:, 1:], rtol=2e-2)


@settings(max_examples=20)
@given(first=st.integers(0, 50_000), hole=st.integers(1, 3_000_000), second=st.integers(1, 50_000))
def test_what_is_passed_over_is_silence(first: int, hole: int, second: int) -> None:
    samples = np.concatenate([sound(first), np.zeros(hole, np.int16), sound(second)])
    taken = Overview(SPEC)
    taken.add(samples[:first])
    taken.add(samples[first + hole :], first + hole)
    found, whole = taken.finish(), overview(samples, [])
    # Which frames are transformed side by side moves the last digits.
    np.testing.assert_allclose(found.bands, whole.bands, rtol=1e-5, atol=1e-5)
    assert (found.first, found.step) == (whole.first, whole.step)


@pytest.mark.parametrize("center", [True, False])
def test_a_click_stays_in_its_place_when_columns_become_one(center: bool) -> None:
    spec = MelSpec(n_mels=4, n_fft=32, win_length=32, hop_length=32, center=center)
    samples = np.zeros(32 * 9_000, np.int16)
    at = 200_000
    samples[at : at + 16] = 20_000
    found = overview(samples, [50_000] * 4, spec)
    columns = found.bands.shape[1]
    assert COLUMNS <= columns <= 2 * COLUMNS
    loudest = found.first + found.step * int(found.bands.sum(axis=0).argmax())
    assert loudest == pytest.approx(at / 16_000, abs=found.step)
    assert columns * found.step == pytest.approx(len(samples) / 16_000, abs=found.step)

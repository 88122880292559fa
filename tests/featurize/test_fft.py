"""Spectra of many frames at once against numpy's of each."""

import math

import numpy as np
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.featurize.fft import BandSpectra, factorise


@settings(max_examples=100, deadline=None)
@given(n_fft=st.integers(1, 1100), hop_length=st.integers(1, 300), frames=st.integers(1, 150))
def test_spectra_of_any_length_are_those_of_numpy(n_fft: int, hop_length: int, frames: int) -> None:
    rng = np.random.default_rng(n_fft)
    bins = scipy.sparse.eye_array(1 + n_fft // 2, dtype=np.float32, format="csr")
    spectra = BandSpectra(rng.random(n_fft, np.float32), hop_length, bins, 2.0)
    waveform = rng.standard_normal(spectra.samples(frames), np.float32)
    found = np.empty((1 + n_fft // 2, frames), np.float32)
    spectra(waveform, found)
    windows = np.lib.stride_tricks.sliding_window_view(waveform, n_fft)[::hop_length][:frames]
    expected = np.abs(np.fft.rfft(windows.astype(np.float64) * rng_window(n_fft), axis=1).T) ** 2
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5 * expected.max())


def rng_window(n_fft: int) -> np.ndarray:
    return np.random.default_rng(n_fft).random(n_fft, np.float32)


@given(st.integers(1, 5000))
def test_the_radices_of_a_length_multiply_to_it(n: int) -> None:
    assert math.prod(factorise(n)) == n

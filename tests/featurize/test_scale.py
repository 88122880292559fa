"""The mel scales are librosa's."""

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.featurize.scale import mel_axis, to_hertz, to_mel
from audioset_tools.featurize.spec import MelSpec


@pytest.mark.parametrize("htk", [True, False])
def test_the_axis_is_that_of_librosas_bands(htk: bool) -> None:
    for low, high in ((0.0, 8_000.0), (40.0, 900.0), (1_500.0, 7_000.0)):
        expected = librosa.mel_frequencies(n_mels=66, fmin=low, fmax=high, htk=htk)
        axis = mel_axis(MelSpec(fmin=low, fmax=high, htk=htk, n_mels=64), 66)
        np.testing.assert_allclose(axis, expected, rtol=1e-9, atol=1e-9)


@given(hertz=st.floats(0, 48_000), htk=st.booleans())
def test_there_and_back(hertz: float, htk: bool) -> None:
    assert float(to_hertz(to_mel(hertz, htk), htk)) == pytest.approx(hertz, rel=1e-9, abs=1e-9)

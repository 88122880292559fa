"""Specs as text, and the axes of their pictures."""

import json
from dataclasses import asdict

import librosa
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.exceptions import DataMismatch
from audioset_tools.shards.spec import PRESETS, MelSpec, in_decibels, mel_axis, read_spec


@given(low=st.floats(0, 900), high=st.floats(1_000, 8_000), htk=st.booleans(), log=st.booleans())
def test_a_spec_is_read_as_it_was_written(low: float, high: float, htk: bool, log: bool) -> None:
    spec = MelSpec(fmin=low, fmax=high, htk=htk, log=log)
    assert read_spec(spec.json()) == spec


@pytest.mark.parametrize(
    "change",
    [
        {"n_fft": 0},
        {"n_fft": "400"},
        {"n_fft": None},
        {"sample_rate": 10**400},
        {"norm": []},
        {"window": "hann"},
    ],
)
def test_no_other_spec_passes_for_one(change: dict[str, object]) -> None:
    with pytest.raises(DataMismatch, match="no mel spec"):
        read_spec(json.dumps(asdict(MelSpec()) | change, sort_keys=True))


@pytest.mark.parametrize(
    "text", ["", "[]", "null", "[" * 100_000, '{"log": true}', json.dumps({"n_fft": 400})]
)
def test_what_is_not_a_whole_spec_is_refused(text: str) -> None:
    with pytest.raises(DataMismatch, match="mel spec"):
        read_spec(text)


@pytest.mark.parametrize("htk", [True, False])
def test_the_middles_of_the_bands_lie_on_the_axis(htk: bool) -> None:
    spec = MelSpec(fmin=40, fmax=7_000, htk=htk, n_mels=20, n_fft=4_096, win_length=4_096)
    filters = librosa.filters.mel(sr=16_000, n_fft=4_096, n_mels=20, fmin=40, fmax=7_000, htk=htk, norm=None)
    middles = mel_axis(spec, spec.n_mels + 2)[1:-1]
    np.testing.assert_allclose(filters.argmax(axis=1) * 16_000 / 4_096, middles, atol=16_000 / 4_096)


@pytest.mark.parametrize("htk", [True, False])
def test_the_axis_is_that_of_librosa(htk: bool) -> None:
    theirs = librosa.mel_frequencies(501, fmin=20, fmax=7_900, htk=htk)
    np.testing.assert_allclose(mel_axis(MelSpec(fmin=20, fmax=7_900, htk=htk), 501), theirs, rtol=1e-12)


def test_levels_are_relative_to_the_peak_whatever_the_power() -> None:
    amplitude = np.array([[1.0, 0.1], [0.01, 0.0]], np.float32)
    for power in (1.0, 2.0, 3.0):
        levels = in_decibels(amplitude**power, MelSpec(power=power, top_db=40))
        np.testing.assert_allclose(levels[0], [0, -20], atol=1e-4)
        assert levels[1, 0] == pytest.approx(-40, abs=1e-4) and levels[1, 1] < -70
    log = np.array([[-3.0, -80.0]], np.float32)
    assert in_decibels(log, MelSpec(log=True)) is log
    assert np.isfinite(in_decibels(np.zeros((2, 2), np.float32), MelSpec())).all()


@pytest.mark.parametrize(
    ("rate", "n_fft", "hop_length"),
    [(16_000, 400, 200), (32_000, 800, 400), (44_100, 1_102, 551), (48_000, 1_200, 600)],
)
def test_a_preset_at_another_rate_has_the_same_times_and_shape(
    rate: int, n_fft: int, hop_length: int
) -> None:
    for preset in PRESETS.values():
        spec = preset.at(rate)
        assert (spec.n_fft, spec.win_length, spec.hop_length) == (n_fft, n_fft, hop_length)
        assert (spec.shape, spec.fmax, spec.log) == ((128, 801), rate / 2, preset.log)
        assert (spec == preset) == (rate == 16_000)

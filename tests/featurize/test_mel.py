"""The mel engine against librosa in double precision."""

from dataclasses import replace

import librosa
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.errors import UsageError
from audioset_tools.featurize.mel import filterbank, mel
from audioset_tools.featurize.spec import PRESETS, MelSpec

pytestmark = pytest.mark.filterwarnings("ignore:Empty filters detected")

PAPER = PRESETS["paper"]
TONE = np.sin(np.arange(160_000) * 0.3)
SIGNALS = {
    "tone": TONE,
    "noise": np.random.default_rng(1).standard_normal(160_000) * 1e-3,
    "short": TONE[:4000],
    "one sample": np.ones(1),
    "impulse": np.eye(1, 160_000, 77_777)[0],
    "square at full scale": np.sign(TONE),
    "constant": np.full(160_000, 0.3),
    "tone on a large offset": 0.9 + 1e-3 * TONE,
    "silence": np.zeros(160_000),
    "nothing": np.zeros(0),
}


def reference(waveform: np.ndarray, spec: MelSpec) -> np.ndarray:
    """The paper's pipeline said once more, in float64 and with librosa's own functions."""
    padded = np.zeros(10 * spec.sample_rate)
    padded[: len(waveform)] = waveform
    padded = padded / (np.abs(padded).max() or 1)
    padded = padded - padded.mean()
    standard = padded / padded.std() if padded.std() > 1e-12 else np.zeros_like(padded)
    bands = librosa.feature.melspectrogram(
        y=standard,
        sr=spec.sample_rate,
        n_fft=spec.n_fft,
        win_length=spec.win_length,
        hop_length=spec.hop_length,
        n_mels=spec.n_mels,
        fmin=spec.fmin,
        fmax=spec.fmax,
        htk=spec.htk,
        norm=spec.norm,
        power=spec.power,
        center=spec.center,
        pad_mode="reflect",
        dtype=np.float64,
    )
    return librosa.power_to_db(bands, amin=spec.amin, top_db=spec.top_db) if spec.log else bands


def assert_equals_librosa(waveform: np.ndarray, spec: MelSpec) -> None:
    expected = reference(waveform, spec)
    found = mel(waveform, spec)
    assert found.dtype == np.float32
    assert found.shape == expected.shape == spec.shape
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", SIGNALS)
def test_presets_equal_librosa(preset: str, name: str) -> None:
    assert_equals_librosa(SIGNALS[name], PRESETS[preset])


@st.composite
def specs(draw: st.DrawFn) -> MelSpec:
    n_fft = draw(st.integers(64, 1024))
    low = draw(st.floats(0, 1000))
    return MelSpec(
        n_fft=n_fft,
        win_length=draw(st.integers(32, n_fft)),
        hop_length=draw(st.integers(100, 500)),
        n_mels=draw(st.integers(1, 160)),
        fmin=low,
        fmax=draw(st.floats(low + 500, 8000)),
        htk=draw(st.booleans()),
        norm=draw(st.sampled_from([None, "slaney"])),
        power=draw(st.sampled_from([1.0, 1.5, 2.0])),
        center=draw(st.booleans()),
        log=draw(st.booleans()),
        amin=draw(st.sampled_from([1e-10, 1e-5])),
        top_db=draw(st.floats(20, 80)),
    )


@settings(max_examples=40, deadline=None)
@given(spec=specs(), name=st.sampled_from(sorted(SIGNALS)), seed=st.integers(0, 100), level=st.floats(0, 1))
def test_any_spec_and_signal_equals_librosa(spec: MelSpec, name: str, seed: int, level: float) -> None:
    noise = np.random.default_rng(seed).standard_normal(len(SIGNALS[name]))
    assert_equals_librosa(SIGNALS[name] + level * noise, spec)


def test_paper_shape_is_128_by_801() -> None:
    assert PAPER.shape == (128, 801)
    assert mel(TONE, PAPER).shape == (128, 801)


def test_a_tone_is_loudest_in_the_band_that_holds_it() -> None:
    centres = librosa.mel_frequencies(130, fmax=8000, htk=True)[1:-1]
    loudest = mel(np.sin(2 * np.pi * 3000 * np.arange(160_000) / 16_000), PAPER).mean(axis=1).argmax()
    assert abs(centres[loudest] - 3000) < 80


def test_scale_and_offset_do_not_matter() -> None:
    wave = SIGNALS["noise"]
    np.testing.assert_allclose(mel(wave, PAPER), mel(5 * wave + 2, PAPER), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", ["silence", "constant", "nothing"])
def test_what_has_no_variance_gives_one_finite_value(preset: str, name: str) -> None:
    found = mel(SIGNALS[name], PRESETS[preset])
    assert np.isfinite(found).all()
    assert np.ptp(found) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused(bad: float) -> None:
    wave = TONE.copy()
    wave[99] = bad
    with pytest.raises(ValueError, match="NaN or infinity"):
        mel(wave, PAPER)


@pytest.mark.parametrize("shape", [(160_001,), (2, 100), ()])
def test_what_does_not_fit_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        mel(np.zeros(shape), PAPER)


def test_empty_filters_are_reported() -> None:
    assert PAPER.empty_filters == 4
    assert MelSpec(htk=False, norm="slaney").empty_filters == 0


def test_the_filterbank_is_as_sparse_as_the_facts_say() -> None:
    assert filterbank(PAPER).shape == (128, 201)
    assert filterbank(PAPER).nnz == 395


def test_the_digest_tells_every_field_apart_and_never_changes() -> None:
    changed = [
        replace(PAPER, **change)
        for change in ({"n_mels": 64}, {"log": True}, {"center": False}, {"norm": "slaney"}, {"fmin": 20.0})
    ]
    assert len({spec.digest for spec in [PAPER, *changed]}) == 6
    assert MelSpec().digest == PAPER.digest


@pytest.mark.parametrize(
    "change",
    [
        {"n_fft": 200},
        {"hop_length": 0},
        {"n_mels": 0},
        {"fmax": 9000.0},
        {"fmin": 8000.0},
        {"norm": "area"},
        {"power": 0.0},
        {"top_db": 100.0},
        {"amin": 0.0},
    ],
)
def test_an_impossible_spec_is_a_usage_error(change: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        MelSpec(**change)

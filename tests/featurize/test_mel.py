"""The mel engine against librosa in double precision."""

import subprocess
import sys
from dataclasses import replace

import librosa
import numpy as np
import pytest
import scipy.signal
import scipy.sparse
from hypothesis import example, given, settings
from hypothesis import strategies as st

from audioset_tools.exceptions import UsageError
from audioset_tools.featurize.mel import LogMel, empty_filters, filterbank, logmel, window
from audioset_tools.shards.spec import PRESETS, MelSpec
from tests.featurize.reference import reference_mel

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


def standard(waveform: np.ndarray, spec: MelSpec) -> np.ndarray:
    padded = np.zeros(10 * spec.sample_rate)
    padded[: len(waveform)] = waveform
    padded = padded / (np.abs(padded).max() or 1)
    padded = padded - padded.mean()
    return padded / padded.std() if padded.std() > 1e-12 else np.zeros_like(padded)


def librosa_mel(waveform: np.ndarray, spec: MelSpec, padded_by_librosa: bool = False) -> np.ndarray:
    """The paper's pipeline in float64 and with librosa's own functions.

    librosa 0.11 reflects the end from a piece of n_fft // 2 samples where the hop divides the length, one too
    few, so that the very last sample of the last frame is another one. numpy pads the whole waveform.
    """
    samples, center = standard(waveform, spec), spec.center
    if center and not padded_by_librosa:
        samples, center = np.pad(samples, spec.n_fft // 2, mode="reflect"), False
    bands = librosa.feature.melspectrogram(
        y=samples,
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
        center=center,
        pad_mode="reflect",
        dtype=np.float64,
    )
    return librosa.power_to_db(bands, amin=spec.amin, top_db=spec.top_db) if spec.log else bands


def float32_noise(waveform: np.ndarray, spec: MelSpec) -> float:
    """An amplitude that no transform in float32 can see beside the loudest one of the clip."""
    loudest = np.abs(
        librosa.stft(
            standard(waveform, spec),
            n_fft=spec.n_fft,
            win_length=spec.win_length,
            hop_length=spec.hop_length,
            center=spec.center,
            pad_mode="reflect",
        )
    ).max()
    return 3e-6 * float(loudest)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", SIGNALS)
def test_presets_equal_librosa(preset: str, name: str) -> None:
    expected = librosa_mel(SIGNALS[name], PRESETS[preset], padded_by_librosa=True)
    found = logmel(SIGNALS[name], PRESETS[preset])
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    assert np.abs(found - expected).max() <= 1e-4 * np.abs(expected).max()


@st.composite
def specs(draw: st.DrawFn) -> MelSpec:
    n_fft = draw(st.integers(16, 1024))
    low = draw(st.floats(0, 1000))
    power = draw(st.sampled_from([1.0, 1.5, 2.0, 3.0]))
    return MelSpec(
        n_fft=n_fft,
        win_length=draw(st.integers(16, n_fft)),
        hop_length=draw(st.integers(100, 1500)),
        n_mels=draw(st.integers(1, 160)),
        fmin=low,
        fmax=draw(st.floats(low + 500, 8000)),
        htk=draw(st.booleans()),
        norm=draw(st.sampled_from([None, "slaney"])),
        power=power,
        center=draw(st.booleans()),
        log=draw(st.booleans()),
        amin=draw(st.sampled_from([1e-10, 1e-5])),
        top_db=draw(st.floats(20, min(80, 40 * power))),
    )


@settings(max_examples=60, deadline=None)
@given(
    spec=specs(),
    name=st.sampled_from(sorted(SIGNALS)),
    seed=st.integers(0, 100),
    level=st.just(0.0) | st.floats(1e-9, 1),
)
def test_any_spec_and_signal_equals_librosa(spec: MelSpec, name: str, seed: int, level: float) -> None:
    noise = np.random.default_rng(seed).standard_normal(len(SIGNALS[name]))
    waveform = SIGNALS[name] + level * noise
    expected, found = librosa_mel(waveform, spec), logmel(waveform, spec)
    assert found.shape == expected.shape == spec.shape
    # The mean magnitude ** power under each filter, so that what is allowed does not depend on its width.
    weight = np.asarray(filterbank(spec).sum(axis=1)).reshape(-1, 1)
    weight[weight == 0] = 1
    blur = float32_noise(waveform, spec)
    if spec.log:
        amplitude = (10 ** (expected / 10) / weight) ** (1 / spec.power)
        allowed = 10 * spec.power * np.log10(1 + blur / amplitude)
    else:
        amplitude = (expected / weight) ** (1 / spec.power)
        allowed = weight * ((amplitude + blur) ** spec.power - amplitude**spec.power)
    assert (np.abs(found - expected) <= 1e-4 * np.abs(expected).max() + allowed).all()


FAR_FROM_ALL_POWER = MelSpec(
    n_fft=286, win_length=254, hop_length=100, n_mels=39, fmin=824, fmax=2_205, htk=False, power=1,
    center=False, log=True, top_db=20,
)  # fmt: skip
"""Of one sample it sees little but the side lobes of a constant, 1e-7 of what lies below its bands."""


@settings(max_examples=20, deadline=None)
@given(spec=specs(), name=st.sampled_from(["one sample", "short", "impulse", "nothing"]))
@example(spec=FAR_FROM_ALL_POWER, name="one sample")
def test_the_reference_says_the_same(spec: MelSpec, name: str) -> None:
    expected = librosa_mel(SIGNALS[name], spec)
    np.testing.assert_allclose(reference_mel(SIGNALS[name], spec), expected, rtol=1e-4, atol=1e-3)


def test_one_engine_takes_one_waveform_after_the_other() -> None:
    engine = LogMel(PAPER)
    out = np.empty(PAPER.shape, np.float32)
    for name in SIGNALS:
        assert engine(SIGNALS[name], out) is out
        np.testing.assert_array_equal(out, logmel(SIGNALS[name], PAPER))


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64])
def test_the_kind_of_number_does_not_matter(dtype: type) -> None:
    whole = (TONE * 20_000).astype(np.int16)
    np.testing.assert_array_equal(logmel(whole.astype(dtype), PAPER), logmel(whole, PAPER))


def test_paper_shape_is_128_by_801() -> None:
    assert PAPER.shape == (128, 801)
    assert logmel(TONE, PAPER).shape == (128, 801)


def test_a_tone_is_loudest_in_the_band_that_holds_it() -> None:
    centres = librosa.mel_frequencies(130, fmax=8000, htk=True)[1:-1]
    loudest = logmel(np.sin(2 * np.pi * 3000 * np.arange(160_000) / 16_000), PAPER).mean(axis=1).argmax()
    assert abs(centres[loudest] - 3000) < 80


def test_scale_and_offset_do_not_matter() -> None:
    wave = SIGNALS["noise"]
    np.testing.assert_allclose(logmel(wave, PAPER), logmel(5 * wave + 2, PAPER), rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", ["silence", "constant", "nothing"])
def test_what_has_no_variance_gives_one_finite_value(preset: str, name: str) -> None:
    found = logmel(SIGNALS[name], PRESETS[preset])
    assert np.isfinite(found).all()
    assert np.ptp(found) == 0


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_nan_and_infinity_are_refused(bad: float) -> None:
    wave = TONE.copy()
    wave[99] = bad
    with pytest.raises(ValueError, match="NaN or infinity"):
        logmel(wave, PAPER)


@pytest.mark.parametrize("shape", [(160_001,), (2, 100), ()])
def test_what_does_not_fit_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="does not fit"):
        logmel(np.zeros(shape), PAPER)


def test_empty_filters_are_reported() -> None:
    assert empty_filters(PAPER) == 4
    assert empty_filters(MelSpec(htk=False, norm="slaney")) == 0


@pytest.mark.parametrize("spec", [*PRESETS.values(), PAPER.at(48_000), replace(PAPER, htk=False)])
def test_the_filterbank_is_librosas_to_the_bit(spec: MelSpec) -> None:
    """Of the presets it comes from a table, of others from librosa."""
    expected = librosa.filters.mel(
        sr=spec.sample_rate, n_fft=spec.n_fft, n_mels=spec.n_mels, fmin=spec.fmin, fmax=spec.fmax,
        htk=spec.htk, norm=spec.norm,
    )  # fmt: skip
    expected, found = scipy.sparse.csr_array(expected), filterbank(spec)
    for part in ("indptr", "indices", "data"):
        ours, theirs = getattr(found, part), getattr(expected, part)
        assert ours.dtype == theirs.dtype and ours.tobytes() == theirs.tobytes()


@pytest.mark.parametrize("length", [1, 2, 3, 16, 255, 400, 551, 800, 1102, 1200, 4096])
def test_the_window_is_scipys_to_the_bit(length: int) -> None:
    spec = MelSpec(n_fft=length + 7, win_length=length, n_mels=8)
    hann = scipy.signal.get_window("hann", length).astype(np.float32)
    np.testing.assert_array_equal(window(spec), np.pad(hann, (3, 4)))


PRESET_ALONE = """
import sys
from audioset_tools.featurize.mel import LogMel
from audioset_tools.shards.spec import PRESETS
for spec in PRESETS.values():
    LogMel(spec)
print(*sys.modules)
"""


def test_a_preset_needs_neither_librosa_nor_scipys_signal() -> None:
    """They take 80 MB and a second and a half, which are most of a short prediction."""
    loaded = subprocess.check_output([sys.executable, "-c", PRESET_ALONE], text=True).split()
    assert "numba" in loaded
    assert not {"librosa", "scipy.signal", "scipy.stats"} & {*loaded}


def test_the_filterbank_is_sparse() -> None:
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

"""What `mel.py` computes, said slowly and in plain words; the tests hold the two against each other.

Paper, section 3 and figure 1: pad, normalise, standardise, mel.
"""

import numpy as np
import numpy.typing as npt
import scipy.signal

from audioset_tools.featurize.mel import filterbank
from audioset_tools.shards.spec import MelSpec

Doubles = npt.NDArray[np.float64]


def reference_mel(waveform: npt.ArrayLike, spec: MelSpec) -> Doubles:
    """The mel spectrogram of a waveform, in float64 and one frame after the other.

    Args:
        waveform: samples, [T].
        spec: what to compute.

    Returns:
        float64, [spec.n_mels, spec.frames].
    """
    samples = np.zeros(spec.clip_samples)
    samples[: np.size(waveform)] = waveform
    samples = standardise(peak_normalise(samples))
    if spec.center:
        samples = np.pad(samples, spec.n_fft // 2, mode="reflect")
    hann = window(spec)
    bands = np.zeros(spec.shape)
    for frame in range(spec.frames):
        start = frame * spec.hop_length
        spectrum = np.fft.rfft(samples[start : start + spec.n_fft] * hann)
        bands[:, frame] = filterbank(spec) @ np.abs(spectrum) ** spec.power
    if not spec.log:
        return bands
    level: Doubles = 10 * np.log10(np.maximum(bands, spec.amin))
    floored: Doubles = np.maximum(level, level.max() - spec.top_db)
    return floored


def window(spec: MelSpec) -> Doubles:
    """The periodic Hann window, centred in the FFT: [spec.n_fft].

    In float64: far from a loud bin the window's side lobes fall below 1e-7 of it, where rounding the window
    to float32 adds as much again.
    """
    before = (spec.n_fft - spec.win_length) // 2
    hann: Doubles = scipy.signal.get_window("hann", spec.win_length, fftbins=True)
    return np.pad(hann, (before, spec.n_fft - spec.win_length - before))


def peak_normalise(waveform: Doubles) -> Doubles:
    """Divide by the largest absolute sample, as AudTorch's `Normalize` does; silence stays silence."""
    peak = np.abs(waveform).max()
    return waveform / peak if peak > 0 else waveform


def standardise(waveform: Doubles) -> Doubles:
    """Bring to zero mean and unit variance, as AudTorch's `Standardize` does; a constant becomes zero."""
    deviation = waveform.std()
    return (waveform - waveform.mean()) / deviation if deviation > 1e-12 else np.zeros_like(waveform)

"""From a waveform to its mel spectrogram: what the numbers mean (`MelSpec`) and how they come about (`mel`).

The filterbank is librosa's own; the rest is its pipeline in float32 without its overhead, equal to its
float64 result within 1e-4 of the peak.
"""

import warnings
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import scipy.fft
import scipy.signal
import scipy.sparse

from .spec import MelSpec

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]


def mel(waveform: npt.ArrayLike, spec: MelSpec) -> Floats:
    """Pad, normalise and standardise a waveform, then take its mel spectrogram (paper, figure 1).

    Args:
        waveform: samples, [T], at most ten seconds at `spec.sample_rate`.
        spec: what to compute.

    Returns:
        float32, [spec.n_mels, spec.frames].

    Raises:
        ValueError: the waveform is too long, not one-dimensional, or holds NaN or infinity.
    """
    padded = pad(np.asarray(waveform, dtype=np.float64), spec.clip_samples)
    # In double precision up to here: an offset far larger than the sound would otherwise eat the sound.
    standard = standardise(peak_normalise(padded)).astype(np.float32)
    bands = mel_power(standard, spec)
    return decibels(bands, spec) if spec.log else bands


def pad(waveform: Doubles, samples: int) -> Doubles:
    """Append zeros until there are `samples` of them.

    Raises:
        ValueError: the waveform is longer than that or not one-dimensional.
    """
    if waveform.ndim != 1 or len(waveform) > samples:
        raise ValueError(f"a waveform of shape {waveform.shape} does not fit into {samples} samples")
    return np.pad(waveform, (0, samples - len(waveform)))


def peak_normalise(waveform: Doubles) -> Doubles:
    """Divide by the largest absolute sample, as AudTorch's `Normalize` does; silence stays silence.

    Raises:
        ValueError: a sample is NaN or infinite.
    """
    peak = max(waveform.max(), -waveform.min())
    if not np.isfinite(peak):
        raise ValueError("the waveform holds NaN or infinity")
    return waveform / peak if peak > 0 else waveform


def standardise(waveform: Doubles) -> Doubles:
    """Bring to zero mean and unit variance, as AudTorch's `Standardize` does; a constant becomes zero."""
    centred = waveform - waveform.mean()
    deviation = np.sqrt(np.mean(np.square(centred)))
    # What rounding leaves of a constant is not a sound.
    return centred / deviation if deviation > 1e-12 else np.zeros_like(waveform)


def mel_power(waveform: Floats, spec: MelSpec) -> Floats:
    """Magnitudes to the power `spec.power`, summed into mel bands.

    Args:
        waveform: float32, [T].
        spec: what to compute.

    Returns:
        float32, [spec.n_mels, frames].
    """
    if spec.center:
        waveform = np.pad(waveform, spec.n_fft // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(waveform, spec.n_fft)[:: spec.hop_length]
    spectrum = scipy.fft.rfft(frames * window(spec), axis=1)
    power = np.square(spectrum.real) + np.square(spectrum.imag)
    if spec.power != 2:
        power **= spec.power / 2
    bands: Floats = filterbank(spec) @ power.T
    return bands


def decibels(bands: Floats, spec: MelSpec) -> Floats:
    """Power in decibels, floored `spec.top_db` below its own peak (librosa's `power_to_db` with `ref=1`)."""
    level = 10 * np.log10(np.maximum(bands, np.float32(spec.amin)))
    floored: Floats = np.maximum(level, level.max() - np.float32(spec.top_db))
    return floored


@lru_cache(maxsize=8)
def window(spec: MelSpec) -> Floats:
    """The periodic Hann window, centred in the FFT: float32, [n_fft]."""
    hann = scipy.signal.get_window("hann", spec.win_length, fftbins=True).astype(np.float32)
    before = (spec.n_fft - spec.win_length) // 2
    return np.pad(hann, (before, spec.n_fft - spec.win_length - before))


@lru_cache(maxsize=8)
def filterbank(spec: MelSpec) -> scipy.sparse.csr_array:
    """librosa's mel filters, float32, [n_mels, 1 + n_fft / 2].

    Sparse, since at most 9 of a paper filter's 201 weights are not zero; and unlike a product through
    BLAS the sum does not depend on how many threads there are.
    """
    # Imported here because it brings numba with it: over a second that no reader of shards needs to wait.
    from librosa.filters import mel as librosa_mel

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Empty filters detected", UserWarning)
        weights = librosa_mel(
            sr=spec.sample_rate,
            n_fft=spec.n_fft,
            n_mels=spec.n_mels,
            fmin=spec.fmin,
            fmax=spec.fmax,
            htk=spec.htk,
            norm=spec.norm,
            dtype=np.float32,
        )
    return scipy.sparse.csr_array(weights)

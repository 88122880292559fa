"""From a waveform to its mel spectrogram: `LogMel`, and `logmel` for a single one.

The filterbank is librosa's to the bit, and the numbers are those of its float64 result, as far as float32
carries: under any filter the amplitude is right to 3e-6 of the clip's loudest, which for the presets is
within 1e-4 of the peak. What is ours is the way through memory: see `fft.py`.
"""

import threading
import warnings
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt
import scipy.sparse

from ..compiled import compiled
from ..files import read_file
from ..shards.spec import PRESETS, MelSpec
from .fft import BandSpectra, Floats

Samples = npt.NDArray[np.float32 | np.float64]

SILENT = 1e-12
"""A deviation below this part of the peak is what rounding leaves of a constant, not a sound."""


_WARNINGS = threading.Lock()
"""Held while warnings are caught, which Python does for all threads together."""

PARTS = 64
"""Partial sums, since the compiler may not change the order of additions into one that vector units like."""


class LogMel:
    """Takes mel spectrograms of one spec, one after the other, keeping its tables and buffers.

    Not for several threads at once; each has its own.

    Args:
        spec: what to compute. Its `log` decides between power and decibels.

    Shape:
        Input: [T], at most ten seconds at `spec.sample_rate`; shorter ones are padded with zeros.
        Output: [spec.n_mels, spec.frames].

    >>> LogMel(MelSpec())(np.ones(1)).shape
    (128, 801)
    """

    def __init__(self, spec: MelSpec) -> None:
        self.spec = spec
        self._spectra = BandSpectra(window(spec), spec.hop_length, filterbank(spec), spec.power)
        self._margin = spec.n_fft // 2 if spec.center else 0
        self._waveform = np.zeros(self._spectra.samples(spec.frames), np.float32)

    def __call__(self, waveform: npt.ArrayLike, out: Floats | None = None) -> Floats:
        """Pad, normalise and standardise a waveform, then take its mel spectrogram (paper, figure 1).

        Args:
            waveform: its samples at any scale, [T].
            out: float32, [n_mels, frames], to be filled; a new one if left out.

        Raises:
            ValueError: the waveform is too long, not one-dimensional, or holds NaN or infinity.
        """
        spec = self.spec
        samples = np.asarray(waveform)
        if samples.ndim != 1 or len(samples) > spec.clip_samples:
            raise ValueError(f"a waveform of shape {samples.shape} does not fit into {spec.clip_samples}")
        if samples.dtype not in (np.float32, np.float64):
            samples = samples.astype(np.float64)
        if not _standardise(samples, spec.clip_samples, self._margin, self._waveform):
            raise ValueError("the waveform holds NaN or infinity")
        bands = np.empty(spec.shape, np.float32) if out is None else out
        self._spectra(self._waveform, bands)
        if spec.log:
            _decibels(bands, spec)
        return bands


def logmel(waveform: npt.ArrayLike, spec: MelSpec) -> Floats:
    """The mel spectrogram of one waveform; see `LogMel`."""
    return LogMel(spec)(waveform)


@lru_cache(maxsize=8)
def window(spec: MelSpec) -> Floats:
    """The periodic Hann window, centred in the FFT: float32, [n_fft].

    scipy's to the bit, without `scipy.signal`, which takes half a second to import.
    """
    angles = np.linspace(-np.pi, np.pi, spec.win_length + 1)[:-1]
    hann = (0.5 + 0.5 * np.cos(angles)).astype(np.float32) if spec.win_length > 1 else np.ones(1, np.float32)
    before = (spec.n_fft - spec.win_length) // 2
    return np.pad(hann, (before, spec.n_fft - spec.win_length - before))


_TABLE = Path(__file__).with_name("filters.bin")
"""The presets' filterbank at 16 kHz, as librosa makes it: a row for each weight that is not zero."""

_ROW = np.dtype([("band", "u1"), ("bin", "u1"), ("weight", "<f4")])


@lru_cache(maxsize=8)
def filterbank(spec: MelSpec) -> scipy.sparse.csr_array:
    """librosa's mel filters, float32, [n_mels, 1 + n_fft / 2], without their zeros: 395 are left."""
    if _filters_of(spec) == _filters_of(PRESETS["paper"]):
        table = np.frombuffer(read_file(_TABLE), _ROW)
        places = table["band"].astype(np.int32), table["bin"].astype(np.int32)
        return scipy.sparse.csr_array((table["weight"], places), (spec.n_mels, 1 + spec.n_fft // 2))
    return scipy.sparse.csr_array(librosa_filters(spec))


def _filters_of(spec: MelSpec) -> tuple[object, ...]:
    """All of a spec that decides its filterbank."""
    return spec.sample_rate, spec.n_fft, spec.n_mels, spec.fmin, spec.fmax, spec.htk, spec.norm


def librosa_filters(spec: MelSpec) -> Floats:
    """The same as librosa makes them, zeros and all: float32, [n_mels, 1 + n_fft / 2]."""
    # Imported here because it takes most of a second and 80 MB, and fifteen where nothing is compiled yet.
    from librosa.filters import mel

    with _WARNINGS, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Empty filters detected", UserWarning)
        weights: Floats = mel(
            sr=spec.sample_rate,
            n_fft=spec.n_fft,
            n_mels=spec.n_mels,
            fmin=spec.fmin,
            fmax=spec.fmax,
            htk=spec.htk,
            norm=spec.norm,
            dtype=np.float32,
        )
    return weights


@compiled
def _standardise(samples: Samples, count: int, margin: int, out: Floats) -> bool:
    """Pad with zeros, bring to zero mean and unit variance, and reflect at both ends.

    AudTorch's `Normalize` (division by the largest absolute sample) comes before its `Standardize` in the
    paper and cancels out, so that it is left out here. Mean and variance are taken in float64: an offset far
    larger than the sound would otherwise eat the sound.

    Returns:
        False if a sample is NaN or infinite.
    """
    mean, peak = _mean_and_peak(samples, count)
    deviation = np.sqrt((_square_sum(samples, mean) + (count - len(samples)) * mean * mean) / count)
    if not np.isfinite(deviation):
        return False
    gain = 1 / deviation if deviation > SILENT * peak else 0.0
    inner = out[margin : margin + count]
    for i in range(len(samples)):
        inner[i] = (samples[i] - mean) * gain
    inner[len(samples) :] = -mean * gain
    for i in range(margin):
        out[margin - 1 - i] = out[margin + 1 + i]
        out[margin + count + i] = out[margin + count - 2 - i]
    return True


@compiled
def _mean_and_peak(samples: Samples, count: int) -> tuple[float, float]:
    sums, peaks = np.zeros(PARTS), np.zeros(PARTS)
    whole = len(samples) // PARTS * PARTS
    for start in range(0, whole, PARTS):
        part = samples[start:]
        for i in range(PARTS):
            sums[i] += part[i]
            peaks[i] = max(peaks[i], abs(part[i]))
    for i in range(whole, len(samples)):
        sums[0] += samples[i]
        peaks[0] = max(peaks[0], abs(samples[i]))
    return sums.sum() / count, peaks.max()


@compiled
def _square_sum(samples: Samples, mean: float) -> float:
    sums = np.zeros(PARTS)
    whole = len(samples) // PARTS * PARTS
    for start in range(0, whole, PARTS):
        part = samples[start:]
        for i in range(PARTS):
            sums[i] += (part[i] - mean) ** 2
    for i in range(whole, len(samples)):
        sums[0] += (samples[i] - mean) ** 2
    total: float = sums.sum()
    return total


def _decibels(bands: Floats, spec: MelSpec) -> None:
    """Turn power into decibels in place, floored `spec.top_db` below its own peak.

    librosa's `power_to_db` with `ref=1`: 10 log10(max(power, amin)).
    """
    np.maximum(bands, np.float32(spec.amin), out=bands)
    np.log10(bands, out=bands)
    bands *= 10
    np.maximum(bands, bands.max() - np.float32(spec.top_db), out=bands)


def empty_filters(spec: MelSpec) -> int:
    """Bands that no FFT bin falls into, so that they are always zero: 4 of 128 for the paper's spec."""
    return int(np.sum(np.diff(filterbank(spec).indptr) == 0))

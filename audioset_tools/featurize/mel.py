"""From a waveform to its mel spectrogram: what the numbers mean (`MelSpec`) and how they come about (`mel`).

The filterbank is librosa's own; the rest is its pipeline in float32 without its overhead, equal to its
float64 result within 1e-4 of the peak.
"""

import hashlib
import json
import warnings
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
import scipy.fft
import scipy.signal
import scipy.sparse

from ..errors import UsageError
from ..types import SAMPLE_RATE

Floats = npt.NDArray[np.float32]
Doubles = npt.NDArray[np.float64]

CLIP_SECONDS = 10
"""Every waveform is padded to this length first (paper, section 3)."""


@dataclass(frozen=True, slots=True)
class MelSpec:
    """Everything that decides the numbers of a mel spectrogram; the defaults are the paper's (section 3).

    The paper names rate, window, FFT, hop and bands; the rest are torchaudio's defaults, which it used.

    Args:
        sample_rate: hertz of the waveform.
        n_fft: samples of one FFT.
        win_length: samples of the Hann window, centred in the FFT.
        hop_length: samples from one frame to the next.
        n_mels: bands.
        fmin, fmax: hertz that the bands span.
        htk: HTK's mel scale rather than Slaney's.
        norm: None for triangles of height one, "slaney" for triangles of equal area.
        power: exponent of the magnitude; 2 is power, 1 is amplitude.
        center: frames are centred on multiples of the hop, the waveform being reflected at its ends.
        log: decibels rather than power.
        amin: with `log`, the power below which everything is the same.
        top_db: with `log`, how far below the loudest value the floor lies; float32 carries 80 and no more.

    Raises:
        UsageError: the values do not describe a spectrogram.
    """

    sample_rate: int = SAMPLE_RATE
    n_fft: int = 400
    win_length: int = 400
    hop_length: int = 200
    n_mels: int = 128
    fmin: float = 0.0
    fmax: float = SAMPLE_RATE / 2
    htk: bool = True
    norm: Literal["slaney"] | None = None
    power: float = 2.0
    center: bool = True
    log: bool = False
    amin: float = 1e-10
    top_db: float = 80.0

    def __post_init__(self) -> None:
        rules = {
            "sample_rate, hop_length and n_mels are at least 1": min(
                self.sample_rate, self.hop_length, self.n_mels
            )
            >= 1,
            "1 <= win_length <= n_fft <= the samples of a clip": 1
            <= self.win_length
            <= self.n_fft
            <= self.clip_samples,
            "0 <= fmin < fmax <= sample_rate / 2": 0 <= self.fmin < self.fmax <= self.sample_rate / 2,
            "norm is None or 'slaney'": self.norm in (None, "slaney"),
            "power is above 0": self.power > 0,
            "amin is above 0 and top_db above 0, at most 80": self.amin > 0 and 0 < self.top_db <= 80,
        }
        for rule, holds in rules.items():
            if not holds:
                raise UsageError(f"no such mel spectrogram: {self}", f"See that {rule}.")

    @property
    def clip_samples(self) -> int:
        """Samples of a padded waveform."""
        return CLIP_SECONDS * self.sample_rate

    @property
    def frames(self) -> int:
        """Frames of every spectrogram."""
        margin = 2 * (self.n_fft // 2) if self.center else 0
        return 1 + (self.clip_samples + margin - self.n_fft) // self.hop_length

    @property
    def shape(self) -> tuple[int, int]:
        """Bands and frames."""
        return self.n_mels, self.frames

    @property
    def digest(self) -> str:
        """A short hexadecimal name that two specs share only if they give the same numbers."""
        return hashlib.sha256(self.json().encode()).hexdigest()[:16]

    @property
    def empty_filters(self) -> int:
        """Bands that no FFT bin falls into, so that they are always zero: 4 of 128 for the paper's spec."""
        return int(np.sum(np.diff(filterbank(self).indptr) == 0))

    def json(self) -> str:
        """The spec as canonical JSON."""
        return json.dumps(asdict(self), sort_keys=True)


PRESETS = {"paper": MelSpec(), "log": MelSpec(log=True)}
"""The paper's power spectrogram, and the same in decibels."""


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

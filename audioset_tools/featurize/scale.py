"""What a mel spectrogram shows: the two mel scales, as librosa has them, and levels in decibels."""

import numpy as np
import numpy.typing as npt

from .spec import MelSpec

Hertz = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

_LINEAR_TO = 1_000.0
"""Slaney's scale is linear up to here, hertz."""
_LINEAR = 3 / 200
"""Its mels per hertz below."""
_LOGARITHMIC = np.log(6.4) / 27
"""Its growth per mel above, in natural logarithms."""

_LEAST = 1e-12
"""Share of the peak that a level is taken of where there is nothing; far below what a picture shows."""


def to_mel(hertz: npt.ArrayLike, htk: bool) -> Hertz:
    """Hertz to mel, on HTK's scale or on Slaney's."""
    hertz = np.asarray(hertz, np.float64)
    if htk:
        return np.asarray(2595 * np.log10(1 + hertz / 700))
    above = _LINEAR_TO * _LINEAR + np.log(np.maximum(hertz, _LINEAR_TO) / _LINEAR_TO) / _LOGARITHMIC
    return np.where(hertz < _LINEAR_TO, hertz * _LINEAR, above)


def to_hertz(mel: npt.ArrayLike, htk: bool) -> Hertz:
    """Mel to hertz, on HTK's scale or on Slaney's."""
    mel = np.asarray(mel, np.float64)
    if htk:
        return np.asarray(700 * (10 ** (mel / 2595) - 1))
    knee = _LINEAR_TO * _LINEAR
    above = _LINEAR_TO * np.exp(_LOGARITHMIC * (np.maximum(mel, knee) - knee))
    return np.where(mel < knee, mel / _LINEAR, above)


def mel_axis(spec: MelSpec, points: int) -> Hertz:
    """Frequencies at equal distances on the mel scale, from `spec.fmin` to `spec.fmax`.

    The middles of a spec's bands are all but the first and the last of `mel_axis(spec, spec.n_mels + 2)`.

    Args:
        spec: whose scale and limits.
        points: how many, at least 2.

    Returns:
        hertz, float64, [points].
    """
    low, high = to_mel([spec.fmin, spec.fmax], spec.htk)
    return to_hertz(np.linspace(low, high, points), spec.htk)


def in_decibels(mel: Floats, spec: MelSpec) -> Floats:
    """A mel as levels in decibels: those it holds, or else relative to its own peak."""
    if spec.log:
        return mel
    peak = np.max(mel, initial=0, where=np.isfinite(mel)) or 1
    levels: Floats = np.float32(20 / spec.power) * np.log10(np.maximum(mel / peak, np.float32(_LEAST)))
    return levels

"""What the numbers of a mel spectrogram mean: `MelSpec`, the presets by name, and the axes of a picture."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Literal

import numpy as np
import numpy.typing as npt

from ..exceptions import DataMismatch, UsageError
from ..files import parse_json
from ..types import CLIP_SECONDS, SAMPLE_RATE
from .index import FEATURIZE_AGAIN

_LARGEST_FFT = 1 << 16
MOST_VALUES = 1 << 24
"""A hundred times those of the paper: a spec comes with a run that may be anybody's, and sizes arrays."""


@dataclass(frozen=True, slots=True)
class MelSpec:
    """Everything that decides the numbers of a mel spectrogram; the defaults are the paper's (section 3).

    The paper names rate, window, FFT, hop and bands; the rest are torchaudio's defaults, which it used.

    Args:
        sample_rate: hertz of the waveform.
        n_fft: samples of one FFT.
        win_length: samples of the Hann window, centred in the FFT.
        hop_length: samples from one frame to the next.
        n_mels: how many bands there are.
        fmin, fmax: hertz that the bands span.
        htk: HTK's mel scale rather than Slaney's.
        norm: None for triangles of height one, "slaney" for triangles of equal area.
        power: exponent of the magnitude; 2 is power, 1 is amplitude.
        center: frames are centred on multiples of the hop, the waveform being reflected at its ends.
        log: decibels rather than power.
        amin: with `log`, the power below which everything is the same.
        top_db: with `log`, how far below the loudest value the floor lies; float32 carries amplitudes down
            to 1e-4 of the loudest and no further, which is 80 for power 2 and 40 for power 1.

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
        whole = (self.sample_rate, self.n_fft, self.win_length, self.hop_length, self.n_mels)
        rules = {
            "sample_rate, n_fft, win_length, hop_length and n_mels are whole numbers": all(
                isinstance(number, int) for number in whole
            ),
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
            "amin is above 0 and top_db above 0, at most 40 * power and at most 80": self.amin > 0
            and 0 < self.top_db <= min(80, 40 * self.power),
        }
        for rule, holds in rules.items():
            if not holds:
                raise UsageError(f"no such mel spectrogram: {self}", f"See that {rule}.")
        if max(self.n_fft, self.n_mels) > _LARGEST_FFT or self.n_mels * self.frames > MOST_VALUES:
            raise UsageError(
                f"no such mel spectrogram: {self}",
                f"See that it has {MOST_VALUES:,} values at most, and its FFT {_LARGEST_FFT:,} samples.",
            )

    @property
    def clip_samples(self) -> int:
        """Samples of a waveform, which is padded to ten seconds first (paper, section 3)."""
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

    def json(self) -> str:
        """The spec as canonical JSON."""
        return json.dumps(asdict(self), sort_keys=True)

    def at(self, rate: int) -> "MelSpec":
        """The same for sound of another rate: window, FFT and hop last as long, and the bands span all of it.

        So the shape is the same. Of a window that is no even number of samples less than two are left out.
        """
        if rate == self.sample_rate:
            return self

        def samples(n: int) -> int:
            return n * rate // self.sample_rate

        return replace(
            self,
            sample_rate=rate,
            n_fft=samples(self.n_fft) // 2 * 2,
            win_length=samples(self.win_length) // 2 * 2,
            hop_length=samples(self.hop_length),
            fmax=self.fmax * rate / self.sample_rate,
        )


PRESETS = {"paper": MelSpec(), "log": MelSpec(log=True)}
"""The paper's power spectrogram, and the same in decibels, at 16 kHz; `MelSpec.at` is for other rates."""


def read_spec(text: str) -> MelSpec:
    """The spec that `MelSpec.json` wrote.

    Raises:
        DataMismatch: there is none, none that could be, or one with other fields than this version's.
    """
    try:
        spec = MelSpec(**parse_json(text))
        whole = spec.json() == text
    except (ValueError, TypeError, OverflowError, RecursionError, UsageError) as error:
        raise DataMismatch(f"no mel spec: {text[:80]!r}", FEATURIZE_AGAIN) from error
    if not whole:
        raise DataMismatch(f"a mel spec of another version: {text[:80]!r}", FEATURIZE_AGAIN)
    return spec


Hertz = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]

_HTK_MELS, _HTK_HERTZ = 2_595.0, 700.0
"""HTK's mel scale, which the presets have: 2595 log10(1 + f / 700)."""

_LEAST = 1e-12
"""Share of the peak that a level is taken of where there is nothing; far below what a picture shows."""


def mel_axis(spec: MelSpec, points: int) -> Hertz:
    """Frequencies at equal distances on the mel scale, from `spec.fmin` to `spec.fmax`.

    The middles of a spec's bands are all but the first and the last of `mel_axis(spec, spec.n_mels + 2)`.

    Args:
        spec: whose scale and limits.
        points: how many, at least 2.

    Returns:
        hertz, float64, [points].
    """
    if spec.htk:
        low, high = (_HTK_MELS * np.log10(1 + hertz / _HTK_HERTZ) for hertz in (spec.fmin, spec.fmax))
        axis: Hertz = _HTK_HERTZ * (10 ** (np.linspace(low, high, points) / _HTK_MELS) - 1)
        return axis
    # Imported here because it takes over a second, which only who draws has to wait; and behind the module
    # that settles where its compiled functions are kept.
    from ..compiled import KEPT  # noqa: F401, I001
    from librosa import mel_frequencies

    slaney: Hertz = mel_frequencies(points, fmin=spec.fmin, fmax=spec.fmax)
    return slaney


def in_decibels(mel: Floats, spec: MelSpec) -> Floats:
    """A mel as levels in decibels: those it holds, or else relative to its own peak."""
    if spec.log:
        return mel
    peak = np.max(mel, initial=0, where=np.isfinite(mel)) or 1
    levels: Floats = np.float32(20 / spec.power) * np.log10(np.maximum(mel / peak, np.float32(_LEAST)))
    return levels

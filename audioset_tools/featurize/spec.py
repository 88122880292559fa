"""What the numbers of a mel spectrogram mean: `MelSpec`, and the presets by name."""

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from ..errors import DataMismatch, UsageError
from ..types import SAMPLE_RATE
from .index import FEATURIZE_AGAIN

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
            "amin is above 0 and top_db above 0, at most 40 * power and at most 80": self.amin > 0
            and 0 < self.top_db <= min(80, 40 * self.power),
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
        # Imported here because the engine is built upon this module.
        from .mel import filterbank

        return int(np.sum(np.diff(filterbank(self).indptr) == 0))

    def json(self) -> str:
        """The spec as canonical JSON."""
        return json.dumps(asdict(self), sort_keys=True)


PRESETS = {"paper": MelSpec(), "log": MelSpec(log=True)}
"""The paper's power spectrogram, and the same in decibels."""


def read_spec(text: str) -> MelSpec:
    """The spec that `MelSpec.json` wrote.

    Raises:
        DataMismatch: there is none, or none that could be.
    """
    try:
        return MelSpec(**json.loads(text))
    except (ValueError, TypeError, UsageError) as error:
        raise DataMismatch(f"no mel spec: {text[:80]!r}", FEATURIZE_AGAIN) from error

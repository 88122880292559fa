"""The mel spectrogram of a whole recording, of any length, in as many columns as a picture has."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..featurize.fft import BandSpectra
from ..featurize.mel import filterbank, window
from ..shards.spec import MelSpec

COLUMNS = 1_000
"""A picture has this many at least, where the recording has as many frames, and twice as many at most."""

_FRAMES = 1_024
"""Frames taken at once."""


@dataclass(frozen=True, slots=True)
class Spectrogram:
    """A recording's bands over time.

    Args:
        bands: magnitudes to the spec's power, each the mean over a column's frames, [bands, columns].
        first, step: the middle of the first column, and from each to the next, in seconds.
    """

    bands: npt.NDArray[np.float32]
    first: float
    step: float


class Overview:
    """Takes a recording piece by piece; when the columns become too many, each two become one.

    Levels are those of the recording: no window is brought to a level of its own, as the mels are that a
    model sees.

    Args:
        spec: whose frames and bands to take.
    """

    def __init__(self, spec: MelSpec) -> None:
        self._spec = spec
        self._spectra = BandSpectra(window(spec), spec.hop_length, filterbank(spec), spec.power)
        self._margin = spec.n_fft // 2 if spec.center else 0
        self._kept = np.zeros(self._margin, np.float32)
        self._bands = np.empty((spec.n_mels, _FRAMES), np.float32)
        self._sums = np.zeros((spec.n_mels, 2 * COLUMNS))
        self._per_column = 1
        self._frames = 0
        self._samples = 0

    def add(self, samples: npt.NDArray[np.int16], start: int | None = None) -> None:
        """Take the next samples, [any number].

        Args:
            samples: int16, at the sample rate of the spec.
            start: which of the recording's the first is; between the last one and it lies silence. None if
                it is the next.
        """
        if start is not None and start > self._samples:
            self._pass_over(start - self._samples)
        self._samples += len(samples)
        self._kept = np.concatenate([self._kept, samples * np.float32(2**-15)])
        while len(self._kept) >= self._spectra.samples(_FRAMES):
            self._take(_FRAMES)

    def _pass_over(self, samples: int) -> None:
        """Take so much silence, hours of it in no time."""
        flushing = min(samples, 2 * self._spectra.samples(_FRAMES))
        self.add(np.zeros(flushing, np.int16))
        # Now all that is kept is silence, and stays the same however many frames of it are left out.
        frames = (samples - flushing) // self._spec.hop_length
        self._make_room(frames)
        self._frames += frames
        self._samples += frames * self._spec.hop_length
        self.add(np.zeros(samples - flushing - frames * self._spec.hop_length, np.int16))

    def finish(self) -> Spectrogram:
        """The spectrogram of all that was added, at least one sample."""
        hop, rate = self._spec.hop_length, self._spec.sample_rate
        while self._frames * hop < self._samples:
            missing = self._spectra.samples(_FRAMES) - len(self._kept)
            self._kept = np.pad(self._kept, (0, max(0, missing)))
            self._take(min(_FRAMES, -(-self._samples // hop) - self._frames))
        columns = -(-self._frames // self._per_column)
        counts = np.full(columns, self._per_column)
        counts[-1] = self._frames - (columns - 1) * self._per_column
        first = (0 if self._margin else self._spec.n_fft / 2) + (self._per_column - 1) / 2 * hop
        bands = (self._sums[:, :columns] / counts).astype(np.float32)
        return Spectrogram(bands, first / rate, self._per_column * hop / rate)

    def _take(self, frames: int) -> None:
        self._spectra(self._kept, self._bands)
        self._kept = self._kept[frames * self._spec.hop_length :]
        self._make_room(frames)
        columns = np.arange(self._frames, self._frames + frames) // self._per_column
        inside, begins = np.unique(columns, return_index=True)
        self._sums[:, inside] += np.add.reduceat(self._bands[:, :frames], begins, axis=1)
        self._frames += frames

    def _make_room(self, frames: int) -> None:
        while -(-(self._frames + frames) // self._per_column) > 2 * COLUMNS:
            self._sums = np.pad(self._sums[:, ::2] + self._sums[:, 1::2], ((0, 0), (0, COLUMNS)))
            self._per_column *= 2

"""A segment's sound as a file has it, before it is mixed down; and the resampling of that by soxr."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soxr

from .mixdown import Pairs

RATES = range(1_000, 192_001)
"""Sample rates that are decoded here; the odd ones are left to ffmpeg."""

MOST_FRAMES = 1 << 23
"""Frames that are decoded here at once: 64 MB of two channels."""


LEAD_MS = 1_000
"""What is decoded before a segment that is sought: a decoder gives nothing of the first packets behind a
seek, and what it gives next is not yet right (Opus is up to 142 steps of 16 bits off 80 ms behind it)."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A segment as the file has it: `samples` [frames, 1 or 2] float32 at `rate`, in words its `form`."""

    samples: npt.NDArray[np.float32]
    rate: int
    form: str


def bounds(start_ms: int, end_ms: int, rate: int) -> tuple[int, int]:
    """The first frame of a segment, and the one behind its last; rounded as ffmpeg rounds."""
    return (start_ms * rate + 500) // 1000, (end_ms * rate + 500) // 1000


def as_pairs(stretch: Stretch, rate: int) -> Pairs:
    """The mixture of the channels and the first of them, at another rate: [samples, 2]."""
    samples = stretch.samples
    if samples.shape[1] == 2:
        samples = np.stack([(samples[:, 0] + samples[:, 1]) * np.float32(0.5), samples[:, 0]], axis=1)
    samples = resampled(samples, stretch.rate, rate)
    return samples if samples.shape[1] == 2 else np.repeat(samples, 2, axis=1)


def resampled(samples: npt.NDArray[np.float32], rate: int, wanted: int) -> npt.NDArray[np.float32]:
    """Samples, [frames] or [frames, channels], at another rate."""
    if rate == wanted:
        return samples
    changed: npt.NDArray[np.float32] = soxr.resample(samples, rate, wanted, quality="HQ")
    return changed


def resampler() -> str:
    """Which build of soxr it is, in words."""
    return f"soxr {soxr.__version__}"

"""A clip as a small file that every browser plays."""

import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from ..types import SAMPLE_RATE
from ..workspace import write_beside

FORM = "mp3 vbr 1"
"""Changed whenever other bytes are to be made of the same clip."""


def write_sound(target: Path, samples: npt.NDArray[np.float32]) -> None:
    """Write a clip as an MP3 of variable rate, never rescaled; the same clip gives the same bytes.

    It is for listening alone: 55 kB instead of 320 kB, the difference from the clip 32 dB below it, both on
    average over the demo's clips (docs/report.md). Nothing is ever computed from it.

    Args:
        target: the file.
        samples: within [-1, 1], at `SAMPLE_RATE`, [T].
    """
    # In memory first: of a full disk libsndfile says no more than "System error".
    encoded = io.BytesIO()
    with soundfile.SoundFile(
        encoded, "w", SAMPLE_RATE, 1, format="MP3", subtype="MPEG_LAYER_III", bitrate_mode="VARIABLE"
    ) as sound:
        sound.write(samples)
    with write_beside(target) as temporary:
        temporary.write_bytes(encoded.getvalue())

"""Reading a clip from disk, and refusing one that is not what the ledger says."""

import hashlib
import io
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

from ..errors import DataMismatch
from ..types import CLIP_SAMPLES, SAMPLE_RATE

FETCH_AGAIN = "Run `audioset-tools fetch` again: it finds lost clips and fetches them anew."


def read_clip(path: Path, sha256: str) -> npt.NDArray[np.float32]:
    """The samples of a verified clip.

    Args:
        path: the WAV file.
        sha256: what its bytes must hash to.

    Returns:
        float32 within [-1, 1], [160000].

    Raises:
        DataMismatch: the file is gone, its bytes changed, or it is no mono clip of ten seconds at 16 kHz.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataMismatch(f"the clip {path} cannot be read: {error.strerror}", FETCH_AGAIN) from error
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DataMismatch(f"the clip {path} is not the file that was fetched", FETCH_AGAIN)
    try:
        samples, rate = soundfile.read(io.BytesIO(content), dtype="float32")
    except soundfile.LibsndfileError as error:
        raise DataMismatch(f"the clip {path} is no audio file", FETCH_AGAIN) from error
    if rate != SAMPLE_RATE or samples.shape != (CLIP_SAMPLES,):
        raise DataMismatch(f"the clip {path} is {samples.shape} at {rate} Hz, not ten seconds", FETCH_AGAIN)
    clip: npt.NDArray[np.float32] = samples
    return clip

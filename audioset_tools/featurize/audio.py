"""Reading a clip from disk, and refusing one that is not what the ledger says."""

import hashlib
import io
import struct
from pathlib import Path
from stat import S_ISREG

import numpy as np
import numpy.typing as npt
import soundfile

from ..errors import DataMismatch
from ..types import CLIP_BYTES, CLIP_SAMPLES, SAMPLE_RATE

FETCH_AGAIN = "Run `audioset-tools fetch` again: it finds lost clips and fetches them anew."

MOST_BYTES = 8 * CLIP_SAMPLES + 2**20
"""No clip's file is larger: samples in double precision, and room for what a file tells about itself."""

WAV_HEADER = struct.pack(
    "<4sI4s 4sIHHIIHH 4sI",
    *(b"RIFF", CLIP_BYTES - 8, b"WAVE"),
    *(b"fmt ", 16, 1, 1, SAMPLE_RATE, 2 * SAMPLE_RATE, 2, 16),
    *(b"data", 2 * CLIP_SAMPLES),
)
"""How every clip begins that `fetch` writes: one channel of `CLIP_SAMPLES` samples of 16 bits."""

Floats = npt.NDArray[np.float32]


def read_clip(path: Path, sha256: str) -> Floats:
    """The samples of a verified clip.

    Args:
        path: the file: WAV, FLAC, or whatever else libsndfile reads.
        sha256: what its bytes must hash to.

    Returns:
        float32 within [-1, 1], [160000].

    Raises:
        DataMismatch: the file is gone, its bytes changed, or it is no mono clip of ten seconds at 16 kHz.
    """
    content = _read_bytes(path)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DataMismatch(f"the clip {path} is not the file that was fetched", FETCH_AGAIN)
    if len(content) == CLIP_BYTES and content.startswith(WAV_HEADER):
        # libsndfile takes twelve times as long to come to the same numbers.
        samples = np.frombuffer(content, "<i2", offset=len(WAV_HEADER))
        return samples * np.float32(2**-15)
    return _decode(content, path)


def _read_bytes(path: Path) -> bytes:
    try:
        about = path.stat()
        if not S_ISREG(about.st_mode):
            raise DataMismatch(f"the clip {path} is no file", FETCH_AGAIN)
        if about.st_size > MOST_BYTES:
            raise DataMismatch(f"the clip {path} has {about.st_size:,} bytes: no clip has", FETCH_AGAIN)
        with path.open("rb") as handle:
            return handle.read(about.st_size)
    except OSError as error:
        raise DataMismatch(f"the clip {path} cannot be read: {error.strerror}", FETCH_AGAIN) from error


def _decode(content: bytes, path: Path) -> Floats:
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as sound:
            form = sound.frames, sound.channels, sound.samplerate
            if form != (CLIP_SAMPLES, 1, SAMPLE_RATE):
                raise DataMismatch(
                    f"the clip {path} has {form[0]:,} samples of {form[1]} channels at {form[2]:,} Hz: "
                    "not ten seconds of one channel at 16 kHz",
                    FETCH_AGAIN,
                )
            samples: Floats = sound.read(dtype="float32")
    except soundfile.LibsndfileError as error:
        raise DataMismatch(f"the clip {path} is no audio file", FETCH_AGAIN) from error
    if len(samples) != CLIP_SAMPLES:
        raise DataMismatch(f"the clip {path} is cut off after {len(samples):,} samples", FETCH_AGAIN)
    if not np.isfinite(samples).all():
        raise DataMismatch(f"the clip {path} holds NaN or infinity", FETCH_AGAIN)
    return samples

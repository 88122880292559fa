"""A clip's file: written whole or not at all, checked, and refused if it is not what the ledger says."""

import hashlib
import io
import os
import struct
import wave
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import soundfile

from ..exceptions import DataMismatch
from ..files import open_file, remedy_of, write_beside
from ..types import CLIP_SECONDS, SAMPLE_RATE, SAMPLE_RATES, clip_bytes
from .mp3 import frame_bytes

FETCH_AGAIN = "Run `audioset-tools fetch` again: it finds lost clips and fetches them again."

MOST_BYTES = 8 * CLIP_SECONDS * max(SAMPLE_RATES) + 2**20
"""No clip's file is larger: samples in double precision, and room for what a file tells about itself."""


@cache
def wav_header(rate: int) -> bytes:
    """How every clip begins that `fetch` writes: one channel of ten seconds of samples of 16 bits."""
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        *(b"RIFF", clip_bytes(rate) - 8, b"WAVE"),
        *(b"fmt ", 16, 1, 1, rate, 2 * rate, 2, 16),
        *(b"data", 2 * CLIP_SECONDS * rate),
    )


Floats = npt.NDArray[np.float32]


def write_clip(samples: npt.NDArray[np.int16], target: Path, rate: int = SAMPLE_RATE) -> str:
    """Write a clip, [10 * rate], as a WAV file, whole or not at all; returns the file's sha256."""
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="WAV", subtype="PCM_16")
    with write_beside(target) as temporary:
        temporary.write_bytes(buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()


class ClipTrouble(NamedTuple):
    """What is wrong with a clip's file: it `is cut off`, or is of another length than ten seconds."""

    words: str
    is_wrong_length: bool = False


def clip_trouble(content: bytes, size: int, rate: int = SAMPLE_RATE) -> ClipTrouble | None:
    """Whether a file begins as `write_clip` writes one, and is as large.

    Args:
        content: at least the header of a WAV file.
        size: bytes of the whole file.
        rate: hertz that it should have.
    """
    if size == clip_bytes(rate) and content.startswith(wav_header(rate)):
        return None
    try:
        with wave.open(io.BytesIO(content)) as sound:
            samples = sound.getnframes()
            form = sound.getframerate(), sound.getnchannels(), sound.getsampwidth()
    except (wave.Error, EOFError, RuntimeError):
        return ClipTrouble("is no WAV file" if size else "is empty")
    if form != (rate, 1, 2):
        return ClipTrouble(f"is {form[0]} Hz, {form[1]} channel(s), {8 * form[2]} bit")
    if size < 44 + 2 * samples:
        return ClipTrouble(f"is cut off: {size:,} bytes instead of {44 + 2 * samples:,}")
    wanted = CLIP_SECONDS * rate
    if samples != wanted:
        return ClipTrouble(f"holds {samples:,} samples instead of {wanted:,}", is_wrong_length=True)
    if size != clip_bytes(rate):
        return ClipTrouble(f"has {size:,} bytes instead of {clip_bytes(rate):,}")
    return ClipTrouble("does not begin as a clip does")


def read_clip(path: Path, sha256: str) -> Floats:
    """The samples of a verified clip.

    Args:
        path: the file: WAV, FLAC, or whatever else but MP3 libsndfile reads.
        sha256: what its bytes must hash to.

    Returns:
        float32 within [-1, 1], [10 * rate], at whichever of `SAMPLE_RATES` it has.

    Raises:
        DataMismatch: the file is gone, its bytes changed, or it is no such clip of one channel.
    """
    content = _read_bytes(path)
    if hashlib.sha256(content).hexdigest() != sha256:
        raise DataMismatch(f"the clip {path} is not the file that was fetched", FETCH_AGAIN)
    if any(clip_trouble(content, len(content), rate) is None for rate in _rates_of(len(content))):
        # libsndfile takes twelve times as long to come to the same numbers.
        samples = np.frombuffer(content, "<i2", offset=len(wav_header(SAMPLE_RATE)))
        return samples * np.float32(2**-15)
    return _decode(content, path)


def _rates_of(size: int) -> list[int]:
    return [rate for rate in SAMPLE_RATES if clip_bytes(rate) == size]


def _read_bytes(path: Path) -> bytes:
    try:
        with open_file(path) as handle:
            size = os.fstat(handle.fileno()).st_size
            if size > MOST_BYTES:
                raise DataMismatch(f"the clip {path} has {size:,} bytes: no clip has", FETCH_AGAIN)
            return handle.read(size)
    except OSError as error:
        remedy = remedy_of(error) if isinstance(error, PermissionError) else FETCH_AGAIN
        raise DataMismatch(f"the clip {path} cannot be read: {error.strerror}", remedy) from error


def _decode(content: bytes, path: Path) -> Floats:
    if content[:3] == b"ID3" or frame_bytes(content[:4]):
        # libsndfile's decoder of these prints on the screen what it finds odd.
        raise DataMismatch(f"the clip {path} is an MP3: no clip is", FETCH_AGAIN)
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as sound:
            form = sound.frames, sound.channels, sound.samplerate
            if form[2] not in SAMPLE_RATES or form[:2] != (CLIP_SECONDS * form[2], 1):
                raise DataMismatch(
                    f"the clip {path} has {form[0]:,} samples of {form[1]} channels at {form[2]:,} Hz: "
                    "not ten seconds of one channel at a clip's rate",
                    FETCH_AGAIN,
                )
            samples: Floats = sound.read(dtype="float32")
    except soundfile.LibsndfileError as error:
        raise DataMismatch(f"the clip {path} is no audio file", FETCH_AGAIN) from error
    if len(samples) != form[0]:
        raise DataMismatch(f"the clip {path} is cut off after {len(samples):,} samples", FETCH_AGAIN)
    if not np.isfinite(samples).all():
        raise DataMismatch(f"the clip {path} holds NaN or infinity", FETCH_AGAIN)
    return samples

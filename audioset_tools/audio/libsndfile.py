"""WAV and FLAC by libsndfile, in this process: the part that is asked for, and nothing of the rest.

What is not plainly so (another format behind these first bytes, a header that contradicts its file) is left
to ffmpeg, which is slower and knows every odd form. So is MP3: what libsndfile's decoder finds odd in one it
prints on the screen, and some damage it passes over.
"""

import io
import os
from typing import BinaryIO

import soundfile

from . import wav
from .stretch import MOST_FRAMES, RATES, Stretch, bounds

_CODECS = {
    "PCM_U8": "pcm_u8",
    "PCM_16": "pcm_s16le",
    "PCM_24": "pcm_s24le",
    "PCM_32": "pcm_s32le",
    "FLOAT": "pcm_f32le",
    "DOUBLE": "pcm_f64le",
}
"""What ffmpeg calls the forms of samples in a WAV file."""


def read_stretch(file: BinaryIO, magic: bytes, start_ms: int, end_ms: int) -> Stretch | None:
    """The frames of a segment as the file has them; None where ffmpeg should look at it.

    Args:
        file: an open file that can be sought in, wherever it stands.
        magic: its first twelve bytes.
    """
    if magic[:4] == b"RIFF" and magic[8:] == b"WAVE":
        return _opened_and_read(file, ("WAV", "WAVEX"), start_ms, end_ms) if wav.is_plain(file) else None
    return _opened_and_read(file, ("FLAC",), start_ms, end_ms) if magic[:4] == b"fLaC" else None


def _opened_and_read(file: BinaryIO, kinds: tuple[str, ...], start_ms: int, end_ms: int) -> Stretch | None:
    try:
        with soundfile.SoundFile(_handle(file), closefd=False) as sound:
            return _read(sound, start_ms, end_ms) if sound.format in kinds else None
    except (soundfile.LibsndfileError, OSError, ValueError, RuntimeError):
        return None


def _handle(file: BinaryIO) -> BinaryIO | int:
    """What libsndfile reads: a descriptor where there is one, as what fails in a call back is printed."""
    file.seek(0)
    if isinstance(file, io.BytesIO):
        return file
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    return file.fileno()


def library() -> str:
    """Which build of libsndfile it is, in words."""
    return f"soundfile {soundfile.__libsndfile_version__}"


def _read(sound: soundfile.SoundFile, start_ms: int, end_ms: int) -> Stretch | None:
    rate, length, form = sound.samplerate, sound.frames, _form(sound)
    if rate not in RATES or sound.channels > 2 or form is None:
        return None
    first, behind = bounds(start_ms, end_ms, rate)
    frames = min(behind, length) - first
    if not 0 < frames <= MOST_FRAMES:
        return None
    sound.seek(first)
    samples = sound.read(frames, dtype="float32", always_2d=True)
    if len(samples) < frames:
        return None
    return Stretch(samples, rate, f"{form} {rate} Hz {length / rate:.2f} s")


def _form(sound: soundfile.SoundFile) -> str | None:
    if sound.format == "FLAC":
        return "flac"
    codec = _CODECS.get(sound.subtype)
    return codec and f"wav/{codec}"

"""Encoding each voice once per format with the real ffmpeg, and keeping the result on disk.

The cache holds ffmpeg's own files. Their names carry a digest of what they were made from, so that a changed
phrase is never served from an old file.
"""

import hashlib
import subprocess
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import platformdirs

from ..audio.binary import CHOICE, find_ffmpeg
from ..exceptions import EnvironmentProblem
from ..files import write_beside
from . import sounds
from .containers import M4A_ENCODE, WEBM_ENCODE, lay_out_m4a, lay_out_webm, take_apart_m4a, take_apart_webm
from .media import Bank, VirtualFile, score
from .plan import PHRASE_MS, PHRASES, Video


@dataclass(frozen=True, slots=True)
class Format:
    """One of YouTube's audio formats. `bitrate` is in bits per second."""

    itag: int
    ext: str
    mime: str
    codec: str
    bitrate: int
    quality: str
    encode: tuple[str, ...]
    take_apart: Callable[[bytes], Bank]


FORMATS = (
    Format(140, "m4a", "audio/mp4", "mp4a.40.2", 128_000, "MEDIUM", M4A_ENCODE, take_apart_m4a),
    Format(249, "webm", "audio/webm", "opus", 48_000, "LOW", WEBM_ENCODE, take_apart_webm),
    Format(251, "webm", "audio/webm", "opus", 128_000, "MEDIUM", WEBM_ENCODE, take_apart_webm),
)
"""What each video is offered in, as YouTube lists it."""


class Studio:
    """Files of videos, from banks that are encoded when first needed.

    Args:
        cache: folder for the encoded banks; the user's cache folder when None, or none where that cannot be
            written. Any number of processes may share it.
    """

    def __init__(self, cache: Path | None = None) -> None:
        own = platformdirs.user_cache_path("audioset-tools") / "simulator"
        self._cache = own if cache is None else cache.absolute()
        self._banks: dict[tuple[str, int], Bank] = {}
        self._encoding = threading.Lock()
        # A client asks for a file two or three times in a row, and for many files at the same time.
        self.file = lru_cache(maxsize=128)(self._file)

    def _file(self, video: Video, format: Format) -> VirtualFile:
        voice, decoy = self._bank(video.voice, format), self._bank(_around(video), format)
        played = score(video, voice, decoy)
        lay_out = lay_out_webm if format.ext == "webm" else lay_out_m4a
        return lay_out(video, played, voice.head, index=video.fault != "no-index")

    def _bank(self, voice: str, format: Format) -> Bank:
        with self._encoding:
            key = (voice, format.itag)
            if key not in self._banks:
                self._banks[key] = format.take_apart(self._encoded(voice, format))
            return self._banks[key]

    def _encoded(self, voice: str, format: Format) -> bytes:
        source = (
            Path(sounds.__file__).read_bytes()
            + repr((format.encode, format.bitrate, PHRASES, PHRASE_MS)).encode()
        )
        digest = hashlib.blake2b(source, digest_size=6).hexdigest()
        path = self._cache / f"{voice}-{format.itag}-{digest}.{format.ext}"
        # Without a home its name begins with `~`, which would be made in whatever folder this is.
        with suppress(PermissionError, FileNotFoundError, NotADirectoryError):
            if path.is_absolute() and not path.exists():
                with write_beside(path) as temporary:
                    _encode(voice, format, temporary)
            return path.read_bytes()
        with tempfile.TemporaryDirectory() as folder:
            _encode(voice, format, Path(folder) / path.name)
            return (Path(folder) / path.name).read_bytes()


def _around(video: Video) -> str:
    """What stands before and after the segment: a silent video is silent throughout."""
    return "silence" if video.fault == "silent" else "decoy"


def _encode(voice: str, format: Format, target: Path) -> None:
    mono = np.concatenate([sounds.phrase(voice, index) for index in range(PHRASES[voice])])
    command = [
        *(find_ffmpeg().binary, "-v", "error", "-y", "-threads", "1"),
        *("-f", "f32le", "-ar", str(sounds.RATE), "-ac", "2", "-i", "pipe:0"),
        *("-b:a", str(format.bitrate), *format.encode, str(target)),
    ]
    done = subprocess.run(command, input=np.repeat(mono, 2).tobytes(), capture_output=True, check=False)
    if done.returncode:
        raise EnvironmentProblem(
            f"ffmpeg could not encode {format.codec}: {done.stderr.decode(errors='replace').strip()}",
            f"Install an ffmpeg with libopus and aac, or use imageio-ffmpeg's: {CHOICE}=imageio.",
        )

"""The only door to ffmpeg: from any container and codec to a clip's samples, and from those to a file.

The command is compiled by ffmpeg-python and run here with a time limit of our own: ffmpeg has none. ffmpeg
exits 0 on a truncated stream, so the length decoded is always checked.
"""

import hashlib
import io
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import ffmpeg
import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
import soundfile

from ..errors import EnvironmentProblem
from ..types import CLIP_SAMPLES, SAMPLE_RATE, Reason
from ..workspace import write_beside
from .source import Excerpt, FetchError

SILENT_PEAK = 10 ** (-60 / 20)
"""A clip whose peak lies below -60 dB of full scale holds nothing to hear."""

TOLERANCE_MS = 500
"""How much shorter than its row says a segment may decode: YouTube gives lengths in whole seconds."""

_TIMEOUT_S = 60.0
_FRAME_SAMPLES = 48_000


@dataclass(frozen=True, slots=True)
class Sound:
    """A segment decoded: `samples` [160000] int16, `seconds` before padding, `peak` of full scale."""

    samples: npt.NDArray[np.int16]
    seconds: float
    peak: float


@cache
def ffmpeg_binary() -> str:
    """`ffmpeg` from the PATH, or else the one that imageio-ffmpeg carries.

    Raises:
        EnvironmentProblem: there is neither.
    """
    try:
        return shutil.which("ffmpeg") or str(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise EnvironmentProblem(
            "there is no ffmpeg on the PATH, and imageio-ffmpeg carries none for this machine",
            "Install ffmpeg (apt install ffmpeg, brew install ffmpeg).",
        ) from error


def decode(excerpt: Excerpt, start_ms: int, end_ms: int, timeout: float = _TIMEOUT_S) -> Sound:
    """Decode, cut, mix down and resample one segment.

    Args:
        excerpt: what to read.
        start_ms, end_ms: the segment, on the recording's own time line.
        timeout: seconds after which ffmpeg is killed.

    Raises:
        FetchError: it ends before the segment does, is silent, or cannot be decoded.
    """
    pcm = _run(_command(excerpt, start_ms, end_ms), excerpt, timeout)
    decoded = np.frombuffer(pcm[: len(pcm) // 2 * 2], np.int16)
    missing_ms = (end_ms - start_ms) - len(decoded) * 1000 // SAMPLE_RATE
    if missing_ms > TOLERANCE_MS:
        _refuse_short(excerpt, end_ms, missing_ms)
    peak = int(np.abs(decoded.astype(np.int32)).max(initial=0)) / 32768
    if peak < SILENT_PEAK:
        raise FetchError(Reason.SILENT, f"the peak is {peak:.2g} of full scale")
    samples = np.zeros(CLIP_SAMPLES, np.int16)
    kept = decoded[:CLIP_SAMPLES]
    samples[: len(kept)] = kept
    return Sound(samples, len(kept) / SAMPLE_RATE, peak)


def write_clip(sound: Sound, target: Path) -> str:
    """Write a clip as 16-bit WAV, whole or not at all; returns the file's sha256."""
    buffer = io.BytesIO()
    soundfile.write(buffer, sound.samples, SAMPLE_RATE, format="WAV", subtype="PCM_16")
    with write_beside(target) as temporary:
        temporary.write_bytes(buffer.getvalue())
    return hashlib.sha256(buffer.getvalue()).hexdigest()


def _refuse_short(excerpt: Excerpt, end_ms: int, missing_ms: int) -> None:
    if excerpt.length_ms is not None and excerpt.length_ms < end_ms - TOLERANCE_MS:
        raise FetchError(
            Reason.BEYOND_END,
            f"the recording is {excerpt.length_ms / 1000:g} s long, the segment ends at {end_ms / 1000:g} s",
        )
    raise FetchError(Reason.TRUNCATED, f"{missing_ms} ms of the segment did not come")


def _command(excerpt: Excerpt, start_ms: int, end_ms: int) -> list[str]:
    """Cut by time stamps where the bytes are here, by seeking where ffmpeg reads an address."""
    start, length = start_ms / 1000, (end_ms - start_ms) / 1000
    if isinstance(excerpt.media, bytes):
        audio = ffmpeg.input("pipe:0", copyts=None).audio.filter("atrim", start=start, duration=length)
    else:
        # At 0 a seek makes the sound 20 ms late (FACTS section 3).
        seek = {"ss": start} if start_ms else {}
        audio = ffmpeg.input(excerpt.media, t=length, **seek, **_http_options(excerpt)).audio
    # ffmpeg hands every frame from thread to thread: one a second costs less than one per 20 ms packet.
    audio = audio.filter("asetnsamples", n=_FRAME_SAMPLES, p=0)
    # rematrix_maxval: swresample mixes floats down 3 dB too loud unless told that full scale is 1.
    audio = audio.filter("aresample", SAMPLE_RATE, ochl="mono", rematrix_maxval=1, osf="s16", **_resampler())
    command: list[str] = (
        audio.output("pipe:1", format="s16le", acodec="pcm_s16le")
        .global_args("-hide_banner", "-nostats", "-loglevel", "error", "-xerror", "-threads", "1")
        .compile(cmd=ffmpeg_binary())
    )
    return command


def _http_options(excerpt: Excerpt) -> dict[str, str | int]:
    if not str(excerpt.media).startswith(("http://", "https://")):
        return {}
    headers = "".join(f"{name}: {value}\r\n" for name, value in excerpt.headers.items())
    return {"headers": headers, "tls_verify": int(excerpt.verify_tls)}


@cache
def _resampler() -> Mapping[str, str | int | float]:
    """soxr where this ffmpeg has it; swresample's default lets aliases through at -12 dB near 8 kHz."""
    build = subprocess.run(
        [ffmpeg_binary(), "-hide_banner", "-buildconf"],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    if "--enable-libsoxr" in build.stdout + build.stderr:
        return {"resampler": "soxr"}
    return {"filter_size": 128, "phase_shift": 10, "cutoff": 0.95}


def _run(command: list[str], excerpt: Excerpt, timeout: float) -> bytes:
    # A proxy's password must not show in the process list.
    proxy = {"http_proxy": excerpt.proxy, "https_proxy": excerpt.proxy} if excerpt.proxy else {}
    try:
        done = subprocess.run(
            command,
            input=excerpt.media if isinstance(excerpt.media, bytes) else b"",
            capture_output=True,
            timeout=timeout,
            check=False,
            env={**os.environ, **proxy},
        )
    except subprocess.TimeoutExpired as error:
        raise FetchError(Reason.TIMEOUT, f"ffmpeg had not ended after {timeout:g} s") from error
    said = done.stderr.decode("utf-8", "replace")
    if done.returncode:
        raise FetchError(_reason_of(said), _last_line(said))
    return done.stdout


def _reason_of(said: str) -> Reason:
    """What ffmpeg's words mean; its exit code says nothing."""
    reasons = {
        r"429|Too Many Requests": Reason.TOO_MANY_REQUESTS,
        r"403 Forbidden|404 Not Found|4XX Client Error": Reason.MEDIA_REFUSED,
        r"5XX Server Error|HTTP error 5\d\d": Reason.SERVER_ERROR,
        r"Connection (reset|refused|timed out)|Input/output error": Reason.CONNECTION,
        r"matches no streams|does not contain any stream": Reason.NO_AUDIO,
        r"No space left": Reason.DISK_FULL,
    }
    return next((reason for words, reason in reasons.items() if re.search(words, said)), Reason.DECODE)


def _last_line(said: str) -> str:
    """ffmpeg's last words without addresses: a media address names the user's own."""
    lines = said.strip().splitlines() or ["ffmpeg said nothing"]
    return re.sub(r"https?://\S+", "<address>", lines[-1])[:500]

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
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import ffmpeg
import imageio_ffmpeg
import numpy as np
import numpy.typing as npt
import soundfile

from ..errors import EnvironmentProblem
from ..types import CLIP_SAMPLES, SAMPLE_RATE, Reason
from ..workspace import write_beside
from .reasons import Stage, Trouble, reason_of
from .source import Excerpt, FetchError, Longer

SILENT_PEAK = 10 ** (-60 / 20)
"""A clip whose peak lies below -60 dB of full scale holds nothing to hear."""

TOLERANCE_MS = 500
"""How much shorter than its row says a segment may decode: YouTube gives lengths in whole seconds."""

_TIMEOUT_S = 60.0
_FRAME_SAMPLES = 48_000

_LEAD_S = 1.0

_INTERRUPTED = 255
"""What ffmpeg exits with when a signal ended it."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A segment decoded: `samples` [160000] int16, `seconds` before padding, `peak` of full scale."""

    samples: npt.NDArray[np.int16]
    seconds: float
    peak: float


@dataclass(frozen=True, slots=True)
class FfmpegBuild:
    """The ffmpeg in use: where it lies, its version, and whether it has the resampler soxr."""

    binary: str
    version: str
    soxr: bool


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


def ffmpeg_build(timeout: float = 20) -> FfmpegBuild:
    """Ask ffmpeg what it is.

    Args:
        timeout: seconds after which it is taken to hang, and killed.

    Raises:
        EnvironmentProblem: there is none, or it does not run.
    """
    binary = ffmpeg_binary()
    remedy = f"Repair {binary}, or take it off the PATH: then the one that imageio-ffmpeg carries is used."
    try:
        done = subprocess.run(
            [binary, "-version"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=timeout,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise EnvironmentProblem(f"{binary} did not answer within {timeout:g} s", remedy) from error
    except OSError as error:
        raise EnvironmentProblem(f"{binary} cannot be run: {error.strerror}", remedy) from error
    version = re.match(r"ffmpeg version (\S+)", done.stdout)
    if done.returncode or not version:
        said = _last_line(done.stderr or done.stdout)
        raise EnvironmentProblem(
            f"{binary} is no working ffmpeg (exit code {done.returncode}): {said}", remedy
        )
    return FfmpegBuild(binary, version[1], "--enable-libsoxr" in done.stdout)


def decode(excerpt: Excerpt, start_ms: int, end_ms: int, timeout: float = _TIMEOUT_S) -> Sound:
    """Decode, cut, mix down and resample one segment.

    Args:
        excerpt: what to read.
        start_ms, end_ms: the segment, on the recording's own time line.
        timeout: seconds after which ffmpeg is killed.

    Raises:
        FetchError: it ends before the segment does, is silent, or cannot be decoded.
        Longer: it was believed to end with the segment, and does not.
    """
    pcm = _run(_command(excerpt, start_ms, end_ms), excerpt, timeout)
    decoded = np.frombuffer(pcm[: len(pcm) // 2 * 2], np.int16)
    missing_ms = (end_ms - start_ms) - len(decoded) * 1000 // SAMPLE_RATE
    if missing_ms > TOLERANCE_MS:
        _refuse_short(excerpt, end_ms, missing_ms)
    if excerpt.only_segment and missing_ms < -TOLERANCE_MS:
        raise Longer(Reason.DECODE, "it goes on behind the segment")
    kept = decoded[: min(CLIP_SAMPLES, (end_ms - start_ms) * SAMPLE_RATE // 1000)]
    peak = peak_of(kept)
    if peak < SILENT_PEAK:
        raise FetchError(Reason.SILENT, f"the peak is {peak:.2g} of full scale")
    samples = np.zeros(CLIP_SAMPLES, np.int16)
    samples[: len(kept)] = kept
    return Sound(samples, len(kept) / SAMPLE_RATE, peak)


def peak_of(samples: npt.NDArray[np.int16]) -> float:
    """The largest absolute sample as a fraction of full scale."""
    return int(np.abs(samples.astype(np.int32)).max(initial=0)) / 32768


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
    """Cut by time stamps where the bytes are here, by seeking where ffmpeg reads a file or an address."""
    start, length = (start_ms - excerpt.begins_ms) / 1000, (end_ms - start_ms) / 1000
    if isinstance(excerpt.media, bytes):
        audio = ffmpeg.input("pipe:0", copyts=None).audio.filter("atrim", start=start, duration=length)
    else:
        if excerpt.only_segment:
            length += 2 * TOLERANCE_MS / 1000
        # A decoder gives nothing of the first packets behind a seek, which made AAC up to 15 ms late: it is
        # sought before the segment and cut by time stamps. At 0 a seek itself makes the sound 20 ms late.
        lead = min(start, _LEAD_S)
        seek = {"ss": start - lead} if start > lead else {}
        media, options = _input(excerpt)
        audio = ffmpeg.input(media, t=lead + length, **seek, **options).audio
        if lead:
            audio = audio.filter("atrim", start=lead, duration=length)
    return _compiled(audio, "-loglevel", "error", "-xerror")


def command_for_all(path: Path) -> list[str]:
    """What decodes a whole file on ffmpeg's standard input as a clip is decoded, and goes on after damage.

    Its lines on standard error are marked with their levels, down to the information on the input.
    """
    media, options = _input(Excerpt(path, ""))
    return _compiled(ffmpeg.input(media, **options).audio, "-loglevel", "level+info")


def _compiled(audio: Any, *arguments: str) -> list[str]:
    """From a stream to mono samples of a clip's rate on standard output."""
    # ffmpeg hands every frame from thread to thread: one a second costs less than one per 20 ms packet.
    audio = audio.filter("asetnsamples", n=_FRAME_SAMPLES, p=0)
    # rematrix_maxval: swresample mixes floats down 3 dB too loud unless told that full scale is 1.
    audio = audio.filter("aresample", SAMPLE_RATE, ochl="mono", rematrix_maxval=1, osf="s16", **_resampler())
    command: list[str] = (
        audio.output("pipe:1", format="s16le", acodec="pcm_s16le")
        .global_args("-hide_banner", "-nostdin", "-nostats", *arguments, "-threads", "1")
        .compile(cmd=ffmpeg_binary())
    )
    return command


def _input(excerpt: Excerpt) -> tuple[str, dict[str, str | int]]:
    """What ffmpeg opens, and how: a file is never more than a file, whatever its name or its content says.

    It is opened here, so that ffmpeg sees no name that it could read as an option, a pattern or a protocol;
    and what turns out to be a playlist can lead nowhere but to other files.
    """
    if isinstance(excerpt.media, Path):
        return "file:/dev/stdin", {"protocol_whitelist": "file"}
    headers = "".join(f"{name}: {value}\r\n" for name, value in excerpt.headers.items())
    return str(excerpt.media), {"headers": headers, "tls_verify": int(excerpt.verify_tls)}


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
        with _opened(excerpt.media) as file:
            done = subprocess.run(
                command,
                input=None if file else excerpt.media if isinstance(excerpt.media, bytes) else b"",
                stdin=file,
                capture_output=True,
                timeout=timeout,
                check=False,
                env={**os.environ, **proxy},
                # A Ctrl-C goes to the whole group of processes, and must not pass for a bad stream.
                process_group=0,
            )
    except subprocess.TimeoutExpired as error:
        raise FetchError(Reason.TIMEOUT, f"ffmpeg had not ended after {timeout:g} s") from error
    said = done.stderr.decode("utf-8", "replace")
    if done.returncode < 0 or done.returncode == _INTERRUPTED:
        raise FetchError(Reason.UNKNOWN, f"ffmpeg was interrupted ({done.returncode}): {_last_line(said)}")
    if done.returncode:
        raise FetchError(reason_of(Trouble(Stage.FFMPEG, said)), _last_line(said))
    return done.stdout


def _opened(media: bytes | Path | str) -> AbstractContextManager[BinaryIO | None]:
    if not isinstance(media, Path):
        return nullcontext()
    try:
        return media.open("rb")
    except OSError as error:
        raise FetchError(Reason.DECODE, f"it cannot be opened: {error.strerror}") from error


def _last_line(said: str) -> str:
    """ffmpeg's last words without addresses: a media address names the user's own."""
    lines = said.strip().splitlines() or ["ffmpeg said nothing"]
    return re.sub(r"https?://\S+", "<address>", lines[-1])[:500]

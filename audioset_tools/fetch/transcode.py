"""The only door to ffmpeg: from any container and codec to a clip's samples, and from those to a file.

The command is compiled by ffmpeg-python and run here with a time limit of our own: ffmpeg has none. ffmpeg
exits 0 on a truncated stream, so the length decoded is always checked.

Time stamps rule: the sound is cut by them, what they leave out (a sound that begins after its picture, a gap)
is silence, and so a clip's second n is the recording's.
"""

import hashlib
import io
import os
import re
import subprocess
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO

import ffmpeg
import numpy as np
import numpy.typing as npt
import soundfile

from ..ffmpeg_path import ffmpeg_build, find_ffmpeg
from ..types import CLIP_SAMPLES, SAMPLE_RATE, Reason
from ..workspace import write_beside
from .mixdown import CHANNELS, Pairs, mixed_down, to_pcm
from .reasons import Stage, Trouble, reason_of
from .source import Excerpt, FetchError, Late, Longer

SILENT_PEAK = 10 ** (-60 / 20)
"""A clip whose peak lies below -60 dB of full scale holds nothing to hear."""

TOLERANCE_MS = 500
"""How much shorter than its row says a segment may decode: YouTube gives lengths in whole seconds."""

TAIL_MS = 1_000
"""How much longer than its name says a file may be: people cut a little behind the end."""

LEAST_MS = 1_000
"""A segment with less sound than this, where it is itself longer, holds nothing to learn from."""

_TIMEOUT_S = 60.0
_FRAME_SAMPLES = 48_000

_LEAD_S = 1.0

_CLIP_MS = CLIP_SAMPLES * 1000 // SAMPLE_RATE

_GAP_S = 0.05
"""A longer hole in the time stamps is filled with silence; a shorter one may be a muxer's rounding."""

_SAID = 16_384
"""Characters of what ffmpeg says that are looked at: the first and the last of them."""

_INTERRUPTED = 255
"""What ffmpeg exits with when a signal ended it."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A segment decoded: `samples` [160000] int16, `seconds` before padding, `peak` of full scale."""

    samples: npt.NDArray[np.int16]
    seconds: float
    peak: float


class Unmixable(FetchError):
    """ffmpeg has no layout for so many channels, and so does not mix them."""


UNMIXABLE = re.compile(r"Rematrix is needed|[Ii]nput channel layout .* is not supported")
"""What ffmpeg says then."""

_MP4 = frozenset({b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide"})
"""What a file of the MP4 family may begin with, behind four bytes of size."""

PAIR_BYTES = 4 * CHANNELS
"""Bytes of one sample as ffmpeg writes it."""


@cache
def ffmpeg_binary() -> str:
    """The ffmpeg in use, found once.

    Raises:
        EnvironmentProblem: there is none.
    """
    return find_ffmpeg().binary


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
    wanted_ms = end_ms - start_ms
    pairs, said = _decoded(excerpt, start_ms, end_ms, timeout)
    got_ms = len(pairs) * 1000 // SAMPLE_RATE
    if excerpt.tail_ms is not None and _goes_on(pairs, wanted_ms, excerpt.tail_ms):
        raise Longer(Reason.DECODE, "it goes on behind the segment")
    if not pairs[: max(0, wanted_ms - LEAST_MS) * SAMPLE_RATE // 1000].any():
        _refuse_late(excerpt, start_ms, end_ms, timeout)
    if wanted_ms - got_ms > TOLERANCE_MS:
        _refuse_short(excerpt, end_ms, wanted_ms - got_ms, said)
    kept = pairs[: min(CLIP_SAMPLES, wanted_ms * SAMPLE_RATE // 1000)]
    if not np.isfinite(kept).all():
        raise FetchError(Reason.DECODE, "some of its samples are no numbers, or infinite")
    samples = np.zeros(CLIP_SAMPLES, np.int16)
    samples[: len(kept)] = to_pcm(mixed_down(kept))
    peak = peak_of(samples)
    if peak < SILENT_PEAK:
        raise FetchError(Reason.SILENT, f"the peak is {peak:.2g} of full scale")
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


def _refuse_short(excerpt: Excerpt, end_ms: int, missing_ms: int, said: str) -> None:
    # ffmpeg may take a server's refusal in the middle for the end of the stream.
    reason = reason_of(Trouble(Stage.FFMPEG, said))
    if said and reason is not Reason.DECODE:
        raise FetchError(reason, _told(said))
    if excerpt.length_ms is not None and excerpt.length_ms < end_ms - TOLERANCE_MS:
        raise FetchError(
            Reason.BEYOND_END,
            f"the recording is {excerpt.length_ms / 1000:g} s long, the segment ends at {end_ms / 1000:g} s",
        )
    raise FetchError(Reason.TRUNCATED, f"{missing_ms} ms of the segment did not come")


def _goes_on(pairs: Pairs, wanted_ms: int, tail_ms: int) -> bool:
    """Whether a file goes on behind its segment; zeros that make a short one ten seconds do not count."""
    got_ms = len(pairs) * 1000 // SAMPLE_RATE
    if got_ms - wanted_ms <= tail_ms:
        return False
    # A resampler rings for some milliseconds where the sound ends and the zeros begin.
    behind = pairs[(wanted_ms + 10) * SAMPLE_RATE // 1000 :]
    return got_ms > _CLIP_MS + TOLERANCE_MS or not bool(np.abs(behind).max(initial=0) < SILENT_PEAK)


def _refuse_late(excerpt: Excerpt, start_ms: int, end_ms: int, timeout: float) -> None:
    """See that a segment with nothing in it but its end is not one before the sound begins."""
    first_ms = first_sound_ms(excerpt, timeout)
    latest_ms = end_ms - excerpt.begins_ms - min(LEAST_MS, end_ms - start_ms)
    if first_ms is not None and first_ms > latest_ms:
        late_s = (first_ms - start_ms + excerpt.begins_ms) / 1000
        raise Late(Reason.SILENT, f"the sound begins {late_s:.1f} s behind the segment's start")


def ends_at(excerpt: Excerpt, length_ms: int, timeout: float = _TIMEOUT_S) -> bool:
    """Whether a file is so long (`TOLERANCE_MS` less, `TAIL_MS` more), by what is decoded at its end."""
    begin_ms = max(0, length_ms - 2 * TOLERANCE_MS)
    whole = replace(excerpt, begins_ms=0, tail_ms=None)
    try:
        pairs, _ = _decoded(whole, begin_ms, length_ms + 2 * TAIL_MS, timeout)
    except FetchError:
        return False
    return -TOLERANCE_MS <= begin_ms + len(pairs) * 1000 // SAMPLE_RATE - length_ms <= TAIL_MS


def first_sound_ms(excerpt: Excerpt, timeout: float = _TIMEOUT_S) -> int | None:
    """When a recording's sound begins, in milliseconds of its own time stamps; None if there is none."""
    media, options = _input(excerpt)
    stamps = {"copyts": None} if _keeps_time(excerpt.media) else {}
    audio = ffmpeg.input(media, **stamps, **options).audio
    output = audio.output("pipe:1", format="framecrc", **{"frames:a": 1})
    try:
        written, _ = _run(_compiled(output, "-loglevel", "error"), excerpt, timeout)
    except FetchError:
        return None
    said = written.decode("ascii", "replace")
    rate = re.search(r"^#tb 0: (\d+)/(\d+)", said, re.MULTILINE)
    frame = re.search(r"^0, *(-?\d+),", said, re.MULTILINE)
    return int(frame[1]) * int(rate[1]) * 1000 // int(rate[2]) if rate and frame else None


def length_s(path: Path, timeout: float = _TIMEOUT_S) -> float | None:
    """How long a file says that it is; None if it does not say."""
    media, options = _input(Excerpt(path, ""))
    audio = ffmpeg.input(media, **options).audio.output("pipe:1", format="null", t=0)
    return stated_seconds(_ran(_compiled(audio, "-loglevel", "info"), Excerpt(path, ""), timeout)[1])


def stated_seconds(said: str) -> float | None:
    """The length of a container in what ffmpeg says of it; None where ffmpeg only estimates that."""
    match = re.search(r"^(?:\[info\])?   ?Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)", said, re.MULTILINE)
    if match is None or "Estimating duration" in said:
        return None
    hours, minutes, seconds = match.groups()
    return 3600 * int(hours) + 60 * int(minutes) + float(seconds)


def _decoded(excerpt: Excerpt, start_ms: int, end_ms: int, timeout: float) -> tuple[Pairs, str]:
    """A segment as `mixdown` wants it, and what ffmpeg said to it.

    Of more channels than ffmpeg can mix each counts the same.
    """
    try:
        pcm, said = _run(_command(excerpt, start_ms, end_ms), excerpt, timeout)
    except Unmixable:
        channels = _channels(excerpt, timeout)
        pcm, said = _run(_command(excerpt, start_ms, end_ms, channels), excerpt, timeout)
    return as_pairs(pcm), said


def as_pairs(pcm: bytes) -> Pairs:
    """What ffmpeg wrote, as [samples, 2]."""
    return np.frombuffer(pcm[: len(pcm) // PAIR_BYTES * PAIR_BYTES], "<f4").reshape(-1, 2)


def _command(excerpt: Excerpt, start_ms: int, end_ms: int, channels: int | None = None) -> list[str]:
    """Cut by time stamps, behind a seek where ffmpeg reads a file or an address."""
    start, length = (start_ms - excerpt.begins_ms) / 1000, (end_ms - start_ms) / 1000
    if excerpt.tail_ms is not None:
        length = max(length, _CLIP_MS / 1000) + 2 * excerpt.tail_ms / 1000
    # A decoder gives nothing of the first packets behind a seek, which made AAC up to 15 ms late: it is
    # sought before the segment and cut by time stamps. At 0 a seek itself makes the sound 20 ms late.
    seeks = not isinstance(excerpt.media, bytes) and start > _LEAD_S
    media, options = _input(excerpt)
    if _keeps_time(excerpt.media):
        # ffmpeg would count from where the first packet is due, which is before 0 where a decoder drops some
        # (7 ms in Opus, 21 in AAC) and behind it where the sound begins late.
        seek = {"ss": start - _LEAD_S, "seek_timestamp": 1, "noaccurate_seek": None} if seeks else {}
        audio = ffmpeg.input(media, copyts=None, **seek, **options).audio
    else:
        seek = {"ss": start - _LEAD_S} if seeks else {}
        audio = ffmpeg.input(media, **seek, **options).audio
        start = _LEAD_S if seeks else start
    audio = audio.filter("atrim", start=start, end=start + length).filter("asetpts", f"PTS-{start}/TB")
    # A server's refusal of a later read is no more than a warning, and what follows from it is any error.
    level = "warning" if isinstance(excerpt.media, str) else "error"
    return _compiled(_as_pairs(audio, channels, 0.001), "-loglevel", level, "-xerror")


def command_for_all(path: Path, channels: int | None = None) -> list[str]:
    """What decodes a whole file on ffmpeg's standard input as a clip is decoded, and goes on after damage.

    Its lines on standard error are marked with their levels, down to the information on the input.

    Args:
        path: the file; not named in the command.
        channels: how many it has, where ffmpeg cannot mix them by itself.
    """
    media, options = _input(Excerpt(path, ""))
    # ffmpeg counts from the first packet, which may be due a little before the first sound.
    return _compiled(
        _as_pairs(ffmpeg.input(media, **options).audio, channels, _GAP_S), "-loglevel", "level+info"
    )


def channels_of(path: Path) -> int:
    """How many channels a file's sound has.

    Raises:
        FetchError: it has none.
    """
    return _channels(Excerpt(path, ""), _TIMEOUT_S)


def _channels(excerpt: Excerpt, timeout: float) -> int:
    media, options = _input(excerpt)
    output = ffmpeg.input(media, **options).audio.output("pipe:1", format="wav", **{"frames:a": 1})
    header, _ = _run(_compiled(output, "-loglevel", "error"), excerpt, timeout)
    return int.from_bytes(header[22:24], "little")


def _as_pairs(audio: Any, channels: int | None, late_s: float) -> Any:
    """From a stream to the mixture of its channels and one of them, at a clip's rate, as 32-bit floats.

    Args:
        audio: the stream.
        channels: how many it has, where ffmpeg has no layout for so many.
        late_s: a sound that begins at least so late is preceded by silence.
    """
    audio = audio.filter(
        "aresample", **{"async": 1, "first_pts": 0, "min_comp": late_s, "min_hard_comp": _GAP_S}
    )
    # ffmpeg hands every frame from thread to thread: one a second costs less than one per 20 ms packet.
    audio = audio.filter("asetnsamples", n=_FRAME_SAMPLES, p=0)
    if channels:
        mixture = "+".join(f"c{channel}" for channel in range(channels))
        audio = audio.filter("pan", f"stereo|c0<{mixture}|c1<c0")
    else:
        # rematrix_maxval: swresample mixes floats down 3 dB too loud unless told that full scale is 1.
        mixing = {"rematrix_maxval": 1, "osf": "fltp"}
        both = audio.filter_multi_output("asplit")
        mixture = both[0].filter("aresample", ochl="mono", **mixing)
        first = both[1].filter("aresample", ochl="stereo", **mixing).filter("pan", "mono|c0<c0")
        audio = ffmpeg.filter([mixture, first], "amerge")
    # tsf: soxr dithers 16-bit samples by chance, so that no two decodings were alike.
    audio = audio.filter("aresample", SAMPLE_RATE, osf="flt", tsf="fltp", **_resampler())
    return audio.output("pipe:1", format="f32le", acodec="pcm_f32le")


def _compiled(output: Any, *arguments: str) -> list[str]:
    binary, *words = output.compile(cmd=ffmpeg_binary())
    # What stands behind the output is warned about and, where it concerns a file, ignored.
    return [binary, "-hide_banner", "-nostdin", "-nostats", *arguments, "-threads", "1", *words]


def _input(excerpt: Excerpt) -> tuple[str, dict[str, str | int]]:
    """What ffmpeg opens, and how: a file is never more than a file, whatever its name or its content says.

    It is opened here, so that ffmpeg sees no name that it could read as an option, a pattern or a protocol;
    and what turns out to be a playlist can lead nowhere but to other files.
    """
    if isinstance(excerpt.media, bytes):
        return "pipe:0", {}
    if isinstance(excerpt.media, Path):
        return "file:/dev/stdin", {"protocol_whitelist": "file"}
    address, options = str(excerpt.media), dict[str, str | int]()
    if excerpt.headers:
        options["headers"] = "".join(f"{name}: {value}\r\n" for name, value in excerpt.headers.items())
    if address.startswith("https:"):
        options["tls_verify"] = int(excerpt.verify_tls)
    return address, options


def _keeps_time(media: bytes | Path | str) -> bool:
    """Whether a container's time stamps are the recording's own: in Matroska, WebM and MP4.

    YouTube serves one of these. In others (MP3, MPEG-TS) they begin at a number of the muxer's choice.
    """
    if isinstance(media, str):
        return True
    if isinstance(media, Path):
        with _opened(media) as file:
            head = file.read(8) if file else b""
    else:
        head = media[:8]
    return head[:4] == b"\x1a\x45\xdf\xa3" or head[4:] in _MP4


@cache
def _resampler() -> Mapping[str, str | int | float]:
    """soxr where this ffmpeg has it; swresample's default lets aliases through at -12 dB near 8 kHz."""
    if ffmpeg_build().soxr:
        return {"resampler": "soxr"}
    return {"filter_size": 128, "phase_shift": 10, "cutoff": 0.95}


def _run(command: list[str], excerpt: Excerpt, timeout: float) -> tuple[bytes, str]:
    """What a command writes, and what it says.

    Raises:
        Unmixable: it has no layout for so many channels.
        FetchError: it fails.
    """
    code, said, written = _ran(command, excerpt, timeout)
    if code < 0 or code == _INTERRUPTED:
        raise FetchError(Reason.UNKNOWN, f"ffmpeg was interrupted ({code}): {_last_line(said)}")
    if code and UNMIXABLE.search(said):
        raise Unmixable(Reason.DECODE, _last_line(said))
    if code:
        raise FetchError(reason_of(Trouble(Stage.FFMPEG, said)), _told(said))
    return written, said


def _ran(command: list[str], excerpt: Excerpt, timeout: float) -> tuple[int, str, bytes]:
    """Exit code, what it said (shortened), and what it wrote."""
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
    said = done.stderr
    if len(said) > _SAID:
        said = said[: _SAID // 2] + b"\n" + said[-_SAID // 2 :]
    return done.returncode, said.decode("utf-8", "replace"), done.stdout


def _opened(media: bytes | Path | str) -> AbstractContextManager[BinaryIO | None]:
    if not isinstance(media, Path):
        return nullcontext()
    try:
        return media.open("rb")
    except OSError as error:
        raise FetchError(Reason.DECODE, f"it cannot be opened: {error.strerror}") from error


def _last_line(said: str) -> str:
    return _words(said)[-1]


def _told(said: str) -> str:
    """ffmpeg's first words, which name the cause, and its last."""
    lines = _words(said)
    return lines[0] if lines[0] == lines[-1] else f"{lines[0]}; {lines[-1]}"


def _words(said: str) -> list[str]:
    """Its lines, without the names of its parts, and without addresses: one of media names the user's own."""
    lines = [re.sub(r"https?://\S+", "<address>", line[:500]) for line in said.splitlines()]
    said_of = re.compile(r"^(?:\[[^\]]*\] )+")
    return [words for line in lines if (words := said_of.sub("", line).strip())] or ["ffmpeg said nothing"]

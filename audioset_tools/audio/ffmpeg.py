"""The only door to ffmpeg: from any container and codec to a clip's samples.

The command is compiled by ffmpeg-python and run here with a time limit of our own: ffmpeg has none. ffmpeg
exits 0 on a truncated stream, so the length decoded is always checked.

Time stamps rule: the sound is cut by them, what they leave out (a sound that begins after its picture, a gap)
is silence, and so a clip's second n is the recording's.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import ffmpeg
import numpy as np

from ..files import open_file
from ..types import CLIP_SECONDS, SAMPLE_RATE
from .binary import ffmpeg_build, find_ffmpeg
from .containers import BY_NETWORK, FILE, RECORDINGS
from .messages import NO_SOUND, UNMIXABLE, form_of, lines_of, rate_of, shortened, stated_seconds, summed_up
from .mixdown import CHANNELS, Pairs
from .pcm import PcmHeader
from .stretch import LEAD_MS

TIMEOUT_S = 60.0
"""Seconds after which a decoder is taken to hang."""

_FRAME_SAMPLES = 48_000

_GAP_S = 0.05
"""A longer hole in the time stamps is filled with silence; a shorter one may be a muxer's rounding."""

_NOTED = re.compile(rb"(?:\[[^\]]{0,100}\] ){0,9}\[(?:info|verbose)\] ")
_WARNED = re.compile(rb"(?:\[[^\]]{0,100}\] ){0,9}\[(?:info|verbose|warning)\] ")
"""What no complaint begins with, where ffmpeg marks its lines with their levels."""

_INTERRUPTED = 255
"""What ffmpeg exits with when a signal ended it."""


@dataclass(frozen=True, slots=True)
class Media:
    """What is decoded.

    Args:
        content: container bytes, a file, or an address that ffmpeg itself can read and seek: where redirects
            ended, for it follows none.
        headers: HTTP headers to send to an address.
        proxy: what an address is reached through.
        verify_tls: whether to check the certificate of an address.
    """

    content: bytes | Path | str
    headers: Mapping[str, str] = field(default_factory=dict)
    proxy: str | None = None
    verify_tls: bool = True


@dataclass(frozen=True, slots=True)
class Decoded:
    """What a decoder gave.

    Args:
        pairs: the sound, at a clip's rate, with all that ffmpeg or libsndfile gave of it.
        decoder: what decoded and resampled it, with versions.
        form: container and codec, rate and length, as far as they are known: `mp4/aac 44100 Hz 10.00 s`.
        output: what ffmpeg complained of nevertheless.
    """

    pairs: Pairs
    decoder: str
    form: str
    output: str = ""


class DecodeFault(Enum):
    """Why media give no clip."""

    FAILED = "failed"
    """ffmpeg ended with an error, or what it gave is no sound."""
    NO_SOUND = "no sound"
    """There is no audio stream in it."""
    UNMIXABLE = "unmixable"
    """ffmpeg has no layout for so many channels, and so does not mix them."""
    BROKEN = "broken"
    """It cannot be opened, or some of its samples are no numbers."""
    SHORT = "short"
    """The sound ends before the segment does."""
    LONG = "long"
    """It was taken to end with the segment, and goes on."""
    LATE = "late"
    """The sound begins behind the segment: it may be timed as the whole recording is."""
    SILENT = "silent"
    TIMEOUT = "timeout"
    INTERRUPTED = "interrupted"
    """A signal ended ffmpeg."""


class DecodeError(Exception):
    """Media could not be decoded to a clip.

    Args:
        fault: what is the matter.
        message: in words, without addresses.
        output: all that ffmpeg wrote on standard error, shortened; "" where that does not matter.
    """

    def __init__(self, fault: DecodeFault, message: str, output: str = "") -> None:
        # All of them, so that it can be sent from another process.
        super().__init__(fault, message, output)
        self.fault = fault
        self.message = message
        self.output = output

    def __str__(self) -> str:
        return self.message


RATES = range(1_000, 6_144_001)
"""Sample rates that are resampled, in hertz: there is nothing to be heard below, and 6 MHz is the most that
anybody records (DSD1024). From 1 Hz, 32 kB would become four gigabytes."""

LONGEST_S = 7 * 86_400
"""What goes on for longer is no recording but a time stamp gone wrong, whose gap would be filled for ever."""

_MP4 = frozenset({b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"free", b"skip", b"wide"})
"""What a file of the MP4 family may begin with, behind four bytes of size."""

PAIR_BYTES = 4 * CHANNELS
"""Bytes of one sample as ffmpeg writes it."""

FILLED_S = 2.0 * CLIP_SECONDS
"""So much of a hole comes out as silence: what lies on either side of its middle is a clip's length away."""

_BACK_S = 1.0

_SHORTENED = (
    # 0: what was left out so far; 1: where the last frame ended; 2: whether this one has a stamp to go by;
    # 3: how far behind that end it begins.
    f"st(2,1-isnan(PTS)-gt(PTS*TB,{LONGEST_S}));"
    "st(3,if(ld(2),PTS*TB-ld(0)-ld(1)));"
    f"if(gt(ld(3),{FILLED_S}),print(ld(1))+print(ld(3)));"
    # A long hole is shortened; stamps that run back go on where the sound had come to.
    f"st(0,ld(0)+if(gt(ld(3),{FILLED_S}),ld(3)-{FILLED_S},if(lt(ld(3),-{_BACK_S}),ld(3))));"
    "st(4,if(ld(2),PTS*TB-ld(0),ld(1)));"
    "st(1,ld(4)+NB_SAMPLES/SR);"
    "round(ld(4)/TB)"
)
"""The time stamp of each frame, for ffmpeg's filter `asetpts`."""


@cache
def ffmpeg_binary() -> str:
    """The ffmpeg in use, found once.

    Raises:
        EnvironmentProblem: there is none.
    """
    return find_ffmpeg().binary


def first_sound_ms(media: Media, timeout: float = TIMEOUT_S) -> int | None:
    """When a recording's sound begins, in milliseconds of its own time stamps; None if there is none."""
    name, options = _input(media)
    stamps = {"copyts": None} if _keeps_time(media.content) else {}
    audio = ffmpeg.input(name, **stamps, **options).audio
    output = audio.output("pipe:1", format="framecrc", **{"frames:a": 1})
    try:
        written = _run(_compiled(output, "-loglevel", "error"), media, timeout).written
    except DecodeError:
        return None
    frames = written.decode("ascii", "replace")
    rate = re.search(r"^#tb 0: (\d+)/(\d+)", frames, re.MULTILINE)
    frame = re.search(r"^0, *(-?\d+),", frames, re.MULTILINE)
    return int(frame[1]) * int(rate[1]) * 1000 // int(rate[2]) if rate and frame else None


def length_s(media: Media, timeout: float = TIMEOUT_S) -> float | None:
    """How long media say that they are; None if they do not say."""
    name, options = _input(media)
    audio = ffmpeg.input(name, **options).audio.output("pipe:1", format="null", t=0)
    return stated_seconds(_ran(_compiled(audio, "-loglevel", "level+info"), media, timeout).notes)


def decode_by_ffmpeg(
    media: Media, start_ms: int, end_ms: int, rate: int = SAMPLE_RATE, timeout: float = TIMEOUT_S
) -> Decoded:
    """A segment as `mixdown` wants it, at a clip's rate.

    Of more channels than ffmpeg can mix each counts the same.

    Raises:
        DecodeError: ffmpeg refuses it, or does not end.
    """
    try:
        ran = _run(_command(media, start_ms, end_ms, rate), media, timeout)
    except DecodeError as error:
        if error.fault is not DecodeFault.UNMIXABLE:
            raise
        channels = _channels(media, timeout)
        ran = _run(_command(media, start_ms, end_ms, rate, channels), media, timeout)
    if not ran.written:
        check_rate(ran.notes)
    return Decoded(as_pairs(ran.written), _decoder(), form_of(ran.notes), ran.output)


def check_rate(notes: str) -> None:
    """See whether nothing came because of the rate, by what ffmpeg says of the sound.

    Raises:
        DecodeError: it did.
    """
    rate = rate_of(notes)
    if rate is not None and rate not in RATES:
        message = f"a sample rate of {rate:,} Hz: {RATES[0]:,} to {RATES[-1]:,} are read"
        raise DecodeError(DecodeFault.FAILED, message)


@cache
def _decoder() -> str:
    build = ffmpeg_build()
    return f"ffmpeg {build.version} {'soxr' if build.soxr else 'swr'}"


def as_pairs(pcm: bytes) -> Pairs:
    """What ffmpeg wrote, as [samples, 2]."""
    return np.frombuffer(pcm[: len(pcm) // PAIR_BYTES * PAIR_BYTES], "<f4").reshape(-1, 2)


def _command(media: Media, start_ms: int, end_ms: int, rate: int, channels: int | None = None) -> list[str]:
    """Cut by time stamps, behind a seek where ffmpeg reads a file or an address."""
    start, length = start_ms / 1000, (end_ms - start_ms) / 1000
    # A decoder gives nothing of the first packets behind a seek, which made AAC up to 15 ms late: it is
    # sought before the segment and cut by time stamps. At 0 a seek itself makes the sound 20 ms late.
    seeks = not isinstance(media.content, bytes) and start_ms > LEAD_MS
    lead = LEAD_MS / 1000
    name, options = _input(media)
    if _keeps_time(media.content):
        # ffmpeg would count from where the first packet is due, which is before 0 where a decoder drops some
        # (7 ms in Opus, 21 in AAC) and behind it where the sound begins late.
        seek = {"ss": start - lead, "seek_timestamp": 1, "noaccurate_seek": None} if seeks else {}
        audio = ffmpeg.input(name, copyts=None, **seek, **options).audio
    else:
        seek = {"ss": start - lead} if seeks else {}
        audio = ffmpeg.input(name, **seek, **options).audio
        start = lead if seeks else start
    audio = _within(audio).filter("atrim", start=start, end=start + length)
    audio = audio.filter("asetpts", f"PTS-{start}/TB")
    return _compiled(_as_pairs(audio, rate, channels, 0.001), "-loglevel", "level+info", "-xerror")


def command_for_all(
    beginning: bytes, rate: int, channels: int | None = None, header: PcmHeader | None = None
) -> list[str]:
    """What decodes a whole file on ffmpeg's standard input as a clip is decoded, and goes on after damage.

    Its lines on standard error are marked with their levels, down to the information on the input. Of a hole
    in the time stamps longer than `FILLED_S` no more comes out as silence (to write hours of it ffmpeg would
    take gigabytes), and there are two lines more: where it begins in what comes out, and how long it is.

    Args:
        beginning: the first bytes of the file.
        channels: how many it has, where ffmpeg cannot mix them by itself.
        header: what samples are in it, where its container does not tell their number.
    """
    name, options = _input(Media(beginning))
    late_s, stamps = _GAP_S, {}
    if header is not None:
        options |= {"format": header.form, "ar": header.rate, "ac": header.channels}
        options |= {"format_whitelist": header.form, "skip_initial_bytes": header.offset}
    elif _keeps_time(beginning):
        late_s, stamps = 0.001, {"copyts": None}
    # In what keeps no time ffmpeg counts from the first packet, due perhaps a little before the first sound.
    audio = _within(ffmpeg.input(name, **stamps, **options).audio).filter("asetpts", _SHORTENED)
    output = _as_pairs(audio, rate, channels, late_s, t=LONGEST_S)
    return _compiled(output, "-loglevel", "level+info")


def channels_of(path: Path) -> int:
    """How many channels a file's sound has.

    Raises:
        DecodeError: it has none.
    """
    return _channels(Media(path), TIMEOUT_S)


def _channels(media: Media, timeout: float) -> int:
    name, options = _input(media)
    output = ffmpeg.input(name, **options).audio.output("pipe:1", format="wav", **{"frames:a": 1})
    header = _run(_compiled(output, "-loglevel", "error"), media, timeout).written
    return int.from_bytes(header[22:24], "little")


def _within(audio: Any) -> Any:
    """Without what is of no rate in `RATES`: what a frame becomes at another must fit into memory."""
    return audio.filter("aselect", f"between(sample_rate,{RATES[0]},{RATES[-1]})")


def _as_pairs(audio: Any, rate: int, channels: int | None, late_s: float, **output: int) -> Any:
    """From a stream to the mixture of its channels and one of them, at another rate, as 32-bit floats.

    Args:
        channels: how many it has, where ffmpeg has no layout for so many.
        late_s: a sound that begins at least so late is preceded by silence.
        output: further options of the output.
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
    audio = audio.filter("aresample", rate, osf="flt", tsf="fltp", **_resampler())
    return audio.output("pipe:1", format="f32le", acodec="pcm_f32le", **output)


def _compiled(output: Any, *arguments: str) -> list[str]:
    binary, *words = output.compile(cmd=ffmpeg_binary())
    # What stands behind the output is warned about and, where it concerns a file, ignored.
    return [binary, "-hide_banner", "-nostdin", "-nostats", *arguments, "-threads", "1", *words]


def _input(media: Media) -> tuple[str, dict[str, str | int]]:
    """What ffmpeg opens, and how: a file is never more than a file, whatever its name or its content says.

    It is opened here, so that ffmpeg sees no name that it could read as an option, a pattern or a protocol;
    and what turns out to be a playlist is not read (see `containers`).
    """
    options: dict[str, str | int] = {"format_whitelist": RECORDINGS, "protocol_whitelist": FILE}
    if not isinstance(media.content, str):
        return "file:/dev/stdin", options
    scheme = media.content.partition(":")[0]
    options["protocol_whitelist"] = BY_NETWORK.get(scheme, "")
    # It may lead to anybody's machine, this one included, whatever the protocols are.
    options["max_redirects"] = 0
    if media.headers:
        options["headers"] = "".join(f"{name}: {value}\r\n" for name, value in media.headers.items())
    if scheme == "https":
        options["tls_verify"] = int(media.verify_tls)
    return media.content, options


def _keeps_time(content: bytes | Path | str) -> bool:
    """Whether a container's time stamps are the recording's own: in Matroska, WebM and MP4.

    YouTube serves one of these. In others (MP3, MPEG-TS) they begin at a number of the muxer's choice.
    """
    if isinstance(content, str):
        return True
    if isinstance(content, Path):
        with opened(content) as file:
            head = file.read(8)
    else:
        head = content[:8]
    return head[:4] == b"\x1a\x45\xdf\xa3" or head[4:] in _MP4


@cache
def _resampler() -> Mapping[str, str | int | float]:
    """soxr where this ffmpeg has it; swresample's default lets aliases through at -12 dB near 8 kHz."""
    if ffmpeg_build().soxr:
        return {"resampler": "soxr"}
    return {"filter_size": 128, "phase_shift": 10, "cutoff": 0.95}


class _Ran(NamedTuple):
    """What ffmpeg ended with, what it complained of, what it noted of its input, and what it wrote."""

    code: int
    output: str
    notes: str
    written: bytes


def _run(command: list[str], media: Media, timeout: float) -> _Ran:
    """Run a command to its end.

    Raises:
        DecodeError: it fails.
    """
    # A signal may be nobody's meaning: a Ctrl-C reaches a child that has not yet left our group of processes.
    for _ in range(2):
        ran = _ran(command, media, timeout)
        if not _was_interrupted(ran.code):
            break
    else:
        interrupted = f"ffmpeg was interrupted ({ran.code}): {lines_of(ran.output)[-1]}"
        raise DecodeError(DecodeFault.INTERRUPTED, interrupted)
    if ran.code and UNMIXABLE.search(ran.output):
        raise DecodeError(DecodeFault.UNMIXABLE, lines_of(ran.output)[-1], ran.output)
    if ran.code:
        raise DecodeError(failed_as(ran.output), summed_up(ran.output), ran.output)
    return ran


def _was_interrupted(code: int) -> bool:
    return code < 0 or code == _INTERRUPTED


def failed_as(output: str) -> DecodeFault:
    """What was the matter, from what ffmpeg wrote before it failed."""
    return DecodeFault.NO_SOUND if NO_SOUND.search(output) else DecodeFault.FAILED


def _ran(command: list[str], media: Media, timeout: float) -> _Ran:
    # A proxy's password must not show in the process list.
    proxy = {"http_proxy": media.proxy, "https_proxy": media.proxy} if media.proxy else {}
    try:
        with nullcontext() if isinstance(media.content, str) else opened(media.content) as file:
            done = subprocess.run(
                command,
                stdin=file or subprocess.DEVNULL,
                capture_output=True,
                timeout=timeout,
                check=False,
                env={**os.environ, **proxy},
                # A Ctrl-C goes to the whole group of processes, and must not pass for a bad stream.
                process_group=0,
            )
    except subprocess.TimeoutExpired as error:
        message = f"ffmpeg had not ended after {timeout:g} s"
        raise DecodeError(DecodeFault.TIMEOUT, message) from error
    # A server's refusal of a later read is no more than a warning, and what follows from it is any error.
    noted = _NOTED if isinstance(media.content, str) else _WARNED
    kinds: tuple[list[bytes], list[bytes]] = ([], [])
    for line in done.stderr.splitlines(keepends=True):
        kinds[bool(noted.match(line[:200]))].append(line)
    complaints, notes = (shortened(b"".join(lines)) for lines in kinds)
    return _Ran(done.returncode, complaints, notes, done.stdout)


def opened(content: bytes | Path) -> BinaryIO:
    """What holds a recording as an open file, at its beginning, that can be sought in.

    Raises:
        DecodeError: it cannot be opened.
    """
    try:
        return open_file(content) if isinstance(content, Path) else _anonymous(content)
    except OSError as error:
        message = f"it cannot be opened: {error.strerror}"
        raise DecodeError(DecodeFault.BROKEN, message) from error


def _anonymous(content: bytes) -> BinaryIO:
    """A file without a name: through a pipe ffmpeg could not seek to an MP4's index at its end."""
    if sys.platform == "linux":
        number = os.memfd_create("recording")
    else:
        number, name = tempfile.mkstemp()
        Path(name).unlink()
    file = os.fdopen(number, "w+b")
    file.write(content)
    file.seek(0)
    return file

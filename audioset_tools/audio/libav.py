"""Opus, Vorbis, AAC and MP3 by ffmpeg's own libraries, in this process: by PyAV, where it is installed.

Frames are counted from the first one, as ffmpeg does: stamps in whole milliseconds alone would move every
frame by up to half of one. What is odd about the stamps, the codec or a packet is left to ffmpeg.
"""

import threading
from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from . import mp3
from .stretch import LEAD_MS, MOST_FRAMES, RATES, Stretch, bounds

_LATE_S = 0.001
"""What begins so much later than its segment is preceded by silence."""

_Channel = npt.NDArray[np.float32]

_CODECS = ("opus", "libopus", "aac", "vorbis", "mp3", "mp3float")


_ONE_BY_ONE = threading.Lock()
"""Four threads that decode at once take twice the time of the CPU: they hand Python's lock to and fro."""


@cache
def pyav() -> Any:
    """PyAV, or None where it is not installed, or cannot be loaded."""
    try:
        import av
    except (ImportError, OSError):
        return None
    return av


def library() -> str:
    """Which build of PyAV it is, in words."""
    return f"pyav {pyav().__version__}"


def reads(magic: bytes) -> bool:
    """Whether this is the decoder of what begins with these twelve bytes."""
    return _container(magic) is not None and pyav() is not None


def read_stretch(file: BinaryIO, magic: bytes, start_ms: int, end_ms: int, seeks: bool) -> Stretch | None:
    """The frames of a segment as the file has them; None where ffmpeg should look at it.

    Args:
        file: open, at its beginning, and seekable.
        magic: its first twelve bytes, of what `reads` takes.
        seeks: whether to seek to the segment; a stream whose beginning was left out is read through.
    """
    av, container = pyav(), _container(magic)
    assert container is not None
    try:
        # The format is named, and no protocol is allowed: nothing else can be opened, whatever is in it.
        options = {"protocol_whitelist": ""}
        with _ONE_BY_ONE, av.open(file, format=container, options=options, metadata_errors="ignore") as media:
            return _read(media, container, start_ms, end_ms, seeks)
    except (av.FFmpegError, ValueError, OverflowError, MemoryError):
        return None


def _container(magic: bytes) -> str | None:
    if magic[:4] == b"\x1a\x45\xdf\xa3":
        return "matroska"
    if magic[4:8] == b"ftyp":
        return "mp4"
    if magic[:4] == b"OggS":
        return "ogg"
    return "mp3" if magic[:3] == b"ID3" or mp3.frame_bytes(magic) else None


def _read(media: Any, container: str, start_ms: int, end_ms: int, seeks: bool) -> Stretch | None:
    stream = media.streams.audio[0] if len(media.streams.audio) == 1 else None
    if stream is None or not _is_plain(stream):
        return None
    rate = stream.codec_context.sample_rate
    first, behind = bounds(start_ms, end_ms, rate)
    if behind - first > MOST_FRAMES:
        return None
    stream.codec_context.thread_count = 1
    # In Ogg and MP3 the stamps begin at a number of the muxer's choice, and are counted from there.
    origin_s = (media.start_time or 0) / 1e6 if container in ("ogg", "mp3") else 0.0
    sought = seeks and start_ms > LEAD_MS
    if sought:
        wanted_s = (start_ms - LEAD_MS) / 1000 + origin_s
        media.seek(int(wanted_s / stream.time_base), stream=stream)
    pieces: list[list[_Channel]] = [[] for _ in range(stream.codec_context.layout.nb_channels)]
    for position, channels in _frames(media, stream, rate, round(origin_s / stream.time_base)):
        end, begun = position + len(channels[0]), bool(pieces[0])
        if not begun and position > first and (sought or position >= behind):
            return None
        for kept, channel in zip(pieces, channels, strict=True):
            if not begun and position - first > _LATE_S * rate:
                kept.append(np.zeros(position - first, np.float32))
            if end > first:
                kept.append(channel[max(0, first - position) : behind - position])
        if end >= behind:
            break
    if not pieces[0] or not _is_plain(stream):
        return None
    samples = np.stack([np.concatenate(kept) for kept in pieces], axis=1)
    length = f" {media.duration / 1e6:.2f} s" if media.duration else ""
    codec = stream.codec_context.name.removeprefix("lib").removesuffix("float")
    form = codec if codec == container else f"{container}/{codec}"
    return Stretch(samples, rate, f"{form} {rate} Hz{length}")


def _is_plain(stream: Any) -> bool:
    """Whether it is one of `_CODECS`, and no AAC of another rate or more channels than announced."""
    codec = stream.codec_context
    return (
        codec is not None
        and codec.name in _CODECS
        and codec.sample_rate in RATES
        and codec.layout.name in ("mono", "stereo")
        and (codec.name != "aac" or codec.profile == "LC")
    )


class _Odd(ValueError):
    """There is something that ffmpeg should look at."""


def _frames(media: Any, stream: Any, rate: int, origin: int) -> Iterator[tuple[int, list[_Channel]]]:
    """Frame after frame: where it begins, as ffmpeg places it, and the samples of each channel."""
    base: Fraction = stream.time_base
    ends: int | None = None
    for packet in media.demux(stream):
        if packet.is_corrupt:
            raise _Odd
        for frame in packet.decode():
            stamp, count = frame.pts, frame.samples
            if stamp is None or frame.is_corrupt or (frame.sample_rate, frame.format.name) != (rate, "fltp"):
                raise _Odd
            position = _position(stamp - origin, base, rate, ends)
            yield position, [np.frombuffer(plane, np.float32, count) for plane in frame.planes]
            ends = position + count


def _position(stamp: int, base: Fraction, rate: int, ends: int | None) -> int:
    """Where a frame begins: as near to the end of the last one as its stamp, rounded to `base`, allows.

    It is what ffmpeg's `av_rescale_delta` comes to.

    Raises:
        _Odd: it does not follow on the last.
    """
    scaled, unit = rate * base.numerator, base.denominator
    if ends is None:
        return round(Fraction(stamp * scaled, unit))
    if scaled <= unit:
        if abs(stamp * scaled - ends * unit) > unit:
            raise _Odd
        return ends
    least = (2 * stamp - 1) * scaled // unit >> 1
    most = (-(-(2 * stamp + 1) * scaled // unit) + 1) >> 1
    if not 2 * least - most <= ends <= 2 * most - least:
        raise _Odd
    return min(max(ends, least), most)

"""Headers of uncompressed sound: where its samples begin, in which form, and how many are promised.

Who writes through a pipe cannot go back and tell how long the sound became. What stands in the header then
is 0, the largest number that fits, or one near 2 GiB; the sound goes on to the end of the file, and nothing
of it is missing. ffmpeg calls the last of it a corrupt packet, or refuses the file: of such a one it is told
the form, and reads the samples as they come.
"""

import os
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple

_MOST_CHUNKS = 64

_USUAL_HEADER = 128
"""Bytes; some programs fill a header up to 4,096."""

_MOST_BYTES = 1 << 12
"""Of a chunk that tells a form: longer ones are looked at so far."""

_UNTOLD = (0x7F00_0000, 0x7FFF_F000, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF)
"""What programs put for a size that they do not know: SoX, espeak-ng and mplayer, arecord, ffmpeg. It may be
less or more by the length of a header."""

_ABOUT = 1 << 12

_WIDE_UNTOLD = (2**63 - 1, 2**64 - 1)

_WIDTHS = (("s", 16), ("s", 24), ("s", 32), ("f", 32), ("f", 64))


_BITS = {
    **{"u8": 8, "s8": 8, "alaw": 8, "mulaw": 8},
    **{f"{kind}{bits}{end}": bits for kind, bits in _WIDTHS for end in ("le", "be")},
}
"""Of a sample, by the name of ffmpeg's demuxer of such samples."""


class _Form(NamedTuple):
    name: str
    rate: int
    channels: int

    @property
    def frame_bytes(self) -> int:
        return self.channels * _BITS[self.name] // 8


@dataclass(frozen=True, slots=True)
class PcmHeader:
    """What a header of uncompressed sound says.

    Args:
        form: the name of ffmpeg's demuxer of such samples, as `s16le`; "" where it has none.
        rate: frames a second, in hertz.
        channels: how many samples make a frame.
        offset: the byte at which the samples begin.
        held: bytes that there are from there on.
        stated: bytes that there should be; None where the header does not tell.
        seconds: how long so many are; None where the header does not tell, or the form is not known.
    """

    form: str
    rate: int
    channels: int
    offset: int
    held: int
    stated: int | None
    seconds: float | None

    @property
    def is_cut_off(self) -> bool:
        """Whether samples are missing; programs that count the header with them are forgiven."""
        return self.stated is not None and self.stated > self.held + min(self.offset, _USUAL_HEADER)


def read_header(file: BinaryIO) -> PcmHeader | None:
    """The header of an open file: WAV, RF64, W64, AIFF, AU or CAF; None where there is none of these.

    Args:
        file: where it stands afterwards is undefined.
    """
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    head = file.read(12)
    reader = next((reader for magic, reader in _READERS.items() if head.startswith(magic)), None)
    try:
        found = reader(file) if reader else None
    except (struct.error, OSError, OverflowError, ValueError):
        return None
    if found is None or not found.form.rate > 0 < found.form.channels:
        return None
    form, offset, stated = found
    if stated is not None and _is_untold(stated):
        stated = None
    length = form.rate * form.frame_bytes if form.name else 0
    seconds = stated / length if length and stated is not None else None
    return PcmHeader(*form, offset, max(0, size - offset), stated, seconds)


def _is_untold(size: int) -> bool:
    near = any(abs(size - untold) <= _ABOUT for untold in (*_UNTOLD, *_WIDE_UNTOLD))
    return size <= 0 or near


class _Found(NamedTuple):
    form: _Form
    offset: int
    stated: int | None


class _Chunk(NamedTuple):
    name: bytes
    begin: int
    size: int


def _chunks(file: BinaryIO, head: struct.Struct, align: int, extra: int = 0) -> Iterator[_Chunk]:
    """The chunks from where a file stands on: a name, and a size, of which `extra` bytes are the head's."""
    for _ in range(_MOST_CHUNKS):
        start = file.read(head.size)
        if len(start) < head.size:
            return
        name, size = head.unpack(start)
        begin = file.tell()
        yield _Chunk(name, begin, size - extra)
        behind = begin + size - extra
        file.seek(behind + -behind % align)


def _wav(file: BinaryIO) -> _Found | None:
    file.seek(12)
    return _riff(file, _chunks(file, struct.Struct("<4sI"), 2))


def _w64(file: BinaryIO) -> _Found | None:
    file.seek(40)
    chunks = _chunks(file, struct.Struct("<16sQ"), 8, 24)
    return _riff(file, (chunk._replace(name=chunk.name[:4]) for chunk in chunks))


def _riff(file: BinaryIO, chunks: Iterator[_Chunk]) -> _Found | None:
    form, long_size = None, None
    for chunk in chunks:
        if chunk.name == b"fmt ":
            form = _wave_form(file.read(min(chunk.size, _MOST_BYTES)))
        elif chunk.name == b"ds64":
            (long_size,) = struct.unpack_from("<8xQ", file.read(16))
        elif chunk.name == b"data":
            size = long_size if long_size is not None and chunk.size == 0xFFFF_FFFF else chunk.size
            return _Found(form, chunk.begin, size) if form else None
    return None


def _wave_form(content: bytes) -> _Form:
    code, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", content)
    if code == 0xFFFE:
        (code,) = struct.unpack_from("<H", content, 24)
    name = {1: f"s{bits}le", 3: f"f{bits}le", 6: "alaw", 7: "mulaw"}.get(code, "")
    return _form("u8" if name == "s8le" else name, rate, channels, block)


def _form(name: str, rate: float, channels: int, block: int | None = None) -> _Form:
    """What is none of ffmpeg's forms of samples, or contradicts itself, has no name."""
    form = _Form(name if name in _BITS else "", int(rate), channels)
    if form.name and block not in (None, form.frame_bytes):
        return form._replace(name="")
    return form


def _aiff(file: BinaryIO) -> _Found | None:
    file.seek(12)
    form = None
    for chunk in _chunks(file, struct.Struct(">4sI"), 2):
        if chunk.name == b"COMM":
            form = _aiff_form(file.read(min(chunk.size, _MOST_BYTES)))
        elif chunk.name == b"SSND":
            (offset,) = struct.unpack(">I", file.read(4))
            size = None if _is_untold(chunk.size) else chunk.size - 8 - offset
            return form and _Found(form, chunk.begin + 8 + offset, size)
    return None


def _aiff_form(content: bytes) -> _Form:
    channels, _, bits, exponent, mantissa = struct.unpack_from(">HIHHQ", content)
    rate = mantissa * 2.0 ** (exponent - 16_383 - 63) if exponent < 16_383 + 64 else 0
    code = content[18:22] or b"NONE"
    codes = {b"sowt": f"s{bits}le", b"fl32": "f32be", b"fl64": "f64be", b"alaw": "alaw", b"ulaw": "mulaw"}
    plain = f"s{bits}be" if code in (b"NONE", b"twos", b"in24", b"in32") else ""
    name = codes.get(code.lower(), plain)
    return _form({"s8be": "s8", "s8le": "s8"}.get(name, name), rate, channels)


def _au(file: BinaryIO) -> _Found | None:
    file.seek(4)
    offset, size, encoding, rate, channels = struct.unpack(">IIIII", file.read(20))
    names = {1: "mulaw", 2: "s8", 3: "s16be", 4: "s24be", 5: "s32be", 6: "f32be", 7: "f64be", 27: "alaw"}
    return _Found(_form(names.get(encoding, ""), rate, channels), offset, size)


def _caf(file: BinaryIO) -> _Found | None:
    file.seek(8)
    form = None
    for chunk in _chunks(file, struct.Struct(">4sq"), 1):
        if chunk.name == b"desc":
            rate, code, flags, block, _, channels, bits = struct.unpack(">d4s5I", file.read(32))
            name = f"{'f' if flags & 1 else 's'}{bits}{'le' if flags & 2 else 'be'}"
            names = {b"lpcm": name, b"alaw": "alaw", b"ulaw": "mulaw"}
            form = _form(names.get(code, ""), rate, channels, block)
        elif chunk.name == b"data":
            return form and _Found(form, chunk.begin + 4, chunk.size - 4)
        if chunk.size < 0:
            return None
    return None


_READERS: dict[bytes, Callable[[BinaryIO], _Found | None]] = {
    b"RIFF": _wav,
    b"RF64": _wav,
    b"BW64": _wav,
    b"riff": _w64,
    b"FORM": _aiff,
    b".snd": _au,
    b"caff": _caf,
}

"""What a WAV file says of its samples, and whether it is one that every decoder reads alike."""

import os
import struct
from typing import BinaryIO, NamedTuple

_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_WIDTHS = {_PCM: (8, 16, 24, 32), _FLOAT: (32, 64)}
"""Bits of a sample, by the code of its form."""

_GUID = bytes.fromhex("0000 0000 1000 8000 00aa00389b71")
"""What follows a code in the extensible form, which tells it as a GUID."""

_SPEAKERS = {1: (0, 4), 2: (0, 3)}
"""By the number of channels the masks that say no more than that: front centre; front left and right."""

_MOST_CHUNKS = 64


class _Form(NamedTuple):
    code: int
    channels: int
    rate: int
    byte_rate: int
    block: int
    bits: int

    @property
    def is_plain(self) -> bool:
        block = self.channels * self.bits // 8
        fits = self.block == block and self.byte_rate == self.rate * block
        return fits and block > 0 and self.bits in _WIDTHS.get(self.code, ())


def is_plain(file: BinaryIO) -> bool:
    """Whether an open WAV file contradicts itself nowhere before its samples, and holds all that it says."""
    size = file.seek(0, os.SEEK_END)
    file.seek(12)
    form: _Form | None = None
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8:
            return False
        name, length = struct.unpack("<4sI", head)
        if name == b"data":
            whole = 0 < length <= size - file.tell()
            return whole and form is not None and form.is_plain and length % form.block == 0
        behind = file.tell() + length + length % 2
        if name == b"fmt ":
            if form is not None:
                return False
            form = _form(file.read(min(length, 40)), length)
        file.seek(behind)
    return False


def _form(chunk: bytes, length: int) -> _Form | None:
    if len(chunk) < 16:
        return None
    form = _Form(*struct.unpack_from("<HHIIHH", chunk))
    if form.code != _EXTENSIBLE:
        return form
    if length != 40 or len(chunk) < 40:
        return None
    _, bits, speakers, code = struct.unpack_from("<HHIH", chunk, 16)
    told = bits == form.bits and chunk[26:] == _GUID and speakers in _SPEAKERS.get(form.channels, ())
    return form._replace(code=code) if told else None

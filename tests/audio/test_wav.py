"""WAV headers: plain ones, and those that ffmpeg had better look at."""

import io
import struct

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.audio.wav import is_plain


def written(subtype: str = "PCM_16", channels: int = 1, kind: str = "WAV") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros((101, channels)), 16_000, format=kind, subtype=subtype)
    return buffer.getvalue()


def plain(content: bytes) -> bool:
    return is_plain(io.BytesIO(content))


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("kind", ["WAV", "WAVEX"])
def test_what_libraries_write_is_plain(subtype: str, channels: int, kind: str) -> None:
    content = written(subtype, channels, kind)
    assert plain(content)
    assert plain(content + b"LIST" + struct.pack("<I", 4) + b"INFO")
    assert not plain(content[:-2])


def test_a_form_that_is_no_pcm_is_not() -> None:
    assert not any(plain(written(subtype)) for subtype in ("ULAW", "ALAW", "IMA_ADPCM", "GSM610"))


@pytest.mark.parametrize(
    ("offset", "value"),
    [(40, 0), (40, 0xFFFFFFFF), (40, 201), (22, 0), (24, 1), (28, 1), (32, 4), (34, 20), (20, 2), (16, 12)],
)
def test_a_header_that_contradicts_itself_or_its_file_is_not(offset: int, value: int) -> None:
    content = bytearray(written())
    width = 2 if offset in (20, 22, 32, 34) else 4
    content[offset : offset + width] = value.to_bytes(width, "little")
    assert not plain(bytes(content))


def test_speakers_elsewhere_than_in_front_are_mixed_by_ffmpeg() -> None:
    content = bytearray(written(channels=2, kind="WAVEX"))
    assert content[40:44] == bytes([3, 0, 0, 0])
    content[40] = 12
    assert not plain(bytes(content))


@given(st.binary(max_size=300))
def test_whatever_follows_is_no_error(content: bytes) -> None:
    plain(b"RIFF\0\0\0\0WAVE" + content)
    plain(b"RIFF\0\0\0\0WAVEfmt " + content)

"""Headers of uncompressed sound, made by libsndfile: what they tell, and what they leave open."""

import io
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.audio.pcm import read_header
from audioset_tools.audio.recording import decode_all
from tests.audio.test_ffmpeg_time import BUILDS, chosen

RATE = 8_000

# An odd number of frames: whatever is read in pieces of a round size ends with a shorter one.
SOUND = 0.4 * np.sin(np.arange(2 * RATE + 777) * 0.3)

FORMS = {
    ("WAV", "PCM_U8"): "u8",
    ("WAV", "PCM_16"): "s16le",
    ("WAVEX", "PCM_24"): "s24le",
    ("WAV", "FLOAT"): "f32le",
    ("WAV", "DOUBLE"): "f64le",
    ("WAV", "ULAW"): "mulaw",
    ("RF64", "PCM_16"): "s16le",
    ("W64", "PCM_32"): "s32le",
    ("AIFF", "PCM_S8"): "s8",
    ("AIFF", "PCM_16"): "s16be",
    ("AIFF", "FLOAT"): "f32be",
    ("AU", "PCM_16"): "s16be",
    ("AU", "ALAW"): "alaw",
    ("CAF", "PCM_16"): "s16be",
    ("CAF", "DOUBLE"): "f64be",
}

# What programs that write through a pipe leave there: nothing, the largest number, or one near 2 GiB.
UNTOLD = (0, 0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF000, 0x7FFFF024, 0x80000000, 0x7F000000, 0xFFFFFFDB)


@pytest.fixture(params=BUILDS, ids=lambda name: name.split("/")[-1])
def build(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    yield from chosen(request.param, monkeypatch)


def written(kind: str, subtype: str = "PCM_16") -> bytearray:
    file = io.BytesIO()
    soundfile.write(file, SOUND, RATE, format=kind, subtype=subtype)
    return bytearray(file.getvalue())


def untold(kind: str, size: int) -> bytes:
    """A file whose fields of size hold one number; wide ones hold their own largest."""
    content = written(kind)
    wide = {0xFFFFFFFF: 2**64 - 1, 0x7FFFFFFF: 2**63 - 1}.get(size, size)
    if kind == "WAV":
        struct.pack_into("<I", content, content.index(b"data") + 4, size)
        struct.pack_into("<I", content, 4, size)
    elif kind == "RF64":
        struct.pack_into("<QQQ", content, content.index(b"ds64") + 8, wide, wide, wide)
    elif kind == "W64":
        struct.pack_into("<Q", content, content.index(b"data\xf3\xac") + 16, wide)
    elif kind == "AIFF":
        struct.pack_into(">I", content, content.index(b"SSND") + 4, size)
        struct.pack_into(">I", content, content.index(b"COMM") + 10, size // 2)
    elif kind == "AU":
        struct.pack_into(">I", content, 8, size)
    else:
        struct.pack_into(">Q", content, content.index(b"data") + 4, wide)
    return bytes(content)


@pytest.mark.parametrize(("kind", "subtype"), FORMS)
def test_a_header_tells_form_place_and_length(kind: str, subtype: str) -> None:
    content = written(kind, subtype)
    header = read_header(io.BytesIO(content))
    assert header is not None
    assert (header.form, header.rate, header.channels) == (FORMS[kind, subtype], RATE, 1)
    assert header.seconds == pytest.approx(len(SOUND) / RATE, abs=1 / RATE)
    assert not header.is_cut_off
    cut = read_header(io.BytesIO(content[: len(content) - 2_000]))
    assert cut is not None and cut.is_cut_off and cut.seconds == header.seconds


@pytest.mark.parametrize("kind", ["WAV", "RF64", "W64", "AIFF", "AU", "CAF"])
def test_a_length_that_nobody_told_is_no_damage(kind: str, build: str, tmp_path: Path) -> None:
    path = tmp_path / "it"
    path.write_bytes(written(kind))
    whole = [block.samples for block in decode_all(path, pytest.fail)]
    for size in UNTOLD[:4] if build == BUILDS[0] else UNTOLD[4:]:
        path.write_bytes(untold(kind, size))
        found = [block.samples for block in decode_all(path, pytest.fail)]
        np.testing.assert_array_equal(np.concatenate(found), np.concatenate(whole), f"{size:x}")


@pytest.mark.parametrize("kind", ["WAV", "RF64", "W64", "AIFF", "AU", "CAF"])
def test_what_is_cut_off_is_told(kind: str, build: str, tmp_path: Path) -> None:
    notes: list[str] = []
    content = written(kind)
    (tmp_path / "it").write_bytes(content[: len(content) - len(SOUND)])
    list(decode_all(tmp_path / "it", notes.append))
    (note,) = notes
    assert note.startswith("it is damaged or cut off; 1.0 s of 2.1 s") or kind == "CAF"


@given(kind=st.sampled_from(sorted(FORMS)), at=st.integers(0, 120), value=st.binary(min_size=1, max_size=8))
def test_no_header_breaks_the_reader(kind: tuple[str, str], at: int, value: bytes) -> None:
    content = written(*kind)[:4_200]
    content[at : at + len(value)] = value
    header = read_header(io.BytesIO(content))
    assert header is None or (header.rate > 0 and header.channels > 0 and header.held <= len(content))


def test_what_is_none_of_these_has_no_header() -> None:
    for content in (
        b"",
        b"RIFF",
        b"RIFFxxxxWAVE",
        b"OggS" + bytes(99),
        b"FORMxxxxAIFF",
        b".snd",
        b"caff\0\1\0\0",
    ):
        assert read_header(io.BytesIO(content)) is None

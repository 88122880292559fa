"""libsndfile in this process: the samples asked for, without the memory that a header may claim."""

import io
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audioset_tools.audio.libsndfile import read_stretch
from audioset_tools.audio.stretch import Stretch

NOISE = (0.1 * np.random.default_rng(1).standard_normal((5 * 8_000, 2))).astype(np.float32)


def written(kind: str, subtype: str, rate: int = 8_000, samples: np.ndarray = NOISE) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=kind, subtype=subtype)
    return buffer.getvalue()


def stretch(content: bytes, start_ms: int = 1_000, end_ms: int = 3_000) -> Stretch | None:
    return read_stretch(io.BytesIO(content), content[:12], start_ms, end_ms)


@pytest.mark.parametrize(
    ("kind", "subtype", "form", "exact"),
    [("WAV", "FLOAT", "wav/pcm_f32le", 0.0), ("WAV", "PCM_16", "wav/pcm_s16le", 4e-5),
     ("WAVEX", "PCM_24", "wav/pcm_s24le", 2e-7), ("FLAC", "PCM_16", "flac", 4e-5)],
)  # fmt: skip
def test_the_very_samples_come(kind: str, subtype: str, form: str, exact: float) -> None:
    read = stretch(written(kind, subtype))
    assert read is not None
    assert (read.rate, read.form) == (8_000, f"{form} 8000 Hz 5.00 s")
    np.testing.assert_allclose(read.samples, NOISE[8_000:24_000], atol=exact, rtol=0)


def test_what_ends_early_is_given_as_far_as_it_goes() -> None:
    read = stretch(written("WAV", "PCM_16"), 4_000, 14_000)
    assert read is not None and read.samples.shape == (8_000, 2)
    assert stretch(written("WAV", "PCM_16"), 5_000, 15_000) is None


def test_an_open_file_is_read_wherever_it_stands(tmp_path: Path) -> None:
    path = tmp_path / "it.wav"
    path.write_bytes(written("WAV", "FLOAT"))
    with path.open("rb") as file:
        magic = file.read(12)
        read = read_stretch(file, magic, 0, 5_000)
    assert read is not None
    np.testing.assert_array_equal(read.samples, NOISE)


@pytest.mark.parametrize(
    "content",
    [b"", b"RIFF", b"fLaC" + bytes(100), b"ID3" + bytes(100), bytes(1_000), written("AIFF", "PCM_16"),
     written("OGG", "VORBIS"), written("WAV", "ULAW"), written("WAV", "PCM_16", 500),
     written("WAV", "PCM_16", samples=np.zeros((40_000, 3)))],
)  # fmt: skip
def test_the_rest_is_left_to_ffmpeg(content: bytes) -> None:
    assert stretch(content) is None


@pytest.mark.parametrize("rate", [1, 999, 16_000, 768_000, 2**31])
@pytest.mark.parametrize("frames", [10**9, 2**31 - 1])
def test_what_a_header_claims_takes_no_memory(rate: int, frames: int) -> None:
    size = 2 * frames & 0xFFFFFFFF
    head = struct.pack(
        "<4sI4s4sIHHIIHH", b"RIFF", size, b"WAVE", b"fmt ", 16, 1, 1, rate, 2 * rate & 0xFFFFFFFF, 2, 16
    )
    info = bytearray(written("FLAC", "PCM_16")[:42])
    # Rate (20 bits), channels and width (8), number of samples (36).
    info[18:26] = ((min(rate, 655_350) << 44) | (0x0F << 36) | frames).to_bytes(8, "big")
    tracemalloc.start()
    for content in (head + b"data" + struct.pack("<I", size) + bytes(64), bytes(info) + bytes(1_000)):
        assert stretch(content, 0, 10_000) is None
    assert tracemalloc.get_traced_memory()[1] < 20e6
    tracemalloc.stop()

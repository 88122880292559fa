"""A clip's file: what is written is what is read back, and what is no clip is found out."""

import hashlib
import io
import os
from errno import ENOSPC
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.audio.clip import clip_trouble, read_clip, wav_header, write_clip
from audioset_tools.exceptions import DataMismatch
from audioset_tools.types import CLIP_SAMPLES, SAMPLE_RATE, SAMPLE_RATES, clip_bytes

SAMPLES = np.random.default_rng(1).integers(-(2**15), 2**15, CLIP_SAMPLES, np.int16)
HEADER = wav_header(SAMPLE_RATE)
CLIP = HEADER + SAMPLES.tobytes()


def test_a_written_clip_is_read_back_and_its_digest_is_the_files(tmp_path: Path) -> None:
    target = tmp_path / "clips" / "Flute" / "Yabc.wav"
    sha256 = write_clip(SAMPLES, target)
    assert target.read_bytes() == CLIP
    assert hashlib.sha256(CLIP).hexdigest() == sha256
    assert np.array_equal(read_clip(target, sha256), SAMPLES / np.float32(2**15))
    assert [path.name for path in target.parent.iterdir()] == ["Yabc.wav"]
    with pytest.raises(DataMismatch, match="not the file that was fetched"):
        read_clip(target, hashlib.sha256(b"").hexdigest())


def test_a_disk_that_is_full_leaves_the_clip_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "Yabc.wav"
    target.write_bytes(b"before")

    def full(_: int) -> None:
        raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_clip(SAMPLES, target)
    assert target.read_bytes() == b"before" and list(tmp_path.iterdir()) == [target]


def wav(samples: np.ndarray, rate: int = SAMPLE_RATE, subtype: str = "PCM_16") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="WAV", subtype=subtype)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("content", "words", "is_wrong_length"),
    [
        (b"", "is empty", False),
        (b"RIFF and no more", "is no WAV file", False),
        (wav(SAMPLES, 8_000), "is 8000 Hz, 1 channel(s), 16 bit", False),
        (wav(SAMPLES.reshape(-1, 2)), "is 16000 Hz, 2 channel(s), 16 bit", False),
        (wav(SAMPLES, subtype="PCM_24"), "is 16000 Hz, 1 channel(s), 24 bit", False),
        (CLIP[:-1], "is cut off: 320,043 bytes instead of 320,044", False),
        (wav(SAMPLES[1:]), "holds 159,999 samples instead of 160,000", True),
        (CLIP + b"\0", "has 320,045 bytes instead of 320,044", False),
        (CLIP[:4] + bytes(4) + CLIP[8:], "is no WAV file", False),
    ],
)
def test_what_is_no_clip_is_told_from_its_header_and_size(
    content: bytes, words: str, is_wrong_length: bool
) -> None:
    assert clip_trouble(content[:4_096], len(content)) == (words, is_wrong_length)


def test_a_clip_has_no_trouble() -> None:
    assert clip_trouble(CLIP[:4_096], clip_bytes(SAMPLE_RATE)) is None


@given(at=st.integers(0, len(HEADER) - 1), byte=st.integers(0, 255))
def test_no_other_header_passes_for_a_clips(at: int, byte: int) -> None:
    content = CLIP[:at] + bytes([byte]) + CLIP[at + 1 :]
    assert (clip_trouble(content, len(content)) is None) is (content == CLIP)


@pytest.mark.parametrize("rate", SAMPLE_RATES)
def test_a_clip_of_any_rate_is_read_back(rate: int, tmp_path: Path) -> None:
    samples = np.arange(10 * rate).astype(np.int16)
    sha256 = write_clip(samples, tmp_path / "Yabc.wav", rate)
    content = (tmp_path / "Yabc.wav").read_bytes()
    assert content == wav_header(rate) + samples.tobytes()
    assert np.array_equal(read_clip(tmp_path / "Yabc.wav", sha256), samples / np.float32(2**15))
    others = [clip_trouble(content, len(content), other) for other in SAMPLE_RATES]
    assert [trouble is None for trouble in others] == [other == rate for other in SAMPLE_RATES]


def test_the_header_of_a_clip_at_16_khz_is_what_it_always_was() -> None:
    assert wav_header(16_000).hex() == (
        "5249464624e2040057415645666d74201000000001000100803e0000007d00000200100064617461" + "00e20400"
    )

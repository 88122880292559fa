"""Decoding: exact length, honest level, no aliases, and every bad stream told from a good one."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audioset_tools.fetch import transcode
from audioset_tools.fetch.source import Excerpt, FetchError
from audioset_tools.fetch.transcode import decode, write_clip
from audioset_tools.types import CLIP_SAMPLES, Reason


def wav(samples: np.ndarray, rate: int) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


def tone(hertz: float, seconds: float, rate: int = 48_000, channels: int = 2, level: float = 0.5) -> bytes:
    time = np.arange(round(seconds * rate)) / rate
    return wav(np.repeat(level * np.sin(2 * np.pi * hertz * time)[:, None], channels, axis=1), rate)


def level(samples: np.ndarray) -> float:
    return float(np.sqrt(2 * np.mean((samples[8_000:-8_000] / 32768) ** 2)))


@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("rate", [8_000, 44_100, 48_000])
def test_a_tone_keeps_its_level_and_gets_the_exact_length(channels: int, rate: int) -> None:
    sound = decode(Excerpt(tone(440, 12, rate, channels), "test"), 1_000, 11_000)
    assert sound.samples.shape == (CLIP_SAMPLES,)
    assert sound.seconds == pytest.approx(10, abs=0.001)
    if channels < 6:
        assert level(sound.samples) == pytest.approx(0.5, rel=0.01)


def test_what_lies_above_8_khz_does_not_come_back_as_an_alias() -> None:
    sound = decode(Excerpt(wav(np.concatenate([
        0.1 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000),
        0.5 * np.sin(2 * np.pi * 9_000 * np.arange(480_000) / 48_000),
    ]), 48_000), "test"), 0, 10_000)  # fmt: skip
    assert np.abs(sound.samples[32_000:-1_600]).max() <= 2


def test_a_segment_shorter_than_ten_seconds_is_padded_with_zeros() -> None:
    sound = decode(Excerpt(tone(440, 5), "test"), 1_000, 4_000)
    assert sound.seconds == pytest.approx(3, abs=0.001)
    assert not sound.samples[48_001:].any()
    assert sound.samples[47_000:47_900].any()


@pytest.mark.parametrize(
    ("length_ms", "reason"),
    [(6_000, Reason.BEYOND_END), (60_000, Reason.TRUNCATED), (None, Reason.TRUNCATED)],
)
def test_a_stream_that_ends_early_is_no_clip(length_ms: int | None, reason: Reason) -> None:
    with pytest.raises(FetchError) as caught:
        decode(Excerpt(tone(440, 6), "test", length_ms), 0, 10_000)
    assert caught.value.reason is reason


def test_silence_is_no_clip() -> None:
    with pytest.raises(FetchError) as caught:
        decode(Excerpt(tone(440, 10, level=0.0005), "test"), 0, 10_000)
    assert caught.value.reason is Reason.SILENT


@pytest.mark.parametrize("media", [b"", b"<html>Sorry</html>", bytes(10_000), tone(440, 10)[:30]])
def test_what_is_no_audio_is_told(media: bytes) -> None:
    with pytest.raises(FetchError) as caught:
        decode(Excerpt(media, "test"), 0, 10_000)
    assert caught.value.reason in (Reason.DECODE, Reason.TRUNCATED)


def test_an_ffmpeg_that_hangs_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hanging = tmp_path / "ffmpeg"
    hanging.write_text("#!/bin/sh\nexec sleep 60\n")
    hanging.chmod(0o755)
    transcode._resampler()
    monkeypatch.setattr(transcode, "ffmpeg_binary", lambda: str(hanging))
    with pytest.raises(FetchError) as caught:
        decode(Excerpt(b"x", "test"), 0, 10_000, timeout=0.2)
    assert caught.value.reason is Reason.TIMEOUT


def test_a_written_clip_is_read_back_and_its_digest_is_the_files(tmp_path: Path) -> None:
    import hashlib

    sound = decode(Excerpt(tone(440, 10), "test"), 0, 10_000)
    target = tmp_path / "clips" / "Flute" / "Yabc.wav"
    sha256 = write_clip(sound, target)
    samples, rate = soundfile.read(target, dtype="int16")
    assert rate == 16_000
    assert np.array_equal(samples, sound.samples)
    assert hashlib.sha256(target.read_bytes()).hexdigest() == sha256
    assert [path.name for path in target.parent.iterdir()] == ["Yabc.wav"]

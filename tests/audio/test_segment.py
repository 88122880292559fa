"""A segment: exact length, honest level, no aliases, and every bad stream told from a good one."""

import io
import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audioset_tools.audio import segment
from audioset_tools.audio.clip import read_clip
from audioset_tools.audio.ffmpeg import DecodeError, DecodeFault, Media
from audioset_tools.audio.kept import keep_source
from audioset_tools.audio.segment import decode_segment
from audioset_tools.exceptions import DataMismatch
from audioset_tools.types import CLIP_SAMPLES


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
    sound = decode_segment(Media(tone(440, 12, rate, channels)), 1_000, 11_000)
    assert sound.samples.shape == (CLIP_SAMPLES,)
    assert sound.seconds == pytest.approx(10, abs=0.001)
    if channels < 6:
        assert level(sound.samples) == pytest.approx(0.5, rel=0.01)


def test_what_lies_above_8_khz_does_not_come_back_as_an_alias() -> None:
    sound = decode_segment(Media(wav(np.concatenate([
        0.1 * np.sin(2 * np.pi * 440 * np.arange(48_000) / 48_000),
        0.5 * np.sin(2 * np.pi * 9_000 * np.arange(480_000) / 48_000),
    ]), 48_000)), 0, 10_000)  # fmt: skip
    assert np.abs(sound.samples[32_000:-1_600]).max() <= 2


def test_a_segment_shorter_than_ten_seconds_is_padded_with_zeros() -> None:
    sound = decode_segment(Media(tone(440, 5)), 1_000, 4_000)
    assert sound.seconds == pytest.approx(3, abs=0.001)
    assert not sound.samples[48_001:].any()
    assert sound.samples[47_000:47_900].any()


def test_a_stream_that_ends_early_is_no_clip() -> None:
    with pytest.raises(DecodeError, match="4000 ms of the segment did not come") as caught:
        decode_segment(Media(tone(440, 6)), 0, 10_000)
    assert caught.value.fault is DecodeFault.SHORT


@pytest.mark.parametrize(("seconds", "fault"), [(10.4, None), (11, DecodeFault.LONG)])
def test_what_is_taken_to_end_with_the_segment_must_not_go_on(
    seconds: float, fault: DecodeFault | None
) -> None:
    media = Media(tone(440, seconds))
    assert decode_segment(media, 0, 10_000).seconds == 10
    if fault is None:
        assert decode_segment(media, 0, 10_000, tail_ms=500).seconds == 10
        return
    with pytest.raises(DecodeError) as caught:
        decode_segment(media, 0, 10_000, tail_ms=500)
    assert caught.value.fault is fault


def test_silence_is_no_clip() -> None:
    with pytest.raises(DecodeError) as caught:
        decode_segment(Media(tone(440, 10, level=0.0005)), 0, 10_000)
    assert caught.value.fault is DecodeFault.SILENT


@pytest.mark.parametrize("content", [b"", b"<html>Sorry</html>", bytes(10_000), tone(440, 10)[:30]])
def test_what_is_no_audio_is_told(content: bytes) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_segment(Media(content), 0, 10_000)
    assert caught.value.fault in (DecodeFault.FAILED, DecodeFault.SHORT)


def test_it_says_what_decoded_it_and_what_it_found(tmp_path: Path) -> None:
    path = tmp_path / "it.flac"
    soundfile.write(path, np.repeat(0.1 * np.sin(np.arange(480_000) / 9)[:, None], 2, axis=1), 48_000)
    heard = [decode_segment(media, 0, 10_000) for media in (Media(path), Media(path.read_bytes()))]
    for sound in heard:
        assert sound.form == "flac 48000 Hz 10.00 s"
        assert re.fullmatch(r"soundfile [0-9.]+ soxr [0-9.]+", sound.decoder)
        np.testing.assert_array_equal(sound.samples, heard[0].samples)
    six = decode_segment(Media(tone(440, 12, 44_100, 6)), 1_000, 11_000)
    assert six.form == "wav/pcm_f32le 44100 Hz 12.00 s"
    assert re.fullmatch(r"ffmpeg \S+ (soxr|swr)", six.decoder)


def test_what_is_short_or_holds_no_numbers_is_ffmpegs_to_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    ours = segment.decode_by_ffmpeg
    monkeypatch.setattr(segment, "decode_by_ffmpeg", lambda *given: asked.append(1) or ours(*given))
    decode_segment(Media(tone(440, 9.6)), 0, 10_000)
    assert asked == []
    with pytest.raises(DecodeError):
        decode_segment(Media(tone(440, 9.4)), 0, 10_000)
    assert asked == [1]
    samples = np.zeros(11 * 16_000, np.float32)
    samples[:100_000] = 0.1
    samples[10 * 16_000 + 9] = np.nan
    assert decode_segment(Media(wav(samples, 16_000)), 0, 10_000).decoder.startswith("soundfile")
    samples[100_000] = np.nan
    with pytest.raises(DecodeError):
        decode_segment(Media(wav(samples, 16_000)), 0, 10_000)
    assert asked == [1, 1]


@pytest.mark.parametrize("rate", [16_000, 32_000, 44_100, 48_000])
def test_a_clip_has_the_rate_asked_for(rate: int) -> None:
    sound = decode_segment(Media(tone(440, 12)), 1_000, 11_000, rate=rate)
    assert (sound.samples.shape, sound.seconds) == ((10 * rate,), 10)
    spectrum = np.abs(np.fft.rfft(sound.samples))
    assert np.argmax(spectrum) == 4_400


def test_several_threads_decode_the_same_bytes() -> None:
    media = Media(tone(440, 12, 44_100))
    with ThreadPoolExecutor(4) as pool:
        sounds = list(pool.map(lambda _: decode_segment(media, 1_000, 11_000), range(12)))
    assert len({sound.samples.tobytes() for sound in sounds}) == 1


def test_a_pipe_or_a_device_in_a_recordings_place_is_waited_for_by_nobody(tmp_path: Path) -> None:
    pipe, device = tmp_path / "pipe.wav", tmp_path / "device.wav"
    os.mkfifo(pipe)
    device.symlink_to("/dev/zero")
    for path in (pipe, device):
        with pytest.raises(DecodeError) as caught:
            decode_segment(Media(path), 0, 10_000)
        assert caught.value.fault is DecodeFault.BROKEN
        with pytest.raises(OSError, match="regular"):
            keep_source(Media(path), tmp_path / "kept")
        with pytest.raises(DataMismatch, match="regular"):
            read_clip(path, "")

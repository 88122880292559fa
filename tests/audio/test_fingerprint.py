"""The same sound is known again after re-encoding, another ffmpeg, a shift; another sound is another."""

import subprocess

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from imageio_ffmpeg import get_ffmpeg_exe

from audioset_tools.audio.binary import find_ffmpeg
from audioset_tools.audio.fingerprint import FINGERPRINT_BYTES, SAME_BELOW, distance, fingerprint
from audioset_tools.simulator import Plan
from audioset_tools.simulator.sounds import at_clip_rate, wanted

IDS = [f"{n:010}A" for n in range(12)]


def sound(ytid: str) -> np.ndarray:
    return (np.asarray(wanted(Plan(seed=1), ytid)) * 32767).astype(np.int16)


def through(samples: np.ndarray, *codec: str, form: str, binary: str = "") -> np.ndarray:
    """What comes back from a codec, decoded by an ffmpeg."""
    pcm = ["-f", "s16le", "-ar", "16000", "-ac", "1"]
    base = [find_ffmpeg().binary, "-v", "error"]
    there = [*base, *pcm, "-i", "-", "-c:a", *codec, "-f", form, "-"]
    made = subprocess.run(there, input=samples.tobytes(), capture_output=True, check=True).stdout
    back = [binary or base[0], "-v", "error", "-i", "-", *pcm, "-"]
    content = subprocess.run(back, input=made, capture_output=True, check=True).stdout
    return np.pad(np.frombuffer(content, "<i2"), (0, 160_000))[:160_000]


@pytest.mark.parametrize(
    ("codec", "form"),
    [
        (("libopus", "-b:a", "64k"), "ogg"),
        (("libmp3lame", "-b:a", "64k"), "mp3"),
        (("aac", "-b:a", "96k"), "adts"),
    ],
)
def test_a_re_encoded_sound_is_the_same(codec: tuple[str, ...], form: str) -> None:
    for ytid in IDS[:4]:
        samples = sound(ytid)
        for binary in ("", get_ffmpeg_exe()):
            again = through(samples, *codec, form=form, binary=binary)
            apart = distance(fingerprint(samples), fingerprint(again))
            assert apart is not None and apart < 0.6 * SAME_BELOW


@pytest.mark.parametrize("late", [-1_600, -300, 1, 200, 800, 1_600])
def test_a_shift_of_up_to_a_tenth_of_a_second_is_found(late: int) -> None:
    samples = sound(IDS[0])
    moved = np.roll(np.pad(samples, (2_000, 2_000)), late)[2_000:-2_000]
    apart = distance(fingerprint(samples), fingerprint(moved))
    assert apart is not None and apart < SAME_BELOW / 2


def test_a_bit_here_and_there_and_the_level_change_next_to_nothing() -> None:
    samples, rng = sound(IDS[1]).astype(np.int32), np.random.default_rng(0)
    first = fingerprint(samples.astype(np.int16))
    for other in (samples + rng.integers(-1, 2, len(samples)), samples // 2, samples // 8):
        apart = distance(first, fingerprint(np.clip(other, -32768, 32767).astype(np.int16)))
        assert apart is not None and apart < 0.12


def test_different_sounds_are_different() -> None:
    # Each of another voice or of other phrases.
    voices = [
        ("piano", 0),
        ("piano", 6),
        ("drums", 0),
        ("flute", 0),
        ("bells", 0),
        ("wind", 0),
        ("engine", 0),
    ]
    prints = []
    for voice, first in voices:
        phrases = np.concatenate([at_clip_rate(voice, first + n) for n in range(6) if first + n < 16])
        phrases = np.concatenate([phrases, phrases])[:160_000]
        prints.append(fingerprint((phrases * 32767).astype(np.int16)))
    for number, one in enumerate(prints):
        for other in prints[number + 1 :]:
            apart = distance(one, other)
            assert apart is not None and apart > 1.5 * SAME_BELOW


def test_silence_decides_nothing() -> None:
    samples = sound(IDS[2])
    noise = np.random.default_rng(1).integers(-2, 3, 160_000)
    short, noisy = samples.copy(), samples.astype(np.int32)
    short[48_000:], noisy[48_000:] = 0, noise[48_000:]
    apart = distance(fingerprint(short), fingerprint(noisy.astype(np.int16)))
    assert apart is not None and apart < 0.05
    silent = fingerprint(np.zeros(160_000, np.int16))
    assert distance(silent, silent) is None and distance(silent, fingerprint(samples)) is None
    # Of which three seconds are the same, and seven are not there.
    apart = distance(fingerprint(short), fingerprint(samples))
    assert apart is not None and apart > SAME_BELOW


def test_another_rate_gives_the_same() -> None:
    from scipy.signal import resample_poly

    samples = sound(IDS[3])
    for up, down in ((2, 1), (441, 160), (3, 1)):  # 32, 44.1 and 48 kHz
        other = np.clip(resample_poly(samples.astype(float), up, down), -32768, 32767).astype(np.int16)
        apart = distance(fingerprint(samples), fingerprint(other))
        assert apart is not None and apart < 0.05


@given(st.binary(max_size=40), st.binary(min_size=FINGERPRINT_BYTES, max_size=FINGERPRINT_BYTES))
def test_what_is_no_fingerprint_is_compared_with_nothing(one: bytes, other: bytes) -> None:
    assert distance(one, other) is None
    found = distance(other, other)
    assert found is None or found == 0.0

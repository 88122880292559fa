"""Silence is what has no sound for long enough: the ear, not the peak, is what this stands for."""

import subprocess
from pathlib import Path

import numpy as np
import pytest

from audioset_tools.audio.recording import decode_all
from audioset_tools.predict.silence import audible_s, is_silent

RATE = 16_000
TEN = 10 * RATE


def pcm(sound: np.ndarray, decibels: float = 0.0) -> np.ndarray:
    """At a peak so far below full scale."""
    scaled = sound / np.abs(sound).max() * 32_767 * 10 ** (decibels / 20)
    return np.rint(scaled).astype(np.int16)


def plucked(seconds: float, notes: int) -> np.ndarray:
    """Strings by Karplus and Strong (1983): every note begins with noise and dies away."""
    rng, sound = np.random.default_rng(0), np.zeros(round(seconds * RATE))
    for start in np.linspace(0, len(sound) - RATE // 2, notes).astype(int):
        ring = rng.uniform(-1, 1, int(rng.integers(20, 80)))
        for at in range(start, min(start + RATE // 2, len(sound))):
            n = at % len(ring)
            sound[at] += ring[n]
            ring[n] = 0.498 * (ring[n] + ring[(n + 1) % len(ring)])
    return sound


@pytest.mark.parametrize("length", [1, 80, RATE // 20])
@pytest.mark.parametrize("at", [0, 3 * RATE + 77, 5 * RATE - 20, TEN - RATE // 20])
def test_a_click_is_silence_however_loud(length: int, at: int) -> None:
    samples = np.zeros(TEN, np.int16)
    samples[at : at + length] = 32_767
    assert is_silent(samples, RATE)
    assert audible_s(samples, RATE) <= length / RATE + 0.02


@pytest.mark.parametrize("rate", [8_000, 16_000, 32_000])
def test_an_offset_and_a_floor_of_noise_are_silence(rate: int) -> None:
    rng = np.random.default_rng(0)
    floor = np.rint(rng.normal(0, 32_768 * 10 ** (-80 / 20), 10 * rate))
    assert is_silent(floor.astype(np.int16), rate)
    assert is_silent((floor + 5_000).astype(np.int16), rate)
    assert is_silent(np.zeros(10 * rate, np.int16), rate)


@pytest.mark.parametrize("decibels", [-20, -40, -55])
@pytest.mark.parametrize("notes", [4, 20])
def test_soft_music_is_no_silence(notes: int, decibels: float) -> None:
    music = pcm(plucked(10, notes), decibels)
    assert not is_silent(music, RATE)
    assert not is_silent((music + 500).astype(np.int16), RATE)


def test_what_one_second_of_music_leaves_of_ten_is_no_silence() -> None:
    samples = np.zeros(TEN, np.int16)
    samples[-RATE:] = pcm(plucked(1, 2), -40)
    assert not is_silent(samples, RATE)


def test_a_short_sound_is_measured_by_its_own_length() -> None:
    assert not is_silent(pcm(np.sin(np.arange(RATE // 20) * 0.2)), RATE)
    assert not is_silent(np.array([0, 9_000, -9_000], np.int16), RATE)
    assert is_silent(np.zeros(1, np.int16), RATE)


def test_the_measure_agrees_with_one_frame_after_the_other() -> None:
    rng = np.random.default_rng(1)
    samples = np.rint(rng.normal(0, 1, 37_123) * np.geomspace(1, 60, 37_123)).astype(np.int16)
    heard = 0
    for second in np.split(samples, [16_000, 32_000]):
        level = second.astype(float)
        whole = level[: len(level) // 160 * 160]
        frames = whole.reshape(-1, 160)
        power = ((frames - np.median(frames.mean(axis=1))) ** 2).mean(axis=1)
        heard += int((10 * np.log10(np.maximum(power, 1e-9) / 32_768**2) >= -75).sum())
    assert audible_s(samples, RATE) == pytest.approx(heard / 100, abs=0.02)


@pytest.mark.skipif(not Path("/usr/bin/espeak-ng").exists(), reason="there is no espeak-ng")
def test_soft_speech_is_no_silence(tmp_path: Path) -> None:
    words = ["espeak-ng", "-w", str(tmp_path / "it.wav"), "What is said softly is said all the same."]
    subprocess.run(words, check=True, timeout=30)
    speech = np.concatenate([block.samples for block in decode_all(tmp_path / "it.wav", print)])
    assert not is_silent(pcm(speech.astype(float), -58), RATE)

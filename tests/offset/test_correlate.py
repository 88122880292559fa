"""The offset of two sounds is found to the sample, and a periodic sound says that it cannot tell."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.offset.correlate import offset_between
from audioset_tools.types import CLIP_SAMPLES, SAMPLE_RATE


def pair(sound: np.ndarray, shift: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Two cuts of one recording, the second with noise of its own and quieter; by `shift` samples later."""
    margin = 3 * SAMPLE_RATE
    first = sound[margin : margin + CLIP_SAMPLES]
    # What comes later in the second begins earlier in the recording.
    second = 0.5 * sound[margin - shift : margin - shift + CLIP_SAMPLES]
    second = second + 0.002 * rng.standard_normal(CLIP_SAMPLES)
    return tuple((0.3 * 32767 * one / np.abs(sound).max()).astype(np.int16) for one in (first, second))


@settings(max_examples=20, deadline=None)
@given(shift=st.integers(-2 * SAMPLE_RATE, 2 * SAMPLE_RATE), seed=st.integers(0, 99))
def test_noise_and_struck_notes_tell_the_offset_to_the_sample(shift: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    sound = rng.standard_normal(16 * SAMPLE_RATE) * np.exp(-(np.arange(16 * SAMPLE_RATE) % 7_001) / 2_000)
    found = offset_between(*pair(sound, shift, rng))
    assert found.ms == pytest.approx(shift * 1000 / SAMPLE_RATE)
    assert found.is_clear


@pytest.mark.parametrize("hertz", [220.0, 440.0, 441.3])
def test_a_steady_tone_is_no_evidence(hertz: float) -> None:
    time = np.arange(16 * SAMPLE_RATE) / SAMPLE_RATE
    sound = sum(np.sin(2 * np.pi * hertz * n * time) / n for n in range(1, 9))
    assert not offset_between(*pair(sound, 1_000, np.random.default_rng(0))).is_clear


def test_two_different_sounds_have_no_clear_offset() -> None:
    rng = np.random.default_rng(1)
    first, second = (8_000 * rng.standard_normal((2, CLIP_SAMPLES)).clip(-3, 3)).astype(np.int16)
    assert not offset_between(first, second).is_clear


def test_silence_divides_by_nothing() -> None:
    nothing = np.zeros(CLIP_SAMPLES, np.int16)
    assert not offset_between(nothing, nothing).is_clear

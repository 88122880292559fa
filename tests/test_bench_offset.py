"""The instrument that says how late a cut comes."""

import math

import numpy as np
import pytest
from offset import offset_ms

from audioset_tools.simulator import Plan
from audioset_tools.simulator.sounds import wanted


@pytest.mark.parametrize("class_name", ["Piano", "Drums", "Flute", "Other"])
@pytest.mark.parametrize("late_ms", [0, 1, -25, 300, -2_300, 9_000, -9_000])
def test_offset_is_what_the_sound_was_moved_by(class_name: str, late_ms: int) -> None:
    clip = wanted(Plan(table={"aaaaaaaaaaA": (class_name, 0, 10_000)}), "aaaaaaaaaaA")
    samples = 16 * late_ms
    moved = np.zeros_like(clip)
    if samples >= 0:
        moved[samples:] = clip[: len(clip) - samples]
    else:
        moved[:samples] = clip[-samples:]
    assert offset_ms(clip, moved) == pytest.approx(late_ms, abs=0.1)


def test_silence_has_no_offset() -> None:
    nothing = np.zeros(160_000, np.float32)
    assert math.isnan(offset_ms(nothing, nothing))

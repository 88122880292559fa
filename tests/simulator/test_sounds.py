"""The sounds: phrases that differ, and what a perfect cut of a video holds."""

import numpy as np
import pytest

from audioset_tools.simulator import Plan
from audioset_tools.simulator.plan import PHRASES
from audioset_tools.simulator.sounds import PHRASE, phrase, wanted


@pytest.mark.parametrize("voice", [voice for voice in PHRASES if voice != "silence"])
def test_phrases_are_loud_differ_and_end_softly(voice: str) -> None:
    first, second = phrase(voice, 0), phrase(voice, 1)
    assert first.shape == (PHRASE,)
    assert first.dtype == np.float32
    assert 0.3 < np.abs(first).max() <= 0.71
    assert abs(first[0]) < 1e-3
    assert abs(first[-1]) < 1e-3
    assert not np.array_equal(first, second)


def test_phrases_do_not_change_from_call_to_call() -> None:
    before = phrase("drums", 3)
    phrase.cache_clear()
    np.testing.assert_array_equal(before, phrase("drums", 3))


def test_wanted_has_the_clips_length_and_ends_where_the_segment_does() -> None:
    plan = Plan(table={"aaaaaaaaaaA": ("Piano", 30_000, 34_000), "bbbbbbbbbbA": ("Piano", 0, 10_000)})
    short, whole = wanted(plan, "aaaaaaaaaaA"), wanted(plan, "bbbbbbbbbbA")
    assert short.shape == whole.shape == (160_000,)
    assert short[:64_000].any()
    assert not short[64_000:].any()
    assert np.abs(whole[-16_000:]).max() > 0.01


def test_ids_sound_different() -> None:
    plan = Plan(table={f"{letter * 10}A": ("Drums", 0, 10_000) for letter in "abcd"})
    clips = [wanted(plan, ytid) for ytid in plan.table]
    assert max(np.corrcoef(clips)[np.triu_indices(4, 1)]) < 0.9


def test_a_silent_video_and_one_that_ends_before_hold_nothing() -> None:
    faults = {"aaaaaaaaaaA": "silent", "bbbbbbbbbbA": "beyond-end"}
    assert not any(wanted(Plan(faults=faults), ytid).any() for ytid in faults)

"""Scenes: the same key gives the same clip, its label is what sounds, and each trouble does its work."""

from dataclasses import replace

import numpy as np
import pytest

from audioset_tools.simulator.plan import voices_of
from audioset_tools.simulator.scenes import Difficulty, Scene, direct, render

CLASSES = ("Piano", "Drums", "Flute", "Other")
KEYS = [f"{number:010}A_0" for number in range(400)]


def scenes(label: str, **settings: object) -> list[Scene]:
    return [direct(key, (label,), CLASSES, Difficulty(**settings)) for key in KEYS]


def test_a_scene_belongs_to_its_key_and_seed() -> None:
    one = direct(KEYS[0], ("Drums",), CLASSES)
    assert one == direct(KEYS[0], ("Drums",), CLASSES)
    assert one != direct(KEYS[1], ("Drums",), CLASSES) and one != direct(KEYS[0], ("Drums",), CLASSES, seed=1)
    first, second = render(one), render(one)
    assert first.tobytes() == second.tobytes() and first.shape == (160_000,) and first.dtype == np.int16


@pytest.mark.parametrize("label", CLASSES)
def test_the_label_says_what_sounds_but_for_a_small_share(label: str) -> None:
    right = [scene.parts[0].voice in voices_of(label) for scene in scenes(label, mislabelled=0.1)]
    assert 0.85 < np.mean(right) < 0.95
    assert all(scene.parts[0].voice in voices_of(label) for scene in scenes(label, mislabelled=0))


@pytest.mark.parametrize("label", CLASSES)
def test_behind_the_label_lies_nothing_that_another_class_is_known_by(label: str) -> None:
    for scene in scenes(label):
        behind = [part.voice for part in scene.parts[1:]]
        assert set(behind) <= set(voices_of("Other")) - {scene.parts[0].voice}
        assert len(set(behind)) == len(behind)


def test_several_instruments_sound_at_once() -> None:
    scene = direct(KEYS[0], ("Piano", "Flute"), CLASSES[:3], Difficulty(mislabelled=0, partly=0))
    assert [part.voice for part in scene.parts[:2]] == ["piano", "flute"]
    assert all((part.begin, part.end) == (0, 160_000) for part in scene.parts)


def test_what_is_asked_for_is_drawn() -> None:
    made = scenes("Piano", partly=0.5, muffled=0.5, snr_db=(-5, 5), peak_db=(-20, -10))
    partly = [scene.parts[0].end - scene.parts[0].begin < 160_000 for scene in made]
    muffled = [scene.cutoff is not None for scene in made]
    assert 0.4 < np.mean(partly) < 0.6 and 0.4 < np.mean(muffled) < 0.6
    levels = [part.level_db for scene in made for part in scene.parts[1:]]
    assert -5 <= min(levels) < -4 and 4 < max(levels) <= 5
    assert all(-20 <= scene.peak_db <= -10 for scene in made)


def test_a_scene_is_heard_as_it_was_directed() -> None:
    scene = direct(KEYS[0], ("Flute",), CLASSES, Difficulty(mislabelled=0))
    (part, *_) = scene.parts
    alone = replace(
        scene, parts=(replace(part, begin=48_000, end=96_000),), noise_db=-40, peak_db=-6, cutoff=1_500
    )
    sound = render(alone).astype(float)
    assert np.abs(sound).max() == pytest.approx(32_767 * 10 ** (-6 / 20), abs=1)
    inside, before = np.std(sound[48_000:96_000]), np.std(sound[:48_000])
    assert inside > 10 * before > 0
    spectrum = np.abs(np.fft.rfft(sound)) ** 2
    assert spectrum[30_000:].sum() < 0.05 * spectrum.sum()

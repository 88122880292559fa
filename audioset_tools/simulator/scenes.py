"""Clips that are hard to classify: an instrument somewhere in a noisy world, as people film it.

The videos of the simulator each play one clean voice, which any network learns to perfection. A scene has the
wanted voices behind or before others, noise, a cheap microphone, some silence, and now and then a wrong
label: what AudioSet is made of. `direct` decides all that sounds, `render` plays it.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, sosfilt

from ..types import CLIP_SAMPLES, SAMPLE_RATE
from .plan import voices_of
from .sounds import at_clip_rate

Samples = npt.NDArray[np.float64]

PHRASES = 48
"""How many phrases of each voice the scenes know, more than the videos play."""

_FADE = SAMPLE_RATE // 20


@dataclass(frozen=True, slots=True)
class Difficulty:
    """What makes scenes hard. Ranges are drawn from uniformly, shares are of all clips.

    Args:
        snr_db: the wanted voices over each of the others, mean power while they sound.
        others: how many other voices there are, at least and at most.
        noise_db: the wanted voices over the noise, which is white to pink.
        partly: share of clips in which the wanted voices sound for 1.5 to 6 s only.
        muffled: share of clips behind a microphone that ends at 1 to 5 kHz.
        mislabelled: share of clips in which something else sounds than their label says.
        speed: of playing, and so also the pitch.
        peak_db: of the clip, below full scale.
    """

    snr_db: tuple[float, float] = (-5.0, 20.0)
    others: tuple[int, int] = (0, 2)
    noise_db: tuple[float, float] = (5.0, 35.0)
    partly: float = 0.25
    muffled: float = 0.25
    mislabelled: float = 0.05
    speed: tuple[float, float] = (0.8, 1.25)
    peak_db: tuple[float, float] = (-30.0, -1.0)


@dataclass(frozen=True, slots=True)
class Part:
    """What one voice does in a scene.

    Args:
        phrases: what the voice plays, one after the other.
        speed: how fast, 1 being as written.
        begin, end: from which sample of the clip to before which.
        level_db: its mean power meanwhile, on a scale of the scene's own.
    """

    voice: str
    phrases: tuple[int, ...]
    speed: float
    begin: int
    end: int
    level_db: float


@dataclass(frozen=True, slots=True)
class Scene:
    """All that sounds in a clip.

    Args:
        noise_db: the noise's mean power, on the parts' scale.
        noise_slope: its power falls with frequency to this power: 0 is white, 1 is pink.
        cutoff: hertz at which the microphone ends; None for a good one.
        peak_db: the clip's largest sample, relative to full scale.
    """

    parts: tuple[Part, ...]
    noise_db: float
    noise_slope: float
    cutoff: float | None
    peak_db: float
    noise_seed: int


def direct(
    key: str,
    labels: Sequence[str],
    class_names: Sequence[str],
    difficulty: Difficulty = Difficulty(),
    seed: int = 0,
) -> Scene:
    """Decide what sounds in a clip; the same arguments always give the same scene.

    Args:
        labels: the clip's classes; each sounds in it, unless the clip is one of the mislabelled.
        class_names: of all classes that a mislabelled clip may sound like.
        difficulty: how hard it is to hear.
        seed: another seed gives every key another scene.
    """
    digest = hashlib.sha256(f"{seed}\n{key}".encode()).digest()
    rng = np.random.default_rng(int.from_bytes(digest[:16], "big"))
    wanted = list(labels)
    if rng.random() < difficulty.mislabelled and (strangers := sorted(set(class_names) - set(labels))):
        wanted[int(rng.integers(len(wanted)))] = str(rng.choice(strangers))
    begin, end = 0, CLIP_SAMPLES
    if rng.random() < difficulty.partly:
        length = int(rng.uniform(1.5, 6.0) * SAMPLE_RATE)
        begin = int(rng.integers(CLIP_SAMPLES - length))
        end = begin + length
    chosen = [str(rng.choice(voices_of(name))) for name in wanted]
    parts = [_part(voice, begin, end, 0.0, difficulty, rng) for voice in chosen]
    # What is Other may lie behind a clip of any class, and another Other behind one.
    background = [voice for voice in voices_of("") if voice not in chosen]
    for voice in rng.permutation(background)[: int(rng.integers(*difficulty.others, endpoint=True))]:
        level = -float(rng.uniform(*difficulty.snr_db))
        parts.append(_part(str(voice), 0, CLIP_SAMPLES, level, difficulty, rng))
    return Scene(
        parts=tuple(parts),
        noise_db=-float(rng.uniform(*difficulty.noise_db)),
        noise_slope=float(rng.uniform(0, 1)),
        cutoff=float(rng.uniform(1_000, 5_000)) if rng.random() < difficulty.muffled else None,
        peak_db=float(rng.uniform(*difficulty.peak_db)),
        noise_seed=int(rng.integers(2**63)),
    )


def render(scene: Scene) -> npt.NDArray[np.int16]:
    """Play a scene: `[CLIP_SAMPLES]` at `SAMPLE_RATE`."""
    sound = _noise(scene)
    for part in scene.parts:
        sound[part.begin : part.end] += _played(part)
    if scene.cutoff is not None:
        sound = sosfilt(butter(4, scene.cutoff, fs=SAMPLE_RATE, output="sos"), sound)
    sound *= 32_767 * 10 ** (scene.peak_db / 20) / np.abs(sound).max()
    return np.rint(sound).astype(np.int16)


def _part(
    voice: str, begin: int, end: int, level_db: float, difficulty: Difficulty, rng: np.random.Generator
) -> Part:
    speed = float(rng.uniform(*difficulty.speed))
    wanted = int((end - begin) * speed) + 2
    count = -(-wanted // len(at_clip_rate(voice, 0)))
    return Part(voice, tuple(rng.integers(PHRASES, size=count).tolist()), speed, begin, end, level_db)


def _played(part: Part) -> Samples:
    written = np.concatenate([at_clip_rate(part.voice, index) for index in part.phrases])
    samples = part.end - part.begin
    sound = np.interp(part.speed * np.arange(samples), np.arange(len(written)), written)
    sound[:_FADE] *= np.linspace(0, 1, _FADE)
    sound[-_FADE:] *= np.linspace(1, 0, _FADE)
    return _at_level(sound, part.level_db)


def _noise(scene: Scene) -> Samples:
    spectrum = np.fft.rfft(np.random.default_rng(scene.noise_seed).standard_normal(CLIP_SAMPLES))
    spectrum[0] = 0
    spectrum[1:] *= np.arange(1, len(spectrum)) ** (-scene.noise_slope / 2)
    return _at_level(np.fft.irfft(spectrum, CLIP_SAMPLES), scene.noise_db)


def _at_level(sound: Samples, level_db: float) -> Samples:
    gain = 10 ** (level_db / 20) / float(np.sqrt(np.mean(np.square(sound))))
    return sound * gain

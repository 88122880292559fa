"""What the videos sound like: synthesised phrases, and what a perfect cut of a video holds.

A class has one or more voices, a voice a number of phrases, and the wanted stretch of a video is `PICKS` of
one voice's phrases in an order that belongs to the video. The phrases do not depend on any plan, so they are
encoded once on a machine; which of them a video plays does.

The wanted stretch is surrounded by a voice that occurs nowhere else ("decoy"), so that a cut in the wrong
place is audible and measurable.
"""

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, lfilter, resample_poly, sosfilt

from ..types import CLIP_SAMPLES, SAMPLE_RATE
from .plan import PHRASE_MS, Plan, Video, decide

Signal = npt.NDArray[np.float32]

RATE = 48_000
"""Hertz of what is synthesised and encoded."""

PHRASE = PHRASE_MS * RATE // 1000
"""Samples of one phrase."""

REST_MS = 70
"""Silence at the end of a phrase: what reaches from one packet into the next must be the same phrase's."""

_SCALE = np.array([0, 2, 4, 7, 9])


@lru_cache(maxsize=32)
def phrase(voice: str, index: int) -> Signal:
    """One phrase of a voice: `[PHRASE]` at `RATE`, mono, its ends faded so that any phrase may follow any.

    The same arguments always give the same samples, not to be written to.

    Args:
        voice: a key of `plan.PHRASES`.
        index: which, from 0; videos play the first `PHRASES[voice]`.
    """
    if voice == "silence":
        return np.zeros(PHRASE, np.float32)
    rng = np.random.default_rng([*voice.encode(), index])
    sound = _VOICES[voice](rng)
    sound *= rng.uniform(0.35, 0.7) / np.abs(sound).max()
    sound[: _ms(4)] *= np.linspace(0, 1, _ms(4))
    sound[-_ms(REST_MS + 30) : -_ms(REST_MS)] *= np.linspace(1, 0, _ms(30))
    sound[-_ms(REST_MS) :] = 0
    return sound.astype(np.float32)


@lru_cache(maxsize=512)
def at_clip_rate(voice: str, index: int) -> Signal:
    """The same phrase at `SAMPLE_RATE`."""
    resampled: Signal = resample_poly(phrase(voice, index), 1, RATE // SAMPLE_RATE).astype(np.float32)
    return resampled


def wanted(plan: Plan, ytid: str) -> Signal:
    """What a perfect cut of a video's segment holds, before any encoding.

    Returns:
        `[CLIP_SAMPLES]` at `SAMPLE_RATE`; a segment shorter than ten seconds is followed by zeros.
    """
    return reference(decide(plan, ytid))


def reference(video: Video) -> Signal:
    """The same for a video that was already decided on."""
    clip = np.zeros(CLIP_SAMPLES, np.float32)
    played = np.concatenate([at_clip_rate(video.voice, index) for index in video.phrases])
    until = min(video.end_ms, video.length_ms) - video.start_ms
    samples = min(CLIP_SAMPLES, max(0, until) * SAMPLE_RATE // 1000)
    clip[:samples] = played[:samples]
    return clip


def _ms(milliseconds: float) -> int:
    return int(milliseconds * RATE / 1000)


def _time(samples: int) -> npt.NDArray[np.float64]:
    return np.arange(samples) / RATE


def _pitch(rng: np.random.Generator, low: float, octaves: int) -> float:
    """A note of the pentatonic scale above `low` hertz."""
    return float(low * 2 ** (rng.integers(octaves) + rng.choice(_SCALE) / 12))


def _noise(rng: np.random.Generator, low: float, high: float, samples: int) -> npt.NDArray[np.float64]:
    band = butter(2, [low, high], "bandpass", fs=RATE, output="sos")
    filtered = sosfilt(band, rng.standard_normal(samples))
    level: npt.NDArray[np.float64] = filtered / np.abs(filtered).max()
    return level


def _add(sound: npt.NDArray[np.float64], at: int, note: npt.NDArray[np.float64]) -> None:
    room = sound[at : at + len(note)]
    room += note[: len(room)]


def _piano(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    sound = np.zeros(PHRASE)
    step = PHRASE // int(rng.integers(4, 8))
    for at in range(0, PHRASE, step):
        for _ in range(int(rng.choice([1, 1, 1, 3]))):
            pitch, t = _pitch(rng, 110.0, 4), _time(PHRASE - at)
            loud = rng.uniform(0.4, 1.0)
            for harmonic in range(1, 9):
                # Stiff strings: the overtones lie a little above the multiples, and die sooner.
                tone = pitch * harmonic * math.sqrt(1 + 4e-4 * harmonic**2)
                fading = np.exp(-t * (1.5 + 0.9 * harmonic)) * loud / harmonic**1.2
                _add(sound, at, fading * np.sin(2 * np.pi * tone * t))
    return sound


def _drums(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    sound = np.zeros(PHRASE)
    steps = int(rng.choice([12, 16, 18]))
    t = _time(_ms(300))
    for beat in range(steps):
        at, loud = beat * PHRASE // steps, rng.uniform(0.5, 1.0)
        if rng.random() < 0.8:
            _add(sound, at, 0.25 * loud * np.exp(-t * 70) * _noise(rng, 6_000, 15_000, len(t)))
        if beat == 0 or rng.random() < 0.25:
            falling = 50 * t + 2.2 * (1 - np.exp(-t * 30))
            _add(sound, at, loud * np.exp(-t * 12) * np.sin(2 * np.pi * falling))
        elif rng.random() < 0.3:
            snare = 0.7 * _noise(rng, 800, 8_000, len(t)) + 0.4 * np.sin(2 * np.pi * 185 * t)
            _add(sound, at, loud * np.exp(-t * 22) * snare)
    return sound


def _flute(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    sound = np.zeros(PHRASE)
    notes = int(rng.integers(2, 5))
    for note in range(notes):
        samples = PHRASE // notes
        t, pitch = _time(samples), _pitch(rng, 523.25, 2)
        sway = 0.004 * pitch / 5.2 * np.sin(2 * np.pi * 5.2 * t + rng.uniform(0, 6))
        phase = 2 * np.pi * (pitch * t + sway)
        breath = 0.12 * _noise(rng, 0.8 * pitch, 2.5 * pitch, samples)
        tone = np.sin(phase) + 0.15 * np.sin(2 * phase) + 0.04 * np.sin(3 * phase) + breath
        _add(sound, note * samples, tone * np.minimum(1, t / 0.07) * np.minimum(1, (t[-1] - t) / 0.05))
    return sound


def _bells(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    sound = np.zeros(PHRASE)
    for at in range(0, PHRASE, PHRASE // int(rng.integers(2, 5))):
        t, pitch = _time(PHRASE - at), _pitch(rng, 600.0, 2)
        for ratio, decay in ((0.5, 1.0), (1.0, 1.6), (1.19, 2.2), (1.56, 3.0), (2.0, 3.5), (2.74, 5.0)):
            _add(sound, at, np.exp(-t * decay * 1.5) * np.sin(2 * np.pi * pitch * ratio * t) / ratio)
    return sound


def _strings(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    sound = np.zeros(PHRASE)
    step = PHRASE // int(rng.integers(5, 9))
    for at in range(0, PHRASE, step):
        period = int(RATE / _pitch(rng, 98.0, 2))
        pluck = np.zeros(PHRASE - at)
        pluck[:period] = rng.uniform(-1, 1, min(period, len(pluck)))
        # The loop would keep a constant part for long, and no codec keeps it at all.
        pluck[:period] -= pluck[:period].mean()
        # Karplus and Strong, 1983: a delay line whose two last samples are averaged is a plucked string.
        loop = np.zeros(period + 2)
        loop[0], loop[period], loop[period + 1] = 1, -0.498, -0.498
        _add(sound, at, lfilter([1.0], loop, pluck))
    return sound


def _babble(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    t = _time(PHRASE)
    pitch = rng.uniform(90, 210)
    buzz = 2 * ((pitch * t + 1.5 * np.sin(2 * np.pi * 1.3 * t + rng.uniform(0, 6))) % 1) - 1
    sound = np.zeros(PHRASE)
    syllable = PHRASE // int(rng.integers(7, 12))
    for at in range(0, PHRASE, syllable):
        part = buzz[at : at + syllable]
        vowel = sum(
            sosfilt(butter(2, [0.85 * peak, 1.15 * peak], "bandpass", fs=RATE, output="sos"), part)
            for peak in (rng.uniform(280, 800), rng.uniform(900, 2_300), rng.uniform(2_400, 3_200))
        )
        sound[at : at + syllable] = vowel * np.sin(np.pi * np.arange(len(part)) / len(part)) ** 0.7
    return sound


def _engine(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    t = _time(PHRASE)
    turns = np.cumsum(np.interp(t, [0, 0.7, 1.3, 2], rng.uniform(18, 60, 4))) / RATE
    strokes = np.exp(-8 * (turns % 1)) + 0.6 * np.exp(-8 * ((2 * turns + 0.1) % 1))
    return strokes * _noise(rng, 60, 900, PHRASE) + 0.4 * np.sin(2 * np.pi * 2 * turns)


def _wind(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    gusts = np.interp(_time(PHRASE), np.linspace(0, 2, 9), rng.uniform(0.1, 1.0, 9))
    middle = rng.uniform(300, 1_500)
    return gusts * _noise(rng, 0.5 * middle, 1.6 * middle, PHRASE)


def _decoy(rng: np.random.Generator) -> npt.NDArray[np.float64]:
    t = _time(PHRASE)
    sweep = np.interp(t % 0.48, [0, 0.48], rng.permutation([400.0, 3_600.0]))
    warble = sweep * (1 + 0.25 * np.sign(np.sin(2 * np.pi * rng.uniform(17, 29) * t)))
    chirps: npt.NDArray[np.float64] = np.sin(2 * np.pi * np.cumsum(warble) / RATE)
    return chirps


_VOICES: dict[str, Callable[[np.random.Generator], npt.NDArray[np.float64]]] = {
    "piano": _piano,
    "drums": _drums,
    "flute": _flute,
    "bells": _bells,
    "strings": _strings,
    "babble": _babble,
    "engine": _engine,
    "wind": _wind,
    "decoy": _decoy,
}

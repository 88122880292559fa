"""What stands between an instrument and a listener, for `bench/domains.py`.

A room, people who talk, noise, a cheap microphone, an amplifier that is turned up too far: all of it drawn
from a generator of random numbers.
"""

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

RATE = 32_000
REFERENCE = 0.1
"""Root mean square that an instrument is brought to before anything else."""

Samples = np.ndarray


def degraded(dry: Samples, speech: Samples, rng: np.random.Generator) -> Samples:
    """An instrument as somebody recorded it: float32 within -1 and 1, as long as before.

    Args:
        dry: the instrument, float32, at `RATE`.
        speech: somebody talking, at least as long.
    """
    sound = at_level(dry.astype(np.float64))
    if rng.random() < 0.8:
        sound = at_level(in_a_room(sound, rng))
    if rng.random() < 0.5:
        sound = sound + at_level(speech[: len(sound)], -rng.uniform(3, 15))
    sound = sound + at_level(noise(len(sound), rng), -rng.uniform(5, 20))
    if rng.random() < 0.6:
        sound = band_limited(sound, rng)
    if rng.random() < 0.25:
        limit = np.quantile(np.abs(sound), rng.uniform(0.95, 0.995))
        sound = np.clip(sound, -limit, limit)
    gain = 10 ** (rng.uniform(-25, -1) / 20)
    return (sound * gain / max(np.abs(sound).max(), 1e-9)).astype(np.float32)


def at_level(sound: Samples, decibels: float = 0.0) -> Samples:
    """At a root mean square of so many decibels from the reference; silence stays what it is."""
    now = np.sqrt(np.mean(np.square(sound)))
    return sound * (REFERENCE * 10 ** (decibels / 20) / max(now, 1e-9))


def in_a_room(sound: Samples, rng: np.random.Generator) -> Samples:
    """With an echo: noise that decays by 60 dB in 0.2 to 2 s, duller than what it answers."""
    decay, before, wet = rng.uniform(0.2, 2.0), int(RATE * rng.uniform(0, 0.03)), rng.uniform(0.15, 0.8)
    time = np.arange(int(RATE * decay)) / RATE
    impulse = rng.standard_normal(len(time)) * 10 ** (-3 * time / decay)
    impulse = sosfilt(butter(1, rng.uniform(2_000, 8_000), fs=RATE, output="sos"), impulse)
    echo = np.zeros_like(sound)
    echo[before:] = fftconvolve(sound, impulse)[: len(sound) - before]
    return at_level(sound) * (1 - wet) + at_level(echo) * wet


def noise(count: int, rng: np.random.Generator) -> Samples:
    """White, pink, brown, or anything between."""
    spectrum = np.fft.rfft(rng.standard_normal(count))
    spectrum[1:] /= np.arange(1, len(spectrum)) ** rng.uniform(0, 1)
    spectrum[0] = 0
    return np.fft.irfft(spectrum, count)


def band_limited(sound: Samples, rng: np.random.Generator) -> Samples:
    """Through a microphone or a loudspeaker that has neither deep nor high tones."""
    low, high, order = rng.uniform(40, 350), rng.uniform(2_500, 12_000), int(rng.integers(1, 5))
    return sosfilt(butter(order, (low, high), "bandpass", fs=RATE, output="sos"), sound)

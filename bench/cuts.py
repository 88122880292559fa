"""How often the offset of two cuts is found, and how often it is claimed wrongly, by the kind of sound.

    python bench/cuts.py [--pairs 40]

For each of some of the simulator's voices, and for a steady tone and a metronome, `--pairs` recordings are
made of phrases drawn by chance; a second cut of each begins up to two seconds earlier or later, is quieter,
band-limited and encoded by Opus at 64 kbit/s. `clear` are those that `offset.correlate` calls clear, `right`
those within 1 ms of the truth; beside it the plain cross-correlation, which calls nothing unclear.
"""

import argparse
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import scipy.signal
import soundfile

from audioset_tools.audio.ffmpeg import ffmpeg_binary
from audioset_tools.offset.correlate import CLEAR, offset_between
from audioset_tools.simulator.sounds import at_clip_rate
from audioset_tools.types import CLIP_SAMPLES, SAMPLE_RATE

VOICES = ("piano", "drums", "flute", "bells", "strings", "babble", "wind", "a steady tone", "a metronome")
MARGIN = 3 * SAMPLE_RATE


def recording(voice: str, rng: np.random.Generator) -> np.ndarray:
    """Sixteen seconds."""
    size = CLIP_SAMPLES + 2 * MARGIN
    time = np.arange(size) / SAMPLE_RATE
    if voice == "a steady tone":
        hertz = rng.uniform(150, 900)
        return np.sum([np.sin(2 * np.pi * hertz * n * time) / n for n in range(1, 9)], axis=0)
    if voice == "a metronome":
        beat = np.exp(-np.arange(4_000) / 300) * rng.standard_normal(4_000)
        clicks = np.zeros(size)
        clicks[:: int(rng.integers(6_000, 12_000))] = 1
        return np.convolve(clicks, beat)[:size]
    phrases = [at_clip_rate(voice, int(rng.integers(0, 12))) for _ in range(size // 8_000)]
    return np.concatenate(phrases)[:size]


def encoded(sound: np.ndarray, folder: Path) -> np.ndarray:
    """Through Opus and back."""
    soundfile.write(folder / "a.wav", sound, SAMPLE_RATE)
    for words in (["-i", "a.wav", "-b:a", "64k", "a.opus"], ["-i", "a.opus", "-ar", "16000", "b.wav"]):
        subprocess.run([ffmpeg_binary(), "-y", "-v", "error", *words], cwd=folder, check=True)
    return soundfile.read(folder / "b.wav", dtype="int16", frames=CLIP_SAMPLES)[0]


def plain_ms(first: np.ndarray, second: np.ndarray) -> float:
    """By the cross-correlation itself."""
    correlation = scipy.signal.correlate(second.astype(float), first.astype(float))
    return (int(np.argmax(correlation)) - len(first) + 1) * 1000 / SAMPLE_RATE


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=40)
    pairs = parser.parse_args().pairs
    print(
        f"{'sound':<15}{'pairs':>6}{'clear':>7}{'right of clear':>16}{'right of all':>14}{'plain right':>13}"
    )
    low = scipy.signal.butter(4, 5_000, fs=SAMPLE_RATE, output="sos")
    for number, voice in enumerate(VOICES):
        rng, found, plain = np.random.default_rng(number), [], []
        for _ in range(pairs):
            sound = recording(voice, rng)
            sound = 0.5 * sound / np.abs(sound).max()
            shift = int(rng.integers(-2 * SAMPLE_RATE, 2 * SAMPLE_RATE))
            first = (32767 * sound[MARGIN : MARGIN + CLIP_SAMPLES]).astype(np.int16)
            begin = MARGIN - shift
            other = 0.6 * scipy.signal.sosfiltfilt(low, sound)[begin : begin + CLIP_SAMPLES]
            with tempfile.TemporaryDirectory() as folder:
                second = encoded(other, Path(folder))
            truth = shift * 1000 / SAMPLE_RATE
            offset = offset_between(first, second)
            found.append((offset.clarity >= CLEAR, abs(offset.ms - truth) <= 1))
            plain.append(abs(plain_ms(first, second) - truth) <= 1)
        clear = [right for is_clear, right in found if is_clear]
        share = f"{sum(clear)} of {len(clear)}"
        right = sum(right for _, right in found)
        print(f"{voice:<15}{pairs:>6}{len(clear):>7}{share:>16}{right:>14}{sum(plain):>13}", flush=True)


if __name__ == "__main__":
    main()

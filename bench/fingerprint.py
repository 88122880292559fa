"""How far the fingerprints of the same sound and of different sounds lie apart, and what one costs.

    python bench/fingerprint.py [SOUNDS]
    python bench/fingerprint.py compare [CLIPS]
    python bench/fingerprint.py draws [CLIPS]

The sounds are the simulator's, some of each voice. Each is encoded with Opus, MP3 and AAC, made half as loud,
and shifted, and decoded with each ffmpeg of this machine; different sounds are pairs without a common phrase.

`compare` says what it takes to find the same sounds among 9,600, as `featurize` does once: an eighth as many
of the simulator's sounds, each begun at eight of its moments. One in a hundred is there twice, the second
time half as loud.

`draws` says which share of the same sounds is found among two million, of which not every pair can be looked
at: sketches of bits by chance, with pairs among them of which the shares `SHARES` of the bits differ.
"""

import itertools
import subprocess
import sys
import time
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from imageio_ffmpeg import get_ffmpeg_exe
from scipy.signal import resample_poly

from audioset_tools.audio.binary import find_ffmpeg
from audioset_tools.audio.fingerprint import distance, fingerprint
from audioset_tools.shards import duplicates
from audioset_tools.shards.sketches import BITS, MOST_APART, RUN, WORDS, sketch, unpacked
from audioset_tools.simulator import Plan
from audioset_tools.simulator.plan import Video, decide
from audioset_tools.simulator.sounds import wanted

Samples = npt.NDArray[np.int16]

ENCODINGS = {
    "Opus 64 kbit/s": ("libopus", "64k", "ogg"),
    "Opus 32 kbit/s": ("libopus", "32k", "ogg"),
    "MP3 64 kbit/s": ("libmp3lame", "64k", "mp3"),
    "AAC 128 kbit/s": ("aac", "128k", "adts"),
}

SHARES = (0.05, 0.1, 0.15, 0.2, 0.25)
PLANTED = 2_000
"""Pairs of each share."""

MOMENTS = 8
"""Of each sound that is compared, 1.25 seconds apart."""


def converted(binary: str, words: Iterable[str], given: bytes) -> bytes:
    """What ffmpeg makes of some bytes."""
    return subprocess.run(
        [binary, "-v", "error", *words], input=given, capture_output=True, check=True
    ).stdout


def encoded(sound: npt.NDArray[np.float32], codec: str, rate: str, form: str) -> bytes:
    """A sound at 48 kHz in some codec."""
    pcm = np.clip(resample_poly(sound, 3, 1) * 32767, -32768, 32767).astype("<i2").tobytes()
    given = ["-f", "s16le", "-ar", "48000", "-ac", "1", "-i", "pipe:0"]
    return converted(find_ffmpeg().binary, [*given, "-c:a", codec, "-b:a", rate, "-f", form, "pipe:1"], pcm)


def decoded(content: bytes, binary: str) -> Samples:
    """Ten seconds at 16 kHz."""
    words = ["-i", "pipe:0", "-ac", "1", "-ar", "16000", "-f", "s16le", "pipe:1"]
    samples = np.frombuffer(converted(binary, words, content), "<i2")
    return np.pad(samples, (0, 160_000))[:160_000]


def heard(plan: Plan, sounds: int) -> list[Video]:
    """Videos with something in them."""
    ids = [f"{n:010}A" for n in range(10 * sounds)]
    return [video for one in ids if (video := decide(plan, one)).voice not in ("decoy", "silence")][:sounds]


def compare(clips: int) -> None:
    """Print what it takes to compare so many fingerprints with one another."""
    plan, prints = Plan(seed=1), []
    for number, video in enumerate(heard(plan, clips // MOMENTS)):
        samples = (np.asarray(wanted(plan, video.ytid)) * 32767).astype(np.int16)
        step = len(samples) // MOMENTS
        prints += [fingerprint(np.roll(samples, moment * step)) for moment in range(MOMENTS)]
        if number % (100 // MOMENTS) == 0:
            prints[-1] = fingerprint(samples // 2)
    fresh = np.arange(len(prints)) >= len(prints) - 100
    compared(prints, np.ones(len(prints), np.bool_), "all with all")
    compared(prints, fresh, "100 of them with all")
    duplicates._EVERY_PAIR = 0
    compared(prints, np.ones(len(prints), np.bool_), "all, those alone that agree in bits drawn")


def compared(prints: list[bytes], fresh: npt.NDArray[np.bool_], which: str) -> None:
    """Print how long it takes to compare fingerprints, and how many pairs are found."""
    began = time.process_time()
    sketching = duplicates.Sketching()
    sketching.add(prints)
    sounds = sketching.sounds(lambda some: [prints[n] for n in some.tolist()])
    found = duplicates.same_sound(sounds, fresh, np.arange(len(fresh)))
    taken = time.process_time() - began
    print(f"{len(prints):,} sounds, {which}: {taken:.1f} s of CPU, {len(found):,} pairs are the same")


def plant(clips: int) -> None:
    """Print how many of planted pairs the draws find, among so many sketches of bits by chance."""
    rng = np.random.default_rng(0)
    sketches = rng.integers(0, 1 << 63, (clips, WORDS), np.uint64) << np.uint64(1)
    places = rng.choice(clips, (len(SHARES), PLANTED, 2), replace=False)
    for share, pairs in zip(SHARES, places, strict=True):
        flipped = np.zeros((PLANTED, 64 * WORDS), np.uint8)
        flipped[:, :BITS] = rng.random((PLANTED, BITS)) < share
        flips = np.packbits(flipped, axis=1, bitorder="little").view("<u8")
        sketches[pairs[:, 1]] = sketches[pairs[:, 0]] ^ flips
    began, found = time.process_time(), set[tuple[int, int]]()
    for near in duplicates._drawn(sketches, np.ones(clips, np.bool_)):
        found |= {(i, j) for i, j in near.tolist()}
    print(f"{clips:,} sketches: {time.process_time() - began:.1f} s of CPU")
    for share, pairs in zip(SHARES, np.sort(places, axis=2).tolist(), strict=True):
        there = np.mean([tuple(pair) in found for pair in pairs])
        print(f"of pairs of which {share:.0%} of the bits differ {there:.1%} are found")


def sketches_apart(one: bytes, other: bytes) -> float:
    """Which share of the bits of two sketches differs."""
    return float(differing(one, other).mean())


def differing(one: bytes, other: bytes) -> npt.NDArray[np.bool_]:
    """Which bits of two sketches differ, [BITS]."""
    first, second = sketch(*unpacked([one, other])).astype("<u8")
    return np.unpackbits((first ^ second).view(np.uint8), bitorder="little")[:BITS].astype(np.bool_)


def agree_once(differ: npt.NDArray[np.bool_], clips: int) -> bool:
    """Whether two sketches agree in one of the draws for so many clips."""
    runs = np.arange(RUN)
    return any(not differ[starts[:, None] + runs].any() for starts, _ in duplicates.draws(clips))


def main(sounds: int) -> None:
    plan = Plan(seed=1)
    videos = heard(plan, sounds)
    kept, same, sketched, agreed = [], dict[str, list[float]](), list[float](), list[bool]()
    ours, packaged = find_ffmpeg().binary, get_ffmpeg_exe()
    took = 0.0
    for video in videos:
        sound = np.asarray(wanted(plan, video.ytid))
        source = encoded(sound, "libopus", "128k", "ogg")
        samples = decoded(source, ours)
        began = time.process_time()
        print_ = fingerprint(samples)
        took += time.process_time() - began
        others = {name: decoded(encoded(sound, *how), ours) for name, how in ENCODINGS.items()}
        others["another ffmpeg"] = decoded(source, packaged)
        others["half as loud"] = samples // 2
        others["100 ms late"] = np.pad(samples, (1_600, 0))[:160_000]
        others["12 ms late"] = np.pad(samples, (192, 0))[:160_000]
        for name, other in others.items():
            again = fingerprint(other)
            same.setdefault(name, []).append(distance(print_, again) or 0.0)
            sketched.append(sketches_apart(print_, again))
            agreed.append(agree_once(differing(print_, again), 2_000_000))
        kept.append((video, print_))
    for name, found in same.items():
        print(f"{name:16} median {np.median(found):.3f}, most {max(found):.3f}")
    different = [
        (one, other)
        for (first, one), (second, other) in itertools.combinations(kept, 2)
        if first.voice != second.voice or not {*first.phrases} & {*second.phrases}
    ]
    apart = [distance(one, other) or 0.0 for one, other in different]
    others = [sketches_apart(one, other) for one, other in different]
    print(
        f"{'sketches':16} same: median {np.median(sketched):.3f},"
        f" nine of ten below {np.quantile(sketched, 0.9):.3f}, most {max(sketched):.3f};"
        f" different: {100 * np.mean(np.array(others) > MOST_APART / BITS):.1f} % are not near"
    )
    print(
        f"{'':16} {100 * np.mean(agreed):.1f} % of {len(agreed)} same agree in a draw of those for 2,000,000"
    )
    print(
        f"{'different sounds':16} median {np.median(apart):.3f}, least {min(apart):.3f}, {len(apart):,} pairs"
    )
    print(f"{1000 * took / len(kept):.1f} ms of CPU, {len(kept[0][1]):,} bytes a clip")


if __name__ == "__main__":
    if sys.argv[1:2] == ["draws"]:
        plant(int(sys.argv[2]) if len(sys.argv) > 2 else 2_000_000)
    elif sys.argv[1:2] == ["compare"]:
        compare(int(sys.argv[2]) if len(sys.argv) > 2 else 9_600)
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)

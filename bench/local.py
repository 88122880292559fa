"""Clips from a folder of one's own: finding the files, reading them, and the whole fetch.

    python bench/local.py [--files 100000] [--per-class 300] [--jobs 2] [--repeats 3]

Makes lists in AudioSet's format and a folder that holds four fifths of their videos as hard links to five
sounds, under five forms of names, in 4096 nested folders; then prints

- how long it takes to find the files of as many candidates as the paper's 9,600 clips need, by our one scan,
  by asking for every usual name of each candidate (told in which folder to look), and by searching the folder
  for each candidate (timed on a few, and multiplied);
- how long one clip takes by form of file, one after the other;
- how fast the whole command is, from its start to its end.

Caches are warm and files are local: on a network disk every question costs more.
"""

import argparse
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from audioset_tools.archives.folder import Folder
from audioset_tools.audio.ffmpeg import DecodeError, ffmpeg_binary
from audioset_tools.audio.segment import decode_segment
from audioset_tools.simulator.lists import write_lists
from audioset_tools.simulator.plan import TableRow
from audioset_tools.sources.local import Local
from audioset_tools.sources.source import Undecoded
from audioset_tools.types import Candidate

CANDIDATES = 12_000
"""To be looked for: 9,600 clips, and a fifth of the videos that are not there."""

RATE = 44_100
LINKS = 50_000
"""Hard links to one file; file systems allow 65,000."""

FORMS = {
    "cut, WAV 44.1 kHz stereo": "Y{ytid}.wav",
    "cut, WAV 16 kHz mono": "Y{ytid}_{start}.wav",
    "cut, FLAC": "{ytid}_{start}_{end}.flac",
    "cut, AAC": "{ytid}_{seconds}.m4a",
    "whole video, MP3 of 340 s": "{ytid}.mp3",
}
SUFFIXES = ("wav", "flac", "m4a", "mp3", "ogg", "webm")


def make_sounds(folder: Path) -> dict[str, Path]:
    """One file for each form of name."""
    noise = np.random.default_rng(1).uniform(-0.3, 0.3, (340 * RATE, 2)).astype(np.float32)
    cut = noise[: 10 * RATE]
    soundfile.write(folder / "stereo.wav", cut, RATE, subtype="PCM_16")
    soundfile.write(folder / "mono.wav", cut[:160_000, 0], 16_000, subtype="PCM_16")
    soundfile.write(folder / "cut.flac", cut[:, 0], RATE, subtype="PCM_16")
    soundfile.write(folder / "whole.wav", noise, RATE, subtype="PCM_16")
    for source, target in (("stereo.wav", "cut.m4a"), ("whole.wav", "whole.mp3")):
        words = [ffmpeg_binary(), "-v", "error", "-nostdin", "-i", folder / source, folder / target]
        subprocess.run(words, check=True)
    names = ("stereo.wav", "mono.wav", "cut.flac", "cut.m4a", "whole.mp3")
    return {form: folder / name for form, name in zip(FORMS, names, strict=True)}


def inner(ytid: str) -> str:
    """The nested folder of a video; two levels of 64."""
    return f"{ord(ytid[3]) % 64:02}/{ord(ytid[5]) % 64:02}"


def fill(folder: Path, sounds: dict[str, Path], videos: dict[str, TableRow], files: int) -> dict[str, str]:
    """Link the files; returns the form of each video that has one."""
    forms: dict[str, str] = {}
    present = random.Random(1).sample(sorted(videos), files)
    copies: dict[tuple[str, int], Path] = {}
    for number, ytid in enumerate(present):
        form, row = list(FORMS)[number % len(FORMS)], videos[ytid]
        which = form, number // len(FORMS) // LINKS
        if which not in copies:
            copies[which] = sounds[form].with_stem(f"{sounds[form].stem}{which[1]}")
            shutil.copy(sounds[form], copies[which])
        name = FORMS[form].format(ytid=ytid, start=row.start_ms, end=row.end_ms, seconds=row.start_ms // 1000)
        where = folder / inner(ytid)
        where.mkdir(parents=True, exist_ok=True)
        os.link(copies[which], where / name)
        forms[ytid] = form
    return forms


def by_scan(folder: Path, wanted: list[Candidate]) -> int:
    """Ours."""
    index = Folder(folder)
    return sum(bool(index.find(candidate.ytid)) for candidate in wanted)


def by_exists(folder: Path, wanted: list[Candidate]) -> int:
    """Ask for every usual name until one is there."""

    def there(candidate: Candidate) -> bool:
        ytid, start, end = candidate.ytid, candidate.start_ms, candidate.end_ms
        stems = (
            *(f"Y{ytid}", ytid, f"Y{ytid}_{start}", f"{ytid}_{start}", f"{ytid}_{start // 1000}"),
            *(f"{ytid}_{start}_{end}", f"{ytid}_{start // 1000}_{end // 1000}"),
        )
        where = f"{folder}/{inner(ytid)}"
        return any(os.path.exists(f"{where}/{stem}.{suffix}") for stem in stems for suffix in SUFFIXES)  # noqa: PTH110

    return sum(map(there, wanted))


def by_search(folder: Path, wanted: list[Candidate]) -> int:
    """Search the folder for each."""
    return sum(any(candidate.ytid in file.name for file in folder.rglob("*.*")) for candidate in wanted)


def seconds_of(find: Callable[[Path, list[Candidate]], int], folder: Path, wanted: list[Candidate]) -> float:
    begun = time.perf_counter()
    find(folder, wanted)
    return time.perf_counter() - begun


def print_finding(folder: Path, wanted: list[Candidate], repeats: int) -> None:
    found = {by_scan(folder, wanted), by_exists(folder, wanted)}
    if len(found) > 1:
        sys.exit("the ways find different files: the comparison is void")
    few = wanted[:5]
    ways = {
        "one scan (ours)": (by_scan, wanted),
        "exists() for every name": (by_exists, wanted),
        "a search for each": (by_search, few),
    }
    times: dict[str, list[float]] = {way: [] for way in ways}
    # Turn about, so that a busy minute of the machine falls on all.
    for _ in range(repeats):
        for way, (find, of) in ways.items():
            times[way].append(seconds_of(find, folder, of) * len(wanted) / len(of))
    scans = [seconds_of(by_scan, folder, []) for _ in range(repeats)]
    print(f"finding {found.pop():,} files for {len(wanted):,} candidates; medians of {repeats}")
    print(f"{'':28}{'seconds':>12}{'times slower':>14}")
    ours = statistics.median(times["one scan (ours)"])
    for way, taken in times.items():
        median = statistics.median(taken)
        print(f"{way:28}{median:12.2f}{median / ours:14.1f}")
    print(f"of ours, the scan alone took {statistics.median(scans):.2f} s")


def print_decoding(folder: Path, wanted: list[Candidate], forms: dict[str, str], repeats: int) -> None:
    source = Local(folder)
    print(f"\none clip, found and decoded; medians of {10 * repeats}")
    print(f"{'':28}{'ms':>12}")
    for form in FORMS:
        chosen = [c for c in wanted if forms.get(c.ytid) == form][: 10 * repeats]
        times = []
        for candidate in chosen:
            begun = time.perf_counter()
            hear(source, candidate)
            times.append(time.perf_counter() - begun)
        print(f"{form:28}{statistics.median(times) * 1000:12.0f}")


def hear(source: Local, candidate: Candidate) -> None:
    failed: list[Undecoded] = []
    while True:
        excerpt = source.alternative(candidate, failed) if failed else source.open(candidate)
        try:
            decode_segment(excerpt.media, *excerpt.span(candidate), excerpt.tail_ms)
            return
        except DecodeError as error:
            failed.append((excerpt, error))


def print_fetch(lists: Path, folder: Path, workspace: Path, per_class: int, jobs: int) -> None:
    words = [
        *(sys.executable, "-m", "audioset_tools", "fetch", "--source", f"local:{folder}", "--json"),
        *("--metadata", lists, "--workspace", workspace, "--per-class", per_class, "--jobs", jobs),
    ]
    begun = time.perf_counter()
    done = subprocess.run([str(word) for word in words], check=True, stdout=subprocess.PIPE, text=True)
    whole = time.perf_counter() - begun
    result = json.loads(done.stdout)
    clips = sum(one["verified"] for one in result["classes"].values())
    dead = sum(n for one in result["classes"].values() for n in one["dead"].values())
    print(f"\nthe whole command, --per-class {per_class} --jobs {jobs}: {whole:.1f} s")
    print(f"{clips:,} clips, {dead:,} candidates passed over: {clips / result['seconds']:.0f} clips/s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--per-class", type=int, default=300)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        for part in ("lists", "sounds", "copy"):
            (base / part).mkdir()
        each = arguments.files * 5 // 16
        videos = write_lists(
            base / "lists", dict.fromkeys(("Piano", "Drums", "Flute", "Other"), each), seed=1
        )
        forms = fill(base / "copy", make_sounds(base / "sounds"), videos, arguments.files)
        print(f"{arguments.files:,} files of {len(videos):,} listed videos")
        drawn = random.Random(2).sample(sorted(videos), min(CANDIDATES, len(videos)))
        wanted = [
            Candidate(ytid, videos[ytid].start_ms, videos[ytid].end_ms, "Flute", 3, rank, "eval")
            for rank, ytid in enumerate(drawn)
        ]
        print_finding(base / "copy", wanted, arguments.repeats)
        print_decoding(base / "copy", wanted, forms, arguments.repeats)
        print_fetch(base / "lists", base / "copy", base / "w", arguments.per_class, arguments.jobs)


if __name__ == "__main__":
    main()

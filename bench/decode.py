"""CPU time of decoding one clip, by form of file: in process, and by each ffmpeg that there is.

    python bench/decode.py [--repeats 20] [--clips 160]

Makes ten seconds of sound in every form that copies of AudioSet have, and decodes each in turn by every
decoder: what the product chooses, and each ffmpeg as a process. Prints medians of CPU time, of this process
and its children, how many times that is, and by how many steps of 16 bits the samples differ. With --clips it
fetches a folder of so many WAV files by the whole command too, as the product chooses and by ffmpeg alone.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import imageio_ffmpeg
import numpy as np
import soundfile

from audioset_tools.audio import ffmpeg, segment
from audioset_tools.audio.binary import CHOICE
from audioset_tools.audio.ffmpeg import Media
from audioset_tools.audio.segment import Sound, decode_segment
from audioset_tools.simulator.lists import write_lists

FORMS: dict[str, list[str]] = {
    "WAV, 44.1 kHz stereo": ["wav"],
    "WAV, 32 kHz mono": ["wav", "-ar", "32000", "-ac", "1"],
    "FLAC, 48 kHz stereo 24 bit": ["flac", "-ar", "48000", "-sample_fmt", "s32"],
    "MP3, 128 kbit/s": ["mp3", "-b:a", "128k"],
    "AAC in MP4": ["m4a", "-c:a", "aac"],
    "Opus in WebM": ["webm", "-c:a", "libopus"],
}


def cpu() -> float:
    """Seconds of this process and of its children that have ended."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def make_files(folder: Path) -> dict[str, Path]:
    """One file of ten seconds in each form."""
    time_s = np.arange(10 * 44_100) / 44_100
    tones = sum(np.sin(2 * np.pi * hertz * time_s) for hertz in (220, 523, 1319, 3951))
    noise = np.random.default_rng(1).standard_normal((len(time_s), 2))
    soundfile.write(folder / "source.wav", 0.1 * tones[:, None] + 0.02 * noise, 44_100)
    files = {}
    for number, (form, (suffix, *words)) in enumerate(FORMS.items()):
        files[form] = folder / f"{number}.{suffix}"
        command = [
            str(imageio_ffmpeg.get_ffmpeg_exe()),
            "-v",
            "error",
            "-y",
            "-i",
            str(folder / "source.wav"),
        ]
        subprocess.run([*command, *words, str(files[form])], check=True, stdin=subprocess.DEVNULL)
    return files


IN_PROCESS = segment._decode_in_process


def use(binary: str | None) -> None:
    """Have everything decoded by one ffmpeg; None: as the product chooses."""
    segment._decode_in_process = (lambda *_: None) if binary else IN_PROCESS
    os.environ[CHOICE] = binary or ""
    for known in (ffmpeg.ffmpeg_binary, ffmpeg._decoder, ffmpeg._resampler):
        known.cache_clear()
        known()


def print_forms(folder: Path, repeats: int) -> None:
    ways = {"as chosen": None, "ffmpeg on the PATH": shutil.which("ffmpeg")}
    ways = {way: binary for way, binary in ways.items() if binary or way == "as chosen"}
    ways["imageio's ffmpeg"] = str(imageio_ffmpeg.get_ffmpeg_exe())
    print(f"CPU time of one clip, medians of {repeats}, and how many times that of the product's choice")
    print(f"{'':28}" + "".join(f"{way:>22}" for way in ways) + f"{'differ by':>11}  chosen")
    for form, path in make_files(folder).items():
        times: dict[str, list[float]] = {way: [] for way in ways}
        sounds: dict[str, Sound] = {}
        for _ in range(repeats):
            # Turn about, so that a busy minute of the machine falls on all.
            for way, binary in ways.items():
                use(binary)
                begun = cpu()
                sounds[way] = decode_segment(Media(path), 0, 10_000)
                times[way].append(cpu() - begun)
        medians = {way: statistics.median(taken) * 1000 for way, taken in times.items()}
        cells = [f"{ms:.1f} ms ({ms / medians['as chosen']:.1f})" for ms in medians.values()]
        ours, *others = (sound.samples.astype(int) for sound in sounds.values())
        apart = "/".join(str(np.abs(ours - other).max()) for other in others)
        chosen = sounds["as chosen"].decoder
        print(f"{form:28}" + "".join(f"{cell:>22}" for cell in cells) + f"{apart:>11}  {chosen}")


def print_fetch(folder: Path, clips: int) -> None:
    (folder / "lists").mkdir()
    (folder / "copy").mkdir()
    videos = write_lists(
        folder / "lists", dict.fromkeys(("Piano", "Drums", "Flute", "Other"), clips // 4), seed=1
    )
    time_s = np.arange(10 * 44_100)[:, None] / 44_100
    for number, (ytid, row) in enumerate(sorted(videos.items())):
        tone = 0.3 * np.sin(2 * np.pi * (200 + number) * time_s)
        soundfile.write(folder / "copy" / f"Y{ytid}_{row.start_ms}.wav", tone.repeat(2, axis=1), 44_100)
    print(f"\nfetch --source local: of {len(videos)} WAV files, CPU time of the whole command")
    alone = "from audioset_tools.audio import segment; segment._decode_in_process = lambda *_: None\n"
    for way, before in (("as chosen", ""), ("ffmpeg alone", alone)):
        words = ["fetch", "--source", f"local:{folder / 'copy'}", "--metadata", folder / "lists", "--json"]
        words += ["--workspace", folder / way, "--per-class", clips // 8]
        code = f"{before}import sys; from audioset_tools.cli import main; sys.exit(main())"
        begun, started = cpu(), time.perf_counter()
        command = [sys.executable, "-c", code, *map(str, words)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        used, took = cpu() - begun, time.perf_counter() - started
        found = sum(one["verified"] for one in json.loads(done.stdout)["classes"].values())
        print(f"{way:28}{used:10.1f} s of CPU, {took:6.1f} s, {found} clips")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--clips", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        print_forms(Path(name), arguments.repeats)
        use(None)
        if arguments.clips:
            print_fetch(Path(name), arguments.clips)


if __name__ == "__main__":
    main()

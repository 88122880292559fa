"""What `predict` takes for recordings of ten seconds to four hours, beside the straightforward way.

    python bench/predict.py [--models compact,paper,crnn] [--recordings 10s,20min,1h,4h] [--repeats 3]
                            [--threads 1] [--librosa-up-to 60] [--folder DIR]

The sounds are scales of struck tones in noise, encoded by ffmpeg; the networks are trained for one epoch on a
few of the simulator's scenes, since what they answer makes no difference to what they take. Each line is a
command of its own, from its start to its end: `audioset-tools predict`, and a script that loads the whole
recording with `librosa.load`, takes `librosa.feature.melspectrogram` of each window of ten seconds, five
apart, and asks the same network about 16 windows at once; it takes memory for all of a recording, so above
--librosa-up-to minutes it is left out. CPU counts ffmpeg's too; memory is the peak of the
largest process. `first` are ten seconds where numba has compiled nothing yet. Medians of the repeats, which
take turns; prints a table in Markdown. With --folder the sounds and the runs stay there.
"""

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

FIRST = "first"

SECONDS = {FIRST: 10, "10s": 10, "20min": 1_200, "1h": 3_600, "4h": 14_400}

LOOP_S = 600
"""Seconds of sound that are made; longer recordings repeat them."""

SOUND = "0.4*sin(2*PI*220*pow(2\\,mod(floor(4*t)\\,24)/12)*t)*exp(-6*mod(4*t\\,1))+0.02*(random(0)-0.5)"

PER_CLASS = 10
HOP_S = 5
BATCH = 16
CLIP_S = 10


@dataclass(frozen=True)
class Taken:
    """What a command took: seconds of CPU, seconds, and MB of memory at its peak."""

    cpu_s: float
    wall_s: float
    peak_mb: float


def recording(folder: Path, name: str) -> Path:
    return folder / ("10s.wav" if SECONDS[name] < LOOP_S else f"{name}.mp3")


def make(folder: Path, models: list[str], names: list[str]) -> None:
    """The sounds and the runs; what is there already is kept. In a process of its own: see `measure`."""
    # Imported here because the process that measures has to stay small.
    from models import make_workspace

    from audioset_tools import Workspace, train
    from audioset_tools.audio.binary import find_ffmpeg
    from audioset_tools.runs.folder import is_finished

    def ffmpeg(*words: str, to: Path) -> None:
        if not to.exists():
            part = to.with_stem(f"{to.stem}.part")
            subprocess.run([find_ffmpeg().binary, "-v", "error", "-y", *words, part], check=True)
            part.rename(to)

    source = ("-f", "lavfi", "-i", f"aevalsrc={SOUND}:s=44100:d={LOOP_S}", "-ac", "2")
    looped = folder / "loop.mp3"
    ffmpeg(*source, "-b:a", "128k", to=looped)
    for name in names:
        if SECONDS[name] < LOOP_S:
            ffmpeg(*source, "-t", str(SECONDS[name]), to=recording(folder, name))
        else:
            again = ("-stream_loop", str(SECONDS[name] // LOOP_S - 1), "-i", str(looped), "-c", "copy")
            ffmpeg(*again, to=recording(folder, name))
    workspace = Workspace(folder / "workspace")
    workspace.prepare()
    make_workspace(workspace, PER_CLASS, "paper", multi_label=False)
    for model in models:
        if not is_finished(workspace.runs / model):
            train(workspace, model, epochs=1, threads=1, name=model)


def straightforward(path: Path, run: Path) -> None:
    """The way that a script goes: all of the recording, librosa's mels, a network."""
    import librosa
    import numpy as np
    import torch

    from audioset_tools.train.trained import load_run

    model, rate = load_run(run, torch.device("cpu")), 16_000
    sound, _ = librosa.load(path, sr=rate)
    mels, answers = [], []
    starts = range(0, max(1, len(sound) - (CLIP_S - HOP_S) * rate), HOP_S * rate)
    for start in starts:
        window = librosa.util.fix_length(sound[start : start + CLIP_S * rate], size=CLIP_S * rate)
        window = (window - window.mean()) / (window.std() or 1)
        mels.append(
            librosa.feature.melspectrogram(
                y=window,
                sr=rate,
                n_fft=400,
                hop_length=200,
                n_mels=128,
                htk=True,
                norm=None,
                pad_mode="reflect",
            )
        )
        if len(mels) == BATCH or start == starts[-1]:
            answers.append(model.probabilities(np.stack(mels)))
            mels = []
    for start, answer in zip(starts, np.concatenate(answers), strict=True):
        print(start / rate, *answer)


def measure(words: list[str], threads: int, first: bool) -> Taken:
    """Run a command to its end."""
    with tempfile.TemporaryDirectory() as empty:
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        if first:
            environment["NUMBA_CACHE_DIR"] = empty
        began = time.perf_counter()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        process = subprocess.Popen(words, env=environment, **quiet)
        # Of this process alone; but Linux lets the peak begin with what its parent had, which is little.
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, words)
    return Taken(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def median(taken: list[Taken]) -> Taken:
    return Taken(
        *(statistics.median(getattr(one, name) for one in taken) for name in ("cpu_s", "wall_s", "peak_mb"))
    )


def row(model: str, name: str, folder: Path, arguments: argparse.Namespace) -> str:
    """Of the table: a recording, both ways."""
    path, run = str(recording(folder, name)), str(folder / "workspace" / "runs" / model)
    ways = [[sys.executable, "-m", "audioset_tools", "predict", path, "--run", run]]
    if SECONDS[name] <= 60 * arguments.librosa_up_to:
        ways.append([sys.executable, __file__, "--straightforward", path, run])
    found: list[list[Taken]] = [[] for _ in ways]
    for _ in range(arguments.repeats):
        for words, taken in zip(ways, found, strict=True):
            taken.append(measure(words, arguments.threads, name == FIRST))
    middle = [median(taken) for taken in found]
    cells = [f"{one.cpu_s:.1f} | {one.wall_s:.1f} | {one.peak_mb:,.0f}" for one in middle]
    cells += ["| |"] * (2 - len(middle))
    times = f"{middle[1].cpu_s / middle[0].cpu_s:.1f}" if len(middle) == 2 else ""
    return f"| {name} | `{model}` | {' | '.join(cells)} | {times} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--models", default="compact,paper,crnn")
    parser.add_argument("--recordings", default=",".join(SECONDS))
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--librosa-up-to", type=int, default=60, metavar="MINUTES")
    parser.add_argument("--folder", type=Path, help="keep the sounds and the runs here")
    parser.add_argument("--straightforward", nargs=2, type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.straightforward:
        straightforward(*arguments.straightforward)
        return
    models, names = arguments.models.split(","), arguments.recordings.split(",")
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        making = multiprocessing.get_context("spawn").Process(target=make, args=(folder, models, names))
        making.start()
        making.join()
        if making.exitcode:
            sys.exit(making.exitcode)
        print("| recording | model | CPU s | seconds | MB | librosa: CPU s | seconds | MB | times CPU |")
        print("|---|---|---|---|---|---|---|---|---|")
        for model in models:
            for name in names:
                print(row(model, name, folder, arguments), flush=True)


if __name__ == "__main__":
    main()

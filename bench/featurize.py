"""From clips on disk to mels in HDF5: ours, librosa as it is usually called, and what this machine can do.

    python bench/featurize.py [--clips 2000] [--peer-clips 200] [--repeats 3] [--folder DIR]

Makes clips (decaying harmonics and noise, no two alike) as WAV and as FLAC, and turns them into the paper's
mels in four ways, with one process and with one for each core:

- `librosa, gzip-4 rows`: `librosa.load`, `librosa.feature.melspectrogram`, compressed a row at a time;
- `librosa, every mercy`: `soundfile.read`, `librosa.stft`, a filterbank made once, a data set of the right
  size from the start and no compression;
- `ours`: `make_shards()` in a workspace, all checks on, and again with a noise copy of each training clip;
- `the floor`: reading the bytes, one FFT of all frames, writing as many bytes; nothing else.

librosa is spared the normalising, the checksums and the flushing to disk that ours does. Every line is
measured in fresh processes after a few clips to warm up; `start` is how long that took, imports included.
CPU time counts all processes and threads, memory is the sum of their peaks, `off` is the largest difference
from librosa in double precision, as a part of the peak. The ratios compare clips a second with as many
processes and the same form of file; those of the floor say how many times slower a line is. BLAS is kept to
one thread, so that one process is one core. Medians; the repeats take turns.
"""

import argparse
import hashlib
import io
import multiprocessing
import os
import re
import resource
import shutil
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import scipy.fft
import soundfile

from audioset_tools.featurize.run import FeaturizeConfig, make_shards
from audioset_tools.featurize.task import Classes
from audioset_tools.tasks.division import Division
from audioset_tools.tasks.engine import cores
from audioset_tools.types import CLIP_SAMPLES, SAMPLE_RATE, Clip
from audioset_tools.workspace import Workspace

CLASSES = ("Piano", "Drums", "Flute", "Other")
SHAPE = (128, 801)
N_FFT, HOP = 400, 200
WARM = 12
"""Clips to warm up with: three of each class, one for each split."""

CHECKED = 20
"""Clips whose mels are compared with librosa's."""


@dataclass(frozen=True)
class Work:
    """What one process does: some clips of the folder `clips` below `root`, to end in the folder `target`."""

    way: str
    root: Path
    clips: tuple[Clip, ...]
    target: Path
    jobs: int
    noise_copies: int = 0

    def paths(self) -> list[Path]:
        return [self.root / clip.path for clip in self.clips]


@dataclass(frozen=True)
class Taken:
    """What it took: seconds until ready and for the work, CPU seconds, bytes written, peak of memory."""

    start: float
    wall: float
    cpu: float
    size: int
    memory: float
    off: float


def rows_with_librosa(work: Work) -> None:
    """(a) what is found in tutorials and in other tools."""
    import librosa

    with h5py.File(work.target / "mels.h5", "w") as file:
        chunks = (1, *SHAPE)
        mels = file.create_dataset(
            "mel", (len(work.clips), *SHAPE), "f4", chunks=chunks, compression="gzip", compression_opts=4
        )
        for row, path in enumerate(work.paths()):
            samples, rate = librosa.load(path, sr=SAMPLE_RATE)
            mels[row] = librosa.feature.melspectrogram(
                y=samples, sr=rate, n_fft=N_FFT, hop_length=HOP, n_mels=SHAPE[0], htk=True, norm=None,
                pad_mode="reflect",
            )  # fmt: skip
        keys(file, work)


def mercy_on_librosa(work: Work) -> None:
    """(b) the same without what makes it slow."""
    import librosa

    filters = filterbank(np.float32)
    with h5py.File(work.target / "mels.h5", "w") as file:
        mels = file.create_dataset("mel", (len(work.clips), *SHAPE), "f4")
        for row, path in enumerate(work.paths()):
            samples, _ = soundfile.read(path, dtype="float32")
            spectrum = librosa.stft(samples, n_fft=N_FFT, hop_length=HOP, pad_mode="reflect")
            mels[row] = filters @ (np.square(spectrum.real) + np.square(spectrum.imag))
        keys(file, work)


def keys(file: h5py.File, work: Work) -> None:
    file["key"] = [clip.key.encode() for clip in work.clips]


def floor(work: Work) -> None:
    row = np.ones(SHAPE, np.float32)
    with (work.target / "mels").open("wb") as file:
        for path in work.paths():
            content = path.read_bytes()
            if path.suffix == ".wav":
                samples = np.frombuffer(content[44:], np.int16)
            else:
                samples, _ = soundfile.read(io.BytesIO(content), dtype="int16")
            centred = np.empty(CLIP_SAMPLES + N_FFT, np.float32)
            centred[N_FFT // 2 : -N_FFT // 2] = samples
            frames = np.lib.stride_tricks.sliding_window_view(centred, N_FFT)[::HOP]
            scipy.fft.rfft(frames, axis=1)
            file.write(row)


def ours(work: Work) -> None:
    (work.target / "clips").symlink_to(work.root / "clips")
    config = FeaturizeConfig(noise_copies=work.noise_copies, division=Division(work.jobs))
    make_shards(Workspace(work.target), work.clips, Classes("bench", CLASSES), config)


WAYS: dict[str, Callable[[Work], None]] = {
    "librosa, gzip-4 rows": rows_with_librosa,
    "librosa, every mercy": mercy_on_librosa,
    "the floor": floor,
    "ours": ours,
    "ours, a noise copy more": ours,
}
GZIP, MERCY, FLOOR, OURS, NOISE = WAYS


def process(work: Work, ready: Any, answers: Any) -> None:
    """One process: warm up, wait for the others, work."""
    begun = time.monotonic()
    warnings.filterwarnings("ignore", "Empty filters", UserWarning)
    run = WAYS[work.way]
    with tempfile.TemporaryDirectory(dir=work.target.parent) as name:
        run(replace(work, clips=work.clips[:WARM], target=Path(name)))
    started = time.monotonic() - begun
    ready.wait()
    cpu, begun = time.process_time(), time.monotonic()
    run(work)
    ended = time.monotonic()
    answers.put((started, begun, ended, time.process_time() - cpu, peak_mb()))


def peak_mb() -> float:
    status = Path("/proc/self/status")
    if status.exists():
        # Linux lets the figure of getrusage begin with what the parent had.
        return int(re.findall(r"VmHWM:\s*(\d+) kB", status.read_text())[0]) / 1e3
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def measure(work: Work, processes: int, references: dict[str, Any]) -> Taken:
    """Share the work out among processes and add up what they took."""
    shares = [
        replace(work, clips=work.clips[number::processes], target=work.target / str(number))
        for number in range(processes)
    ]
    context = multiprocessing.get_context("spawn")
    ready, answers = context.Barrier(processes), context.Queue()
    # What an earlier line left to be written must not slow this one.
    os.sync()
    running = []
    for share in shares:
        share.target.mkdir(parents=True)
        running.append(context.Process(target=process, args=(share, ready, answers)))
        running[-1].start()
    done = [answers.get() for _ in running]
    for one in running:
        one.join()
    starts, begins, ends, cpu, memory = zip(*done, strict=True)
    files = [path for path in work.target.rglob("*") if path.is_file() and not path.is_symlink()]
    size = sum(path.stat().st_size for path in files if "clips" not in path.parts)
    off = farthest(files, references)
    shutil.rmtree(work.target)
    return Taken(max(starts), max(ends) - min(begins), sum(cpu), size, sum(memory), off)


def farthest(files: list[Path], references: dict[str, Any]) -> float:
    """The largest difference from the reference over the mels in files, as a part of its peak."""
    off = 0.0
    for path in files:
        if path.suffix != ".h5":
            continue
        with h5py.File(path) as file:
            copies = file["noise"][:] if "noise" in file else np.zeros(len(file["key"]), int)
            for row, (key, copy) in enumerate(zip(file["key"][:], copies, strict=True)):
                reference = references.get(key.decode())
                if reference is not None and not copy:
                    off = max(off, np.abs(file["mel"][row] - reference).max() / reference.max())
    return off


def filterbank(dtype: type) -> Any:
    import librosa

    return librosa.filters.mel(sr=SAMPLE_RATE, n_fft=N_FFT, n_mels=SHAPE[0], htk=True, norm=None, dtype=dtype)


def reference(samples: Any) -> Any:
    """librosa's mel in double precision."""
    import librosa

    spectrum = librosa.stft(samples, n_fft=N_FFT, hop_length=HOP, pad_mode="reflect", dtype=np.complex128)
    return filterbank(np.float64) @ np.abs(spectrum) ** 2


def make_clips(root: Path, suffix: str, count: int) -> tuple[Clip, ...]:
    """Clips of a workspace: phrases of decaying notes, laid over one another, and noise."""
    rng = np.random.default_rng(1)
    phrases = [phrase(rng) for _ in range(40)]
    clips = []
    for number in range(count):
        class_name, key = CLASSES[number % 4], f"{number:010}A_{1000 * number}"
        sound = rng.uniform(0.003, 0.05) * rng.standard_normal(CLIP_SAMPLES, np.float32)
        for which in rng.choice(len(phrases), 2, replace=False):
            sound += rng.uniform(0.1, 0.4) * np.roll(phrases[which], rng.integers(CLIP_SAMPLES))
        path = Workspace(root).clip(class_name, key).with_suffix(suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, sound.clip(-1, 1), SAMPLE_RATE, subtype="PCM_16")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        peak = float(np.abs(sound).max())
        clips.append(Clip(key, class_name, number, str(path.relative_to(root)), digest, 10.0, peak, "bench"))
    return tuple(clips)


def phrase(rng: np.random.Generator) -> Any:
    """Ten seconds with six notes of eight harmonics, each dying away: float32, peak 1."""
    sound = np.zeros(CLIP_SAMPLES)
    for _ in range(6):
        begin, pitch = int(rng.integers(CLIP_SAMPLES - 8_000)), rng.uniform(60, 900)
        seconds = np.arange(CLIP_SAMPLES - begin) / SAMPLE_RATE
        for harmonic in range(1, 9):
            fading = np.exp(-seconds * rng.uniform(0.5, 2) * harmonic) / harmonic
            sound[begin:] += fading * np.sin(2 * np.pi * pitch * harmonic * seconds)
    return (sound / np.abs(sound).max()).astype(np.float32)


def print_form(base: Path, suffix: str, arguments: argparse.Namespace) -> None:
    root = base / suffix.removeprefix(".")
    clips = make_clips(root, suffix, arguments.clips)
    plain, standard = {}, {}
    for clip in clips[:CHECKED]:
        samples, _ = soundfile.read(root / clip.path)
        plain[clip.key] = reference(samples)
        standard[clip.key] = reference((samples - samples.mean()) / samples.std())
    counts = sorted({1, cores()})
    taken: dict[tuple[str, int], list[Taken]] = {}
    for _ in range(arguments.repeats):
        for way in WAYS:
            for count in counts:
                own = way in (OURS, NOISE)
                few = clips if own or way == FLOOR else clips[: arguments.peer_clips * count]
                work = Work(way, root, few, base / "target", count, int(way == NOISE))
                one = measure(work, 1 if own else count, standard if own else plain)
                per_clip = replace(
                    one, wall=one.wall / len(few), cpu=one.cpu / len(few), size=one.size // len(few)
                )
                taken.setdefault((way, count), []).append(per_clip)
    shutil.rmtree(root)
    table(suffix.removeprefix(".").upper(), taken)


def table(form: str, taken: dict[tuple[str, int], list[Taken]]) -> None:
    def median(way: str, count: int, of: str) -> float:
        return statistics.median(getattr(one, of) for one in taken[way, count])

    print(
        f"\n{form:26}{'cores':>6}{'clips/s':>9}{'CPU ms':>8}{'start s':>8}{'bytes':>9}{'MB':>6}{'off':>9}"
        f"{'x gzip':>8}{'x mercy':>8}{'/ floor':>8}"
    )
    for way, count in taken:
        wall = median(way, count, "wall")
        of_gzip, of_mercy = (median(peer, count, "wall") / wall for peer in (GZIP, MERCY))
        off = median(way, count, "off")
        print(
            f"{way:26}{count:6}{1 / wall:9,.0f}{1e3 * median(way, count, 'cpu'):8.2f}"
            f"{median(way, count, 'start'):8.1f}{median(way, count, 'size'):9,.0f}"
            f"{median(way, count, 'memory'):6.0f}{f'{off:.0e}' if off else '':>9}"
            f"{of_gzip:8.1f}{of_mercy:8.1f}{wall / median(FLOOR, count, 'wall'):8.2f}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=2_000)
    parser.add_argument("--peer-clips", type=int, default=200, help="for librosa, with each core")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where the files go: the disk to be measured")
    arguments = parser.parse_args()
    if arguments.clips < WARM:
        parser.error(f"--clips must be at least {WARM}")
    warnings.filterwarnings("ignore", "Empty filters", UserWarning)
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ[f"{library}_NUM_THREADS"] = "1"
    with tempfile.TemporaryDirectory(dir=arguments.folder) as name:
        print(f"{arguments.clips:,} clips, librosa {arguments.peer_clips:,} with each core;", end=" ")
        print(f"medians of {arguments.repeats}")
        for suffix in (".wav", ".flac"):
            print_form(Path(name), suffix, arguments)


if __name__ == "__main__":
    main()

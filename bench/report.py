"""The report of a workspace of 9,600 clips: how long it takes, how large it is, how soon a browser shows it.

    python bench/report.py make DIR [--clips 9600]
    python bench/report.py measure DIR [--repeats 3] [--against CHECKOUT]
    python bench/report.py sounds DIR
    python bench/report.py runs DIR [--runs 1000]

`make` writes a workspace as fetch, featurize and train would leave it, the shards left out, all its clips
different: a ledger of 20 % more candidates than clips, these dead, with pauses; and a run with a prediction
for every twelfth clip, of which a tenth is wrong. `measure` deletes the report and writes it, then writes it
again with nothing changed, then once more with one sound and one level to be made, by the clock and by the
CPU, of whatever ran; with `--against` by another version in turn, of a checkout. It says how large it is; and
opens the page from disk in headless Chromium (Debian's, an empty profile for each): until the browser's
`load`, until it has painted what is seen first, what it has read by then, and the largest page of a cell in
the same way. Medians. `runs` writes the report of a workspace of made-up runs alone, and says how long that
takes and how large it is. `sounds` encodes every clip of a workspace in turn in each form that libsndfile
knows and browsers play, and tells how long that takes of the CPU, how large they are, and how far below the
clip the difference is; of the form that the report has there must be none.
"""

import argparse
import hashlib
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
from typing import Any

import numpy as np
import soundfile
from playwright.sync_api import Playwright, sync_playwright

from audioset_tools.audio.clip import read_clip, wav_header
from audioset_tools.ledger import Ledger, Origin
from audioset_tools.report.media import write_sound
from audioset_tools.shards.dataset import write_dataset
from audioset_tools.shards.placements import Placement
from audioset_tools.types import (
    CLIP_SAMPLES,
    CLIP_SECONDS,
    SAMPLE_RATE,
    Candidate,
    Clip,
    Failure,
    Reason,
    clip_bytes,
)
from audioset_tools.workspace import Workspace

HERE = Path(__file__).parent.parent

CLASSES = ("Piano", "Drums", "Flute", "Other")
SPLIT = [*["train"] * 5, "validation", *["train"] * 5, "test"]
"""Of clips in turn: of 9,600, 800 are in the test split."""

FORMS: dict[str, dict[str, Any]] = {
    "MP3, variable rate": {"format": "MP3", "subtype": "MPEG_LAYER_III", "bitrate_mode": "VARIABLE"},
    "Ogg Vorbis": {"format": "OGG", "subtype": "VORBIS"},
    "Ogg Opus": {"format": "OGG", "subtype": "OPUS"},
}
"""What else a report could have, as libsndfile is asked for it."""

QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
)
QUIET = (*QUIET, "--disable-component-update", "--disable-sync")


def main() -> None:
    """Make a workspace, or measure with one."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("make", "measure", "runs", "sounds"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--clips", type=int, default=9_600)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--runs", type=int, default=1_000)
    parser.add_argument("--against", type=Path)
    words = parser.parse_args()
    workspace = Workspace(words.folder)
    if words.what == "make":
        make(workspace, words.clips)
    elif words.what == "measure":
        measure(workspace, words.repeats, words.against)
    elif words.what == "runs":
        many_runs(workspace, words.runs)
    else:
        compare_sounds(workspace)


def make(workspace: Workspace, clips: int) -> None:
    """A workspace as fetch, featurize and train would leave it."""
    workspace.prepare()
    each = clips // len(CLASSES)
    queues = [
        Candidate(_ytid(number * 2 * each + rank), 30_000, 40_000, name, 3, rank, "unbalanced_train")
        for number, name in enumerate(CLASSES)
        for rank in range(each + each // 5)
    ]
    rng = np.random.default_rng(0)
    placed: list[Placement] = []
    with Ledger(workspace.ledger) as ledger:
        ledger.load(Origin("paper", "a" * 64, "b" * 64, CLASSES, 2019, (8_000, 800, 800)), queues)
        ledger.put("per_class", str(each))
        at = 1_790_000_000.0
        for number, one in enumerate(queues):
            at += 9.0
            if one.rank % 6 == 5:
                reason = (Reason.REMOVED, Reason.PRIVATE, Reason.TERMINATED, Reason.COPYRIGHT)[number % 4]
                ledger.fail(one, Failure(one.key, reason, "This video is not available", 1, None), at)
            else:
                clip = write_clip(workspace, one, rng)
                ledger.accept(one, clip, at)
                split = SPLIT[len(placed) % len(SPLIT)]
                placed.append(Placement(one.key, one.class_name, (), split, clip.path, clip.sha256))
            if number % 1_500 == 1_499:
                ledger.note("paused", Reason.TOO_MANY_REQUESTS, "HTTP Error 429: Too Many Requests", at)
                at += 3_600
    write_dataset(workspace.dataset, tuple(placed))
    tested = [(one.key, CLASSES.index(one.class_name)) for one in placed if one.split == "test"]
    write_run(workspace.runs / "paper", tested, rng)
    print(f"{clips:,} clips, {len(tested):,} predictions in {workspace.root}")


def write_clip(workspace: Workspace, one: Candidate, rng: np.random.Generator) -> Clip:
    """A decaying chord over noise, different for every clip."""
    seconds = np.arange(CLIP_SAMPLES, dtype=np.float32) / SAMPLE_RATE
    pitch = 110 * 2 ** rng.uniform(0, 3)
    beat = (seconds * rng.uniform(1, 4)) % 1
    sound = np.exp(-3 * beat) * np.sin(2 * np.pi * pitch * seconds) * rng.uniform(0.05, 0.9)
    sound += 0.01 * np.resize(rng.standard_normal(4_096).astype(np.float32), CLIP_SAMPLES)
    samples = (32_767 * np.clip(sound, -1, 1)).astype("<i2")
    content = wav_header(SAMPLE_RATE) + samples.tobytes()
    path = workspace.clip(one.class_name, one.key)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    where = path.relative_to(workspace.root).as_posix()
    peak = float(np.abs(samples).max() / 32_768)
    return Clip(one.key, one.class_name, one.rank, where, digest, 10.0, peak, "youtube webm/opus 251")


def write_run(folder: Path, tested: list[tuple[str, int]], rng: np.random.Generator) -> None:
    """A finished run; one in ten predictions is wrong."""
    folder.mkdir(parents=True)
    about = {"config": {"model": "paper"}, "class_names": CLASSES, "recipe": "paper", "versions": {}}
    (folder / "config.json").write_text(json.dumps(about))
    lines = [",".join(("key", "actual", "predicted", *CLASSES))]
    for key, actual in tested:
        predicted = (actual + int(rng.integers(1, 4))) % 4 if rng.random() < 0.1 else actual
        chances = rng.dirichlet(np.ones(4) + 20 * (np.arange(4) == predicted))
        lines.append(",".join((key, CLASSES[actual], CLASSES[predicted], *(f"{p:.6f}" for p in chances))))
    (folder / "predictions.csv").write_text("\n".join(lines) + "\n")
    rows = [f"{n},{1000 / n**3},0.9,{900 / n**2},0.8,300,99" for n in range(1, 16)]
    columns = "epoch,train_loss,train_f1,validation_loss,validation_f1,seconds,samples_per_second"
    (folder / "history.csv").write_text("\n".join((columns, *rows)) + "\n")
    scores = {"precision": 0.9, "recall": 0.9, "f1": 0.9}
    split = {"classes": dict.fromkeys(CLASSES, scores), "macro": scores}
    (folder / "metrics.json").write_text(json.dumps({"best_epoch": 12, "test": split, "validation": split}))


def many_runs(workspace: Workspace, runs: int) -> None:
    """The report of so many runs: how long it takes, and how large it is."""
    rng = np.random.default_rng(0)
    tested = [(f"{_ytid(number)}_0", number % 4) for number in range(800)]
    for number in range(runs):
        folder = workspace.runs / f"run-{number:05}"
        write_run(folder, tested, rng)
        metrics = json.loads((folder / "metrics.json").read_text())
        metrics["test"]["macro"] = {"precision": 0.9, "recall": 0.9, "f1": rng.uniform(0.3, 0.9)}
        (folder / "metrics.json").write_text(json.dumps(metrics))
    seconds, _ = timed(workspace)
    files = [path for path in (workspace.root / "report").rglob("*") if path.is_file()]
    index = (workspace.root / "report" / "index.html").stat().st_size
    print(f"{runs:,} runs: {seconds:.1f} s, index.html {index / 1e3:.0f} kB, ", end="")
    print(f"{len(files):,} files of {sum(path.stat().st_size for path in files) / 1e6:.1f} MB")


def measure(workspace: Workspace, repeats: int, against: Path | None) -> None:
    """How long, how large, how soon."""
    out = workspace.root / "report"
    taken: dict[str, list[tuple[float, float]]] = {}
    for _ in range(repeats):
        for checkout, name in ((against, f", by {against}"), (HERE, "")):
            if checkout is None:
                continue
            shutil.rmtree(out, ignore_errors=True)
            taken.setdefault(f"first report{name}", []).append(timed(workspace, checkout))
            taken.setdefault(f"nothing changed{name}", []).append(timed(workspace, checkout))
            (levels := out / "levels.csv").write_text("\n".join(levels.read_text().splitlines()[:-1]) + "\n")
            next((out / "sounds").iterdir()).unlink()
            name = f"one sound and one level to be made{name}"
            taken.setdefault(name, []).append(timed(workspace, checkout))
    print("| | s | CPU, s |\n|---|---|---|")
    for name, each in taken.items():
        seconds, spent = (statistics.median(one) for one in zip(*each, strict=True))
        print(f"| {name} | {seconds:.1f} | {spent:.1f} |")
    files = [path for path in out.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    index = (out / "index.html").stat().st_size
    print(f"\n{len(files):,} files, {size / 1e6:.1f} MB, of which index.html {index / 1e3:.0f} kB")
    cell = max(out.glob("cells/*/*.html"), key=lambda path: path.stat().st_size)
    print("\n| page | elements | load, ms | painted, ms | files read | MB read |\n|---|---|---|---|---|---|")
    with sync_playwright() as playwright:
        for name, page in (("index.html", out / "index.html"), ("the largest cell", cell)):
            print(f"| {name} | {' | '.join(opened(playwright, page, repeats))} |")


def timed(workspace: Workspace, checkout: Path = HERE) -> tuple[float, float]:
    """Seconds of `audioset-tools report`, starting Python among them: by the clock, and by the CPU."""
    before, began = _spent(), time.perf_counter()
    words = [sys.executable, "-m", "audioset_tools", "report", "--workspace", str(workspace.root.absolute())]
    environment = {**os.environ, "PYTHONPATH": str(checkout.absolute())}
    subprocess.run(words, check=True, capture_output=True, env=environment, cwd=checkout)
    return time.perf_counter() - began, _spent() - before


def _spent() -> float:
    """Seconds of the CPU that all processes of ours have taken that are over."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def opened(playwright: Playwright, page: Path, repeats: int) -> tuple[str, ...]:
    """Elements, time to `load` and to the first paint, files and megabytes read."""
    loads, paints = [], []
    asked: set[str] = set()
    elements = 0
    for _ in range(repeats):
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=list(QUIET))
        tab = browser.new_page(viewport={"width": 1280, "height": 800})
        tab.on("request", lambda request: asked.add(request.url))
        tab.goto(page.as_uri(), wait_until="load")
        loads.append(tab.evaluate("performance.getEntriesByType('navigation')[0].loadEventStart"))
        tab.wait_for_timeout(300)
        paints.append(tab.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
        elements = tab.evaluate("document.querySelectorAll('*').length")
        browser.close()
    files = [path for url in asked if url.startswith("file:") for path in [Path(url.removeprefix("file://"))]]
    read = sum(path.stat().st_size for path in files) / 1e6
    load, paint = (f"{statistics.median(times):.0f}" for times in (loads, paints))
    return f"{elements:,}", load, paint, f"{len(files)}", f"{read:.2f}"


def compare_sounds(workspace: Workspace) -> None:
    """What each form of sound costs, how large it is, and how far from the clip."""
    taken: dict[str, list[tuple[float, int, float]]] = {name: [] for name in ("as the report has it", *FORMS)}
    with Ledger(workspace.ledger, read_only=True) as ledger, tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "sound"
        for _, clip in ledger.clips():
            samples = read_clip(workspace.root / clip.path, clip.sha256)
            for name, each in taken.items():
                began = time.process_time()
                if name in FORMS:
                    sound = soundfile.SoundFile(target, "w", len(samples) // CLIP_SECONDS, 1, **FORMS[name])
                    with sound:
                        sound.write(samples)
                else:
                    write_sound(target, samples)
                spent = time.process_time() - began
                heard, _ = soundfile.read(target, dtype="float32")
                off = float(np.square(samples - heard[: len(samples)]).sum())
                below = 10 * np.log10(np.square(samples).sum() / off) if off else np.inf
                each.append((1_000 * spent, target.stat().st_size, float(below)))
    clips = len(next(iter(taken.values())))
    print(f"{clips:,} clips of {clip_bytes(SAMPLE_RATE) / 1e3:.0f} kB; means, and the least difference\n")
    print("| form | CPU, ms | kB | below the clip, dB | at least |\n|---|---|---|---|---|")
    for name, each in taken.items():
        spent, size, below = np.array(each).T
        print(f"| {name} | {spent.mean():.1f} | {size.mean() / 1e3:.0f} ", end="")
        print(f"| {below.mean():.1f} | {below.min():.1f} |")


def _ytid(number: int) -> str:
    """A video id of its own for each number."""
    return f"{number:010d}A"


if __name__ == "__main__":
    main()

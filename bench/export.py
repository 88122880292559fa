"""Exports of made-up clips: how long each takes, how large it is, and whether it is the same bytes again.

    python bench/export.py [--clips 1000] [--formats panns,passt,ast,kaldi] [--kept] [--folder DIR]

Makes a workspace of clips at 16 kHz, each a decaying chord of its own over noise, with two of 527 made-up
labels; `--kept` also keeps a source of each, ten seconds of Opus. Each format is written with one job and
with two, each into an empty folder of the same name; seconds of wall time, of the CPU with one job, megabytes
on disk (clips that are linked take none), and whether the files of both are the same. The table says also
what the CPU and the disk come to for 9,600 clips, in proportion.
"""

import argparse
import hashlib
import os
import shutil
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

from audioset_tools.audio.clip import write_clip
from audioset_tools.export.folder import AUDIO
from audioset_tools.export.run import ExportResult, export
from audioset_tools.ledger import Ledger, Origin
from audioset_tools.shards.dataset import write_dataset
from audioset_tools.shards.placements import Placement
from audioset_tools.types import CLIP_SECONDS, SAMPLE_RATE, Candidate, Clip, KeptSource
from audioset_tools.workspace import Workspace

CLASSES = ("Piano", "Drums", "Flute", "Other")
LABELS = tuple(f"/m/{number:05}" for number in range(527))
PAPER = 9_600
"""Clips of the paper's data set."""

SPLIT = [*["train"] * 5, "validation", *["train"] * 5, "test"]


def main() -> None:
    """Make a workspace, export it in each format, and print a table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clips", type=int, default=1_000)
    parser.add_argument("--formats", default="panns,passt,ast,kaldi")
    parser.add_argument("--kept", action="store_true")
    parser.add_argument("--folder", type=Path, help="where to work; a temporary folder if left out")
    words = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=words.folder) as folder:
        workspace, lists = Workspace(Path(folder) / "audioset"), Path(folder) / "lists"
        write_labels(lists)
        make(workspace, words.clips, words.kept)
        print(f"| {words.clips:,} clips | s, 1 job | s, 2 jobs | CPU s | MB | same | {PAPER:,}: CPU s | GB |")
        print("|---|---|---|---|---|---|---|---|")
        for name in words.formats.split(","):
            print(measured(workspace, name, lists, Path(folder) / "out", PAPER / words.clips), flush=True)


def measured(workspace: Workspace, name: str, lists: Path, out: Path, factor: float) -> str:
    """A row of the table."""
    seconds, spent, digests = [], [], []
    for jobs in (1, 2):
        began, cpu = time.perf_counter(), time.process_time()
        done: ExportResult = export(workspace, name, out, metadata=lists, jobs=jobs)
        seconds.append(time.perf_counter() - began)
        spent.append(time.process_time() - cpu)
        digests.append(digest_of_all(out))
        shutil.rmtree(out)
    megabytes = done.bytes / 1e6
    return (
        f"| {name} | {seconds[0]:.1f} | {seconds[1]:.1f} | {spent[0]:.1f} | {megabytes:,.1f} |"
        f" {'yes' if digests[0] == digests[1] else 'NO'} | {spent[0] * factor:.0f} |"
        f" {megabytes * factor / 1000:.2f} |"
    )


def digest_of_all(folder: Path) -> str:
    """Of the names and bytes of all files but the linked clips, whose digests the ledger has."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.parent.name != AUDIO:
            digest.update(path.relative_to(folder).as_posix().encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()


def write_labels(folder: Path) -> None:
    """527 labels in the form of AudioSet's own file."""
    folder.mkdir()
    lines = [f'{number},{mid},"Label {number}"' for number, mid in enumerate(LABELS)]
    (folder / "class_labels_indices.csv").write_text("\n".join(["index,mid,display_name", *lines, ""]))


def make(workspace: Workspace, clips: int, kept: bool) -> None:
    """A workspace as fetch would leave it, with its splits."""
    workspace.prepare()
    rng = np.random.default_rng(0)
    queues = [
        Candidate(
            f"x{number:09d}A", 30_000, 40_000, CLASSES[number % 4], 3, number // 4, "unbalanced_train",
            labels=(LABELS[number % 527], LABELS[(number + 137) % 527]),
        )
        for number in range(clips)
    ]  # fmt: skip
    placed = []
    with Ledger(workspace.ledger) as ledger:
        ledger.load(Origin("paper", "a" * 64, "b" * 64, CLASSES, 2019, (8_000, 800, 800)), queues)
        for number, one in enumerate(queues):
            clip = made(workspace, one, rng, kept)
            ledger.accept(one, clip, 1_790_000_000.0 + number)
            split = SPLIT[number % len(SPLIT)]
            placed.append(Placement(one.key, one.class_name, (), split, clip.path, clip.sha256, one.labels))
    write_dataset(workspace.dataset, tuple(placed))


def made(workspace: Workspace, one: Candidate, rng: np.random.Generator, kept: bool) -> Clip:
    """A clip on disk, and what was kept of it."""
    pitch, beat, level = 110 * 2 ** rng.uniform(0, 3), rng.uniform(1, 4), rng.uniform(0.05, 0.9)
    path = workspace.clip(one.class_name, one.key)
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = sound(rng, SAMPLE_RATE, pitch, beat, level)
    digest = write_clip((32_767 * samples).astype(np.int16), path)
    source = None
    if kept:
        target = workspace.kept_source(one.class_name, one.key).with_suffix(".ogg")
        target.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(target, sound(rng, 48_000, pitch, beat, level), 48_000, format="OGG", subtype="OPUS")
        content = hashlib.sha256(target.read_bytes()).hexdigest()
        source = KeptSource(os.fspath(target.relative_to(workspace.root)), content, one.start_ms)
    where = path.relative_to(workspace.root).as_posix()
    peak = float(np.abs(samples).max())
    return Clip(
        *(one.key, one.class_name, one.rank, where, digest, 10.0, peak, "youtube webm/opus 251"),
        labels=one.labels,
        kept=source,
    )


def sound(rng: np.random.Generator, rate: int, pitch: float, beat: float, level: float) -> np.ndarray:
    """A decaying chord over noise, [samples]."""
    seconds = np.arange(CLIP_SECONDS * rate) / rate
    tones = sum(np.sin(2 * np.pi * pitch * part * seconds) / part for part in (1, 2, 3))
    noise = 0.01 * np.resize(rng.standard_normal(4_096), len(seconds))
    return np.clip(0.5 * level * np.exp(-3 * ((seconds * beat) % 1)) * tones + noise, -1, 1)


if __name__ == "__main__":
    main()

"""What each export costs: seconds, and megabytes on the disk and in memory, for a set of the paper's size.

    python bench/export_paper.py [--clips 9600] [--formats hf,webdataset] [--jobs 2] [--folder DIR]

Makes a workspace with so many clips of noise, each another, in a temporary folder (320 kB a clip, and as
much again for a format that holds the sound). Then exports it in each format of the table, in a process of
its own, and a second time, when there is nothing to make but everything to be looked at. The first row is
what no export can do without: reading every clip, taking its sha256, and writing it. Memory is told by
Linux alone.
"""

import argparse
import hashlib
import json
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from audioset_tools.exceptions import AudiosetToolsError
from audioset_tools.export.formats import FORMATS
from audioset_tools.export.run import export
from audioset_tools.ledger import Ledger, Origin
from audioset_tools.types import CLIP_SAMPLES, SAMPLE_RATE, Candidate, Clip
from audioset_tools.workspace import Workspace

CLASSES = ("Piano", "Drums", "Flute", "Other")
LABELS = 527
COPY = "a copy"


def mid(number: int) -> str:
    return f"/m/0bench{number:03}"


def make_workspace(root: Path, count: int) -> None:
    """A workspace as `fetch` leaves it, and AudioSet's label file with made-up labels."""
    workspace, rng = Workspace(root / "audioset"), np.random.default_rng(0)
    noise = rng.integers(-9_000, 9_000, CLIP_SAMPLES, dtype=np.int16)
    header = wav_header(2 * CLIP_SAMPLES)
    pairs = []
    for number in range(count):
        name, rank = CLASSES[number % len(CLASSES)], number // len(CLASSES)
        labels = (mid(number % LABELS), mid(rank * 7 % LABELS))
        one = Candidate(f"{number:010}A", 0, 10_000, name, 3, rank, "eval", labels=labels)
        path = workspace.clip(name, one.key)
        path.parent.mkdir(parents=True, exist_ok=True)
        content = header + np.roll(noise, 16 * number).tobytes()
        path.write_bytes(content)
        where, digest = str(path.relative_to(workspace.root)), hashlib.sha256(content).hexdigest()
        pairs.append((one, Clip(one.key, name, rank, where, digest, 10.0, 0.3, "youtube made up")))
    with Ledger(workspace.ledger) as ledger:
        origin = Origin("paper", "", "", CLASSES, 0, (8_000, 800, 800))
        ledger.load(origin, [one for one, _ in pairs])
        for one, clip in pairs:
            ledger.accept(one, clip, at=0)
    (root / "lists").mkdir()
    rows = "".join(f'{number},{mid(number)},"Label {number}"\n' for number in range(LABELS))
    (root / "lists" / "class_labels_indices.csv").write_text(f"index,mid,display_name\n{rows}")


def wav_header(data_bytes: int) -> bytes:
    """Of one channel of 16-bit samples."""
    words = [(b"RIFF", 36 + data_bytes), (b"WAVEfmt ", 16)]
    head = b"".join(name + size.to_bytes(4, "little") for name, size in words)
    form = [(1, 2), (1, 2), (SAMPLE_RATE, 4), (2 * SAMPLE_RATE, 4), (2, 2), (16, 2)]
    head += b"".join(value.to_bytes(size, "little") for value, size in form)
    return head + b"data" + data_bytes.to_bytes(4, "little")


def measure(name: str, root: Path, jobs: int | None) -> dict[str, float | str]:
    """In a process of its own: an export, and the same again."""
    out, begun = root / "out", time.perf_counter()
    if name == COPY:
        out.mkdir()
        for path in sorted((root / "audioset" / "clips").rglob("*.wav")):
            content = path.read_bytes()
            hashlib.sha256(content).hexdigest()
            (out / path.name).write_bytes(content)
        return {"first": time.perf_counter() - begun, "again": 0.0} | weighed(out)
    try:
        export(Workspace(root / "audioset"), name, out, metadata=root / "lists", jobs=jobs)
        first, begun = time.perf_counter() - begun, time.perf_counter()
        export(Workspace(root / "audioset"), name, out, metadata=root / "lists", jobs=jobs)
    except (AudiosetToolsError, ModuleNotFoundError) as error:
        return {"error": str(error)}
    return {"first": first, "again": time.perf_counter() - begun} | weighed(out)


def weighed(out: Path) -> dict[str, float]:
    """Megabytes that an export takes besides the clips, in how many files, and this process at its peak."""
    files = [path for path in out.rglob("*") if path.is_file()]
    return {
        "disk_mb": sum(path.stat().st_size for path in files if path.stat().st_nlink == 1) / 1e6,
        "files": len(files),
        "memory_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        name, root, jobs = sys.argv[2:]
        print(json.dumps(measure(name, Path(root), int(jobs) or None)))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=9_600)
    parser.add_argument("--formats", default=",".join(FORMATS))
    parser.add_argument("--jobs", type=int, default=0)
    parser.add_argument("--folder", type=Path, help="where to make the temporary folder")
    arguments = parser.parse_args()
    root = Path(tempfile.mkdtemp(dir=arguments.folder))
    try:
        make_workspace(root, arguments.clips)
        print(f"{arguments.clips:,} clips of noise; seconds, then megabytes")
        print(f"{'':14}{'first, s':>10}{'again, s':>10}{'clips/s':>10}{'disk':>10}{'memory':>10}{'files':>8}")
        for name in (COPY, *arguments.formats.split(",")):
            words = [sys.executable, __file__, "--measure", name, str(root), str(arguments.jobs)]
            done = json.loads(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout)
            shutil.rmtree(root / "out", ignore_errors=True)
            print(f"{name:14}{row(done, arguments.clips)}", flush=True)
    finally:
        shutil.rmtree(root)


def row(done: dict[str, float], clips: int) -> str:
    if "error" in done:
        return f"  {done['error']}"
    return (
        f"{done['first']:10.1f}{done['again']:10.1f}{clips / done['first']:10.0f}"
        f"{done['disk_mb']:10.0f}{done['memory_mb']:10.0f}{done['files']:8.0f}"
    )


if __name__ == "__main__":
    main()

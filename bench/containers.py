"""Archives that hold many clips: how long an index takes, what a clip costs, and the same with the libraries.

    python bench/containers.py [--entries 20000] [--bytes 16000] [--row-bytes 1400000] [--repeats 3]

Makes one archive of each kind with so many made-up sounds, and measures, each in a process of its own:

- the index, from an unopened archive to all ids and where each lies: seconds, and megabytes by which the
  process has grown at its peak; also with an index that was kept from the time before;
- a clip, found by its id and read to memory: milliseconds, the median of some drawn at random, and the
  megabytes that these take at their peak.

Beside it the usual way: `zipfile`, `tarfile`, pyarrow's `read_row_group`, h5py, with a dictionary from ids to
entries. The table has the medians of the repeats, and how many times as much the usual way takes. `big
parquet` has a hundred rows of `--row-bytes` a row group, as AudioSet's mirrors have, and fewer rows in all.
Memory is told by Linux alone.
"""

import argparse
import io
import json
import random
import shutil
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from audioset_tools.archives.folder import Folder

GROUP_ROWS = 100
CLIPS = {"parquet": 6}
"""So many clips are read of a kind; of the others `MANY`."""
MANY = 300

Reader = Callable[[str], bytes]


def ids(count: int) -> list[str]:
    return [f"{number:010}A" for number in range(count)]


def make_zip(path: Path, count: int, size: int) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for ytid in ids(count):
            archive.writestr(f"unbalanced/Y{ytid}.wav", random.randbytes(size))


def make_tar(path: Path, count: int, size: int) -> None:
    with tarfile.open(path, "w") as archive:
        for ytid in ids(count):
            add(archive, f"unbalanced/Y{ytid}.wav", random.randbytes(size))


def make_webdataset(path: Path, count: int, size: int) -> None:
    with tarfile.open(path, "w") as archive:
        for number, ytid in enumerate(ids(count)):
            add(archive, f"sample-{number}.json", json.dumps({"id": f"Y{ytid}", "label": [1, 2]}).encode())
            add(archive, f"sample-{number}.wav", random.randbytes(size))


def add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def make_parquet(path: Path, count: int, size: int) -> None:
    audio = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema([("video_id", pa.string()), ("audio", audio)])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, count, GROUP_ROWS):
            group = ids(count)[start : start + GROUP_ROWS]
            sounds = [{"bytes": random.randbytes(size), "path": f"Y{ytid}.flac"} for ytid in group]
            writer.write_table(pa.table({"video_id": group, "audio": sounds}, schema), GROUP_ROWS)


def make_hdf5(path: Path, count: int, size: int) -> None:
    """As PANNs pack it; of the rows, only those that are read have samples."""
    noise = np.random.default_rng(1).integers(-9_000, 9_000, 320_000, dtype=np.int16)
    with h5py.File(path, "w") as file:
        file.create_dataset("audio_name", data=np.array([f"Y{ytid}.wav" for ytid in ids(count)], "S20"))
        waveform = file.create_dataset("waveform", (count, 320_000), np.int16)
        for ytid in drawn("hdf5", count):
            waveform[int(ytid[:10])] = noise


def drawn(kind: str, count: int) -> list[str]:
    """The clips that are read."""
    return random.Random(kind).sample(ids(count), min(count, CLIPS.get(kind, MANY)))


def zipfile_index(path: Path) -> Reader:
    archive = zipfile.ZipFile(path)
    by_id = {Path(name).stem[1:]: name for name in archive.namelist()}
    return lambda ytid: archive.read(by_id[ytid])


def tarfile_index(path: Path) -> Reader:
    archive = tarfile.open(path)  # noqa: SIM115
    by_id = {Path(member.name).stem[1:]: member for member in archive}
    return lambda ytid: archive.extractfile(by_id[ytid]).read()


def tarfile_json_index(path: Path) -> Reader:
    archive = tarfile.open(path)  # noqa: SIM115
    members = {member.name: member for member in archive}
    by_id = {
        json.load(archive.extractfile(member))["id"][1:]: members[name.replace(".json", ".wav")]
        for name, member in members.items()
        if name.endswith(".json")
    }
    return lambda ytid: archive.extractfile(by_id[ytid]).read()


def pyarrow_index(path: Path) -> Reader:
    file = pq.ParquetFile(path)
    names = file.read(columns=["video_id"]).column("video_id").to_pylist()
    by_id = {ytid: divmod(row, GROUP_ROWS) for row, ytid in enumerate(names)}

    def read(ytid: str) -> bytes:
        group, row = by_id[ytid]
        return file.read_row_group(group, columns=["audio"]).column("audio")[row].as_py()["bytes"]

    return read


def h5py_index(path: Path) -> Reader:
    file = h5py.File(path)
    by_id = {name.decode()[1:12]: row for row, name in enumerate(file["audio_name"][:])}
    return lambda ytid: file["waveform"][by_id[ytid]].tobytes()


def our_index(path: Path, keep: Path | None = None) -> Reader:
    folder = Folder(path.parent, keep)

    def read(ytid: str) -> bytes:
        place = folder.find(ytid)[0]
        return folder.read(place.shelf, place.entry)

    return read


KINDS: dict[str, tuple[str, Callable[[Path, int, int], None], Callable[[Path], Reader]]] = {
    "zip": ("x.zip", make_zip, zipfile_index),
    "tar": ("x.tar", make_tar, tarfile_index),
    "webdataset": ("x.tar", make_webdataset, tarfile_json_index),
    "parquet": ("x.parquet", make_parquet, pyarrow_index),
    "hdf5": ("x.h5", make_hdf5, h5py_index),
}


@contextmanager
def memory(taken: dict[str, float], figure: str) -> Iterator[None]:
    """Note by how many megabytes the process grows at its peak."""
    Path("/proc/self/clear_refs").write_text("5")
    before = status_mb("VmRSS")
    yield
    taken[figure] = status_mb("VmHWM") - before


def status_mb(field: str) -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{field}:")[2].split()[0]) / 1024


def measure(kind: str, way: str, path: Path, count: int) -> dict[str, float]:
    """In a process of its own: the index, then some clips."""
    taken: dict[str, float] = {}
    with memory(taken, "index_mb"):
        begun = time.perf_counter()
        if way == "usual":
            read = KINDS[kind][2](path)
        else:
            read = our_index(path, path.parent / ".kept" if way == "kept" else None)
        taken["index_s"] = time.perf_counter() - begun
    times = []
    with memory(taken, "clip_mb"):
        for ytid in drawn(kind, count):
            begun = time.perf_counter()
            if not read(ytid):
                sys.exit(f"{way}: {ytid} is not there")
            times.append(time.perf_counter() - begun)
    taken["clip_ms"] = 1_000 * statistics.median(times)
    return taken


def medians(kind: str, path: Path, count: int, repeats: int) -> dict[str, dict[str, float]]:
    """By way and figure; turn about, so that a busy minute of the machine falls on all."""
    taken: dict[str, list[dict[str, float]]] = {"ours": [], "kept": [], "usual": []}
    # The first time it is made, not found.
    run(kind, "kept", path, count)
    for _ in range(repeats):
        for way, results in taken.items():
            results.append(run(kind, way, path, count))
    return {
        way: {figure: statistics.median(one[figure] for one in results) for figure in results[0]}
        for way, results in taken.items()
    }


def run(kind: str, way: str, path: Path, count: int) -> dict[str, float]:
    words = [sys.executable, __file__, "--measure", kind, way, str(path), str(count)]
    done = subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result


FIGURES = {"index_s": "index, s", "index_mb": "index, MB", "clip_ms": "clip, ms", "clip_mb": "clip, MB"}


def rows(title: str, found: dict[str, dict[str, float]]) -> Iterator[str]:
    for figure, words in FIGURES.items():
        ours, kept, usual = (found[way][figure] for way in ("ours", "kept", "usual"))
        times = f"{usual / ours:10.1f}" if ours > 0.01 else ""
        yield f"{title:12}{words:12}{ours:10.2f}{kept:10.2f}{usual:12.2f}{times}"


def main() -> None:
    if sys.argv[1:2] == ["--measure"]:
        kind, way, path, count = sys.argv[2:]
        print(json.dumps(measure(kind, way, Path(path), int(count))))
        return
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=20_000)
    parser.add_argument("--bytes", type=int, default=16_000)
    parser.add_argument("--row-bytes", type=int, default=1_400_000)
    parser.add_argument("--row-entries", type=int, default=600)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    print(f"{arguments.entries:,} entries of each kind, medians of {arguments.repeats}")
    print(f"{'':24}{'ours':>10}{'kept':>10}{'the usual':>12}{'times':>10}")
    sizes: list[tuple[str, str, int, int]] = [
        *((kind, kind, arguments.entries, arguments.bytes) for kind in KINDS),
        ("parquet", "big parquet", arguments.row_entries, arguments.row_bytes),
    ]
    for kind, title, count, size in sizes:
        base = Path(tempfile.mkdtemp())
        try:
            name, make, _ = KINDS[kind]
            make(base / name, count, size)
            for row in rows(title, medians(kind, base / name, count, arguments.repeats)):
                print(row, flush=True)
        finally:
            shutil.rmtree(base)


if __name__ == "__main__":
    main()

"""Random batches of 128 for training: from our shards, and the usual way from gzip chunks.

    python bench/read.py [--clips 2048] [--usual-clips 512] [--repeats 3]

Writes the same mels as shards and as one HDF5 file of gzip-4 chunks, a clip each, and reads random batches:

- ours, with the mels read from disk through the page cache and every checksum checked (`in_memory=False`);
- ours with the mels in memory, after the first pass that brings them there;
- the usual Dataset, one item after the other from an open h5py file, stacked to a batch;
- the same in a torch DataLoader with two worker processes, if torch is installed.

Samples a second of wall time and CPU ms a sample (of this process alone), medians of the repeats, in which
the ways take turns. The usual ways read fewer clips, since they take so much longer.
"""

import argparse
import importlib.util
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
from layout import HEADER, Mels, sample_mels

from audioset_tools import MelShards
from audioset_tools.featurize.run import finish_folder
from audioset_tools.shards.shard import write_shard

BATCH = 128
ROWS_PER_SHARD = 512


class UsualDataset:
    """What most training code has: an open file, and a row of it for every index."""

    def __init__(self, path: Path, clips: int) -> None:
        self._path = path
        self._clips = clips
        self._file: h5py.File | None = None

    def __len__(self) -> int:
        return self._clips

    def __getitem__(self, row: int) -> tuple[Mels, int]:
        if self._file is None:
            self._file = h5py.File(self._path)
        return self._file["mel"][row], int(self._file["label"][row])


def write_ours(folder: Path, mels: Mels, clips: int) -> None:
    """As featurize leaves them."""
    for number, start in enumerate(range(0, clips, ROWS_PER_SHARD)):
        rows = range(start, min(start + ROWS_PER_SHARD, clips))
        with write_shard(
            folder / f"train-{number:05d}.h5", HEADER, len(rows), (mels.shape[1], mels.shape[2])
        ) as writer:
            for row in rows:
                writer.add(mels[row % len(mels)], label=0, key=f"key{row}", noise=0, sha256="0" * 64)
    finish_folder(folder, sorted(folder.glob("*.h5")))


def write_usual(path: Path, mels: Mels, clips: int) -> None:
    """A chunk a clip, gzip-4."""
    with h5py.File(path, "w") as file:
        shape = mels.shape[1:]
        data = file.create_dataset(
            "mel", (clips, *shape), "f4", chunks=(1, *shape), compression="gzip", compression_opts=4
        )
        for row in range(clips):
            data[row] = mels[row % len(mels)]
        file["label"] = np.zeros(clips, np.int32)


def usual(dataset: UsualDataset, epoch: int) -> Iterator[int]:
    """Random batches, an item at a time."""
    order = np.random.default_rng(epoch).permutation(len(dataset)).tolist()
    for start in range(0, len(order), BATCH):
        items = [dataset[row] for row in order[start : start + BATCH]]
        yield len(np.stack([mel for mel, _ in items]))


def loaded(dataset: UsualDataset, workers: int) -> Iterator[int]:
    """The same by torch's DataLoader."""
    from torch.utils.data import DataLoader

    for mel, _ in DataLoader(dataset, BATCH, shuffle=True, num_workers=workers):  # type: ignore[arg-type]
        yield len(mel)


def ours(shards: MelShards, epoch: int) -> Iterator[int]:
    """Our batches."""
    for mel, _ in shards.batches(BATCH, seed=0, epoch=epoch):
        yield len(mel)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=2048)
    parser.add_argument("--usual-clips", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        mels = sample_mels(128, "paper")
        write_ours(base / "ours", mels, arguments.clips)
        write_usual(base / "usual.h5", mels, arguments.usual_clips)
        from_disk = MelShards(base / "ours", "train", in_memory=False)
        in_memory = MelShards(base / "ours", "train", in_memory=True)
        dataset = UsualDataset(base / "usual.h5", arguments.usual_clips)
        ways: dict[str, Callable[[int], Iterator[int]]] = {
            "ours, page cache": lambda epoch: ours(from_disk, epoch),
            "ours, in memory": lambda epoch: ours(in_memory, epoch),
            "h5py Dataset, gzip-4": lambda epoch: usual(dataset, epoch),
        }
        if importlib.util.find_spec("torch"):
            fresh = UsualDataset(base / "usual.h5", arguments.usual_clips)
            ways["the same, 2 workers"] = lambda epoch: loaded(fresh, 2)
        found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
        for epoch in range(arguments.repeats + 1):
            for way, batches in ways.items():
                began, cpu = time.perf_counter(), time.process_time()
                samples = sum(batches(epoch))
                taken = time.perf_counter() - began, 1000 * (time.process_time() - cpu)
                # The first pass warms the page cache, fills the memory and compiles.
                if epoch:
                    found[way].append((samples / taken[0], taken[1] / samples))
        print(
            f"random batches of {BATCH}, {mels[0].nbytes // 1000} kB a sample; medians of {arguments.repeats}"
        )
        print(f"{'':24}{'samples/s':>12}{'CPU ms':>10}{'times the usual':>18}")
        speeds = {way: statistics.median(speed for speed, _ in of) for way, of in found.items()}
        for way, speed in speeds.items():
            cpu = statistics.median(cpu for _, cpu in found[way])
            print(f"{way:24}{speed:12,.0f}{cpu:10.3f}{speed / speeds['h5py Dataset, gzip-4']:18.1f}")


if __name__ == "__main__":
    main()

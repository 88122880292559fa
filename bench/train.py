"""Training the paper's CNN: the straightforward loop beside ours, and what each change of the step gives.

    python bench/train.py [--clips 8000] [--batches 6] [--repeats 3] [--device cuda]

Writes `--clips` mels of 128 x 801 as our shards, and as many of them as will be read as one HDF5 file of
gzip-4 chunks, a clip each; then trains the paper's network on batches of 128 from them:

- plain: an h5py Dataset read item by item, torch's DataLoader, ReLU before pooling, torch's default layout;
- ours: `MelShards` and `train.step.learn`, as `audioset-tools train` does it.

Each line is a fresh process, which does two batches to warm up and then `--batches` of the epoch; the lines
take turns, medians of the repeats. `epoch` is 8,000 clips at that speed. `reader` is the share of the time
in which the loop waited for its batch; the step alone is told apart from it. The ladder after that takes the
step alone from plain to ours, one change at a time, with the peak of memory. On a CUDA device there is no
ladder, but the whole of `train` in a fresh process: 15 epochs, each with its validation on a tenth as many
clips, and the test.
"""

import argparse
import multiprocessing
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from featurize import peak_mb
from layout import HEADER, sample_mels

from audioset_tools import MelShards
from audioset_tools.featurize.run import finish_folder
from audioset_tools.shards.shard import write_shard
from audioset_tools.workspace import Workspace

BATCH = 128
ROWS_PER_SHARD = 256
CLASSES = ("Piano", "Drums", "Flute", "Other")
SHAPE = (128, 801)
EPOCHS = 15
WARM = 2

LADDER = {
    "plain": "convolution, ReLU, pooling; default layout",
    "allocator": "glibc keeps the memory",
    "pooling": "pooling before ReLU, in place",
    "layout": "channels last",
    "parts": "parts of 8 clips",
    "bf16": "bfloat16 where the CPU has it: ours",
}


@dataclass(frozen=True)
class Work:
    """One line: which loop, where its mels are, how far it goes, and on which device."""

    way: str
    folder: Path
    batches: int
    device: str


def plain_network() -> Any:
    """The paper's network as it is usually written."""
    from torch import nn

    layers: list[Any] = []
    channels, (bands, frames) = 1, SHAPE
    for number, width in enumerate((8, 8, 16, 16, 32, 32, 64, 64), start=1):
        layers += [nn.Conv2d(channels, width, 2), nn.ReLU()]
        channels, bands, frames = width, bands - 1, frames - 1
        if number % 2 == 0:
            layers.append(nn.MaxPool2d(2))
            bands, frames = bands // 2, frames // 2
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(channels * bands * frames, len(CLASSES)))


def plain_batches(folder: Path) -> Iterator[tuple[Any, Any]]:
    """What most training code reads by."""
    from torch.utils.data import DataLoader, Dataset

    class Usual(Dataset):  # type: ignore[type-arg]
        def __init__(self) -> None:
            self._file = h5py.File(folder / "usual.h5")

        def __len__(self) -> int:
            return len(self._file["label"])

        def __getitem__(self, row: int) -> tuple[Any, int]:
            return self._file["mel"][row][None], int(self._file["label"][row])

    yield from DataLoader(Usual(), BATCH, shuffle=True)


def our_batches(folder: Path, device: Any) -> Iterator[tuple[Any, Any]]:
    from audioset_tools.train.step import batches

    return batches(MelShards(folder / "shards" / "ours", "train"), BATCH, (0, 1), device)


def plain_step(network: Any, device: Any) -> Callable[[Any, Any], None]:
    """Forward, backward, Adam."""
    import torch

    network.to(device)
    optimiser = torch.optim.Adam(network.parameters(), lr=1e-4)

    def step(mel: Any, target: Any) -> None:
        loss = torch.nn.functional.cross_entropy(network(mel.to(device)), target.to(device))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        loss.item()

    return step


def our_step(device: Any, precision: str) -> Callable[[Any, Any], None]:
    from audioset_tools.train.networks import Hyperparameters, build
    from audioset_tools.train.step import learn, make_learner

    # Literally, since the usual loop gives its network the mels as they are, too.
    network = build("paper", len(CLASSES), SHAPE, literal=True)
    learner = make_learner(network, Hyperparameters(lr=1e-4), BATCH, device, False, precision)
    return lambda mel, target: learn(learner, mel, target)[0].item()


def rung(way: str) -> Callable[[Any, Any], None]:
    """A step of the ladder, on the CPU."""
    import torch

    from audioset_tools.train.networks import build
    from audioset_tools.train.step import keep_memory, pick_precision

    cpu = torch.device("cpu")
    if way != "plain":
        keep_memory()
    if way in ("plain", "allocator"):
        return plain_step(plain_network(), cpu)
    if way in ("parts", "bf16"):
        return our_step(cpu, pick_precision(cpu, way == "bf16"))
    network = build("paper", len(CLASSES), SHAPE, literal=True)
    return plain_step(network.to(memory_format=torch.channels_last) if way == "layout" else network, cpu)


def climb(work: Work, answers: Any) -> None:
    """Time one rung of the ladder: seconds of a batch, and the process's peak of memory in MB."""
    import torch

    step = rung(work.way)
    mel, target = next(our_batches(work.folder, torch.device(work.device)))
    taken = []
    for _ in range(WARM + work.batches):
        began = time.perf_counter()
        step(mel, target)
        taken.append(time.perf_counter() - began)
    answers.put((statistics.median(taken[WARM:]), peak_mb()))


def loop(work: Work, answers: Any) -> None:
    """Time one loop: seconds of a batch in all, and those of them spent waiting for it."""
    import torch

    from audioset_tools.train.step import keep_memory, pick_precision

    device = torch.device(work.device)
    if work.way == "ours":
        keep_memory()
    step = (
        our_step(device, pick_precision(device, True))
        if work.way == "ours"
        else plain_step(plain_network(), device)
    )
    ordered = our_batches(work.folder, device) if work.way == "ours" else plain_batches(work.folder)
    waited = began = 0.0
    for number in range(WARM + work.batches):
        if number == WARM:
            waited, began = 0.0, time.perf_counter()
        asked = time.perf_counter()
        mel, target = next(ordered)
        waited += time.perf_counter() - asked
        step(mel, target)
    answers.put(((time.perf_counter() - began) / work.batches, waited / work.batches))


def whole(work: Work, answers: Any) -> None:
    """Time `train` as the command runs it: seconds in all, and those of an epoch after the first."""
    from audioset_tools.train.config import TrainConfig
    from audioset_tools.train.run import train_network

    config = TrainConfig(epochs=EPOCHS, patience=EPOCHS, lr=1e-4, device=work.device)
    taken: list[float] = []
    began = time.perf_counter()
    train_network(Workspace(root=work.folder), config, on_epoch=lambda epoch: taken.append(epoch.seconds))
    answers.put((time.perf_counter() - began, statistics.median(taken[1:])))
    shutil.rmtree(work.folder / "runs")


def write(folder: Path, clips: int, usual: int) -> None:
    """The same mels in both forms; of the slow one no more than will be read."""
    mels = sample_mels(64, "log")
    ours = folder / "shards" / "ours"
    for split, n in (("train", clips), ("validation", clips // 10), ("test", clips // 10)):
        header = replace(HEADER, split=split, class_names=CLASSES)
        for number, start in enumerate(range(0, n, ROWS_PER_SHARD)):
            rows = range(start, min(start + ROWS_PER_SHARD, n))
            with write_shard(ours / f"{split}-{number:05d}.h5", header, len(rows), SHAPE) as writer:
                for row in rows:
                    mel = mels[row % len(mels)]
                    writer.add(mel, label=row % 4, key=f"{split}{row}", noise=0, sha256="0" * 64)
    finish_folder(ours, sorted(ours.glob("*.h5")))
    with h5py.File(folder / "usual.h5", "w") as file:
        chunks = {"chunks": (1, *SHAPE), "compression": "gzip", "compression_opts": 4}
        data = file.create_dataset("mel", (usual, *SHAPE), "f4", **chunks)
        for row in range(usual):
            data[row] = mels[row % len(mels)]
        file["label"] = np.arange(usual) % 4


def median(
    function: Callable[[Work, Any], None], works: list[Work], repeats: int
) -> list[tuple[float, float]]:
    """Run each in fresh processes, in turns; medians of what they told."""
    context = multiprocessing.get_context("spawn")
    found: list[list[tuple[float, float]]] = [[] for _ in works]
    for _ in range(repeats):
        for work, told in zip(works, found, strict=True):
            answers = context.Queue()
            process = context.Process(target=function, args=(work, answers))
            process.start()
            told.append(answers.get())
            process.join()
    return [
        (statistics.median(total for total, _ in told), statistics.median(wait for _, wait in told))
        for told in found
    ]


def print_loops(folder: Path, arguments: argparse.Namespace) -> None:
    works = [Work(way, folder, arguments.batches, arguments.device) for way in ("plain", "ours")]
    found = median(loop, works, arguments.repeats)
    print(
        f"\n{arguments.device:10}{'samples/s':>11}{'epoch':>10}{'step alone':>12}{'reader':>8}"
        f"{'times plain':>13}{'step':>7}"
    )
    plain_total, plain_wait = found[0]
    for work, (total, wait) in zip(works, found, strict=True):
        print(
            f"{work.way:10}{BATCH / total:11.1f}{8_000 / BATCH * total / 60:6.1f} min"
            f"{BATCH / (total - wait):12.1f}{wait / total:8.1%}{plain_total / total:13.1f}"
            f"{(plain_total - plain_wait) / (total - wait):7.1f}"
        )


def print_whole(folder: Path, arguments: argparse.Namespace) -> None:
    ((total, epoch),) = median(whole, [Work("ours", folder, 0, arguments.device)], arguments.repeats)
    speed = arguments.clips / epoch
    print(f"\n{EPOCHS} epochs of {arguments.clips:,} clips, the whole command: {total:.1f} s")
    print(f"an epoch after the first, with its validation: {epoch:.2f} s, {speed:,.0f} samples/s")


def print_ladder(folder: Path, arguments: argparse.Namespace) -> None:
    works = [Work(way, folder, arguments.batches, "cpu") for way in LADDER]
    found = median(climb, works, arguments.repeats)
    print(f"\n{'the step alone, cpu':48}{'samples/s':>10}{'times plain':>13}{'MB':>7}")
    for (way, words), (seconds, memory) in zip(LADDER.items(), found, strict=True):
        shown = words if way == "plain" else f"+ {words}"
        print(f"{shown:48}{BATCH / seconds:10.1f}{found[0][0] / seconds:13.1f}{memory:7.0f}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=8_000)
    parser.add_argument("--batches", type=int, default=6)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    arguments = parser.parse_args()
    read = BATCH * (WARM + arguments.batches)
    if arguments.clips < read:
        parser.error(f"--clips must be at least {read} for as many batches")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, arguments.clips, read)
        print(f"batches of {BATCH} from {arguments.clips:,} clips; medians of {arguments.repeats}")
        print_loops(folder, arguments)
        (print_ladder if arguments.device == "cpu" else print_whole)(folder, arguments)


if __name__ == "__main__":
    main()

"""How to store mel spectrograms in HDF5: what each layout costs, and whether it finds a flipped bit.

    python bench/layout.py [--clips 128] [--repeats 5]

The mels are of the simulator's instruments with a little noise, as any recording has: what a compressor makes
of them depends on that. Every layout is written a clip at a time, as featurize makes them, and read a clip at
a time in random order, from the page cache; CPU milliseconds a clip, medians of the repeats, in which the
layouts take turns. Then one bit of the stored mels is flipped, at 20 places, each in a fresh copy: `found`
says how many of these the reader noticed, `wrong` how many gave other numbers without a word.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from scipy.signal import resample_poly

from audioset_tools.exceptions import DataMismatch
from audioset_tools.featurize.mel import logmel
from audioset_tools.shards.shard import ShardHeader, open_shard, write_shard
from audioset_tools.shards.spec import PRESETS
from audioset_tools.simulator.plan import PHRASES
from audioset_tools.simulator.sounds import RATE, phrase
from audioset_tools.types import CLIP_SAMPLES, SAMPLE_RATE

Mels = npt.NDArray[np.float32]
Read = Callable[[int], Mels]

FLIPS = 20
HEADER = ShardHeader("train", "bench", ("Any",), PRESETS["paper"], "bench", "bench", "-", "-")


def sample_mels(clips: int, preset: str) -> Mels:
    """Mels of different sounds: float32, [clips, bands, frames]."""
    rng = np.random.default_rng(1)
    voices = [voice for voice in PHRASES if voice != "silence"]
    sounds = []
    for clip in range(clips):
        voice = voices[clip % len(voices)]
        parts: list[npt.NDArray[np.float32]] = []
        while sum(map(len, parts)) < CLIP_SAMPLES:
            played = phrase(voice, int(rng.integers(PHRASES[voice])))
            parts.append(resample_poly(played, 1, RATE // SAMPLE_RATE).astype(np.float32))
        sound = np.concatenate(parts)[:CLIP_SAMPLES]
        sounds.append(logmel(sound + 1e-3 * rng.standard_normal(CLIP_SAMPLES), PRESETS[preset]))
    return np.stack(sounds)


@dataclass(frozen=True, slots=True)
class Layout:
    """A way to store mels.

    Args:
        name: in the table.
        write: to a path.
        reader: opens the file; gives what reads a row.
        preset: of the mels.
    """

    name: str
    write: Callable[[Path, Mels], None]
    reader: Callable[[Path], Any]
    preset: str = "paper"


def chunked(**options: object) -> Callable[[Path, Mels], None]:
    """A chunk a clip, with what h5py takes for filters, a row at a time."""

    def write(path: Path, mels: Mels) -> None:
        with h5py.File(path, "w") as file:
            data = file.create_dataset("mel", mels.shape, chunks=(1, *mels.shape[1:]), **options)
            for row, one in enumerate(mels):
                data[row] = one

    return write


def growing(path: Path, mels: Mels) -> None:
    """What h5py does unasked when the number of clips is not known."""
    with h5py.File(path, "w") as file:
        data = file.create_dataset("mel", (0, *mels.shape[1:]), "f4", maxshape=(None, *mels.shape[1:]))
        for row, one in enumerate(mels):
            data.resize(row + 1, axis=0)
            data[row] = one


def contiguous(path: Path, mels: Mels) -> None:
    """One block for all, 16 clips at a time."""
    with h5py.File(path, "w") as file:
        data = file.create_dataset("mel", mels.shape, "f4")
        for row in range(0, len(mels), 16):
            data[row : row + 16] = mels[row : row + 16]


def ours(path: Path, mels: Mels) -> None:
    """What featurize does."""
    with write_shard(path, HEADER, len(mels), mels.shape[1:]) as writer:
        for row, one in enumerate(mels):
            writer.add(one, label=0, key=f"key{row}", noise=0, sha256="0" * 64)


@contextmanager
def through_h5py(path: Path) -> Iterator[Read]:
    """A row at a time from a file that stays open."""
    with h5py.File(path) as file:
        data = file["mel"]
        yield lambda row: data[row]


@contextmanager
def mapped(path: Path) -> Iterator[Read]:
    """Past HDF5, from the block mapped into memory."""
    with h5py.File(path) as file:
        data = file["mel"]
        block = np.memmap(path, np.float32, "r", offset=data.id.get_offset(), shape=data.shape)
    yield lambda row: np.array(block[row])


@contextmanager
def by_us(path: Path) -> Iterator[Read]:
    """What MelShards does for one row."""
    shard = open_shard(path)
    yield lambda row: shard.read(row, row + 1)[0]


LAYOUTS = (
    Layout("gzip-4", chunked(dtype="f4", compression="gzip", compression_opts=4), through_h5py),
    Layout(
        "gzip-4, shuffle",
        chunked(dtype="f4", compression="gzip", compression_opts=4, shuffle=True),
        through_h5py,
    ),
    Layout("lzf, shuffle", chunked(dtype="f4", compression="lzf", shuffle=True), through_h5py),
    Layout("auto-chunked, growing", growing, through_h5py),
    Layout("contiguous", contiguous, through_h5py),
    Layout("contiguous, mapped", contiguous, mapped),
    Layout("chunk a clip", chunked(dtype="f4"), through_h5py),
    Layout("chunk a clip, fletcher32", chunked(dtype="f4", fletcher32=True), through_h5py),
    Layout("ours, by plain h5py", ours, through_h5py),
    Layout("ours", ours, by_us),
    Layout("float16, fletcher32", chunked(dtype="f2", fletcher32=True), through_h5py, "log"),
    Layout(
        "float16, gzip-4, shuffle",
        chunked(dtype="f2", compression="gzip", compression_opts=4, shuffle=True),
        through_h5py,
        "log",
    ),
    Layout(
        "float32, gzip-4, shuffle",
        chunked(dtype="f4", compression="gzip", compression_opts=4, shuffle=True),
        through_h5py,
        "log",
    ),
    Layout("ours", ours, by_us, "log"),
)


def places(path: Path) -> list[int]:
    """Offsets of some bytes of stored mels, spread over the file."""
    rng = np.random.default_rng(3)
    with h5py.File(path) as file:
        data = file["mel"].id
        if (start := data.get_offset()) is not None:
            spans = [(start, data.get_storage_size())]
        else:
            found = (data.get_chunk_info(chunk) for chunk in range(data.get_num_chunks()))
            spans = [(chunk.byte_offset, chunk.size) for chunk in found]
    chosen = [spans[int(span)] for span in rng.integers(len(spans), size=FLIPS)]
    return [start + int(rng.integers(size)) for start, size in chosen]


def flip_bits(layout: Layout, path: Path, rows: int) -> tuple[int, int]:
    """How many flipped bits the reader refuses, and how many change a number without a word."""
    content = path.read_bytes()
    with layout.reader(path) as read:
        expected = [read(row).tobytes() for row in range(rows)]
    refused = wrong = 0
    for place in places(path):
        damaged = bytearray(content)
        damaged[place] ^= 1 << (place % 8)
        path.write_bytes(damaged)
        try:
            with layout.reader(path) as read:
                wrong += [read(row).tobytes() for row in range(rows)] != expected
        except (OSError, RuntimeError, DataMismatch):
            refused += 1
    path.write_bytes(content)
    return refused, wrong


def measure(layout: Layout, path: Path, mels: Mels) -> tuple[float, float]:
    """CPU milliseconds a clip to write and to read."""
    began = time.process_time()
    layout.write(path, mels)
    written = time.process_time() - began
    order = np.random.default_rng(2).permutation(len(mels)).tolist()
    with layout.reader(path) as read:
        began = time.process_time()
        for row in order:
            read(row)
        taken = time.process_time() - began
    return 1000 * written / len(mels), 1000 * taken / len(mels)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", type=int, default=128)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    mels = {preset: sample_mels(arguments.clips, preset) for preset in PRESETS}
    times: dict[Layout, list[tuple[float, float]]] = {layout: [] for layout in LAYOUTS}
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "mels.h5"
        for layout in LAYOUTS:
            measure(layout, path, mels[layout.preset][:16])
        for _ in range(arguments.repeats):
            for layout in LAYOUTS:
                times[layout].append(measure(layout, path, mels[layout.preset]))
        print(f"{arguments.clips} clips of 128 x 801; CPU ms a clip, medians of {arguments.repeats}")
        heads = (
            "layout",
            "preset",
            "write",
            "read",
            "kB a clip",
            f"found of {FLIPS}",
            "wrong",
            "error of peak",
        )
        print("{:26}{:8}{:>8}{:>8}{:>11}{:>13}{:>7}{:>15}".format(*heads))
        for layout in LAYOUTS:
            wanted = mels[layout.preset]
            write, read = (statistics.median(each) for each in zip(*times[layout], strict=True))
            layout.write(path, wanted)
            size = path.stat().st_size / len(wanted) / 1000
            with layout.reader(path) as reader:
                stored = np.stack([reader(row) for row in range(len(wanted))])
            peaks = np.abs(wanted).max(axis=(1, 2), keepdims=True)
            error = float((np.abs(stored.astype(np.float64) - wanted) / peaks).max())
            few = wanted[:64]
            layout.write(path, few)
            refused, wrong = flip_bits(layout, path, len(few))
            print(
                f"{layout.name:26}{layout.preset:8}{write:8.2f}{read:8.2f}{size:11.1f}"
                f"{refused:13}{wrong:7}{error:15.1e}"
            )
            if layout.preset == "log" and error:
                print(f"{'':26}worst error {np.abs(stored.astype(np.float64) - wanted).max():.3f} dB")


if __name__ == "__main__":
    main()

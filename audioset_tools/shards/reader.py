"""The rows of finished shards, for training and for other people: `from audioset_tools import MelShards`.

Rows come shuffled well, and are still read in stretches: every shard is cut into runs of neighbouring rows,
at places that change with the epoch. The runs of all shards are shuffled and laid behind each other; then
rows are shuffled within a buffer of many runs at a time. The kernel is asked for a buffer before its rows are
wanted and reads it run by run, so a disk looks for a place once in a run rather than once a row.

The noise copies of a clip stand beside it in its shard, hence mostly in the same run and buffer. There they
are shuffled like any other rows: a third of a buffer lies between two of them on average, and a buffer holds
five batches of the paper's size. What else is in the buffer changes with every epoch.

Whether mels are kept in memory, and how many files are read at once, follows from what this process may use
of the machine.
"""

import math
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cached_property
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt

from ..exceptions import AudiosetToolsError, DataMismatch, UsageError
from ..files import read_file
from ..tasks.engine import cores
from ..workspace import AnyPath, Workspace, printable, smaller_set
from .chunks import Floats, Rows
from .index import FEATURIZE_AGAIN, read_index, shard_files
from .index import NAME as INDEX
from .placements import SPLITS
from .shard import Shard, ShardHeader, open_shard

Labels = npt.NDArray[np.int64]
Targets = Labels | npt.NDArray[np.uint8]
Target = int | npt.NDArray[np.uint8]
Batch = tuple[Floats, Targets]

AT_ONCE = 4
"""Files that are read at the same time, where there are so many cores; 8 were no faster on 16 cores."""

_NONE = np.empty((0, 0, 0), np.float32)


class MelShards:
    """The rows of one split over all its shards, in the order of the shards.

    Making one reads nothing but `index.json`. A shard is opened when something of it is first asked for;
    every mel is checked against its checksum when it is read. No file stays open, so it may be handed to
    other processes, forked or spawned, and is a map-style `Dataset` to torch's `DataLoader` as it stands.

    Args:
        folder: the shards of one spec, or a workspace, or the path of one, that has no others.
        split: train, validation or test.
        in_memory: keep every mel that was read; None to decide by the memory there is, the first time that
            mels are read. Left to decide, copies in other processes keep nothing of their own.

    Attributes:
        mean, std: of every band over the train split, whatever split this is: float32, [bands].

    Raises:
        UsageError: there is no such split, or no such workspace.
        DataMismatch: the folder is unfinished or has no shard of that split. Whatever reads a shard raises
            it too, when that is missing, damaged, foreign or of another spec.
    """

    def __init__(self, folder: AnyPath | Workspace, split: str, in_memory: bool | None = None) -> None:
        folder = _folder_of(folder if isinstance(folder, Workspace) else Workspace(folder))
        index = read_index(folder)
        of_split = (name for name, listed in index.shards.items() if listed.split == split)
        names = sorted(of_split, key=lambda name: name.rpartition("/")[2])
        if not names:
            raise no_split(split, (one.split for one in index.shards.values()), str(folder))
        self._listed = [(folder / name, index.shards[name]) for name in names]
        self._ends = np.cumsum([listed.rows for _, listed in self._listed])
        self._opened: dict[int, Shard] = {}
        self.mean, self.std = np.array(index.mean, np.float32), np.array(index.std, np.float32)
        self._in_memory = in_memory
        self._kept: bool | None = None
        self._process = os.getpid()
        self._mels = _NONE
        self._there = np.zeros(len(self), bool)

    def __getstate__(self) -> dict[str, object]:
        state = dict(self.__dict__)
        state.update(_mels=_NONE, _there=np.zeros(len(self), bool), _kept=None)
        return state

    def __len__(self) -> int:
        return int(self._ends[-1])

    @property
    def header(self) -> ShardHeader:
        """Of the first shard; split, recipe, classes and spec are those of all."""
        return self._shard(0).header

    @property
    def shape(self) -> tuple[int, int]:
        """Bands and frames."""
        return self._shard(0).shape

    @cached_property
    def label(self) -> Labels:
        """The class of every row, [rows]; multi-label, the one it was drawn for."""
        return np.concatenate([shard.label for shard in self.open()], dtype=np.int64)

    @cached_property
    def target(self) -> Targets:
        """What a model learns of every row: its class, int64, [rows]; or, multi-label, which of the classes
        it carries, 0 or 1, uint8, [rows, classes].
        """
        return np.concatenate([_target(shard) for shard in self.open()])

    @cached_property
    def key(self) -> npt.NDArray[np.bytes_]:
        """The clip of every row, [rows]."""
        return np.concatenate([shard.key for shard in self.open()])

    @cached_property
    def group(self) -> npt.NDArray[np.bytes_]:
        """The group of every row, [rows]: clips of one group never stand in two splits. In shards of before
        there were groups it is the clip's video.
        """
        return np.concatenate([shard.group for shard in self.open()])

    @cached_property
    def noise(self) -> npt.NDArray[np.int32]:
        """The number of the noise copy of every row, 0 for the clip itself, [rows]."""
        return np.concatenate([shard.noise for shard in self.open()])

    def open(self) -> list[Shard]:
        """Open all shards now, rather than learn hours later that one is missing."""
        return [self._shard(number) for number in range(len(self._listed))]

    def __getitem__(self, row: int) -> tuple[Floats, Target]:
        """The mel of a row, float32, [bands, frames], and its target: an int, or uint8, [classes]."""
        return self.__getitems__([row])[0]

    def __getitems__(self, rows: Sequence[int]) -> list[tuple[Floats, Target]]:
        """The mels and targets of some rows, read together: what a `DataLoader` asks for a batch by."""
        targets = self._targets(self._checked(rows))
        return list(zip(self.take(rows), targets if targets.ndim > 1 else targets.tolist(), strict=True))

    def take(self, rows: Sequence[int] | npt.NDArray[np.integer]) -> Floats:
        """The mels of some rows: float32, [len(rows), bands, frames].

        Raises:
            IndexError: there is no such row.
        """
        wanted = self._checked(rows)
        if self._keep(wanted):
            return self._mels[wanted]
        mels = np.empty((len(wanted), *self.shape), np.float32)
        self._read(wanted, mels, np.arange(len(wanted)))
        return mels

    def batches(self, batch_size: int, seed: int | None = None, epoch: int = 0) -> Iterator[Batch]:
        """All rows once, in batches; the last may be smaller.

        Args:
            batch_size: rows of a batch.
            seed: decides the order together with the epoch; None for the order of the shards.
            epoch: which pass this is.

        Yields:
            mels, float32, [B, bands, frames]; their `target`: int64, [B], or uint8, [B, classes].
        """
        size = buffer_rows(4 * self.shape[0] * self.shape[1])
        if seed is None:
            order = np.arange(len(self))
        else:
            order = shuffled([listed.rows for _, listed in self._listed], size, seed, epoch)
        ahead = 0
        for start in range(0, len(order), batch_size):
            while ahead < min(start + batch_size + size, len(order)):
                self._prefetch(order[ahead : ahead + size])
                ahead += size
            rows = order[start : start + batch_size]
            yield self.take(rows), self._targets(rows)

    def _keep(self, rows: Rows) -> bool:
        """See that rows are in memory, if that is where they belong."""
        if self._in_memory is None and os.getpid() != self._process:
            # What a forked process finds it shares with its parent; of its own it takes nothing.
            return len(self._mels) > 0 and bool(self._there[rows].all())
        if self._kept is None:
            size = 4 * len(self) * self.shape[0] * self.shape[1]
            self._kept = fits(size, available_memory()) if self._in_memory is None else self._in_memory
        if not self._kept:
            return False
        if not len(self._mels):
            self._mels = np.empty((len(self), *self.shape), np.float32)
        missing = np.unique(rows[~self._there[rows]])
        self._read(missing, self._mels, missing)
        self._there[missing] = True
        return True

    def _checked(self, rows: Sequence[int] | npt.NDArray[np.integer]) -> Rows:
        wanted = np.asarray(rows, np.int64)
        if len(wanted) and not -len(self) <= wanted.min() <= wanted.max() < len(self):
            row = wanted.max() if wanted.max() >= len(self) else wanted.min()
            raise IndexError(f"no row {row} among {len(self)}")
        return wanted % len(self)

    def _targets(self, rows: Rows) -> Targets:
        like = _target(self._shard(0))
        targets = np.empty((len(rows), *like.shape[1:]), like.dtype)
        for shard, inner, which in self._by_shard(rows):
            targets[which] = _target(shard)[inner]
        return targets

    def _read(self, rows: Rows, mels: Floats, slots: Rows) -> None:
        """Read rows from their files to slots of `mels`, several files at once."""
        found = list(self._by_shard(rows))
        with ThreadPoolExecutor(min(cores(), AT_ONCE), thread_name_prefix="shards") as pool:
            reads = [pool.submit(shard.read_into, inner, mels, slots[which]) for shard, inner, which in found]
        for read in reads:
            read.result()

    def _prefetch(self, rows: Rows) -> None:
        """Have the kernel read ahead what is not in memory."""
        for shard, inner, _ in self._by_shard(rows[~self._there[rows]]):
            shard.prefetch(inner)

    def _by_shard(self, rows: Rows) -> Iterator[tuple[Shard, Rows, Rows]]:
        """Per shard its rows, counted in it, and which of `rows` they are."""
        shard_of = np.searchsorted(self._ends, rows, side="right")
        for number in np.unique(shard_of).tolist():
            which = np.flatnonzero(shard_of == number)
            shard = self._shard(number)
            yield shard, rows[which] - (self._ends[number] - len(shard)), which

    def _shard(self, number: int) -> Shard:
        if number not in self._opened:
            path, listed = self._listed[number]
            if not path.exists():
                raise DataMismatch(f"the shard {path} is missing", FEATURIZE_AGAIN)
            shard = open_shard(path)
            if (shard.header.inputs, len(shard)) != (listed.inputs, listed.rows):
                raise DataMismatch(f"{path} is not the shard that index.json names", FEATURIZE_AGAIN)
            other = next(iter(self._opened.values()), shard)
            if _meaning(shard) != _meaning(other):
                raise DataMismatch(f"{path} is of another spec or recipe than the rest", FEATURIZE_AGAIN)
            # The names of 527 classes once, not in each of 15,000 shards.
            header = replace(shard.header, class_names=other.header.class_names, spec=other.header.spec)
            self._opened[number] = replace(shard, header=header)
        return self._opened[number]


def _target(shard: Shard) -> Targets:
    """As `cross_entropy` and `binary_cross_entropy` take it, the latter once it is made float."""
    return shard.target if shard.header.multi_label else shard.label.astype(np.int64)


def no_split(split: str, there: Iterable[str], where: str) -> AudiosetToolsError:
    """The error for who asks for a split that is not there.

    Args:
        there: the splits of all that there is.
        where: the folder or file that holds them.
    """
    names = ", ".join(sorted(set(there), key=SPLITS.index))
    if split in SPLITS:
        return DataMismatch(
            f"{where} has nothing of the {split} split",
            f"It has {names}: the splits of a data set are decided once, by its recipe or its list.",
        )
    return UsageError(f"there is no split {split!r}", f"{where} has {names}.")


def _folder_of(given: Workspace) -> Path:
    """The folder of shards that is meant: itself, the only one of a workspace, or of its folder of shards."""
    if not given.root.is_dir():
        raise UsageError(
            f"there is no folder {printable(given.root)}",
            "Give a workspace, or the folder of shards of one spec in it.",
        )
    if given.shards.is_dir():
        return find_shards(given.shards)
    if (given.root / INDEX).exists() or shard_files(given.root):
        return given.root
    within = [folder for folder in given.root.iterdir() if folder.is_dir() and shard_files(folder)]
    return find_shards(given.root if within else given.shards)


def _meaning(shard: Shard) -> tuple[object, ...]:
    header = shard.header
    classes = header.recipe, header.class_names, header.multi_label
    return header.split, *classes, header.spec, header.spec_digest, shard.shape


def find_shards(root: Path, name: str | None = None) -> Path:
    """The folder of shards to use.

    Args:
        root: the workspace's `shards` folder.
        name: which one; None for the only one that holds all clips: smaller sets are named.

    Raises:
        UsageError: there is no such workspace, or no folder of that name.
        DataMismatch: there is none at all, or not one that holds all clips, and no name is given.
    """
    folders = {path.name: path for path in sorted(root.glob("*")) if path.is_dir()}
    if not folders:
        Workspace(root.parent).begun()
        raise DataMismatch(f"no shards in {root}", "Run `audioset-tools featurize` first.")
    whole = [path for folder, path in folders.items() if smaller_set(folder) is None]
    if name is None and len(whole) == 1:
        return whole[0]
    choose = f"Choose one with --shards NAME: {', '.join(folders)}. `MelShards` takes its folder."
    if not name:
        has = f"shards of {len(whole)} specs" if whole else "shards of smaller sets alone"
        raise DataMismatch(f"{root} has {has}", choose)
    if name not in folders:
        raise UsageError(f"no shards {name!r} in {root}", choose)
    return folders[name]


RUN = 16
"""Rows; 6.5 MB of the paper's mels, which any disk reads for longer than it looks for them."""

BUFFER_BYTES = 256 * 2**20
"""The kernel holds two of them, one in use and one ahead, and gives them up when memory is short."""


def buffer_rows(row_bytes: int) -> int:
    """How many rows of a size are shuffled at a time: a few runs at least."""
    return max(4 * RUN, BUFFER_BYTES // row_bytes)


def shuffled(shard_rows: Sequence[int], buffer: int, seed: int, epoch: int) -> Rows:
    """All rows once, in an order that nothing but the arguments decides.

    Args:
        shard_rows: how many rows each shard has.
        buffer: rows that are shuffled at a time.

    Returns:
        Row numbers, counted over all shards: the rows of the first buffer, then of the next.
    """
    rng = np.random.default_rng((seed, epoch))
    ends = np.cumsum(shard_rows)
    cuts = [
        np.arange(end - rows + rng.integers(1, RUN, endpoint=True), end, RUN)
        for end, rows in zip(ends, shard_rows, strict=True)
    ]
    runs = np.split(np.arange(ends[-1]), np.unique(np.concatenate([*cuts, ends[:-1]])))
    order = np.concatenate([runs[run] for run in rng.permutation(len(runs))])
    for start in range(0, len(order), buffer):
        rng.shuffle(order[start : start + buffer])
    return order


def fits(wanted: int, available: int) -> bool:
    """Whether to keep a split of so many bytes in memory.

    Half of what is available at most: the kernel keeps a copy of the files as well, which the next process
    that reads them is glad of, and the model needs room.
    """
    return wanted <= available // 2


def available_memory(root: Path = Path("/")) -> int:
    """Bytes that this process can take: what the machine has, or what its control groups leave it.

    Args:
        root: where `proc` and `sys/fs/cgroup` are.
    """
    machine = _machine(root / "proc" / "meminfo")
    return int(max(0, min([machine, *_groups(root)])))


def _machine(meminfo: Path) -> int:
    """What the kernel reports; where it reports nothing, a quarter of all there is."""
    try:
        lines = read_file(meminfo).decode().splitlines()
        return next(1024 * int(line.split()[1]) for line in lines if line.startswith("MemAvailable:"))
    except (OSError, StopIteration, ValueError, IndexError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 4


def _groups(root: Path) -> Iterator[float]:
    """What is left in each control group that this process is in, in both versions of them."""
    base = root / "sys" / "fs" / "cgroup"
    for line in _read(root / "proc" / "self" / "cgroup").splitlines():
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        inner = PurePosixPath(path.lstrip("/"))
        for group in (inner, *inner.parents):
            if not controllers:
                yield _left(base / group, "memory.max", "memory.current", "inactive_file")
            elif "memory" in controllers.split(","):
                names = "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"
                yield _left(base / "memory" / group, *names)


def _left(group: Path, limit: str, used: str, reclaimable: str) -> float:
    try:
        cache = dict(line.split() for line in _read(group / "memory.stat").splitlines())
        return int(_read(group / limit)) - int(_read(group / used)) + int(cache.get(reclaimable, 0))
    except ValueError:
        # "max", or no such file: no limit here.
        return math.inf


def _read(path: Path) -> str:
    try:
        return read_file(path).decode()
    except (OSError, ValueError):
        return ""

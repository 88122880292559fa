"""The waveforms of a data set, for training and for other people: `from audioset_tools import Clips`."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ..audio.clip import FETCH_AGAIN, Floats, read_clip
from ..exceptions import DataMismatch
from ..ledger import Ledger
from ..types import CLIP_SECONDS
from ..workspace import AnyPath, Workspace
from .dataset import read_dataset
from .placements import Placement
from .reader import Labels, Target, Targets, no_split

FREEZE_SPLITS = "Run `audioset-tools featurize` or `audioset-tools export`: either decides them for good."


class Clips:
    """The clips of one split as waveforms, in the order of their keys.

    Making one reads `dataset.csv` and the names of the classes; a clip's file is read, and checked against
    its sha256, when it is asked for. It holds no open file, so it may be handed to other processes, forked or
    spawned, and is a map-style `Dataset` to torch's `DataLoader` as it stands. It needs no torch.

        clips = Clips("audioset", "train")
        samples, target = clips[0]

    Args:
        workspace: as `featurize` or `export` left it: its splits are decided.
        split: train, validation or test.

    Attributes:
        keys: of every clip, its video and start, [clips].
        labels: the names of the classes that targets count.
        multi_label: whether a clip may carry several of them.
        sample_rate: of the samples, in hertz.

    Raises:
        UsageError: there is no such workspace or split.
        DataMismatch: the splits are not decided yet, or the split has no clip. Whatever reads a clip raises
            it too, when that is missing or damaged.
    """

    def __init__(self, workspace: AnyPath | Workspace, split: str) -> None:
        workspace = workspace if isinstance(workspace, Workspace) else Workspace(workspace)
        workspace.require_ledger()
        placements = read_dataset(workspace.dataset)
        if not placements:
            raise DataMismatch(f"the splits of {workspace.root} are not decided yet", FREEZE_SPLITS)
        with Ledger(workspace.ledger, read_only=True) as ledger:
            origin = ledger.origin()
            self.labels = ledger.class_names
            self.sample_rate = ledger.sample_rate
        self.multi_label = origin is not None and origin.multi_label
        of_split = sorted((one for one in placements if one.split == split), key=lambda one: one.key)
        if not of_split:
            raise no_split(split, (one.split for one in placements), str(workspace.dataset))
        self._root: Path = workspace.root
        self._placements = of_split

    def __len__(self) -> int:
        return len(self._placements)

    @property
    def keys(self) -> list[str]:
        return [one.key for one in self._placements]

    @property
    def samples(self) -> int:
        """Of every clip."""
        return CLIP_SECONDS * self.sample_rate

    @cached_property
    def target(self) -> Targets:
        """What a model learns of every clip: its class, int64, [clips]; or, multi-label, which of the classes
        it carries, 0 or 1, uint8, [clips, classes].
        """
        if not self.multi_label:
            index = {name: number for number, name in enumerate(self.labels)}
            classes: Labels = np.array([index[one.class_name] for one in self._placements], np.int64)
            return classes
        carried = np.zeros((len(self), len(self.labels)), np.uint8)
        for row, one in enumerate(self._placements):
            carried[row] = np.isin(self.labels, (one.class_name, *one.also))
        return carried

    def __getitem__(self, number: int) -> tuple[Floats, Target]:
        """A clip's samples, float32 within [-1, 1], [samples], and its target: an int, or uint8, [classes].

        Raises:
            IndexError: there is no such clip.
        """
        if not -len(self) <= number < len(self):
            raise IndexError(f"no clip {number} among {len(self)}")
        target = self.target[number]
        return self._read(self._placements[number]), target if self.multi_label else int(target)

    def take(self, numbers: Sequence[int] | npt.NDArray[np.integer]) -> Floats:
        """The samples of some clips: float32, [len(numbers), samples]."""
        taken = np.empty((len(numbers), self.samples), np.float32)
        for row, number in enumerate(numbers):
            taken[row], _ = self[int(number)]
        return taken

    def batches(
        self, batch_size: int, seed: int | None = None, epoch: int = 0
    ) -> Iterator[tuple[Floats, Targets]]:
        """All clips once, in batches; the last may be smaller.

        Args:
            batch_size: how many clips a batch has.
            seed: decides the order together with the epoch; None for the order of the keys.
            epoch: which pass this is.

        Yields:
            samples, float32, [B, samples]; their `target`: int64, [B], or uint8, [B, classes].
        """
        order = np.arange(len(self))
        if seed is not None:
            np.random.default_rng((seed, epoch)).shuffle(order)
        for start in range(0, len(order), batch_size):
            numbers = order[start : start + batch_size]
            yield self.take(numbers), self.target[numbers]

    def _read(self, one: Placement) -> Floats:
        samples = read_clip(self._root / one.path, one.sha256)
        if len(samples) != self.samples:
            raise DataMismatch(f"the clip {one.path} has another rate than its workspace", FETCH_AGAIN)
        return samples

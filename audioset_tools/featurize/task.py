"""A shard as a task: everything that decides its bytes, and making it.

Two tasks with the same `inputs` digest make the same bytes, on any worker and at any time.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import astuple, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from .. import __version__
from ..audio.clip import FETCH_AGAIN, read_clip
from ..exceptions import DataMismatch
from ..shards.index import shard_name
from ..shards.placements import SPLITS, Placement, Placements
from ..shards.shard import FORMAT, ShardHeader, open_shard, write_shard
from ..shards.spec import MelSpec
from ..types import CLIP_SECONDS
from .mel import LogMel
from .noise import add_noise, noise_rng


@dataclass(frozen=True, slots=True)
class Noise:
    """How many noise copies a training clip gets, how loud (dB of signal over noise), from which seed."""

    copies: int
    snr: tuple[float, float]
    seed: int


@dataclass(frozen=True, slots=True)
class Classes:
    """What the labels of a data set count: the classes of a recipe, and whether a clip may carry several.

    `of_list` says that they are those of a list of clips, of which each class has as many as it has.
    """

    recipe: str
    names: tuple[str, ...]
    multi_label: bool = False
    of_list: bool = False


@dataclass(frozen=True, slots=True)
class ShardTask:
    """One shard to make.

    Args:
        root: the workspace, which the clips' paths begin at.
        target: where the shard will stand.
        split: of all its clips.
        placements: its clips, in order.
        noise: the noise copies of each clip; none outside the train split.
    """

    root: Path
    target: Path
    split: str
    placements: Sequence[Placement]
    classes: Classes
    spec: MelSpec
    noise: Noise

    @property
    def rows(self) -> int:
        return len(self.placements) * (1 + self.noise.copies)

    @property
    def inputs(self) -> str:
        """Digest of all that the bytes depend on; not of where the clips lie."""
        clips = [(one.key, one.class_name, one.also, one.sha256, one.group) for one in self.placements]
        classes = self.classes.names, self.classes.multi_label
        noise = astuple(self.noise) if self.noise.copies else None
        parts = [FORMAT, self.split, self.classes.recipe, classes, self.spec.json(), noise, clips]
        return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def plan(
    root: Path,
    folder: Path,
    placements: Placements,
    clips_per_shard: int,
    *,
    classes: Classes,
    spec: MelSpec,
    noise: Noise,
) -> list[ShardTask]:
    """Cut every split into shards; growing a data set changes only the last shard of each split.

    Args:
        root: the workspace, which the clips' paths begin at.
        folder: where the shards go.
        placements: the data set, in its frozen order.
        clips_per_shard: the most clips in one shard, noise copies not counted.
        classes, spec: what goes into every shard.
        noise: the copies in the train split; the others get none, ever.
    """
    tasks = []
    for split in SPLITS:
        members = placements.of_split(split)
        for number, start in enumerate(range(0, len(members), clips_per_shard)):
            task = ShardTask(
                root=root,
                target=folder / shard_name(split, number),
                split=split,
                placements=members[start : start + clips_per_shard],
                classes=classes,
                spec=spec,
                noise=noise if split == "train" else Noise(0, noise.snr, noise.seed),
            )
            tasks.append(task)
    return tasks


def is_done(task: ShardTask) -> bool:
    """Whether the shard stands there whole and made from the same inputs; a damaged one does not count."""
    if not task.target.exists():
        return False
    try:
        return open_shard(task.target).header.inputs == task.inputs
    except DataMismatch:
        return False


def make_shard(task: ShardTask, on_clip: Callable[[], None] = lambda: None) -> None:
    """Read the clips, add the noise copies, take the mels, write the shard.

    Args:
        on_clip: called after every clip; what it raises abandons the shard.

    Raises:
        DataMismatch: a clip is gone or damaged.
        EnvironmentProblem: the disk does not take the shard.
    """
    header = ShardHeader(
        split=task.split,
        recipe=task.classes.recipe,
        class_names=task.classes.names,
        spec=task.spec,
        spec_digest=task.spec.digest,
        inputs=task.inputs,
        audioset_tools=__version__,
        librosa=version("librosa"),
        multi_label=task.classes.multi_label,
    )
    engine = LogMel(task.spec)
    mel = np.empty(task.spec.shape, np.float32)
    with write_shard(task.target, header, task.rows, task.spec.shape) as writer:
        for clip in task.placements:
            samples = read_clip(task.root / clip.path, clip.sha256)
            if len(samples) != task.spec.clip_samples:
                has, wanted = len(samples) // CLIP_SECONDS, task.spec.sample_rate
                what = f"the clip {task.root / clip.path} has {has:,} Hz, and these mels are of {wanted:,}"
                raise DataMismatch(what, FETCH_AGAIN)
            label, *also = map(task.classes.names.index, (clip.class_name, *clip.also))
            for copy in range(1 + task.noise.copies):
                sound = samples
                if copy:
                    sound = add_noise(samples, task.noise.snr, noise_rng(task.noise.seed, clip.key, copy))
                writer.add(
                    engine(sound, mel),
                    label=label,
                    key=clip.key,
                    noise=copy,
                    sha256=clip.sha256,
                    also=also,
                    group=clip.group,
                )
            on_clip()

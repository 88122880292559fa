"""From accepted clips to the shards of all splits; run again, it makes only what is not there yet.

Decide first (`assign`, `plan`), then look which shards are already what the plan asks for, then make the
others (`make_all`).
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import DataMismatch, UsageError
from ..types import Clip, Splits
from ..workspace import Workspace
from .dataset import read_dataset, write_dataset
from .finish import finish_folder
from .index import NAME as INDEX
from .spec import PRESETS, MelSpec
from .split import SPLITS, Placement, assign
from .task import Noise, ShardTask, is_done, plan
from .workers import make_all


@dataclass(frozen=True, slots=True)
class FeaturizeConfig:
    """How to featurize.

    Args:
        preset: name of the mel spec, one of `PRESETS`.
        noise_copies: noisy copies of every training clip, besides the clip itself.
        noise_snr: lowest and highest signal-to-noise ratio of a copy, in decibels.
        jobs: shards made at once; None for as many as there are cores.
        seed: decides the splits and the noise.
        clips_per_shard: the most clips in one shard; changing it makes all shards anew.
        splits: the proportions of the splits.

    Raises:
        UsageError: a value is impossible.
    """

    preset: str = "paper"
    noise_copies: int = 1
    noise_snr: tuple[float, float] = (10.0, 30.0)
    jobs: int | None = None
    seed: int = 0
    clips_per_shard: int = 128
    splits: Splits = field(default_factory=Splits)

    def __post_init__(self) -> None:
        if self.preset not in PRESETS:
            raise UsageError(f"no mel preset {self.preset!r}", f"Choose one of {', '.join(PRESETS)}.")
        if self.noise_copies < 0:
            raise UsageError(f"{self.noise_copies} noise copies", "Give 0 or more with --noise-copies.")
        low, high = self.noise_snr
        if not -100 <= low <= high <= 100:
            raise UsageError(
                f"no noise level between {low} and {high} dB",
                "Give --noise-snr LOW:HIGH in decibels, such as 10:30, within -100 and 100.",
            )
        if self.jobs is not None and self.jobs < 1:
            raise UsageError(f"{self.jobs} jobs", "Give at least 1 with --jobs.")
        if self.clips_per_shard < 1:
            raise UsageError(f"{self.clips_per_shard} clips per shard", "Give at least 1.")

    @property
    def spec(self) -> MelSpec:
        return PRESETS[self.preset]

    @property
    def folder(self) -> str:
        """The name of the shards' folder: the preset, and enough of the digest to tell its versions apart."""
        return f"{self.preset}-{self.spec.digest[:8]}"


@dataclass(frozen=True, slots=True)
class FeaturizeResult:
    """What there is after featurize.

    Args:
        folder: of the shards.
        shards: all of them, in order.
        built, reused: how many of them were made now, and how many were right already.
        clips: per split and class, how many clips; noise copies not counted.
        waiting: per class, accepted clips beyond the smallest class, which a later growth takes in.
        rows: of all shards, noise copies included.
        empty_filters: bands of the spec that are always zero.
    """

    folder: Path
    shards: tuple[Path, ...]
    built: int
    reused: int
    clips: Mapping[str, Mapping[str, int]]
    waiting: Mapping[str, int]
    rows: int
    empty_filters: int


def featurize(
    clips: Sequence[Clip],
    class_names: Sequence[str],
    recipe_name: str,
    workspace: Workspace,
    config: FeaturizeConfig,
    on_progress: Callable[[int, int], None],
    multi_label: bool = False,
) -> FeaturizeResult:
    """Freeze the splits of all clips and bring the shards up to date.

    Interrupted at any instant, the next call makes only what is missing. The caller holds the workspace's
    lock.

    Args:
        clips: the accepted clips.
        class_names: the classes of the recipe; a label is an index into it.
        recipe_name: goes into the shards.
        workspace: where clips, `dataset.csv` and shards lie.
        config: how.
        on_progress: told how many clips are done and how many there are, more than once a second.
        multi_label: whether the recipe lets a clip carry several classes.

    Raises:
        DataMismatch: no clips, too few, a clip gone or damaged, or a damaged `dataset.csv`.
        EnvironmentProblem: the disk is full.
    """
    if not clips:
        raise DataMismatch(f"no clips in {workspace.root}", "Run `audioset-tools fetch` first.")
    frozen = read_dataset(workspace.dataset)
    assignment = assign(frozen, clips, class_names, config.splits, config.seed)
    if list(assignment.placements) != frozen:
        write_dataset(workspace.dataset, assignment.placements)

    folder = workspace.shards / config.folder
    tasks = plan(
        workspace.root,
        folder,
        assignment.placements,
        config.clips_per_shard,
        recipe=recipe_name,
        class_names=class_names,
        multi_label=multi_label,
        spec=config.spec,
        noise=Noise(config.noise_copies, config.noise_snr, config.seed),
    )
    todo = [task for task in tasks if not is_done(task)]
    if todo:
        (folder / INDEX).unlink(missing_ok=True)
    _remove_strangers(folder, tasks)
    total = len(assignment.placements)
    kept = total - sum(len(task.placements) for task in todo)
    on_progress(kept, total)
    make_all(todo, config.jobs, lambda made: on_progress(kept + made, total))
    finish_folder(folder, [task.target for task in tasks])

    return FeaturizeResult(
        folder=folder,
        shards=tuple(task.target for task in tasks),
        built=len(todo),
        reused=len(tasks) - len(todo),
        clips=_count(assignment.placements, class_names),
        waiting=assignment.waiting,
        rows=sum(task.rows for task in tasks),
        empty_filters=config.spec.empty_filters,
    )


def _remove_strangers(folder: Path, tasks: Sequence[ShardTask]) -> None:
    """Remove shards that no task makes any more, and what killed runs left half-written."""
    wanted = {task.target.name for task in tasks}
    for path in [*folder.glob("*.h5"), *folder.glob(".*.part")]:
        if path.name not in wanted:
            path.unlink(missing_ok=True)


def _count(placements: Sequence[Placement], class_names: Sequence[str]) -> dict[str, dict[str, int]]:
    counts = Counter((placement.split, placement.class_name) for placement in placements)
    return {split: {name: counts[split, name] for name in class_names} for split in SPLITS}

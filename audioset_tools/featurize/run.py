"""From accepted clips to the shards of all splits; run again, it makes only what is not there yet.

`featurize` takes a workspace as fetch left it; `make_shards` does the work. That decides first (`place`,
`plan`), then looks which shards are already what the plan asks for, then makes the others, or its part of
them (`make_all`). Threads of this process make them, or the workers of a scheduler.

On one machine threads are enough: reading, hashing, decoding, noise and mel all go on outside Python's lock.
Against processes they spare each worker two seconds of imports and a hundred megabytes of memory, and none of
them outlives a killed run.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from ..clock import steady
from ..compiled import saying
from ..exceptions import UsageError
from ..ledger import Ledger
from ..removal.exclusions import read_exclusions
from ..removal.run import complete, excluded_line, refuse_incomplete
from ..removal.run import exclude as leave_out
from ..shards.dataset import read_dataset
from ..shards.index import NAME as INDEX
from ..shards.index import Index, Listed, half_written, shard_files, write_index
from ..shards.placements import SPLITS, Placements
from ..shards.shard import combined, open_shard
from ..shards.spec import PRESETS, MelSpec
from ..shards.splits import Leak, leak_of
from ..shards.table import ClipTable
from ..tasks.division import Division
from ..tasks.engine import Engine
from ..tasks.part import ArrayPart
from ..types import SAMPLE_RATE, Clip, OnProgress, Progress, Splits, message, silent
from ..workspace import AnyPath, Workspace
from .make import Speed, make_all
from .mel import empty_filters
from .place import classes_of, clips_of, place, refuse_too_many
from .task import Classes, Noise, ShardTask, is_done, plan


@dataclass(frozen=True, slots=True)
class FeaturizeConfig:
    """How to featurize.

    Args:
        preset: name of the mel spec, one of `PRESETS`.
        noise_copies: noisy copies of every training clip, besides the clip itself.
        noise_snr: lowest and highest signal-to-noise ratio of a copy, in decibels.
        division: who makes the shards, and which of them now.
        seed: decides the splits and the noise.
        clips_per_shard: the most clips in one shard; changing it makes all shards again.
        splits: the proportions of the splits.
        sample_rate: hertz of the clips, to which the preset is adapted.
        per_class: of a smaller set how many clips of each class it takes; None for all.

    Raises:
        UsageError: a value is impossible.
    """

    preset: str = "paper"
    noise_copies: int = 1
    noise_snr: tuple[float, float] = (10.0, 30.0)
    division: Division = field(default_factory=Division)
    seed: int = 0
    clips_per_shard: int = 128
    splits: Splits = field(default_factory=Splits)
    sample_rate: int = SAMPLE_RATE
    per_class: int | None = None

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
        if self.clips_per_shard < 1:
            raise UsageError(f"{self.clips_per_shard} clips per shard", "Give at least 1.")

    @property
    def spec(self) -> MelSpec:
        return PRESETS[self.preset].at(self.sample_rate)

    @property
    def folder(self) -> str:
        """The name of the shards' folder: the preset, and enough of the digest to tell its versions apart.

        The number of a smaller set stands between them.
        """
        smaller = "" if self.per_class is None else f"{self.per_class}-"
        return f"{self.preset}-{smaller}{self.spec.digest[:8]}"


@dataclass(frozen=True, slots=True)
class FeaturizeResult:
    """What there is after featurize.

    Args:
        shards: all of them, in order.
        built, reused: how many of them were made now, and how many were right already; of a part, of its
            share.
        missing: how many other parts still have to make; only without any the folder is finished.
        clips: per split and class, how many clips; noise copies not counted.
        waiting: per class, accepted clips beyond the smallest class, which a later growth takes in.
        rows: of all shards, noise copies included.
        empty_filters: bands of the spec that are always zero.
        short: by class and split, how many clips validation or the test lacks since no whole group fits.
        leak: the groups that stand in several splits, as before there were groups, or by a list's own splits.
        of_list: whether the clips are those of a list.
        per_class: of a smaller set how many clips of each class it has.
    """

    folder: Path
    shards: tuple[Path, ...]
    built: int
    reused: int
    missing: int
    clips: Mapping[str, Mapping[str, int]]
    waiting: Mapping[str, int]
    rows: int
    empty_filters: int
    short: Mapping[tuple[str, str], int]
    leak: Leak
    of_list: bool
    per_class: int | None = None


def featurize(
    workspace: Workspace,
    *,
    preset: str = "paper",
    per_class: int | None = None,
    noise_copies: int = 1,
    noise_snr: tuple[float, float] = (10.0, 30.0),
    jobs: int | None = None,
    scheduler: str | None = None,
    part: tuple[int, int] = (1, 1),
    seed: int | None = None,
    splits: Splits | None = None,
    exclude: AnyPath | None = None,
    on_progress: OnProgress = silent,
) -> FeaturizeResult:
    """Freeze the splits of a workspace's clips and bring its mel shards up to date.

    Interrupted at any instant, the next call makes only what is missing.

        made = featurize(Workspace("audioset"), preset="log")
        shards = MelShards(made.folder, "train")

    Args:
        workspace: as `fetch` left it; it is locked meanwhile.
        preset, noise_copies, noise_snr: as `FeaturizeConfig` describes them.
        per_class: make a smaller set beside the whole one, of the first so many clips of each class by rank,
            in splits of its own: those that a fetch of so many would have.
        jobs: shards made at once; None for as many as there are cores.
        scheduler: address of a Dask scheduler whose workers make the shards, or the file it wrote of itself.
        part: I and N: make every Nth shard from the Ith on, while others make the rest. Who finds all of them
            there finishes the folder.
        seed, splits: decide the splits and the noise; None for those that the workspace was begun with.
        exclude: a list of clips to leave out for good, before anything else: a CSV key,reason,note.
        on_progress: called more than once a second, with clips done and clips a second.

    Raises:
        UsageError: there is no such workspace, or a value is impossible.
        DataMismatch: no clips, too few, a clip gone or damaged, a damaged `dataset.csv`, or a list that puts
            one sound into several splits.
        EnvironmentProblem: the disk is full, or another process writes to the workspace.
    """
    listed = None if exclude is None else read_exclusions(Path(exclude))
    division = Division(jobs, scheduler, ArrayPart(*part))
    shared = not division.is_whole
    if listed is not None and shared:
        raise UsageError("an array part leaves nobody out", "Run it once with --exclude, and without --part.")
    workspace.require_ledger()
    with workspace.lock(shared=shared), Ledger(workspace.ledger, read_only=shared) as ledger:
        if shared:
            refuse_incomplete(ledger, workspace)
        else:
            complete(ledger, workspace)
        if listed is not None:
            on_progress(message(excluded_line(leave_out(ledger, workspace, listed, steady()))))
        origin = ledger.origin()
        config = FeaturizeConfig(
            preset,
            noise_copies,
            noise_snr,
            division,
            seed=seed if seed is not None else origin.seed if origin else 0,
            splits=splits or (Splits(*origin.splits) if origin else Splits()),
            sample_rate=ledger.sample_rate,
            per_class=per_class,
        )
        refuse_too_many(ledger, per_class)
        frozen = None if per_class is None else read_dataset(workspace.dataset_of(per_class))
        clips = clips_of(ledger, per_class, frozen)
        return make_shards(workspace, clips, classes_of(origin), config, on_progress)


def make_shards(
    workspace: Workspace,
    clips: ClipTable | Sequence[Clip],
    classes: Classes,
    config: FeaturizeConfig,
    on_progress: OnProgress = silent,
) -> FeaturizeResult:
    """Freeze the splits of some clips and bring the shards up to date; the caller holds the workspace's lock.

    Args:
        workspace: where the clips, `dataset.csv` and the shards lie.
        clips: all that were accepted, in any order.
        classes: a label is an index into their names.
        config: of the shards to make.

    Raises:
        DataMismatch: no clips, too few, a clip gone or damaged, a damaged `dataset.csv`, or a list that puts
            one sound into several splits.
        EnvironmentProblem: the disk is full.
    """
    assignment = place(workspace, clips, classes, config.splits, config.seed, config.per_class)
    folder = workspace.shards / config.folder
    division = config.division
    with division.engine(workspace.root, lambda text: on_progress(message(text))) as by:
        tasks = plan(
            by.place(workspace.root),
            by.place(folder),
            assignment.placements,
            config.clips_per_shard,
            classes=classes,
            spec=config.spec,
            noise=Noise(config.noise_copies, config.noise_snr, config.seed),
        )
        mine = division.part.share(tasks)
        todo = [task for task in mine if not is_done(task)]
        if todo:
            (folder / INDEX).unlink(missing_ok=True)
        if division.is_whole:
            _remove_strangers(by.place(folder), tasks)
        _make(by, mine, todo, on_progress)
        shards = [folder / task.target.relative_to(by.place(folder)) for task in tasks]
    missing = 0 if division.is_whole else _missing(tasks)
    if not missing:
        if not division.is_whole:
            _remove_strangers(folder, tasks)
        finish_folder(folder, shards)

    return FeaturizeResult(
        folder=folder,
        shards=tuple(shards),
        built=len(todo),
        reused=len(mine) - len(todo),
        missing=missing,
        clips=_count(assignment.placements, classes.names),
        waiting=assignment.waiting,
        rows=sum(task.rows for task in tasks),
        empty_filters=empty_filters(config.spec),
        short=assignment.short,
        leak=leak_of(assignment.placements),
        of_list=classes.of_list,
        per_class=config.per_class,
    )


def _make(by: Engine, mine: Sequence[ShardTask], todo: Sequence[ShardTask], on_progress: OnProgress) -> None:
    """Make shards and tell how far they are, and when something is being compiled."""
    total, speed = sum(len(task.placements) for task in mine), Speed()
    kept = total - sum(len(task.placements) for task in todo)
    # Heard by the threads that make shards, told by the one that shows.
    news: list[str] = []

    def show(made: int) -> None:
        while news:
            on_progress(message(news.pop()))
        remarks = (speed(kept + made), by.words)
        on_progress(Progress(kept + made, total, ", ".join(filter(None, remarks))))

    show(0)
    with saying(news.append):
        make_all(todo, by, show)


def _missing(tasks: Sequence[ShardTask]) -> int:
    """How many shards do not stand; they are opened only when all are there."""
    absent = sum(not task.target.exists() for task in tasks)
    return absent or sum(not is_done(task) for task in tasks)


def _remove_strangers(folder: Path, tasks: Sequence[ShardTask]) -> None:
    """Remove shards that no task makes any more, and what killed runs left half-written."""
    wanted = {task.target for task in tasks}
    for path in [*shard_files(folder), *half_written(folder)]:
        if path not in wanted:
            path.unlink(missing_ok=True)


def _count(placements: Placements, class_names: Sequence[str]) -> dict[str, dict[str, int]]:
    of_class = placements.of_kinds({(name,): number for number, name in enumerate(class_names)})
    counts = np.zeros((len(SPLITS), len(class_names)), np.int64)
    np.add.at(counts, (placements.split, of_class), 1)
    return {
        split: dict(zip(class_names, row, strict=True))
        for split, row in zip(SPLITS, counts.tolist(), strict=True)
    }


def finish_folder(folder: Path, shards: Sequence[Path]) -> None:
    """Write `index.json`: which shards there are, and mean and standard deviation over the train split.

    The statistics come from those that every shard keeps of its own rows, in the order given: the same
    bytes, however many workers made the shards and in whatever order.

    Args:
        shards: all that belong to it.

    Raises:
        DataMismatch: a shard is damaged.
    """
    train, listed = [], {}
    # Of each no more is kept than goes into the index: together their rows take gigabytes.
    for shard in map(open_shard, shards):
        name = shard.path.relative_to(folder).as_posix()
        listed[name] = Listed(shard.header.split, len(shard), shard.header.inputs)
        if shard.header.split == "train":
            train.append(shard.statistics)
    mean, std = (), ()
    if train:
        over_all = combined(train)
        mean, std = tuple(over_all.mean.tolist()), tuple(over_all.std.tolist())
    write_index(folder, Index(listed, mean, std))

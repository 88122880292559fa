"""From accepted clips to the shards of all splits; run again, it makes only what is not there yet.

`featurize` takes a workspace as fetch left it; `make_shards` does the work. That decides first (`place`,
`plan`), then looks which shards are already what the plan asks for, then makes the others (`make_all`):
several at once, on all cores. Worker threads make them, the calling thread watches and shows.

Threads are enough: reading, hashing, decoding, noise and mel all go on outside Python's lock. Against
processes they spare each worker two seconds of imports and a hundred megabytes of memory, and none of them
outlives a killed run.
"""

import threading
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from ..clock import steady
from ..compiled import saying
from ..exceptions import UsageError
from ..files import leftovers
from ..ledger import Ledger
from ..removal.exclusions import read_exclusions
from ..removal.run import complete, excluded_line
from ..removal.run import exclude as leave_out
from ..shards.dataset import SPLITS, Placement
from ..shards.index import NAME as INDEX
from ..shards.index import Index, Listed, write_index
from ..shards.reader import cores
from ..shards.shard import combined, open_shard
from ..shards.spec import PRESETS, MelSpec
from ..shards.splits import Leak, leak_of
from ..types import SAMPLE_RATE, Clip, OnProgress, Progress, Splits, message, silent
from ..workspace import AnyPath, Workspace
from .mel import empty_filters
from .place import classes_of, place
from .task import Classes, Noise, ShardTask, is_done, make_shard, plan


@dataclass(frozen=True, slots=True)
class FeaturizeConfig:
    """How to featurize.

    Args:
        preset: name of the mel spec, one of `PRESETS`.
        noise_copies: noisy copies of every training clip, besides the clip itself.
        noise_snr: lowest and highest signal-to-noise ratio of a copy, in decibels.
        jobs: shards made at once; None for as many as there are cores.
        seed: decides the splits and the noise.
        clips_per_shard: the most clips in one shard; changing it makes all shards again.
        splits: the proportions of the splits.
        sample_rate: hertz of the clips, to which the preset is adapted.

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
    sample_rate: int = SAMPLE_RATE

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
        return PRESETS[self.preset].at(self.sample_rate)

    @property
    def folder(self) -> str:
        """The name of the shards' folder: the preset, and enough of the digest to tell its versions apart."""
        return f"{self.preset}-{self.spec.digest[:8]}"


@dataclass(frozen=True, slots=True)
class FeaturizeResult:
    """What there is after featurize.

    Args:
        shards: all of them, in order.
        built, reused: how many of them were made now, and how many were right already.
        clips: per split and class, how many clips; noise copies not counted.
        waiting: per class, accepted clips beyond the smallest class, which a later growth takes in.
        rows: of all shards, noise copies included.
        empty_filters: bands of the spec that are always zero.
        short: by class and split, how many clips validation or the test lacks since no whole group fits.
        leak: the groups that stand in several splits, as before there were groups, or by a list's own splits.
        of_list: whether the clips are those of a list.
    """

    folder: Path
    shards: tuple[Path, ...]
    built: int
    reused: int
    clips: Mapping[str, Mapping[str, int]]
    waiting: Mapping[str, int]
    rows: int
    empty_filters: int
    short: Mapping[tuple[str, str], int]
    leak: Leak
    of_list: bool


def featurize(
    workspace: Workspace,
    *,
    preset: str = "paper",
    noise_copies: int = 1,
    noise_snr: tuple[float, float] = (10.0, 30.0),
    jobs: int | None = None,
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
        preset, noise_copies, noise_snr, jobs: as `FeaturizeConfig` describes them.
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
    workspace.require_ledger()
    with workspace.lock(), Ledger(workspace.ledger) as ledger:
        complete(ledger, workspace)
        if listed is not None:
            on_progress(message(excluded_line(leave_out(ledger, workspace, listed, steady()))))
        origin = ledger.origin()
        config = FeaturizeConfig(
            preset,
            noise_copies,
            noise_snr,
            jobs,
            seed=seed if seed is not None else origin.seed if origin else 0,
            splits=splits or (Splits(*origin.splits) if origin else Splits()),
            sample_rate=ledger.sample_rate,
        )
        clips = [clip for _, clip in ledger.clips()]
        return make_shards(workspace, clips, classes_of(origin), config, on_progress)


def make_shards(
    workspace: Workspace,
    clips: Sequence[Clip],
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
    assignment = place(workspace, clips, classes, config.splits, config.seed)
    folder = workspace.shards / config.folder
    tasks = plan(
        workspace.root,
        folder,
        assignment.placements,
        config.clips_per_shard,
        classes=classes,
        spec=config.spec,
        noise=Noise(config.noise_copies, config.noise_snr, config.seed),
    )
    todo = [task for task in tasks if not is_done(task)]
    if todo:
        (folder / INDEX).unlink(missing_ok=True)
    _remove_strangers(folder, tasks)
    total, speed = len(assignment.placements), Speed()
    kept = total - sum(len(task.placements) for task in todo)
    # Heard by the threads that make shards, told by the one that shows.
    news: list[str] = []

    def show(made: int) -> None:
        while news:
            on_progress(message(news.pop()))
        on_progress(Progress(kept + made, total, speed(kept + made)))

    show(0)
    with saying(news.append):
        make_all(todo, config.jobs, show)
    finish_folder(folder, [task.target for task in tasks])

    return FeaturizeResult(
        folder=folder,
        shards=tuple(task.target for task in tasks),
        built=len(todo),
        reused=len(tasks) - len(todo),
        clips=_count(assignment.placements, classes.names),
        waiting=assignment.waiting,
        rows=sum(task.rows for task in tasks),
        empty_filters=empty_filters(config.spec),
        short=assignment.short,
        leak=leak_of(assignment.placements),
        of_list=classes.of_list,
    )


def _remove_strangers(folder: Path, tasks: Sequence[ShardTask]) -> None:
    """Remove shards that no task makes any more, and what killed runs left half-written."""
    wanted = {task.target.name for task in tasks}
    for path in [*folder.glob("*.h5"), *leftovers(folder)]:
        if path.name not in wanted:
            path.unlink(missing_ok=True)


def _count(placements: Sequence[Placement], class_names: Sequence[str]) -> dict[str, dict[str, int]]:
    counts = Counter((placement.split, placement.class_name) for placement in placements)
    return {split: {name: counts[split, name] for name in class_names} for split in SPLITS}


class Speed:
    """How fast shards are made, for the remark beside the progress; the start-up does not count.

    Args:
        clock: gives the time in seconds, never running backwards.
    """

    def __init__(self, clock: Callable[[], float] = steady) -> None:
        self._clock = clock
        self._begun = clock()
        self._kept: int | None = None

    def __call__(self, done: int) -> str:
        """Clips a second, as text; nothing as long as no clip was made.

        Args:
            done: clips done so far, among them those whose shards stood already.
        """
        if self._kept is None or done <= self._kept:
            self._begun, self._kept = self._clock(), done
        seconds = self._clock() - self._begun
        return f"{(done - self._kept) / seconds:,.0f} clips/s" if done > self._kept and seconds > 0 else ""


SHOW_EVERY_S = 0.5


class _Stopped(Exception):
    """Raised in a worker to abandon its shard."""


class _Tally:
    """Counts clips over all workers, and is where they learn that the run is over."""

    def __init__(self) -> None:
        self.clips = 0
        self.stopped = False
        self._lock = threading.Lock()

    def add(self) -> None:
        """Count a clip.

        Raises:
            _Stopped: the run is over.
        """
        if self.stopped:
            raise _Stopped
        with self._lock:
            self.clips += 1


def make_all(tasks: Sequence[ShardTask], jobs: int | None, on_clips: Callable[[int], None]) -> None:
    """Make shards. On an error or Ctrl-C those that stand are kept and those begun are dropped.

    Args:
        jobs: how many at once; None for as many as there are cores for this process.
        on_clips: called twice a second, and whenever a shard stands, with the clips done.

    Raises:
        DataMismatch: a clip is gone or damaged.
        EnvironmentProblem: the disk does not take a shard.
    """
    tally = _Tally()
    # The largest first, so that at the end no core waits long for another.
    largest_first = sorted(tasks, key=lambda task: -task.rows)
    with ThreadPoolExecutor(jobs or cores(), thread_name_prefix="featurize") as pool:
        try:
            unfinished = {pool.submit(make_shard, task, tally.add) for task in largest_first}
            while unfinished:
                finished, unfinished = wait(unfinished, SHOW_EVERY_S, FIRST_COMPLETED)
                for future in finished:
                    future.result()
                on_clips(tally.clips)
        finally:
            tally.stopped = True
            pool.shutdown(cancel_futures=True)


def finish_folder(folder: Path, shards: Sequence[Path]) -> None:
    """Write `index.json`: which shards there are, and mean and standard deviation over the train split.

    The statistics come from those that every shard keeps of its own rows, in the order given: the same
    bytes, however many workers made the shards and in whatever order.

    Args:
        shards: all that belong to it.

    Raises:
        DataMismatch: a shard is damaged.
    """
    opened = [open_shard(path) for path in shards]
    train = [shard.statistics for shard in opened if shard.header.split == "train"]
    mean, std = (), ()
    if train:
        over_all = combined(train)
        mean, std = tuple(over_all.mean.tolist()), tuple(over_all.std.tolist())
    listed = {
        shard.path.name: Listed(shard.header.split, len(shard), shard.header.inputs) for shard in opened
    }
    write_index(folder, Index(listed, mean, std))

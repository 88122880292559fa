"""From accepted clips to the shards of all splits; run again, it makes only what is not there yet.

Decide first (`assign`, `plan`), then look which shards are already what the plan asks for, then make the
others: in this process when there is little to do, in worker processes otherwise.
"""

import multiprocessing
import os
import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import DataMismatch, EnvironmentProblem, UsageError
from ..types import Clip, Splits
from ..workspace import Workspace
from .dataset import read_dataset, write_dataset
from .finish import finish_folder
from .index import NAME as INDEX
from .spec import PRESETS, MelSpec
from .split import SPLITS, Placement, assign
from .task import Noise, ShardTask, is_done, make_shard, plan

FEW_ROWS = 1_000
"""Below this many rows a worker's start (two seconds of imports) costs more than it saves."""


@dataclass(frozen=True, slots=True)
class FeaturizeConfig:
    """How to featurize.

    Args:
        preset: name of the mel spec, one of `PRESETS`.
        noise_copies: noisy copies of every training clip, besides the clip itself.
        noise_snr: lowest and highest signal-to-noise ratio of a copy, in decibels.
        jobs: worker processes; None for as many as are worth starting.
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
    clips_per_shard: int = 256
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
        on_progress: told after every shard how many clips are done and how many there are.

    Raises:
        DataMismatch: no clips, too few, a clip gone or damaged, or a damaged `dataset.csv`.
        EnvironmentProblem: the disk is full, or a worker was killed.
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
        spec=config.spec,
        noise=Noise(config.noise_copies, config.noise_snr, config.seed),
    )
    todo = [task for task in tasks if not is_done(task)]
    if todo:
        (folder / INDEX).unlink(missing_ok=True)
    _remove_strangers(folder, tasks)
    total = len(assignment.placements)
    done = total - sum(len(task.placements) for task in todo)
    on_progress(done, total)
    for task in _make_all(todo, config.jobs):
        done += len(task.placements)
        on_progress(done, total)
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


def _make_all(tasks: Sequence[ShardTask], jobs: int | None) -> Iterator[ShardTask]:
    """Make shards, giving each task back when its shard stands."""
    if jobs is None:
        few = sum(task.rows for task in tasks) < FEW_ROWS
        jobs = 1 if few else os.cpu_count() or 1
    if jobs == 1:
        for task in tasks:
            make_shard(task)
            yield task
    elif tasks:
        yield from _make_in_workers(tasks, min(jobs, len(tasks)))


def _make_in_workers(tasks: Sequence[ShardTask], jobs: int) -> Iterator[ShardTask]:
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=spawn, initializer=_start_worker) as pool:
        futures = {pool.submit(make_shard, task): task for task in tasks}
        try:
            for future in as_completed(futures):
                future.result()
                yield futures[future]
        except BrokenProcessPool as error:
            raise EnvironmentProblem(
                "a worker process was killed, perhaps for want of memory",
                "Run the command again with fewer --jobs; the finished shards are kept.",
            ) from error
        finally:
            # On an error or Ctrl-C the shards in hand are finished or dropped, the rest not begun.
            pool.shutdown(cancel_futures=True)


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_die_with_parent, daemon=True).start()


def _die_with_parent() -> None:
    """A worker whose parent was killed would otherwise wait for its next task for ever."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)

"""Making shards: several at once, by threads of this process or by an engine, the largest first."""

import threading
from collections.abc import Callable, Sequence
from functools import partial

from ..clock import steady
from ..tasks.engine import Engine, run_tasks
from .task import ShardTask, make_shard


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


class _Stopped(Exception):
    """Raised in a thread to abandon its shard."""


class _Tally:
    """Counts clips over all threads, and is where they learn that the run is over."""

    def __init__(self) -> None:
        self.clips = 0
        self.stopped = False
        self._lock = threading.Lock()

    def add(self, clips: int = 1) -> None:
        """Count clips.

        Raises:
            _Stopped: the run is over.
        """
        if self.stopped:
            raise _Stopped
        with self._lock:
            self.clips += clips


def make_all(tasks: Sequence[ShardTask], by: Engine, on_clips: Callable[[int], None]) -> None:
    """Make shards. On an error or Ctrl-C those that stand are kept and those begun are dropped.

    Args:
        by: the engine that makes them.
        on_clips: called twice a second, and whenever a shard stands, with the clips done.

    Raises:
        DataMismatch: a clip is gone or damaged.
        EnvironmentProblem: the disk does not take a shard.
    """
    tally = _Tally()
    # The largest first, so that at the end no core waits long for another.
    largest_first = sorted(tasks, key=lambda task: -task.rows)
    # Clips are counted one by one where that can be seen, else when their shard stands.
    work = partial(make_shard, on_clip=tally.add) if by.is_here else make_shard
    try:
        run_tasks(
            by,
            work,
            largest_first,
            lambda task, _: None if by.is_here else tally.add(len(task.placements)),
            lambda: on_clips(tally.clips),
        )
    finally:
        tally.stopped = True

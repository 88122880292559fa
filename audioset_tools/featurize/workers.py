"""Several shards at once, on all cores: worker threads make them, the calling thread watches and shows.

Threads are enough: reading, hashing, decoding, noise and mel all go on outside Python's lock. Against
processes they spare each worker two seconds of imports and a hundred megabytes of memory, and none of them
outlives a killed run.
"""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait

from .machine import cores
from .task import ShardTask, make_shard

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
        tasks: what to make.
        jobs: how many at once; None for as many as there are cores for this process.
        on_clips: told twice a second, and whenever a shard stands, how many clips are done.

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

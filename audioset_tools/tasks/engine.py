"""Who does tasks, and having them done.

A task is a pure function of its inputs: whoever does it, and how often, the same bytes come of it. So one
that was lost with its worker is done again by another, and nobody need know.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from ..exceptions import EnvironmentProblem

Task = TypeVar("Task")
Done = TypeVar("Done")

SHOW_EVERY_S = 0.5
"""How often those who wait for tasks are told that time has passed."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Who does tasks.

    Args:
        submit: takes a function of a module and what it is called with, and promises what comes of it.
        count: how many tasks are done at once, as far as is known now.
        is_here: whether they are done in this process, and see what lies in its memory.
    """

    submit: Callable[..., Future[Any]]
    count: Callable[[], int]
    is_here: bool = True

    @property
    def words(self) -> str:
        """Who works, for the remark beside the progress; nothing where it is this process."""
        return "" if self.is_here else f"{self.count():,} at once"

    def call(self, work: Callable[..., Done], *args: Any) -> Done:
        """Have a task done, and wait for it.

        Raises:
            EnvironmentProblem: those who do the tasks are gone.
        """
        done: Done = _outcome(self.submit(work, *args))
        return done

    def place(self, path: Path) -> Path:
        """A path as those who do the tasks find it."""
        return path if self.is_here else path.absolute()


@contextmanager
def threads(jobs: int | None = None) -> Iterator[Engine]:
    """Threads of this process: what waits when this is left is not begun, what is begun is waited for.

    Args:
        jobs: how many; None for as many as there are cores for this process.
    """
    workers = jobs or cores()
    pool = ThreadPoolExecutor(workers, thread_name_prefix="tasks")
    try:
        yield Engine(pool.submit, lambda: workers)
    finally:
        pool.shutdown(cancel_futures=True)


def run_tasks(
    by: Engine,
    work: Callable[[Task], Done],
    tasks: Iterable[Task],
    on_done: Callable[[Task, Done], object],
    on_wait: Callable[[], object] = lambda: None,
) -> None:
    """Have tasks done, several at once; after an error or Ctrl-C nothing new is begun.

    Args:
        by: the engine that does them.
        work: a function of a module, or a `partial` of one, where `by` is elsewhere.
        tasks: in the order in which they are begun; asked for as they are.
        on_done: called in this thread with each task and what came of it, as they come.
        on_wait: called in this thread twice a second, and after `on_done`.
    """
    left = iter(tasks)
    waiting: dict[Future[Any], Task] = {}
    try:
        while True:
            # So many wait that nobody idles; more would only lie in memory.
            for task in islice(left, max(0, 2 * by.count() + 2 - len(waiting))):
                waiting[by.submit(work, task)] = task
            if not waiting:
                return
            finished, _ = wait(waiting, SHOW_EVERY_S, FIRST_COMPLETED)
            for future in finished:
                on_done(waiting.pop(future), _outcome(future))
            on_wait()
    finally:
        for future in waiting:
            future.cancel()


def _outcome(future: Future[Any]) -> Any:
    try:
        return future.result()
    except CancelledError as error:
        raise EnvironmentProblem(
            "the scheduler is gone, or gave the work up",
            "Start it again and run the same command again; what was finished is kept.",
        ) from error


def cores() -> int:
    """How many cores this process may use; a batch system often allows fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1

"""How a job is divided: among threads, among a scheduler's workers, or among the tasks of an array."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from ..exceptions import UsageError
from ..installing import missing
from .engine import Engine, threads
from .part import WHOLE, ArrayPart


@dataclass(frozen=True, slots=True)
class Division:
    """Who does a job's tasks, and which of them are done now.

    Args:
        jobs: how many threads of this process; None for as many as there are cores.
        scheduler: address of a Dask scheduler whose workers do them, or the file that it wrote of itself;
            None for threads.
        part: which share of the tasks is done; an array's other parts do the rest.

    Raises:
        UsageError: there are no threads, or a scheduler and a part at once.
    """

    jobs: int | None = None
    scheduler: str | None = None
    part: ArrayPart = WHOLE

    def __post_init__(self) -> None:
        if self.jobs is not None and self.jobs < 1:
            raise UsageError(f"{self.jobs} jobs", "Give at least 1 with --jobs.")
        if self.scheduler is not None and not self.is_whole:
            raise UsageError(
                "--scheduler and --part do not go together",
                "Leave one out: a scheduler shares the work itself.",
            )

    @property
    def is_whole(self) -> bool:
        """Whether all tasks are done now."""
        return self.part == WHOLE

    def engine(self, shared: Path, say: Callable[[str], object]) -> AbstractContextManager[Engine]:
        """Those who do the tasks.

        Args:
            shared: the folder that every worker must see under this very path.
            say: called with a line of words where workers are waited for.

        Raises:
            EnvironmentProblem: the scheduler cannot be reached, or the extra `cluster` is not installed.
        """
        if self.scheduler is None:
            return threads(self.jobs)
        try:
            from .cluster import cluster
        except ModuleNotFoundError as error:
            raise missing(str(error.name), "cluster") from error
        return cluster(self.scheduler, shared, say)

"""Where a run begins, or goes on: its folder, and nobody else in it."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import EnvironmentProblem, UsageError
from .config import TrainConfig
from .folder import FINISHED


def choose_folder(runs: Path, config: TrainConfig, resume: bool) -> Path:
    """The folder of a run.

    An unfinished folder of the same name is taken over. A finished one is never touched: the new run is
    called `name-2`, `name-3` and so on, unless the user chose the name himself.

    Args:
        runs: where runs go.
        config: the settings.
        resume: whether an unfinished run is to go on.

    Raises:
        UsageError: a finished run has the chosen name, or there is nothing to go on with.
    """
    folder, number = runs / config.run_name, 1
    while (folder / FINISHED).exists() and config.name is None:
        number += 1
        folder = runs / f"{config.run_name}-{number}"
    if resume and not folder.is_dir():
        raise UsageError(f"there is no unfinished run {folder}", "Leave --resume out, or see --name.")
    if (folder / FINISHED).exists():
        raise UsageError(f"a finished run {folder} exists", "Choose another --name, or delete it.")
    return folder


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Make a folder and keep other trainings out of it; the kernel drops the lock when the process dies.

    Raises:
        EnvironmentProblem: another process holds it, or the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise EnvironmentProblem(
            f"the run folder {folder} cannot be made: {error.strerror}",
            "Choose another workspace, or change its permissions.",
        ) from error
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise EnvironmentProblem(
                f"another process is training in {folder}", "Wait for it to end, or choose another --name."
            ) from error
        if (folder / FINISHED).exists():
            raise EnvironmentProblem(f"another process has just finished {folder}", "Run the command again.")
        yield
    finally:
        os.close(descriptor)

"""Tasks done by the workers of a Dask scheduler, which the lab runs; the only door to `distributed`.

Every task looks first whether its worker can do it: the same installation, since others may give other bytes,
and the workspace under the same path.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from distributed import Client, KilledWorker

from ..exceptions import EnvironmentProblem
from ..files import leftovers
from ..processes import this_process
from .engine import Engine
from .installation import Installation, difference, installation

CONNECT_S = 10
"""How long an address is tried."""


@contextmanager
def cluster(scheduler: str, shared: Path, say: Callable[[str], object]) -> Iterator[Engine]:
    """The workers of a scheduler, as many as there are at any time.

    What waits when this is left is cancelled; a worker ends the task that it is at, and nobody looks at it.

    Args:
        scheduler: its address, as `tcp://node7:8786`, or the file that it wrote of itself.
        shared: the folder that every worker must see under this very path.
        say: called with a line of words where workers are waited for.

    Raises:
        EnvironmentProblem: it cannot be reached, or a task killed worker after worker.
    """
    with ExitStack() as stack:
        client = stack.enter_context(_connected(scheduler))
        workers = partial(_threads, client)
        if not workers():
            say(f"waiting for workers of {scheduler}")
            client.wait_for_workers(1)
        # Calls of one function with the same arguments would be taken for the same call: what was deleted
        # since, and is asked for again, would not be made.
        executor: Any = client.get_executor(pure=False)
        needs = installation(), stack.enter_context(_mark(shared.absolute()))
        stack.callback(executor.shutdown, wait=False)
        try:
            yield Engine(partial(executor.submit, _do, needs), workers, is_here=False)
        except KilledWorker as error:
            raise EnvironmentProblem(
                f"a task killed its workers one after another: {error.task}",
                "Look at the workers' log; give them more memory, and run the same command again.",
            ) from error


def _do(needs: tuple[Installation, Path], work: Callable[..., Any], *args: Any) -> Any:
    """Do a task, as a worker does.

    Raises:
        EnvironmentProblem: this worker has another installation, or does not see the workspace.
    """
    wanted, mark = needs
    where = os.uname().nodename
    if other := difference(wanted, installation()):
        raise EnvironmentProblem(
            f"the worker on {where} has another installation: {other}",
            "Start the workers in the environment that this command runs in.",
        )
    if not mark.exists():
        raise EnvironmentProblem(
            f"the worker on {where} does not see the {mark.parent} of this machine",
            "Put it on a disk that all machines share, under the same path.",
        )
    return work(*args)


@contextmanager
def _mark(shared: Path) -> Iterator[Path]:
    """A file by which workers know a folder; the folder itself where nothing can be written, as on a
    read-only disk."""
    mark = shared / f".workers.{this_process()}.{secrets.token_hex(8)}.part"
    try:
        for left in leftovers(shared):
            if left.name.startswith(".workers."):
                left.unlink(missing_ok=True)
        mark.touch(exist_ok=False)
    except OSError:
        yield shared
        return
    try:
        yield mark
    finally:
        mark.unlink(missing_ok=True)


@contextmanager
def _connected(scheduler: str) -> Iterator[Any]:
    is_file = Path(scheduler).is_file()
    address = {"scheduler_file": scheduler} if is_file else {"address": scheduler}
    make: Any = Client
    try:
        client = make(**address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, ValueError) as error:
        raise EnvironmentProblem(
            f"no Dask scheduler answers at {scheduler}",
            "Start one (`dask scheduler`) and give its address, as tcp://HOST:8786, or its --scheduler-file.",
        ) from error
    with client:
        yield client


def _threads(client: Any) -> int:
    return sum(client.nthreads().values())

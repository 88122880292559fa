"""How much is told while a command works, and where it is written down: what -q, -v and --log set.

`console` does the telling. This needs no rich, so that a command's options are read at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from .log import Log, stamp

__all__ = ["Log", "Telling", "stamp", "telling", "until_the_end"]


@dataclass(slots=True)
class Telling:
    """What is told.

    Args:
        quiet: results, warnings and errors alone.
        verbose: also the settings that a command runs with, and progress as often at the end as at first.
        logs: files that every line goes to as well.
    """

    quiet: bool = False
    verbose: bool = False
    logs: tuple[Log, ...] = ()


telling = Telling()
"""Of this process; see `until_the_end`."""


@contextmanager
def until_the_end() -> Iterator[None]:
    """Set back on leaving what a command sets meanwhile, for commands that run within others."""
    before = (telling.quiet, telling.verbose, telling.logs)
    try:
        yield
    finally:
        for log in {*telling.logs} - {*before[2]}:
            log.close()
        telling.quiet, telling.verbose, telling.logs = before

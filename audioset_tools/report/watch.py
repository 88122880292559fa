"""A report that keeps up with a fetch: written anew every few seconds until the fetch is done."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..workspace import Workspace
from .build import Report, ReportConfig, write_report
from .fetching import moment


def watch_report(
    place: Workspace,
    out: Path,
    config: ReportConfig,
    *,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
    funnel: Mapping[str, Any] | None = None,
    told: Callable[[Report, bool], None] = lambda report, busy: None,
) -> Report:
    """Write the report again and again while a command works in the workspace, and once more when it is done.

    The fetch is not disturbed: the ledger is only read.

    Args:
        place, out, config, funnel: see `write_report`; `config.every` is the time between two looks.
        clock: seconds since the epoch, told on the page.
        sleep: sleeps so many seconds.
        told: called after every look with what was written and whether the command still works.
    """
    while True:
        # Asked before looking: what the command does after that is seen by the last look.
        busy = place.busy()
        at = f"{moment(clock())} UTC"
        seen = config if busy else replace(config, every=0)
        report = write_report(place, out, seen, funnel=funnel, now=at)
        told(report, busy)
        if not busy:
            return report
        sleep(config.every)

"""Every failure that is settled or waiting, as a table, as CSV, and for a program.

Details are what strangers said: control characters are written out, and no cell of the CSV begins as a
spreadsheet's formula does.
"""

import csv
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from ..errors import EnvironmentProblem
from ..history import FailedCandidate
from ..types import Reason, Table
from ..workspace import printable, write_beside
from .status import utc

SHOWN = 50
"""Failures in the table on the terminal."""

_DETAIL_SHOWN = 60
"""Characters of a detail in the table; `unknown` is shown whole, since its detail is all there is."""

_COLUMNS = (
    "clip", "address", "class", "rank", "state", "reason", "scope", "attempts", "tried_at", "retry_at",
    "start_ms", "end_ms", "detail",
)  # fmt: skip


def failures_table(failures: Iterable[FailedCandidate], total: int, moment: Callable[[float], str]) -> Table:
    """The last failures.

    Args:
        failures: the last tried first.
        total: how many there are.
        moment: puts a time into words.
    """
    rows = tuple(
        (
            one.candidate.key,
            printable(one.candidate.class_name),
            f"{one.candidate.rank:,}",
            str(one.state),
            str(one.reason),
            str(one.attempts),
            moment(one.tried_at),
            _shown(one),
        )
        for one in islice(failures, SHOWN)
    )
    title = f"The last {SHOWN} of {total:,} failures; --out writes all" if total > SHOWN else "Failures"
    return Table(
        title, ("clip", "class", "rank", "state", "reason", "attempts", "last tried", "detail"), rows
    )


def failure_json(one: FailedCandidate) -> dict[str, Any]:
    """A failure for a program: its detail as it was said."""
    candidate = one.candidate
    return {
        "key": candidate.key,
        "ytid": candidate.ytid,
        "start_ms": candidate.start_ms,
        "end_ms": candidate.end_ms,
        "class": candidate.class_name,
        "rank": candidate.rank,
        "state": str(one.state),
        "reason": str(one.reason),
        "scope": str(one.reason.scope),
        "attempts": one.attempts,
        "tried_at": utc(one.tried_at),
        "retry_at": None if one.retry_at is None else utc(one.retry_at),
        "detail": one.detail,
    }


def write_failures(failures: Iterable[FailedCandidate], target: Path) -> int:
    """Write failures as CSV, one at a time; returns how many.

    An id may begin with `-`, which a spreadsheet takes for a formula. `clip` is therefore the clip's name on
    disk, `Y` before the key, and `address` ends with the id.

    Raises:
        EnvironmentProblem: the file cannot be written.
    """
    written = 0
    try:
        with write_beside(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
            writer = csv.writer(handle, lineterminator="\n")
            writer.writerow(_COLUMNS)
            for one in failures:
                writer.writerow(_cells(one))
                written += 1
    except OSError as error:
        raise EnvironmentProblem(
            f"{target} cannot be written: {error.strerror}", "Choose another --out file, or make room."
        ) from error
    return written


def _cells(one: FailedCandidate) -> tuple[str | int, ...]:
    candidate = one.candidate
    return (
        f"Y{candidate.key}",
        f"https://www.youtube.com/watch?v={candidate.ytid}",
        _cell(candidate.class_name),
        candidate.rank,
        one.state,
        one.reason,
        one.reason.scope,
        one.attempts,
        utc(one.tried_at),
        "" if one.retry_at is None else utc(one.retry_at),
        candidate.start_ms,
        candidate.end_ms,
        _cell(one.detail),
    )


def _cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula: an apostrophe before one."""
    plain = printable(text)
    return f"'{plain}" if plain.lstrip()[:1] in tuple("=+-@") else plain


def _shown(one: FailedCandidate) -> str:
    detail = printable(one.detail)
    if one.reason is Reason.UNKNOWN or len(detail) <= _DETAIL_SHOWN:
        return detail
    return f"{detail[: _DETAIL_SHOWN - 1]}…"

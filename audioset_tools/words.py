"""Times and numbers in words, and tables of too many rows."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

Row = TypeVar("Row")

MOST_ROWS = 20
"""Classes of a table on a screen or a page; of more, the first and the last ten."""


def clock_time(at: float) -> str:
    """A moment as people say it: `14:05:10`, with the day in place of the seconds if that is not today."""
    moment, today = datetime.fromtimestamp(at), datetime.now()
    return moment.strftime("%H:%M:%S" if moment.date() == today.date() else "%a %d %b, %H:%M")


def utc(at: float) -> str:
    """A moment for a program: `2026-11-24T14:05:00Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def duration(seconds: float) -> str:
    """A length of time as people say it: `45 s`, `1:30 min`, `3:05 h`, `2 days, 3:05 h`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3_600:
        return f"{whole // 60}:{whole % 60:02} min"
    days, rest = divmod(whole // 60, 24 * 60)
    hours = f"{rest // 60}:{rest % 60:02} h"
    return f"{days} day{'s' if days > 1 else ''}, {hours}" if days else hours


def counted(number: int, noun: str) -> str:
    """So many of something: `1 clip`, `2,400 clips`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def ends_of(rows: Sequence[Row], more: Callable[[str], Row]) -> tuple[Row, ...]:
    """All rows of a table, or of more than `MOST_ROWS` the first and the last ones.

    Args:
        more: makes the row between them, from how many are left out.
    """
    if len(rows) <= MOST_ROWS:
        return tuple(rows)
    half = MOST_ROWS // 2
    return (*rows[:half], more(f"... {len(rows) - 2 * half:,} more"), *rows[-half:])

"""The only door to the terminal: results to stdout, everything else to stderr.

On a terminal progress is a live bar; elsewhere (a log, a pipe, a batch job) it is a plain line now and then.
Names of classes, runs and files may be a stranger's: what would steer a terminal is written out.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table as RichTable
from rich.text import Text

from .types import Table
from .workspace import printable

_out = Console(highlight=False, width=None if sys.stdout.isatty() else 120)
_err = Console(highlight=False, stderr=True, soft_wrap=True)

_BAR = (BarColumn(), MofNCompleteColumn())

PLAIN_EVERY_S = 10.0
"""Seconds between two plain lines of progress."""


def table(content: Table) -> None:
    """Print a result: columns of words left, columns of figures right."""
    drawn = RichTable(
        title=_text(content.title), title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for number, head in enumerate(content.header):
        figures = all(not row[number] or row[number][0].isdigit() for row in content.rows)
        drawn.add_column(_text(head), justify="right" if figures else "left", overflow="fold")
    for row in content.rows:
        drawn.add_row(*map(_text, row))
    _out.print(drawn)
    _out.print()


def result(text: str) -> None:
    """Print a line of a result."""
    _out.print(_text(text), soft_wrap=True)


def result_json(content: Mapping[str, Any]) -> None:
    """Print a result for a program."""
    sys.stdout.write(json.dumps(content, indent=2) + "\n")


def result_json_rows(name: str, rows: Iterable[Mapping[str, Any]]) -> None:
    """Print a long result for a program: an object with one list, a row a line, none of them kept."""
    sys.stdout.write(f"{{{json.dumps(name)}: [")
    for number, row in enumerate(rows):
        sys.stdout.write((",\n" if number else "\n") + json.dumps(row))
    sys.stdout.write("\n]}\n")


def say(text: str) -> None:
    """Tell the user what is happening."""
    _err.print(_text(text))


def step(text: str) -> None:
    """Announce one of several steps."""
    _err.print(_text(text, "bold"))


def complain(what: str, remedy: str) -> None:
    """Say what went wrong and what to do."""
    _err.print(Text.assemble(("error:", "bold red"), " ", _text(what)))
    _err.print(_text(remedy))


def bug(trace: str) -> None:
    """Show a traceback: only ever for a bug of ours."""
    _err.print(_text(trace))
    _err.print("[bold red]This is a bug in audioset-tools.[/] Nothing that was finished is lost.")


def clock_time(at: float) -> str:
    """A moment as people say it: `14:05`, with the day if that is not today."""
    moment, today = datetime.fromtimestamp(at), datetime.now()
    return moment.strftime("%H:%M:%S" if moment.date() == today.date() else "%a %d %b, %H:%M")


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


@contextmanager
def bar(unit: str) -> Iterator[Callable[[int, int, str], None]]:
    """One bar; gives a function to be called with what is done, the total and a remark."""
    if not _err.is_terminal:
        plain = _PlainLines()
        yield lambda done, total, remark: plain.say(f"{done:,} of {total:,} {unit}  {remark}", False)
        return
    columns = (*_BAR, TextColumn(unit), TimeRemainingColumn(), TextColumn("{task.fields[remark]}"))
    with Progress(*columns, console=_err) as progress:
        task = progress.add_task("", total=None, remark="")
        yield lambda done, total, remark: progress.update(
            task, completed=done, total=total, remark=_markup(remark)
        )


@contextmanager
def class_bars() -> Iterator[Callable[[Mapping[str, tuple[int, int, str]], str, bool], None]]:
    """A bar for each class above a line of text.

    Gives a function to be called with name -> (done, total, remark), the line, and whether the line is news
    that must not wait.
    """
    if not _err.is_terminal:
        plain = _PlainLines()
        yield lambda classes, line, news: plain.say(
            ", ".join(f"{name} {done}/{total}" for name, (done, total, _) in classes.items()) + f"; {line}",
            news,
        )
        return
    progress = Progress(
        TextColumn("{task.description}"), *_BAR, TextColumn("{task.fields[remark]}"), console=_err
    )
    tasks: dict[str, TaskID] = {}
    with Live(console=_err, refresh_per_second=4) as live:

        def show(classes: Mapping[str, tuple[int, int, str]], line: str, news: bool) -> None:
            for name, (done, total, remark) in classes.items():
                if name not in tasks:
                    tasks[name] = progress.add_task(_markup(name), total=total, remark="")
                progress.update(tasks[name], completed=done, remark=_markup(remark))
            live.update(Group(progress, _text(line)))

        yield show


def _text(text: str, style: str = "") -> Text:
    return Text("\n".join(map(printable, text.split("\n"))), style=style)


def _markup(text: str) -> str:
    """For a bar, which reads its texts as markup."""
    return escape(printable(text))


class _PlainLines:
    """Progress where there is no terminal: a line when enough time has passed."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._next = clock() + PLAIN_EVERY_S / 5
        self._last = ""

    def say(self, line: str, now: bool) -> None:
        if line != self._last and (now or self._clock() >= self._next):
            _err.print(_text(line))
            self._next = self._clock() + PLAIN_EVERY_S
            self._last = line

"""The only door to the terminal: results to stdout, everything else to stderr.

On a terminal progress is a live bar; elsewhere (a log, a pipe, a batch job) it is a plain line now and then.
Names of classes, runs and files may be a stranger's: what would steer a terminal is written out.
"""

import json
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.table import Table as RichTable
from rich.text import Text

from .types import Message, Progress, Table
from .workspace import printable


class _Console(Console):
    """A console that leaves it to the command line what a reader's going away means."""

    def on_broken_pipe(self) -> None:
        """Raise the error again, which rich has just caught; it would exit with code 1."""
        raise


_out = _Console(highlight=False, width=None if sys.stdout.isatty() else 120)
_err = _Console(highlight=False, stderr=True, soft_wrap=True)

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


def warn(what: str, remedy: str) -> None:
    """Say what may be wrong with a result, and what to try."""
    _err.print(Text.assemble(("warning:", "bold yellow"), " ", _text(what)))
    _err.print(_text(remedy))


def bug(trace: str) -> None:
    """Show a traceback: only ever for a bug of ours."""
    _err.print(_text(trace))
    _err.print("[bold red]This is a bug in audioset-tools.[/] Nothing that was finished is lost.")


@contextmanager
def bar(unit: str) -> Iterator[Callable[[Progress], None]]:
    """One bar for what is counted in `unit`."""
    if not _err.is_terminal:
        plain = _PlainLines()

        def line(at: Progress) -> None:
            count = "" if isinstance(at, Message) else f"{at.done:,} of {at.total:,} {unit}  "
            plain.say(count + at.text, isinstance(at, Message))

        yield line
        return
    columns = (*_BAR, TextColumn(unit), TimeRemainingColumn(), TextColumn("{task.fields[remark]}"))
    with RichProgress(*columns, console=_err) as bars:
        task = bars.add_task("", total=None, remark="")

        def show(at: Progress) -> None:
            if isinstance(at, Message):
                say(at.text)
            else:
                bars.update(task, completed=at.done, total=at.total, remark=_markup(at.text))

        yield show


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
    progress = RichProgress(
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

    def __init__(self) -> None:
        self._next = time.monotonic() + PLAIN_EVERY_S / 5
        self._last = ""

    def say(self, line: str, now: bool) -> None:
        if line != self._last and (now or time.monotonic() >= self._next):
            _err.print(_text(line))
            self._next = time.monotonic() + PLAIN_EVERY_S
            self._last = line

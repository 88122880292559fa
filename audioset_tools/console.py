"""The only door to the terminal: results to stdout, everything else to stderr.

On a terminal progress is a live bar; elsewhere (a log, a pipe, a batch job) it is a plain line now and then,
and every line begins with its time, but for errors and warnings. What goes to stderr goes to the files of
`--log` as well.
Names of classes, runs and files may be a stranger's: what would steer a terminal is written out.
"""

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress
from rich.text import Text

from .clock import steady
from .telling import stamp, telling
from .types import Message, Progress, Table
from .words import FILE_WIDTH, counted, draw_table, wrapped
from .workspace import printable


class _Console(Console):
    """A console that leaves it to the command line what a reader's going away means."""

    def on_broken_pipe(self) -> None:
        """Raise the error again, which rich has just caught; it would exit with code 1."""
        raise


if not os.environ.get("COLUMNS", "1").strip("0"):
    # A terminal of unknown size has 0, within which rich draws nothing at all.
    del os.environ["COLUMNS"]

_out = _Console(highlight=False, width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else FILE_WIDTH)
_err = _Console(highlight=False, stderr=True, soft_wrap=True)

_BAR = (BarColumn(), MofNCompleteColumn())

PLAIN_EVERY_S, MOST_PLAIN_S = 10.0, 300.0
"""Seconds between two plain lines of progress: at first, and in the end."""

_SPARSER = 20
"""A line says what this part of the time so far has brought: in 40 hours there are some 550 lines."""

clock: Callable[[], float] = steady
"""Gives the time in seconds since the epoch."""


_STYLES = {"title": "italic", "head": "bold"}


def table(content: Table) -> None:
    """Print a result within the width of the terminal."""
    for text, style in draw_table(_printable(content), _out.width):
        _out.print(_text(text, _STYLES.get(style, "")), soft_wrap=True)
    _out.print()


def results(parts: Iterable[str | Table]) -> None:
    """Print lines and tables of a result."""
    for part in parts:
        if isinstance(part, Table):
            table(part)
        else:
            result(part)


def result(text: str) -> None:
    """Print a line of a result; a terminal would cut it within a word."""
    for line in wrapped(_lines(text), _out.width) if _out.is_terminal else [text]:
        _out.print(_text(line), soft_wrap=True)


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
    _tell(text, screen=not telling.quiet)


def step(text: str) -> None:
    """Announce one of several steps."""
    _tell(text, "bold", screen=not telling.quiet)


def note(text: str) -> None:
    """Tell what few want to know: to a log, and to the user who asks for everything."""
    _tell(text, screen=telling.verbose)


def complain(what: str, remedy: str) -> None:
    """Say what went wrong and what to do."""
    _judge("error:", "bold red", what, remedy)


def warn(what: str, remedy: str) -> None:
    """Say what may be wrong with a result, and what to try."""
    _judge("warning:", "bold yellow", what, remedy)


def conclude(text: str) -> None:
    """Tell how a command ended, also the user who wants to know nothing else."""
    _tell(text)


def bug(trace: str) -> None:
    """Show a traceback: only ever for a bug of ours."""
    _tell(trace)
    _tell("This is a bug in audioset-tools. Nothing that was finished is lost.", "bold red")


@contextmanager
def bar(unit: str) -> Iterator[Callable[[Progress], None]]:
    """One bar for what is counted; `unit` is one of it, such as `clip`."""
    plain = _PlainLines()

    def line(at: Progress) -> None:
        parts = [f"{at.done:,} of {counted(at.total, unit)}"] if not isinstance(at, Message) else []
        plain.say("  ".join([*parts, *filter(None, [at.text])]), isinstance(at, Message))

    if telling.quiet or not _err.is_terminal:
        yield line
        return
    columns = (*_BAR, TextColumn(f"{unit}s"), TimeRemainingColumn(), TextColumn("{task.fields[remark]}"))
    with RichProgress(*columns, console=_err) as bars, _cleared(bars.live):
        task = bars.add_task("", total=None, remark="")

        def show(at: Progress) -> None:
            if isinstance(at, Message):
                say(at.text)
            else:
                bars.update(task, completed=at.done, total=at.total, remark=_markup(at.text))
                line(at)

        yield show


@contextmanager
def class_bars() -> Iterator[Callable[[Mapping[str, tuple[int, int, str]], str, bool], None]]:
    """A bar for each class above a line of text.

    Gives a function to be called with name -> (done, total, remark), the line, and whether the line is news
    that must not wait.
    """
    plain = _PlainLines()

    def told(classes: Mapping[str, tuple[int, int, str]], line: str, news: bool) -> None:
        counts = ", ".join(f"{name} {done}/{total}" for name, (done, total, _) in classes.items())
        plain.say(f"{counts}; {line}", news)

    if telling.quiet or not _err.is_terminal:
        yield told
        return
    progress = RichProgress(
        TextColumn("{task.description}"), *_BAR, TextColumn("{task.fields[remark]}"), console=_err
    )
    tasks: dict[str, TaskID] = {}
    with Live(console=_err, refresh_per_second=4) as live, _cleared(live):

        def show(classes: Mapping[str, tuple[int, int, str]], line: str, news: bool) -> None:
            for name, (done, total, remark) in classes.items():
                if name not in tasks:
                    tasks[name] = progress.add_task(_markup(name), total=total, remark="")
                progress.update(tasks[name], completed=done, remark=_markup(remark))
            live.update(Group(progress, _text(line)))
            told(classes, line, news)

        yield show


@contextmanager
def _cleared(live: Live) -> Iterator[None]:
    """Leave no bar behind that stands still, where something ends in an error or is interrupted."""
    try:
        yield
    except BaseException:
        live.transient = True
        raise


def _tell(text: str, style: str = "", screen: bool = True) -> None:
    """Write something to stderr, if it is for the screen, and to every log."""
    at = clock()
    if screen:
        _err.print(_text(text, style) if _err.is_terminal else _text(_stamped(text, at)))
    _write_down(text, at)


def _judge(word: str, style: str, what: str, remedy: str) -> None:
    """The same with two lines, the first of which begins with a word: scripts look for that."""
    _err.print(Text.assemble((word, style), " ", _text(what)))
    _err.print(_text(remedy))
    _write_down(f"{word} {what}\n{remedy}", clock())


def _write_down(text: str, at: float) -> None:
    for log in telling.logs:
        if trouble := log.write("\n".join(map(printable, text.split("\n"))), at):
            telling.logs = tuple(each for each in telling.logs if each is not log)
            log.close()
            say(trouble)


def _stamped(text: str, at: float) -> str:
    """Each line with its time in front; what is only to keep lines apart is left out."""
    return "\n".join(f"{stamp(at)}  {line}" for line in text.split("\n") if line)


def _text(text: str, style: str = "") -> Text:
    return Text(_lines(text), style=style)


def _lines(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))


def _printable(content: Table) -> Table:
    """A table whose texts are as wide as they are drawn."""
    return replace(
        content,
        title=_lines(content.title),
        header=tuple(map(_lines, content.header)),
        rows=tuple(tuple(map(_lines, row)) for row in content.rows),
        narrow=content.narrow and _printable(content.narrow),
    )


def _markup(text: str) -> str:
    """For a bar, which reads its texts as markup."""
    return escape(printable(text))


class _PlainLines:
    """Progress where there is no terminal, and in a log: a line when enough time has passed."""

    def __init__(self) -> None:
        self._begun = clock()
        self._next = self._begun + PLAIN_EVERY_S / 5
        self._last = ""

    def say(self, line: str, now: bool) -> None:
        at = clock()
        if line != self._last and (now or at >= self._next):
            _tell(line, screen=not (telling.quiet or _err.is_terminal))
            sparser = 0.0 if telling.verbose else (at - self._begun) / _SPARSER
            self._next = at + min(max(PLAIN_EVERY_S, sparser), MOST_PLAIN_S)
            self._last = line

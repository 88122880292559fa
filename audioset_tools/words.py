"""Times and numbers in words; of tables with too many rows their ends, with too many columns another form.

No line of a table is longer than a screen is wide, and no word or number of it is broken. A table without
room has its heads and its texts wrapped, is turned, does without some columns, is cut into several below one
another, or has a line for each cell, whichever of these is the first to fit.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise, zip_longest
from typing import NamedTuple, TypeVar

from .types import Table

Row = TypeVar("Row")

FILE_WIDTH = 80
"""Columns of text in files, and on a screen of unknown width."""

LEAST_TEXT = 20
"""Columns that a text keeps when it is wrapped; in fewer, reading is a trouble."""

LEAST_HEADS = 2
"""Lines of a head, where that can be helped."""

_GAP = 2
"""Spaces between two columns."""

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
    return f"{counted(days, 'day')}, {hours}" if days else hours


def counted(number: int, noun: str, nouns: str = "") -> str:
    """So many of something: `1 clip`, `2,400 clips`.

    Args:
        nouns: its plural, where that is not made by an s; a verb may follow both.
    """
    return f"{number:,} {noun if number == 1 else nouns or f'{noun}s'}"


def ends_of(rows: Sequence[Row], more: Callable[[str], Row]) -> tuple[Row, ...]:
    """All rows of a table, or of more than `MOST_ROWS` the first and the last ones.

    Args:
        more: makes the row between them, from how many are left out.
    """
    if len(rows) <= MOST_ROWS:
        return tuple(rows)
    half = MOST_ROWS // 2
    return (*rows[:half], more(f"... {len(rows) - 2 * half:,} more"), *rows[-half:])


_NUMBER = re.compile(r"[(~±−+-]{0,3}\d[\d,.:]*(?:-\d[\d,.]*|e[-+]?\d+)?[)%~]{0,3}")

_UNITS = ("%", "ms", "s", "min", "h", "day", "day,", "days", "days,", "bytes", "kB", "MB", "GB", "Hz")
_OF_FIGURES = frozenset(("of", "to", "and", "±", "~", "-", *_UNITS))
"""Words that stand between or behind numbers."""


class TableLine(NamedTuple):
    """A line of a drawn table, and what it is: `title`, `head`, or nothing special."""

    text: str
    style: str = ""


def draw_table(table: Table, width: int = FILE_WIDTH) -> list[TableLine]:
    """A table within so many columns of text, in the first of its forms that fits.

    A word that is longer than a line stands alone in its own, whole, so that it can be copied.
    """
    table = _without_blank_columns(table)
    title = [TableLine(text, "title") for text in wrapped(table.title, width)] if table.title else []
    for form, left_out in _forms(table):
        if lines := _in_columns(form, width):
            gone = f"no room for {', '.join(left_out)}: a wider screen has more, --json all"
            return [*title, *lines, *(map(TableLine, wrapped(gone, width) if left_out else ()))]
    if table.narrow is not None:
        return draw_table(table.narrow, width)
    blocks = filter(None, (_in_blocks(form, width) for form, left_out in _forms(table) if not left_out))
    return [*title, *(min(blocks, key=len, default=[]) or map(TableLine, _stacked(table, width)))]


def figure_columns(table: Table) -> set[int]:
    """The columns that hold figures and nothing else; they stand to the right."""
    return {n for n in range(len(table.header)) if all(_is_figure(row[n]) for row in table.rows)}


def text_width(text: str) -> int:
    """How many columns of a terminal a text takes: two for a wide character, none for a combining one."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.category(one) in ("Mn", "Me") else 1 + (unicodedata.east_asian_width(one) in "WF")
        for one in text
    )


def wrapped(text: str, width: int) -> list[str]:
    """A text in lines, cut between words alone: a word longer than a line stands in its own, whole."""
    lines = []
    for line in text.split("\n"):
        if text_width(line) <= width:
            lines.append(line)
            continue
        current = ""
        for word in line.split():
            longer = f"{current} {word}" if current else word
            if current and text_width(longer) > width:
                lines.append(current)
                longer = word
            current = longer
        lines.append(current)
    return lines


def _is_figure(cell: str) -> bool:
    words = cell.split()
    return all(_NUMBER.fullmatch(word) or word in _OF_FIGURES for word in words) and (
        not words or any(character.isdigit() for character in cell) or words == ["-"]
    )


def _forms(table: Table) -> Iterator[tuple[Table, list[str]]]:
    """The table, turned, and without ever more of its columns, whose names stand beside it."""
    yield table, []
    if table.turns and table.rows and len(table.header) > 2:
        corner, *heads = table.header
        turned = zip(heads, *(row[1:] for row in table.rows), strict=True)
        yield Table("", (corner, *(row[0] for row in table.rows)), tuple(turned)), []
    for n in range(len(table.optional)):
        gone = {number for group in table.optional[: n + 1] for number in group}
        kept = [number for number in range(len(table.header)) if number not in gone]
        yield _columns(table, kept), [table.header[number] for number in sorted(gone)]


def _without_blank_columns(table: Table) -> Table:
    """Without the columns in which nothing stands, such as what to do where all is well."""
    kept = [
        n for n in range(len(table.header)) if not n or not table.rows or any(row[n] for row in table.rows)
    ]
    places = {number: place for place, number in enumerate(kept)}
    optional = (tuple(places[number] for number in group if number in places) for group in table.optional)
    return replace(
        _columns(table, kept), optional=tuple(filter(None, optional)), turns=table.turns, narrow=table.narrow
    )


def _columns(table: Table, numbers: Sequence[int]) -> Table:
    rows = tuple(tuple(row[number] for number in numbers) for row in table.rows)
    return Table(table.title, tuple(table.header[number] for number in numbers), rows)


def _in_columns(table: Table, width: int) -> list[TableLine]:
    """The table as it is, with heads and texts wrapped where that helps; nothing where it does not."""
    return _in_rows(table, width, LEAST_HEADS) or _in_rows(table, width, None)


def _in_rows(table: Table, width: int, heads: int | None) -> list[TableLine]:
    """The same with heads of no more lines than `heads`, if that is a number."""
    figures, rows = figure_columns(table), table.rows
    widths, wanted = [], []
    for number, head in enumerate(table.header):
        cells = max((_widest(row[number].split("\n")) for row in rows), default=0)
        least = cells
        if number not in figures:
            word = max((_widest(row[number].split()) for row in rows), default=0)
            least = min(cells, max(LEAST_TEXT, word))
        widths.append(max(least, _head_width(head, heads)))
        wanted.append((max(cells, widths[-1]), max(cells, _widest(head.split("\n")))))
    spare = width - sum(widths) - _GAP * (len(widths) - 1)
    if spare < 0:
        return []
    # Texts get what is left first, then heads; always the narrowest.
    for which in (0, 1):
        while spare and (short := [n for n, want in enumerate(wanted) if widths[n] < want[which]]):
            widths[min(short, key=widths.__getitem__)] += 1
            spare -= 1
    head_lines = _row(table.header, widths, figures) if any(table.header) else []
    body = [line for row in rows for line in _row(row, widths, figures)]
    return [*(TableLine(text, "head") for text in head_lines), *map(TableLine, body)] or [TableLine("")]


def _head_width(head: str, lines: int | None) -> int:
    """The narrowest column that a head fits in."""
    width = _widest(head.split())
    while lines is not None and len(wrapped(head, width)) > lines:
        width += 1
    return width


def _row(cells: Sequence[str], widths: Sequence[int], figures: set[int]) -> list[str]:
    """A row, whose cells may have several lines; a head ends beside the figures below it."""
    folded = [wrapped(cell, width) for cell, width in zip(cells, widths, strict=True)]
    lines = []
    for texts in zip_longest(*folded, fillvalue=""):
        padded = [
            " " * (width - text_width(text)) + text
            if number in figures
            else text + " " * (width - text_width(text))
            for number, (text, width) in enumerate(zip(texts, widths, strict=True))
        ]
        lines.append((" " * _GAP).join(padded).rstrip())
    return lines


def _in_blocks(table: Table, width: int) -> list[TableLine]:
    """A table of figures cut into several, each with the first column; nothing where one does not fit."""
    columns = range(1, len(table.header))
    if not {*columns} <= figure_columns(table):
        return []
    # Of more not even figures of one digit would fit.
    for most in range(min(len(columns) - 1, width // (1 + _GAP)), 0, -1):
        # Of equal width, as far as that goes.
        n = -(-len(columns) // most)
        ends = [len(columns) * number // n for number in range(n + 1)]
        blocks = [
            _in_columns(_columns(table, [0, *columns[begin:end]]), width) for begin, end in pairwise(ends)
        ]
        if all(blocks):
            return [line for block in blocks for line in (TableLine(""), *block)][1:]
    return []


def _stacked(table: Table, width: int) -> Iterator[str]:
    """A line for each cell, behind its head; of a table of two columns, for each row."""
    if len(table.header) == 2:
        yield from _pairs(table.rows, width)
        return
    for number, (first, *cells) in enumerate(table.rows):
        if number:
            yield ""
        yield from wrapped(first, width)
        pairs = [(head, cell) for head, cell in zip(table.header[1:], cells, strict=True) if cell]
        yield from (f"  {line}" for line in _pairs(pairs, width - 2))


def _pairs(pairs: Iterable[Sequence[str]], width: int) -> Iterator[str]:
    """Names and what is said of each; beside it where there is room, else below."""
    pairs = list(pairs)
    margin = min(_widest([name for name, _ in pairs]), width // 2) + _GAP
    for name, value in pairs:
        beside = text_width(name) <= margin - _GAP and _widest(value.split()) <= width - margin
        indent = margin if beside else _GAP
        lines = wrapped(value, width - indent)
        if beside:
            yield f"{name}{' ' * (margin - text_width(name))}{lines.pop(0)}".rstrip()
        else:
            yield from wrapped(name, width)
        yield from (" " * indent + line for line in lines)


def _widest(texts: Iterable[str]) -> int:
    return max(map(text_width, texts), default=0)

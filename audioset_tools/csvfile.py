"""The only door to CSV: tables written whole, and read whole or refused by a line's number.

People open tables in spreadsheets, which take a text for a formula and run it, and on terminals, which obey
control characters. So every text of a stranger's is written by one rule, and read back as it was:

- What cannot be printed is written out: `\\n`, `\\x1b`, and `\\udcff` for the byte 0xff that is no UTF-8. In
  a text with such a thing, or with what looks like it, each backslash is doubled.
- A text that begins with `=`, `+`, `-` or `@`, or a sign that Unicode holds for one of them, be it behind
  spaces, gets an apostrophe in front; likewise each part of a text between semicolons, where the spreadsheets
  of half of the world begin a cell.
- Numbers, video ids and keys of clips stay as they are: `-0SdAVK79lg_30000` computes nothing.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from numbers import Number
from pathlib import Path
from typing import Any, TypeVar

from .exceptions import DataMismatch, EnvironmentProblem
from .files import read_file, write_beside
from .types import KEY, YTID

Row = TypeVar("Row")
Block = TypeVar("Block")

_AT_ONCE = 256
"""Rows that are parsed together: of more Python would look again and again whether any are garbage."""

_SIGNS = (
    "=+@\u207a\u207b\u207c\u208a\u208b\u208c\u2212\u2a75\u2a76"
    "\ufb29\ufe62\ufe63\ufe66\ufe6b\uff0b\uff0d\uff1d\uff20-"
)
"""What begins a formula, and all that Unicode's compatible forms make the same."""

_FORMULA = re.compile(rf"'*\s*[{_SIGNS}]")
"""The beginning of what would be a formula, perhaps with an apostrophe of ours."""

_DOUBTFUL = f"' {_SIGNS}"
"""What a text begins with whose formula is worth a look."""

_NO_FORMULA = re.compile(
    rf"{KEY.pattern}|{YTID.pattern}|[+-]?(?:inf|nan|[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?)"
)

_PLAIN = re.compile(r"[A-Za-z0-9_./\n-]*")
"""Texts in which there is nothing to be written out, led or quoted, unless they begin with a minus."""

_CODES = r"[nrt]|x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}"
_WRITTEN_OUT = re.compile(rf"\\(?:{_CODES})")
_BACKSLASHED = re.compile(rf"\\(?:\\|{_CODES})")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
_LONG = {code: sign for sign, code in _SHORT.items()}

MOST_BYTES = 1 << 30
"""Of any table."""

_QUOTES = "; a text with a comma in it stands in quotes"


@contextmanager
def csv_beside(target: Path, columns: Sequence[str]) -> Iterator[Callable[[Iterable[Any]], None]]:
    """Give a function that writes a row of a CSV, which on leaving without error is there whole.

    Texts are written by the rule above.
    """
    with write_beside(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.writer(handle, lineterminator="\n")

        def write_row(cells: Iterable[Any]) -> None:
            writer.writerow(map(_written, cells))

        write_row(columns)
        yield write_row


def write_csv(target: Path, columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> int:
    """Write a CSV whole or not at all; returns the number of rows."""
    written = 0
    with csv_beside(target, columns) as write_row:
        for row in rows:
            write_row(row)
            written += 1
    return written


def csv_text(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> str:
    """A CSV as text, by the rule above."""
    handle = io.StringIO(newline="")
    writer = csv.writer(handle, lineterminator="\n")
    writer.writerow(map(_written, columns))
    writer.writerows(map(_written, row) for row in rows)
    return handle.getvalue()


def csv_cells(cells: Sequence[str]) -> Sequence[str]:
    """Texts as they stand in lines of a CSV; of many plain ones that is known at once.

    For who makes the lines himself, since all but a few cells are the same in many of them.
    """
    text = "\n".join(cells)
    if not _PLAIN.fullmatch(text) or text.count("\n") >= len(cells):
        return [*map(_in_line, cells)]
    return [_in_line(cell) if cell.startswith("-") else cell for cell in cells] if "-" in text else cells


def write_lines(target: Path, columns: Sequence[str], lines: Iterable[str]) -> None:
    """Write a CSV whole or not at all, of lines of `csv_cells`, one or more at a time with their ends."""
    with write_beside(target) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        handle.write(",".join(csv_cells(columns)) + "\n")
        handle.writelines(lines)


def _in_line(cell: str) -> str:
    handle = io.StringIO(newline="")
    csv.writer(handle, lineterminator="").writerow([_written(cell), ""])
    return handle.getvalue()[:-1]


def read_csv(
    path: Path,
    columns: Sequence[str],
    parse: Callable[[dict[str, str]], Row],
    remedy: str,
    further: bool = False,
) -> list[Row]:
    """Read a CSV and parse its rows; see `parse_csv`.

    Raises:
        DataMismatch: it is missing or damaged; the message has the line.
        EnvironmentProblem: it cannot be read.
    """
    return parse_csv(_content(path, remedy), str(path), columns, parse, remedy, further)


def csv_columns(path: Path, remedy: str) -> tuple[str, ...]:
    """The columns of a CSV, where a file may have these or those; none where its first line is damaged.

    Raises:
        DataMismatch: it is missing.
        EnvironmentProblem: it cannot be read.
    """
    text = _content(path, remedy).decode("utf-8-sig", errors="replace")
    try:
        return tuple(map(_read, next(csv.reader(io.StringIO(text, newline=""), strict=True), ())))
    except csv.Error:
        return ()


def _content(path: Path, remedy: str) -> bytes:
    try:
        return read_file(path, MOST_BYTES)
    except FileNotFoundError as error:
        raise DataMismatch(f"{path} is missing", remedy) from error
    except OSError as error:
        raise EnvironmentProblem(
            f"{path} cannot be read: {error.strerror}", "See to the file and its rights."
        ) from error


def parse_csv(
    content: bytes,
    name: str,
    columns: Sequence[str],
    parse: Callable[[dict[str, str]], Row],
    remedy: str,
    further: bool = False,
    codes: bool = True,
) -> list[Row]:
    """Parse the rows of a CSV: all of them, or none if one is in doubt; see `csv_parsed`.

    Raises:
        DataMismatch: it is damaged; the message has the line.
    """
    return list(csv_parsed(content, name, columns, parse, remedy, further, codes))


def csv_parsed(
    content: bytes,
    name: str,
    columns: Sequence[str],
    parse: Callable[[dict[str, str]], Row],
    remedy: str,
    further: bool = False,
    codes: bool = True,
) -> Iterator[Row]:
    """Parse the rows of a CSV one at a time, for who keeps less of each than that.

    Spreadsheets' ways are understood: a byte order mark, any line ends, empty lines.

    Args:
        content: the whole file, UTF-8.
        name: what to call it in errors.
        columns: those it must have, in this order.
        parse: from the fields of a row, by column, to what they mean; raises `ValueError` with what is wrong.
        remedy: what to do about a damaged file.
        further: whether further columns may follow.
        codes: whether `\\n` is a line's end, by the rule above; in what people write it is two characters.

    Raises:
        DataMismatch: it is damaged; the message has the line.
    """

    with _by_line(name, remedy):
        rows = csv_rows(content)
        header = _header(rows, columns, further)
        for line, row in rows:
            try:
                parsed = parse(named_fields(header, [_read(cell, codes) for cell in row]))
            except ValueError as error:
                raise NoCsv(line, str(error)) from error
            yield parsed


def csv_blocks(
    content: bytes,
    name: str,
    columns: Sequence[str],
    parse: Callable[[Sequence[list[str]]], Block],
    remedy: str,
) -> Iterator[Block]:
    """Parse the rows of a CSV some at a time, for who can look at many together.

    Args:
        content: the whole file, UTF-8.
        name: what to call it in errors.
        columns: exactly those that it has.
        parse: from rows to what they mean; raises `ValueError` with what is wrong with the first of them, if
            it is given a single one. Is one of many wrong, they are parsed again one by one.
        remedy: what to do about a damaged file.

    Raises:
        DataMismatch: it is damaged; the message has the line.
    """

    def parsed(lines: Sequence[int], some: Sequence[list[str]]) -> Block:
        try:
            for row in some:
                _refuse_number(columns, row)
            return parse(some)
        except ValueError as error:
            if len(some) == 1:
                raise NoCsv(lines[0], str(error)) from error
            for line, row in zip(lines, some, strict=True):
                parsed([line], [row])
            raise

    with _by_line(name, remedy):
        rows = csv_rows(content)
        _header(rows, columns)
        while block := list(islice(rows, _AT_ONCE)):
            lines, some = zip(*block, strict=True)
            # Nearly no cell was changed when it was written, and to ask each takes long.
            yield parsed(lines, [[*map(_read, row)] if _changed(row) else row for row in some])


def _changed(row: list[str]) -> bool:
    text = "".join(row)
    return "'" in text or "\\" in text


@contextmanager
def _by_line(name: str, remedy: str) -> Iterator[None]:
    """Tell of a row that is none with the name of its table."""
    try:
        yield
    except NoCsv as error:
        raise DataMismatch(f"{name}, line {error.line}: {error}", remedy) from error


def _header(
    rows: Iterator[tuple[int, list[str]]], columns: Sequence[str], further: bool = False
) -> list[str]:
    """The first of some rows, which are to be of these columns."""
    header = list(map(_read, next(rows, (1, []))[1]))
    shown = header[: len(columns)] if further else header
    if shown != list(columns) or len(set(header)) < len(header):
        raise NoCsv(1, f"the columns are not {','.join(columns)} but {','.join(header)[:60]!a}")
    return header


class NoCsv(ValueError):
    """Bytes that are no row of a CSV, and the line they stand in."""

    def __init__(self, line: int, trouble: str) -> None:
        super().__init__(trouble)
        self.line = line


def csv_rows(content: bytes, delimiter: str = ",", spaced: bool = False) -> Iterator[tuple[int, list[str]]]:
    """The rows of anybody's CSV that are not empty, as they stand there, each with the line it begins in.

    Args:
        content: UTF-8, perhaps with a byte order mark.
        delimiter: what stands between fields.
        spaced: whether spaces behind a delimiter belong to no field.

    Raises:
        NoCsv: it is none from some line on.
    """
    # Decoded as it is gone through: as one text a table of two million rows would take gigabytes.
    handle = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", newline="")
    rows = csv.reader(handle, strict=True, delimiter=delimiter, skipinitialspace=spaced)
    last = 0
    try:
        for row in rows:
            line, last = last + 1, rows.line_num
            if row:
                yield line, row
    except csv.Error as error:
        raise NoCsv(last + 1, f"this is no row of a CSV: {error}") from error
    except UnicodeDecodeError as error:
        raise NoCsv(_line_of_no_text(content), "this is no UTF-8 text") from error


def _line_of_no_text(content: bytes) -> int:
    """The line with the first byte that is no UTF-8."""
    try:
        content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return content[: error.start].count(b"\n") + 1
    return 1


def named_fields(header: Sequence[str], row: Sequence[str]) -> dict[str, str]:
    """The fields of a row by the names of their columns.

    Raises:
        ValueError: there are more or fewer.
    """
    _refuse_number(header, row)
    return dict(zip(header, row, strict=True))


def _refuse_number(header: Sequence[str], row: Sequence[str]) -> None:
    if len(row) != len(header):
        raise ValueError(f"{len(row)} fields instead of {len(header)}{_QUOTES}")


def _written(cell: Any) -> Any:
    """A cell as it is written, by the rule above."""
    # Texts first, and of these the harmless: a list has millions, and to ask for a number takes long.
    if type(cell) is int or (not isinstance(cell, str) and (cell is None or isinstance(cell, Number))):
        return cell
    text = str(cell)
    if text[:1] not in _DOUBTFUL and text.isprintable() and ";" not in text and "\\" not in text:
        return text
    if not text.isprintable() or ("\\" in text and _WRITTEN_OUT.search(text)):
        text = "".join(one if one.isprintable() else _code(one) for one in text.replace("\\", r"\\"))
    return ";".join(map(_led, text.split(";"))) if ";" in text else _led(text)


def _read(text: str, codes: bool = True) -> str:
    """What `_written` wrote; without `codes` what cannot be printed stays written out."""
    if "'" in text:
        text = ";".join(part[1:] if _is_led(part) else part for part in text.split(";"))
    if "\\" in text and _WRITTEN_OUT.search(text):
        text = _BACKSLASHED.sub(lambda found: _sign(found[0]) if codes else _single(found[0]), text)
    return text


def _led(part: str) -> str:
    return f"'{part}" if _FORMULA.match(part) and not _NO_FORMULA.fullmatch(part) else part


def _is_led(part: str) -> bool:
    return part.startswith("'") and _FORMULA.match(part) is not None


def _code(sign: str) -> str:
    number = ord(sign)
    long = f"\\x{number:02x}" if number < 1 << 8 else f"\\u{number:04x}"
    return _SHORT.get(sign) or (long if number < 1 << 16 else f"\\U{number:08x}")


def _single(code: str) -> str:
    return "\\" if code == r"\\" else code


def _sign(code: str) -> str:
    if code == r"\\":
        return "\\"
    number = code[2:]
    if code in _LONG:
        return _LONG[code]
    # Beyond what Unicode has, it is no code of ours.
    return chr(int(number, 16)) if int(number, 16) <= 0x10FFFF else code

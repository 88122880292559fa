"""The exclusion list: clips that somebody wants left out of a data set, and why.

A CSV in UTF-8 with the header `key,reason,note`, one row a clip. `errors` writes it from what people heard in
misclassified clips (the paper's section 5 wishes its data cleaned so); anybody may write one by hand.
"""

import csv
import io
import re
from dataclasses import dataclass
from pathlib import Path

from .errors import DataMismatch, EnvironmentProblem
from .types import KEY

HEADER = ["key", "reason", "note"]

LONGEST_REASON = 80
"""Characters of a reason: it is one of a few, and stands in tables."""

LONGEST_NOTE = 2_000
"""Characters of a note."""

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One clip to leave out: its key, a reason of a few words, and a stranger's note, which may be empty."""

    key: str
    reason: str
    note: str

    @property
    def detail(self) -> str:
        """Reason and note in one text, as the ledger keeps them."""
        return f"{self.reason}: {self.note}" if self.note else self.reason


def read_exclusions(path: Path) -> tuple[Exclusion, ...]:
    """The exclusions of a list on disk.

    Raises:
        DataMismatch: the list is damaged; the message has the line.
        EnvironmentProblem: it cannot be read.
    """
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise EnvironmentProblem(f"{path} cannot be read: {error.strerror}", "See to its rights.") from error
    return parse_exclusions(raw, str(path))


def parse_exclusions(raw: bytes, name: str) -> tuple[Exclusion, ...]:
    """The exclusions of a list: all of them, or none if one is in doubt.

    Spreadsheets' ways are understood: a byte order mark, any line ends, empty lines.

    Args:
        raw: the whole file.
        name: what to call it in errors.

    Raises:
        DataMismatch: the list is damaged; the message has the line.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _damaged(name, raw[: error.start].count(b"\n") + 1, "this is no UTF-8 text") from error
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    found: dict[str, Exclusion] = {}
    lines: dict[str, int] = {}
    last = 0
    try:
        if (header := next(rows, [])) != HEADER:
            raise _damaged(name, 1, f"the columns are not {','.join(HEADER)} but {_shown(','.join(header))}")
        last = rows.line_num
        for row in rows:
            line, last = last + 1, rows.line_num
            if not row:
                continue
            if trouble := _trouble(row, lines):
                raise _damaged(name, line, trouble)
            found[row[0]] = Exclusion(*row)
            lines[row[0]] = line
    except csv.Error as error:
        raise _damaged(name, last + 1, f"this is no row of a CSV: {error}") from error
    return tuple(found.values())


def _trouble(row: list[str], lines: dict[str, int]) -> str:
    if len(row) != len(HEADER):
        return f"{len(row)} fields instead of {len(HEADER)}; a text with a comma in it stands in quotes"
    key, reason, note = row
    if not KEY.fullmatch(key):
        return f"no clip's key, such as -0SdAVK79lg_30000: {_shown(key)}"
    if key in lines:
        return f"the clip stands in line {lines[key]} already"
    if not reason.strip():
        return "the reason is missing"
    for text, longest, allowed in ((reason, LONGEST_REASON, ""), (note, LONGEST_NOTE, "\t\r\n")):
        if len(text) > longest:
            return f"a text of {len(text):,} characters, where {longest:,} are the most: {_shown(text)}"
        if odd := [character for character in _CONTROL.findall(text) if character not in allowed]:
            return f"a control character: {_shown(odd[0])}"
    return ""


def _shown(text: str) -> str:
    return ascii(text[:60])


def _damaged(name: str, line: int, trouble: str) -> DataMismatch:
    return DataMismatch(
        f"{name}, line {line}: {trouble}",
        "Nothing of the list was taken; put the line right and run the same command again.",
    )

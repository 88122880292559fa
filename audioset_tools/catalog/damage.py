"""What is wrong with a list that is not the official one, in words, with the line number.

Damaged copies are common: spreadsheet exports with `#NAME?` for ids that begin with `-`, lost header lines,
lost quotes, times turned into integers, downloads that broke off.
"""

import re

_HEADER_LINES = (
    rb"# [ -~]*",
    rb"# num_ytids=\d+, num_segs=(?P<rows>\d{1,9}), num_unique_labels=\d+, num_positive_labels=\d+",
    rb"# YTID, start_seconds, end_seconds, positive_labels",
)
HEADER = re.compile(b"".join(line + b"\n" for line in _HEADER_LINES))
"""The three header lines of every official list; `rows` is the number of rows that follow."""

SECONDS = re.compile(r"\d{1,6}\.\d{3}")
MID_LIST = re.compile(r"/[a-z]/[0-9a-z_]+(,/[a-z]/[0-9a-z_]+)*")

_YTID = r"[A-Za-z0-9_-]{10}[AEIMQUYcgkosw048]"
_ROW = re.compile(
    rf'(?P<ytid>{_YTID}), (?P<start>{SECONDS.pattern}), (?P<end>{SECONDS.pattern}), "({MID_LIST.pattern})"'
)


def describe_damage(raw: bytes) -> str:
    """Say where a list first departs from the official form, and how.

    Args:
        raw: the whole file, already known to be damaged.
    """
    if not raw.strip():
        return "the file is empty"
    header = HEADER.match(raw)
    if header is None:
        return _describe_header(raw)
    rows = raw[header.end() :].split(b"\n")
    whole = rows.pop() == b""
    for number, row in enumerate(rows, start=4):
        if wrong := _describe_row(row.decode("utf-8", "replace")):
            return f"line {number}: {wrong}"
    if not whole:
        return f"line {len(rows) + 4}: the last line is cut off: the download or the disk broke off there"
    promised = int(header["rows"])
    if len(rows) != promised:
        return f"line {len(rows) + 3}: the file ends after {len(rows):,} rows of {promised:,} promised"
    return "the file is not in the form of an AudioSet segment list"


def _describe_header(raw: bytes) -> str:
    lines = raw.split(b"\n", 3)[:3]
    if lines[0].endswith(b"\r"):
        return "line 1: Windows line ends; something has rewritten the file"
    for number, (line, form) in enumerate(zip(lines, _HEADER_LINES, strict=False), start=1):
        found = ascii(line[:60].decode("utf-8", "replace"))
        if not line.startswith(b"# "):
            return f"line {number}: a header line beginning '# ' is expected, found {found}"
        if not re.fullmatch(form, line):
            return f"line {number}: not as in the header of an AudioSet segment list: {found}"
    return f"line {len(lines)}: the file ends inside its header"


def _describe_row(row: str) -> str | None:
    """What is wrong with one row, or None."""
    match = _ROW.fullmatch(row)
    if match:
        backwards = float(match["start"]) >= float(match["end"])
        return f"the segment ends before it starts: {row[:80]!a}" if backwards else None
    if row.startswith("#"):
        return f"a spreadsheet has replaced the id by an error value: {row[:40]!a}"
    if row.endswith("\r"):
        return "Windows line ends; something has rewritten the file"
    fields = row.split(", ")
    if len(fields) < 4:
        return f"4 columns separated by ', ' are expected, found {len(fields)}: {row[:80]!a}"
    if not re.fullmatch(_YTID, fields[0]):
        return f"not a video id: {fields[0][:40]!a}"
    for text in fields[1:3]:
        if not SECONDS.fullmatch(text):
            return f"a time in seconds with three decimals is expected, found {text[:20]!a}"
    if not (fields[3].startswith('"') and row.endswith('"')):
        return f"the label list has lost its quotes: {fields[3][:60]!a}"
    return f"not a list of labels: {fields[3][:60]!a}"

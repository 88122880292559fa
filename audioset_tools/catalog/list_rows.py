"""The rows of a list of segments, from a CSV or a parquet file, each checked by itself.

Columns are known by their names: those that people use, and those of the data sets that many have. The
VGGSound list has no header, AudioSet's own have theirs behind `# `, and AudioSet-Strong names a segment in
one word. Times are seconds, and a segment is at most as long as a clip: nothing is cut without a word.

A list may come from anywhere: sizes are bounded before anything is read, and a parquet file is read a few
rows at a time, with texts that occur often held once.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isnan
from pathlib import Path
from stat import S_ISREG
from typing import Any

from ..csvfile import NoCsv, csv_rows, named_fields
from ..exceptions import DataMismatch, EnvironmentProblem, UsageError
from ..files import open_file, remedy_of
from ..installing import install
from ..types import CLIP_SECONDS, YTID, parse_id, split_classes
from ..workspace import printable, said
from .lists import MID_LIST, MOST_BYTES

REMEDY = "Nothing of the list was taken; put it right and run it again. docs/lists.md has the forms."

_MOST_OF_A_GROUP = 2**30
"""Bytes of a row group of a parquet file, all columns together."""

MOST_ROWS = 4_000_000
"""AudioSet's largest list has two million."""

CLIP_MS = 1000 * CLIP_SECONDS
_SHORTEST_MS = 100

_LONGEST_TEXT = 4_096
"""Characters of a class or labels; others are not looked at."""

_LONGEST_GROUP = 200

_ALIASES = {
    "key": ("key", "segment_id"),
    "ytid": ("ytid", "youtube_id", "video_id", "youtubeid", "videoid", "yt_id", "youtube id"),
    "start_ms": ("start_ms",),
    "end_ms": ("end_ms",),
    "start": ("start", "start_s", "start_sec", "start_seconds", "start_time", "start_time_seconds"),
    "end": ("end", "end_s", "end_sec", "end_seconds", "end_time", "end_time_seconds"),
    "class": ("class", "class_name", "label", "category"),
    "also": ("also",),
    "labels": ("labels", "mids", "positive_labels", "audioset_positive_labels"),
    "split": ("split", "set"),
    "group": ("group",),
}
"""What a column is, by the names it goes under."""

_MEANING = {alias: meaning for meaning, aliases in _ALIASES.items() for alias in aliases}

_FORMS = (
    ("AudioSet-Strong", {"segment_id", "label"}),
    ("AudioCaps", {"audiocap_id", "youtube_id", "start_time"}),
    ("MusicCaps", {"ytid", "start_s", "end_s", "aspect_list"}),
    ("AudioSet", {"ytid", "start_seconds", "end_seconds", "positive_labels"}),
)
"""Whose lists have which columns."""

_VGGSOUND = ("ytid", "start", "label", "split")

_SPLITS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val"), "validation"),
    **dict.fromkeys(("test", "testing", "eval"), "test"),
    "": "",
}

_SECONDS = re.compile(r"[0-9]{1,6}(?:\.[0-9]{0,9})?")
_MILLISECONDS = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class ListRow:
    """One row: a segment and what is said of it.

    `drawn_for` is the class that a clip of several counts for, "" where the list leaves that open; `line` is
    where it stands.
    """

    line: int
    ytid: str
    start_ms: int
    end_ms: int
    classes: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    split: str = ""
    drawn_for: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True)
class RowsOfList:
    """A list under way: whose form it has, what its rows' numbers are called, and the rows."""

    name: str
    form: str
    place: str
    rows: Iterator[ListRow]

    def damaged(self, line: int, trouble: str) -> DataMismatch:
        """The error of one row."""
        return DataMismatch(f"{self.name}, {self.place} {line:,}: {trouble}", REMEDY)


def open_list(path: Path) -> RowsOfList:
    """Begin to read a list.

    Raises:
        UsageError: there is no such file.
        DataMismatch: it is no list; its rows, too, are checked as they are read.
        EnvironmentProblem: it cannot be read, or it is a parquet file and pyarrow is missing.
    """
    size = checked_size(path, MOST_BYTES)
    try:
        with open_file(path) as handle:
            begins = handle.read(4)
            content = b"" if begins == b"PAR1" else begins + handle.read(size)
    except OSError as error:
        raise EnvironmentProblem(f"{path} cannot be read: {error.strerror}", remedy_of(error)) from error
    name = printable(path)
    return _of_parquet(path, name) if begins == b"PAR1" else _of_csv(content, name)


def checked_size(path: Path, most: int) -> int:
    """The bytes of a list's file.

    Raises:
        UsageError: there is none, or something else has its name, as a pipe or a folder.
        DataMismatch: it is larger than `most`.
    """
    try:
        about = path.stat()
    except OSError as error:
        raise UsageError(
            f"there is no list {printable(path)}: {error.strerror}", "Give the path of a file with --list."
        ) from error
    if not S_ISREG(about.st_mode):
        raise UsageError(f"{printable(path)} is no file", "Give the path of a file with --list.")
    if about.st_size > most:
        raise DataMismatch(
            f"{printable(path)} has {about.st_size:,} bytes: more than {most:,}",
            "No list is as large; fetch it in parts, into workspaces of their own.",
        )
    return about.st_size


def _of_csv(content: bytes, name: str) -> RowsOfList:
    """The rows of a CSV, or of a TSV, which its first lines tell."""
    head = content[:65_536].decode("utf-8-sig", "replace").splitlines()
    noted = next((n for n, line in enumerate(head) if not line.startswith("# ")), len(head))
    first = (head[noted - 1].removeprefix("# ") if noted else head[0]) if head else ""
    delimiter = "\t" if "\t" in first else ","
    found = csv_rows(content, delimiter, spaced=True)
    try:
        if noted:
            header = [field.strip() for field in first.split(delimiter)]
            for _ in range(noted):
                next(found, None)
        else:
            _, header = next(found, (1, []))
            if header and YTID.fullmatch(header[0]) and len(header) == len(_VGGSOUND):
                again = csv_rows(content, delimiter, spaced=True)
                return RowsOfList(name, "VGGSound", "line", _parsed(again, _VGGSOUND, name))
    except NoCsv as error:
        raise DataMismatch(f"{name}, line {error.line}: {error}", REMEDY) from error
    columns = _columns(header, name, noted or 1)
    return RowsOfList(name, _form(columns), "line", _parsed(found, columns, name))


def _parsed(rows: Iterator[tuple[int, list[str]]], columns: Sequence[str], name: str) -> Iterator[ListRow]:
    """Rows of text as what they say."""
    n = 0
    try:
        for n, (line, row) in enumerate(rows, start=1):
            if n > MOST_ROWS:
                raise DataMismatch(f"{name} has more than {MOST_ROWS:,} rows", REMEDY)
            try:
                yield parse_row(line, named_fields(columns, row))
            except ValueError as error:
                raise DataMismatch(f"{name}, line {line:,}: {error}", REMEDY) from error
    except NoCsv as error:
        raise DataMismatch(f"{name}, line {error.line:,}: {error}", REMEDY) from error


def _columns(header: Sequence[str], name: str, line: int) -> tuple[str, ...]:
    """The names of the columns as the parser looks for them.

    Raises:
        DataMismatch: what a segment needs is not among them, or one thing stands there twice.
    """
    columns = tuple(field.strip().lower() for field in header)

    def refused(trouble: str) -> DataMismatch:
        return DataMismatch(f"{name}, line {line:,}: {trouble}", REMEDY)

    if len(set(columns)) < len(columns):
        raise refused(f"two columns have one name: {','.join(columns)[:80]!a}")
    meanings = [meaning for column in columns if (meaning := _MEANING.get(column))]
    for meaning in meanings:
        if meanings.count(meaning) > 1:
            both = [column for column in columns if _MEANING.get(column) == meaning]
            raise refused(f"{' and '.join(both)} both say the {meaning}: take one away")
    if "present" in columns:
        raise refused("it lists what is not to be heard, too (present): take the list of the strong labels")
    if "key" not in meanings and not ("ytid" in meanings and {"start", "start_ms"} & {*meanings}):
        raise refused(
            f"no columns ytid,start[,end][,class][,split] (or key) are named in {','.join(columns)[:80]!a}"
        )
    return columns


def _form(columns: Sequence[str]) -> str:
    return next((name for name, has in _FORMS if has <= {*columns}), "columns of its own")


def parse_row(line: int, fields: Mapping[str, str]) -> ListRow:
    """A row, from its fields by the names of their columns.

    Raises:
        ValueError: with what is wrong with it.
    """
    said = {meaning: text.strip() for name, text in fields.items() if (meaning := _MEANING.get(name))}
    ytid, start_ms = _segment(said)
    # The times of AudioSet-Strong are of the sounds in a segment, not of the segment.
    ends = None if "segment_id" in fields else _time(said, "end")
    end_ms = start_ms + CLIP_MS if ends is None else ends
    if end_ms - start_ms < _SHORTEST_MS:
        raise ValueError(f"the segment ends at {end_ms / 1000:g} s and begins at {start_ms / 1000:g} s")
    if end_ms - start_ms > CLIP_MS:
        seconds = (end_ms - start_ms) / 1000
        raise ValueError(f"{seconds:g} s, where a clip has ten: end it earlier, or make two rows of it")
    split = said.get("split", "").lower()
    if split not in _SPLITS:
        raise ValueError(f"no such split: {split[:40]!a}; it is train, validation or test")
    named, also = _texts(said.get("class", "")), _texts(said.get("also", ""))
    if "class" in said and not named:
        raise ValueError("the class is missing")
    classes = tuple(dict.fromkeys((*named, *also))) if also else named
    drawn_for = named[0] if "also" in said and named else ""
    labels = _labels(said.get("labels", ""))
    group = _group(said.get("group", ""))
    return ListRow(line, ytid, start_ms, end_ms, classes, labels, _SPLITS[split], drawn_for, group)


def _group(text: str) -> str:
    """The name of a group: any text that can be printed."""
    if len(text) > _LONGEST_GROUP or not text.isprintable():
        raise ValueError(f"no name of a group: {text[:60]!a}")
    return text


def _segment(said: Mapping[str, str]) -> tuple[str, int]:
    """The video, and where the segment begins in it, in milliseconds."""
    if "key" in said:
        meant = parse_id(said["key"])
        if meant is None or meant.start_ms is None:
            raise ValueError(f"no segment, such as -0SdAVK79lg_30000: {said['key'][:40]!a}")
        return meant.ytid, meant.start_ms
    ytid, named = said["ytid"], None
    # Nearly all are bare ids, of which there may be two million.
    if not YTID.fullmatch(ytid):
        meant = parse_id(ytid)
        if meant is None:
            damaged = ytid.startswith("#")
            raise ValueError(
                f"a spreadsheet has replaced the id by an error value: {ytid[:40]!a}"
                if damaged
                else f"not a video id: {ytid[:40]!a}"
            )
        ytid, named = meant.ytid, meant.start_ms
    start_ms = _time(said, "start")
    if start_ms is None:
        raise ValueError("the start is missing")
    if named not in (None, start_ms):
        raise ValueError(
            f"the start is {start_ms / 1000:g} s, and by the name of the clip {named / 1000:g} s"
        )
    return ytid, start_ms


def _time(said: Mapping[str, str], which: str) -> int | None:
    """A time in milliseconds, from seconds or from a column that says that it has them; None if empty."""
    if text := said.get(which, ""):
        if not _SECONDS.fullmatch(text):
            raise ValueError(f"the {which} is no number of seconds: {text[:40]!a}")
        return round(float(text) * 1000)
    if text := said.get(f"{which}_ms", ""):
        if not _MILLISECONDS.fullmatch(text):
            raise ValueError(f"the {which} is no number of milliseconds: {text[:40]!a}")
        return int(text)
    return None


# Most cells are there many times.
@lru_cache(maxsize=65_536)
def _labels(cell: str) -> tuple[str, ...]:
    """The labels of a cell, which are joined by semicolons; mids may be by commas."""
    return tuple(
        label for text in _texts(cell) for label in (text.split(",") if MID_LIST.fullmatch(text) else (text,))
    )


@lru_cache(maxsize=65_536)
def _texts(cell: str) -> tuple[str, ...]:
    """The texts of a cell that are joined by semicolons, each once."""
    if not cell:
        return ()
    if len(cell) > _LONGEST_TEXT:
        raise ValueError(f"a text of {len(cell):,} characters, where {_LONGEST_TEXT:,} are the most")
    if not cell.isprintable():
        raise ValueError(f"a control character: {cell[:60]!a}")
    texts = tuple(dict.fromkeys(filter(None, (text.strip() for text in split_classes(cell)))))
    if formula := next((text for text in texts if text[0] in "=+-@"), ""):
        raise ValueError(f"a spreadsheet would take this for a formula: {formula[:40]!a}")
    return texts


def _of_parquet(path: Path, name: str) -> RowsOfList:
    """The rows of a parquet file, of which only the columns are read that say something."""
    try:
        from pyarrow import ArrowException, parquet
    except ModuleNotFoundError as error:
        raise EnvironmentProblem(
            f"{name} is a parquet file, and the package pyarrow is not installed",
            f"Install it: {install('archives')}; or write the list as a CSV.",
        ) from error
    try:
        whole = parquet.ParquetFile(path)
        header = whole.schema_arrow.names
        columns = _columns(header, name, 1)
        wanted = [given for given, column in zip(header, columns, strict=True) if column in _MEANING]
        leaves = [whole.schema.column(n) for n in range(len(whole.schema))]
        texts = [leaf.path for leaf in leaves if leaf.physical_type == "BYTE_ARRAY"]
        about = whole.metadata
        # Not by columns: to ask a damaged file about one ends the process.
        size = max((about.row_group(n).total_byte_size for n in range(about.num_row_groups)), default=0)
        if about.num_rows > MOST_ROWS or size > _MOST_OF_A_GROUP:
            raise DataMismatch(f"{name} holds {about.num_rows:,} rows, {size:,} bytes in a row group", REMEDY)
        # What occurs often is held once, so that a small file cannot become a large table.
        opened = parquet.ParquetFile(path, read_dictionary=texts)
    except (ArrowException, OSError, ValueError) as error:
        raise DataMismatch(f"{name} is no parquet file that can be read: {said(error)}", REMEDY) from error
    return RowsOfList(name, _form(columns), "row", _parquet_rows(opened, wanted, name))


def _parquet_rows(opened: Any, wanted: Sequence[str], name: str) -> Iterator[ListRow]:
    """The rows of an open parquet file, counted from 1."""
    from pyarrow import ArrowException

    row = 0
    try:
        for batch in opened.iter_batches(batch_size=1_024, columns=list(wanted)):
            if batch.nbytes > MOST_BYTES // 4 or _longest(batch) > _LONGEST_TEXT:
                raise DataMismatch(f"{name}, from row {row + 1:,} on: texts too long for a list", REMEDY)
            for values in batch.to_pylist():
                row += 1
                fields = {column.strip().lower(): _cell(value) for column, value in values.items()}
                yield parse_row(row, fields)
    except ValueError as error:
        raise DataMismatch(f"{name}, row {row:,}: {error}", REMEDY) from error
    except (ArrowException, OSError) as error:
        raise DataMismatch(f"{name} is damaged behind row {row:,}: {said(error)}", REMEDY) from error


def _longest(batch: Any) -> int:
    """The length of the longest text in a few rows, before each becomes a text of its own."""
    import pyarrow
    from pyarrow import compute

    longest = 0
    for column in batch.columns:
        while pyarrow.types.is_list(column.type) or pyarrow.types.is_large_list(column.type):
            column = column.flatten()
        if pyarrow.types.is_dictionary(column.type):
            column = column.dictionary
        if pyarrow.types.is_string(column.type) or pyarrow.types.is_binary(column.type):
            longest = max(longest, compute.max(compute.binary_length(column)).as_py() or 0)
    return longest


def _cell(value: object) -> str:
    """A value as a CSV would have it."""
    if value is None or (isinstance(value, float) and isnan(value)):
        return ""
    if isinstance(value, list):
        return ";".join(map(_cell, value[:1_000]))
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    return str(value)

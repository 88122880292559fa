"""Parquet as data sets of the Hugging Face Hub have it: a row a clip, the bytes of its file in a column.

`video_id` and `audio{bytes, path}` in AudioSet's mirrors; other names of an id (`names.ID_FIELDS`), times and
a plain column of bytes are understood too.

Parquet is packed by columns and pages, and a page holds all sounds of a row group: whoever wants one reads
and unpacks them all, a hundred of 1.4 MB as a rule. As it is done here that takes twice the row group in
memory (pyarrow's own ways take five to ten times as much), for one reader at a time.
"""

import threading
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import open_file
from ..installing import install
from ..workspace import printable
from .archive import ArchiveError, Entry, check_size, file_name, unreadable
from .names import END_FIELDS, ID_FIELDS, START_FIELDS, name_from_fields

if TYPE_CHECKING:
    import pyarrow.parquet

MOST_GROUP_BYTES = 1 << 30
"""The largest row group of which a sound is read: it takes twice as much memory."""

_ROWS_AT_ONCE = 4_096
_BUFFER_BYTES = 1 << 16

_SOUND_FIELDS = ("audio", "bytes", "audio_bytes", "wav", "flac", "mp3", "sound", "content")

_reading = threading.Lock()
"""Held while a row group is unpacked: ten workers would take ten times the memory."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which columns tell what, as pyarrow calls them.

    Args:
        sound: has the bytes of a file.
        path: has what that file was called; "" if there is none.
        fields: say of which video it is, and which stretch of it.
    """

    sound: str
    path: str
    fields: tuple[str, ...]


class Parquet:
    """A file of parquet.

    Args:
        path: of the file, which nothing else writes to meanwhile.
    """

    def __init__(self, path: Path) -> None:
        self.files = [path]

    def index(self) -> Iterator[Entry]:
        """Its rows; see `Archive`."""
        with _opened(self.files[0]) as file:
            columns = _columns_of(file.schema_arrow)
            groups = range(file.num_row_groups)
            for group in groups:
                _check_group(file, group)
            places = (
                (group, row) for group in groups for row in range(file.metadata.row_group(group).num_rows)
            )
            for name, place in zip(_names_of(file, columns), places, strict=False):
                yield Entry(name, place)

    def read(self, entry: Entry) -> bytes:
        """The sound of one of its rows; see `Archive`."""
        group, row = entry.where
        for _, sound in self.rows(group, {row}):
            check_size(entry.name, sound.nbytes)
            return bytes(sound)
        raise _damaged()

    def rows(self, group: int, wanted: AbstractSet[int]) -> Iterator[tuple[int, memoryview]]:
        """Rows of a row group in their order, with their sounds, of any size; nobody else unpacks meanwhile.

        Raises:
            ArchiveError: it is damaged, or too large.
            EnvironmentProblem: the disk does not give it.
        """
        with _reading, _opened(self.files[0]) as file:
            column = _columns_of(file.schema_arrow).sound
            if not 0 <= group < file.num_row_groups:
                raise _damaged()
            _check_group(file, group)
            whole, is_struct, _ = column.partition(".")
            # One after the other is unpacked, and let go.
            batches = file.iter_batches(1, row_groups=[group], columns=[column], use_threads=False)
            for row, batch in enumerate(batches):
                if row in wanted:
                    values = batch.column(whole)
                    sound = (values.field("bytes") if is_struct else values)[0].as_buffer()
                    yield row, memoryview(b"" if sound is None else sound)
                if row >= max(wanted):
                    return


@contextmanager
def _opened(path: Path) -> "Iterator[pyarrow.parquet.ParquetFile]":
    """An open file; what pyarrow says of damage is an error of ours."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise ArchiveError(
            "to read parquet needs the package pyarrow", f"Install it: {install('archives')}"
        ) from error
    try:
        open_file(path).close()
        # Without a buffer of its own size it would read a whole column at once, and that beside the page.
        with pyarrow.parquet.ParquetFile(
            path, pre_buffer=False, buffer_size=_BUFFER_BYTES, page_checksum_verification=True
        ) as file:
            yield file
    except (pyarrow.ArrowException, ValueError, KeyError, IndexError, OverflowError) as error:
        raise _damaged() from error
    except OSError as error:
        # pyarrow raises it for damage as well, then without a number.
        raise (unreadable(path, error) if error.errno else _damaged()) from error
    finally:
        pyarrow.default_memory_pool().release_unused()


def _damaged() -> ArchiveError:
    return ArchiveError("it is damaged, or no parquet", "Get the archive again.")


def _columns_of(schema: Any) -> _Columns:
    """The columns of sounds and names.

    Raises:
        ArchiveError: there are none.
    """
    import pyarrow.types as types

    kinds = {field.name: field.type for field in schema}
    found = [
        name
        for name in sorted(kinds, key=lambda name: (name not in _SOUND_FIELDS, schema.names.index(name)))
        if types.is_binary(kinds[name]) or types.is_large_binary(kinds[name]) or _holds_bytes(kinds[name])
    ]
    texts = [name for name in ID_FIELDS if name in kinds and _is_text(kinds[name])]
    times = [
        name
        for name in (*START_FIELDS, *END_FIELDS)
        if name in kinds and (types.is_integer(kinds[name]) or types.is_floating(kinds[name]))
    ]
    sound = found[0] if found else ""
    inner = {field.name: field.type for field in kinds[sound]} if found and _holds_bytes(kinds[sound]) else {}
    path = f"{sound}.path" if _is_text(inner.get("path")) else ""
    if not found or not (texts or path):
        names = printable(", ".join(schema.names)[:200])
        raise ArchiveError(
            f"it has no columns of ids and sounds, but {names}",
            "Columns video_id and audio{bytes, path} are read, or an id beside a column of bytes.",
        )
    return _Columns(f"{sound}.bytes" if inner else sound, path, (*texts, *times))


def _holds_bytes(kind: Any) -> bool:
    import pyarrow.types as types

    if not types.is_struct(kind):
        return False
    inner = {field.name: field.type for field in kind}.get("bytes")
    return inner is not None and (types.is_binary(inner) or types.is_large_binary(inner))


def _is_text(kind: Any) -> bool:
    import pyarrow.types as types

    return kind is not None and (types.is_string(kind) or types.is_large_string(kind))


def _check_group(file: "pyarrow.parquet.ParquetFile", group: int) -> None:
    """See that a row group is no larger than it may be, by what the file says of it."""
    # What it says of single columns is not asked for: pyarrow 26 aborts the process over odd numbers there.
    size = file.metadata.row_group(group).total_byte_size
    if not 0 <= size <= MOST_GROUP_BYTES:
        raise ArchiveError(
            f"its row group {group} claims {size:,} bytes, and {MOST_GROUP_BYTES:,} are the most",
            "Write it again with fewer rows a group: write_table(..., row_group_size=100).",
        )


def _names_of(file: "pyarrow.parquet.ParquetFile", columns: _Columns) -> Iterator[str]:
    """What each row's file would be called, row group after row group."""
    wanted = [*columns.fields, *filter(None, [columns.path])]
    for batch in file.iter_batches(_ROWS_AT_ONCE, columns=wanted, use_threads=False):
        fields = {name: batch.column(name).to_pylist() for name in columns.fields}
        paths: list[str | None] = [None] * batch.num_rows
        if columns.path:
            paths = batch.column(columns.path.partition(".")[0]).field("path").to_pylist()
        for number, path in enumerate(paths):
            said = {"path": path, **{name: values[number] for name, values in fields.items()}}
            # What the file was called says which kind it is.
            name = file_name(path or "") or columns.sound.partition(".")[0]
            yield name_from_fields(said, name) or name

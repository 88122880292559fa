"""An export in words."""

from collections.abc import Iterator
from typing import Any

from ..tasks.part import unfinished
from ..types import Table
from ..words import counted
from .write import ExportResult

_NAMED = 5


def export_table(done: ExportResult) -> Table:
    """How many clips of each split there are."""
    return Table("Clips", ("split", "clips"), tuple((split, f"{n:,}") for split, n in done.clips.items()))


def export_line(done: ExportResult) -> str:
    """What there is, and how much of it was made now."""
    parts = f"{done.made:,} made, {done.kept:,} kept, {done.bytes / 1e6:,.1f} MB"
    return f"{counted(done.files, 'file')} in {done.folder} ({parts})"


def remarks(done: ExportResult) -> Iterator[str]:
    """What a user should know besides."""
    if done.missing:
        yield unfinished(done.missing, "files")
    yield from done.notes
    if done.left_out:
        named = ", ".join(
            f"{mid} ({counted(count, 'clip')})" for mid, count in list(done.left_out.items())[:_NAMED]
        )
        more = len(done.left_out) - _NAMED
        yield (
            f"left out, since they are none of the {done.targets:,} labels: {named}"
            + (f" and {more:,} more" if more > 0 else "")
        )


def export_json(done: ExportResult) -> dict[str, Any]:
    """The same for a program."""
    return {
        "out": str(done.folder),
        "files": done.files,
        "made": done.made,
        "kept": done.kept,
        "missing": done.missing,
        "bytes": done.bytes,
        "clips": dict(done.clips),
        "targets": done.targets,
        "left_out": dict(done.left_out),
        "notes": list(done.notes),
    }

"""A part of an export: one file, a pure function of its inputs."""

import hashlib
import json
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from ..audio.clip import FETCH_AGAIN
from ..csvfile import csv_text
from ..exceptions import DataMismatch
from ..files import open_file, read_file
from .examples import Example

MOST_OF_A_CLIP = 1 << 24
"""Bytes: no clip has as many."""


@dataclass(frozen=True, slots=True)
class ExportPart:
    """One file to write. Two parts of the same `inputs` are the same bytes, whoever makes them.

    Args:
        name: its path below the export's folder.
        inputs: a digest of everything that decides its bytes.
        clips: how many clips it holds, for the progress.
        make: writes it to a path.
        check: reads it back by another way than it was written; raises `DataMismatch` if it is not right.
    """

    name: str
    inputs: str
    clips: int
    make: Callable[[Path], object]
    check: Callable[[Path], object]


@dataclass(frozen=True, slots=True)
class FileThere:
    """A file that stands: the digest of what it was made from, its size and its own sha256."""

    inputs: str
    bytes: int
    sha256: str


Closing = Callable[[Mapping[str, FileThere]], ExportPart]
"""Makes a part that tells of the other parts' files, once these stand."""


@dataclass(frozen=True, slots=True)
class ExportPlan:
    """All that an export writes.

    Args:
        parts: all files but linked clips and those of `closing`.
        notes: what a user should know of it, a sentence each.
        closing: by their names, files that tell the sizes and digests of `parts`, made when these stand.
    """

    parts: Sequence[ExportPart]
    notes: Sequence[str] = ()
    closing: Mapping[str, Closing] = field(default_factory=dict)


def digest_of(*meaning: object) -> str:
    """A digest of what decides a part's bytes: texts, numbers, lists of them, and versions."""
    return hashlib.sha256(json.dumps(meaning, sort_keys=True).encode()).hexdigest()


def about(examples: Iterable[Example]) -> list[object]:
    """Of examples, all that an export tells of them, for `digest_of`."""
    return [
        [
            *(one.key, one.start_ms, one.end_ms, one.split, one.classes, one.labels, one.human_labels),
            *(one.targets, one.sha256),
        ]
        for one in examples
    ]


def wav_bytes(one: Example) -> bytes:
    """The file of a clip, which must be the one that was fetched.

    Raises:
        DataMismatch: it is gone, or has changed.
    """
    try:
        content = read_file(one.path, MOST_OF_A_CLIP)
    except OSError as error:
        raise DataMismatch(f"the clip {one.path} cannot be read: {error.strerror}", FETCH_AGAIN) from error
    if hashlib.sha256(content).hexdigest() != one.sha256:
        raise DataMismatch(f"the clip {one.path} is not the file that was fetched", FETCH_AGAIN)
    return content


def text_part(name: str, text: str) -> ExportPart:
    """A small file of text."""
    content = text.encode()
    return ExportPart(name, digest_of(text), 0, partial(_write, content), partial(_check, content))


def csv_part(name: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> ExportPart:
    """A small CSV as its readers know it: what is in it is ours, or AudioSet's."""
    return text_part(name, csv_text(columns, rows))


def copy_part(name: str, source: Path) -> ExportPart:
    """A file as it is.

    Raises:
        DataMismatch: it cannot be read.
    """
    try:
        with open_file(source) as handle:
            digest = hashlib.file_digest(handle, "sha256").hexdigest()
    except OSError as error:
        raise DataMismatch(f"{source} cannot be read: {error.strerror}", "See to the file.") from error
    return ExportPart(name, digest, 0, partial(_copy, source), partial(_check_copy, digest))


def json_part(name: str, content: object) -> ExportPart:
    """A small file of JSON."""
    return text_part(name, json.dumps(content, indent=1, ensure_ascii=False) + "\n")


def _write(content: bytes, path: Path) -> None:
    path.write_bytes(content)


def _check(content: bytes, path: Path) -> None:
    try:
        found = read_file(path, len(content))
    except OSError:
        found = None
    if found != content:
        raise DataMismatch(f"{path} is not what was written", "See to the disk, and export again.")


def _copy(source: Path, path: Path) -> None:
    shutil.copyfile(source, path)


def _check_copy(digest: str, path: Path) -> None:
    with open_file(path) as handle:
        if hashlib.file_digest(handle, "sha256").hexdigest() != digest:
            raise DataMismatch(f"{path} changed while it was copied", "Run it again.")

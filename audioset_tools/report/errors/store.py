"""The answers of a run on disk: a line each, only ever added to, flushed before anybody is told of it.

A crash at any instant leaves whole lines, and behind them at most a torn one, of which nobody was told.
"""

import fcntl
import json
import os
from collections.abc import Iterable
from pathlib import Path

from ...errors import DataMismatch, EnvironmentProblem
from ...workspace import printable, sync_folder
from .answers import Answer, parse_answer

ANSWERS = "error-answers.jsonl"
"""In the folder of the run, not in that of the page, which one may hand on or delete."""

_LONGEST = 1 << 20
"""Bytes of a line; far more than an answer can take."""

_RESTORE = "Restore it from a copy, or mend that line by hand; every other line is one whole answer."


def read_answers(path: Path) -> list[Answer]:
    """The answers stored so far, in the order in which they came, one that was sent twice only once.

    Raises:
        DataMismatch: a line is damaged; the message has its number.
        EnvironmentProblem: the file cannot be read.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _refused(path, error) from error
    *lines, tail = content.split(b"\n")
    if _is_answer(tail):
        lines.append(tail)
    answers = []
    for number, line in enumerate(lines, start=1):
        try:
            answers.append(_parse(line))
        except ValueError as error:
            raise DataMismatch(f"{printable(path)}, line {number}: {error}", _RESTORE) from error
    return list(dict.fromkeys(answers))


def store_answers(path: Path, answers: Iterable[Answer]) -> None:
    """Add answers; on return they are on disk. Several threads and processes may do this at once.

    With none, it is only seen that the file can be written to.

    Raises:
        DataMismatch: the file is no file of answers; nothing was added.
        EnvironmentProblem: it cannot be written; nothing was added.
    """
    lines = b"".join(
        json.dumps(one.json(), sort_keys=True, ensure_ascii=False).encode() + b"\n" for one in answers
    )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            _append(descriptor, lines, path)
        finally:
            os.close(descriptor)
        sync_folder(path.parent)
    except OSError as error:
        raise _refused(path, error) from error


def _append(descriptor: int, lines: bytes, path: Path) -> None:
    """Write behind the last whole line, all of it or nothing."""
    end = os.fstat(descriptor).st_size
    tail = os.pread(descriptor, _LONGEST, max(0, end - _LONGEST)).rsplit(b"\n", 1)[-1]
    if len(tail) == _LONGEST:
        raise DataMismatch(f"{printable(path)} is no file of answers", _RESTORE)
    start = end
    if _is_answer(tail):
        # Somebody's editor took the last line's end away.
        lines = b"\n" + lines
    else:
        start -= len(tail)
    try:
        os.ftruncate(descriptor, start)
        written = 0
        while written < len(lines):
            written += os.pwrite(descriptor, lines[written:], start + written)
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, start)
        raise


def _parse(line: bytes) -> Answer:
    try:
        return parse_answer(json.loads(line), mistakes=None)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _is_answer(tail: bytes) -> bool:
    """Whether a last line that does not end holds a whole answer all the same."""
    try:
        _parse(tail)
    except ValueError:
        return False
    return True


def _refused(path: Path, error: OSError) -> EnvironmentProblem:
    return EnvironmentProblem(
        f"{printable(path)} cannot be used: {error.strerror}",
        "See that the disk has room and that you may write there; what was stored before is kept.",
    )

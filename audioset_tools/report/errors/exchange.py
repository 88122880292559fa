"""Answers in a file that a page exported: a stranger's text, of which all is taken or nothing."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ...errors import DataMismatch
from ...workspace import printable
from .answers import Answer, parse_answer
from .mistakes import Mistake
from .store import read_answers, store_answers

FORMAT = "audioset-tools error answers 1"

LARGEST = 64 * 2**20
"""Bytes of a file; a hundred thousand answers with long notes."""

_EXPORT_AGAIN = "Have it exported again by the page of this run; nothing was imported, and nothing is lost."


def import_answers(store: Path, paths: Iterable[Path], mistakes: Mapping[str, Mistake]) -> tuple[int, int]:
    """Add what pages exported to the answers of a run; the same file twice changes nothing.

    Args:
        store: the answers of the run.
        paths: of the files.
        mistakes: of the run, by key.

    Returns:
        How many answers were new, and how many were there already.

    Raises:
        DataMismatch: a file, or the store, is damaged; nothing was added.
        EnvironmentProblem: the store cannot be written; nothing was added.
    """
    given = list(dict.fromkeys(read_exports(paths, mistakes)))
    known = set(read_answers(store))
    new = [one for one in given if one not in known]
    if new:
        store_answers(store, new)
    return len(new), len(given) - len(new)


def read_exports(paths: Iterable[Path], mistakes: Mapping[str, Mistake]) -> list[Answer]:
    """Read the files that pages exported.

    Args:
        paths: of the files.
        mistakes: of the run, by key: whatever is of another one is refused.

    Raises:
        DataMismatch: one of the files is damaged or foreign; the message says which, and what is wrong.
    """
    return [answer for path in paths for answer in _read_export(path, mistakes)]


def _read_export(path: Path, mistakes: Mapping[str, Mistake]) -> list[Answer]:
    try:
        with path.open("rb") as handle:
            content = handle.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise ValueError(f"larger than {LARGEST // 2**20} MiB")
        told = json.loads(content)
    except OSError as error:
        raise DataMismatch(f"{printable(path)} cannot be read: {error.strerror}", _EXPORT_AGAIN) from error
    except (ValueError, RecursionError) as error:
        raise DataMismatch(f"{printable(path)} is damaged: {error}", _EXPORT_AGAIN) from error
    answers = []
    for number, one in enumerate(_listed(told, path), start=1):
        try:
            answers.append(parse_answer(one, mistakes))
        except ValueError as error:
            raise DataMismatch(f"{printable(path)}, answer {number}: {error}", _EXPORT_AGAIN) from error
    return answers


def _listed(told: Any, path: Path) -> list[object]:
    if isinstance(told, dict) and set(told) == {"format", "answers"} and told["format"] == FORMAT:
        listed = told["answers"]
        if isinstance(listed, list):
            return listed
    raise DataMismatch(f"{printable(path)} is no file that a page of errors exported", _EXPORT_AGAIN)

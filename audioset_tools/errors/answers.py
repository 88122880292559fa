"""What people answer: a cause and a note for a clip, checked, stored with the run, and taken in from files.

An answer is a stranger's text, from a browser or from a file that a page exported: it is checked like any,
and of a file all is taken or nothing. On disk it is a line, only ever added to, and flushed before it is
confirmed: a crash at any instant leaves whole lines, and behind them at most a torn one, never confirmed.

The last answer holds, by the time that it claims. So a time from the future is refused, wherever it comes
from; and where one stands in a file all the same, it counts as the oldest.
"""

import errno
import json
import os
import stat
import time
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from ..exceptions import DataMismatch, EnvironmentProblem, UsageError
from ..files import parse_json, read_file, remedy_of, sync_folder
from ..locks import hold
from ..workspace import printable
from .mistakes import Mistake

NAME_LONGEST = 60
"""Characters of an annotator's name."""

NOTE_LONGEST = 2_000
"""Characters of a note."""

FORMAT = "audioset-tools error answers 1"
"""What a page writes into the files that it exports."""

LARGEST = 64 * 2**20
"""Bytes of such a file; a hundred thousand answers with long notes."""

AHEAD_MS = 5 * 60_000
"""How far the clock that an answer's time is by may be ahead of ours."""

Clock = Callable[[], float]
"""Seconds since the epoch."""

_LATEST = 1 << 53
"""Beyond it JavaScript cannot tell two moments apart."""

_MOST_STORED = 1 << 30
"""Bytes of a run's answers; a million with notes."""

_LONGEST = 1 << 20
"""Bytes of a line; far more than an answer can take."""

_RESTORE = "Restore it from a copy, or mend that line by hand; every other line is one whole answer."
_EXPORT_AGAIN = "Have it exported again by the page of this run; nothing was imported, and nothing is lost."


class Cause(StrEnum):
    """The paper's five causes of an error (section 5, Table 3), in its order."""

    heading: str
    meaning: str

    # The default is never used: type checkers take the look-up `Cause(text)` for a call of this.
    def __new__(cls, text: str, heading: str = "", meaning: str = "") -> "Cause":
        member = str.__new__(cls, text)
        member._value_ = text
        member.heading = heading
        member.meaning = meaning
        return member

    OTHER_SOUNDS = (
        "other sounds",
        "Other sounds",
        "Other sounds than instruments dominate, mostly people talking, or the instrument is far behind.",
    )
    UNLABELLED = (
        "unlabelled instrument",
        "Unlabelled instrument",
        "Both the predicted and the labelled instrument sound, and neither dominates; one has no label.",
    )
    MISLABELLED = (
        "mislabelled",
        "Mislabelled",
        "The label is wrong: you would classify the clip as the model did.",
    )
    SOUNDS_LIKE = (
        "sounds like predicted class",
        "Sounds like predicted class",
        "The label is right, but you too could take the clip for the predicted class.",
    )
    OTHER = ("other", "Other", "None of these: you hear no reason why the model was wrong.")


@dataclass(frozen=True, slots=True)
class Answer:
    """What one annotator answered about one clip.

    Args:
        actual, predicted: what was labelled and predicted when the question was put.
        cause: the cause, or None where there is only a note, or the answer was taken back.
        given: when, in milliseconds since the epoch by the clock of the server, or of a browser that knows
            none, and later than the answer that this one replaces.
    """

    annotator: str
    key: str
    actual: str
    predicted: str
    cause: Cause | None
    note: str
    given: int

    def json(self) -> dict[str, Any]:
        """As it is stored, exported and sent."""
        return asdict(self)


def read_answers(path: Path, clock: Clock = time.time) -> list[Answer]:
    """The answers stored so far, in the order in which they came, one that was sent twice only once.

    One that claims a time in the future would win over all that are given until then: its time becomes 0.

    Raises:
        DataMismatch: a line is damaged; the message has its number.
        EnvironmentProblem: the file cannot be read.
    """
    try:
        content = read_file(path, _MOST_STORED)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise _refused(path, error) from error
    *lines, tail = content.split(b"\n")
    if _is_answer(tail):
        lines.append(tail)
    answers, latest_ms = [], _latest_ms(clock)
    for number, line in enumerate(lines, start=1):
        try:
            one = _parse(line)
        except ValueError as error:
            raise DataMismatch(f"{printable(path)}, line {number}: {error}", _RESTORE) from error
        answers.append(one if one.given <= latest_ms else replace(one, given=0))
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
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        descriptor = os.open(path, flags, 0o666)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "it is no regular file")
            with hold(path):
                _append(descriptor, lines, path)
        finally:
            os.close(descriptor)
        sync_folder(path.parent)
    except OSError as error:
        raise _refused(path, error) from error


def import_answers(
    store: Path, paths: Iterable[Path], mistakes: Mapping[str, Mistake], clock: Clock = time.time
) -> tuple[int, int]:
    """Add what pages exported to the answers of a run; the same file twice changes nothing.

    Args:
        store: the file of the run's answers.
        paths: the files that pages exported.
        mistakes: of the run, by key; answers about another run are refused.

    Returns:
        How many answers were new, and how many were there already.

    Raises:
        DataMismatch: a file, or the store, is damaged; nothing was added.
        EnvironmentProblem: the store cannot be written; nothing was added.
    """
    given = list(dict.fromkeys(answer for path in paths for answer in _read_export(path, mistakes, clock)))
    known = set(read_answers(store, clock))
    new = [one for one in given if one not in known]
    if new:
        store_answers(store, new)
    return len(new), len(given) - len(new)


def latest(answers: Iterable[Answer]) -> dict[tuple[str, str], Answer]:
    """The answers that hold, by annotator and key: of each annotator the last one for a clip.

    Args:
        answers: in the order in which they were stored, which decides between equal times.
    """
    last: dict[tuple[str, str], Answer] = {}
    for one in answers:
        before = last.get((one.annotator, one.key))
        if before is None or one.given >= before.given:
            last[one.annotator, one.key] = one
    return last


def parse_answer(
    content: object, mistakes: Mapping[str, Mistake] | None, clock: Clock | None = time.time
) -> Answer:
    """Check what claims to be an answer, as `parse_json` gives it.

    Args:
        mistakes: of the run, by key; None to leave open whether the answer is one of this run.
        clock: by which it may not be from the future; None to leave that open.

    Raises:
        ValueError: in words, why it is none.
    """
    names = list(Answer.__dataclass_fields__)
    if not isinstance(content, dict) or sorted(content) != sorted(names):
        raise ValueError(f"an answer has the fields {', '.join(names)} and no others")
    *texts, cause, note, given = (content[name] for name in names)
    if not all(isinstance(text, str) for text in texts):
        raise ValueError("annotator, key, actual and predicted are texts")
    annotator, key, actual, predicted = texts
    if (trouble := name_trouble(annotator)) is not None:
        raise ValueError(trouble)
    if not isinstance(note, str) or len(note) > NOTE_LONGEST or not _is_text(note):
        raise ValueError(f"a note is a text of at most {NOTE_LONGEST:,} characters")
    if not isinstance(given, int) or isinstance(given, bool) or not 0 <= given < _LATEST:
        raise ValueError("given is a time in milliseconds since the epoch")
    if clock is not None and given > _latest_ms(clock):
        raise ValueError("it claims to be given in the future: see to the clock of the browser's machine")
    if cause is not None and cause not in list(Cause):
        raise ValueError("there is no such cause")
    if mistakes is not None:
        asked = mistakes.get(key)
        if asked is None:
            raise ValueError("this run did not misclassify such a clip")
        if (asked.actual, asked.predicted) != (actual, predicted):
            raise ValueError(f"clip {key} was labelled or predicted otherwise in this run")
    return Answer(annotator, key, actual, predicted, None if cause is None else Cause(cause), note, given)


def name_trouble(name: str) -> str | None:
    """Why a name cannot be an annotator's, or None if it can."""
    if not 0 < len(name) <= NAME_LONGEST:
        return f"an annotator's name has 1 to {NAME_LONGEST} characters"
    if not name.isprintable() or not _is_text(name) or name != clean_name(name) or "," in name:
        return "an annotator's name is plain text without commas, and no blanks at its ends"
    return None


def annotator_names(given: Iterable[str]) -> tuple[str, ...]:
    """Names from a command line: one at a time, or several with commas between them; each once.

    Raises:
        UsageError: one of them cannot be a name.
    """
    names = [clean_name(name) for text in given for name in text.split(",")]
    for name in names:
        if (trouble := name_trouble(name)) is not None:
            raise UsageError(f"not a name: {printable(name)!r}", f"{trouble[0].upper()}{trouble[1:]}.")
    return tuple(dict.fromkeys(names))


def clean_name(name: str) -> str:
    """A name as it is compared: composed characters (NFC), single blanks, none at the ends."""
    return " ".join(unicodedata.normalize("NFC", name).split())


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


def _latest_ms(clock: Clock) -> int:
    return int(1000 * clock()) + AHEAD_MS


def _parse(line: bytes) -> Answer:
    return parse_answer(parse_json(line), mistakes=None, clock=None)


def _is_answer(tail: bytes) -> bool:
    """Whether a last line that does not end holds a whole answer all the same."""
    try:
        _parse(tail)
    except ValueError:
        return False
    return True


def _is_text(text: str) -> bool:
    """Whether UTF-8 can hold it: JSON may bring half of a surrogate pair."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)


def _refused(path: Path, error: OSError) -> EnvironmentProblem:
    return EnvironmentProblem(f"{printable(path)} cannot be used: {error.strerror}", remedy_of(error))


def _read_export(path: Path, mistakes: Mapping[str, Mistake], clock: Clock) -> list[Answer]:
    try:
        exported = parse_json(read_file(path, LARGEST))
    except OSError as error:
        raise DataMismatch(f"{printable(path)} cannot be read: {error.strerror}", _EXPORT_AGAIN) from error
    except ValueError as error:
        raise DataMismatch(f"{printable(path)} is damaged: {error}", _EXPORT_AGAIN) from error
    answers = []
    for number, one in enumerate(_listed(exported, path), start=1):
        try:
            answers.append(parse_answer(one, mistakes, clock))
        except ValueError as error:
            raise DataMismatch(f"{printable(path)}, answer {number}: {error}", _EXPORT_AGAIN) from error
    return answers


def _listed(exported: Any, path: Path) -> list[object]:
    if isinstance(exported, dict) and set(exported) == {"format", "answers"} and exported["format"] == FORMAT:
        listed = exported["answers"]
        if isinstance(listed, list):
            return listed
    raise DataMismatch(f"{printable(path)} is no file that a page of errors exported", _EXPORT_AGAIN)

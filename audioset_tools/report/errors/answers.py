"""What people answer: a cause and a note for a clip, checked like anything that a stranger sends."""

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from ...errors import UsageError
from ...workspace import printable
from .mistakes import Mistake

NAME_LONGEST = 60
"""Characters of an annotator's name."""

NOTE_LONGEST = 2_000
"""Characters of a note."""

_LATEST = 1 << 53
"""Beyond it JavaScript cannot tell two moments apart."""


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
    """What one annotator said about one clip.

    Args:
        annotator: who.
        key: which clip.
        actual, predicted: what was labelled and predicted when the question was put.
        cause: the cause, or None where there is only a note, or the answer was taken back.
        note: any text.
        given: when, in milliseconds since the epoch by the clock of the annotator's browser, and later than
            the answer that this one replaces.
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


def parse_answer(content: object, mistakes: Mapping[str, Mistake] | None) -> Answer:
    """Check what claims to be an answer, as `json.loads` gives it.

    Args:
        content: anything.
        mistakes: of the run, by key; None to leave open whether the answer is one of this run.

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


def _is_text(text: str) -> bool:
    """Whether UTF-8 can hold it: JSON may bring half of a surrogate pair."""
    return not any("\ud800" <= sign <= "\udfff" for sign in text)

"""The exclusion list: clips to leave out of a data set, and why.

A CSV in UTF-8 with the header `key,reason,note`, one row a clip, or a video. `errors` writes it from what
annotators answered about misclassified clips (the paper's section 5 wishes its data cleaned so); anybody may
write one, with ids in any form.
"""

import re
from dataclasses import dataclass
from pathlib import Path

from ..csvfile import parse_csv
from ..exceptions import EnvironmentProblem
from ..files import read_named, remedy_of
from ..types import parse_id

HEADER = ["key", "reason", "note"]

LONGEST_REASON = 80
"""Characters of a reason: it is one of a few, and stands in tables."""

LONGEST_NOTE = 2_000
"""Characters of a note."""

_REMEDY = "Nothing of the list was taken; put the line right and run the same command again."

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


@dataclass(frozen=True, slots=True)
class Exclusion:
    """One clip to leave out: its key, a reason of a few words, and a stranger's note, which may be empty.

    In place of a key the id of a video stands for all its clips.
    """

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
        raw = read_named(path)
    except OSError as error:
        raise EnvironmentProblem(f"{path} cannot be read: {error.strerror}", remedy_of(error)) from error
    return parse_exclusions(raw, str(path))


def parse_exclusions(content: bytes, name: str) -> tuple[Exclusion, ...]:
    """The exclusions of a list: all of them, or none if one is in doubt.

    `name` is what errors call it.

    Raises:
        DataMismatch: the list is damaged; the message has the line.
    """
    seen: set[str] = set()

    def parse(fields: dict[str, str]) -> Exclusion:
        meant = parse_id(fields["key"])
        if meant is None:
            raise ValueError(
                f"no clip's key, such as -0SdAVK79lg_30000, nor a video's id: {_shown(fields['key'])}"
            )
        exclusion = Exclusion(str(meant), fields["reason"], fields["note"])
        if trouble := _trouble(exclusion):
            raise ValueError(trouble)
        if exclusion.key in seen:
            raise ValueError(f"the clip {exclusion.key} stands in the list already")
        seen.add(exclusion.key)
        return exclusion

    return tuple(parse_csv(content, name, HEADER, parse, _REMEDY, codes=False))


def _trouble(exclusion: Exclusion) -> str:
    """What is wrong with a row, or nothing."""
    if not exclusion.reason.strip():
        return "the reason is missing"
    limits = ((exclusion.reason, LONGEST_REASON, ""), (exclusion.note, LONGEST_NOTE, "\t\r\n"))
    for text, longest, allowed in limits:
        if len(text) > longest:
            return f"a text of {len(text):,} characters, where {longest:,} are the most: {_shown(text)}"
        if odd := [character for character in _CONTROL.findall(text) if character not in allowed]:
            return f"a control character: {_shown(odd[0])}"
    return ""


def _shown(text: str) -> str:
    return ascii(text[:60])

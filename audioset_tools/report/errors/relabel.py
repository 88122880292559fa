"""The clips that should be labelled anew, as a list that leaves them out of a data set."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...exclusions import HEADER
from ...types import Table
from ...workspace import printable, write_beside
from .answers import NOTE_LONGEST, Cause
from .merge import Verdict

REASONS = (Cause.MISLABELLED, Cause.UNLABELLED)
"""Causes that lie with the labels of a clip rather than with the model."""


@dataclass(frozen=True, slots=True)
class Relabel:
    """A clip whose labels are wrong or incomplete, what is wrong, and what people wrote of it."""

    key: str
    reason: Cause
    note: str


def to_relabel(verdicts: Iterable[Verdict]) -> tuple[Relabel, ...]:
    """The clips whose labels are at fault beyond doubt: those whose causes are tied are not among them."""
    return tuple(
        Relabel(one.mistake.key, one.causes[0], _note(one))
        for one in verdicts
        if not one.tied and one.causes[0] in REASONS
    )


def relabel_table(clips: Sequence[Relabel]) -> Table:
    """The list for a terminal."""
    rows = tuple((one.key, str(one.reason), printable(one.note)) for one in clips)
    return Table(f"Clips to be labelled anew: {len(clips):,}", tuple(HEADER), rows)


def write_relabel(path: Path, clips: Iterable[Relabel]) -> None:
    """Write an exclusion list, whole or not at all."""
    with write_beside(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        table = csv.writer(handle, lineterminator="\n")
        table.writerow(HEADER)
        table.writerows((one.key, str(one.reason), cell(one.note)) for one in clips)


def cell(text: str) -> str:
    """A stranger's text for a CSV: in one line, and nothing that a spreadsheet takes for a formula."""
    shown = printable(text)
    return f"'{shown}" if shown.startswith(("=", "+", "-", "@")) else shown


def _note(verdict: Verdict) -> str:
    """What was labelled and predicted, how many said so, and their notes."""
    mistake, (cause,) = verdict.mistake, verdict.causes
    said = sum(answer.cause is cause for answer in verdict.answers)
    told = f"labelled {mistake.actual or 'nothing'}, predicted {mistake.predicted or 'nothing'}"
    notes = [f"{one.annotator}: {one.note}" for one in verdict.answers if one.note]
    note = "; ".join([f"{told}, said {said} of {len(verdict.answers)}", *notes])
    return printable(note)[:NOTE_LONGEST]

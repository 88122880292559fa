"""What the answers come to: a verdict a clip, the paper's Table 3, the agreement, and the clips to relabel.

Several answers for a clip become one by the paper's rule or by bare majority. How far annotators agree beyond
what chance would give is Cohen's kappa (Cohen 1960, A coefficient of agreement for nominal scales), for more
than two the mean over all pairs (Light 1971, Measures of response agreement for qualitative data).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from itertools import combinations
from pathlib import Path
from statistics import fmean
from typing import Any

from sklearn.metrics import cohen_kappa_score

from ..csvfile import write_csv
from ..exceptions import DataMismatch
from ..removal.exclusions import HEADER
from ..types import Table
from ..words import counted
from ..workspace import printable
from .answers import NOTE_LONGEST, Answer, Cause, latest
from .mistakes import Mistake, Mistakes

REASONS = (Cause.MISLABELLED, Cause.UNLABELLED)
"""Causes that lie with the labels of a clip rather than with the model."""


class Rule(StrEnum):
    """How several answers for a clip become one."""

    PAPER = "paper"
    """As the paper's section 5 says it: see `_by_paper`."""
    MAJORITY = "majority"
    """The cause that most people named."""


@dataclass(frozen=True, slots=True)
class MergedAnswer:
    """What people found about a clip.

    Args:
        answers: those with a cause, one an annotator, by name.
        causes: the one that the rule gives; several where they are tied, in Table 3's order.
    """

    mistake: Mistake
    answers: tuple[Answer, ...]
    causes: tuple[Cause, ...]

    @property
    def tied(self) -> bool:
        return len(self.causes) > 1


@dataclass(frozen=True, slots=True)
class Verdicts:
    """All verdicts of a run.

    Args:
        clips: in the order of the predictions; those that nobody named a cause for are not among them.
        stale: how many answers were left out, since the run predicted otherwise when they were given.
    """

    clips: tuple[MergedAnswer, ...]
    stale: int


@dataclass(frozen=True, slots=True)
class CauseRow:
    """A row of Table 3: an actual class, its clips with a verdict, and how many are due to each cause.

    A clip whose causes are tied counts for each of them in equal parts.
    """

    class_name: str
    clips: int
    counts: tuple[Fraction, ...]

    @property
    def percent(self) -> tuple[float, ...]:
        """In the order of `Cause`."""
        return tuple(float(100 * count / self.clips) for count in self.counts)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two annotators, by name.

    Args:
        clips: for how many clips both named a cause.
        same: for how many the same one.
        kappa: Cohen's; None where it is not defined.
    """

    first: str
    second: str
    clips: int
    same: int
    kappa: float | None

    @property
    def undefined(self) -> str:
        """Why there is no kappa; empty if there is one."""
        if self.kappa is not None:
            return ""
        return "both named one cause for all clips" if self.clips else "no clip in common"


@dataclass(frozen=True, slots=True)
class Relabel:
    """A clip whose labels are wrong or incomplete, what is wrong, and what people wrote of it."""

    key: str
    reason: Cause
    note: str


@dataclass(frozen=True, slots=True)
class Analysis:
    """All that comes of the answers to a run.

    Args:
        rule: how answers were merged into verdicts.
        rows: of Table 3; a class without a verdict has none.
        pairs: how far annotators agree.
        relabel: clips whose labels are at fault.
    """

    mistakes: Mistakes
    rule: Rule
    verdicts: Verdicts
    rows: tuple[CauseRow, ...]
    pairs: tuple[Pair, ...]
    relabel: tuple[Relabel, ...]

    @property
    def annotators(self) -> dict[str, int]:
        """How many clips each named a cause for."""
        given = Counter(one.annotator for verdict in self.verdicts.clips for one in verdict.answers)
        return dict(sorted(given.items()))

    @property
    def tied(self) -> list[MergedAnswer]:
        return [verdict for verdict in self.verdicts.clips if verdict.tied]


def merge(mistakes: Iterable[Mistake], answers: Iterable[Answer], rule: Rule = Rule.PAPER) -> Verdicts:
    """Make one verdict a clip of everybody's last answers.

    Args:
        answers: in the order in which they were stored; older ones of the same annotator do not count.
    """
    asked = {one.key: one for one in mistakes}
    by_key: dict[str, list[Answer]] = {}
    stale = 0
    for _, answer in sorted(latest(answers).items()):
        mistake = asked.get(answer.key)
        if mistake is None or (mistake.actual, mistake.predicted) != (answer.actual, answer.predicted):
            stale += 1
        elif answer.cause is not None:
            by_key.setdefault(answer.key, []).append(answer)
    verdicts = [
        MergedAnswer(mistake, tuple(given), decide([one.cause for one in given if one.cause], rule))
        for key, mistake in asked.items()
        if (given := by_key.get(key))
    ]
    return Verdicts(tuple(verdicts), stale)


def analyse(mistakes: Mistakes, verdicts: Verdicts, rule: Rule) -> Analysis:
    """Count verdicts by actual class.

    Raises:
        DataMismatch: nobody has answered yet.
    """
    if not verdicts.clips:
        answers = counted(verdicts.stale, "answer is", "answers are")
        stale = f"; {answers} to other predictions" if verdicts.stale else ""
        of = "--audit" if mistakes.audited else "--run RUN"
        raise DataMismatch(
            f"nobody has named a cause for any of these clips yet{stale}",
            f"Run first: audioset-tools errors {of} --serve, or --import what pages exported.",
        )
    rows = []
    for name in mistakes.class_names:
        its = [verdict for verdict in verdicts.clips if name in verdict.mistake.classes]
        if its:
            rows.append(CauseRow(name, len(its), tuple(_count(its, cause) for cause in Cause)))
    pairs = agreement(verdicts.clips)
    return Analysis(mistakes, rule, verdicts, tuple(rows), pairs, to_relabel(verdicts.clips))


def decide(causes: Iterable[Cause], rule: Rule) -> tuple[Cause, ...]:
    """The verdict on a clip; more than one cause where they are tied.

    Args:
        causes: what each annotator named; at least one.
    """
    votes = Counter(causes)
    return _most(_by_paper(votes) if rule is Rule.PAPER else votes)


def agreement(verdicts: Iterable[MergedAnswer]) -> tuple[Pair, ...]:
    """Every pair of annotators, by name."""
    named: dict[str, dict[str, Cause]] = {}
    for verdict in verdicts:
        for answer in verdict.answers:
            if answer.cause is not None:
                named.setdefault(answer.annotator, {})[answer.key] = answer.cause
    return tuple(_pair(first, second, named) for first, second in combinations(sorted(named), 2))


def mean_kappa(pairs: Iterable[Pair]) -> float | None:
    """The mean over the pairs whose kappa is defined, or None if there are none."""
    defined = [pair.kappa for pair in pairs if pair.kappa is not None]
    return fmean(defined) if defined else None


def to_relabel(verdicts: Iterable[MergedAnswer]) -> tuple[Relabel, ...]:
    """The clips whose labels are at fault beyond doubt: those whose causes are tied are not among them."""
    return tuple(
        Relabel(one.mistake.key, one.causes[0], _note(one))
        for one in verdicts
        if not one.tied and one.causes[0] in REASONS
    )


def analysis_lines(found: Analysis) -> Iterator[str]:
    """All that one must know to read Table 3."""
    wrong = Counter(name for one in found.mistakes.wrong for name in one.classes)
    judged = {row.class_name: row.clips for row in found.rows}
    what = "suspect" if found.mistakes.audited else "misclassified"
    yield "clips: " + ", ".join(
        f"{printable(name)} {judged.get(name, 0):,} of {wrong[name]:,} {what}"
        for name in found.mistakes.class_names
    )
    if found.mistakes.multi_label:
        yield "A clip of several classes counts in the row of each."
    yield "annotators: " + ", ".join(f"{printable(name)} {n:,}" for name, n in found.annotators.items())
    yield f"answers for the same clip are merged by the rule: {found.rule}"
    if found.verdicts.stale:
        yield f"left out: {counted(found.verdicts.stale, 'answer')} to other predictions than the run has now"
    yield from _agreement_lines(found.pairs)


def table3(rows: Sequence[CauseRow]) -> Table:
    """Rows in the form of the paper's Table 3: percent of the clips of a class, `-` for none.

    The paper's own has 30 clips of each class.
    """
    cells = (
        (printable(row.class_name), *(f"{percent:.2f}" if percent else "-" for percent in row.percent))
        for row in rows
    )
    header = ("", *(f"{cause.heading} (%)" for cause in Cause))
    return Table("Table 3. Error analysis per class", header, tuple(cells))


def tied_table(found: Analysis) -> Table:
    """The clips whose causes are tied."""
    rows = tuple(
        (
            one.mistake.key,
            printable(one.mistake.actual),
            printable(one.mistake.predicted),
            " / ".join(one.causes),
        )
        for one in found.tied
    )
    title = f"Clips tied: {len(rows):,}; they count in equal parts, another annotator would decide"
    return Table(title, ("key", "labelled", "predicted", "causes"), rows)


def relabel_table(clips: Sequence[Relabel]) -> Table:
    """The list for a terminal."""
    rows = tuple((one.key, str(one.reason), printable(one.note)) for one in clips)
    return Table(f"Clips to relabel: {len(clips):,}", tuple(HEADER), rows)


def analysis_json(found: Analysis) -> dict[str, Any]:
    """The same for programs, with every clip and every answer that counts."""
    return {
        "rule": str(found.rule),
        "classes": {
            row.class_name: {
                "clips": row.clips,
                "causes": {str(cause): float(count) for cause, count in zip(Cause, row.counts, strict=True)},
                "percent": {str(cause): percent for cause, percent in zip(Cause, row.percent, strict=True)},
            }
            for row in found.rows
        },
        "misclassified": len(found.mistakes.wrong),
        "annotators": found.annotators,
        "agreement": {
            "pairs": [
                {
                    "annotators": [pair.first, pair.second],
                    "clips": pair.clips,
                    "same": pair.same,
                    "kappa": pair.kappa,
                    "undefined": pair.undefined,
                }
                for pair in found.pairs
            ],
            "mean_kappa": mean_kappa(found.pairs),
        },
        "left_out": found.verdicts.stale,
        "relabel": [one.key for one in found.relabel],
        "clips": [
            {
                "key": one.mistake.key,
                "actual": one.mistake.actual,
                "predicted": one.mistake.predicted,
                "causes": list(map(str, one.causes)),
                "answers": {answer.annotator: [answer.cause, answer.note] for answer in one.answers},
            }
            for one in found.verdicts.clips
        ],
    }


def write_table3(path: Path, rows: Sequence[CauseRow]) -> None:
    """Write Table 3 as CSV: a row a class, its clips, and percent for each cause."""
    lines = ((row.class_name, row.clips, *(f"{value:.2f}" for value in row.percent)) for row in rows)
    write_csv(path, ["class", "clips", *Cause], lines)


def write_relabel(path: Path, clips: Iterable[Relabel]) -> None:
    """Write an exclusion list, whole or not at all."""
    write_csv(path, HEADER, ((one.key, str(one.reason), one.note) for one in clips))


def _by_paper(votes: Counter[Cause]) -> Mapping[Cause, int]:
    """What people said, in the meaning that the paper gives to two of its causes (section 5).

    "Mislabeled": all of the people would classify the clip as the model did. So it takes everybody; where
    only some say so, some heard the predicted class and others did not, which is what the paper calls "Sounds
    like predicted class": at least one person in five heard the predicted class, the rest the labelled one.
    "Other" names nothing that was heard, so whoever says so takes the clip for what it is labelled: beside
    them, one who heard the predicted class is enough. "Other sounds" and "Unlabelled instrument" are
    explanations of their own, and the paper says nothing about those whom they compete with: there the
    majority decides.
    """
    if set(votes) == {Cause.MISLABELLED}:
        return votes
    votes_for: dict[Cause, int] = {cause: n for cause, n in votes.items() if cause is not Cause.MISLABELLED}
    heard = votes[Cause.MISLABELLED] + votes[Cause.SOUNDS_LIKE]
    if heard:
        votes_for[Cause.SOUNDS_LIKE] = heard
    if set(votes_for) == {Cause.SOUNDS_LIKE, Cause.OTHER}:
        return {Cause.SOUNDS_LIKE: heard}
    return votes_for


def _most(votes: Mapping[Cause, int]) -> tuple[Cause, ...]:
    most = max(votes.values())
    return tuple(cause for cause in Cause if votes.get(cause) == most)


def _pair(first: str, second: str, named: dict[str, dict[str, Cause]]) -> Pair:
    keys = sorted(named[first].keys() & named[second].keys())
    one, two = ([str(named[name][key]) for key in keys] for name in (first, second))
    same = sum(a == b for a, b in zip(one, two, strict=True))
    # With one cause throughout, chance alone agrees always: 0 / 0.
    kappa = float(cohen_kappa_score(one, two)) if len({*one, *two}) > 1 else None
    return Pair(first, second, len(keys), same, kappa)


def _count(verdicts: Sequence[MergedAnswer], cause: Cause) -> Fraction:
    parts = (Fraction(1, len(one.causes)) for one in verdicts if cause in one.causes)
    return sum(parts, start=Fraction(0))


def _note(verdict: MergedAnswer) -> str:
    """What was labelled and predicted, how many named the cause, and all notes."""
    mistake, (cause,) = verdict.mistake, verdict.causes
    agreeing = sum(answer.cause is cause for answer in verdict.answers)
    labels = f"labelled {mistake.actual or 'nothing'}, predicted {mistake.predicted or 'nothing'}"
    notes = [f"{one.annotator}: {one.note}" for one in verdict.answers if one.note]
    note = "; ".join([f"{labels}, said {agreeing} of {len(verdict.answers)}", *notes])
    return printable(note)[:NOTE_LONGEST]


def _agreement_lines(pairs: Sequence[Pair]) -> Iterator[str]:
    for pair in pairs:
        names = f"{printable(pair.first)} and {printable(pair.second)}"
        if pair.clips:
            names += f", {counted(pair.clips, 'clip')}: the same cause for {pair.same / pair.clips:.0%}"
        kappa = f"not defined ({pair.undefined})" if pair.kappa is None else f"{pair.kappa:.2f}"
        yield f"{names}; Cohen's kappa {kappa}"
    if len(pairs) > 1:
        mean = mean_kappa(pairs)
        left = sum(pair.kappa is None for pair in pairs)
        without = f", {left} of {len(pairs)} pairs left out" if left else ""
        yield f"mean kappa over the pairs: {'not defined' if mean is None else f'{mean:.2f}'}{without}"

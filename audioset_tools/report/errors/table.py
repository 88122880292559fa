"""The paper's Table 3 from verdicts, the agreement behind it, and the same for programs."""

import csv
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from ...errors import DataMismatch
from ...types import Table
from ...workspace import printable, write_beside
from .agreement import Pair, agreement, mean_kappa
from .answers import Cause
from .merge import Rule, Verdict, Verdicts
from .mistakes import Mistakes
from .relabel import Relabel, cell, to_relabel


@dataclass(frozen=True, slots=True)
class Row:
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
class Analysis:
    """All that comes of the answers to a run.

    Args:
        mistakes: of the run.
        rule: how answers were merged.
        verdicts: on its clips.
        rows: of Table 3; a class without a verdict has none.
        pairs: how far annotators agree.
        relabel: what should be labelled anew.
    """

    mistakes: Mistakes
    rule: Rule
    verdicts: Verdicts
    rows: tuple[Row, ...]
    pairs: tuple[Pair, ...]
    relabel: tuple[Relabel, ...]

    @property
    def annotators(self) -> dict[str, int]:
        """How many clips each named a cause for."""
        given = Counter(one.annotator for verdict in self.verdicts.clips for one in verdict.answers)
        return dict(sorted(given.items()))

    @property
    def tied(self) -> list[Verdict]:
        return [verdict for verdict in self.verdicts.clips if verdict.tied]


def analyse(mistakes: Mistakes, verdicts: Verdicts, rule: Rule) -> Analysis:
    """Count verdicts by actual class.

    Args:
        mistakes: of the run.
        verdicts: on some of them.
        rule: by which they came about.

    Raises:
        DataMismatch: nobody has answered yet.
    """
    if not verdicts.clips:
        stale = f"; {verdicts.stale:,} answers are to other predictions" if verdicts.stale else ""
        raise DataMismatch(
            f"nobody has named a cause for a mistake of this run yet{stale}",
            "Run first: audioset-tools errors --run RUN --serve, or --import what pages exported.",
        )
    rows = []
    for name in mistakes.class_names:
        counted = [verdict for verdict in verdicts.clips if name in verdict.mistake.classes]
        if counted:
            rows.append(Row(name, len(counted), tuple(_count(counted, cause) for cause in Cause)))
    pairs = agreement(verdicts.clips)
    return Analysis(mistakes, rule, verdicts, tuple(rows), pairs, to_relabel(verdicts.clips))


def _count(verdicts: Sequence[Verdict], cause: Cause) -> Fraction:
    parts = (Fraction(1, len(one.causes)) for one in verdicts if cause in one.causes)
    return sum(parts, start=Fraction(0))


def format_table3(rows: Sequence[Row]) -> str:
    """Rows in the form of the paper's Table 3: percent of the clips of a class, `-` for none.

    The paper's own has 30 clips of each class.
    """
    table = [["", *(f"{cause.heading} (%)" for cause in Cause)]]
    for row in rows:
        cells = [f"{percent:.2f}" if percent else "-" for percent in row.percent]
        table.append([printable(row.class_name), *cells])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip()
        for line in table
    )


def analysis_lines(found: Analysis) -> Iterator[str]:
    """The table, and all that one must know to read it."""
    yield "Table 3. Error analysis per class"
    yield format_table3(found.rows) + "\n"
    wrong = Counter(name for one in found.mistakes.wrong for name in one.classes)
    have = {row.class_name: row.clips for row in found.rows}
    yield "clips: " + ", ".join(
        f"{printable(name)} {have.get(name, 0):,} of {wrong[name]:,} misclassified"
        for name in found.mistakes.class_names
    )
    if found.mistakes.multi_label:
        yield "A clip of several classes counts in the row of each."
    yield "annotators: " + ", ".join(f"{printable(name)} {n:,}" for name, n in found.annotators.items())
    yield f"answers for the same clip are merged by the rule: {found.rule}"
    if found.verdicts.stale:
        yield f"left out: {found.verdicts.stale:,} answers to other predictions than the run has now"
    yield from _agreement_lines(found.pairs)


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


def _agreement_lines(pairs: Sequence[Pair]) -> Iterator[str]:
    for pair in pairs:
        names = f"{printable(pair.first)} and {printable(pair.second)}"
        if pair.clips:
            names += f", {pair.clips:,} clips: the same cause for {pair.same / pair.clips:.0%}"
        kappa = f"not defined ({pair.undefined})" if pair.kappa is None else f"{pair.kappa:.2f}"
        yield f"{names}; Cohen's kappa {kappa}"
    if len(pairs) > 1:
        mean = mean_kappa(pairs)
        left = sum(pair.kappa is None for pair in pairs)
        without = f", {left} of {len(pairs)} pairs left out" if left else ""
        yield f"mean kappa over the pairs: {'not defined' if mean is None else f'{mean:.2f}'}{without}"


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


def write_table3(path: Path, rows: Sequence[Row]) -> None:
    """Write Table 3 as CSV: a row a class, its clips, and percent for each cause."""
    with write_beside(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as handle:
        table = csv.writer(handle, lineterminator="\n")
        table.writerow(["class", "clips", *Cause])
        for row in rows:
            percent = (f"{value:.2f}" for value in row.percent)
            table.writerow([cell(row.class_name), row.clips, *percent])

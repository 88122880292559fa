"""An evaluation in words: the paper's Tables 1 and 2, and the same as JSON."""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ..types import Table
from ..words import MOST_ROWS, counted, draw_table, ends_of
from ..workspace import printable
from .calibration import BINS, Calibration
from .evaluation import Evaluation
from .intervals import LEVEL, Intervals
from .metrics import Counts, Ranking, Rates, Scores

MOST_LEFT_OUT = 20
"""Files that are named; all of them are in `files.csv`."""

FIGURES = ("precision", "recall", "f1")
HEADINGS = ("Precision (%)", "Recall (%)", "F1-score (%)")

MACRO, MICRO = "Total", "Micro"
"""What the means are called beside the classes; the first as in the paper's Table 2."""


def evaluation_tables(evaluation: Evaluation) -> Iterator[str | Table]:
    """Tables 1 and 2 of a split, and what is left out of them."""
    names, predictions = evaluation.class_names, evaluation.predictions
    n = len(predictions.key)
    clips = counted(n, f"{evaluation.split} clip")
    if evaluation.files is not None:
        clips = f"{counted(n, 'file')} of {printable(evaluation.files)}"
    if len(names) > MOST_ROWS:
        yield from _tables_of_many(evaluation, clips)
    else:
        yield from _tables_of_few(evaluation, clips)
    bins = evaluation.calibration
    yield from _left_out_words(evaluation)
    yield f"{calibration_words(bins)}.\n{_confidence_words(bins, predictions.multi_label)}.\n"


def tables_text(parts: Iterable[str | Table]) -> str:
    """Words and tables as a file has them."""
    return "\n".join(
        "".join(f"{line.text}\n" for line in draw_table(part)) if isinstance(part, Table) else part
        for part in parts
    )


def _tables_of_few(evaluation: Evaluation, clips: str) -> Iterator[str | Table]:
    names, predictions = evaluation.class_names, evaluation.predictions
    several = "In how many clips of a class which classes were predicted"
    what = several if predictions.multi_label else "Confusion matrix"
    yield table1(predictions.confusion, names, f"{what}, {clips}")
    yield table2(evaluation.scores, names, evaluation.intervals)
    yield _means_words(predictions.multi_label) + "\n"
    if evaluation.ranking is not None:
        yield _ranking_table(evaluation.ranking, names, evaluation.intervals)
        if left_out := _undefined(evaluation.ranking, names):
            yield f"Left out of these means, as they sound in no clip or in all: {', '.join(left_out)}\n"


def _tables_of_many(evaluation: Evaluation, clips: str) -> Iterator[str | Table]:
    """The means, and the classes with the highest and the lowest figures."""
    names, found, ranked = evaluation.class_names, evaluation.scores, evaluation.ranking
    title = f"Means of {len(names):,} classes, {clips}, with {100 * LEVEL:.0f} % intervals"
    yield Table(title, ("", "", ""), tuple(_means(evaluation)))
    yield _means_words(evaluation.predictions.multi_label) + "\n"
    if ranked is not None and (left_out := _undefined(ranked, names)):
        few = ", ".join(left_out[:MOST_ROWS])
        more = f" and {len(left_out) - MOST_ROWS:,} more" if len(left_out) > MOST_ROWS else ""
        which = counted(len(left_out), "class", "classes")
        yield f"Left out of mAP, AUC and d', as they sound in no clip or in all: {which}: {few}{more}\n"
    merit, what = (found.f1, "F1-score") if ranked is None else (ranked.ap, "average precision")
    order = [int(n) for n in np.argsort(-merit, kind="stable") if not math.isnan(merit[n])]
    ends = "" if len(order) <= MOST_ROWS else f": the {MOST_ROWS // 2} highest, the {MOST_ROWS // 2} lowest"
    title = f"Classes by {what}{ends}\n(all are in metrics.json; Table 1 is in confusion.csv)"
    figures = [found.precision, found.recall, found.f1]
    ranks = [] if ranked is None else [ranked.ap, ranked.auc, ranked.d_prime]
    having = evaluation.predictions.hot[0].sum(axis=0, dtype=np.int64)
    rows = [
        (names[n], f"{having[n]:,}", *(_number(one[n]) for one in ranks), *_cells(one[n] for one in figures))
        for n in order
    ]
    head = ("class", "clips", *(("AP", "AUC", "d'") if ranks else ()), "P (%)", "R (%)", "F1 (%)")
    yield Table(title, head, ends_of(rows, lambda more: (more, *[""] * (len(head) - 1))))


def _means(evaluation: Evaluation) -> Iterator[tuple[str, str, str]]:
    """The means of all classes, a row each, with their intervals."""
    found, ends, ranked = evaluation.scores, evaluation.intervals, evaluation.ranking
    if ranked is not None and ends.ranking is not None:
        pairs = [*(_interval(pair, 1) for pair in ends.ranking), ""]
        named = zip(("mAP", "mean AUC", "d' of that AUC"), ranked.macro, pairs, strict=True)
        yield from ((name, _number(value), pair) for name, value, pair in named)
    for kind, values, pairs_of in ((MACRO, found.macro, ends.macro), (MICRO, found.micro, ends.micro)):
        for name, value, pair in zip(("precision", "recall", "F1"), values, pairs_of, strict=True):
            yield f"{kind} {name} (%)", f"{100 * value:.2f}", _interval(pair, 100)


def evaluation_json(evaluation: Evaluation) -> dict[str, Any]:
    """The same for programs; what is not defined, or infinite, is null."""
    found, ends = evaluation.scores, evaluation.intervals
    names = evaluation.class_names
    per_class = zip(found.precision, found.recall, found.f1, strict=True)
    figures: dict[str, Any] = {
        "clips": len(evaluation.predictions.key),
        "loss": evaluation.predictions.loss,
        "classes": {name: _named(rates) for name, rates in zip(names, per_class, strict=True)},
        "macro": _named(found.macro),
        "micro": _named(found.micro),
        "intervals": {
            "level": LEVEL,
            "resamples": ends.resamples,
            "seed": ends.seed,
            "classes": {name: _named(ends.classes[:, number]) for number, name in enumerate(names)},
            "macro": _named(ends.macro),
            "micro": _named(ends.micro),
        },
        "calibration": _calibration_json(evaluation.calibration),
        "confusion": evaluation.predictions.confusion.tolist(),
    }
    if (ranked := evaluation.ranking) is not None and ends.ranking is not None:
        for name, *values in zip(names, ranked.ap, ranked.auc, ranked.d_prime, strict=True):
            figures["classes"][name] |= _named(values, ("ap", "auc", "d_prime"))
        figures["macro"] |= _named(ranked.macro, ("map", "auc", "d_prime"))
        figures["intervals"]["macro"] |= _named(ends.ranking, ("map", "auc"))
        figures["left_out"] = _undefined(ranked, names)
    if evaluation.files is not None:
        figures["listed_in"] = str(evaluation.files)
        figures["files_left_out"] = {one.path: one.why for one in evaluation.left_out}
    return figures


def table1(confusion: Counts, class_names: Sequence[str], title: str) -> Table:
    """A confusion matrix in the form of the paper's Table 1: a row per actual class.

    The paper's header reads "predict-actual", but its rows sum to 200, the number of test clips of a class.
    Where the names are too long for columns, numbers stand for them.
    """
    cells = [[str(count) for count in row] for row in confusion]
    numbers = [str(number) for number in range(1, len(class_names) + 1)]
    numbered = [f"{number} {name}" for number, name in zip(numbers, class_names, strict=True)]
    head, title = "actual \\ predicted", f"Table 1. {title}"
    narrow = Table(title, (head, *numbers), _beside(numbered, cells), turns=False)
    return Table(title, (head, *class_names), _beside(class_names, cells), turns=False, narrow=narrow)


def table2(found: Scores, class_names: Sequence[str], ends: Intervals | None = None) -> Table:
    """Scores in the form of the paper's Table 2: percent, a column per class, their mean as Total.

    With intervals, these stand beside each figure, and Micro has a column too.
    """
    columns = [_cells(rates) for rates in zip(found.precision, found.recall, found.f1, strict=True)]
    columns.append(_cells(found.macro))
    names, title = (*class_names, MACRO), "Table 2. Precision, recall and F1-score"
    if ends is not None:
        columns.append(_cells(found.micro))
        pairs = [*(ends.classes[:, number] for number in range(len(class_names))), ends.macro, ends.micro]
        columns = [
            [f"{cell} ({_interval(pair, 100)})" for cell, pair in zip(cells, three, strict=True)]
            for cells, three in zip(columns, pairs, strict=True)
        ]
        names, title = (*names, MICRO), f"{title}, with {100 * LEVEL:.0f} % intervals"
    return Table(title, ("", *names), _beside(HEADINGS, list(zip(*columns, strict=True))))


def _means_words(multi_label: bool) -> str:
    micro = "over all decisions together" if multi_label else "all together, which is the accuracy"
    return f"{MACRO}: the mean of the classes (macro), as in the paper's Table 2.\n{MICRO}: {micro}."


def _left_out_words(evaluation: Evaluation) -> Iterator[str]:
    """Of recordings of one's own: how many were not judged, and which."""
    left_out = evaluation.left_out
    if left_out:
        total = len(left_out) + len(evaluation.predictions.key)
        lines = [f"  {printable(one.path)}: {one.why}" for one in left_out[:MOST_LEFT_OUT]]
        if more := len(left_out) - len(lines):
            lines.append(f"  and {more:,} more, in files.csv")
        yield "\n".join([f"{len(left_out):,} of {total:,} files were left out:", *lines]) + "\n"


def calibration_words(found: Calibration) -> str:
    """How well probabilities are calibrated, in a line without a full stop."""
    if math.isnan(found.error):
        return "Expected calibration error: none, since no probability is a number"
    return f"Expected calibration error: {100 * found.error:.1f} %"


def _confidence_words(found: Calibration, multi_label: bool) -> str:
    if math.isnan(found.error):
        return "There is nothing to judge"
    true = "of the classes are there" if multi_label else "is right"
    sure, share = 100 * found.mean_confidence, 100 * found.mean_share
    return f"On average it is {sure:.1f} % sure, and {share:.1f} % {true}"


def _calibration_json(found: Calibration) -> dict[str, Any]:
    bins = [
        {"above": number / BINS, "to": (number + 1) / BINS, "count": int(n), "confidence": float(mean)}
        | {"share": float(share)}
        for number, (n, mean, share) in enumerate(
            zip(found.counts, found.confidence, found.share, strict=True)
        )
    ]
    return {"error": _plain(found.error), "bins": bins}


def _cells(rates: Iterable[float]) -> list[str]:
    """Precision, recall and F1 of one column."""
    return [f"{100 * rate:.2f}" for rate in rates]


def _ranking_table(found: Ranking, class_names: Sequence[str], ends: Intervals) -> Table:
    assert ends.ranking is not None
    per_class = zip(class_names, found.ap, found.auc, found.d_prime, strict=True)
    rows = [(name, *(_number(value) for value in values)) for name, *values in per_class]
    rows.append(("Mean", *(_number(value) for value in found.macro)))
    rows.append(("", *(_interval(pair, 1) for pair in ends.ranking), ""))
    title = f"Average precision, AUC and d', with {100 * LEVEL:.0f} % intervals of the means"
    return Table(title, ("", "AP", "AUC", "d'"), tuple(rows))


def _interval(pair: Rates, times: int) -> str:
    if math.isnan(pair[0]):
        return "-"
    digits = 1 if times == 100 else 3
    return f"{times * pair[0]:.{digits}f}-{times * pair[1]:.{digits}f}"


def _number(value: float) -> str:
    return "-" if math.isnan(value) else f"{value:.3f}"


def _undefined(found: Ranking, class_names: Sequence[str]) -> list[str]:
    return [name for name, ap in zip(class_names, found.ap, strict=True) if math.isnan(ap)]


def _named(values: Any, names: Sequence[str] = FIGURES) -> dict[str, Any]:
    """Numbers, or pairs of them, by name."""
    return {name: _plain(value) for name, value in zip(names, values, strict=True)}


def _plain(value: Any) -> Any:
    if hasattr(value, "__len__"):
        return [_plain(each) for each in value]
    return float(value) if math.isfinite(value) else None


def _beside(names: Sequence[str], cells: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], ...]:
    return tuple((name, *row) for name, row in zip(names, cells, strict=True))

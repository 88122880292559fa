"""The section about the runs: how they compare, how each was trained, what it confuses; and a page a cell."""

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..types import Table
from . import chart
from .blocks import Block, Card, Cards, Cell, Chart, Heading, Matrix, Missing, Section, Shown, Words
from .holding import Holding
from .media import Media, Source
from .runs import Prediction, RunFound
from .svg import Mark

CELLS = "cells"
"""The folder of the pages behind the cells of confusion matrices."""

MOST_CLASSES = 60
"""Classes of which a matrix is shown; a larger one is read from `confusion.csv`."""


@dataclass(frozen=True, slots=True)
class CellPage:
    """The page behind a cell: clips of one class that a run took for one class."""

    path: str
    title: str
    words: str
    sources: tuple[str, ...]
    section: Section


def runs_section(holding: Holding) -> Section:
    """All runs: a comparison, then one after the other."""
    blocks: list[Block] = []
    if not holding.runs:
        if not holding.placements:
            blocks.append(Missing("There are no mel shards yet.", "audioset-tools featurize"))
        blocks.append(Missing("Nothing was trained yet.", "audioset-tools train"))
    else:
        blocks += _comparison(holding.runs)
        for run in holding.runs:
            blocks += _run(run)
    return Section("runs", "The runs", tuple(blocks))


def shown_keys(runs: Sequence[RunFound]) -> list[str]:
    """The clips behind all cells."""
    return list(dict.fromkeys(one.key for run in runs for one in run.predictions))


def cell_pages(run: RunFound, media: Mapping[str, Media]) -> list[CellPage]:
    """A page for every cell of a run's confusion matrix that is not empty."""
    names = run.class_names
    members: dict[tuple[int, int], list[Prediction]] = {}
    for one in run.predictions:
        for actual in one.actual:
            for predicted in one.predicted:
                members.setdefault((actual, predicted), []).append(one)
    return [
        _cell_page(run, names, cell, clips, media)
        for cell, clips in sorted(members.items())
        if _has_pages(run)
    ]


def cell_path(run: RunFound, actual: int, predicted: int) -> str:
    """Where the page behind a cell lies; a folder's name may hold anything, so it is told by a digest."""
    digest = hashlib.sha256(run.name.encode()).hexdigest()[:10]
    return f"{CELLS}/{digest}/{actual}-{predicted}.html"


def percent(value: float | None) -> str:
    """A fraction for a table; nothing where it is not known."""
    return "" if value is None else f"{100 * value:.2f}"


def _has_pages(run: RunFound) -> bool:
    return 0 < len(run.class_names) <= MOST_CLASSES


def _comparison(runs: Sequence[RunFound]) -> list[Block]:
    rows, drawn = [], {}
    for run in runs:
        f1, ends = run.score("test", "f1"), run.interval("test", "f1")
        between = f"{percent(ends[0])} to {percent(ends[1])}" if ends else ""
        scores = [percent(run.score("test", name)) for name in ("precision", "recall")]
        recipe = str(run.about.get("recipe", ""))
        clips = f"{len(run.predictions):,}" if run.predictions else ""
        rows.append((run.name, run.model, recipe, clips, *scores, percent(f1), between))
        if f1 is not None:
            drawn[run.name] = {"macro-F1": 100 * f1}
    drawn = dict(sorted(drawn.items(), key=lambda item: -item[1]["macro-F1"]))
    head = (
        "run",
        "model",
        "recipe",
        "test clips",
        "precision (%)",
        "recall (%)",
        "macro-F1 (%)",
        "95 % interval",
    )
    blocks: list[Block] = [Shown(Table("Models on the test split, macro means", head, tuple(rows)))]
    if len(drawn) > 1:
        highest = max(one["macro-F1"] for one in drawn.values())
        best = [name for name, one in drawn.items() if one["macro-F1"] == highest]
        words = f"The highest has {', '.join(best)}."
        blocks.insert(0, Chart(chart.bars("Macro-F1 on the test split", "%", drawn, words=words, high=100)))
    return blocks


def _run(run: RunFound) -> list[Block]:
    digest = hashlib.sha256(run.name.encode()).hexdigest()[:10]
    blocks: list[Block] = [Heading(f"Run {run.name}", f"run-{digest}")]
    blocks += [Words(trouble, warn=True) for trouble in run.troubles]
    if not run.metrics and not run.troubles:
        blocks.append(Missing("This run is unfinished: it has no metrics.json yet.", "audioset-tools train"))
    blocks += _curves(run)
    if run.predictions and not _has_pages(run):
        blocks.append(
            Words(f"Its {len(run.class_names)} classes are too many for a matrix: see confusion.csv.")
        )
    elif run.predictions:
        wrong = sum(set(one.actual) != set(one.predicted) for one in run.predictions)
        blocks += [
            Words(
                f"{wrong:,} of {len(run.predictions):,} test clips were taken for something else."
                " Rows are the actual class, columns the predicted one; a number opens the clips behind it."
            ),
            _matrix(run),
        ]
        if wrong:
            command = f"audioset-tools errors --run {shlex.quote(run.name)}"
            blocks.append(Missing("To listen to the mistakes and say why:", command))
    if table := _classes(run):
        blocks.append(Shown(table))
    if settings := _settings(run):
        blocks.append(Shown(settings, folded=True))
    return blocks


def _curves(run: RunFound) -> list[Block]:
    """Losses and macro-F1 over the epochs; a baseline has none."""
    epochs = [row for row in run.history if "epoch" in row]
    if not epochs:
        return []
    best = run.metrics.get("best_epoch")
    marks = [Mark(f"best, epoch {best}", float(best))] if isinstance(best, int) else []
    ends = max(row["epoch"] for row in epochs)
    x = chart.Axis("epoch", 1, max(ends, 2.0))
    blocks: list[Block] = []
    for title, label, names, decades in (
        ("Loss", "mean loss a clip, nat", ("train_loss", "validation_loss"), True),
        ("Macro-F1", "macro-F1, %", ("train_f1", "validation_f1"), False),
    ):
        factor = 1 if decades else 100
        lines = [
            chart.Line(
                name.split("_")[0],
                [(row["epoch"], factor * row[name]) for row in epochs if name in row],
                True,
            )
            for name in names
            if any(name in row for row in epochs)
        ]
        y = chart.Axis(label) if decades else chart.Axis(label, 0, 100)
        words = f"{len(epochs)} epochs" + (f"; the weights of epoch {best} were kept." if marks else ".")
        if lines:
            drawn = chart.line_chart(title, x, y, lines, marks=marks, words=words, y_decades=decades)
            blocks.append(Chart(drawn))
    return blocks


def _matrix(run: RunFound) -> Matrix:
    counts = run.confusion
    rows = []
    for actual, row in enumerate(counts.tolist()):
        total = max(sum(row), 1)
        rows.append(
            tuple(
                Cell(n, round(n / total, 3), cell_path(run, actual, predicted) if n else "")
                for predicted, n in enumerate(row)
            )
        )
    return Matrix("Confusion matrix of the test split", run.class_names, tuple(rows))


def _classes(run: RunFound) -> Table | None:
    clips = run.confusion.sum(axis=1).tolist() if run.predictions else [0] * len(run.class_names)
    rows = [
        (
            name,
            *(percent(run.score("test", score, name)) for score in ("precision", "recall", "f1")),
            f"{n:,}" if n else "",
        )
        for name, n in zip(run.class_names, clips, strict=True)
    ]
    if not any(any(row[1:4]) for row in rows):
        return None
    rows.append(
        ("macro mean", *(percent(run.score("test", score)) for score in ("precision", "recall", "f1")), "")
    )
    head = ("class", "precision (%)", "recall (%)", "F1 (%)", "clips")
    return Table("Each class on the test split", head, tuple(rows))


def _settings(run: RunFound) -> Table | None:
    about = {name: run.about.get(name) for name in ("config", "versions")}
    rows = [
        (str(name), str(value))
        for table in about.values()
        if isinstance(table, dict)
        for name, value in sorted(table.items())
        if value is not None
    ]
    if "spec_digest" in run.about:
        rows.append(("mel spec", str(run.about["spec_digest"])))
    return Table("Settings and versions", ("what", "value"), tuple(rows)) if rows else None


def _cell_page(
    run: RunFound,
    names: tuple[str, ...],
    cell: tuple[int, int],
    clips: Sequence[Prediction],
    media: Mapping[str, Media],
) -> CellPage:
    actual, predicted = cell
    right = actual == predicted
    # Where the model was wrong, the surest mistakes come first; where it was right, the most doubtful.
    ordered = sorted(clips, key=lambda one: (one.chance(predicted) * (1 if right else -1), one.key))
    cards = [
        Card(
            media.get(one.key) or Media(one.key, "", "", "no such clip is in this workspace"),
            (_probabilities(one, names),),
        )
        for one in ordered
    ]
    what = f"{names[actual]}, taken for {names[predicted]}" if not right else f"{names[actual]}, recognised"
    order = "the most doubtful first" if right else "the surest mistakes first"
    words = f"Run {run.name}, test split: {len(cards):,} clips, {order}."
    section = Section("clips", what, (Words(words), Cards(cards)))
    return CellPage(cell_path(run, *cell), what, words, tuple(one.key for one in ordered), section)


def _probabilities(one: Prediction, names: tuple[str, ...]) -> str:
    """The likeliest classes and their probabilities."""
    ranked = sorted(range(len(names)), key=lambda number: -one.chance(number))[:4]
    return ", ".join(f"{names[number]} {100 * one.chance(number):.1f} %" for number in ranked)


def sources_of(holding: Holding) -> dict[str, Source]:
    """Where the clips that can be shown lie, by key: as the ledger has them, else as `dataset.csv` does."""
    sources = {p.key: Source(p.key, p.path, p.sha256) for p in holding.placements}
    if holding.fetched is not None:
        sources |= {clip.key: Source(clip.key, clip.path, clip.sha256) for _, clip in holding.fetched.clips}
    return sources

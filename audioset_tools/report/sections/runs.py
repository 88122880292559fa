"""The section about the runs: how they compare, how each was trained, what it confuses; and a page a cell."""

import hashlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from types import MappingProxyType

from ...csvfile import write_csv
from ...runs.folder import Epoch, Prediction, RunFound
from ...types import KEY, Table
from ...words import MOST_ROWS, counted
from .. import charts
from ..charts import Mark
from ..media import ClipFile, ClipMedia
from ..page import Block, Card, Cards, Cell, Chart, Heading, Matrix, Missing, Section, Shown, Words, anchor
from ..snapshot import MOST_RUNS, NEWEST_RUNS, Snapshot

CELLS = "cells"
"""The folder of the pages behind the cells of confusion matrices."""

MOST_CLASSES = 60
"""Classes of which a matrix is shown; a larger one is read from `confusion.csv`."""

MOST_CELLS = 5_000
"""Cells of all matrices together, each with a page behind it."""

MOST_CARDS = 300
"""Clips on the page behind a cell."""

RUNS = "runs.csv"
"""Beside the page, where there are more runs than it shows in full."""

_SCORES = ("precision", "recall", "f1")

_HEADER = (
    "run",
    "model",
    "recipe",
    "test clips",
    "precision (%)",
    "recall (%)",
    "macro-F1 (%)",
    "calibration error (%)",
)

_CSV_HEADER = (*_HEADER[:-1], *(f"{name} 95 % interval" for name in _SCORES), _HEADER[-1])
"""Figures and their intervals have columns of their own in a CSV; on the page they share one."""


@dataclass(frozen=True, slots=True)
class CellPage:
    """The page behind a cell: clips of one class that a run took for one class."""

    path: str
    title: str
    section: Section


def runs_section(snapshot: Snapshot) -> Section:
    """All runs: a comparison, then one after the other; of very many the best and the newest."""
    blocks: list[Block] = []
    if not snapshot.runs:
        if not snapshot.placements:
            blocks.append(Missing("There are no mel shards yet.", "audioset-tools featurize"))
        blocks.append(Missing("Nothing was trained yet.", "audioset-tools train"))
    else:
        if snapshot.leak:
            blocks.append(Words(snapshot.leak, warn=True))
        blocks += _comparison(snapshot)
        drawn = {id(run) for run in with_matrix(snapshot.in_full)}
        for run in snapshot.in_full:
            blocks += _run(run, id(run) in drawn)
    return Section("runs", "The runs", tuple(blocks))


def cell_pages(
    run: RunFound, media: Mapping[str, ClipMedia], labels: Mapping[str, str] = MappingProxyType({})
) -> list[CellPage]:
    """A page for every cell of a run's confusion matrix that is not empty.

    Args:
        media: sounds and pictures by key.
        labels: what is said of a clip's labels, by key.
    """
    return [_cell_page(run, cell, clips, media, labels) for cell, clips in sorted(_cells(run).items())]


def with_matrix(runs: Sequence[RunFound]) -> list[RunFound]:
    """The runs whose confusion matrices are shown: not too large ones, and not too many."""
    found, cells = [], 0
    for run in runs:
        own = len(run.class_names) ** 2
        if run.predictions and 0 < own <= MOST_CLASSES**2 and cells + own <= MOST_CELLS:
            found.append(run)
            cells += own
    return found


def shown_keys(runs: Sequence[RunFound]) -> list[str]:
    """The clips behind all cells that have a page, as far as these show them."""
    cells = (clips for run in with_matrix(runs) for clips in _cells(run).values())
    return list(dict.fromkeys(one.key for clips in cells for one in clips[:MOST_CARDS]))


def write_runs(path: Path, snapshot: Snapshot) -> None:
    """Write the figures of all runs as CSV where the page cannot show all; else there is none."""
    if len(snapshot.runs) > len(snapshot.in_full):
        write_csv(path, _CSV_HEADER, map(_csv_figures, _ranked(snapshot.runs)))
    else:
        path.unlink(missing_ok=True)


def sources_of(snapshot: Snapshot, keys: Sequence[str]) -> dict[str, ClipFile]:
    """Where some clips lie, by key: as the ledger has them, else as `dataset.csv` does."""
    asked = [*filter(KEY.fullmatch, keys)]
    tables = [snapshot.placements, *([snapshot.fetched.clips] if snapshot.fetched else [])]
    found = {one.key: ClipFile(one.key, one.path, one.sha256) for of in tables for one in of.of_keys(asked)}
    return {key: found[key] for key in asked if key in found}


def _cells(run: RunFound) -> dict[tuple[int, int], list[Prediction]]:
    """The clips of each actual class that were predicted as each class, in the order of a page.

    Where the model was wrong, the surest mistakes come first; where it was right, the most doubtful.
    """
    members: dict[tuple[int, int], list[Prediction]] = {}
    for one in run.predictions:
        for cell in product(one.actual, one.predicted):
            members.setdefault(cell, []).append(one)
    for (actual, predicted), clips in members.items():
        sign = 1 if actual == predicted else -1
        clips.sort(key=lambda one: (sign * one.probability[predicted], one.key))
    return members


def _ranked(runs: Sequence[RunFound]) -> list[RunFound]:
    """The best on the test split first."""
    return sorted(runs, key=lambda run: -(run.score("test", "f1") or 0))


def _figures(run: RunFound) -> tuple[str, ...]:
    """A run's row of the comparison, each score with its interval."""
    return *_named(run), *_with_intervals(run, None), _percent(run.calibration_error("test"))


def _csv_figures(run: RunFound) -> tuple[str, ...]:
    """The same for `runs.csv`."""
    scores = [_percent(run.score("test", name)) for name in _SCORES]
    ends = [_between(run.interval("test", name)) for name in _SCORES]
    return *_named(run), *scores, *ends, _percent(run.calibration_error("test"))


def _named(run: RunFound) -> tuple[str, ...]:
    test = run.metrics.get("test")
    clips = len(run.predictions) or (test.get("clips") if isinstance(test, dict) else None)
    shown = f"{clips:,}" if isinstance(clips, int) and clips else ""
    return run.name, run.model, run.about.recipe if run.about else "", shown


def _comparison(snapshot: Snapshot) -> list[Block]:
    runs = snapshot.runs
    best = _ranked(runs)[:MOST_RUNS]
    few = len(runs) == len(snapshot.in_full)
    drawn = {run.name: {"macro-F1": 100 * f1} for run in best if (f1 := run.score("test", "f1")) is not None}
    blocks: list[Block] = []
    if len(drawn) > 1:
        highest = max(one["macro-F1"] for one in drawn.values())
        first = [name for name, one in drawn.items() if one["macro-F1"] == highest]
        words = f"The highest has {', '.join(first)}."
        blocks.append(Chart(charts.bars("Macro-F1 on the test split", "%", drawn, words=words, high=100)))
    if not few:
        blocks.append(
            Words(
                f"Of {len(runs):,} runs {len(snapshot.in_full)} are shown in full: those with the highest"
                f" macro-F1 and the {NEWEST_RUNS} newest. The figures of all are in {RUNS} beside this page."
            )
        )
        whole = {run.name for run in snapshot.in_full}
        damaged = [run.name for run in runs if run.troubles and run.name not in whole]
        if damaged:
            names = ", ".join(damaged[:MOST_RUNS])
            blocks.append(Words(f"{len(damaged):,} of the others cannot be read in part: {names}", warn=True))
    rows = tuple(map(_figures, runs if few else _ranked(runs)))
    title = "Models on the test split, macro means (the Total of the paper's Table 2) with 95 % intervals"
    table = Table(title, _HEADER, rows)
    return [*blocks, Shown(table, folded=not few)]


def _run(run: RunFound, has_matrix: bool) -> list[Block]:
    blocks: list[Block] = [Heading(f"Run {run.name}", anchor("run", run.name))]
    blocks += [Words(trouble, warn=True) for trouble in run.troubles]
    if not run.metrics and not run.troubles:
        blocks.append(Missing("This run is unfinished: it has no metrics.json yet.", "audioset-tools train"))
    blocks += [Words(f"{each.what}. {each.remedy}", warn=True) for each in run.warnings]
    blocks += _curves(run)
    if run.predictions and not has_matrix:
        blocks.append(
            Words(f"The matrix of its {len(run.class_names)} classes has no room here: see confusion.csv.")
        )
    elif run.predictions:
        wrong = sum(set(one.actual) != set(one.predicted) for one in run.predictions)
        blocks += [
            Words(
                f"{wrong:,} of {counted(len(run.predictions), 'test clip')} taken for something else."
                " Rows are the actual class, columns the predicted one; a number opens the clips behind it."
            ),
            _matrix(run),
        ]
        if wrong:
            command = f"audioset-tools errors --run {shlex.quote(run.name)}"
            blocks.append(Missing("To listen to the mistakes and say why:", command))
    if table := _classes(run):
        blocks.append(Shown(table, folded=len(table.rows) > MOST_ROWS))
    if settings := _settings(run):
        blocks.append(Shown(settings, folded=True))
    return blocks


def _curves(run: RunFound) -> list[Block]:
    """Losses and macro-F1 over the epochs; a baseline has none."""
    epochs = [row for row in run.history if isinstance(row, Epoch)]
    if not epochs:
        return []
    best = run.metrics.get("best_epoch")
    marks = [Mark(f"best, epoch {best}", float(best))] if isinstance(best, int) else []
    ends = max(row.epoch for row in epochs)
    x = charts.Axis("epoch", 1, max(ends, 2.0), whole=True)
    blocks: list[Block] = []
    for title, label, names, decades in (
        ("Loss", "mean loss a clip, nat", ("train_loss", "validation_loss"), True),
        ("Macro-F1", "macro-F1, %", ("train_f1", "validation_f1"), False),
    ):
        factor = 1 if decades else 100
        lines = [
            charts.Series(
                name.split("_")[0],
                [(row.epoch, factor * getattr(row, name)) for row in epochs],
                True,
            )
            for name in names
        ]
        y = charts.Axis(label) if decades else charts.Axis(label, 0, 100)
        words = counted(len(epochs), "epoch") + (
            f"; the weights of epoch {best} were kept." if marks else "."
        )
        drawn = charts.line_chart(title, x, y, lines, marks=marks, words=words, y_decades=decades)
        blocks.append(Chart(drawn))
    return blocks


def _matrix(run: RunFound) -> Matrix:
    counts = run.confusion
    rows = []
    for actual, row in enumerate(counts.tolist()):
        total = max(sum(row), 1)
        rows.append(
            tuple(
                Cell(n, round(n / total, 3), _cell_path(run, actual, predicted) if n else "")
                for predicted, n in enumerate(row)
            )
        )
    return Matrix("Confusion matrix of the test split", run.class_names, tuple(rows))


def _classes(run: RunFound) -> Table | None:
    clips = run.confusion.sum(axis=1).tolist() if run.predictions else [0] * len(run.class_names)
    ranked = run.score("test", "map") is not None
    rows = [
        (name, *_with_intervals(run, name), *(_ranking(run, name) if ranked else ()), f"{n:,}" if n else "")
        for name, n in zip(run.class_names, clips, strict=True)
    ]
    if not any(any(row[1:4]) for row in rows):
        return None
    means = _ranking(run, None) if ranked else ()
    rows.append(("Total (macro mean)", *_with_intervals(run, None), *means, ""))
    ranks = ("AP", "AUC", "d'") if ranked else ()
    head = ("class", "precision (%)", "recall (%)", "F1 (%)", *ranks, "clips")
    return Table("Each class on the test split, with 95 % intervals", head, tuple(rows))


def _ranking(run: RunFound, class_name: str | None) -> list[str]:
    """Average precision, AUC and d' of a class, or their means; nothing where they are not defined."""
    first = "map" if class_name is None else "ap"
    found = [run.score("test", name, class_name) for name in (first, "auc", "d_prime")]
    return ["" if value is None else f"{value:.3f}" for value in found]


def _with_intervals(run: RunFound, class_name: str | None) -> list[str]:
    """Precision, recall and F1 of a class, or their macro means, each with its interval where it has one."""
    cells = []
    for score in _SCORES:
        between = _between(run.interval("test", score, class_name))
        cells.append(_percent(run.score("test", score, class_name)) + (f" ({between})" if between else ""))
    return cells


def _settings(run: RunFound) -> Table | None:
    if run.about is None:
        return None
    rows = [
        (str(name), str(value))
        for table in (run.about.config, run.about.versions)
        for name, value in sorted(table.items())
        if value is not None
    ]
    rows.append(("mel spec", run.about.spec_digest))
    return Table("Settings and versions", ("what", "value"), tuple(rows))


def _cell_page(
    run: RunFound,
    cell: tuple[int, int],
    clips: Sequence[Prediction],
    media: Mapping[str, ClipMedia],
    labels: Mapping[str, str],
) -> CellPage:
    names, (actual, predicted) = run.class_names, cell
    right = actual == predicted
    cards = [
        Card(
            media.get(one.key) or ClipMedia(one.key, "", "", "no such clip is in this workspace"),
            tuple(filter(None, (_probabilities(one, names), labels.get(one.key)))),
        )
        for one in clips[:MOST_CARDS]
    ]
    what = f"{names[actual]}, taken for {names[predicted]}" if not right else f"{names[actual]}, recognised"
    order = "the most doubtful first" if right else "the surest mistakes first"
    some = f"; the first {len(cards)} are here, the others in predictions.csv" if clips[MOST_CARDS:] else ""
    words = f"Run {run.name}, test split: {counted(len(clips), 'clip')}, {order}{some}."
    section = Section("clips", what, (Words(words), Cards(cards)))
    return CellPage(_cell_path(run, *cell), what, section)


def _cell_path(run: RunFound, actual: int, predicted: int) -> str:
    """Where the page behind a cell lies; a folder's name may hold anything, so a digest names it."""
    digest = hashlib.sha256(run.name.encode()).hexdigest()[:10]
    return f"{CELLS}/{digest}/{actual}-{predicted}.html"


def _probabilities(one: Prediction, names: tuple[str, ...]) -> str:
    """The likeliest classes and their probabilities."""
    ranked = sorted(range(len(names)), key=lambda number: -one.probability[number])[:4]
    return ", ".join(f"{names[number]} {100 * one.probability[number]:.1f} %" for number in ranked)


def _between(ends: tuple[float, float] | None) -> str:
    """An interval for a table; nothing where it is not known."""
    return f"{_percent(ends[0])} to {_percent(ends[1])}" if ends else ""


def _percent(value: float | None) -> str:
    """A fraction for a table; nothing where it is not known."""
    return "" if value is None else f"{100 * value:.2f}"

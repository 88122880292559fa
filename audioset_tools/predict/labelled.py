"""Any labelled recordings as an outside test: a CSV of paths and classes, judged as a split is.

The recordings go the way of `predict`: the same decoding, windows and mels. A recording longer than a window
has one prediction, from the mean of its windows' probabilities, each by the time that it speaks for. What
cannot be judged is left out by name, and so are recordings of the same bytes but for the first.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..csvfile import parse_csv, write_csv
from ..exceptions import DataMismatch, EnvironmentProblem, UsageError
from ..files import open_file, read_file
from ..runs.evaluation import Evaluation, NotJudged, Predictions, judge, loss_of
from ..runs.folder import Run, find_run, require_place, write_evaluation, write_metrics
from ..runs.metrics import Probabilities
from ..train.trained import load_run, pick_device
from ..types import OnProgress, join_classes, message, silent, split_classes
from ..words import counted
from ..workspace import Workspace, printable
from .run import Model, PredictConfig, timelines
from .timeline import Recording, Timeline, Unreadable, summary

LISTED = "files.csv"
"""In the folder of the evaluation: every row of the CSV, and what became of it."""

_COLUMNS = ("path", "class")

_REMEDY = "Write a CSV with the columns path and class, and group if some belong together; a row a file."

_MOST_BYTES = 64_000_000
"""Of the CSV: half a million rows."""

_PIECE = 1 << 20

_LEAST = 1e-12
"""The probability that a loss is computed of where a model says 0."""


@dataclass(frozen=True, slots=True)
class Labelled:
    """A row of the CSV.

    Args:
        name: its path as it stands there, relative to the CSV.
        group: what the row says it belongs to; the path where there is no such column.
        classes: those that it has, in the order of the row; perhaps none.
    """

    name: str
    group: str
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of a row; either `probability` is there, or it says why not."""

    row: Labelled
    sha256: str = ""
    why: str = ""
    seconds: float = 0.0
    windows: int = 0
    notes: tuple[str, ...] = ()
    probability: Probabilities | None = None


def read_labels(path: Path) -> list[Labelled]:
    """The rows of a CSV with the columns path and class, and perhaps group; several classes have `;` between.

    Raises:
        UsageError: there is no such file.
        EnvironmentProblem: it cannot be read.
        DataMismatch: it is no such CSV, or has no row; the message has the line.
    """
    try:
        content = read_file(path, _MOST_BYTES)
    except FileNotFoundError as error:
        raise UsageError(f"there is no file {printable(path)}", _REMEDY) from error
    except OSError as error:
        raise EnvironmentProblem(f"{printable(path)} cannot be read: {error.strerror}", _REMEDY) from error

    def parse(row: dict[str, str]) -> Labelled:
        name = row["path"].strip()
        if not name or "\0" in name:
            raise ValueError("there is no path")
        return Labelled(name, row.get("group") or name, split_classes(row["class"].strip()))

    rows = parse_csv(content, printable(path), _COLUMNS, parse, _REMEDY, further=True, codes=False)
    if not rows:
        raise DataMismatch(f"{printable(path)} has no row", _REMEDY)
    return rows


def evaluate_files(
    workspace: Workspace,
    run: Run | Path | str | None,
    files: Path,
    *,
    device: str = "auto",
    seed: int = 0,
    embedding: Path | str | None = None,
    on_progress: OnProgress = silent,
) -> Evaluation:
    """Judge a run by recordings that a CSV lists with their classes, and write what comes of it.

    It is written into a folder `evaluate-files-...` in the run's, or in the workspace's `out`, named after
    the CSV.

    Args:
        workspace: where the run is looked for, if it is named.
        run: one, its name in the workspace, or any run's folder; None for the newest finished one.
        files: the CSV; paths in it are relative to its folder.
        device: auto, cpu, cuda or mps, where a network computes.
        seed: of the drawings behind the intervals.
        embedding: where a probe's file lies; None for where it lay when the probe was trained.
        on_progress: called with recordings, and with a `Message` for what one should know of a file.

    Raises:
        UsageError: there is no such run or CSV.
        DataMismatch: the run or the CSV is damaged, or none of its files can be judged.
        EnvironmentProblem: the device is not there, or the CSV cannot be read.
    """
    folder, rows = find_run(workspace, run), read_labels(files)
    target = workspace.beside(folder) / _folder_name(files)
    require_place(target)
    trained = load_run(folder, pick_device(device), embedding)
    outcomes = _listen(_checked(rows, files.parent, trained), files.parent, trained, on_progress)
    left_out = tuple(NotJudged(one.row.name, one.why) for one in outcomes if one.why)
    if len(left_out) == len(outcomes):
        first = f"{printable(left_out[0].path)}: {left_out[0].why}"
        raise DataMismatch(f"none of {counted(len(rows), 'file')} can be judged; {first}", _REMEDY)
    about = trained.about
    found = _predictions([one for one in outcomes if not one.why], about.class_names, about.multi_label)
    evaluation = replace(judge(found, about.class_names, "files", seed), files=files, left_out=left_out)
    write_evaluation(target, evaluation)
    _write_listed(target / LISTED, outcomes)
    write_metrics(target, {"parameters": trained.parameters}, evaluation)
    return replace(evaluation, run=folder, folder=target)


def _checked(rows: Sequence[Labelled], base: Path, model: Model) -> list[_Outcome]:
    """What can be said of each row before anything is decoded."""
    known, several = set(model.about.class_names), model.about.multi_label
    found: list[_Outcome] = []
    firsts: dict[str, int] = {}
    for row in rows:
        unknown = [name for name in row.classes if name not in known]
        if unknown:
            found.append(_Outcome(row, why=f"the run knows no class {printable(unknown[0])!r}"))
        elif not several and len(row.classes) != 1:
            found.append(_Outcome(row, why=f"it has {len(row.classes)} classes, and the run tells one"))
        else:
            found.append(_opened(row, base))
        if (digest := found[-1].sha256) in firsts:
            first = found[firsts[digest]]
            same = set(first.row.classes) == set(row.classes)
            other = "" if same else ", under another class"
            found[-1] = replace(found[-1], why=f"the same file as {printable(first.row.name)}{other}")
            if not same:
                # Which of the two is right nobody knows.
                why = f"the same file as {printable(row.name)}, under another class"
                found[firsts[digest]] = replace(first, why=why)
        elif digest:
            firsts[digest] = len(found) - 1
    return found


def _opened(row: Labelled, base: Path) -> _Outcome:
    """A row with the digest of its file, or why there is none."""
    digest = hashlib.sha256()
    try:
        with open_file(base / row.name) as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
    except FileNotFoundError:
        return _Outcome(row, why="there is no such file")
    except OSError as error:
        return _Outcome(row, why=f"it cannot be opened: {error.strerror}")
    return _Outcome(row, digest.hexdigest())


def _listen(
    outcomes: Sequence[_Outcome], base: Path, model: Model, on_progress: OnProgress
) -> list[_Outcome]:
    """The same, with what the model says of those that nothing speaks against."""
    wanted = [Recording(base / one.row.name, Path(one.row.name)) for one in outcomes if not one.why]
    answers = timelines(wanted, model, PredictConfig(), on_progress)
    return [one if one.why else _heard(one, next(answers), on_progress) for one in outcomes]


def _heard(one: _Outcome, answer: Timeline | Unreadable, on_progress: OnProgress) -> _Outcome:
    if isinstance(answer, Unreadable):
        return replace(one, why=answer.why)
    for note in answer.notes:
        on_progress(message(f"{printable(one.row.name)}: {note}"))
    known = replace(one, seconds=answer.seconds, windows=len(answer.windows), notes=answer.notes)
    if answer.silent.all():
        return replace(known, why="it is silent throughout, and no model says anything of silence")
    return replace(known, probability=summary(answer).mean)


def _predictions(
    outcomes: Sequence[_Outcome], class_names: tuple[str, ...], multi_label: bool
) -> Predictions:
    probability = np.array([one.probability for one in outcomes])
    hot = np.array([[name in one.row.classes for name in class_names] for one in outcomes], np.uint8)
    actual = hot if multi_label else hot.argmax(axis=1)
    sure = probability.clip(_LEAST, 1 - _LEAST)
    logits = np.log(sure) - np.log1p(-sure) if multi_label else np.log(sure)
    return Predictions(
        key=tuple(one.row.name for one in outcomes),
        group=tuple(one.row.group for one in outcomes),
        actual=actual,
        probability=probability,
        loss=loss_of(logits, actual),
    )


def _folder_name(files: Path) -> str:
    """One for each CSV, wherever it lies: many are called `labels.csv`."""
    stem = re.sub(r"[^\w.-]", "_", files.stem)[:40]
    digest = hashlib.sha256(str(files.resolve()).encode(errors="surrogateescape")).hexdigest()[:8]
    return f"evaluate-files-{stem}-{digest}"


def _write_listed(path: Path, outcomes: Sequence[_Outcome]) -> None:
    columns = ["path", "class", "group", "sha256", "seconds", "windows", "left_out", "notes"]
    rows = (
        [
            *(one.row.name, join_classes(one.row.classes), one.row.group, one.sha256),
            *(f"{one.seconds:.3f}" if one.windows else "", one.windows or "", one.why, "; ".join(one.notes)),
        ]
        for one in outcomes
    )
    write_csv(path, columns, rows)

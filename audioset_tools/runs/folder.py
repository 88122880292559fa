"""The run folder: every file that a run leaves behind, each whole or not there, written and read here alone.

config.json         settings, classes, spec and versions; written first
history.csv         a row per epoch, or per setting that a baseline tried
model.safetensors   the best weights so far, with config, classes and spec in the header
checkpoint.safetensors  what --resume needs; only while the run is unfinished
predictions.csv     key, group, actual, predicted and the probability of every class, on the test split
tables.txt          the paper's Tables 1 and 2 of the test split
confusion.csv .png  of the test split, rows actual
reliability.png     how often the predictions of the test split are right, by their probability
curves.png          losses and macro-F1 over the epochs
metrics.json        scores of the test and validation splits; written last: a folder with it is finished

What is of a split is written by one function, `write_evaluation`, whether `train` or `evaluate` calls it.
Reading needs neither torch nor matplotlib: each `read_*` refuses what is damaged, and `read_run` collects
what they refuse, so that a report shows a half-written folder as far as it goes.
"""

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, asdict, astuple, dataclass, fields
from math import isfinite
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ..csvfile import csv_columns, read_csv, write_csv
from ..disks import nearest_existing
from ..exceptions import DataMismatch, EnvironmentProblem, UsageError
from ..files import parse_json, read_file, write_beside
from ..locks import hold
from ..types import join_classes, split_classes
from ..workspace import Workspace, printable
from .about import NOT_OURS, About, parse_about
from .evaluation import Evaluation, Predictions, group_of, judge
from .intervals import wilson
from .tables import calibration_words, evaluation_json, evaluation_tables, tables_text

Content = TypeVar("Content")

CONFIG, HISTORY, WEIGHTS = "config.json", "history.csv", "model.safetensors"
CHECKPOINT, PREDICTIONS, FINISHED = "checkpoint.safetensors", "predictions.csv", "metrics.json"

NO_PLACE = "Give a folder where you may write with --out FOLDER, or change its permissions."

OF_WORKSPACE = "workspace.json"
"""Of a run that lies elsewhere: whose it is."""

WRITE_AGAIN = "Write it again with `audioset-tools evaluate RUN`, or train again."

_PREDICTION_COLUMNS = ("key", "group", "actual", "predicted")
"""Then follow the classes, each with its probability."""

_WITHOUT_GROUP = ("key", "actual", "predicted")
"""Of runs from before there were groups."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """One row of the history; losses are mean cross-entropies, F1 is macro, speed in training samples/s.

    Args:
        dead_channels: share of a layer's channels that no clip excites any more, of the layer with most.
    """

    epoch: int
    train_loss: float
    train_f1: float
    validation_loss: float
    validation_f1: float
    seconds: float
    samples_per_second: float
    dead_channels: float = 0.0


@dataclass(frozen=True, slots=True)
class Trial:
    """One row of a baseline's history: a setting, and what came of it on the validation split."""

    trial: int
    settings: str
    validation_loss: float
    validation_f1: float
    seconds: float


History = tuple[Epoch, ...] | tuple[Trial, ...]
"""Of a network, or of a baseline."""


@dataclass(frozen=True, slots=True)
class Caution:
    """A warning: what a history says against its training.

    Args:
        kind: one word for what is wrong, the same from epoch to epoch; `what` says it with figures.
    """

    kind: str
    what: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Run:
    """A finished training run.

    Args:
        about: its settings and classes.
        history: its epochs, or the trials of a baseline.
        best_epoch: the one whose weights were kept, counted from 1.
        parameters: numbers that were learned.
        validation, test: the predictions of those weights on the two splits.
        warnings: what there is against it; a baseline has none.
    """

    path: Path
    about: About
    history: History
    best_epoch: int
    parameters: int
    validation: Predictions
    test: Predictions
    warnings: tuple[Caution, ...] = ()

    @property
    def class_names(self) -> tuple[str, ...]:
        """What the labels count."""
        return self.about.class_names


@dataclass(frozen=True, slots=True)
class Prediction:
    """One clip of `predictions.csv`: the numbers of its classes, and the probability of every class."""

    key: str
    group: str
    actual: tuple[int, ...]
    predicted: tuple[int, ...]
    probability: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class StoredPredictions:
    """All of `predictions.csv`; classes count from 0 in the order of its columns."""

    class_names: tuple[str, ...]
    rows: tuple[Prediction, ...]


@dataclass(frozen=True, slots=True)
class RunFound:
    """What a run folder holds, as far as it can be read.

    Args:
        about: `config.json`; None where it cannot be read.
        metrics: `metrics.json`; empty while the run is unfinished.
        troubles: what is wrong with which file.
    """

    name: str
    about: About | None
    class_names: tuple[str, ...]
    history: History
    predictions: tuple[Prediction, ...]
    metrics: Mapping[str, Any]
    troubles: tuple[str, ...]

    @property
    def model(self) -> str:
        """Its name in the settings."""
        return str(self.about.config.get("model", "")) if self.about else ""

    @property
    def confusion(self) -> npt.NDArray[np.int64]:
        """How many clips of a class (row) were predicted as which (column), [classes, classes]."""
        counts = np.zeros((len(self.class_names), len(self.class_names)), np.int64)
        for one in self.predictions:
            for row in one.actual:
                for column in one.predicted:
                    counts[row, column] += 1
        return counts

    @property
    def warnings(self) -> tuple[Caution, ...]:
        """What there is against its training, as far as it can be read."""
        stored = self.metrics.get("warnings")
        words = [field.name for field in fields(Caution)]
        return tuple(
            Caution(*(str(one[word]) for word in words))
            for one in (stored if isinstance(stored, list) else [])
            if isinstance(one, dict) and all(isinstance(one.get(word), str) for word in words)
        )

    def score(self, split: str, name: str, class_name: str | None = None) -> float | None:
        """A score of `metrics.json` as a fraction, of a class or, without one, the macro mean."""
        return _number(self._scores(self.metrics.get(split), class_name).get(name))

    def calibration_error(self, split: str) -> float | None:
        """The expected calibration error of `metrics.json` as a fraction, where the run has one."""
        table = self.metrics.get(split)
        found = table.get("calibration") if isinstance(table, dict) else None
        return _number(found.get("error")) if isinstance(found, dict) else None

    def interval(self, split: str, name: str, class_name: str | None = None) -> tuple[float, float] | None:
        """The interval of a score, where the run has one."""
        table = self.metrics.get(split)
        stored = table.get("intervals") if isinstance(table, dict) else None
        ends = self._scores(stored, class_name).get(name)
        if not isinstance(ends, list) or len(ends) != 2:
            return None
        low, high = map(_number, ends)
        return None if low is None or high is None else (low, high)

    @staticmethod
    def _scores(table: object, class_name: str | None) -> Mapping[str, Any]:
        if not isinstance(table, dict):
            return {}
        inner = table.get("macro") if class_name is None else table.get("classes")
        if class_name is not None and isinstance(inner, dict):
            inner = inner.get(class_name)
        return inner if isinstance(inner, dict) else {}


def is_finished(folder: Path) -> bool:
    """Whether a run came to its end."""
    return (folder / FINISHED).exists()


def is_unfinished(folder: Path) -> bool:
    """Whether a network's training has not come to its end; its weights are the best so far."""
    return (folder / CHECKPOINT).exists()


def best_of(history: Sequence[Epoch] | Sequence[Trial], one_cycle: bool = False) -> int:
    """Which row of a history has the weights that are kept, counted from 1.

    The one with the best macro-F1 on the validation split, of equals the one with the lowest loss, of these
    the first.

    Args:
        one_cycle: whether the learning rate rose and fell once: then the last, at which it came to rest.
    """
    if one_cycle:
        return len(history)
    merits = [(row.validation_f1, -row.validation_loss) for row in history]
    return merits.index(max(merits)) + 1


def choose_folder(runs: Path, name: str, *, chosen: bool = False, resume: bool = False) -> Path:
    """The folder of a run that is to be trained.

    An unfinished folder of the same name is taken over. A finished one is never touched: the new run is
    called `name-2`, `name-3` and so on, unless the user chose the name himself.

    Args:
        runs: where a workspace has its runs.
        chosen: whether the user chose it.
        resume: whether an unfinished run is to go on.

    Raises:
        UsageError: a finished run has the chosen name, or there is nothing to go on with.
    """
    folder, number = runs / name, 1
    while is_finished(folder) and not chosen:
        number += 1
        folder = runs / f"{name}-{number}"
    if resume and not folder.is_dir():
        raise UsageError(f"there is no unfinished run {folder}", "Leave --resume out, or see --name.")
    if is_finished(folder):
        raise UsageError(f"a finished run {folder} exists", "Choose another --name, or delete it.")
    return folder


@contextmanager
def lock_run(folder: Path) -> Iterator[None]:
    """Make a run's folder and keep other trainings out of it.

    Raises:
        EnvironmentProblem: another process trains in it or has just finished it, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise EnvironmentProblem(
            f"the run folder {folder} cannot be made: {error.strerror}",
            NO_PLACE,
        ) from error
    lock = folder / "lock"
    with hold(
        lock, f"another process is training in {folder}", "Wait for it to end, or choose another --name."
    ):
        if is_finished(folder):
            raise EnvironmentProblem(f"another process has just finished {folder}", "Run the command again.")
        try:
            yield
        finally:
            # A run is handed on as it is. Of two that have it open meanwhile the lease lets one in.
            lock.unlink(missing_ok=True)


def require_place(folder: Path) -> None:
    """See that a folder can be written to, or made, before there is anything to write.

    Raises:
        EnvironmentProblem: it cannot; the remedy is an option that names another place.
    """
    if not os.access(nearest_existing(folder), os.W_OK):
        raise EnvironmentProblem(f"nothing can be written to {printable(folder)}", NO_PLACE)


def remember_workspace(folder: Path, workspace: Workspace) -> None:
    """Note in a run's folder that lies elsewhere whose run it is."""
    with write_beside(folder / OF_WORKSPACE) as temporary:
        temporary.write_text(json.dumps({"workspace": str(workspace.root.absolute())}) + "\n")


def workspace_of(folder: Path, named: Workspace) -> Workspace:
    """The workspace whose run a folder is: the one that was named or, where there is none, as it remembers.

    Raises:
        DataMismatch: what it remembers is damaged.
    """
    if named.root.is_dir() or not (folder / OF_WORKSPACE).is_file():
        return named
    root = _read_json(folder / OF_WORKSPACE).get("workspace")
    if not isinstance(root, str) or not root or "\0" in root:
        raise DataMismatch(f"{folder / OF_WORKSPACE} names no workspace", "Name it with --workspace.")
    return Workspace(root, named.out)


def write_about(folder: Path, about: About) -> None:
    """Write `config.json`."""
    with write_beside(folder / CONFIG) as temporary:
        temporary.write_text(about.json(indent=1) + "\n")


def write_history(folder: Path, history: Sequence[Epoch] | Sequence[Trial]) -> None:
    """Write `history.csv`; there is at least one row."""
    write_csv(folder / HISTORY, [field.name for field in fields(history[0])], map(astuple, history))


def finish_run(run: Run) -> tuple[Evaluation, Evaluation]:
    """Write what the test split gave, and pictures, then the metrics, which make the run finished.

    Returns:
        The validation split and the test split, evaluated.
    """
    validation = judge(run.validation, run.class_names, "validation")
    test = judge(run.test, run.class_names, "test")
    write_evaluation(run.path, test)
    write_curves(run.path, run.history, run.best_epoch)
    warnings = [asdict(each) for each in run.warnings]
    training = {"best_epoch": run.best_epoch, "parameters": run.parameters, "warnings": warnings}
    write_metrics(run.path, training, validation, test)
    return validation, test


def write_evaluation(folder: Path, evaluation: Evaluation) -> None:
    """Write predictions, tables and confusion matrix of a split."""
    # Imported here: matplotlib is of an extra, and takes long to load.
    from ..plots import draw_confusion, draw_reliability

    names, found = evaluation.class_names, evaluation.predictions
    actual, predicted = found.hot
    rows = zip(found.key, found.group, actual, predicted, found.probability, strict=True)
    write_csv(
        folder / PREDICTIONS,
        [*_PREDICTION_COLUMNS, *names],
        (
            [key, group, _cell(one, names), _cell(two, names), *(f"{value:.6f}" for value in probability)]
            for key, group, one, two, probability in rows
        ),
    )
    with write_beside(folder / "tables.txt") as temporary:
        temporary.write_text(tables_text(evaluation_tables(evaluation)), encoding="utf-8")
    confusion = found.confusion
    header = ["actual \\ predicted", *names]
    write_csv(
        folder / "confusion.csv", header, ([name, *row] for name, row in zip(names, confusion, strict=True))
    )
    draw_confusion(folder / "confusion.png", confusion, names, actual.sum(axis=0))
    bins = evaluation.calibration
    one, several = ("the predicted class", "right"), ("a class", "clips that have the class")
    of, true = several if found.multi_label else one
    draw_reliability(
        folder / "reliability.png",
        bins.counts,
        bins.confidence,
        bins.share,
        wilson(bins.share, bins.counts),
        title=calibration_words(bins),
        labels=(f"probability of {of} (%)", f"{true} (%)"),
    )


def write_curves(folder: Path, history: Sequence[Epoch] | Sequence[Trial], best: int) -> None:
    """Draw losses and F1 over the epochs; a baseline has none.

    Args:
        best: whose weights were kept, counted from 1.
    """
    from ..plots import draw_curves

    epochs = [epoch for epoch in history if isinstance(epoch, Epoch)]
    if epochs:
        draw_curves(
            folder / "curves.png",
            [epoch.train_loss for epoch in epochs],
            [epoch.validation_loss for epoch in epochs],
            [epoch.validation_f1 for epoch in epochs],
            best,
        )


def write_metrics(folder: Path, training: Mapping[str, Any], *evaluations: Evaluation) -> None:
    """Write `metrics.json`: what is known of the training, and each split's figures."""
    content = dict(training) | {each.split: evaluation_json(each) for each in evaluations}
    with write_beside(folder / FINISHED) as temporary:
        temporary.write_text(json.dumps(content, indent=1) + "\n")


def read_metrics(folder: Path) -> dict[str, Any]:
    """What `write_metrics` wrote.

    Raises:
        DataMismatch: it is not there, or damaged.
    """
    return _read_json(folder / FINISHED)


def read_config(folder: Path) -> About:
    """What `write_about` wrote.

    Raises:
        DataMismatch: it is not there, or damaged.
    """
    return parse_about(_read_json(folder / CONFIG), folder / CONFIG)


def read_history(folder: Path) -> History:
    """What `write_history` wrote.

    Raises:
        DataMismatch: it is not there, or damaged; the message has the line.
        EnvironmentProblem: it cannot be read.
    """
    path = folder / HISTORY
    if csv_columns(path, NOT_OURS)[:1] == ("trial",):
        return _read_rows(path, Trial)
    return _read_rows(path, Epoch)


def read_predictions(path: Path) -> StoredPredictions:
    """The predictions that `write_evaluation` wrote.

    Args:
        path: of a `predictions.csv`, in a run's folder or in one of its evaluations.

    Raises:
        DataMismatch: it is not there, damaged or foreign; the message has the line.
        EnvironmentProblem: it cannot be read.
    """
    found = csv_columns(path, WRITE_AGAIN)
    columns = _WITHOUT_GROUP if found[:2] == _WITHOUT_GROUP[:2] else _PREDICTION_COLUMNS
    class_names = found[len(columns) :]
    number = {name: index for index, name in enumerate(class_names)}
    keys: set[str] = set()

    def numbers(cell: str) -> tuple[int, ...]:
        names = (cell,) if cell in number else split_classes(cell)
        if unknown := [name for name in names if name not in number]:
            raise ValueError(f"no class of this run: {unknown[0]!r}")
        return tuple(number[name] for name in names)

    def parse(row: dict[str, str]) -> Prediction:
        key, *group, actual, predicted = list(row.values())[: len(columns)]
        if key in keys:
            raise ValueError(f"clip {key} stands there twice")
        keys.add(key)
        probability = tuple(float(row[name]) for name in class_names)
        # Those of a model that diverged are NaN, and its predictions are predictions all the same.
        if any(value < 0 or value > 1 for value in probability):
            raise ValueError("a probability outside of 0 to 1")
        video = group[0] if group else group_of(key)
        return Prediction(key, video, numbers(actual), numbers(predicted), probability)

    rows = read_csv(path, columns, parse, WRITE_AGAIN, further=True)
    if not class_names:
        raise DataMismatch(f"{path}, line 1: there is no column of a class", WRITE_AGAIN)
    return StoredPredictions(class_names, tuple(rows))


def run_folders(runs: Path) -> tuple[Path, ...]:
    """Every run folder, by name; one without `config.json` is none."""
    if not runs.is_dir():
        return ()
    folders = sorted(path for path in runs.iterdir() if path.is_dir() and not path.name.startswith("."))
    return tuple(path for path in folders if (path / CONFIG).exists())


def read_run(folder: Path, whole: bool = True) -> RunFound:
    """Read a run folder as far as it can be read; if not whole, without its history and predictions."""
    troubles: list[str] = []

    def attempt(name: str, read: Callable[[Path], Content], empty: Content) -> Content:
        try:
            wanted = whole or name in (CONFIG, FINISHED)
            return read(folder) if wanted and (folder / name).exists() else empty
        except (DataMismatch, EnvironmentProblem) as error:
            troubles.append(printable(error.what.replace(f"{folder}/", "")))
            return empty

    nothing = StoredPredictions((), ())
    no_history: History = ()
    about = attempt(CONFIG, read_config, None)
    stored = attempt(PREDICTIONS, lambda _: read_predictions(folder / PREDICTIONS), nothing)
    class_names = about.class_names if about else stored.class_names
    if stored is not nothing and stored.class_names != class_names:
        troubles.append(f"{PREDICTIONS} has other classes than {CONFIG}")
        stored = nothing
    return RunFound(
        name=printable(folder.name),
        about=about,
        class_names=class_names,
        history=attempt(HISTORY, read_history, no_history),
        predictions=stored.rows,
        metrics=attempt(FINISHED, read_metrics, {}),
        troubles=tuple(troubles),
    )


def find_run(workspace: Workspace | None, run: Run | Path | str | None, needed: str = WEIGHTS) -> Path:
    """The folder of a run.

    Args:
        workspace: its `runs` are looked at first; None to take `run` for a path.
        run: one, its name in the workspace, or the path of any run's folder; None for the workspace's newest
            finished one.
        needed: the file of a run that it must have.

    Raises:
        UsageError: there is no such workspace or run; the remedy names those there are.
        DataMismatch: the workspace has no finished run.
    """
    if isinstance(run, Run):
        return run.path
    if run is None:
        return finished_runs(workspace or Workspace(Path()))[-1]
    folders = [Path(run)]
    if workspace is not None:
        folders = [workspace.runs / run, Workspace(workspace.root).runs / run, Path(run)]
    for folder in folders:
        if (folder / needed).is_file():
            return folder
    if workspace is not None:
        workspace.existing()
    runs = folders[0].parent if workspace is None else workspace.runs
    names = sorted(printable(path.parent.name) for path in runs.glob(f"*/{needed}"))
    where = "" if workspace is None else f", neither in {printable(runs)} nor as a folder"
    raise UsageError(
        f"there is no run {printable(run)!r} with a {needed}{where}",
        f"Name one of these: {', '.join(names)}; or give the path of a run's folder."
        if names
        else "Run `audioset-tools train` first, or give the path of a run's folder.",
    )


def finished_runs(workspace: Workspace) -> list[Path]:
    """The folders of all finished runs, the one with the newest weights last.

    Raises:
        UsageError: there is no such workspace.
        DataMismatch: there is none, or nothing was fetched into the workspace.
    """
    places = dict.fromkeys([workspace.existing().runs, Workspace(workspace.root).runs])
    folders = [path.parent for place in places for path in place.glob(f"*/{FINISHED}")]
    if not folders:
        workspace.begun()
        raise DataMismatch(f"no finished run in {workspace.runs}", "Run `audioset-tools train` first.")
    return sorted(folders, key=lambda folder: ((folder / WEIGHTS).stat().st_mtime_ns, folder.name))


def _read_rows(path: Path, kind: type[Content]) -> tuple[Content, ...]:
    """The rows of a history, each a dataclass of that kind; what has a default may have no column."""
    every: Any = fields(kind)  # type: ignore[arg-type]
    found = csv_columns(path, NOT_OURS)
    types = {field.name: field.type for field in every if field.name in found or field.default is MISSING}

    def parse(row: dict[str, str]) -> Content:
        return kind(**{name: types[name](text) for name, text in row.items()})

    rows = read_csv(path, list(types), parse, NOT_OURS)
    if not rows:
        raise DataMismatch(f"{path} has no row", NOT_OURS)
    return tuple(rows)


def _read_json(path: Path) -> dict[str, Any]:
    try:
        content = parse_json(read_file(path))
    except (OSError, ValueError) as error:
        raise DataMismatch(f"{path} is missing or damaged", NOT_OURS) from error
    if not isinstance(content, dict):
        raise DataMismatch(f"{path} is missing or damaged", NOT_OURS)
    return content


def _cell(hot: Iterable[int], class_names: Sequence[str]) -> str:
    return join_classes(name for one, name in zip(hot, class_names, strict=True) if one)


def _number(value: object) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value):
        return float(value)
    return None

"""A run that got clips of the test split wrong, in a workspace with these clips and without shards."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from audioset_tools.errors.answers import Answer, Cause
from audioset_tools.errors.mistakes import Mistake
from audioset_tools.runs.folder import PREDICTIONS
from audioset_tools.shards.dataset import write_dataset
from audioset_tools.shards.placements import Placement
from audioset_tools.workspace import Workspace
from tests.factories import write_clip

PAPER = ("Piano", "Drums", "Flute", "Other")

Row = tuple[str, str, str]
"""A clip's key, its actual class and the predicted one."""


def key_of(number: int) -> str:
    """A clip's key, half of them beginning with a dash."""
    return f"{'-' if number % 2 else '_'}key{number:06d}A_{1000 * number}"


def write_predictions(run: Path, names: Sequence[str], rows: Iterable[Row]) -> Path:
    """`predictions.csv` as `train` writes it: each clip's predicted class has most of the probability."""
    run.mkdir(parents=True, exist_ok=True)
    path = run / PREDICTIONS
    with path.open("w", encoding="utf-8", newline="") as handle:
        table = csv.writer(handle, lineterminator="\n")
        table.writerow(["key", "actual", "predicted", *names])
        for key, actual, predicted in rows:
            rest = 0.25 / max(len(names) - 1, 1)
            table.writerow([key, actual, predicted, *(0.75 if n == predicted else rest for n in names)])
    return path


def mistaken(
    root: Path, clips: int, names: Sequence[str] = ("Tone", "Noise"), run: str = "paper"
) -> Workspace:
    """So many clips, each taken for the next class by turns."""
    workspace = Workspace(root)
    placements, rows = [], []
    for number in range(clips):
        actual, predicted = names[number % len(names)], names[(number + 1) % len(names)]
        made = write_clip(workspace, ("Tone", "Noise")[number % 2], number)
        path = workspace.clips / "x" / f"Y{key_of(number)}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        (workspace.root / made.path).rename(path)
        made = replace(made, key=key_of(number), path=str(path.relative_to(root)))
        placements.append(Placement(made.key, actual, (), "test", made.path, made.sha256))
        rows.append((made.key, actual, predicted))
    write_dataset(workspace.dataset, tuple(placements))
    write_predictions(workspace.runs / run, names, [*rows, (key_of(99), names[0], names[0])])
    return workspace


def mistake(number: int, actual: str = "Piano", predicted: str = "Flute") -> Mistake:
    return Mistake(key_of(number), actual, predicted, (actual,), (0.5, 0.5))


def answer(
    number: int,
    cause: Cause | None,
    annotator: str = "Ada",
    *,
    given: int = 1,
    note: str = "",
    **changes: str,
) -> Answer:
    about = {"actual": "Piano", "predicted": "Flute"} | changes
    return Answer(annotator, key_of(number), about["actual"], about["predicted"], cause, note, given)


def paper_answers(annotator: str = "Ada") -> tuple[list[Row], list[Answer]]:
    """Thirty misclassified clips of each class and the answers that give the paper's own Table 3."""
    counts = {
        "Piano": (3, 5, 0, 13, 9),
        "Drums": (7, 11, 3, 0, 9),
        "Flute": (4, 9, 4, 5, 8),
        "Other": (0, 23, 0, 3, 4),
    }
    rows, answers = [], []
    for name, row in counts.items():
        predicted = PAPER[(PAPER.index(name) + 1) % 4]
        for cause, count in zip(Cause, row, strict=True):
            for _ in range(count):
                number = len(rows)
                rows.append((key_of(number), name, predicted))
                answers.append(answer(number, cause, annotator, actual=name, predicted=predicted))
    return rows, answers

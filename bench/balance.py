"""What a balanced loss is worth where a clip has several classes, and some classes are rare.

    python bench/balance.py [--seeds 3] [--folder DIR]

Scenes of `models.py` with several instruments at once, as a list has them: 480 clips drawn for Piano, 120 for
Drums and 30 for Flute. `compact` learns from them without weights, with the presence of each class weighed by
how many clips lack it for each that has it, and, as it does by itself, by the root of that.
Validation and test have as many clips of each; a second test has scenes that are harder than all of these:
more voices beside the wanted ones, and louder ones, more of them muffled.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from unittest.mock import patch

from domains import spread
from models import INSTRUMENTS, candidate, make_clip

from audioset_tools import Workspace, console, featurize, train
from audioset_tools.ledger import Ledger, Origin
from audioset_tools.predict.evaluate import evaluate
from audioset_tools.runs.folder import is_finished
from audioset_tools.simulator.scenes import Difficulty
from audioset_tools.train import step

COUNTS = {"Piano": 480, "Drums": 120, "Flute": 30}
HELD_BACK = 40
"""Clips drawn for each class in validation and in the test."""


HARDER = Difficulty(snr_db=(-10.0, 10.0), others=(1, 3), muffled=0.5)
"""The other domain."""

FIRST_OF_HARDER = 10_000
"""Ranks from here on are drawn for nothing else."""


def make_workspace(
    workspace: Workspace, counts: Mapping[str, Mapping[str, int]], difficulty: Difficulty, first: int = 0
) -> None:
    """A list's clips, its splits and its shards; what is there already is kept.

    Args:
        counts: by class and split.
        difficulty: of all scenes.
        first: the rank of the first clip of each class, which decides what is drawn.
    """
    queues = []
    for name, of_split in counts.items():
        splits = [split for split, clips in of_split.items() for _ in range(clips)]
        queues += [
            replace(candidate(name, rank, True), split=split) for rank, split in enumerate(splits, first)
        ]
    workspace.prepare()
    with Ledger(workspace.ledger) as ledger:
        if ledger.origin() is None:
            ledger.load(
                Origin("scenes", "", "", INSTRUMENTS, 0, (8, 1, 1), multi_label=True, of_list=True), queues
            )
        there = {clip.key for _, clip in ledger.clips()}
        for one in queues:
            if one.key not in there:
                clip = make_clip(workspace, one, INSTRUMENTS, difficulty)
                ledger.accept(one, replace(clip, split=one.split), at=0)
    featurize(workspace, preset="log")


@contextmanager
def weighted(power: float) -> Iterator[None]:
    """Training in which `power` is what the root is by itself: a half."""
    root = step.presence_weights
    with patch.object(step, "presence_weights", lambda target: root(target) ** (2 * power)):
        yield


def main() -> None:
    """Train what is lacking, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "balance")
    arguments = parser.parse_args()
    workspace, harder = Workspace(arguments.folder), Workspace(arguments.folder / "harder")
    held_back = {"validation": HELD_BACK, "test": HELD_BACK}
    make_workspace(workspace, {name: {"train": n, **held_back} for name, n in COUNTS.items()}, Difficulty())
    make_workspace(harder, {name: {"test": 2 * HELD_BACK} for name in COUNTS}, HARDER, FIRST_OF_HARDER)
    print("| weights | macro-F1 (%) | Flute | ECE | harder: macro-F1 | Flute | ECE |")
    print("|---|---|---|---|---|---|---|")
    for words, power in {"none": 0.0, "root": 0.5, "in full": 1.0}.items():
        columns: list[list[float]] = [[] for _ in range(6)]
        for seed in range(arguments.seeds):
            run = workspace.runs / f"{words.replace(' ', '-')}-{seed}"
            if not is_finished(run):
                with weighted(power):
                    train(workspace, "compact", seed=seed, threads=1, name=run.name)
                console.say(run.name)
            rare = INSTRUMENTS.index("Flute")
            for number, where in enumerate((workspace, harder)):
                found = evaluate(where, run)
                figures = (
                    found.predictions.macro_f1,
                    found.predictions.scores.f1[rare],
                    found.calibration.error,
                )
                for column, figure in zip(columns[3 * number :], figures, strict=False):
                    column.append(100 * figure)
        row = words, *map(spread, columns)
        print(f"| {' | '.join(row)} |", flush=True)


if __name__ == "__main__":
    main()

"""What a balanced loss is worth where a clip has several classes, and some classes are rare.

    python bench/balance.py [--seeds 3] [--folder DIR]

Scenes of `models.py` with several instruments at once, as a list has them: 480 clips drawn for Piano, 120 for
Drums and 30 for Flute. `compact` learns from them with its own loss, and with one that weighs the presence of
each class by how many clips lack it for each that has it (`pos_weight`), or by the root of that.
Validation and test have as many clips of each.
"""

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from unittest.mock import patch

import numpy as np
import torch
from domains import spread
from models import INSTRUMENTS, candidate, make_clip
from torch import nn

from audioset_tools import MelShards, Workspace, console, featurize, train
from audioset_tools.ledger import Ledger, Origin
from audioset_tools.predict.evaluate import evaluate
from audioset_tools.runs.folder import is_finished
from audioset_tools.simulator.scenes import Difficulty

COUNTS = {"Piano": 480, "Drums": 120, "Flute": 30}
HELD_BACK = 40
"""Clips drawn for each class in validation and in the test."""


def make_workspace(workspace: Workspace) -> None:
    """A list's clips, its splits and its shards; what is there already is kept."""
    queues = []
    for name, count in COUNTS.items():
        of_split = {"train": count, "validation": HELD_BACK, "test": HELD_BACK}
        splits = [split for split, clips in of_split.items() for _ in range(clips)]
        queues += [replace(candidate(name, rank, True), split=split) for rank, split in enumerate(splits)]
    workspace.prepare()
    with Ledger(workspace.ledger) as ledger:
        if ledger.origin() is None:
            ledger.load(
                Origin("scenes", "", "", INSTRUMENTS, 0, (8, 1, 1), multi_label=True, of_list=True), queues
            )
        there = {clip.key for _, clip in ledger.clips()}
        for one in queues:
            if one.key not in there:
                clip = make_clip(workspace, one, INSTRUMENTS, Difficulty())
                ledger.accept(one, replace(clip, split=one.split), at=0)
    featurize(workspace, preset="log")


def weights(workspace: Workspace, power: float) -> torch.Tensor:
    """Of each class: clips that lack it for each that has it, to some power."""
    targets = np.asarray(MelShards(workspace, "train").target, bool)
    share = targets.mean(axis=0)
    return torch.tensor(((1 - share) / share) ** power, dtype=torch.float32)


@contextmanager
def weighted(by: torch.Tensor) -> Iterator[None]:
    """Training with such weights."""
    own = nn.functional.binary_cross_entropy_with_logits
    with patch.object(nn.functional, "binary_cross_entropy_with_logits", partial(own, pos_weight=by)):
        yield


def main() -> None:
    """Train what is lacking, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "balance")
    arguments = parser.parse_args()
    workspace = Workspace(arguments.folder)
    make_workspace(workspace)
    print("| loss | weights | macro-F1 (%) | of the rarest class |\n|---|---|---|---|")
    for words, power in {"as it is": 0.0, "root": 0.5, "balanced": 1.0}.items():
        by, macro, rare = weights(workspace, power), [], []
        for seed in range(arguments.seeds):
            run = workspace.runs / f"{words.replace(' ', '-')}-{seed}"
            if not is_finished(run):
                with weighted(by):
                    train(workspace, "compact", seed=seed, threads=1, name=run.name)
                console.say(run.name)
            found = evaluate(workspace, run).predictions
            macro.append(100 * found.macro_f1)
            rare.append(100 * found.scores.f1[INSTRUMENTS.index("Flute")])
        print(
            f"| {words} | {', '.join(f'{one:.1f}' for one in by)} | {spread(macro)} | {spread(rare)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()

"""What `audit` finds of labels that were flipped, beside two plain lists made of the same probabilities.

    python bench/audit.py [WORKSPACE]... [--per-class 150] [--share 0.1] [--seeds 3]

WORKSPACE is a featurized one whose labels are right, as `bench/domains.py --folder DIR` leaves DIR/a. Without
any, the simulator's scenes (`bench/models.py`) are made, but for those mislabelled by design. A share of the
labels is flipped in memory, to another class by chance; nothing on disk changes. What judges is the
product's code, from the folds on. Three lists: the audit's; the clips whose most probable class is not their
label, the most probable first; and as many clips as the audit's list has, by chance.

For each list its length, precision and recall, and the precision of as many of its first as there are flips,
in percent: the mean of all seeds, which flip other labels and draw other folds, and the standard deviation.
"""

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
from models import make_workspace

from audioset_tools import Workspace
from audioset_tools.audit.ranking import judge_labels
from audioset_tools.audit.run import judged_by_others
from audioset_tools.shards.labelled import LabelledClips, read_labelled
from audioset_tools.shards.reader import find_shards
from audioset_tools.simulator.scenes import Difficulty

CLEAN = Difficulty(mislabelled=0.0)


def flip(clips: LabelledClips, share: float, rng: np.random.Generator) -> tuple[LabelledClips, np.ndarray]:
    """The clips with some labels flipped, and which."""
    n_classes, target = len(clips.header.class_names), clips.target.astype(np.int64)
    chosen = rng.choice(len(clips), round(share * len(clips)), replace=False)
    target[chosen] = (target[chosen] + rng.integers(1, n_classes, len(chosen))) % n_classes
    return replace(clips, target=target), np.isin(np.arange(len(clips)), chosen)


def lists(clips: LabelledClips, seed: int) -> tuple[dict[str, np.ndarray], float]:
    """The clips of each list, in its order, and what the probabilities took of the CPU in seconds."""
    began = time.process_time()
    probability = judged_by_others(clips, folds=5, seed=seed, device="cpu")
    verdict = judge_labels(probability, clips)
    taken = time.process_time() - began
    suspect = np.flatnonzero(verdict.doubted.any(axis=1))
    audited = suspect[np.argsort(verdict.own[suspect], kind="stable")]
    differing = np.flatnonzero(probability.argmax(axis=1) != clips.target)
    naive = differing[np.argsort(-probability.max(axis=1)[differing], kind="stable")]
    # Not by the numbers that drew the flips.
    chance = np.random.default_rng((seed, 1)).choice(len(clips), len(audited), replace=False)
    return {"audit": audited, "predicted otherwise": naive, "by chance": chance}, taken


def figures(found: np.ndarray, flipped: np.ndarray) -> list[float]:
    """Length, precision, recall, and precision of as many as are flipped."""
    n, hits = flipped.sum(), flipped[found]
    # A list that is shorter than the flips is not made longer.
    return [len(found), 100 * hits.mean(), 100 * hits.sum() / n, 100 * hits[:n].mean()]


def measure(name: str, workspace: Workspace, share: float, seeds: int) -> None:
    """Print the rows of a data set."""
    clips = read_labelled(find_shards(workspace.shards))
    rows: dict[str, list[list[float]]] = {}
    taken = []
    for seed in range(seeds):
        changed, flipped = flip(clips, share, np.random.default_rng(seed))
        found, seconds = lists(changed, seed)
        taken.append(seconds)
        for label, one in found.items():
            rows.setdefault(label, []).append(figures(one, flipped))
    what = f"{name}: {len(clips):,} clips, {flipped.sum()} flipped, {np.mean(taken):.0f} s of CPU"
    for label, values in rows.items():
        cells = zip(np.mean(values, axis=0), np.std(values, axis=0), strict=True)
        print(f"| {what} | {label} | {' | '.join(f'{a:.0f} ± {b:.0f}' for a, b in cells)} |", flush=True)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workspaces", metavar="WORKSPACE", nargs="*", type=Path)
    parser.add_argument("--per-class", type=int, default=150)
    parser.add_argument("--share", type=float, default=0.1)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    print("| data | list | clips | precision (%) | recall (%) | precision of the first (%) |")
    print("|---|---|---|---|---|---|")
    for folder in arguments.workspaces:
        measure(folder.name, Workspace(folder), arguments.share, arguments.seeds)
    if not arguments.workspaces:
        with tempfile.TemporaryDirectory() as name:
            workspace = Workspace(name)
            workspace.prepare()
            make_workspace(workspace, arguments.per_class, "paper", multi_label=False, difficulty=CLEAN)
            measure("scenes", workspace, arguments.share, arguments.seeds)


if __name__ == "__main__":
    main()

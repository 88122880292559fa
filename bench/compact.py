"""What the parts of `compact` are worth: each left out or exchanged, on the two soundfonts of `domains.py`.

    python bench/compact.py [--folder DIR] [--per-class 160] [--variants all,shift] [--seeds 3]

Needs what `domains.py` needs, and makes its sounds where DIR does not hold them yet: so a copy of another
folder's `sounds-b` keeps B as it was. Every variant is trained on domain A and tested on A's test split and
on all of B; what several seeds say together is the mean of their probabilities. Runs stay in DIR/a/runs: who
interrupts the bench and runs it again goes on.
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
from domains import DOMAINS, make_workspace, require_tools, spread
from sklearn.metrics import f1_score
from torch import nn

from audioset_tools import Workspace, console, evaluate, train
from audioset_tools.runs.evaluation import Predictions
from audioset_tools.runs.folder import is_finished, read_history
from audioset_tools.train import networks

ALL = "all"


@dataclass(frozen=True)
class Variant:
    """How one differs: in its hyperparameters, in layers that do nothing, and in options of `train`."""

    words: str
    changes: dict[str, Any] = field(default_factory=dict)
    without: str | None = None
    options: dict[str, Any] = field(default_factory=dict)


VARIANTS = {
    ALL: Variant("as it is"),
    "shift": Variant("no clip moved by some bands", without="RandomShift"),
    "equaliser": Variant("no random equaliser", without="RandomEqualiser"),
    "crop": Variant("whole clips, not half of them", {"crop": 1.0}),
    "smoothing": Variant("no label smoothing", {"label_smoothing": 0.0}),
    "cycle": Variant("one rate of 0.001, best epoch kept", {"one_cycle": False, "lr": 0.001}),
    "short": Variant("15 epochs", options={"epochs": 15}),
    "mixup": Variant("with mixup", options={"augment": ("mixup",)}),
    "specaugment": Variant("with SpecAugment", options={"augment": ("specaugment",)}),
}


@contextmanager
def changed(variant: Variant) -> Iterator[None]:
    """`compact` as a variant has it."""
    own = networks.MODELS["compact"]
    other = replace(own, trained=replace(own.trained, **variant.changes))
    with ExitStack() as patches:
        patches.enter_context(patch.dict(networks.MODELS, compact=other))
        if variant.without:
            patches.enter_context(patch.object(networks, variant.without, lambda *_: nn.Identity()))
        yield


def measure(name: str, seed: int, workspaces: Sequence[Workspace]) -> tuple[list[Predictions], float]:
    """Predictions on the two domains, and the seconds of training, by one thread."""
    of_training, elsewhere = workspaces
    run = of_training.runs / f"compact-{name}-{seed}"
    with changed(VARIANTS[name]):
        if not is_finished(run):
            train(of_training, "compact", seed=seed, threads=1, name=run.name, **VARIANTS[name].options)
            console.say(f"{name}, seed {seed}")
        found = [evaluate(where, run).predictions for where in (of_training, elsewhere)]
    return found, sum(row.seconds for row in read_history(run))


def row(name: str, seeds: int, workspaces: Sequence[Workspace]) -> str:
    """Of the table: a variant's seeds, and what they say together."""
    measured = [measure(name, seed, workspaces) for seed in range(seeds)]
    by_domain = list(zip(*(found for found, _ in measured), strict=True))
    alone = [spread([100 * one.macro_f1 for one in found]) for found in by_domain]
    together = [f"{100 * joint_f1(found):.1f}" for found in by_domain]
    seconds = sum(seconds for _, seconds in measured) / seeds
    return f"| {VARIANTS[name].words} | {' | '.join(alone)} | {' | '.join(together)} | {seconds:.0f} |"


def joint_f1(found: Sequence[Predictions]) -> float:
    """Macro-F1 of the mean of several runs' probabilities."""
    mean = np.mean([one.probability for one in found], axis=0)
    return float(f1_score(found[0].actual, mean.argmax(axis=1), average="macro"))


def main() -> None:
    """Train what is lacking, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir()) / "domains")
    parser.add_argument("--per-class", type=int, default=160)
    parser.add_argument("--variants", default=",".join(VARIANTS))
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    require_tools()
    workspaces = [make_workspace(domain, arguments.per_class, arguments.folder) for domain in DOMAINS]
    print("| compact | A: macro-F1 (%) | B | seeds together: A | B | seconds |\n|---|---|---|---|---|---|")
    for name in arguments.variants.split(","):
        print(row(name, arguments.seeds, workspaces), flush=True)


if __name__ == "__main__":
    main()

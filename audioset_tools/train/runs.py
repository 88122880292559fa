"""Which run is meant, and evaluating it on a split."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from ..errors import DataMismatch
from ..featurize.reader import MelShards, find_shards
from ..workspace import Workspace
from .about import require_same_data
from .evaluate import AT_ONCE, Evaluation, answers, judge
from .folder import (
    FINISHED,
    HISTORY,
    WEIGHTS,
    best_of,
    is_finished,
    read_history,
    read_metrics,
    write_curves,
    write_evaluation,
    write_metrics,
)
from .trained import load_run


@dataclass(frozen=True, slots=True)
class Evaluated:
    """An evaluation and where it was written.

    Args:
        run: the run's folder.
        folder: of the evaluation.
        evaluation: the figures.
    """

    run: Path
    folder: Path
    evaluation: Evaluation


def find_run(workspace: Workspace, named: str | None) -> Path:
    """The folder of a run.

    Args:
        workspace: whose `runs` are looked at first.
        named: a name there, or the path of any run's folder; None for the newest finished one.

    Raises:
        DataMismatch: there is no such run, or no finished one.
    """
    if named is None:
        return finished_runs(workspace)[-1]
    for folder in (workspace.runs / named, Path(named)):
        if (folder / WEIGHTS).is_file():
            return folder
    there = ", ".join(sorted(path.parent.name for path in workspace.runs.glob(f"*/{WEIGHTS}"))) or "none"
    raise DataMismatch(
        f"there is no run {named} with weights, neither in {workspace.runs} nor as a folder",
        f"Name one of these runs: {there}; or give the path of a run's folder.",
    )


def finished_runs(workspace: Workspace) -> list[Path]:
    """The folders of all finished runs, the one with the newest weights last.

    Raises:
        DataMismatch: there is none.
    """
    folders = [path.parent for path in workspace.runs.glob(f"*/{FINISHED}")]
    if not folders:
        raise DataMismatch(f"no finished run in {workspace.runs}", "Run `audioset-tools train` first.")
    return sorted(folders, key=lambda folder: ((folder / WEIGHTS).stat().st_mtime_ns, folder.name))


def evaluate_run(
    workspace: Workspace,
    run: Path,
    split: str,
    shards: str | None,
    device: torch.device,
    seed: int,
    on_batch: Callable[[int, int], None] = lambda done, total: None,
) -> Evaluated:
    """Judge a run by a split and write what comes of it.

    The test split of a finished run of this workspace is written into the run's folder, where `train` wrote
    it; whatever else into `evaluate-<split>` there. So no evaluation makes an unfinished run look finished.

    Args:
        workspace: where the shards lie.
        run: the run's folder.
        split: train, validation or test.
        shards: which folder of shards; None for the one the run was trained on, or the only one.
        device: where a network computes.
        seed: of the drawings behind the intervals.
        on_batch: told how many clips are done, and of how many.

    Raises:
        DataMismatch: weights or shards are damaged, foreign, or not made for each other.
    """
    trained = load_run(run, device)
    if shards is None and (of_run := trained.about.config.get("shards")):
        shards = of_run if (workspace.shards / of_run).is_dir() else None
    data = MelShards(find_shards(workspace.shards, shards), split)
    require_same_data(trained.about, data.header, data.shape, trained.path)
    found = answers(trained.logits, data, AT_ONCE, on_batch)
    evaluation = judge(found, trained.about.class_names, split, seed)

    in_place = split == "test" and run.parent.resolve() == workspace.runs.resolve() and is_finished(run)
    folder = run if in_place else run / f"evaluate-{split}"
    history = read_history(run) if (run / HISTORY).exists() else ()
    training = {"parameters": trained.parameters} | ({"best_epoch": best_of(history)} if history else {})
    write_evaluation(folder, evaluation)
    write_curves(folder, history)
    write_metrics(folder, read_metrics(run) | training if in_place else training, evaluation)
    return Evaluated(run, folder, evaluation)

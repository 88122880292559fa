"""`evaluate`: a run judged by a split of its data, or by recordings of one's own."""

from pathlib import Path

from ..exceptions import UsageError
from ..runs.evaluation import Evaluation
from ..runs.folder import Run
from ..train.trained import evaluate_split
from ..types import OnProgress, silent
from ..workspace import Workspace
from .labelled import evaluate_files


def evaluate(
    workspace: Workspace,
    run: Run | Path | str | None = None,
    *,
    split: str = "test",
    shards: str | None = None,
    files: Path | str | None = None,
    device: str = "auto",
    seed: int = 0,
    embedding: Path | str | None = None,
    out: Path | str | None = None,
    on_progress: OnProgress = silent,
) -> Evaluation:
    """Judge a run by a split, or by labelled recordings, and write what comes of it.

    >>> evaluate(Workspace(Path("audioset")), "paper", split="validation").macro_f1
    >>> evaluate(Workspace(Path("audioset")), "paper", files="mine/labels.csv").left_out

    Args:
        workspace: where runs and shards lie.
        run: one, its name in the workspace, or any run's folder; None for the newest finished one.
        split: train, validation or test; of train the clips themselves, without their noise copies.
        shards: which folder of shards; None for the one the run was trained on, or the only one.
        files: a CSV of recordings with the columns path and class, to be judged by instead of a split; see
            `evaluate_files`.
        device: auto, cpu, cuda or mps, where a network computes.
        seed: of the drawings behind the intervals.
        embedding: where a probe's file lies; None for where it lay when the probe was trained.
        out: where to write instead, into a folder of the run's name, if the run is another one's; runs are
            looked for there as well.
        on_progress: called after every batch, with clips, or with files.

    Raises:
        UsageError: there is no such run, split, folder of shards or CSV, or split and files are both given.
        DataMismatch: weights, shards or the CSV are damaged, foreign, or not made for each other.
        EnvironmentProblem: the device is not there.
    """
    workspace = Workspace(workspace.root, out or workspace.out)
    if files is None:
        return evaluate_split(
            workspace,
            run,
            split=split,
            shards=shards,
            device=device,
            seed=seed,
            embedding=embedding,
            on_progress=on_progress,
        )
    if split != "test" or shards is not None:
        raise UsageError(
            "files of one's own are no split and no shards", "Leave --split and --shards out, or --files."
        )
    return evaluate_files(
        workspace,
        run,
        Path(files),
        device=device,
        seed=seed,
        embedding=embedding,
        on_progress=on_progress,
    )

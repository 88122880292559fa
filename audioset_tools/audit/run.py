"""The audit of a data set's labels: networks judge clips they did not learn, and doubts are listed."""

from dataclasses import dataclass
from pathlib import Path

from ..runs.folder import require_place
from ..runs.metrics import Probabilities
from ..shards.dataset import read_datasets
from ..shards.labelled import LabelledClips, read_labelled
from ..shards.reader import find_shards
from ..train.config import TrainConfig
from ..train.cross_validation import left_out_probabilities
from ..train.step import steps_of
from ..types import OnProgress, silent
from ..workspace import Workspace
from .folds import draw_folds
from .ranking import AuditedClass, NoisyPair, audited_classes, judge_labels, noisy_pairs, rank_suspects
from .suspects import NAME, Suspect, write_suspects

STEPS, BATCH_SIZE = 600, 32
"""That each network learns in, and clips of a step."""

LEAST_EPOCHS, MOST_EPOCHS = 5, 40
"""Whatever the number of clips."""


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit found.

    Args:
        clips: how many were judged.
        agreement: share of their labels that the networks, too, find the most probable.
        pairs: the most frequent first.
        suspects: the most suspicious first.
        path: of the file with all suspects.
    """

    class_names: tuple[str, ...]
    clips: int
    folds: int
    seed: int
    agreement: float
    classes: tuple[AuditedClass, ...]
    pairs: tuple[NoisyPair, ...]
    suspects: tuple[Suspect, ...]
    path: Path


def audit(
    workspace: Workspace,
    *,
    folds: int = 5,
    seed: int = 0,
    device: str = "auto",
    shards: str | None = None,
    out: Path | str | None = None,
    on_progress: OnProgress = silent,
) -> Audit:
    """Find the clips whose labels are probably wrong, and write them to `audit/audit.csv` in the workspace.

    The clips of all splits are dealt to folds, groups whole and classes evenly; for each fold a network
    (`compact`) learns the other clips and judges those. What it says against the labels goes through
    confident learning (`confident`). Nothing is changed but that file.

    >>> for one in audit(Workspace("audioset")).suspects[:20]:
    ...     print(one.key, one.classes, one.suggested, one.probability)

    Args:
        workspace: as `featurize` left it.
        folds: how many networks are trained.
        seed: of the folds and of the networks.
        device: auto, cpu, cuda or mps, where the networks compute.
        shards: which folder of shards, if there are several.
        out: another folder for `audit.csv`, of whoever may not write to the workspace.
        on_progress: called with the clips that were learned from so far, each as often as it was.

    Raises:
        UsageError: there is no such workspace, folder of shards or number of folds.
        DataMismatch: no shards, damaged ones, or too few clips of a class.
        EnvironmentProblem: the device is not there.
    """
    path = (workspace.audit if out is None else Path(out)) / NAME
    require_place(path.parent)
    clips = read_labelled(find_shards(workspace.shards, shards))
    probability = judged_by_others(clips, folds, seed, device, on_progress)
    verdict, names = judge_labels(probability, clips), clips.header.class_names
    paths = {key: one.path for key, one in read_datasets(workspace.datasets()).items()}
    suspects = rank_suspects(verdict, probability, clips, paths)
    write_suspects(path, names, suspects)
    return Audit(
        class_names=names,
        clips=len(clips),
        folds=folds,
        seed=seed,
        agreement=verdict.agreement,
        classes=audited_classes(verdict, names),
        pairs=noisy_pairs(verdict, names),
        suspects=suspects,
        path=path,
    )


def judged_by_others(
    clips: LabelledClips, folds: int, seed: int, device: str = "auto", on_progress: OnProgress = silent
) -> Probabilities:
    """The probability of every class for every clip, by a network that learned clips of other groups.

    Returns:
        [clips, classes].
    """
    fold = draw_folds(clips.label, clips.group, folds, seed)
    epochs = epochs_for(int((fold != 0).sum()))
    config = TrainConfig("compact", batch_size=BATCH_SIZE, epochs=epochs, seed=seed, device=device)
    return left_out_probabilities(clips, fold, config, on_progress)


def epochs_for(clips: int) -> int:
    """How often a network sees each of the clips that it learns: the more there are, the less often."""
    return min(max(LEAST_EPOCHS, -(-STEPS // steps_of(clips, BATCH_SIZE))), MOST_EPOCHS)

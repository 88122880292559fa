"""Probabilities of clips by models that have not learned them: a network a fold, trained on all others."""

import numpy as np
import numpy.typing as npt
import torch

from ..exceptions import DataMismatch
from ..runs.evaluation import ToLogits, to_probability
from ..runs.metrics import Logits, Probabilities
from ..shards.labelled import LabelledClips
from ..types import OnProgress, Progress, silent
from .config import TrainConfig
from .levels import fit_levels
from .networks import build
from .run import train_epoch
from .step import Learner, cpu_threads, keep_memory, make_learner, seeded
from .trained import AT_ONCE, network_logits, pick_device

THREADS = 1
"""So that the same seed gives the same probabilities, bit for bit, whatever the number of cores."""


def left_out_probabilities(
    clips: LabelledClips, fold: npt.NDArray[np.int64], config: TrainConfig, on_progress: OnProgress = silent
) -> Probabilities:
    """The probability of every class for every clip, [clips, classes], by the network that did not learn it.

    Args:
        clips: with the labels to learn.
        fold: of every clip, [clips], from 0 on: that of the network which leaves it out.
        config: of the networks; each is trained for all its epochs.
        on_progress: called with the clips that were learned from so far, each as often as it was.

    Raises:
        DataMismatch: a shard is damaged, or a training ran away.
    """
    device = pick_device(config.device)
    keep_memory()
    n_classes, folds = len(clips.header.class_names), int(fold.max()) + 1
    logits = np.empty((len(clips), n_classes))
    total = (folds - 1) * len(clips) * config.hyperparameters(len(clips)).epochs
    done = 0
    for number in range(folds):
        learned, left_out = clips.select(np.flatnonzero(fold != number)), np.flatnonzero(fold == number)
        with cpu_threads(THREADS):
            learner = _learner(config, learned, device)
            for epoch in range(1, learner.how.epochs + 1):
                with seeded(config.seed, epoch):
                    train_epoch(learner, learned, config, epoch, silent)
                done += len(learned)
                on_progress(Progress(done, total, f"fold {number + 1} of {folds}, epoch {epoch}"))
            logits[left_out] = _logits(network_logits(learner.model, device), clips.select(left_out))
    if not np.isfinite(logits).all():
        raise DataMismatch(
            "a training ran away: its probabilities are no numbers", "See `audioset-tools verify --deep`."
        )
    return to_probability(logits, clips.header.multi_label)


def _learner(config: TrainConfig, clips: LabelledClips, device: torch.device) -> Learner:
    n_classes, decibels = len(clips.header.class_names), clips.header.spec.log
    model = build(config.model, n_classes, clips.shape, decibels=decibels, seed=config.seed)
    fit_levels(model, clips)
    return make_learner(model, config.hyperparameters(len(clips)), clips, device)


def _logits(to_logits: ToLogits, clips: LabelledClips) -> Logits:
    parts = np.array_split(np.arange(len(clips)), -(-len(clips) // AT_ONCE))
    return np.concatenate([to_logits(clips.take(part)) for part in parts])

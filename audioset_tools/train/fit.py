"""Training of a classical baseline: shards, features, settings tried on the validation split, run folder."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from .. import __version__
from ..featurize.reader import MelShards, find_shards
from ..workspace import Workspace
from .about import about_run
from .begin import choose_folder, locked
from .classical import CLASSICAL, Baseline, Settings, best_scale, classical_logits, standardised, standardiser
from .config import TrainConfig
from .evaluate import AT_ONCE, Predictions, answers, loss_of, to_probability
from .features import Features, read_features
from .folder import WEIGHTS, Run, Trial, finish_run, write_about, write_history
from .metrics import MultiHot, multi_hot
from .weights import Tensors, write_weights

LIBRARIES = ("numpy", "scipy", "scikit-learn", "hmmlearn")


@dataclass(frozen=True, slots=True)
class Examples:
    """What a baseline sees of some rows: standardised features, and targets as zeros and ones."""

    features: Features
    target: MultiHot


def fit_baseline(
    workspace: Workspace,
    config: TrainConfig,
    on_trial: Callable[[Trial], None],
    on_batch: Callable[[int, int], None] = lambda done, total: None,
) -> Run:
    """Fit a baseline to the workspace's shards and leave a run folder like that of a network.

    Every setting of its small grid is fitted to the clips of the train split without their noise copies, the
    best of them also to all rows. What has the best macro-F1 on the validation split is kept, of equals that
    with the lower loss, and the test split is looked at once. One thread computes: a seed gives the same
    weights whatever the number of cores.

    Args:
        workspace: where shards and runs lie.
        config: which baseline, and its seed.
        on_trial: told after every setting.
        on_batch: told how many clips' features are there, and of how many.

    Raises:
        DataMismatch: no shards, shards of several specs, damaged ones, or a class without clips.
        EnvironmentProblem: somebody else trains in the folder.
        UsageError: a finished run has the chosen name, or the mels are too short.
    """
    source = find_shards(workspace.shards, config.shards)
    splits = ("train", "validation", "test")
    data = {split: MelShards(source, split, in_memory=False) for split in splits}
    for shards in data.values():
        shards.open()
    train, header = data["train"], data["train"].header
    versions = {"audioset_tools": __version__} | {name: version(name) for name in LIBRARIES}
    about = about_run(asdict(config), header, train.shape, versions, threads=1)
    baseline, decibels = CLASSICAL[config.model], bool(about.spec.get("log"))

    folder = choose_folder(workspace.runs, config, resume=False)
    with locked(folder), threadpool_limits(1):
        write_about(folder, about)
        began = time.perf_counter()
        read = {
            split: read_features(data[split], baseline.extract, decibels, on_batch)
            for split in ("train", "validation")
        }
        scaling = standardiser(read["train"])
        seen = {
            split: Examples(standardised(features, scaling), _target(data[split]))
            for split, features in read.items()
        }
        clips = train.noise == 0
        without_noise = Examples(seen["train"].features[clips], seen["train"].target[clips])

        history: list[Trial] = []
        kept: Tensors = {}

        def attempt(settings: Settings, examples: Examples, remark: str = "") -> None:
            nonlocal began, kept
            tensors = baseline.fit(
                examples.features, examples.target, settings, config.seed, header.multi_label
            )
            scale, loss, f1 = _judge(baseline, tensors, seen["validation"], header.multi_label)
            words = ", ".join(f"{name} {value:g}" for name, value in settings.items()) + remark
            seconds = round(time.perf_counter() - began, 3)
            history.append(Trial(len(history) + 1, words, loss, f1, seconds))
            write_history(folder, history)
            if max(history, key=_merit) is history[-1]:
                kept = {**tensors, **scaling, "scale": scale}
                write_weights(folder / WEIGHTS, kept, about)
            on_trial(history[-1])
            began = time.perf_counter()

        for settings in baseline.grid:
            attempt(settings, without_noise)
        if not clips.all():
            best = max(history, key=_merit).trial
            attempt(baseline.grid[best - 1], seen["train"], ", noise copies too")

        logits = classical_logits(config.model, kept, about, folder / WEIGHTS)
        run = Run(
            path=folder,
            about=about,
            history=tuple(history),
            best_epoch=max(history, key=_merit).trial,
            parameters=sum(tensor.size for tensor in kept.values()),
            validation=answers(logits, data["validation"], AT_ONCE),
            test=answers(logits, data["test"], AT_ONCE),
        )
        finish_run(run)
    return run


def _target(shards: MelShards) -> MultiHot:
    if shards.header.multi_label:
        return shards.target.astype(np.uint8)
    return multi_hot(shards.label, len(shards.header.class_names))


def _judge(
    baseline: Baseline, tensors: Tensors, validation: Examples, multi_label: bool
) -> tuple[npt.NDArray[np.float64], float, float]:
    """The scale of the scores, and loss and macro-F1 with it."""
    target = validation.target if multi_label else validation.target.argmax(axis=1)
    scores = baseline.score(tensors, validation.features, multi_label)
    scale = best_scale(scores, target)
    probability = to_probability(scale * scores, multi_label)
    found = Predictions((), target, probability, loss_of(scale * scores, target))
    return np.array(scale), found.loss, found.macro_f1


def _merit(trial: Trial) -> tuple[float, float]:
    return trial.validation_f1, -trial.validation_loss

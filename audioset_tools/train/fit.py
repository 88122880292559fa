"""Training of a classical baseline: shards, features, settings tried on the validation split, run folder."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from .. import __version__
from ..runs.about import About, about_run
from ..runs.evaluation import best_temperature, predictions
from ..runs.folder import (
    WEIGHTS,
    Run,
    Trial,
    best_of,
    choose_folder,
    finish_run,
    lock_run,
    write_about,
    write_history,
)
from ..runs.metrics import MultiHot, multi_hot
from ..shards.reader import MelShards, find_shards
from ..types import OnProgress, silent
from ..workspace import Workspace
from .baselines import CLASSICAL, Baseline, Settings, classical_logits, standardised, standardiser
from .config import TrainConfig
from .features import Features, read_features
from .trained import AT_ONCE, at_temperature, predict
from .weights import Tensors, Weights, write_weights

LIBRARIES = ("numpy", "scipy", "scikit-learn", "hmmlearn")


@dataclass(frozen=True, slots=True)
class Examples:
    """What a baseline sees of some rows: standardised features, and targets as zeros and ones."""

    features: Features
    target: MultiHot


class Trials:
    """Tries settings one after the other, and keeps the best in the run folder.

    Args:
        scaling: mean and deviation of the features, stored beside the weights.
        validation: what trials are judged by.
    """

    def __init__(
        self, baseline: Baseline, about: About, scaling: Tensors, validation: Examples, folder: Path
    ) -> None:
        self._baseline, self._about, self._scaling = baseline, about, scaling
        self._validation, self._folder = validation, folder
        self.history: list[Trial] = []
        self.kept: Weights | None = None

    @property
    def best(self) -> int:
        """Which trial is the best, counted from 1."""
        return best_of(self.history)

    def attempt(self, settings: Settings, examples: Examples, words: str, began: float) -> Trial:
        """Fit to some rows, judge, and note it.

        Args:
            began: when the trial began, by `time.perf_counter`.
        """
        baseline, multi_label = self._baseline, self._about.multi_label
        tensors = baseline.fit(
            examples.features, examples.target, settings, self._about.config["seed"], multi_label
        )
        scores = baseline.score(tensors, self._validation.features, multi_label)
        target = self._validation.target
        actual = target if multi_label else target.argmax(axis=1)
        temperature = best_temperature(scores, actual)
        found = predictions((), (), actual, scores / temperature)
        seconds = round(time.perf_counter() - began, 3)
        self.history.append(Trial(len(self.history) + 1, words, found.loss, found.macro_f1, seconds))
        write_history(self._folder, self.history)
        if self.best == len(self.history):
            self.kept = Weights(self._about, {**tensors, **self._scaling}, temperature)
            write_weights(self._folder / WEIGHTS, self.kept)
        return self.history[-1]


def fit_baseline(
    workspace: Workspace,
    config: TrainConfig,
    *,
    on_trial: Callable[[Trial], object] = lambda trial: None,
    on_progress: OnProgress = silent,
) -> Run:
    """Fit a baseline to the workspace's shards and leave a run folder like that of a network.

    Every setting of its small grid is fitted to the clips of the train split without their noise copies, the
    best of them also to all rows. The best trial (`best_of`) is kept, and the test split is predicted once.
    One thread computes: a seed gives the same weights whatever the number of cores.

    Args:
        workspace: where shards and runs lie.
        config: which baseline, and its seed.
        on_trial: called after every setting.
        on_progress: called with the rows whose features are computed.

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
    baseline, decibels = CLASSICAL[config.model], about.spec.log

    folder = choose_folder(workspace.runs, config.run_name, chosen=config.name is not None)
    with lock_run(folder), threadpool_limits(1):
        began = time.perf_counter()
        write_about(folder, about)
        read = {
            split: read_features(data[split], baseline.extract, decibels, on_progress)
            for split in ("train", "validation")
        }
        scaling = standardiser(read["train"])
        seen = {
            split: Examples(standardised(features, scaling), _target(data[split]))
            for split, features in read.items()
        }
        clips = train.noise == 0
        without_noise = Examples(seen["train"].features[clips], seen["train"].target[clips])

        trials = Trials(baseline, about, scaling, seen["validation"], folder)
        for settings in baseline.grid:
            on_trial(trials.attempt(settings, without_noise, _words(settings), began))
            began = time.perf_counter()
        if not clips.all():
            settings = baseline.grid[trials.best - 1]
            words = f"{_words(settings)}, noise copies too"
            on_trial(trials.attempt(settings, seen["train"], words, began))

        assert trials.kept is not None
        kept = trials.kept
        to_logits = classical_logits(config.model, kept.tensors, about, folder / WEIGHTS)
        to_logits = at_temperature(to_logits, kept.temperature)
        run = Run(
            path=folder,
            about=about,
            history=tuple(trials.history),
            best_epoch=trials.best,
            parameters=sum(tensor.size for tensor in kept.tensors.values()),
            validation=predict(to_logits, data["validation"], AT_ONCE),
            test=predict(to_logits, data["test"], AT_ONCE),
        )
        finish_run(run)
    return run


def _target(shards: MelShards) -> MultiHot:
    if shards.header.multi_label:
        return shards.target.astype(np.uint8)
    return multi_hot(shards.label, len(shards.header.class_names))


def _words(settings: Settings) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in settings.items())

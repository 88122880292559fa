"""Training of a classical baseline: shards, features, settings tried on the validation split, run folder."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_limits

from .. import __version__
from ..exceptions import EnvironmentProblem
from ..installing import install
from ..runs.about import About, about_run
from ..runs.evaluation import ToLogits, best_temperature, predictions
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
from ..shards.placements import SPLITS
from ..shards.reader import MelShards, find_shards
from ..types import OnProgress, silent
from ..workspace import Workspace
from .baselines import CLASSICAL, Classifier, Settings, classical_logits, standardised, standardiser
from .config import TrainConfig
from .features import Features, read_features
from .trained import AT_ONCE, Take, at_temperature, predict
from .weights import Tensors, Weights, write_weights

OnTrial = Callable[[Trial], object]
"""Called with every trial."""

LIBRARIES = ("numpy", "scipy", "scikit-learn")


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
        self, classifier: Classifier, about: About, scaling: Tensors, validation: Examples, folder: Path
    ) -> None:
        self._classifier, self._about, self._scaling = classifier, about, scaling
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
        classifier, multi_label = self._classifier, self._about.multi_label
        tensors = classifier.fit(
            examples.features, examples.target, settings, self._about.config["seed"], multi_label
        )
        scores = classifier.score(tensors, self._validation.features, multi_label)
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

    def attempt_each(
        self, grid: Sequence[Settings], examples: Examples, began: float, on_trial: OnTrial
    ) -> None:
        """Fit all settings to the same rows; arguments as of `attempt`."""
        for settings in grid:
            on_trial(self.attempt(settings, examples, words_of(settings), began))
            began = time.perf_counter()

    def finish(
        self,
        data: Mapping[str, MelShards],
        to_logits_of: Callable[[Tensors], ToLogits],
        take: Take = MelShards.take,
    ) -> Run:
        """Predict the validation and the test split with the best, and complete the run folder.

        Args:
            data: the splits, by name.
            to_logits_of: makes a model of what was learned.
            take: what that is given of some rows.
        """
        assert self.kept is not None
        to_logits = at_temperature(to_logits_of(self.kept.tensors), self.kept.temperature)
        run = Run(
            path=self._folder,
            about=self._about,
            history=tuple(self.history),
            best_epoch=self.best,
            parameters=sum(tensor.size for tensor in self.kept.tensors.values()),
            validation=predict(to_logits, data["validation"], AT_ONCE, take=take),
            test=predict(to_logits, data["test"], AT_ONCE, take=take),
        )
        finish_run(run)
        return run


def fit_baseline(
    workspace: Workspace,
    config: TrainConfig,
    *,
    on_trial: OnTrial = lambda trial: None,
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
        EnvironmentProblem: somebody else trains in the folder, or a package is not installed.
        UsageError: a finished run has the chosen name, or the mels are too short.
    """
    baseline = CLASSICAL[config.model]
    versions = {"audioset_tools": __version__} | _versions(config.model)
    data = open_splits(workspace, config)
    train, header = data["train"], data["train"].header
    about = about_run(config.settings, header, train.shape, versions, threads=1)
    decibels = about.spec.log

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
            split: Examples(standardised(features, scaling), targets_of(data[split]))
            for split, features in read.items()
        }
        clips = train.noise == 0
        without_noise = Examples(seen["train"].features[clips], seen["train"].target[clips])

        trials = Trials(baseline, about, scaling, seen["validation"], folder)
        trials.attempt_each(baseline.grid, without_noise, began, on_trial)
        if not clips.all():
            began, settings = time.perf_counter(), baseline.grid[trials.best - 1]
            words = f"{words_of(settings)}, noise copies too"
            on_trial(trials.attempt(settings, seen["train"], words, began))
        return trials.finish(
            data, lambda tensors: classical_logits(config.model, tensors, about, folder / WEIGHTS)
        )


def _versions(model: str) -> dict[str, str]:
    """The versions of what a baseline is fitted with.

    Raises:
        EnvironmentProblem: something of it is not installed.
    """
    try:
        return {name: version(name) for name in filter(None, (*LIBRARIES, CLASSICAL[model].library))}
    except PackageNotFoundError as error:
        raise EnvironmentProblem(
            f"the package {error.name} is not installed",
            f"Install it: {install(model)}; for Python 3.14 there is none yet, so take another model there.",
        ) from error


def open_splits(workspace: Workspace, config: TrainConfig) -> dict[str, MelShards]:
    """The splits of the shards that the settings choose, opened; no mel of theirs is kept in memory."""
    source = find_shards(workspace.shards, config.shards)
    data = {split: MelShards(source, split, in_memory=False) for split in SPLITS}
    for shards in data.values():
        shards.open()
    return data


def targets_of(shards: MelShards) -> MultiHot:
    """The classes of every row as zeros and ones, [rows, classes]."""
    if shards.header.multi_label:
        return shards.target.astype(np.uint8)
    return multi_hot(shards.label, len(shards.header.class_names))


def words_of(settings: Settings) -> str:
    """One choice of settings, as the history has it."""
    return ", ".join(f"{name} {value:g}" for name, value in settings.items())

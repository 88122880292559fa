"""Training of the probe: clips, their features, settings tried on the validation split, run folder."""

import time
from importlib.metadata import version

import numpy as np
from threadpoolctl import threadpool_limits

from ... import __version__
from ...runs.about import about_run
from ...runs.folder import WEIGHTS, Run, choose_folder, lock_run, write_about
from ...types import OnProgress, silent
from ...workspace import Workspace
from ..config import TrainConfig
from ..fit import Examples, OnTrial, Trials, open_splits, targets_of
from .clips import ClipFeatures
from .embedder import Embedder
from .regression import REGRESSION, grid_for, regression_logits
from .settings import embedding_of, identified

LIBRARIES = ("numpy", "scipy", "scikit-learn", "soxr")


def fit_probe(
    workspace: Workspace,
    config: TrainConfig,
    *,
    on_trial: OnTrial = lambda trial: None,
    on_progress: OnProgress = silent,
) -> Run:
    """Fit the probe to the workspace's clips and leave a run folder like that of a baseline.

    Shards say which clips are in which split; features are of the clips themselves, noise copies play no
    part. Every setting is fitted to the train split, the best trial (`best_of`) is kept, and the test split
    is predicted once. The same clips and file give the same weights, whatever the number of cores.

    Args:
        workspace: where clips, shards and runs lie.
        config: which file, and which of its outputs.
        on_trial: called after every setting.
        on_progress: called with the clips whose features are computed.

    Raises:
        DataMismatch: no shards, damaged ones, a class without clips, a clip that is gone, or a file that
            cannot be run.
        EnvironmentProblem: a package is not installed, or somebody else trains in the folder.
        UsageError: a finished run has the chosen name, or the file does not fit.
    """
    config = identified(config)
    data = open_splits(workspace, config)
    header, shape = data["train"].header, data["train"].shape
    embedder = Embedder(embedding_of(config))
    libraries = {name: version(name) for name in (*LIBRARIES, embedder.interpreter)}
    about = about_run(config.settings, header, shape, {"audioset_tools": __version__} | libraries, threads=1)
    clips = ClipFeatures(workspace, embedder)

    folder = choose_folder(workspace.runs, config.run_name, chosen=config.name is not None)
    with lock_run(folder), threadpool_limits(1):
        began = time.perf_counter()
        write_about(folder, about)
        seen = {}
        for split in ("train", "validation"):
            rows = np.flatnonzero(data[split].noise == 0)
            features = clips.take(data[split], rows, on_progress)
            seen[split] = Examples(features, targets_of(data[split])[rows])
        trials = Trials(REGRESSION, about, {}, seen["validation"], folder)
        trials.attempt_each(grid_for(seen["train"].features), seen["train"], began, on_trial)
        return trials.finish(
            data, lambda tensors: regression_logits(tensors, about, folder / WEIGHTS), clips.take
        )

"""Several models, several seeds: each combination in turn, by itself, whatever becomes of the others."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..exceptions import AudiosetToolsError, UsageError
from ..runs.about import About, about_run
from ..runs.compare import tested_clips
from ..runs.folder import CHECKPOINT, choose_folder, is_finished, read_config
from ..shards.reader import MelShards, find_shards
from ..types import OnProgress, silent
from ..workspace import Workspace
from .baselines import CLASSICAL
from .config import OF_BASELINES, OF_PROBE, PROBE, TrainConfig
from .networks import MODELS
from .probe.settings import identified
from .run import OnEpoch, ignore, train_as

ALL = "all"


@dataclass(frozen=True, slots=True)
class Every:
    """What came of them.

    Args:
        runs: folders of the finished runs, those of earlier too.
        failures: the settings of those that failed, in the order in which they did, and why.
    """

    runs: tuple[Path, ...]
    failures: tuple[tuple[TrainConfig, AudiosetToolsError], ...]

    @property
    def exit_code(self) -> int:
        """Of the worst failure; 0 without any."""
        return max((error.exit_code for _, error in self.failures), default=0)


def train_every(
    workspace: Workspace,
    models: Sequence[str] | None = None,
    *,
    seeds: int = 1,
    resume: bool = False,
    on_run: Callable[[TrainConfig, Path | None], object] = lambda config, done: None,
    on_failure: Callable[[TrainConfig, AudiosetToolsError], object] = lambda config, error: None,
    on_epoch: OnEpoch = ignore,
    on_progress: OnProgress = silent,
    **settings: Any,
) -> Every:
    """Train each model with each seed, whatever becomes of the others.

    What is finished, with the same settings on the same data, is not trained again.

    >>> train_every(Workspace(Path("audioset")), ["compact", "svm"], seeds=3).runs

    Args:
        workspace: where shards and runs lie.
        models: which; None for all there are, the probe only where the settings have its embedding.
        seeds: how many, from the setting `seed` on.
        resume: go on with those networks that were begun.
        on_run: called with the settings of each before its turn, and the finished run that stands for it, if
            one does.
        on_failure: called with the settings of each that failed, and why.
        on_epoch, on_progress: as `train` calls them.
        settings: see `TrainConfig`; each model takes those that it has.

    Raises:
        DataMismatch: there are no shards.
        UsageError: a value is impossible, or a name was chosen, which only one run can have.
    """
    configs = _configs(models, seeds, settings)
    data = MelShards(find_shards(workspace.shards, configs[0].shards), "test")
    runs: list[Path] = []
    failures: list[tuple[TrainConfig, AudiosetToolsError]] = []
    for config in configs:
        try:
            config = identified(config) if config.model == PROBE else config
            done = finished_run(workspace.runs, config, data)
            on_run(config, done)
            if done is None:
                begun = resume and (choose_folder(workspace.runs, config.run_name) / CHECKPOINT).exists()
                run = train_as(workspace, config, resume=begun, on_epoch=on_epoch, on_progress=on_progress)
                done = run.path
            runs.append(done)
        except AudiosetToolsError as error:
            failures.append((config, error))
            on_failure(config, error)
    return Every(tuple(runs), tuple(failures))


def _configs(models: Sequence[str] | None, seeds: int, settings: dict[str, Any]) -> list[TrainConfig]:
    """The settings of every run.

    Raises:
        UsageError: one is impossible, or names what is several.
    """
    if seeds < 1:
        raise UsageError(f"seeds is {seeds}", "Give at least 1.")
    embedding = {name: value for name in OF_PROBE if (value := settings.get(name)) is not None}
    common = TrainConfig(**{name: value for name, value in settings.items() if name not in OF_PROBE})
    if models is None:
        models = [*MODELS, *CLASSICAL, *([PROBE] if embedding else [])]
    if common.name is not None and len(models) * seeds > 1:
        raise UsageError("--name names one run, and these are several", "Leave --name out.")
    of_probe = {name: getattr(common, name) for name in OF_BASELINES} | {"model": PROBE} | embedding
    each = [TrainConfig(**of_probe) if model == PROBE else common.for_model(model) for model in models]
    return [replace(one, seed=one.seed + number) for one in each for number in range(seeds)]


def every_json(every: Every) -> dict[str, Any]:
    """What failed, for `--json`."""
    return {
        "failed": {
            config.run_name: {"what": error.what, "remedy": error.remedy} for config, error in every.failures
        }
    }


def finished_run(runs: Path, config: TrainConfig, test: MelShards) -> Path | None:
    """The finished run of the same settings, classes, spec and test clips; None if there is none.

    Args:
        runs: where a workspace has its runs.
        config: settings to look for.
        test: the test split as it is now.
    """
    wanted = about_run(config.settings, test.header, test.shape, {}, 1)
    keys = frozenset(key.decode() for key in test.key)
    folder, number = runs / config.run_name, 1
    while is_finished(folder):
        if _same(read_config(folder), wanted) and tested_clips(folder) == keys:
            return folder
        number += 1
        folder = runs / f"{config.run_name}-{number}"
    return None


def _same(one: About, other: About) -> bool:
    """Whether versions and threads are all that differs, and the device."""

    def meaning(about: About) -> tuple[object, ...]:
        settings = {name: value for name, value in about.config.items() if name != "device"}
        return settings, about.class_names, about.multi_label, about.spec_digest, about.shape

    return meaning(one) == meaning(other)

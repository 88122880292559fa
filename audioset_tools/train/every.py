"""`train --model all`: every network and every baseline in turn, each by itself."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
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
from .config import TrainConfig
from .networks import MODELS
from .probe.settings import identified
from .run import OnEpoch, ignore, train_as

ALL = "all"


@dataclass(frozen=True, slots=True)
class Every:
    """What came of them.

    Args:
        runs: folders of the finished runs, those of earlier too.
        failures: by model, in the order in which they came.
    """

    runs: tuple[Path, ...]
    failures: tuple[tuple[str, AudiosetToolsError], ...]

    @property
    def exit_code(self) -> int:
        """Of the worst failure; 0 without any."""
        return max((error.exit_code for _, error in self.failures), default=0)


def train_every(
    workspace: Workspace,
    config: TrainConfig,
    *,
    models: Sequence[str | TrainConfig] | None = None,
    resume: bool = False,
    on_model: Callable[[str, Path | None], object] = lambda model, done: None,
    on_failure: Callable[[str, AudiosetToolsError], object] = lambda model, error: None,
    on_epoch: OnEpoch = ignore,
    on_progress: OnProgress = silent,
) -> Every:
    """Train each model, whatever becomes of the others.

    A model whose run with the same settings on the same data is finished is not trained again.

    Args:
        workspace: where shards and runs lie.
        config: the settings, as far as a model has them.
        models: which, by name, the probe by its settings; None for `all_models`.
        resume: go on with those networks that were begun.
        on_model: called with each model before its turn, and the finished run that stands for it, if one
            does.
        on_failure: called with each model that failed, and why.

    Raises:
        DataMismatch: there are no shards.
        UsageError: a name was chosen, which only one run can have.
    """
    if config.name is not None:
        raise UsageError("--name names one run, and --model all makes several", "Leave --name out.")
    data = MelShards(find_shards(workspace.shards, config.shards), "test")
    runs: list[Path] = []
    failures: list[tuple[str, AudiosetToolsError]] = []
    for one in models or all_models():
        model = one if isinstance(one, str) else one.model
        try:
            wanted = config.for_model(one) if isinstance(one, str) else identified(one)
            done = finished_run(workspace.runs, wanted, data)
            on_model(model, done)
            if done is None:
                begun = resume and (choose_folder(workspace.runs, wanted.run_name) / CHECKPOINT).exists()
                run = train_as(workspace, wanted, resume=begun, on_epoch=on_epoch, on_progress=on_progress)
                done = run.path
            runs.append(done)
        except AudiosetToolsError as error:
            failures.append((model, error))
            on_failure(model, error)
    return Every(tuple(runs), tuple(failures))


def all_models(probe: TrainConfig | None = None) -> list[str | TrainConfig]:
    """All networks and baselines; and the probe, where its settings are given, which no other model has."""
    return [*MODELS, *CLASSICAL, *([probe] if probe else [])]


def every_json(every: Every) -> dict[str, Any]:
    """What failed, for `--json`."""
    return {
        "failed": {model: {"what": error.what, "remedy": error.remedy} for model, error in every.failures}
    }


def finished_run(runs: Path, config: TrainConfig, test: MelShards) -> Path | None:
    """The finished run of the same settings, classes, spec and test clips; None if there is none.

    Args:
        runs: where a workspace has its runs.
        config: settings to look for.
        test: the test split as it is now.
    """
    wanted = about_run(asdict(config), test.header, test.shape, {}, 1)
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

"""`train --model all`: every network and every baseline in turn, each by itself."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ..errors import AudiosetToolsError, UsageError
from ..featurize.reader import MelShards, find_shards
from ..workspace import Workspace
from .about import About, about_run
from .classical import CLASSICAL
from .compare import tested_clips
from .config import TrainConfig
from .folder import is_finished, read_config
from .models import MODELS

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
    train_one: Callable[[TrainConfig], Path],
    on_model: Callable[[str, Path | None], None],
    on_failure: Callable[[str, AudiosetToolsError], None],
    models: Sequence[str] | None = None,
) -> Every:
    """Train each model, whatever becomes of the others.

    A model whose run with the same settings on the same data is finished is not trained again.

    Args:
        workspace: where shards and runs lie.
        config: the settings, as far as a model has them.
        train_one: trains one and gives its folder.
        on_model: told of each model before its turn, and which finished run stands for it, if one does.
        on_failure: told of each that failed.
        models: which; None for all there are.

    Raises:
        DataMismatch: there are no shards.
        UsageError: a name was chosen, which only one run can have.
    """
    if config.name is not None:
        raise UsageError("--name names one run, and --model all makes several", "Leave --name out.")
    data = MelShards(find_shards(workspace.shards, config.shards), "test")
    runs: list[Path] = []
    failures: list[tuple[str, AudiosetToolsError]] = []
    for model in models or (*MODELS, *CLASSICAL):
        try:
            wanted = config.for_model(model)
            done = finished_run(workspace.runs, wanted, data)
            on_model(model, done)
            runs.append(done or train_one(wanted))
        except AudiosetToolsError as error:
            failures.append((model, error))
            on_failure(model, error)
    return Every(tuple(runs), tuple(failures))


def every_json(every: Every) -> dict[str, Any]:
    """What failed, for `--json`."""
    return {
        "failed": {model: {"what": error.what, "remedy": error.remedy} for model, error in every.failures}
    }


def finished_run(runs: Path, config: TrainConfig, test: MelShards) -> Path | None:
    """The finished run of the same settings, classes, spec and test clips; None if there is none.

    Args:
        runs: where runs lie.
        config: the settings.
        test: the test split of today.
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

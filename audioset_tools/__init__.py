"""N verified AudioSet clips per class, mel shards from them, and the paper's CNN trained on those.

What stands in `__all__` is the public API (docs/api.md). Each name is imported when it is first asked for:
some bring numpy, HDF5 or torch, and the command line must start at once.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .audit.run import audit
    from .catalog.run import select
    from .exceptions import (
        AudiosetToolsError,
        DataMismatch,
        EnvironmentProblem,
        Paused,
        Shortfall,
        UsageError,
    )
    from .export.run import export
    from .featurize.mel import LogMel
    from .featurize.run import featurize
    from .fetch.run import fetch
    from .manifest.freeze import freeze
    from .predict.evaluate import evaluate
    from .predict.run import predict
    from .publish.run import publish
    from .report.run import report
    from .runs.folder import Run
    from .shards.clips import Clips
    from .shards.reader import MelShards
    from .shards.spec import MelSpec
    from .train.every import train_every
    from .train.run import train
    from .types import Candidate, Clip
    from .verify.run import verify
    from .workspace import Workspace

if sys.platform == "win32":
    raise ImportError(
        "audioset-tools needs a POSIX system, and Windows itself is none."
        " Install it inside WSL 2 (docs/platforms.md)."
    )

__all__ = [
    "AudiosetToolsError",
    "Candidate",
    "Clip",
    "Clips",
    "DataMismatch",
    "EnvironmentProblem",
    "LogMel",
    "MelShards",
    "MelSpec",
    "Paused",
    "Run",
    "Shortfall",
    "UsageError",
    "Workspace",
    "__version__",
    "audit",
    "evaluate",
    "export",
    "featurize",
    "fetch",
    "freeze",
    "predict",
    "publish",
    "report",
    "select",
    "train",
    "train_every",
    "verify",
]

__version__ = "0.1.0"

_HOMES = {
    **dict.fromkeys(("AudiosetToolsError", "DataMismatch", "EnvironmentProblem"), "exceptions"),
    **dict.fromkeys(("Paused", "Shortfall", "UsageError"), "exceptions"),
    **dict.fromkeys(("Candidate", "Clip"), "types"),
    **{name: f"{name}.run" for name in ("audit", "export", "featurize", "fetch", "predict")},
    **{name: f"{name}.run" for name in ("publish", "report", "train", "verify")},
    "Clips": "shards.clips",
    "LogMel": "featurize.mel",
    "MelShards": "shards.reader",
    "MelSpec": "shards.spec",
    "Run": "runs.folder",
    "Workspace": "workspace",
    "evaluate": "predict.evaluate",
    "freeze": "manifest.freeze",
    "select": "catalog.run",
    "train_every": "train.every",
}


class _Package(ModuleType):
    """A package whose functions are not hidden by the folders of the same name.

    Whoever imports `audioset_tools.fetch.status` makes Python put the folder `fetch` in the place of the
    function. The folder stays importable; the attribute is the function.
    """

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    setattr(sys.modules[__name__], name, found)
    return found


def __dir__() -> list[str]:
    return __all__

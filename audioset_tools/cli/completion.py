"""Values that a shell completes: names that there are, known without loading what they name."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from ..workspace import Workspace

RECIPES = (
    *("paper", "clean", "instruments", "keyboards", "several"),
    *("audioset-20k", "audioset-500k", "audioset-2m"),
)
MODELS = (
    *("paper", "compact", "paper-7", "han", "crnn", "rnn", "rcnn"),
    *("svm", "gmm", "knn", "hmm", "probe", "all"),
)
PRESETS = ("paper", "log")
PACES = ("guest", "account", "unlimited")
DEVICES = ("auto", "cpu", "cuda", "mps")
AUGMENTATIONS = ("specaugment", "mixup")

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
"""What click asks for values that begin with a text."""


def one_of(names: Iterable[str], or_path: str = "") -> Complete:
    """Complete one of some names.

    Args:
        or_path: `file` or `dir` where the path of one will do as well.
    """

    def complete(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
        return _beginning(begun, names, or_path)

    return complete


def run_names(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Complete a run of the workspace, or a folder."""
    return _beginning(begun, _below(context, "runs", "*/config.json"), "dir")


def shard_folders(context: click.Context, parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Complete a folder of shards of the workspace."""
    return _beginning(begun, _below(context, "shards", "*/*.h5"))


def _below(context: click.Context, place: str, pattern: str) -> list[str]:
    """The folders in a place of the workspace that hold such a file; none where it cannot be looked into."""
    workspace = context.params.get("workspace")
    with suppress(OSError):
        if isinstance(workspace, Workspace):
            found: Iterable[Path] = getattr(workspace, place).glob(pattern)
            return sorted({path.parent.name for path in found})
    return []


def _beginning(begun: str, names: Iterable[str], or_path: str = "") -> list[CompletionItem]:
    found = [CompletionItem(name) for name in names if name.startswith(begun)]
    return found if found or not or_path else [CompletionItem(begun, type=or_path)]

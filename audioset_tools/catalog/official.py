"""The official files: where a workspace finds them, and where they come from."""

import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pooch

from ..errors import EnvironmentProblem, UsageError
from ..manifests import manifest

GENUINE = "The genuine file is linked from https://research.google.com/audioset/download.html"

SUBSETS = ("balanced_train", "eval", "unbalanced_train")
"""AudioSet's three disjoint sets, in the order in which they are read."""


@dataclass(frozen=True, slots=True)
class Official:
    """One official file: its name on disk, its address, its digest."""

    file: str
    url: str
    sha256: str


def official_files() -> dict[str, Official]:
    """The official files by name: the three subsets and `ontology`."""
    entries = tomllib.loads(manifest("official.toml").read_text())
    return {name: Official(**entry) for name, entry in entries.items()}


def find_metadata(
    given: Path | None, workspace_copy: Path, fetch: Callable[[Official, Path], None] | None = None
) -> Path:
    """The folder that holds the lists: the one given, else the workspace's, downloaded where it is missing.

    Args:
        given: `--metadata`; must be complete, nothing is ever downloaded into it.
        workspace_copy: the workspace's own folder.
        fetch: downloads one file into a folder; default: pooch, checked by sha256.

    Raises:
        UsageError: the folder given lacks a file.
        EnvironmentProblem: a download failed.
    """
    if given is not None:
        for official in official_files().values():
            if not (given / official.file).is_file():
                raise UsageError(
                    f"{given} holds no {official.file}",
                    f"Put it there (from {official.url}), or leave --metadata out to have it downloaded.",
                )
        return given
    for official in official_files().values():
        if not (workspace_copy / official.file).is_file():
            (fetch or _download)(official, workspace_copy)
    return workspace_copy


def _download(official: Official, folder: Path) -> None:
    try:
        pooch.retrieve(official.url, known_hash=f"sha256:{official.sha256}", fname=official.file, path=folder)
    except (OSError, ValueError) as error:
        raise EnvironmentProblem(
            f"{official.file} could not be downloaded from {official.url}: {error}",
            "Try again when the network is back, or download it yourself and pass --metadata DIR.",
        ) from error

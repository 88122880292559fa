"""AudioSet's official files: where they come from, and where a workspace finds them.

Their addresses and digests, and the recipes, are data files that the package ships.
"""

import errno
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pooch

from ..exceptions import AudiosetToolsError, DataMismatch, EnvironmentProblem, UsageError
from ..files import missing_folders, parse_toml, read_file, remedy_of, remove_empty
from ..workspace import printable

GENUINE = "The genuine file is linked from https://research.google.com/audioset/download.html"

SUBSETS = ("balanced_train", "eval", "unbalanced_train")
"""AudioSet's three disjoint sets, in the order in which they are read."""

LISTS = (*SUBSETS, "ontology")
"""What a selection needs."""


@dataclass(frozen=True, slots=True)
class Official:
    """One official file: its name on disk, its address, its digest."""

    file: str
    url: str
    sha256: str


def official_files() -> dict[str, Official]:
    """The official files by name: the three subsets, `ontology` and `labels`."""
    entries = parse_toml(read_file(manifest("official.toml")).decode())
    return {name: Official(**entry) for name, entry in entries.items()}


def has_lists(folder: Path) -> bool:
    """Whether all that a selection needs lies in a folder."""
    files = official_files()
    return all((folder / files[name].file).is_file() for name in LISTS)


def find_metadata(
    given: Path | None,
    workspace_copy: Path,
    fetch: Callable[[Official, Path], None] | None = None,
    wanted: Sequence[str] = LISTS,
) -> Path:
    """The folder with official files: the one given, else the workspace's, to which what lacks is downloaded.

    Args:
        given: `--metadata`; must have all that are wanted, nothing is ever downloaded into it.
        workspace_copy: the workspace's own folder.
        fetch: downloads one file into a folder; default: pooch, checked by sha256.
        wanted: which of `official_files`, by their names there.

    Raises:
        UsageError: the folder given lacks a file.
        EnvironmentProblem: a download failed.
    """
    files = official_files()
    if given is not None:
        for official in map(files.__getitem__, wanted):
            if not (given / official.file).is_file():
                if not given.is_dir():
                    raise UsageError(
                        f"there is no folder {printable(given)}",
                        "Name the folder that holds AudioSet's lists, or leave --metadata out to have them"
                        " downloaded.",
                    )
                raise UsageError(
                    f"{printable(given)} holds no {official.file}",
                    f"Put it there (from {official.url}), or leave --metadata out to have it downloaded.",
                )
        return given
    missing = missing_folders(workspace_copy)
    try:
        for official in map(files.__getitem__, wanted):
            if not (workspace_copy / official.file).is_file():
                (fetch or _download)(official, workspace_copy)
    except EnvironmentProblem:
        remove_empty(missing)
        raise
    return workspace_copy


def unread(path: Path, error: OSError) -> AudiosetToolsError:
    """The error of an official file that the system does not give, or that is far too large to be it."""
    if error.errno == errno.EFBIG:
        return DataMismatch(f"{path} is none of AudioSet's files: {error.strerror}", GENUINE)
    return EnvironmentProblem(f"{path} cannot be read: {error.strerror}", remedy_of(error))


def find_ontology(folder: Path) -> Path:
    """The ontology in a folder of lists."""
    return folder / official_files()["ontology"].file


_OF_ADDRESSES = frozenset({"InvalidProxyURL", "InvalidURL", "LocationParseError"})
"""What requests and urllib3 raise of an address that is none."""


def _download(official: Official, folder: Path) -> None:
    try:
        pooch.retrieve(official.url, known_hash=f"sha256:{official.sha256}", fname=official.file, path=folder)
    except (OSError, ValueError) as error:
        # What cannot be an address is quoted: a proxy's, with its password.
        why = "a proxy's address makes no sense" if type(error).__name__ in _OF_ADDRESSES else error
        raise EnvironmentProblem(
            f"{official.file} could not be downloaded from {official.url}: {why}",
            "Try again when the network is back, or download it yourself and pass --metadata DIR.",
        ) from error


_PACKAGE = Path(__file__).parent.parent


def manifest(name: str) -> Path:
    """The path of a shipped manifest, in an installed wheel or in a checkout."""
    shipped = _PACKAGE / "manifests" / name
    return shipped if shipped.exists() else _PACKAGE.parent / "manifests" / name

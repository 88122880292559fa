"""An export's folder: `export.json` says which of its files stand, and of what they were made.

It is written now and then while files are made, and once more when all are there. A file that it does not
name is made again; one that it names, and that no longer is of the export, is removed. Nothing else is
touched. Each part of an array has an account of its own, `export-2-of-4.json`, until all is there.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from ..exceptions import DataMismatch, UsageError
from ..files import open_file, parse_json, read_file, write_beside
from ..tasks.part import ArrayPart
from .examples import Example
from .part import FileThere, wav_bytes

NAME = "export.json"

AUDIO = "audio"
"""The folder of clips that tables name."""

_FILE = re.compile(r"(?!\.)[\w.+-]{1,200}(?:/(?!\.)[\w.+-]{1,200}){0,4}", re.ASCII)

_REMEDY = "Choose another folder with --out, or remove that one."


@dataclass(frozen=True, slots=True)
class Contents:
    """What `export.json` says.

    Args:
        format, targets: what the export was asked for.
        finished: whether all of it is there.
        files: by their names below the folder.
    """

    format: str
    targets: str
    finished: bool
    files: Mapping[str, FileThere]


def account_name(part: ArrayPart) -> str:
    """What the account of an array's part is called."""
    return f"export-{part.number}-of-{part.of}.json"


def accounts(folder: Path) -> list[Path]:
    """The accounts of an array's parts."""
    return sorted(folder.glob("export-*-of-*.json"))


def write_contents(folder: Path, contents: Contents, name: str = NAME) -> None:
    """Say what stands in an export's folder; `name` is that of the file."""
    with write_beside(folder / name) as temporary:
        temporary.write_text(json.dumps(asdict(contents), indent=1, sort_keys=True) + "\n", "utf-8")


Told = Mapping[str, Mapping[str, FileThere]]
"""What accounts say of files: by name, and by what they were made of."""


def read_contents(folder: Path, format_name: str, targets: str) -> Told:
    """The files that stand in a folder; none in one that is new or empty.

    Raises:
        UsageError: something else is in it, or another export.
        DataMismatch: its `export.json` is damaged.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return {}
    said = [path for path in (folder / NAME, *accounts(folder)) if path.exists()] if folder.is_dir() else []
    if not said:
        raise UsageError(f"{folder} is there already, and is no export", _REMEDY)
    told: dict[str, dict[str, FileThere]] = {}
    for path in said:
        try:
            files = _read(path, format_name, targets)
        except FileNotFoundError:
            # Another part has found meanwhile that all is there: `export.json` says it.
            return read_contents(folder, format_name, targets)
        for name, file in files.items():
            told.setdefault(name, {})[file.inputs] = file
    return told


def _read(path: Path, format_name: str, targets: str) -> dict[str, FileThere]:
    """The files that one account names.

    Raises:
        FileNotFoundError: it is gone.
        UsageError: it is of another export.
        DataMismatch: it is damaged.
    """
    try:
        content = parse_json(read_file(path))
        found = str(content["format"])[:40], str(content["targets"])[:40]
        files = {
            name: FileThere(str(one["inputs"]), int(one["bytes"]), str(one["sha256"]))
            for name, one in content["files"].items()
        }
        if not all(map(_FILE.fullmatch, files)):
            raise ValueError("a file outside the folder")
    except FileNotFoundError:
        raise
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataMismatch(f"{path} is damaged or of another version", _REMEDY) from error
    if found != (format_name, targets):
        raise UsageError(f"{path.parent} holds an export of {found[0]!a}, with targets {found[1]!a}", _REMEDY)
    return files


def standing(path: Path, inputs: str) -> FileThere:
    """What is to be said of a file that was just made."""
    with open_file(path) as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return FileThere(inputs, path.stat().st_size, digest)


def stands(folder: Path, name: str, told: FileThere) -> bool:
    """Whether a file is there, whole, and as it was made."""
    try:
        return standing(folder / name, told.inputs) == told
    except OSError:
        return False


def link_clips(examples: Sequence[Example], folder: Path) -> None:
    """See that clips lie in `audio/`.

    Raises:
        DataMismatch: a clip is gone, or has changed.
    """
    for one in examples:
        link_clip(one, folder)


def is_linked(one: Example, folder: Path) -> bool:
    """Whether there is a file in a clip's place."""
    return _link_of(one, folder).is_file()


def _link_of(one: Example, folder: Path) -> Path:
    return folder / AUDIO / f"{one.name}.wav"


def link_clip(one: Example, folder: Path) -> None:
    """See that a clip lies in `audio/`: the file itself under another name, or a copy on another disk.

    Raises:
        DataMismatch: the clip is gone, or has changed.
    """
    target = _link_of(one, folder)
    content = wav_bytes(one)
    if target.exists() and (target.samefile(one.path) or _holds(target, content)):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        # There at once or not at all; a power cut may undo it, and the next export sees that.
        os.link(one.path, target)
    except OSError:
        with write_beside(target) as temporary:
            temporary.write_bytes(content)


def _holds(path: Path, content: bytes) -> bool:
    try:
        return read_file(path, len(content)) == content
    except OSError:
        return False

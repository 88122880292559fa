"""An export's folder: `export.json` says which of its files stand, and of what they were made.

It is written now and then while files are made, and once more when all are there. A file that it does not
name is made again; one that it names, and that no longer is of the export, is removed. Nothing else is
touched.
"""

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from ..exceptions import DataMismatch, UsageError
from ..files import open_file, parse_json, read_file, write_beside
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


def write_contents(folder: Path, contents: Contents) -> None:
    """Say what stands in an export's folder."""
    with write_beside(folder / NAME) as temporary:
        temporary.write_text(json.dumps(asdict(contents), indent=1, sort_keys=True) + "\n", "utf-8")


def read_contents(folder: Path, format_name: str, targets: str) -> dict[str, FileThere]:
    """The files that stand in a folder; none in one that is new or empty.

    Raises:
        UsageError: something else is in it, or another export.
        DataMismatch: its `export.json` is damaged.
    """
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return {}
    if not folder.is_dir() or not (folder / NAME).exists():
        raise UsageError(f"{folder} is there already, and is no export", _REMEDY)
    try:
        content = parse_json(read_file(folder / NAME))
        found = str(content["format"])[:40], str(content["targets"])[:40]
        files = {
            name: FileThere(str(one["inputs"]), int(one["bytes"]), str(one["sha256"]))
            for name, one in content["files"].items()
        }
        if not all(map(_FILE.fullmatch, files)):
            raise ValueError("a file outside the folder")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataMismatch(f"{folder / NAME} is damaged or of another version", _REMEDY) from error
    if found != (format_name, targets):
        raise UsageError(f"{folder} holds an export of {found[0]!a}, with targets {found[1]!a}", _REMEDY)
    return files


def standing(path: Path, inputs: str) -> FileThere:
    """What is to be said of a file that was just made."""
    with open_file(path) as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return FileThere(inputs, path.stat().st_size, digest)


def stands(folder: Path, name: str, told: FileThere | None, inputs: str) -> bool:
    """Whether a file is there, whole, and made from what it would be made from now."""
    if told is None or told.inputs != inputs:
        return False
    try:
        return standing(folder / name, inputs) == told
    except OSError:
        return False


def link_clip(one: Example, folder: Path) -> None:
    """See that a clip lies in `audio/`: the file itself under another name, or a copy on another disk.

    Raises:
        DataMismatch: the clip is gone, or has changed.
    """
    target = folder / AUDIO / f"{one.name}.wav"
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

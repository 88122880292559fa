"""Where what is drawn of recordings goes: a file for one, a folder for several, each called after its own."""

import os
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..exceptions import UsageError
from ..workspace import printable
from .timeline import Recording


@dataclass(frozen=True, slots=True)
class Targets:
    """What is written of recordings, and where; None for what is not.

    Args:
        csv: a file with every window's probabilities.
        png: a timeline as a picture; for several recordings a folder of them.
        html: a page to listen along with; for several recordings a folder of them, with an index.
    """

    csv: Path | None = None
    png: Path | None = None
    html: Path | None = None


_NAME_BYTES = 200
"""As much of a recording's name is kept: with the suffix and while it is written it must stay a name."""


def is_one_file(target: Path, recordings: Sequence[Recording]) -> bool:
    """Whether a target is the file of a single recording, and no folder."""
    return len(recordings) == 1 and not target.is_dir()


def target_paths(
    target: Path, recordings: Sequence[Recording], suffix: str, option: str, taken: Collection[Path] = ()
) -> list[Path]:
    """Where what is drawn of each recording goes; two of the same name get numbers.

    Args:
        target: the file of a single recording, or a folder: one that exists, or any for several recordings.
        recordings: each gets a file.
        suffix: stands behind a recording's own name, `.png`.
        option: by which the target was named, for the message.
        taken: files that are none of these.

    Raises:
        UsageError: there are several recordings, and `target` is a file.
    """
    if is_one_file(target, recordings):
        return [target]
    if target.is_file():
        raise UsageError(
            f"{printable(target)} is a file, and there are {len(recordings)} recordings to draw",
            f"Name a folder with {option}.",
        )
    used = dict.fromkeys(taken)
    found = []
    for recording in recordings:
        folder = target / recording.name.parent
        base = os.fsdecode(os.fsencode(recording.name.name)[:_NAME_BYTES])
        path, number = folder / f"{base}{suffix}", 2
        while path in used:
            path, number = folder / f"{base}-{number}{suffix}", number + 1
        used[path] = None
        found.append(path)
    return found


def require_writable(path: Path) -> None:
    """See that a file can be written, before the hours of sound that it will show.

    Raises:
        OSError: it cannot.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=path.parent):
        pass

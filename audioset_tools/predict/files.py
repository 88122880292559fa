"""Which recordings a command line means: files as named, folders with all that sounds in them."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import UsageError
from ..workspace import printable

_SOUND = (
    "3ga aac ac3 aif aifc aiff amr ape au caf dts eac3 flac gsm m4a m4b mka mp1 mp2 mp3 mpc oga ogg opus ra"
    " snd spx tak tta voc w64 wav wma wv"
)
_PICTURES = "3g2 3gp asf avi f4v flv m2ts m4v mkv mov mp4 mpeg mpg mts mxf ogv rm rmvb ts vob webm wmv"

SUFFIXES = frozenset(f".{suffix}" for suffix in f"{_SOUND} {_PICTURES}".split())
"""What is tried in a folder; a file that is named itself may be called anything."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A file to listen to.

    Args:
        path: where it lies.
        name: its path below the folder that was named, or its own name; for what is written about it.
    """

    path: Path
    name: Path


def find_recordings(given: Sequence[Path]) -> list[Recording]:
    """All recordings, each once, in the order given, those of a folder by path.

    Hidden files and folders are passed over, symbolic links to folders are not followed.

    Args:
        given: files and folders.

    Raises:
        UsageError: one of them does not exist, or a folder holds no recording.
    """
    found: dict[Path, Recording] = {}
    for path in given:
        if path.is_dir():
            inside = sorted(_inside(path))
            if not inside:
                raise UsageError(
                    f"there is no recording in the folder {printable(path)}",
                    "Name another, or the file itself: in a folder only usual suffixes are tried.",
                )
            for one in inside:
                found.setdefault(one, Recording(one, one.relative_to(path)))
        elif path.exists():
            found.setdefault(path, Recording(path, Path(path.name)))
        else:
            raise UsageError(f"there is no file {printable(path)}", "Name files or folders that exist.")
    return list(found.values())


def _inside(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            path = Path(parent, name)
            if not name.startswith(".") and path.suffix.lower() in SUFFIXES and path.is_file():
                yield path

"""Which kind of archive a file is, by its suffix; and what to do with those that cannot be read."""

from collections.abc import Callable
from pathlib import Path

from .archive import Archive, ArchiveError
from .hdf5 import Hdf5
from .parquet import Parquet
from .tars import Tar
from .zips import Zip

_KINDS: dict[str, Callable[[Path], Archive]] = {
    ".zip": Zip,
    ".tar": Tar,
    ".parquet": Parquet,
    **dict.fromkeys((".h5", ".hdf5", ".hdf"), Hdf5),
}

_UNPACKERS = {
    **dict.fromkeys((".tar.gz", ".tgz"), "gunzip"),
    **dict.fromkeys((".tar.bz2", ".tbz2"), "bunzip2"),
    **dict.fromkeys((".tar.xz", ".txz"), "unxz"),
    **dict.fromkeys((".tar.zst", ".tzst"), "unzstd"),
}

_OTHERS = (*_UNPACKERS, ".7z", ".rar", ".zip.001", ".z01")


def is_archive(name: str) -> bool:
    """Whether a file is an archive by its name, one that can be read as it lies or not."""
    return name.lower().endswith((*_KINDS, *_OTHERS))


def archive_at(path: Path) -> Archive | None:
    """The archive that a file is; None if it is none. Nothing is opened."""
    kind = _KINDS.get(path.suffix.lower())
    return None if kind is None else kind(path)


def refusal_of(path: Path) -> ArchiveError | None:
    """Why an archive cannot be read as it lies; None for what is none, or can."""
    name = path.name.lower()
    for suffix, unpacker in _UNPACKERS.items():
        if name.endswith(suffix):
            what = "it is compressed as a whole, so that no clip of it can be read without all before it"
            return ArchiveError(what, f"Make it a plain tar once: {unpacker} {path.name}")
    if name.endswith((".7z", ".rar")):
        return ArchiveError("archives of its kind are not read", "Unpack it, and use the folder.")
    if name.endswith(".zip.001"):
        whole = path.name[: -len(".001")]
        return ArchiveError("it is the first part of a zip", f"Join them once: cat {whole}.* > {whole}")
    if name.endswith(".z01") and not path.with_suffix(".zip").exists():
        return ArchiveError(
            f"it is a volume of a split archive, and the last one, {path.stem}.zip, is not there",
            "Get all volumes, and lay them beside one another.",
        )
    return None

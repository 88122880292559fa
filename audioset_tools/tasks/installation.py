"""What is installed, as far as it decides the bytes of a clip, a mel, or an export."""

import hashlib
import platform
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import soundfile

from ..audio.binary import ffmpeg_build
from ..files import read_file

Installation = Mapping[str, str]
"""By its name, the version of each piece; "" for what is not there."""

PACKAGES = ("numpy", "scipy", "numba", "librosa", "soundfile", "soxr", "h5py", "av", "pyarrow")


@cache
def installation() -> Installation:
    """What this process uses."""
    return {
        "python": ".".join(platform.python_version_tuple()[:2]),
        "audioset-tools": _source(),
        **{name: _version(name) for name in PACKAGES},
        "libsndfile": soundfile.__libsndfile_version__,
        "ffmpeg": ffmpeg_build().version,
    }


def difference(wanted: Installation, found: Installation) -> str:
    """In what one installation differs from another, in words; "" if in nothing."""
    return ", ".join(
        f"{name} {found.get(name) or 'none'} in place of {one or 'none'}"
        for name, one in wanted.items()
        if found.get(name) != one
    )


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""


def _source() -> str:
    """A digest of this package's modules: a checkout changes without its version."""
    root, digest = Path(__file__).parent.parent, hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        content = read_file(path)
        digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()[:12]

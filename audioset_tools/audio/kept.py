"""The encoded sound that a clip was decoded from, kept beside it: writing it, and seeing that it is whole."""

import hashlib
from pathlib import Path

from ..files import open_file, read_file, write_beside
from .ffmpeg import Media
from .mp3 import frame_bytes

MOST_BYTES = 16 << 20
"""What is larger is no segment but a whole video, and is not kept."""


def keep_source(media: Media, target: Path) -> tuple[Path, str] | None:
    """Write what was decoded to a file named `target`, with the suffix of its form.

    Returns:
        The file and its sha256; None where it is an address, or too large.

    Raises:
        OSError: it cannot be read or written.
    """
    if isinstance(media.content, str):
        return None
    content = media.content
    if isinstance(content, Path):
        if content.stat().st_size > MOST_BYTES:
            return None
        content = read_file(content, MOST_BYTES)
    if len(content) > MOST_BYTES:
        return None
    path = target.with_name(target.name + _suffix(content[:64]))
    with write_beside(path) as temporary:
        temporary.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest()


def source_trouble(path: Path, sha256: str, deep: bool) -> str | None:
    """What is wrong with a file that was kept, in words; `deep` reads all of it.

    Raises:
        FileNotFoundError: it is not there.
    """
    if not path.stat().st_size:
        return "is empty"
    if not deep:
        return None
    with open_file(path) as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return None if digest == sha256 else "has changed since it was written"


def _suffix(head: bytes) -> str:
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return ".webm" if b"webm" in head else ".mka"
    if head[4:8] in (b"ftyp", b"styp", b"moof"):
        return ".m4a"
    for magic, suffix in ((b"OggS", ".ogg"), (b"fLaC", ".flac"), (b"RIFF", ".wav"), (b"ID3", ".mp3")):
        if head.startswith(magic):
            return suffix
    return ".mp3" if frame_bytes(head) else ".bin"

"""The encoded sound that a clip was decoded from, kept beside it: written, checked, decoded again."""

import hashlib
from pathlib import Path

from ..exceptions import DataMismatch
from ..files import open_file, read_file, write_beside
from ..types import KeptSource
from .ffmpeg import DecodeError, Media
from .mp3 import frame_bytes
from .segment import Sound, decode_segment

MOST_BYTES = 16 << 20
"""What is larger is no segment but a whole video, and is not kept."""

_REPAIR = "Run `audioset-tools verify --repair`: a source that was lost is no longer counted on."


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


def decode_kept(path: Path, kept: KeptSource, start_ms: int, end_ms: int, rate: int) -> Sound:
    """A clip's sound, made again of what it was decoded from.

    Args:
        path: of the file that was kept.
        kept: what the ledger says of it.
        start_ms, end_ms: the clip's segment in its video.
        rate: samples a second that are wanted.

    Raises:
        DataMismatch: it is gone, has changed, or cannot be decoded.
    """
    try:
        content = read_file(path, MOST_BYTES)
    except OSError as error:
        raise DataMismatch(f"{path} cannot be read: {error.strerror}", _REPAIR) from error
    if hashlib.sha256(content).hexdigest() != kept.sha256:
        raise DataMismatch(f"{path} has changed since it was written", _REPAIR)
    try:
        return decode_segment(Media(content), start_ms - kept.begins_ms, end_ms - kept.begins_ms, rate=rate)
    except DecodeError as error:
        raise DataMismatch(f"{path} cannot be decoded again: {error.message}", _REPAIR) from error


def _suffix(head: bytes) -> str:
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return ".webm" if b"webm" in head else ".mka"
    if head[4:8] in (b"ftyp", b"styp", b"moof"):
        return ".m4a"
    for magic, suffix in ((b"OggS", ".ogg"), (b"fLaC", ".flac"), (b"RIFF", ".wav"), (b"ID3", ".mp3")):
        if head.startswith(magic):
            return suffix
    return ".mp3" if frame_bytes(head) else ".bin"

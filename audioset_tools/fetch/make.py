"""Making one clip from what a source gave, as a task: decoded, cut, resampled, written, and known again."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ..audio.clip import write_clip
from ..audio.ffmpeg import Media
from ..audio.fingerprint import fingerprint
from ..audio.kept import keep_source
from ..audio.segment import decode_segment


@dataclass(frozen=True, slots=True)
class ClipTask:
    """A clip to make.

    Args:
        media: what it is decoded from.
        start_ms, end_ms: the segment, on the time line of `media`.
        tail_ms: how much longer than the segment media may be that are taken to end with it; None if they
            may go on.
        rate: of the clip, in hertz.
        root: the workspace, which must be there.
        target: where the clip goes; None to see only whether there could be one.
        kept: where `media` are kept, without the suffix of their form; None where they are not.
    """

    media: Media
    start_ms: int
    end_ms: int
    tail_ms: int | None
    rate: int
    root: Path
    target: Path | None = None
    kept: Path | None = None

    def placed(self, place: Callable[[Path], Path]) -> "ClipTask":
        """The same with its paths as others find them."""
        content = self.media.content
        return replace(
            self,
            media=replace(self.media, content=place(content) if isinstance(content, Path) else content),
            root=place(self.root),
            target=self.target and place(self.target),
            kept=self.kept and place(self.kept),
        )


@dataclass(frozen=True, slots=True)
class MadeClip:
    """What is known of a clip that was made.

    Args:
        sha256: of its file; "" where none was written.
        seconds: how long the segment was before padding.
        peak: the largest absolute sample, of full scale.
        form: in which form the sound was found.
        decoder: what decoded and resampled it, with versions.
        fingerprint: by which the same sound is known again.
        kept: the file that was kept, and its sha256.
    """

    sha256: str
    seconds: float
    peak: float
    form: str
    decoder: str
    fingerprint: bytes = b""
    kept: tuple[Path, str] | None = None


class Unwritten(OSError):
    """The clip, or what it was decoded from, could not be written."""


def make_clip(task: ClipTask) -> MadeClip:
    """Decode a segment, and write it.

    Raises:
        DecodeError: it ends before the segment does, is silent, or cannot be decoded.
        Unwritten: the disk does not take it, or the workspace is gone.
    """
    sound = decode_segment(task.media, task.start_ms, task.end_ms, task.tail_ms, task.rate)
    if task.target is None:
        return MadeClip("", sound.seconds, sound.peak, sound.form, sound.decoder)
    try:
        # Writing would make a folder that was taken away again, without its ledger.
        task.root.stat()
        kept = keep_source(task.media, task.kept) if task.kept else None
        sha256 = write_clip(sound.samples, task.target, task.rate)
    except OSError as error:
        raise Unwritten(error.errno, error.strerror) from error
    known_by = fingerprint(sound.samples)
    return MadeClip(sha256, sound.seconds, sound.peak, sound.form, sound.decoder, known_by, kept)

"""Whether the clips that the ledger speaks of are still on disk as they were written."""

import hashlib
import io
import os
import wave
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from stat import S_ISREG

import numpy as np

from ..errors import DataMismatch
from ..findings import Finding, Kind
from ..ledger import Ledger
from ..types import CLIP_BYTES, CLIP_SAMPLES, SAMPLE_RATE, Candidate, Clip
from ..workspace import Workspace
from .transcode import peak_of

_WAV = (SAMPLE_RATE, 1, 2)

REPAIR = "Run: audioset-tools verify --repair, and then: audioset-tools fetch"

REPAIR_DEEP = "Run: audioset-tools verify --deep --repair, and then: audioset-tools fetch"
"""For what a repair that reads sizes and headers only would not see."""


def lies_at(clip: Clip, workspace: Workspace) -> str:
    """Where a clip's file is below the workspace: never what a damaged record says."""
    return workspace.clip(clip.class_name, clip.key).relative_to(workspace.root).as_posix()


def look_at(clip: Clip, workspace: Workspace, deep: bool) -> Finding | None:
    """What is wrong with a clip's file, if anything.

    Args:
        clip: the record.
        workspace: where the file lies.
        deep: read all of it; without this only its size and its header.
    """
    name = lies_at(clip, workspace)
    if clip.path != name:
        return Finding(Kind.DAMAGED, name, f"is recorded as {clip.path!r}", REPAIR)
    try:
        if not S_ISREG((workspace.root / name).stat().st_mode):
            return Finding(Kind.DAMAGED, name, "is no file", REPAIR)
        with (workspace.root / name).open("rb") as handle:
            size = os.fstat(handle.fileno()).st_size
            # Of a file that is too large nothing more need be read than where it says how long it is.
            content = handle.read(CLIP_BYTES if deep else 4_096)
    except (FileNotFoundError, NotADirectoryError):
        return Finding(Kind.MISSING, name, "is missing", REPAIR)
    except OSError as error:
        return Finding(Kind.DAMAGED, name, f"cannot be read: {error.strerror}", REPAIR)
    if wrong := _wrong_header(content, size):
        kind, detail = wrong
        return Finding(kind, name, detail, REPAIR)
    if not deep:
        return None
    if hashlib.sha256(content).hexdigest() != clip.sha256:
        return Finding(Kind.DAMAGED, name, "has changed since it was written", REPAIR_DEEP)
    peak = peak_of(np.frombuffer(content[-2 * CLIP_SAMPLES :], np.dtype("<i2")))
    if abs(peak - clip.peak) > 1e-9:
        detail = f"has a peak of {peak:.4f}, recorded as {clip.peak:.4f}"
        return Finding(Kind.DAMAGED, name, detail, REPAIR_DEEP)
    return None


def look_at_all(
    clips: list[tuple[Candidate, Clip]],
    workspace: Workspace,
    deep: bool,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> Iterator[tuple[Candidate, Finding]]:
    """Look at many clips, several at once; gives what is wrong, in their order."""
    with ThreadPoolExecutor(min(8, 2 * (os.cpu_count() or 1)), thread_name_prefix="verify") as pool:
        try:
            found = pool.map(lambda pair: look_at(pair[1], workspace, deep), clips)
            for done, ((candidate, _), finding) in enumerate(zip(clips, found, strict=True), start=1):
                on_progress(done, len(clips))
                if finding:
                    yield candidate, finding
        finally:
            pool.shutdown(cancel_futures=True)


def put_back(
    ledger: Ledger, workspace: Workspace, candidate: Candidate, finding: Finding, at: float
) -> str | None:
    """Put a candidate whose clip is not as it should be back in its place in the queue.

    A file in the clip's place may be somebody's work: it is moved to the folder of files set aside.

    Returns:
        Where it lies now, below the workspace; None if there was none.
    """
    source = workspace.root / finding.path
    moved = None
    if finding.kind is not Kind.MISSING and source.exists():
        moved = workspace.put_aside(source)
    ledger.lose(candidate, f"{finding.path} {finding.detail}", at)
    return moved


def remove_leftovers(workspace: Workspace) -> None:
    """Remove half-written clips of a killed process; the caller holds the workspace's lock."""
    for leftover in workspace.clips.rglob(".Y*.part"):
        with suppress(FileNotFoundError):
            leftover.unlink()


def restore_lost(ledger: Ledger, workspace: Workspace, at: float) -> Iterator[str]:
    """Put clips whose file is missing or changed back in the queue; says for each what is wrong with it.

    The caller holds the workspace's lock: half-written files of a killed process are removed.
    """
    remove_leftovers(workspace)
    for candidate, finding in look_at_all(ledger.clips(), workspace, deep=True):
        moved = put_back(ledger, workspace, candidate, finding, at)
        yield f"{finding.path} {finding.detail}" + (f" (now {moved})" if moved else "")


def refuse_lost_ledger(ledger: Ledger, workspace: Workspace) -> None:
    """See that an empty ledger is a new one, and not one that was lost while its clips are still there.

    Raises:
        DataMismatch: there are clips.
    """
    if not ledger.class_names and next(workspace.clips.rglob("Y*.wav"), None):
        raise DataMismatch(
            f"{workspace.root} holds clips, and its ledger is gone or empty",
            f"Restore {ledger.path.name} from a backup, or move {workspace.clips} away to begin anew.",
        )


def _wrong_header(content: bytes, size: int) -> tuple[Kind, str] | None:
    """What a file's size and the beginning of its content tell."""
    try:
        with wave.open(io.BytesIO(content)) as sound:
            rate, channels, width, samples = (
                sound.getframerate(),
                sound.getnchannels(),
                sound.getsampwidth(),
                sound.getnframes(),
            )
    except (wave.Error, EOFError):
        return Kind.DAMAGED, "is no WAV file" if size else "is empty"
    if (rate, channels, width) != _WAV:
        return Kind.DAMAGED, f"is {rate} Hz, {channels} channel(s), {8 * width} bit"
    if size < 44 + width * samples:
        return Kind.DAMAGED, f"is cut off: {size:,} bytes instead of {44 + width * samples:,}"
    if samples != CLIP_SAMPLES:
        return Kind.WRONG_LENGTH, f"holds {samples:,} samples instead of {CLIP_SAMPLES:,}"
    if size != CLIP_BYTES:
        return Kind.DAMAGED, f"has {size:,} bytes instead of {CLIP_BYTES:,}"
    return None

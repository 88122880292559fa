"""The ledger against the disk: what is wrong with clips, and putting right what can be.

Where a clip's file lies follows from its class and its key, never from what a damaged record says. The
caller holds the workspace's lock.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from stat import S_ISREG

import numpy as np

from ..audio.clip import clip_trouble, wav_header
from ..audio.kept import source_trouble
from ..audio.segment import peak_of
from ..exceptions import DataMismatch
from ..files import open_file
from ..ledger import Ledger
from ..ledger.changes import contradictions, mend
from ..tasks.engine import cores, run_tasks, threads
from ..types import SAMPLE_RATE, Candidate, Clip, Progress, clip_bytes
from ..workspace import Workspace
from .findings import Finding, Kind, Look, Report

REPAIR = "Run: audioset-tools verify --repair, and then: audioset-tools fetch"

REPAIR_DEEP = "Run: audioset-tools verify --deep --repair, and then: audioset-tools fetch"
"""For what a repair that reads sizes and headers only would not see."""

REPAIR_SOURCE = "Run: audioset-tools verify --repair. The clip itself is whole and stays."

RESTORE = "Restore the ledger from a backup; without one, fetch into a new --workspace from local:CLIPS."

_A_TASK = 64
"""Clips that are looked at together."""

AT_ONCE = min(8, 2 * cores())
"""How many threads read clips: reading is mostly waiting for a disk."""

YOURS = "What it cannot name it never deletes: look at the file, then move it out of clips/."


def look_at_clips(ledger: Ledger, look: Look) -> Report:
    """What is wrong with a workspace's ledger and clips; changes nothing."""
    clips = ledger.clips()
    found = [_of_ledger(trouble) for trouble in contradictions(ledger, look.deep) if look.part.is_first]
    found += (finding for _, finding in _examine(ledger, clips, look))
    found += (finding for _, finding in check_sources(clips, look))
    wrong = tuple(finding for finding in found if finding.kind is not Kind.DUPLICATE)
    return Report(len(look.part.share(clips)), findings=tuple(found), left=wrong)


def repair_clips(ledger: Ledger, look: Look, at: float) -> Report:
    """Put right what can be: the ledger's own counts, and clips that are not as they should be.

    These candidates are queued again. Files of which there is no record stay where they are, half-written
    ones are removed.

    Args:
        ledger: the workspace's, open for writing.
        look: how its clips are looked at, all of them.
        at: seconds since the epoch, for the record.

    Raises:
        DataMismatch: the ledger's pages are damaged.
    """
    workspace, clips = look.workspace, ledger.clips()
    found = [_of_ledger(trouble) for trouble in contradictions(ledger, look.deep)]
    left: list[Finding] = []
    if found:
        mend(ledger, at)
        left += [
            replace(_of_ledger(trouble), remedy=RESTORE) for trouble in contradictions(ledger, look.deep)
        ]
    moved, queued = [], 0
    for candidate, finding in _examine(ledger, clips, look):
        found.append(finding)
        if candidate is not None:
            moved.append(requeue_clip(ledger, workspace, candidate, finding, at))
            queued += 1
        elif finding.kind is Kind.ORPHANED and not _half_written(finding.path):
            left.append(finding)
    for candidate, finding in check_sources(clips, look):
        found.append(finding)
        if finding.kind is Kind.DAMAGED and (workspace.root / finding.path).is_file():
            moved.append(workspace.put_aside(workspace.root / finding.path))
        ledger.lose_source(candidate, f"{finding.path} {finding.detail}", at)
    _remove_leftovers(workspace)
    return Report(
        len(clips),
        findings=tuple(found),
        left=tuple(left),
        queued=queued,
        set_aside=tuple(name for name in moved if name),
    )


def look_at_ledger(ledger: Ledger, deep: bool, remedy: str) -> tuple[Finding, ...]:
    """What is wrong with a ledger by itself, where not even its clips can be read; `remedy` is what to do."""
    return tuple(replace(_of_ledger(trouble), remedy=remedy) for trouble in contradictions(ledger, deep))


def restore_lost(ledger: Ledger, workspace: Workspace, at: float) -> Iterator[str]:
    """Put clips whose file is missing or changed back in the queue, and say of each what is wrong with it.

    Half-written files of a killed process are removed. `at` is in seconds since the epoch.
    """
    _remove_leftovers(workspace)
    with threads(AT_ONCE) as by:
        lost = check_clips(ledger, ledger.clips(), Look(workspace, by, deep=True))
    for candidate, finding in lost:
        moved = requeue_clip(ledger, workspace, candidate, finding, at)
        yield f"{finding.path} {finding.detail}" + (f" (now {moved})" if moved else "")


def refuse_lost_ledger(ledger: Ledger | None, workspace: Workspace) -> None:
    """See that an empty ledger, or none, is new, and was not lost while its clips are still there.

    Raises:
        DataMismatch: there are clips.
    """
    if not (ledger and ledger.class_names) and next(workspace.clips.rglob("Y*.wav"), None):
        raise DataMismatch(
            f"{workspace.root} holds clips, and its ledger is gone or empty",
            f"Restore {workspace.ledger.name} from a backup; or move {workspace.clips} away, and name its new"
            " place with `fetch --source local:DIR`.",
        )


def requeue_clip(
    ledger: Ledger, workspace: Workspace, candidate: Candidate, finding: Finding, at: float
) -> str | None:
    """Put a candidate whose clip is not as it should be back in its place in the queue.

    A file in the clip's place may be the user's work: it is moved to the folder of files set aside.

    Returns:
        Where it lies now, below the workspace; None if there was none.
    """
    source = workspace.root / finding.path
    moved = None
    if finding.kind is not Kind.MISSING and source.exists():
        moved = workspace.put_aside(source)
    ledger.lose(candidate, f"{finding.path} {finding.detail}", at)
    return moved


def check_clips(
    ledger: Ledger, clips: Sequence[tuple[Candidate, Clip]], look: Look
) -> list[tuple[Candidate, Finding]]:
    """Check many clips of a ledger, some of them a task; gives what is wrong, in their order."""
    numbered = list(enumerate(clip for _, clip in clips))
    tasks = [numbered[start : start + _A_TASK] for start in range(0, len(clips), _A_TASK)]
    found: dict[int, Finding] = {}
    done = 0

    def add(task: Sequence[tuple[int, Clip]], wrong: dict[int, Finding]) -> None:
        nonlocal done
        done += len(task)
        found.update(wrong)
        look.on_progress(Progress(done, len(clips), "clips"))

    root = look.by.place(look.workspace.root)
    work = partial(_check_some, workspace=Workspace(root), deep=look.deep, rate=ledger.sample_rate)
    run_tasks(look.by, work, tasks, add)
    return [(clips[number][0], found[number]) for number in sorted(found)]


def _check_some(
    task: Sequence[tuple[int, Clip]], workspace: Workspace, deep: bool, rate: int
) -> dict[int, Finding]:
    """What is wrong with some clips, by their numbers."""
    found = ((number, check_clip(clip, workspace, deep, rate)) for number, clip in task)
    return {number: finding for number, finding in found if finding is not None}


def check_clip(clip: Clip, workspace: Workspace, deep: bool, rate: int = SAMPLE_RATE) -> Finding | None:
    """What is wrong with a clip's file, if anything; `deep` reads all of it, not its size and header only."""
    name = expected_path(clip, workspace)
    if clip.path != name:
        return Finding(Kind.DAMAGED, name, f"is recorded as {clip.path!r}", REPAIR)
    try:
        if not S_ISREG((workspace.root / name).stat().st_mode):
            return Finding(Kind.DAMAGED, name, "is no file", REPAIR)
        with open_file(workspace.root / name) as handle:
            size = os.fstat(handle.fileno()).st_size
            # Of a file that is too large nothing more need be read than where it says how long it is.
            content = handle.read(clip_bytes(rate) if deep else 4_096)
    except (FileNotFoundError, NotADirectoryError):
        return Finding(Kind.MISSING, name, "is missing", REPAIR)
    except OSError as error:
        return Finding(Kind.DAMAGED, name, f"cannot be read: {error.strerror}", REPAIR)
    if trouble := clip_trouble(content, size, rate):
        kind = Kind.WRONG_LENGTH if trouble.is_wrong_length else Kind.DAMAGED
        return Finding(kind, name, trouble.words, REPAIR)
    if not deep:
        return None
    if hashlib.sha256(content).hexdigest() != clip.sha256:
        return Finding(Kind.DAMAGED, name, "has changed since it was written", REPAIR_DEEP)
    peak = peak_of(np.frombuffer(content, np.dtype("<i2"), offset=len(wav_header(rate))))
    if abs(peak - clip.peak) > 1e-9:
        detail = f"has a peak of {peak:.4f}, recorded as {clip.peak:.4f}"
        return Finding(Kind.DAMAGED, name, detail, REPAIR_DEEP)
    return None


def check_sources(clips: Sequence[tuple[Candidate, Clip]], look: Look) -> Iterator[tuple[Candidate, Finding]]:
    """What is wrong with the files that clips were decoded from, where they were kept."""
    workspace = look.workspace
    for candidate, clip in look.part.share(clips):
        if clip.kept is None:
            continue
        wanted = workspace.kept_source(clip.class_name, clip.key)
        path = wanted.with_name(Path(clip.kept.path).name)
        name = path.relative_to(workspace.root).as_posix()
        try:
            if name != clip.kept.path or not path.name.startswith(f"{wanted.name}."):
                trouble: str | None = f"is recorded as {clip.kept.path!r}"
            else:
                trouble = source_trouble(path, clip.kept.sha256, look.deep)
        except (FileNotFoundError, NotADirectoryError):
            yield candidate, Finding(Kind.MISSING, name, "was kept, and is missing", REPAIR_SOURCE)
            continue
        except OSError as error:
            trouble = f"cannot be read: {error.strerror}"
        if trouble:
            yield candidate, Finding(Kind.DAMAGED, name, trouble, REPAIR_SOURCE)


def expected_path(clip: Clip, workspace: Workspace) -> str:
    """Where a clip's file is below the workspace, whatever its record says."""
    return workspace.clip(clip.class_name, clip.key).relative_to(workspace.root).as_posix()


def _examine(
    ledger: Ledger, clips: Sequence[tuple[Candidate, Clip]], look: Look
) -> Iterator[tuple[Candidate | None, Finding]]:
    """All that is wrong on disk; with its candidate where that is one clip's trouble."""
    # Listed before a repair moves anything.
    listed = _files(look.workspace) if look.part.is_first else []
    wrong = set()
    for candidate, finding in check_clips(ledger, look.part.share(clips), look):
        wrong.add(finding.path)
        yield candidate, finding
    if not look.part.is_first:
        return
    workspace = look.workspace
    recorded = {expected_path(clip, workspace) for _, clip in clips}
    for path in listed:
        if path not in recorded:
            if _half_written(path):
                half = "half-written by a process that was killed"
                yield None, Finding(Kind.ORPHANED, path, half, REPAIR)
            else:
                yield None, Finding(Kind.ORPHANED, path, "", YOURS)
    same: dict[str, list[str]] = {}
    for _, clip in clips if look.deep else ():
        if (path := expected_path(clip, workspace)) not in wrong:
            same.setdefault(clip.sha256, []).append(path)
    for first, *others in same.values():
        if others:
            yield None, Finding(Kind.DUPLICATE, first, f"holds the same samples as {', '.join(others)}")


def _files(workspace: Workspace) -> list[str]:
    """All that lies below the folder of clips, or in its place."""
    paths = [workspace.clips] if workspace.clips.is_file() else workspace.clips.rglob("*")
    return sorted(path.relative_to(workspace.root).as_posix() for path in paths if not path.is_dir())


def _half_written(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.startswith(".Y") and name.endswith(".part")


def _remove_leftovers(workspace: Workspace) -> None:
    """Remove half-written clips of a killed process."""
    for leftover in (*workspace.clips.rglob(".Y*.part"), *workspace.sources.rglob(".Y*.part")):
        with suppress(FileNotFoundError):
            leftover.unlink()


def _of_ledger(trouble: str) -> Finding:
    return Finding(Kind.LEDGER, "", trouble, REPAIR)

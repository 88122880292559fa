"""The ledger against the disk: what is wrong with clips, and putting right what can be.

Where a clip's file lies follows from its class and its key, never from what a damaged record says. The
caller holds the workspace's lock.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from itertools import count, islice
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
from ..ledger.queries import clip_count, shared_sha256
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

_Some = tuple[int, tuple[tuple[Candidate, Clip], ...]]
"""The number of the first of some clips, and they."""

AT_ONCE = min(8, 2 * cores())
"""How many threads read clips: reading is mostly waiting for a disk."""

YOURS = "What it cannot name it never deletes: look at the file, then move it out of clips/."


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a clip of the ledger: with its file, and with what it was decoded from if kept."""

    candidate: Candidate
    file: Finding | None
    source: Finding | None


def look_at_clips(ledger: Ledger, look: Look) -> Report:
    """What is wrong with a workspace's ledger and clips; changes nothing."""
    found = [_of_ledger(trouble) for trouble in contradictions(ledger, look.deep) if look.part.is_first]
    seen = _Seen(ledger, look)
    wrong = check_clips(ledger, look, seen)
    found += [one.file for one in wrong if one.file]
    found += seen.findings(wrong)
    found += [one.source for one in wrong if one.source]
    left = tuple(finding for finding in found if finding.kind is not Kind.DUPLICATE)
    return Report(seen.clips, findings=tuple(found), left=left)


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
    workspace = look.workspace
    found = [_of_ledger(trouble) for trouble in contradictions(ledger, look.deep)]
    left: list[Finding] = []
    if found:
        mend(ledger, at)
        left += [
            replace(_of_ledger(trouble), remedy=RESTORE) for trouble in contradictions(ledger, look.deep)
        ]
    seen = _Seen(ledger, look)
    wrong = check_clips(ledger, look, seen)
    moved, queued = [], 0
    for one in wrong:
        if one.file:
            found.append(one.file)
            moved.append(requeue_clip(ledger, workspace, one.candidate, one.file, at))
            queued += 1
    for finding in seen.findings(wrong):
        found.append(finding)
        if finding.kind is Kind.ORPHANED and not _half_written(finding.path):
            left.append(finding)
    for one in wrong:
        if one.source:
            found.append(one.source)
            if one.source.kind is Kind.DAMAGED and (workspace.root / one.source.path).is_file():
                moved.append(workspace.put_aside(workspace.root / one.source.path))
            ledger.lose_source(one.candidate, f"{one.source.path} {one.source.detail}", at)
    _remove_leftovers(workspace)
    return Report(
        seen.clips,
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
        wrong = check_clips(ledger, Look(workspace, by, deep=True))
    for one in wrong:
        if one.file:
            moved = requeue_clip(ledger, workspace, one.candidate, one.file, at)
            yield f"{one.file.path} {one.file.detail}" + (f" (now {moved})" if moved else "")


def refuse_lost_ledger(ledger: Ledger, workspace: Workspace) -> None:
    """See that an empty ledger is a new one, and not one that was lost while its clips are still there.

    Raises:
        DataMismatch: there are clips.
    """
    if not ledger.class_names and next(workspace.clips.rglob("Y*.wav"), None):
        raise DataMismatch(
            f"{workspace.root} holds clips, and its ledger is gone or empty",
            f"Restore {ledger.path.name} from a backup, or move {workspace.clips} away to begin again.",
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


def check_clips(ledger: Ledger, look: Look, seen: "_Seen | None" = None) -> list[Wrong]:
    """Check the clips of a ledger, some of them a task; gives those with which something is wrong, in order.

    Args:
        look: how they are looked at.
        seen: is told of every clip. Without it nobody asks what they were decoded from.
    """
    total = len(range(look.part.number - 1, clip_count(ledger), look.part.of))
    found: dict[int, Wrong] = {}
    done = 0

    def tasks() -> Iterator[_Some]:
        mine = look.part.each(ledger.each_clip() if seen is None else map(seen.see, ledger.each_clip()))
        for first in count(step=_A_TASK):
            if not (some := tuple(islice(mine, _A_TASK))):
                return
            yield first, some

    def add(task: _Some, wrong: dict[int, Wrong]) -> None:
        nonlocal done
        done += len(task[1])
        found.update(wrong)
        look.on_progress(Progress(done, total, "clips"))

    root = look.by.place(look.workspace.root)
    work = partial(
        _check_some,
        workspace=Workspace(root),
        deep=look.deep,
        rate=ledger.sample_rate,
        sources=seen is not None,
    )
    run_tasks(look.by, work, tasks(), add)
    return [found[number] for number in sorted(found)]


def _check_some(task: _Some, workspace: Workspace, deep: bool, rate: int, sources: bool) -> dict[int, Wrong]:
    """What is wrong with some clips, by their numbers; `sources` looks at what was kept of them, too."""
    first, some = task
    found = {}
    for number, (candidate, clip) in enumerate(some, start=first):
        file = check_clip(clip, workspace, deep, rate)
        source = check_source(clip, workspace, deep) if sources else None
        if file or source:
            found[number] = Wrong(candidate, file, source)
    return found


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


def check_source(clip: Clip, workspace: Workspace, deep: bool) -> Finding | None:
    """What is wrong with the file that a clip was decoded from, if it was kept."""
    if clip.kept is None:
        return None
    wanted = workspace.kept_source(clip.class_name, clip.key)
    path = wanted.with_name(Path(clip.kept.path).name)
    name = path.relative_to(workspace.root).as_posix()
    try:
        if name != clip.kept.path or not path.name.startswith(f"{wanted.name}."):
            trouble: str | None = f"is recorded as {clip.kept.path!r}"
        else:
            trouble = source_trouble(path, clip.kept.sha256, deep)
    except (FileNotFoundError, NotADirectoryError):
        return Finding(Kind.MISSING, name, "was kept, and is missing", REPAIR_SOURCE)
    except OSError as error:
        trouble = f"cannot be read: {error.strerror}"
    return Finding(Kind.DAMAGED, name, trouble, REPAIR_SOURCE) if trouble else None


def expected_path(clip: Clip, workspace: Workspace) -> str:
    """Where a clip's file is below the workspace, whatever its record says."""
    return workspace.clip(clip.class_name, clip.key).relative_to(workspace.root).as_posix()


class _Seen:
    """What concerns all clips at once: files of which there is no record, and those of the same samples.

    Attributes:
        clips: how many of them are looked at.
    """

    def __init__(self, ledger: Ledger, look: Look) -> None:
        first, part = look.part.is_first, look.part
        self.clips = len(range(part.number - 1, clip_count(ledger), part.of))
        self._workspace = look.workspace
        # Listed before a repair moves anything.
        self._strange = {*_files(look.workspace)} if first else set[str]()
        self._shared = shared_sha256(ledger) if first and look.deep else set[str]()
        self._same: dict[str, list[str]] = {}

    def see(self, pair: tuple[Candidate, Clip]) -> tuple[Candidate, Clip]:
        """Take in a clip of the ledger, on its way to those who read its file."""
        path = expected_path(pair[1], self._workspace)
        self._strange.discard(path)
        if pair[1].sha256 in self._shared:
            self._same.setdefault(pair[1].sha256, []).append(path)
        return pair

    def findings(self, wrong: Sequence[Wrong]) -> Iterator[Finding]:
        """What is odd, when all clips were seen; `wrong` are those whose files need not be compared."""
        for path in sorted(self._strange):
            half = _half_written(path)
            detail = "half-written by a process that was killed" if half else ""
            yield Finding(Kind.ORPHANED, path, detail, REPAIR if half else YOURS)
        bad = {one.file.path for one in wrong if one.file}
        for paths in self._same.values():
            whole = [path for path in paths if path not in bad]
            if len(whole) > 1:
                detail = f"holds the same samples as {', '.join(whole[1:])}"
                yield Finding(Kind.DUPLICATE, whole[0], detail)


def _files(workspace: Workspace) -> Iterator[str]:
    """All that lies below the folder of clips, or in its place."""
    paths = [workspace.clips] if workspace.clips.is_file() else workspace.clips.rglob("*")
    return (path.relative_to(workspace.root).as_posix() for path in paths if not path.is_dir())


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

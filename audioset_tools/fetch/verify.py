"""The ledger against the disk: what is wrong with the clips, and putting right what can be.

Only looking takes no lock. So that a fetch running beside it is never taken for damage, the disk is listed
before the ledger's moment is taken, and whatever looks wrong is looked at once more at a later moment.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from ..findings import Finding, Kind, Report
from ..ledger import Ledger
from ..types import Candidate, Clip
from ..upkeep import contradictions, mend
from ..workspace import Workspace
from .check import REPAIR, lies_at, look_at, look_at_all, put_back, remove_leftovers

YOUNG_S = 60.0
"""A file of this age or less that no record speaks of may be one that a running fetch is about to record."""

_RECORDED_WITHIN_S = 5.0
"""Seconds within which a fetch records a clip that it has written."""

YOURS = "What it cannot name it never deletes: look at the file, then move it out of clips/."

RESTORE = "Restore the ledger from a backup."

_OF_A_CLIP = {Kind.MISSING, Kind.DAMAGED, Kind.WRONG_LENGTH}

Show = Callable[[int, int], None]


def verify(
    workspace: Workspace,
    deep: bool,
    on_progress: Show,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """Look over a workspace's clips without changing anything; a fetch may be running in it.

    Args:
        workspace: which.
        deep: read every byte instead of sizes and headers.
        on_progress: told how many clips are done and how many there are.
        clock: seconds since the epoch.
        sleep: waits so many seconds.

    Raises:
        DataMismatch: there is no ledger, or none that can be read.
    """
    listed = _files(workspace)
    with Ledger(workspace.ledger, read_only=True) as ledger:
        clips = ledger.clips()
        found = [_of_ledger(said) for said in contradictions(ledger, deep)]
        found += [finding for _, finding in _examine(clips, listed, workspace, deep, on_progress)]
    confirmed = tuple(_confirm(found, workspace, deep, clock, sleep)) if found else ()
    wrong = tuple(finding for finding in confirmed if finding.kind is not Kind.DUPLICATE)
    return Report(len(clips), findings=confirmed, left=wrong)


def repair(ledger: Ledger, workspace: Workspace, deep: bool, on_progress: Show, at: float) -> Report:
    """Put right what can be: the ledger's own counts, and clips that are not as they should be, which are
    queued again. Files that no record speaks of stay where they are; half-written ones are removed.

    The caller holds the workspace's lock.

    Args:
        ledger: open for writing.
        workspace: which.
        deep: read every byte instead of sizes and headers.
        on_progress: told how many clips are done and how many there are.
        at: seconds since the epoch, for the record.

    Raises:
        DataMismatch: the ledger's pages are damaged.
    """
    found = [_of_ledger(said) for said in contradictions(ledger, deep)]
    left: list[Finding] = []
    if found:
        mend(ledger, at)
        left += [replace(_of_ledger(said), remedy=RESTORE) for said in contradictions(ledger, deep)]
    moved, queued, clips = [], 0, ledger.clips()
    for candidate, finding in _examine(clips, _files(workspace), workspace, deep, on_progress):
        found.append(finding)
        if candidate is not None:
            moved.append(put_back(ledger, workspace, candidate, finding, at))
            queued += 1
        elif finding.kind is Kind.ORPHANED and not _half_written(finding.path):
            left.append(finding)
    remove_leftovers(workspace)
    return Report(
        len(clips),
        findings=tuple(found),
        left=tuple(left),
        queued=queued,
        set_aside=tuple(name for name in moved if name),
    )


def _examine(
    clips: list[tuple[Candidate, Clip]],
    listed: list[str],
    workspace: Workspace,
    deep: bool,
    on_progress: Show,
) -> Iterator[tuple[Candidate | None, Finding]]:
    """All that looks wrong on disk; with its candidate where that is one clip's trouble."""
    wrong = set()
    for candidate, finding in look_at_all(clips, workspace, deep, on_progress):
        wrong.add(finding.path)
        yield candidate, finding
    spoken_of = {lies_at(clip, workspace) for _, clip in clips}
    for path in listed:
        if path not in spoken_of:
            if _half_written(path):
                half = "half-written by a process that was killed"
                yield None, Finding(Kind.ORPHANED, path, half, REPAIR)
            else:
                yield None, Finding(Kind.ORPHANED, path, "", YOURS)
    same: dict[str, list[str]] = {}
    for _, clip in clips if deep else ():
        if (path := lies_at(clip, workspace)) not in wrong:
            same.setdefault(clip.sha256, []).append(path)
    for first, *others in same.values():
        if others:
            yield None, Finding(Kind.DUPLICATE, first, f"holds the same samples as {', '.join(others)}")


def _confirm(
    found: list[Finding],
    workspace: Workspace,
    deep: bool,
    clock: Callable[[], float],
    sleep: Callable[[float], None],
) -> Iterator[Finding]:
    """Those of some findings that are still true at a later moment."""
    began = clock()
    while True:
        with Ledger(workspace.ledger, read_only=True) as ledger:
            records = {lies_at(clip, workspace): clip for _, clip in ledger.clips()}
        orphans = [
            f
            for f in found
            if f.kind is Kind.ORPHANED and f.path not in records and (workspace.root / f.path).exists()
        ]
        if clock() - began >= _RECORDED_WITHIN_S or not any(
            _is_young(workspace, f.path, began) for f in orphans
        ):
            break
        sleep(0.25)
    for finding in found:
        if finding.kind in _OF_A_CLIP:
            # No record: it was queued again meanwhile. Another record: it was fetched anew.
            record = records.get(finding.path)
            if record and (again := look_at(record, workspace, deep)):
                yield again
        elif finding.kind is not Kind.ORPHANED or finding in orphans:
            yield finding


def _is_young(workspace: Workspace, path: str, now: float) -> bool:
    try:
        return now - (workspace.root / path).stat().st_mtime <= YOUNG_S
    except OSError:
        return False


def _files(workspace: Workspace) -> list[str]:
    """All that lies below the folder of clips, or in its place."""
    paths = [workspace.clips] if workspace.clips.is_file() else workspace.clips.rglob("*")
    return sorted(path.relative_to(workspace.root).as_posix() for path in paths if not path.is_dir())


def _half_written(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.startswith(".Y") and name.endswith(".part")


def _of_ledger(said: str) -> Finding:
    return Finding(Kind.LEDGER, "", said, REPAIR)

"""The shards against `dataset.csv` and the ledger: what is wrong, and what is taken away to be made anew.

Only looking takes no lock. A featurize that is running is never taken for damage: a folder without its index
is in the making as long as somebody works in the workspace, and what looks wrong while it begins is looked
at once more.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import DataMismatch
from ..findings import Finding, Kind, Report
from ..types import Clip
from ..workspace import Workspace
from .check import YOURS, Expected, look_at_folder, make_again
from .dataset import RESTORE, read_dataset
from .index import NAME as INDEX
from .index import Index, read_index
from .split import Placement, named

_BEGUN_WITHIN_S = 5.0
"""Seconds within which a featurize that has written `dataset.csv` takes the index away."""

_LOOKS = 3

_UNHARMED = {Kind.MISSING, Kind.ORPHANED}

Show = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the ledger says, as far as shards are made from it.

    Args:
        recipe: name of its recipe.
        class_names: its classes.
        clips: the accepted clips by key.
    """

    recipe: str
    class_names: tuple[str, ...]
    clips: dict[str, Clip]


def verify(
    workspace: Workspace,
    recorded: Recorded,
    deep: bool,
    on_progress: Show,
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """Look over a workspace's shards without changing anything; any other command may be running in it.

    Args:
        workspace: which.
        recorded: what the ledger says.
        deep: read every row instead of headers and small columns.
        on_progress: told how many shards are done and how many there are.
        clock: seconds since the epoch.
        sleep: waits so many seconds.
    """
    for _ in range(_LOOKS):
        before = _moment(workspace)
        report = _look(workspace, recorded, deep, on_progress, workspace.busy)
        if not report.findings or not workspace.busy():
            break
        until = clock() + _BEGUN_WITHIN_S
        while (after := _moment(workspace)) == before and clock() < until:
            sleep(0.25)
        if after == before:
            break
    return report


def repair(workspace: Workspace, recorded: Recorded, deep: bool, on_progress: Show) -> Report:
    """Remove shards that are not as they should be, with the index of their folder, so that nobody trains on
    them and `featurize` makes them anew from the clips. The caller holds the workspace's lock.

    Args:
        workspace: which.
        recorded: what the ledger says.
        deep: read every row instead of headers and small columns.
        on_progress: told how many shards are done and how many there are.
    """
    report = _look(workspace, recorded, deep, on_progress, lambda: False)
    removed = []
    for name in dict.fromkeys(f.path for f in report.findings if _is_made_anew(f)):
        path = workspace.root / name
        if path.is_file():
            if path.suffix != ".part":
                (path.parent / INDEX).unlink(missing_ok=True)
            path.unlink(missing_ok=True)
            removed.append(name)
    if not removed:
        return report
    left = _look(workspace, recorded, False, lambda done, total: None, lambda: False).findings
    return Report(0, report.shards, report.findings, left, removed=tuple(removed))


def _is_made_anew(finding: Finding) -> bool:
    """Whether a finding is about a file that featurize makes, and might otherwise take for right."""
    path = finding.path
    return path.endswith(".part") or (path.endswith((".h5", INDEX)) and finding.kind not in _UNHARMED)


def _look(
    workspace: Workspace, recorded: Recorded, deep: bool, on_progress: Show, busy: Callable[[], bool]
) -> Report:
    folders = sorted(path for path in workspace.shards.glob("*") if path.is_dir())
    strays = sorted(path for path in workspace.shards.glob("*") if not path.is_dir())
    total, done = sum(len(list(folder.glob("*.h5"))) for folder in folders), 0

    def step() -> None:
        nonlocal done
        done += 1
        on_progress(min(done, total), total)

    found = [Finding(Kind.ORPHANED, _below(path, workspace), "", YOURS) for path in strays]
    if folders:
        trouble, placements = _read_dataset(workspace)
        found += trouble
        found += _look_at_dataset(placements or {}, recorded)
        expected = Expected(workspace.root, recorded.recipe, recorded.class_names, placements)
        for folder in folders:
            said, index = _read_index(folder, workspace, busy)
            if said is None and index is None:
                continue
            found += [said] if said else []
            found += look_at_folder(folder, expected, index, deep, step)
    return Report(shards=total, findings=tuple(found), left=tuple(found))


def _read_dataset(workspace: Workspace) -> tuple[list[Finding], dict[str, Placement] | None]:
    name = _below(workspace.dataset, workspace)
    try:
        placements = read_dataset(workspace.dataset)
    except DataMismatch as error:
        detail = error.what.replace(str(workspace.dataset), "").lstrip(", :")
        return [Finding(Kind.DAMAGED, name, detail, RESTORE)], None
    if not placements:
        return [Finding(Kind.MISSING, name, "is missing or empty, and there are shards", RESTORE)], None
    return [], {placement.key: placement for placement in placements}


def _look_at_dataset(placements: dict[str, Placement], recorded: Recorded) -> Iterator[Finding]:
    """Clips of which the ledger says something else; one that is in the queue again is no fault here."""
    for key, placement in placements.items():
        clip = recorded.clips.get(key)
        if clip and named(clip) != named(placement):
            detail = f"clip {key} is of class {named(placement)}, and {named(clip)} in the ledger"
            yield Finding(Kind.DAMAGED, "dataset.csv", detail, RESTORE)
        elif clip and clip.sha256 != placement.sha256:
            detail = f"clip {key} was fetched anew since its mel was taken"
            yield Finding(Kind.OUT_OF_DATE, "dataset.csv", detail, "Run: audioset-tools featurize")


def _read_index(
    folder: Path, workspace: Workspace, busy: Callable[[], bool]
) -> tuple[Finding | None, Index | None]:
    """What is wrong with a folder's index, and what it lists; neither where the folder is in the making."""
    at_work = busy()
    try:
        return None, read_index(folder)
    except DataMismatch:
        run = f"Run: {make_again(folder)}"
        if (folder / INDEX).exists():
            return Finding(Kind.DAMAGED, _below(folder / INDEX, workspace), "is damaged", run), None
        if at_work:
            return None, None
        detail = "featurize did not complete it, or forget or a repair took a shard away"
        return Finding(Kind.UNFINISHED, _below(folder, workspace), detail, run), None


def _moment(workspace: Workspace) -> tuple[object, ...]:
    """What a featurize changes when it begins and when it ends."""
    paths = [workspace.dataset, *sorted(workspace.shards.glob(f"*/{INDEX}"))]
    stats = [(path, path.stat()) for path in paths if path.exists()]
    return tuple((path, stat.st_ino, stat.st_mtime_ns) for path, stat in stats)


def _below(path: Path, workspace: Workspace) -> str:
    return path.relative_to(workspace.root).as_posix()

"""Checks of a workspace: may it be written to, where does it lie, is its ledger whole, does the disk suffice.

The workspace need not exist yet: then the nearest folder above it is looked at. Nothing is left behind.
"""

import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..disks import Mount, Reach, is_of_this_machine, mounted, nearest_existing, reach_of
from ..exceptions import DataMismatch
from ..locks import has_byte_locks
from ..types import BY_USER, SAMPLE_RATE, Reason, Splits, clip_bytes
from ..words import clock_time, counted
from ..workspace import Workspace
from .check import Level, Outcome

if TYPE_CHECKING:
    from ..catalog.recipe import Recipe


MEL_BYTES = 128 * 801 * 4
"""A mel in a shard: bands, frames, float32."""


@dataclass(frozen=True, slots=True)
class Room:
    """What a user may still write: bytes, and how many files (None where there is no such limit)."""

    free: int
    files: int | None


@dataclass(frozen=True, slots=True)
class Held:
    """What a ledger says: the accepted clips of each class; until when and why YouTube refuses.

    `sample_rate` is that of the clips, in hertz; `wanted` is how many clips a list wants, or
    AudioSet's own task; `splits` are the proportions that it was begun with.
    """

    accepted: Mapping[str, int]
    paused_until: float = 0.0
    reason: Reason | None = None
    sample_rate: int = SAMPLE_RATE
    wanted: int | None = None
    splits: Splits | None = None


def folder(workspace: Workspace) -> Outcome:
    """Whether the workspace can be written to, and whether another command is at work in it."""
    where = nearest_existing(workspace.root)
    try:
        try_to_write(where)
    except OSError as error:
        return Outcome(
            Level.PROBLEM,
            f"{where} cannot be written to: {error.strerror}",
            "Choose another folder with --workspace, or change its permissions.",
        )
    if workspace.busy():
        return Outcome(Level.OK, f"{workspace.root}: a fetch or another command is running in it")
    if not workspace.root.exists():
        return Outcome(Level.OK, f"{workspace.root}, to be made in {where}")
    return Outcome(Level.OK, str(workspace.root))


def file_system(workspace: Workspace) -> Outcome:
    """What kind of disk the workspace lies on, and how the ledger is kept there."""
    return file_system_verdict(mounted(nearest_existing(workspace.root)))


def file_system_verdict(mount: Mount | None) -> Outcome:
    """What to think of a mount; None where the system does not say what is mounted."""
    if mount is None:
        return Outcome(
            Level.WARNING,
            "this system does not say",
            "See that the workspace lies on a disk that no other machine writes to.",
        )
    found = f"{mount.kind} at {mount.point}"
    reach = reach_of(mount.kind)
    if reach is Reach.NETWORK:
        return Outcome(Level.OK, f"{found}: machines may share it; the ledger is kept without a log")
    if reach is Reach.UNKNOWN:
        return Outcome(Level.OK, f"{found}: as if machines shared it; the ledger is kept without a log")
    if mount.kind in ("tmpfs", "ramfs"):
        return Outcome(
            Level.WARNING,
            f"{found}: in memory, and gone with the next start",
            "Choose a --workspace on a disk.",
        )
    return Outcome(Level.OK, found)


def ledger(workspace: Workspace, held: list[Held]) -> Outcome:
    """Whether the ledger is whole; what it says is added to `held`, for the checks that follow."""
    from ..ledger import Ledger, State
    from ..ledger.schema import damage
    from ..sources.pace import remembered

    if not workspace.ledger.exists() or not workspace.ledger.stat().st_size:
        return Outcome(Level.OK, "none yet")
    if found := damage(workspace.ledger):
        raise _damaged(workspace, found)
    root = workspace.root
    # Who only reads a log leaves an index beside it; who may write takes it away, where SQLite's locks keep
    # him from whoever else writes.
    tidies = os.access(root, os.W_OK) and is_of_this_machine(root) and has_byte_locks(root)
    try:
        with Ledger(workspace.ledger, read_only=not tidies) as book:
            accepted, origin, wanted = dict.fromkeys(book.class_names, 0), book.origin(), 0
            for tally in book.tallies():
                wanted += tally.n * (tally.reason not in BY_USER)
                if tally.state is State.ACCEPTED:
                    accepted[tally.class_name] += tally.n
            stored = book.get("pace")
            pace, rate = remembered(stored), book.sample_rate
            if stored and pace is None:
                raise ValueError("the pace")
    except (ValueError, LookupError, TypeError) as error:
        raise _damaged(workspace, f"a note in it makes no sense ({error})") from error
    paused = (pace.paused_until, pace.reason) if pace else (0.0, None)
    of_list = wanted if origin and origin.of_list else None
    splits = Splits(*origin.splits) if origin else None
    held.append(Held(accepted, *paused, sample_rate=rate, wanted=of_list, splits=splits))
    return Outcome(Level.OK, f"whole; {counted(sum(accepted.values()), 'clip')}")


def pause(held: list[Held], now: float) -> Outcome:
    """Until when everyone is paused, if anyone is."""
    if not held or held[0].paused_until <= now:
        return Outcome(Level.OK, "none")
    return Outcome(
        Level.WARNING,
        f"until {clock_time(held[0].paused_until)}: {held[0].reason}",
        "Leave it alone until then: docs/blocked.md.",
    )


def space(
    workspace: Workspace, held: list[Held], per_class: int, recipe: "Recipe", room: Callable[[Path], Room]
) -> Outcome:
    """Whether the clips still lacking fit, and the shards after them."""
    accepted = held[0].accepted if held and held[0].accepted else dict.fromkeys(recipe.class_names, 0)
    if recipe.standard and not accepted:
        free = _gigabytes(room(nearest_existing(workspace.root)).free)
        return Outcome(
            Level.OK, f"{free} free; `audioset-tools fetch --dry-run` says what {recipe.name} takes"
        )
    wanted = held[0].wanted if held else None
    lacking = sum(max(0, per_class - n) for n in accepted.values())
    if wanted is not None:
        lacking = wanted - sum(accepted.values())
    clips = lacking * clip_bytes(held[0].sample_rate if held else SAMPLE_RATE)
    splits = (held[0].splits if held else None) or recipe.splits
    mels = (2 * splits.train + splits.validation + splits.test) / (
        splits.train + splits.validation + splits.test
    )
    made = sum(path.stat().st_size for path in workspace.shards.rglob("*.h5"))
    clips_in_all = per_class * len(accepted) if wanted is None else wanted
    shards = max(0, round(clips_in_all * mels) * MEL_BYTES - made)
    return space_verdict(room(nearest_existing(workspace.root)), lacking, clips, shards)


def space_verdict(room: Room, lacking: int, clips: int, shards: int) -> Outcome:
    """What to think of the room there is for `lacking` clips, which take `clips` bytes, and for shards."""
    takes = counted(lacking, "clip still lacking takes", "clips still lacking take")
    found = f"{_gigabytes(room.free)} free; {takes} {_gigabytes(clips)}, mel shards {_gigabytes(shards)}"
    if room.files is not None and room.files < lacking:
        return Outcome(
            Level.PROBLEM,
            f"{found}; only {room.files:,} more files can be made",
            "Remove files, or choose a --workspace on another disk.",
        )
    if room.free < clips:
        return Outcome(
            Level.PROBLEM,
            found,
            "Make room, choose a --workspace on another disk, or a smaller --per-class.",
        )
    if room.free < clips + shards:
        return Outcome(Level.WARNING, found, "fetch has room, featurize has not: make some before it.")
    return Outcome(Level.OK, found)


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"


def _damaged(workspace: Workspace, what: str) -> DataMismatch:
    return DataMismatch(
        f"{workspace.ledger} is damaged: {what}",
        "Restore it from a backup, or move it away and fetch into a new --workspace.",
    )


def room_of(folder: Path) -> Room:
    """How much may be written to a folder's file system; quotas are not seen."""
    found = os.statvfs(folder)
    return Room(found.f_bavail * found.f_frsize, found.f_favail if found.f_files else None)


def try_to_write(folder: Path) -> None:
    """Write a byte to a file without a name.

    Raises:
        OSError: the folder does not take it.
    """
    with tempfile.TemporaryFile(dir=folder) as handle:
        handle.write(b"\0")

"""Checks of a workspace: may it be written to, where does it lie, is its ledger whole, does the disk suffice.

The workspace need not exist yet: then the nearest folder above it is looked at. Nothing is left behind.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import DataMismatch
from ..types import CLIP_BYTES, Reason
from ..workspace import Workspace
from .check import Finding, Verdict
from .disk import Mount, Reach, Room, mounted, nearest_existing, reach_of, try_to_lock, try_to_write

if TYPE_CHECKING:
    from ..catalog.recipe import Recipe

"""A clip on disk: samples of two bytes, and the header."""

MEL_BYTES = 128 * 801 * 4
"""A mel in a shard: bands, frames, float32."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a ledger says: the accepted clips of each class; until when and why YouTube refuses."""

    accepted: Mapping[str, int]
    paused_until: float = 0.0
    reason: Reason | None = None


def folder(place: Workspace) -> Finding:
    """Whether the workspace can be written to and locked, and whether somebody has locked it."""
    where = nearest_existing(place.root)
    try:
        try_to_write(where)
    except OSError as error:
        return Finding(
            Verdict.PROBLEM,
            f"{where} cannot be written to: {error.strerror}",
            "Choose another folder with --workspace, or change its permissions.",
        )
    try:
        try_to_lock(where)
    except OSError as error:
        return Finding(
            Verdict.PROBLEM,
            f"the file system of {where} cannot lock files: {error.strerror}",
            "Choose a --workspace on a local disk: nothing would keep a second fetch out of this one.",
        )
    if place.busy():
        return Finding(Verdict.OK, f"{place.root}: a fetch or another command is running in it")
    if not place.root.exists():
        return Finding(Verdict.OK, f"{place.root}, to be made in {where}")
    return Finding(Verdict.OK, str(place.root))


def file_system(place: Workspace) -> Finding:
    """Whether SQLite can keep a ledger where the workspace lies."""
    return file_system_verdict(mounted(nearest_existing(place.root)))


def file_system_verdict(mount: Mount | None) -> Finding:
    """What to think of a mount; None where the system does not say what is mounted."""
    if mount is None:
        return Finding(
            Verdict.WARNING,
            "this system does not say",
            "See that the workspace lies on a disk of this machine.",
        )
    found = f"{mount.kind} at {mount.point}"
    reach = reach_of(mount.kind)
    if reach is Reach.NETWORK:
        return Finding(
            Verdict.PROBLEM,
            f"{found}: a network file system or shared folder, on which SQLite can damage the ledger",
            "Fetch into a --workspace on a disk of this machine, and copy it when no command is running.",
        )
    if reach is Reach.UNKNOWN:
        return Finding(
            Verdict.WARNING,
            f"{found}: it may reach over a network",
            "If it does, choose a --workspace on a disk of this machine.",
        )
    if mount.kind in ("tmpfs", "ramfs"):
        return Finding(
            Verdict.WARNING,
            f"{found}: in memory, and gone with the next start",
            "Choose a --workspace on a disk.",
        )
    return Finding(Verdict.OK, found)


def ledger(place: Workspace, held: list[Held]) -> Finding:
    """Whether the ledger is whole; what it says is added to `held`."""
    from ..fetch.pace import remembered
    from ..ledger import Ledger, State
    from ..schema import damage

    if not place.ledger.exists() or not place.ledger.stat().st_size:
        return Finding(Verdict.OK, "none yet")
    if found := damage(place.ledger):
        raise _damaged(place, found)
    try:
        with Ledger(place.ledger) as book:
            accepted = dict.fromkeys(book.class_names, 0)
            for tally in book.tallies():
                if tally.state is State.ACCEPTED:
                    accepted[tally.class_name] += tally.n
            stored = book.get("pace")
            pace = remembered(stored)
            if stored and pace is None:
                raise ValueError("the pace")
    except (ValueError, LookupError, TypeError) as error:
        raise _damaged(place, f"a note in it makes no sense ({error})") from error
    held.append(Held(accepted, pace.paused_until if pace else 0.0, pace.reason if pace else None))
    return Finding(Verdict.OK, f"whole; {sum(accepted.values()):,} clips")


def pause(held: list[Held], now: float, moment: Callable[[float], str]) -> Finding:
    """Until when everyone is paused, if anyone is."""
    if not held or held[0].paused_until <= now:
        return Finding(Verdict.OK, "none")
    return Finding(
        Verdict.WARNING,
        f"until {moment(held[0].paused_until)}: {held[0].reason}",
        "Leave it alone until then: docs/blocked.md.",
    )


def space(
    place: Workspace, held: list[Held], per_class: int, recipe: "Recipe", room: Callable[[Path], Room]
) -> Finding:
    """Whether the clips still lacking fit, and the shards after them."""
    accepted = held[0].accepted if held and held[0].accepted else dict.fromkeys(recipe.class_names, 0)
    lacking = sum(max(0, per_class - n) for n in accepted.values())
    clips = lacking * CLIP_BYTES
    splits = recipe.splits
    mels = (2 * splits.train + splits.validation + splits.test) / (
        splits.train + splits.validation + splits.test
    )
    made = sum(path.stat().st_size for path in place.shards.rglob("*.h5"))
    shards = max(0, round(per_class * len(accepted) * mels) * MEL_BYTES - made)
    return space_verdict(room(nearest_existing(place.root)), lacking, clips, shards)


def space_verdict(room: Room, lacking: int, clips: int, shards: int) -> Finding:
    """What to think of the room there is for `lacking` clips, which take `clips` bytes, and for shards."""
    found = (
        f"{_gigabytes(room.free)} free; {lacking:,} clips still lacking take {_gigabytes(clips)},"
        f" mel shards {_gigabytes(shards)}"
    )
    if room.files is not None and room.files < lacking:
        return Finding(
            Verdict.PROBLEM,
            f"{found}; only {room.files:,} more files can be made",
            "Remove files, or choose a --workspace on another disk.",
        )
    if room.free < clips:
        return Finding(
            Verdict.PROBLEM,
            found,
            "Make room, choose a --workspace on another disk, or a smaller --per-class.",
        )
    if room.free < clips + shards:
        return Finding(Verdict.WARNING, found, "fetch has room, featurize has not: make some before it.")
    return Finding(Verdict.OK, found)


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.1f} GB"


def _damaged(place: Workspace, what: str) -> DataMismatch:
    return DataMismatch(
        f"{place.ledger} is damaged: {what}",
        "Restore it from a backup, or move it away and fetch into a new --workspace.",
    )

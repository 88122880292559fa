"""Checks of a workspace: may it be written to, where does it lie, is its ledger whole, does the disk suffice.

The workspace need not exist yet: then the nearest folder above it is looked at. Nothing is left behind.
"""

import errno
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from ..exceptions import DataMismatch
from ..files import read_file
from ..locks import lock_by_kernel
from ..types import BY_USER, SAMPLE_RATE, Reason, clip_bytes
from ..words import clock_time
from ..workspace import Workspace
from .check import Level, Outcome

if TYPE_CHECKING:
    from ..catalog.recipe import Recipe


MEL_BYTES = 128 * 801 * 4
"""A mel in a shard: bands, frames, float32."""

MOUNTINFO = Path("/proc/self/mountinfo")
"""Where Linux lists what is mounted; other systems have no such file."""

_NETWORK = frozenset({
    "nfs", "nfs4", "cifs", "smb2", "smb3", "smbfs", "afs", "ncpfs", "coda", "lustre", "gpfs", "beegfs",
    "ceph", "panfs", "pvfs2", "orangefs", "glusterfs", "gfs2", "ocfs2", "9p", "vboxsf", "prl_fs",
    "fuse.sshfs", "fuse.s3fs", "fuse.rclone", "fuse.gcsfuse", "fuse.goofys", "fuse.glusterfs",
    "fuse.ceph", "fuse.ceph-fuse", "fuse.curlftpfs", "fuse.davfs", "fuse.blobfuse2", "fuse.juicefs",
    "fuse.vmhgfs-fuse", "fuse.grpcfuse",
})  # fmt: skip
_FUSE_ON_THIS_MACHINE = frozenset({"fuseblk", "fuse.fuse-overlayfs"})


class Reach(StrEnum):
    """Where the bytes of a file system are."""

    LOCAL = "local"
    NETWORK = "network"
    """On another machine, or in a folder shared between machines: memory is not shared through it."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Mount:
    """A mounted file system: where it is seen, and its kind as the kernel names it."""

    point: str
    kind: str


@dataclass(frozen=True, slots=True)
class Room:
    """What a user may still write: bytes, and how many files (None where there is no such limit)."""

    free: int
    files: int | None


@dataclass(frozen=True, slots=True)
class Held:
    """What a ledger says: the accepted clips of each class; until when and why YouTube refuses.

    `sample_rate` is that of the clips, in hertz; `wanted` is how many clips a list wants, or
    AudioSet's own task.
    """

    accepted: Mapping[str, int]
    paused_until: float = 0.0
    reason: Reason | None = None
    sample_rate: int = SAMPLE_RATE
    wanted: int | None = None


def folder(workspace: Workspace) -> Outcome:
    """Whether the workspace can be written to and locked, and whether another command has locked it."""
    where = nearest_existing(workspace.root)
    try:
        try_to_write(where)
    except OSError as error:
        return Outcome(
            Level.PROBLEM,
            f"{where} cannot be written to: {error.strerror}",
            "Choose another folder with --workspace, or change its permissions.",
        )
    try:
        try_to_lock(where)
    except OSError as error:
        return Outcome(
            Level.PROBLEM,
            f"the file system of {where} cannot lock files: {error.strerror}",
            "Choose a --workspace on a local disk: nothing would keep a second fetch out of this one.",
        )
    if workspace.busy():
        return Outcome(Level.OK, f"{workspace.root}: a fetch or another command is running in it")
    if not workspace.root.exists():
        return Outcome(Level.OK, f"{workspace.root}, to be made in {where}")
    return Outcome(Level.OK, str(workspace.root))


def file_system(workspace: Workspace) -> Outcome:
    """Whether SQLite can keep a ledger where the workspace lies."""
    return file_system_verdict(mounted(nearest_existing(workspace.root)))


def file_system_verdict(mount: Mount | None) -> Outcome:
    """What to think of a mount; None where the system does not say what is mounted."""
    if mount is None:
        return Outcome(
            Level.WARNING,
            "this system does not say",
            "See that the workspace lies on a disk of this machine.",
        )
    found = f"{mount.kind} at {mount.point}"
    reach = reach_of(mount.kind)
    if reach is Reach.NETWORK:
        return Outcome(
            Level.PROBLEM,
            f"{found}: a network file system or shared folder, on which SQLite can damage the ledger",
            "Fetch into a --workspace on a disk of this machine, and copy it when no command is running.",
        )
    if reach is Reach.UNKNOWN:
        return Outcome(
            Level.WARNING,
            f"{found}: it may reach over a network",
            "If it does, choose a --workspace on a disk of this machine.",
        )
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
    try:
        with Ledger(workspace.ledger) as book:
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
    held.append(Held(accepted, *paused, rate, wanted if origin and origin.of_list else None))
    return Outcome(Level.OK, f"whole; {sum(accepted.values()):,} clips")


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
    splits = recipe.splits
    mels = (2 * splits.train + splits.validation + splits.test) / (
        splits.train + splits.validation + splits.test
    )
    made = sum(path.stat().st_size for path in workspace.shards.rglob("*.h5"))
    clips_in_all = per_class * len(accepted) if wanted is None else wanted
    shards = max(0, round(clips_in_all * mels) * MEL_BYTES - made)
    return space_verdict(room(nearest_existing(workspace.root)), lacking, clips, shards)


def space_verdict(room: Room, lacking: int, clips: int, shards: int) -> Outcome:
    """What to think of the room there is for `lacking` clips, which take `clips` bytes, and for shards."""
    found = (
        f"{_gigabytes(room.free)} free; {lacking:,} clips still lacking take {_gigabytes(clips)},"
        f" mel shards {_gigabytes(shards)}"
    )
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


def parse_mountinfo(text: str) -> list[Mount]:
    """What `/proc/self/mountinfo` lists, in its order; lines that are none are left out."""
    mounts = []
    # Not splitlines(): the kernel escapes line feeds and no other of the characters that would split there.
    for line in text.split("\n"):
        before, _, after = line.partition(" - ")
        fields = before.split(" ")
        if len(fields) >= 6 and after:
            mounts.append(Mount(_unescaped(fields[4]), after.split(" ")[0]))
    return mounts


def mount_of(path: str, mounts: Iterable[Mount]) -> Mount | None:
    """The mount that an absolute path without links lies on: the deepest, of several there the last."""
    found = None
    for mount in mounts:
        inside = path == mount.point or path.startswith(mount.point.rstrip("/") + "/")
        if inside and (found is None or len(mount.point) >= len(found.point)):
            found = mount
    return found


def reach_of(kind: str) -> Reach:
    """Whether a kind of file system reaches over a network."""
    if kind in _NETWORK:
        return Reach.NETWORK
    if kind == "virtiofs" or (kind.startswith("fuse") and kind not in _FUSE_ON_THIS_MACHINE):
        return Reach.UNKNOWN
    return Reach.LOCAL


def mounted(folder: Path) -> Mount | None:
    """The mount that a folder lies on, or None where the system does not say."""
    try:
        text = os.fsdecode(read_file(MOUNTINFO))
    except OSError:
        return None
    return mount_of(os.path.realpath(folder), parse_mountinfo(text))


def nearest_existing(path: Path) -> Path:
    """The path itself, or the nearest folder above it that exists."""
    real = Path(os.path.realpath(path))
    return next((step for step in (real, *real.parents) if os.path.lexists(step)), Path("/"))


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


def try_to_lock(folder: Path) -> None:
    """Lock a file without a name, as `Workspace.lock` locks its own.

    Raises:
        OSError: the file system cannot lock.
    """
    with tempfile.TemporaryFile(dir=folder) as handle:
        if not lock_by_kernel(handle.fileno()):
            raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


def _unescaped(field: str) -> str:
    """A path with spaces, tabs, line feeds and backslashes back in it: the kernel writes them in octal."""
    return re.sub(r"\\([0-3][0-7]{2})", lambda match: chr(int(match[1], 8)), field)

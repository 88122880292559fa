"""What kind of disk a folder lies on: one of this machine, or one that several may share."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from .files import read_file

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


def is_of_this_machine(folder: Path) -> bool:
    """Whether all who see a folder see the same memory through a mapped file, as SQLite's log needs it.

    Where the system does not say what is mounted, one hopes so.
    """
    mount = mounted(nearest_existing(folder))
    return mount is None or reach_of(mount.kind) is Reach.LOCAL


def _unescaped(field: str) -> str:
    """A path with spaces, tabs, line feeds and backslashes back in it: the kernel writes them in octal."""
    return re.sub(r"\\([0-3][0-7]{2})", lambda match: chr(int(match[1], 8)), field)

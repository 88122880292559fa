"""What kind of disk a folder lies on."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.disks import (
    Mount,
    Reach,
    is_of_this_machine,
    mount_of,
    mounted,
    nearest_existing,
    parse_mountinfo,
    reach_of,
)

MOUNTS = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
31 27 0:40 / /home rw,relatime shared:2 master:1 - nfs4 server:/home rw,vers=4.2
32 27 0:41 / /mnt/my\040lab\134share rw - cifs //server/share rw
33 31 0:42 /sub /home/me/local rw - xfs /dev/vdb1 rw
34 27 0:43 / /mnt/c rw - 9p C:\134 rw
35 27 0:44 / /data rw - autofs systemd-1 rw
36 27 0:45 / /data rw - lustre mgs@tcp:/scratch rw
"""


def test_the_nearest_folder_that_exists_is_looked_at(tmp_path: Path) -> None:
    assert nearest_existing(tmp_path / "a" / "b") == tmp_path
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real").mkdir()
    assert nearest_existing(tmp_path / "link" / "c") == tmp_path / "real"


@pytest.mark.parametrize(
    ("path", "kind", "reach"),
    [
        ("/", "ext4", Reach.LOCAL),
        ("/homework", "ext4", Reach.LOCAL),
        ("/home", "nfs4", Reach.NETWORK),
        ("/home/me", "nfs4", Reach.NETWORK),
        ("/home/me/local/w", "xfs", Reach.LOCAL),
        ("/mnt/my lab\\share/w", "cifs", Reach.NETWORK),
        ("/mnt/c/Users", "9p", Reach.NETWORK),
        ("/data/w", "lustre", Reach.NETWORK),
    ],
)
def test_the_mount_that_a_path_lies_on(path: str, kind: str, reach: Reach) -> None:
    mount = mount_of(path, parse_mountinfo(MOUNTS))
    assert mount is not None
    assert (mount.kind, reach_of(mount.kind)) == (kind, reach)


@pytest.mark.parametrize(
    ("kind", "reach"),
    [
        ("fuse.sshfs", Reach.NETWORK),
        ("smb3", Reach.NETWORK),
        ("gpfs", Reach.NETWORK),
        ("fuse.gocryptfs", Reach.UNKNOWN),
        ("fuse", Reach.UNKNOWN),
        ("virtiofs", Reach.UNKNOWN),
        ("fuseblk", Reach.LOCAL),
        ("btrfs", Reach.LOCAL),
        ("overlay", Reach.LOCAL),
    ],
)
def test_which_kinds_reach_over_a_network(kind: str, reach: Reach) -> None:
    assert reach_of(kind) is reach


@given(st.lists(st.text("ab \t\n\\#-/\u2028\x85", min_size=1, max_size=8)))
def test_every_mount_point_is_read_back(names: list[str]) -> None:
    """Escaped as the kernel does (fs/proc_namespace.c, mangle)."""
    octal = {ord(character): f"\\{ord(character):03o}" for character in " \t\n\\#"}
    lines = [f"9 1 0:9 / /{name.translate(octal)} rw opt:1 - ext4 dev rw" for name in names]
    assert parse_mountinfo("\n".join(lines)) == [Mount(f"/{name}", "ext4") for name in names]


@given(st.text())
def test_any_text_is_taken_for_mounts(text: str) -> None:
    for mount in parse_mountinfo(text):
        assert mount_of(mount.point, [mount]) == mount


def test_the_mount_of_a_real_folder_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = tmp_path / "mountinfo"
    listing.write_text(
        f"27 1 254:0 / / rw - ext4 /dev/vda rw\n28 27 0:1 / {tmp_path} rw - nfs server:/x rw\n"
    )
    monkeypatch.setattr("audioset_tools.disks.MOUNTINFO", listing)
    assert mounted(tmp_path) == Mount(str(tmp_path), "nfs") and not is_of_this_machine(tmp_path / "not yet")
    assert is_of_this_machine(tmp_path.parent)
    monkeypatch.setattr("audioset_tools.disks.MOUNTINFO", tmp_path / "missing")
    assert mounted(tmp_path) is None and is_of_this_machine(tmp_path)

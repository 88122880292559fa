"""Where a workspace lies, whether its ledger is whole, and whether the disk suffices."""

import fcntl
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.doctor import storage
from audioset_tools.doctor.check import Level, Outcome
from audioset_tools.doctor.storage import (
    Mount,
    Reach,
    Room,
    mount_of,
    mounted,
    nearest_existing,
    parse_mountinfo,
    reach_of,
)
from audioset_tools.ledger import Ledger
from audioset_tools.shards.spec import MelSpec
from audioset_tools.sources.pace import Pace, parse_pace
from audioset_tools.types import CLIP_SAMPLES, SAMPLE_RATE, Reason
from audioset_tools.words import clock_time
from audioset_tools.workspace import Workspace
from tests.doctor.conftest import look, make_ledger

MOUNTS = r"""22 27 0:21 / /proc rw,relatime - proc proc rw
27 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda rw,discard
31 27 0:40 / /home rw,relatime shared:2 master:1 - nfs4 server:/home rw,vers=4.2
32 27 0:41 / /mnt/my\040lab\134share rw - cifs //server/share rw
33 31 0:42 /sub /home/me/local rw - xfs /dev/vdb1 rw
34 27 0:43 / /mnt/c rw - 9p C:\134 rw
35 27 0:44 / /data rw - autofs systemd-1 rw
36 27 0:45 / /data rw - lustre mgs@tcp:/scratch rw
"""


def test_a_folder_that_takes_no_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = look(tmp_path / "file" / "w")["workspace"]
    assert found.verdict is Level.PROBLEM
    assert "cannot be written to" in found.found


def test_a_file_system_that_cannot_lock_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    found = look(tmp_path)["workspace"]
    assert found.verdict is Level.PROBLEM
    assert "No locks available" in found.found


def test_a_running_fetch_is_told_and_is_no_error(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    with workspace.lock():
        found = look(tmp_path)["workspace"]
    assert found.verdict is Level.OK
    assert "another command is running" in found.found
    assert look(tmp_path)["workspace"].found == str(tmp_path)


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
    monkeypatch.setattr("audioset_tools.doctor.storage.MOUNTINFO", listing)
    found = look(tmp_path / "w")["file system"]
    assert found.verdict is Level.PROBLEM
    assert f"nfs at {tmp_path}" in found.found
    monkeypatch.setattr("audioset_tools.doctor.storage.MOUNTINFO", tmp_path / "missing")
    assert mounted(tmp_path) is None
    assert look(tmp_path)["file system"].verdict is Level.WARNING


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        ("ext4", Level.OK),
        ("nfs", Level.PROBLEM),
        ("fuse.mergerfs", Level.WARNING),
        ("tmpfs", Level.WARNING),
    ],
)
def test_what_is_thought_of_a_file_system(kind: str, verdict: Level) -> None:
    assert storage.file_system_verdict(Mount("/x", kind)).verdict is verdict


def test_a_whole_ledger_is_counted_and_left_as_it_is(tmp_path: Path) -> None:
    path = make_ledger(tmp_path, accepted=7)
    before = path.read_bytes()
    found = look(tmp_path)
    assert found["ledger"] == Outcome(Level.OK, "whole; 7 clips")
    assert found["pause"] == Outcome(Level.OK, "none")
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_an_empty_file_is_no_ledger_yet_and_stays_empty(tmp_path: Path) -> None:
    Workspace(tmp_path).ledger.touch()
    assert look(tmp_path)["ledger"].found == "none yet"
    assert Workspace(tmp_path).ledger.stat().st_size == 0


def test_what_is_no_ledger_is_told(tmp_path: Path) -> None:
    Workspace(tmp_path).ledger.write_text("these are not the pages you are looking for" * 100)
    found = look(tmp_path)["ledger"]
    assert found.verdict is Level.PROBLEM
    assert "backup" in found.remedy


@pytest.mark.parametrize("name", ["origin", "pace"])
@pytest.mark.parametrize("value", ["{", "[]", '{"rate": "x", "never": 1}'])
def test_a_note_that_makes_no_sense_is_told(tmp_path: Path, name: str, value: str) -> None:
    with Ledger(make_ledger(tmp_path)) as ledger:
        ledger.put(name, value)
    found = look(tmp_path)["ledger"]
    assert found.verdict is Level.PROBLEM
    assert "makes no sense" in found.found


def test_a_stored_pause_is_told_until_it_has_passed(tmp_path: Path) -> None:
    at = datetime(2027, 1, 1).timestamp()
    pace = Pace(parse_pace("guest"), clock=lambda: at)
    pace.on_refusal(Reason.RATE_LIMITED, at, 1800.0)
    with Ledger(make_ledger(tmp_path)) as ledger:
        ledger.put("pace", pace.to_json())
    found = look(tmp_path, clock=lambda: at + 1799)["pause"]
    assert found.verdict is Level.WARNING
    assert found.found == f"until {clock_time(at + 1800)}: rate-limited"
    assert look(tmp_path, clock=lambda: at + 1801)["pause"].found == "none"


def test_the_sizes_are_those_of_the_stages() -> None:
    spec = MelSpec()
    assert (spec.sample_rate, spec.center) == (SAMPLE_RATE, True)
    assert 4 * spec.n_mels * (CLIP_SAMPLES // spec.hop_length + 1) == storage.MEL_BYTES


@pytest.mark.parametrize(
    ("room", "verdict"),
    [
        (Room(0, None), Level.PROBLEM),
        (Room(3_072_422_399, None), Level.PROBLEM),
        (Room(3_072_422_400, None), Level.WARNING),
        (Room(10_290_393_599, None), Level.WARNING),
        (Room(10_290_393_600, None), Level.OK),
        (Room(10**13, 9_599), Level.PROBLEM),
        (Room(10**13, 9_600), Level.OK),
    ],
)
def test_the_paper_s_data_set_needs_as_much_room_as_the_readme_says(
    tmp_path: Path, room: Room, verdict: Level
) -> None:
    found = look(tmp_path, room=lambda _: room)["disk space"]
    assert found.verdict is verdict
    assert "9,600 clips still lacking take 3.1 GB, mel shards 7.2 GB" in found.found


def test_only_what_is_lacking_needs_room(tmp_path: Path) -> None:
    make_ledger(tmp_path, accepted=100)
    found = look(tmp_path, per_class=100, room=lambda _: Room(100 * 320_044, None))["disk space"]
    assert found.verdict is Level.WARNING
    assert "100 clips still lacking" in found.found
    shard = Workspace(tmp_path).shards / "paper" / "train-00000.h5"
    shard.parent.mkdir(parents=True)
    with shard.open("wb") as handle:
        handle.truncate(200 * 2 * storage.MEL_BYTES)
    found = look(tmp_path, per_class=100, room=lambda _: Room(100 * 320_044, None))["disk space"]
    assert found.verdict is Level.OK


def test_of_a_list_all_that_it_wants_is_lacking_whatever_per_class_says(tmp_path: Path) -> None:
    make_ledger(tmp_path, accepted=100, of_list=True)
    assert "700 clips still lacking" in look(tmp_path, per_class=2400)["disk space"].found


def test_what_audiosets_own_task_takes_is_not_known_before_the_lists_are_read(tmp_path: Path) -> None:
    found = look(tmp_path, recipe="audioset-20k")["disk space"]
    assert found.verdict is Level.OK and "--dry-run` says what audioset-20k takes" in found.found

"""Where a workspace lies, whether its ledger is whole, and whether the disk suffices."""

from datetime import datetime
from pathlib import Path

import pytest

from audioset_tools.disks import Mount
from audioset_tools.doctor import storage
from audioset_tools.doctor.check import Level, Outcome
from audioset_tools.doctor.storage import Room
from audioset_tools.ledger import Ledger
from audioset_tools.shards.spec import MelSpec
from audioset_tools.sources.pace import Pace, parse_pace
from audioset_tools.types import CLIP_SAMPLES, SAMPLE_RATE, Reason
from audioset_tools.words import clock_time
from audioset_tools.workspace import Workspace
from tests.doctor.conftest import look, make_ledger


def test_a_folder_that_takes_no_file_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = look(tmp_path / "file" / "w")["workspace"]
    assert found.verdict is Level.PROBLEM
    assert "cannot be written to" in found.found


def test_a_running_fetch_is_told_and_is_no_error(tmp_path: Path) -> None:
    workspace = Workspace(tmp_path)
    with workspace.lock():
        found = look(tmp_path)["workspace"]
    assert found.verdict is Level.OK
    assert "another command is running" in found.found
    assert look(tmp_path)["workspace"].found == str(tmp_path)


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        ("ext4", Level.OK),
        ("nfs", Level.OK),
        ("fuse.mergerfs", Level.OK),
        ("tmpfs", Level.WARNING),
    ],
)
def test_what_is_thought_of_a_file_system(kind: str, verdict: Level) -> None:
    found = storage.file_system_verdict(Mount("/x", kind))
    assert found.verdict is verdict
    assert ("without a log" in found.found) == (kind in ("nfs", "fuse.mergerfs"))


def test_the_mount_that_the_workspace_lies_on_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listing = tmp_path / "mountinfo"
    listing.write_text(f"27 1 254:0 / {tmp_path} rw - lustre mgs@tcp:/scratch rw\n")
    monkeypatch.setattr("audioset_tools.disks.MOUNTINFO", listing)
    found = look(tmp_path / "w")
    assert found["file system"].found.startswith(f"lustre at {tmp_path}: machines may share it")
    assert found["tried there"].found.endswith("; a ledger without a log")
    monkeypatch.setattr("audioset_tools.disks.MOUNTINFO", tmp_path / "missing")
    assert look(tmp_path)["file system"].verdict is Level.WARNING


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

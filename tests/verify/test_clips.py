"""What is wrong with a workspace's clips is reported by kind and put right if it can be.

What lies in a clip's place, and what a damaged record says of it, is never trusted.
"""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audioset_tools.audio.clip import write_clip
from audioset_tools.audio.segment import peak_of
from audioset_tools.exceptions import DataMismatch
from audioset_tools.ledger import Ledger
from audioset_tools.removal.run import complete, erase
from audioset_tools.types import CLIP_SAMPLES, Clip
from audioset_tools.verify.clips import (
    check_clip,
    expected_path,
    look_at_clips,
    refuse_lost_ledger,
    repair_clips,
    restore_lost,
)
from audioset_tools.verify.findings import Kind, Report
from audioset_tools.workspace import Workspace
from tests.factories import candidate, looking, numbered, origin, reseal

ONE = candidate("abcdefghijA")


@pytest.fixture
def single(tmp_path: Path) -> Workspace:
    """A workspace with one clip."""
    single = Workspace(tmp_path / "w")
    single.prepare()
    with Ledger(single.ledger) as ledger:
        ledger.load(origin("Flute"), [ONE])
        path = single.clip("Flute", ONE.key)
        sha256 = write_clip(np.full(CLIP_SAMPLES, 16_384, np.int16), path)
        name = path.relative_to(single.root).as_posix()
        ledger.accept(ONE, Clip(ONE.key, "Flute", 0, name, sha256, 10.0, 0.5, "test"), at=1)
    return single


@pytest.fixture
def ledger(single: Workspace) -> Iterator[Ledger]:
    with Ledger(single.ledger) as ledger:
        yield ledger


def test_a_record_that_names_another_file_moves_nothing_there(single: Workspace, ledger: Ledger) -> None:
    outside = single.root.parent / "outside.wav"
    outside.write_bytes(b"mine")
    ledger._db.execute("UPDATE clip SET path = '../outside.wav'")
    reseal(ledger)
    (said,) = restore_lost(ledger, single, at=2)
    assert "outside" in said
    assert outside.read_bytes() == b"mine"
    assert ledger.clips() == []


def test_a_pipe_in_a_clips_place_is_no_file(single: Workspace, ledger: Ledger) -> None:
    ((_, clip),) = ledger.clips()
    path = single.root / expected_path(clip, single)
    path.unlink()
    os.mkfifo(path)
    found = check_clip(clip, single, deep=True)
    assert found is not None and found.kind is Kind.DAMAGED


def test_what_a_backup_brings_back_of_a_forgotten_clip_goes_again(single: Workspace, ledger: Ledger) -> None:
    path = single.clip("Flute", ONE.key)
    backup = path.read_bytes()
    erase(ledger, single, [ONE.ytid], at=2)
    assert not path.exists()
    path.write_bytes(backup)
    complete(ledger, single)
    assert not path.exists()


EVERYONE = numbered(8)


def record(ledger: Ledger, workspace: Workspace, rank: int, seed: int | None = None) -> Path:
    """A clip on disk and in the ledger; its path."""
    candidate = EVERYONE[rank]
    samples = np.random.default_rng(rank if seed is None else seed).integers(-9_000, 9_000, CLIP_SAMPLES)
    path = workspace.clip("Flute", candidate.key)
    sha256 = write_clip(samples.astype(np.int16), path)
    name, peak = path.relative_to(workspace.root).as_posix(), peak_of(samples.astype(np.int16))
    ledger.accept(candidate, Clip(candidate.key, "Flute", rank, name, sha256, 10.0, peak, "test"), at=1)
    return path


@pytest.fixture
def workspace(tmp_path: Path) -> Iterator[Workspace]:
    """Five clips of eight candidates."""
    workspace = Workspace(tmp_path)
    with Ledger(workspace.ledger) as ledger:
        ledger.load(origin("Flute"), EVERYONE)
        for rank in range(5):
            record(ledger, workspace, rank)
    yield workspace


def look(workspace: Workspace, deep: bool = True) -> Report:
    with Ledger(workspace.ledger, read_only=True) as ledger:
        return look_at_clips(ledger, looking(workspace, deep))


def mend(workspace: Workspace, deep: bool = True) -> Report:
    with workspace.lock(), Ledger(workspace.ledger) as ledger:
        return repair_clips(ledger, looking(workspace, deep), 5)


def kinds(report: Report) -> list[Kind]:
    return [finding.kind for finding in report.findings]


def clip_of(workspace: Workspace, rank: int) -> Path:
    return workspace.clip("Flute", EVERYONE[rank].key)


def harm(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "delete":
        path.unlink()
    elif how == "empty":
        path.write_bytes(b"")
    elif how == "header":
        path.write_bytes(content[:30])
    elif how == "cut":
        path.write_bytes(content[:100_000])
    elif how == "longer":
        path.write_bytes(content + b"abcd")
    elif how == "flip":
        path.write_bytes(content[:200_000] + bytes([content[200_000] ^ 1]) + content[200_001:])
    elif how == "text":
        path.write_text("no sound at all" * 30_000)
    elif how == "folder":
        path.unlink()
        path.mkdir()
    else:
        rate = 44_100 if how == "rate" else 16_000
        shape = (CLIP_SAMPLES, 2) if how == "stereo" else (8_000,) if how == "short" else (CLIP_SAMPLES,)
        soundfile.write(path, np.zeros(shape), rate, subtype="PCM_24" if how == "deep" else "PCM_16")


QUICK = {
    "delete": Kind.MISSING,
    "empty": Kind.DAMAGED,
    "header": Kind.DAMAGED,
    "cut": Kind.DAMAGED,
    "longer": Kind.DAMAGED,
    "text": Kind.DAMAGED,
    "folder": Kind.DAMAGED,
    "rate": Kind.DAMAGED,
    "stereo": Kind.DAMAGED,
    "deep": Kind.DAMAGED,
    "short": Kind.WRONG_LENGTH,
}


def test_a_sound_workspace_has_no_findings(workspace: Workspace) -> None:
    for deep in (False, True):
        assert look(workspace, deep) == Report(5)
    assert mend(workspace) == Report(5)


@pytest.mark.parametrize(("how", "kind"), QUICK.items())
def test_a_harmed_clip_is_reported_and_put_back_in_the_queue_and_no_content_is_lost(
    workspace: Workspace, how: str, kind: Kind
) -> None:
    victim = clip_of(workspace, 2)
    harm(victim, how)
    content = victim.read_bytes() if victim.is_file() else None
    before = workspace.ledger.read_bytes()
    for deep in (False, True):
        report = look(workspace, deep)
        assert kinds(report) == [kind]
        assert report.left == report.findings
    assert workspace.ledger.read_bytes() == before and victim.exists() == (how != "delete")

    report = mend(workspace, deep=False)
    assert (kinds(report), report.left, report.queued) == ([kind], (), 1)
    assert not victim.exists()
    aside = workspace.set_aside / "Flute" / victim.name
    assert [workspace.root / name for name in report.set_aside] == ([aside] if how != "delete" else [])
    assert content is None or aside.read_bytes() == content
    with Ledger(workspace.ledger) as ledger:
        assert ledger.next_queued("Flute", -1) == EVERYONE[2]
    assert look(workspace) == Report(4)


def test_what_only_the_bytes_tell_is_found_by_deep(workspace: Workspace) -> None:
    harm(clip_of(workspace, 2), "flip")
    assert kinds(look(workspace, deep=False)) == []
    assert kinds(look(workspace)) == [Kind.DAMAGED]
    with Ledger(workspace.ledger) as ledger:
        ledger._db.execute("UPDATE clip SET peak = 0.9 WHERE rank = 0")
        reseal(ledger)
    (one, other) = look(workspace).findings
    assert "--deep --repair" in one.remedy and one.remedy == other.remedy
    assert "recorded as 0.9000" in one.detail and "changed" in other.detail


def test_a_second_file_set_aside_does_not_overwrite_the_first(workspace: Workspace) -> None:
    names = []
    for number in range(3):
        clip_of(workspace, 2).write_text(f"edit {number}")
        names += mend(workspace).set_aside
        with Ledger(workspace.ledger) as ledger:
            record(ledger, workspace, 2)
    assert [(workspace.root / name).read_text() for name in names] == ["edit 0", "edit 1", "edit 2"]


def test_a_fetch_sets_aside_too(workspace: Workspace) -> None:
    clip_of(workspace, 2).write_text("my own cut")
    with Ledger(workspace.ledger) as ledger:
        (said,) = restore_lost(ledger, workspace, at=5)
    assert "is no WAV file (now set-aside/Flute/" in said
    assert (workspace.set_aside / "Flute" / clip_of(workspace, 2).name).read_text() == "my own cut"


def test_orphans_are_reported_and_stay_and_half_written_files_may_go(workspace: Workspace) -> None:
    mine, half = workspace.clips / "Flute" / "notes.txt", workspace.clips / "Flute" / ".Yx.wav.1.part"
    for path in (mine, half):
        path.write_text("x")
    assert kinds(look(workspace, deep=False)) == [Kind.ORPHANED] * 2
    report = mend(workspace)
    assert [finding.path for finding in report.left] == ["clips/Flute/notes.txt"]
    assert mine.exists() and not half.exists()
    assert [finding.path for finding in look(workspace).left] == ["clips/Flute/notes.txt"]


def test_the_same_samples_under_two_keys_are_told_and_are_no_fault(workspace: Workspace) -> None:
    with Ledger(workspace.ledger) as ledger:
        record(ledger, workspace, 6, seed=1)
    report = look(workspace)
    (finding,) = report.findings
    assert finding.kind is Kind.DUPLICATE and EVERYONE[6].key in finding.detail
    assert report.left == () and mend(workspace).left == ()
    assert clip_of(workspace, 1).exists() and clip_of(workspace, 6).exists()


def test_a_ledger_that_contradicts_itself_is_mended(workspace: Workspace) -> None:
    with Ledger(workspace.ledger) as ledger, ledger.transaction() as execute:
        execute("UPDATE tally SET n = 70 WHERE state = 'queued'")
        execute("DELETE FROM clip WHERE rank = 3")
    assert kinds(look(workspace, deep=False)) == [Kind.LEDGER] * 2 + [Kind.ORPHANED]
    report = mend(workspace)
    # The file of a candidate that is back in the queue is left for the fetch, which writes it again.
    assert [finding.kind for finding in report.left] == [Kind.ORPHANED]
    with Ledger(workspace.ledger) as ledger:
        assert ledger.next_queued("Flute", -1) == EVERYONE[3]


def test_a_class_folder_replaced_by_a_file(workspace: Workspace) -> None:
    (workspace.clips / "Flute").rename(workspace.root / "away")
    (workspace.clips / "Flute").write_text("x")
    assert set(kinds(look(workspace))) == {Kind.MISSING, Kind.ORPHANED}
    (workspace.clips / "Flute").unlink()
    (workspace.root / "away").rename(workspace.clips / "Flute")
    assert look(workspace).findings == ()


def test_a_ledger_gone_from_beside_its_clips_is_not_begun_again(workspace: Workspace) -> None:
    for path in workspace.root.glob("ledger.sqlite*"):
        path.unlink()
    with Ledger(workspace.ledger) as ledger, pytest.raises(DataMismatch, match="gone or empty"):
        refuse_lost_ledger(ledger, workspace)
    workspace.clips.rename(workspace.root / "old")
    with Ledger(workspace.ledger) as ledger:
        refuse_lost_ledger(ledger, workspace)


def test_a_hash_is_that_of_the_whole_file(workspace: Workspace) -> None:
    with Ledger(workspace.ledger) as ledger:
        for _, clip in ledger.clips():
            assert hashlib.sha256((workspace.root / clip.path).read_bytes()).hexdigest() == clip.sha256
            assert check_clip(clip, workspace, deep=True) is None

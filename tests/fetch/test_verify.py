"""What is wrong with a workspace is told by kind and put right if it can be; a running fetch is no damage."""

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audioset_tools.errors import DataMismatch
from audioset_tools.fetch.check import look_at, refuse_lost_ledger, restore_lost
from audioset_tools.fetch.transcode import Sound, peak_of, write_clip
from audioset_tools.fetch.verify import repair, verify
from audioset_tools.findings import Kind, Report, findings_table, report_json
from audioset_tools.ledger import Ledger, Origin
from audioset_tools.types import CLIP_SAMPLES, Candidate, Clip
from audioset_tools.workspace import Workspace

EVERYONE = [Candidate(f"{n:010}A", 0, 10_000, "Flute", 0, n, "eval") for n in range(8)]


def record(ledger: Ledger, place: Workspace, rank: int, seed: int | None = None) -> Path:
    """A clip on disk and in the ledger; its path."""
    candidate = EVERYONE[rank]
    samples = np.random.default_rng(rank if seed is None else seed).integers(-9_000, 9_000, CLIP_SAMPLES)
    path = place.clip("Flute", candidate.key)
    sha256 = write_clip(Sound(samples.astype(np.int16), 10.0, 0.5), path)
    name, peak = path.relative_to(place.root).as_posix(), peak_of(samples.astype(np.int16))
    ledger.accept(candidate, Clip(candidate.key, "Flute", rank, name, sha256, 10.0, peak, "test"), at=1)
    return path


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Workspace]:
    """Five clips of eight candidates, recorded a while ago."""
    place = Workspace(tmp_path)
    with Ledger(place.ledger) as ledger:
        ledger.load(Origin("paper", "", "", ("Flute",), 0, (10, 1, 1)), EVERYONE)
        for rank in range(5):
            path = record(ledger, place, rank)
            os.utime(path, (1, 1))
    yield place


class Clock:
    """Seconds that only waiting moves."""

    def __init__(self) -> None:
        self.now = time.time()
        self.waits = 0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.waits += 1


def look(place: Workspace, deep: bool = True) -> Report:
    clock = Clock()
    return verify(place, deep, lambda done, total: None, clock, clock.sleep)


def mend(place: Workspace, deep: bool = True) -> Report:
    with place.lock(), Ledger(place.ledger) as ledger:
        return repair(ledger, place, deep, lambda done, total: None, at=5)


def kinds(report: Report) -> list[Kind]:
    return [finding.kind for finding in report.findings]


def clip_of(place: Workspace, rank: int) -> Path:
    return place.clip("Flute", EVERYONE[rank].key)


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


def test_a_sound_workspace_has_no_findings(place: Workspace) -> None:
    for deep in (False, True):
        assert look(place, deep) == Report(5)
    assert mend(place) == Report(5)


@pytest.mark.parametrize(("how", "kind"), QUICK.items())
def test_a_harmed_clip_is_told_and_put_back_in_the_queue_and_no_content_is_lost(
    place: Workspace, how: str, kind: Kind
) -> None:
    victim = clip_of(place, 2)
    harm(victim, how)
    content = victim.read_bytes() if victim.is_file() else None
    before = place.ledger.read_bytes()
    for deep in (False, True):
        report = look(place, deep)
        assert kinds(report) == [kind]
        assert report.left == report.findings
    assert place.ledger.read_bytes() == before and victim.exists() == (how != "delete")

    report = mend(place, deep=False)
    assert (kinds(report), report.left, report.queued) == ([kind], (), 1)
    assert not victim.exists()
    aside = place.set_aside / "Flute" / victim.name
    assert [place.root / name for name in report.set_aside] == ([aside] if how != "delete" else [])
    assert content is None or aside.read_bytes() == content
    with Ledger(place.ledger) as ledger:
        assert ledger.next_queued("Flute", -1) == EVERYONE[2]
    assert look(place) == Report(4)


def test_what_only_the_bytes_tell_is_found_by_deep(place: Workspace) -> None:
    harm(clip_of(place, 2), "flip")
    assert kinds(look(place, deep=False)) == []
    assert kinds(look(place)) == [Kind.DAMAGED]
    with Ledger(place.ledger) as ledger, ledger.transaction() as execute:
        execute("UPDATE clip SET peak = 0.9 WHERE rank = 0")
    (one, other) = look(place).findings
    assert "--deep --repair" in one.remedy and one.remedy == other.remedy
    assert "recorded as 0.9000" in one.detail and "changed" in other.detail


def test_a_second_file_set_aside_does_not_overwrite_the_first(place: Workspace) -> None:
    names = []
    for number in range(3):
        clip_of(place, 2).write_text(f"edit {number}")
        names += mend(place).set_aside
        with Ledger(place.ledger) as ledger:
            record(ledger, place, 2)
    assert [(place.root / name).read_text() for name in names] == ["edit 0", "edit 1", "edit 2"]


def test_a_fetch_sets_aside_too(place: Workspace) -> None:
    clip_of(place, 2).write_text("my own cut")
    with Ledger(place.ledger) as ledger:
        (said,) = restore_lost(ledger, place, at=5)
    assert "is no WAV file (now set-aside/Flute/" in said
    assert (place.set_aside / "Flute" / clip_of(place, 2).name).read_text() == "my own cut"


def test_orphans_are_told_and_stay_and_half_written_files_may_go(place: Workspace) -> None:
    mine, half = place.clips / "Flute" / "notes.txt", place.clips / "Flute" / ".Yx.wav.1.part"
    for path in (mine, half):
        path.write_text("x")
        os.utime(path, (1, 1))
    assert kinds(look(place, deep=False)) == [Kind.ORPHANED] * 2
    report = mend(place)
    assert [finding.path for finding in report.left] == ["clips/Flute/notes.txt"]
    assert mine.exists() and not half.exists()
    assert [finding.path for finding in look(place).left] == ["clips/Flute/notes.txt"]


def test_the_same_samples_under_two_keys_are_told_and_are_no_fault(place: Workspace) -> None:
    with Ledger(place.ledger) as ledger:
        record(ledger, place, 6, seed=1)
    report = look(place)
    (finding,) = report.findings
    assert finding.kind is Kind.DUPLICATE and EVERYONE[6].key in finding.detail
    assert report.left == () and mend(place).left == ()
    assert clip_of(place, 1).exists() and clip_of(place, 6).exists()


def test_a_ledger_that_contradicts_itself_is_mended(place: Workspace) -> None:
    with Ledger(place.ledger) as ledger, ledger.transaction() as execute:
        execute("UPDATE tally SET n = 70 WHERE state = 'queued'")
        execute("DELETE FROM clip WHERE rank = 3")
    assert kinds(look(place, deep=False)) == [Kind.LEDGER] * 2 + [Kind.ORPHANED]
    report = mend(place)
    # The file of a candidate that is back in the queue is left for the fetch, which writes it anew.
    assert [finding.kind for finding in report.left] == [Kind.ORPHANED]
    with Ledger(place.ledger) as ledger:
        assert ledger.next_queued("Flute", -1) == EVERYONE[3]


def test_a_clip_that_a_fetch_is_about_to_record_is_no_orphan(place: Workspace) -> None:
    """Written before the disk is listed, recorded after the ledger was looked at."""
    samples = np.ones(CLIP_SAMPLES, np.int16)
    sha256 = write_clip(Sound(samples, 10.0, 1 / 32768), clip_of(place, 5))
    clock = Clock()

    def recorded(seconds: float) -> None:
        clock.sleep(seconds)
        if clock.waits == 3:
            name = clip_of(place, 5).relative_to(place.root).as_posix()
            with Ledger(place.ledger) as ledger:
                ledger.accept(
                    EVERYONE[5], Clip(EVERYONE[5].key, "Flute", 5, name, sha256, 10.0, 1 / 32768, ""), at=3
                )

    assert verify(place, True, lambda done, total: None, clock, recorded).findings == ()
    assert clock.waits == 3


def test_a_young_orphan_that_nobody_records_is_told_in_the_end(place: Workspace) -> None:
    (place.clips / "Flute" / "notes.txt").write_text("x")
    assert kinds(look(place)) == [Kind.ORPHANED]


@pytest.mark.parametrize("what", ["queued again", "fetched anew"])
def test_a_clip_that_a_fetch_replaces_meanwhile_is_no_finding(place: Workspace, what: str) -> None:
    harm(clip_of(place, 4), "flip")

    def meanwhile(done: int, total: int) -> None:
        if done == total:
            with Ledger(place.ledger) as ledger:
                ledger.lose(EVERYONE[4], "", at=2)
                clip_of(place, 4).unlink()
                if what == "fetched anew":
                    record(ledger, place, 4, seed=44)

    clock = Clock()
    assert verify(place, True, meanwhile, clock, clock.sleep).findings == ()


def test_a_class_folder_replaced_by_a_file(place: Workspace) -> None:
    (place.clips / "Flute").rename(place.root / "away")
    (place.clips / "Flute").write_text("x")
    assert set(kinds(look(place))) == {Kind.MISSING, Kind.ORPHANED}
    (place.clips / "Flute").unlink()
    (place.root / "away").rename(place.clips / "Flute")
    assert look(place).findings == ()


def test_a_ledger_gone_from_beside_its_clips_is_not_begun_anew(place: Workspace) -> None:
    for path in place.root.glob("ledger.sqlite*"):
        path.unlink()
    with Ledger(place.ledger) as ledger, pytest.raises(DataMismatch, match="gone or empty"):
        refuse_lost_ledger(ledger, place)
    place.clips.rename(place.root / "old")
    with Ledger(place.ledger) as ledger:
        refuse_lost_ledger(ledger, place)


def test_the_table_gives_examples_and_json_gives_all(place: Workspace) -> None:
    for rank in range(5):
        clip_of(place, rank).unlink()
    report = look(place)
    ((kind, n, examples, remedy),) = findings_table(report).rows
    assert "--repair" in remedy
    assert (kind, n) == ("missing", "5") and "and 2 more" in examples
    told = report_json(report)
    assert (told["ok"], told["clips"], len(told["findings"]), len(told["left"])) == (False, 5, 5, 5)


def test_a_hash_is_that_of_the_whole_file(place: Workspace) -> None:
    with Ledger(place.ledger) as ledger:
        for _, clip in ledger.clips():
            assert hashlib.sha256((place.root / clip.path).read_bytes()).hexdigest() == clip.sha256
            assert look_at(clip, place, deep=True) is None

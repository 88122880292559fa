"""The sections about the clips: what is worth a doubt, and how loud each is."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.report.sections import clips as sections
from audioset_tools.report.sections.clips import SILENCE_DB, level_of, measure, sampled
from audioset_tools.report.snapshot import read_snapshot
from audioset_tools.shards.placements import Placement, Placements
from audioset_tools.workspace import Workspace
from tests.report.pages import read_report
from tests.report.workspaces import odd_clips


def test_suspicious_clips_are_named_and_can_be_heard(tmp_path: Path) -> None:
    workspace = odd_clips(tmp_path)
    page = read_report(workspace, tmp_path / "out", per_class=0)
    for words in ("nearly silent", "clipped", "the same bytes as one_______A_0", "3 clips worth a doubt"):
        assert words in page.text
    assert "Shorter than ten seconds, and padded: 4 of 4 clips" in page.text
    heard = {name.split("/")[1][:13] for name in page.values("audio", "src")}
    assert heard == {"quiet_____A_0", "loud______A_0", "two_______A_0"}
    assert "youtube webm/opus 251" in page.text


def test_a_clip_that_is_gone_or_changed_is_told(tmp_path: Path) -> None:
    workspace = odd_clips(tmp_path)
    next(workspace.clips.rglob("*quiet*")).unlink()
    page = read_report(workspace, tmp_path / "out")
    assert "gone or changed on the disk: 1 clip." in page.text and "cannot be read" in page.text


def test_a_level_is_that_of_the_sine() -> None:
    time = np.arange(160_000) / 16_000
    sine = (0.5 * np.sin(2 * np.pi * 440 * time)).astype(np.float32)
    assert level_of(sine).rms_db == np.round(20 * np.log10(0.5 / np.sqrt(2)), 2)
    assert level_of(np.zeros(10, np.float32)).rms_db == SILENCE_DB
    assert level_of(np.array([1, -1, 32_767 / 32_768, 0.5], np.float32)).full_scale == 3


@pytest.mark.parametrize(
    "damage", [b"", b"sha256,rms_db\n", b"\xff\xfe", b"sha256,rms_db,full_scale\na,b,c\n", b'"']
)
def test_levels_are_measured_once_and_again_where_what_was_kept_is_damaged(
    tmp_path: Path, damage: bytes
) -> None:
    workspace, known = odd_clips(tmp_path), tmp_path / "levels.csv"
    fetched = read_snapshot(workspace).fetched
    assert fetched is not None
    clips = fetched.clips
    levels = measure(clips, workspace, known)
    kept = known.read_bytes()
    known.write_bytes(damage)
    assert measure(clips, workspace, known) == levels and known.read_bytes() == kept
    # What is kept is believed: the clips are not read again.
    for clip in clips:
        (workspace.root / clip.path).unlink()
    assert measure(clips, workspace, known) == levels
    assert measure(clips[:1], workspace, known).keys() == {clips[0].sha256}


@given(st.lists(st.sampled_from("abc")))
def test_clips_of_the_same_bytes_are_told_with_the_one_before_by_the_first_of_them(letters: str) -> None:
    some = [Placement(f"key {n}", "Flute", (), "train", "", one * 64) for n, one in enumerate(letters)]
    same: dict[str, list[Placement]] = {}
    for one in some:
        same.setdefault(one.sha256, []).append(one)
    wanted = [pair[::-1] for twins in same.values() for pair in pairwise(twins)]
    assert list(sections._twins(Placements(some))) == wanted


def test_of_very_many_clips_the_same_ones_are_measured_in_whatever_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fetched = read_snapshot(odd_clips(tmp_path)).fetched
    assert fetched is not None
    clips = fetched.clips
    monkeypatch.setattr(sections, "MEASURED", 2)
    chosen = {clip.sha256 for clip in sampled(clips)}
    assert {clip.sha256 for clip in sampled(clips[::-1])} == chosen and len(sampled(clips)) == 2
    assert {*measure(clips, Workspace(tmp_path), tmp_path / "levels.csv")} == chosen

"""Sounds and pictures beside a page: the clip's own, made once, the same each time."""

import resource
from pathlib import Path

import numpy as np
import pytest
import soundfile
from matplotlib.image import imread

from audioset_tools.ledger import Ledger
from audioset_tools.report.media import ClipFile, make_media, sweep, write_sound
from audioset_tools.workspace import Workspace
from tests.report.pages import content


@pytest.fixture(scope="module")
def sources(workspace: Workspace) -> list[ClipFile]:
    with Ledger(workspace.ledger, read_only=True) as ledger:
        return [ClipFile(clip.key, clip.path, clip.sha256) for _, clip in ledger.clips()][::4]


def test_a_sound_that_the_disk_does_not_take_is_told_as_that(tmp_path: Path) -> None:
    """A limit on the size of files stands in for a full disk; Python is told of it in the same way."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        with pytest.raises(OSError):
            write_sound(tmp_path / "a.flac", np.sin(np.arange(160_000, dtype=np.float32)))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not list(tmp_path.iterdir())


def test_a_sound_is_the_clip_to_the_sample(
    workspace: Workspace, sources: list[ClipFile], tmp_path: Path
) -> None:
    for key, media in make_media(sources, workspace, tmp_path).items():
        source = next(source for source in sources if source.key == key)
        clip, _ = soundfile.read(workspace.root / source.path, dtype="int16")
        heard, rate = soundfile.read(tmp_path / media.sound, dtype="int16")
        assert rate == 16_000 and np.array_equal(heard, clip) and np.abs(clip).max() > 1_000
        assert (tmp_path / media.sound).stat().st_size < 320_000


def test_a_sound_at_the_ends_of_the_range_is_not_changed(tmp_path: Path) -> None:
    whole = np.resize(np.array([-32_768, 32_767, 20_001, -1], np.int16), 160_000)
    write_sound(tmp_path / "a.flac", whole * np.float32(2**-15))
    assert np.array_equal(soundfile.read(tmp_path / "a.flac", dtype="int16")[0], whole)


def test_a_picture_is_the_mel_low_bands_below(
    workspace: Workspace, sources: list[ClipFile], tmp_path: Path
) -> None:
    tone = next(source for source in sources if "/Tone/" in source.path)
    media = make_media([tone], workspace, tmp_path)[tone.key]
    picture = imread(tmp_path / media.mel).astype(float).sum(axis=2)
    assert picture.shape == (128, 400)
    # A tone of some 300 Hz lies in the lowest fifth of the bands, at the bottom of the picture.
    assert picture[102:].mean() > 3 * picture[:64].mean() and picture.mean(axis=1).argmax() >= 102


def test_the_bytes_are_the_same_whatever_the_threads_and_whether_shards_are_there(
    workspace: Workspace, sources: list[ClipFile], tmp_path: Path
) -> None:
    make_media(sources, workspace, tmp_path / "one", jobs=1)
    make_media(sources, workspace, tmp_path / "many", jobs=3)
    without = Workspace(tmp_path / "without")
    without.root.mkdir()
    without.clips.symlink_to(workspace.clips)
    make_media(sources, without, tmp_path / "wav")
    assert content(tmp_path / "one") == content(tmp_path / "many") == content(tmp_path / "wav")
    assert len(content(tmp_path / "one")) == 2 * len(sources)


def test_they_are_made_once_and_swept_when_no_longer_shown(
    workspace: Workspace, sources: list[ClipFile], tmp_path: Path
) -> None:
    make_media(sources, workspace, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.*")}
    (tmp_path / "sounds" / "mine.flac").write_bytes(b"")
    few = make_media(sources[:1], workspace, tmp_path)
    assert all(path.stat().st_mtime_ns == at for path, at in before.items())
    sweep(tmp_path, few.values())
    left = {*few[sources[0].key].sound.split(), few[sources[0].key].mel, "sounds/mine.flac"}
    assert set(content(tmp_path)) == left


def test_a_lost_clip_still_has_the_picture_of_its_shard(
    workspace: Workspace, sources: list[ClipFile], tmp_path: Path
) -> None:
    lost = Workspace(tmp_path / "lost")
    lost.root.mkdir()
    lost.shards.symlink_to(workspace.shards)
    media = make_media(sources[:1], lost, tmp_path / "page")[sources[0].key]
    assert (
        media.mel
        and not media.sound
        and "cannot be read" in media.trouble
        and str(tmp_path) not in media.trouble
    )
    changed = ClipFile(sources[0].key, sources[0].path, "0" * 64)
    told = make_media([changed], workspace, tmp_path / "page")[changed.key]
    assert not told.sound and "not the file" in told.trouble


def test_what_is_no_key_never_becomes_a_name(workspace: Workspace, tmp_path: Path) -> None:
    hostile = [ClipFile(key, "clips/x", "0" * 64) for key in ("../../x", "<b>", "abcdefghijA_0/../../y", "")]
    assert make_media(hostile, workspace, tmp_path / "page") == {}
    assert list(tmp_path.iterdir()) == []

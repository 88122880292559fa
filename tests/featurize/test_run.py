"""featurize from clips to shards: same bytes always, only what is missing is made, nothing is ever lost."""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audioset_tools.errors import DataMismatch, UsageError
from audioset_tools.featurize.dataset import read_dataset
from audioset_tools.featurize.index import read_index
from audioset_tools.featurize.mel import mel
from audioset_tools.featurize.reader import MelShards
from audioset_tools.featurize.run import FeaturizeConfig, FeaturizeResult, featurize
from audioset_tools.featurize.spec import PRESETS
from audioset_tools.types import Clip
from audioset_tools.workspace import Workspace

from .conftest import CLASSES, write_clip

MakeClips = Callable[[int], Sequence[Clip]]
SMALL = FeaturizeConfig(clips_per_shard=4, jobs=1)


def go(
    clips: Sequence[Clip], workspace: Workspace, config: FeaturizeConfig = SMALL, progress: list | None = None
) -> FeaturizeResult:
    seen = [] if progress is None else progress
    return featurize(clips, CLASSES, "synthetic", workspace, config, lambda *step: seen.append(step))


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_shards_hold_the_mels_of_the_clips(make_clips: MakeClips, workspace: Workspace) -> None:
    clips = make_clips(5)
    progress: list[tuple[int, int]] = []
    result = go(clips, workspace, progress=progress)
    assert result.folder.name == f"paper-{PRESETS['paper'].digest[:8]}"
    assert [path.name for path in result.shards] == [
        "train-00000.h5",
        "train-00001.h5",
        "validation-00000.h5",
        "test-00000.h5",
    ]
    assert (result.built, result.reused, result.rows, result.empty_filters) == (4, 0, 16, 4)
    assert result.clips["train"] == {"Tone": 3, "Noise": 3}
    assert result.clips["validation"] == result.clips["test"] == {"Tone": 1, "Noise": 1}
    assert progress == [(0, 10), (4, 10), (6, 10), (8, 10), (10, 10)]

    shards = MelShards(result.folder, "test")
    assert shards.header.class_names == CLASSES
    by_key = {clip.key: clip for clip in clips}
    for row, key in enumerate(shards.key):
        clip = by_key[key.decode()]
        assert clip.class_name == CLASSES[shards.label[row]]
        samples, _ = soundfile.read(workspace.root / clip.path)
        np.testing.assert_array_equal(shards.take(np.array([row]))[0], mel(samples, PRESETS["paper"]))


def test_noise_copies_are_marked_and_stay_in_the_train_split(
    make_clips: MakeClips, workspace: Workspace
) -> None:
    folder = go(make_clips(4), workspace, replace(SMALL, noise_copies=2)).folder
    train = MelShards(folder, "train")
    assert train.noise.tolist() == [0, 1, 2] * 4
    assert all(len(set(train.key[row : row + 3])) == 1 for row in range(0, 12, 3))
    copies = train.take(np.arange(3))
    assert len({copy.tobytes() for copy in copies}) == 3
    assert not MelShards(folder, "validation").noise.any()
    assert not MelShards(folder, "test").noise.any()


def test_the_statistics_are_those_of_all_training_rows(make_clips: MakeClips, workspace: Workspace) -> None:
    made = go(make_clips(6), workspace, replace(SMALL, noise_copies=2, clips_per_shard=3))
    assert made.built >= 4
    index = read_index(made.folder)
    rows = MelShards(made.folder, "train")
    everything = rows.take(np.arange(len(rows))).astype(np.float64)
    np.testing.assert_allclose(index.mean, everything.mean(axis=(0, 2)), rtol=1e-6)
    np.testing.assert_allclose(index.std, everything.std(axis=(0, 2)), rtol=1e-6)
    # Kept shards bring their statistics along.
    before = (made.folder / "index.json").read_bytes()
    made.shards[1].unlink()
    again = go(make_clips(6), workspace, replace(SMALL, noise_copies=2, clips_per_shard=3))
    assert again.built == 1
    assert (made.folder / "index.json").read_bytes() == before


def test_every_clip_is_in_one_split_only(make_clips: MakeClips, workspace: Workspace) -> None:
    folder = go(make_clips(12), workspace, replace(SMALL, noise_copies=0)).folder
    keys = [key for split in ("train", "validation", "test") for key in MelShards(folder, split).key]
    assert len(keys) == len(set(keys)) == 24


def test_same_bytes_for_any_number_of_workers_and_any_time(
    make_clips: MakeClips, workspace: Workspace
) -> None:
    clips = make_clips(6)
    one = bytes_of(go(clips, workspace).folder)
    time.sleep(1.1)
    for path in (workspace.shards).glob("*/*"):
        path.unlink()
    two = bytes_of(go(clips[::-1], workspace, replace(SMALL, jobs=2)).folder)
    assert one == two


def test_a_rerun_makes_nothing_again(make_clips: MakeClips, workspace: Workspace) -> None:
    clips = make_clips(5)
    first = go(clips, workspace)
    before = {path: path.stat().st_mtime_ns for path in first.shards}
    again = go(clips, workspace)
    assert (again.built, again.reused) == (0, 4)
    assert {path: path.stat().st_mtime_ns for path in again.shards} == before


def test_growing_moves_no_clip_and_keeps_full_shards(make_clips: MakeClips, workspace: Workspace) -> None:
    go(make_clips(5), workspace)
    before = read_dataset(workspace.dataset)
    grown = go(make_clips(9), workspace)
    after = read_dataset(workspace.dataset)
    assert after[: len(before)] == before
    assert len(after) == 18
    assert grown.reused >= 1


def test_other_settings_make_the_shards_anew(make_clips: MakeClips, workspace: Workspace) -> None:
    clips = make_clips(5)
    go(clips, workspace)
    louder = go(clips, workspace, replace(SMALL, noise_snr=(0.0, 5.0)))
    assert (louder.built, louder.reused) == (2, 2)
    wider = go(clips, workspace, replace(SMALL, noise_snr=(0.0, 5.0), clips_per_shard=100))
    assert sorted(path.name for path in wider.folder.glob("*.h5")) == sorted(p.name for p in wider.shards)


def test_the_presets_stand_side_by_side(make_clips: MakeClips, workspace: Workspace) -> None:
    clips = make_clips(3)
    go(clips, workspace)
    log = go(clips, workspace, replace(SMALL, preset="log"))
    assert len(list(workspace.shards.iterdir())) == 2
    decibel = MelShards(log.folder, "test").take(np.array([0]))
    assert np.ptp(decibel) == pytest.approx(80, abs=1e-3)


def test_a_killed_run_is_finished_by_the_next(make_clips: MakeClips, workspace: Workspace) -> None:
    clips = make_clips(6)
    whole = bytes_of(go(clips, workspace).folder)
    folder = next(workspace.shards.iterdir())
    (folder / "index.json").unlink()
    (folder / "train-00001.h5").unlink()
    (folder / ".train-00001.h5.4242.part").write_bytes(b"half a shard")
    shard = folder / "test-00000.h5"
    shard.write_bytes(shard.read_bytes()[:5000])
    with pytest.raises(DataMismatch, match="unfinished"):
        MelShards(folder, "train")
    again = go(clips, workspace)
    assert again.built == 2
    assert bytes_of(folder) == whole


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_keeps_finished_shards(make_clips: MakeClips, workspace: Workspace, jobs: int) -> None:
    clips = make_clips(6)

    def interrupt(done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    config = replace(SMALL, jobs=jobs)
    with pytest.raises(KeyboardInterrupt):
        featurize(clips, CLASSES, "synthetic", workspace, config, interrupt)
    folder = next(workspace.shards.iterdir())
    assert not list(folder.glob(".*"))
    assert not (folder / "index.json").exists()
    assert go(clips, workspace).reused >= 1


DAMAGE = {
    "gone": lambda path: path.unlink(),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:1000]),
    "one bit": lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\x7f"),
    "other": lambda path: path.write_text("not audio"),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_a_lost_or_damaged_clip_is_named(make_clips: MakeClips, workspace: Workspace, name: str) -> None:
    clips = make_clips(3)
    DAMAGE[name](workspace.root / clips[2].path)
    with pytest.raises(DataMismatch, match=clips[2].key) as caught:
        go(clips, workspace)
    assert "audioset-tools fetch" in caught.value.remedy


def test_a_damaged_clip_is_named_from_a_worker_too(make_clips: MakeClips, workspace: Workspace) -> None:
    clips = make_clips(3)
    (workspace.root / clips[0].path).unlink()
    with pytest.raises(DataMismatch, match=clips[0].key) as caught:
        go(clips, workspace, replace(SMALL, jobs=2))
    assert "audioset-tools fetch" in caught.value.remedy


def test_a_clip_of_another_length_is_refused(workspace: Workspace, make_clips: MakeClips) -> None:
    clips = list(make_clips(3))
    short = write_clip(workspace, "Tone", 0)
    path = workspace.root / short.path
    soundfile.write(path, np.zeros(80_000), 16_000, subtype="PCM_16")
    clips[0] = replace(short, sha256=hashlib.sha256(path.read_bytes()).hexdigest())
    with pytest.raises(DataMismatch, match="not ten seconds"):
        go(clips, workspace)


def test_no_clips(workspace: Workspace) -> None:
    with pytest.raises(DataMismatch, match="no clips") as caught:
        go([], workspace)
    assert "audioset-tools fetch" in caught.value.remedy
    assert not workspace.root.exists()


@pytest.mark.parametrize(
    "bad",
    [
        {"preset": "cqt"},
        {"noise_copies": -1},
        {"noise_snr": (30.0, 10.0)},
        {"noise_snr": (float("nan"), 10.0)},
        {"jobs": 0},
        {"clips_per_shard": 0},
    ],
)
def test_impossible_settings_are_usage_errors(bad: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        FeaturizeConfig(**bad)

"""featurize from clips to shards: same bytes always, only what is missing is made, nothing is ever lost."""

import hashlib
import os
import shutil
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numba
import numpy as np
import pytest
import soundfile

from audioset_tools.audio.clip import read_clip
from audioset_tools.csvfile import write_csv
from audioset_tools.exceptions import DataMismatch, EnvironmentProblem, UsageError
from audioset_tools.featurize import make as make_module
from audioset_tools.featurize.mel import logmel
from audioset_tools.featurize.run import FeaturizeConfig, FeaturizeResult, featurize, make_shards
from audioset_tools.featurize.task import Classes, ShardTask, make_shard
from audioset_tools.removal.exclusions import HEADER
from audioset_tools.shards.dataset import read_dataset
from audioset_tools.shards.index import read_index
from audioset_tools.shards.reader import MelShards
from audioset_tools.shards.spec import PRESETS
from audioset_tools.tasks.division import Division
from audioset_tools.tasks.part import ArrayPart
from audioset_tools.types import Clip, Message, Progress
from audioset_tools.workspace import Workspace
from tests.factories import CLASSES, featurized

MakeClips = Callable[[int], Sequence[Clip]]
SYNTHETIC = Classes("synthetic", CLASSES)
SMALL = FeaturizeConfig(clips_per_shard=4, division=Division(1))
BOTH = {"_T00000000A_0", "-T00000001A_1000"}
"""Tones that have noise besides, where clips may carry several classes."""


def go(
    clips: Sequence[Clip], workspace: Workspace, config: FeaturizeConfig = SMALL, progress: list | None = None
) -> FeaturizeResult:
    seen = [] if progress is None else progress

    def show(at: Progress) -> None:
        # Whether there is something to compile depends on what ran before.
        if not isinstance(at, Message):
            seen.append((at.done, at.total))

    return make_shards(workspace, clips, SYNTHETIC, config, show)


def many(jobs: int) -> FeaturizeConfig:
    """As many shards as there are clips, so that every worker has some."""
    return replace(SMALL, clips_per_shard=1, division=Division(jobs))


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
    assert progress[0] == (0, 10)
    assert progress[-1] == (10, 10)
    assert progress == sorted(progress)

    shards = MelShards(result.folder, "test")
    assert shards.header.class_names == CLASSES
    by_key = {clip.key: clip for clip in clips}
    for row, key in enumerate(shards.key):
        clip = by_key[key.decode()]
        assert clip.class_name == CLASSES[shards.label[row]]
        samples, _ = soundfile.read(workspace.root / clip.path)
        np.testing.assert_array_equal(shards.take(np.array([row]))[0], logmel(samples, PRESETS["paper"]))


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
    shards = []
    for jobs in (1, 2, 7):
        # A time stamp of whole seconds would show.
        time.sleep(1.1 if shards else 0)
        shards.append(bytes_of(go(clips[::-1] if jobs == 2 else clips, workspace, many(jobs)).folder))
        for path in workspace.shards.glob("*/*"):
            path.unlink()
    assert len(shards[0]) == 13
    assert shards[0] == shards[1] == shards[2]


def test_parts_in_any_order_and_more_than_once_make_the_same_bytes(
    make_clips: MakeClips, workspace: Workspace
) -> None:
    clips = make_clips(6)
    alone = bytes_of(go(clips, workspace, many(2)).folder)
    for order in ([(3, 3), (1, 3), (2, 3)], [(1, 2), (3, 4), (1, 2), (4, 4), (2, 2)]):
        shutil.rmtree(workspace.shards)
        lacking = []
        for number, of in order:
            division = Division(1, part=ArrayPart(number, of))
            done = go(clips, workspace, replace(many(1), division=division))
            lacking.append(done.missing)
            assert (done.folder / "index.json").exists() == (not done.missing)
            assert done.built + done.reused == len(range(number - 1, 12, of))
        assert lacking == sorted(lacking, reverse=True) and lacking[-1] == 0 < lacking[-2]
        assert bytes_of(done.folder) == alone
    # What is lost later is made again by the part whose it is, and by no other.
    lost = sorted(done.folder.glob("*.h5"))[0]
    lost.unlink()
    parts = [
        go(clips, workspace, replace(many(1), division=Division(1, part=ArrayPart(n, 2)))) for n in (1, 2)
    ]
    assert sorted(part.built for part in parts) == [0, 1] and bytes_of(done.folder) == alone


def test_two_parts_that_do_the_same_at_once_make_the_same_bytes(
    make_clips: MakeClips, workspace: Workspace
) -> None:
    clips = make_clips(6)
    alone = bytes_of(go(clips, workspace, many(2)).folder)
    shutil.rmtree(workspace.shards)
    config = replace(many(1), division=Division(1, part=ArrayPart(1, 2)))
    with ThreadPoolExecutor(3) as pool:
        parts = [pool.submit(go, clips, workspace, config) for _ in range(2)]
        parts.append(pool.submit(go, clips, workspace, many(2)))
        assert all(part.result() for part in parts)
    assert bytes_of(parts[0].result().folder) == alone


def test_a_part_leaves_nobody_out(tmp_path: Path) -> None:
    workspace = featurized(tmp_path / "w")
    write_csv(tmp_path / "out.csv", HEADER, [])
    with pytest.raises(UsageError, match="leaves nobody out"):
        featurize(workspace, part=(1, 2), exclude=tmp_path / "out.csv")


def test_parts_work_beside_each_other_and_not_beside_others(tmp_path: Path) -> None:
    workspace = featurized(tmp_path / "w")
    with workspace.lock(shared=True):
        assert featurize(workspace, part=(1, 2)).missing == 0
        with pytest.raises(EnvironmentProblem, match="working in"):
            featurize(workspace)
    with workspace.lock(), pytest.raises(EnvironmentProblem, match="working in"):
        featurize(workspace, part=(1, 2))


def test_targets_hold_every_class_that_a_clip_carries(make_clips: MakeClips, workspace: Workspace) -> None:
    clips = [replace(clip, also=("Noise",)) if clip.key in BOTH else clip for clip in make_clips(3)]
    done = make_shards(workspace, clips, replace(SYNTHETIC, multi_label=True), SMALL)
    for split in ("train", "validation", "test"):
        shards = MelShards(done.folder, split)
        assert shards.header.multi_label
        for key, label, target in zip(shards.key.tolist(), shards.label, shards.target, strict=True):
            assert target.tolist() == ([1, 1] if key.decode() in BOTH else [1 - label, label])
    one_class = [replace(clip, also=()) for clip in clips]
    with pytest.raises(DataMismatch, match="is now of class Tone"):
        go(one_class, workspace)
    workspace.dataset.unlink()
    assert go(one_class, workspace).reused == 0


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
    half_written, written_now = (folder / f".train-00001.h5.{n}.part" for n in (4242, 4243))
    for path, age in ((half_written, 90_000), (written_now, 0)):
        path.write_bytes(b"half a shard")
        os.utime(path, (time.time() - age,) * 2)
    shard = folder / "test-00000.h5"
    shard.write_bytes(shard.read_bytes()[:5000])
    with pytest.raises(DataMismatch, match="unfinished"):
        MelShards(folder, "train")
    again = go(clips, workspace)
    assert again.built == 2 and written_now.exists() and not half_written.exists()
    written_now.unlink()
    assert bytes_of(folder) == whole


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_interrupt_keeps_finished_shards(make_clips: MakeClips, workspace: Workspace, jobs: int) -> None:
    clips = make_clips(6)

    def interrupt(progress: Progress) -> None:
        if list(workspace.shards.glob("*/*.h5")):
            raise KeyboardInterrupt

    # So many copies that the last shard is not made before the first one is seen.
    config = replace(many(jobs), noise_copies=20)
    with pytest.raises(KeyboardInterrupt):
        make_shards(workspace, clips, SYNTHETIC, config, interrupt)
    folder = next(workspace.shards.iterdir())
    assert not list(folder.glob(".*"))
    assert not (folder / "index.json").exists()
    again = go(clips, workspace, config)
    assert again.reused >= 1
    assert again.built >= 1


DAMAGE = {
    "gone": lambda path: path.unlink(),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:1000]),
    "one bit": lambda path: path.write_bytes(path.read_bytes()[:-1] + b"\x7f"),
    "other": lambda path: path.write_text("not audio"),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
    "a pipe": lambda path: (path.unlink(), os.mkfifo(path)),
    # Without a word about its size this would take all memory there is.
    "a terabyte": lambda path: os.truncate(path, 2**40),
}


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("name", DAMAGE)
def test_a_lost_or_damaged_clip_is_named(
    make_clips: MakeClips, workspace: Workspace, name: str, jobs: int
) -> None:
    clips = make_clips(3)
    DAMAGE[name](workspace.root / clips[2].path)
    with pytest.raises(DataMismatch, match=clips[2].key) as caught:
        go(clips, workspace, many(jobs))
    assert "audioset-tools fetch" in caught.value.remedy


def written(clip: Clip, workspace: Workspace, samples: np.ndarray, suffix: str, subtype: str) -> Clip:
    """The clip with other samples in a file of another form."""
    path = (workspace.root / clip.path).with_suffix(suffix)
    soundfile.write(path, samples, 16_000, subtype=subtype)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return replace(clip, path=str(path.relative_to(workspace.root)), sha256=digest)


@pytest.mark.parametrize(
    ("samples", "subtype"),
    [
        (np.zeros(80_000), "PCM_16"),
        (np.zeros(160_001), "PCM_16"),
        (np.zeros((160_000, 2)), "PCM_16"),
        (np.full(160_000, np.nan), "FLOAT"),
    ],
    ids=["short", "long", "stereo", "NaN"],
)
def test_a_file_that_is_no_clip_is_refused(
    workspace: Workspace, make_clips: MakeClips, samples: np.ndarray, subtype: str
) -> None:
    clips = list(make_clips(3))
    clips[0] = written(clips[0], workspace, samples, ".wav", subtype)
    with pytest.raises(DataMismatch, match=clips[0].key):
        go(clips, workspace)


FORMS = [
    (".wav", "PCM_16"),
    (".flac", "PCM_16"),
    (".flac", "PCM_24"),
    (".wav", "FLOAT"),
    (".wav", "DOUBLE"),
    (".wav", "PCM_U8"),
]


@pytest.mark.parametrize(("suffix", "subtype"), FORMS)
def test_any_form_of_file_gives_the_samples_in_it(
    workspace: Workspace, make_clips: MakeClips, suffix: str, subtype: str
) -> None:
    clip = make_clips(1)[0]
    loud = np.random.default_rng(1).integers(-(2**15), 2**15, 160_000) / 2**15
    clip = written(clip, workspace, loud, suffix, subtype)
    path = workspace.root / clip.path
    expected, _ = soundfile.read(path, dtype="float32")
    samples = read_clip(path, clip.sha256)
    assert samples.dtype == np.float32
    np.testing.assert_array_equal(samples, expected)
    if subtype != "PCM_U8":
        np.testing.assert_array_equal(samples, loud)


def test_flac_gives_the_same_mels(workspace: Workspace, make_clips: MakeClips) -> None:
    clips = make_clips(3)
    wav = MelShards(go(clips, workspace).folder, "train").take(np.arange(2))
    flac = [
        written(clip, workspace, soundfile.read(workspace.root / clip.path)[0], ".flac", "PCM_16")
        for clip in clips
    ]
    shutil.rmtree(workspace.shards)
    workspace.dataset.unlink()
    again = MelShards(go(flac, workspace).folder, "train")
    np.testing.assert_array_equal(again.take(np.arange(2)), wav)


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
        {"clips_per_shard": 0},
    ],
)
def test_impossible_settings_are_usage_errors(bad: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        FeaturizeConfig(**bad)


def test_a_workspace_is_featurized_as_fetch_left_it(tmp_path: Path) -> None:
    workspace = featurized(tmp_path / "w")
    seen: list[Progress] = []
    again = featurize(workspace, on_progress=seen.append)
    assert (again.built, again.reused) == (0, 3)
    assert seen == [Progress(10, 10)]
    out = read_dataset(workspace.dataset)[0].key
    write_csv(tmp_path / "out.csv", HEADER, [(out, "duplicate", "")])
    less = featurize(workspace, exclude=tmp_path / "out.csv", jobs=1, on_progress=seen.append)
    assert any(
        str(one).startswith("1 candidate is newly excluded; 1 clip lies in set-aside/") for one in seen
    )
    assert out not in {placement.key for placement in read_dataset(workspace.dataset)}
    assert less.built >= 1 and (less.folder / "index.json").exists()
    with workspace.lock(), pytest.raises(EnvironmentProblem, match="another audioset-tools process"):
        featurize(workspace)
    with pytest.raises(UsageError, match="no mel preset"):
        featurize(workspace, preset="cqt")
    with pytest.raises(UsageError, match="there is no workspace"):
        featurize(Workspace(tmp_path / "nowhere"))


def test_that_something_is_compiled_is_said_once_by_the_thread_that_shows(
    make_clips: MakeClips, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def compile_first(task: ShardTask, on_clip: Callable[[], None]) -> None:
        assert numba.njit(lambda n: n + 1)(1) == 2
        make_shard(task, on_clip)

    monkeypatch.setattr(make_module, "make_shard", compile_first)
    told: list[tuple[str, threading.Thread]] = []

    def show(at: Progress) -> None:
        if isinstance(at, Message):
            told.append((at.text, threading.current_thread()))

    make_shards(workspace, make_clips(5), SYNTHETIC, SMALL, show)
    ((words, thread),) = told
    assert words.startswith("compiling, once") and thread is threading.main_thread()

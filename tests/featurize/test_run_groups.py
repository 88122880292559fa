"""What belongs together stands in one split, from the ledger to the shards; what does not is told."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from audioset_tools.audio.fingerprint import fingerprint
from audioset_tools.exceptions import DataMismatch
from audioset_tools.featurize.run import FeaturizeResult, featurize
from audioset_tools.ledger import Ledger
from audioset_tools.removal.exclusions import read_exclusions
from audioset_tools.shards.dataset import read_dataset, write_dataset
from audioset_tools.shards.placements import SPLITS
from audioset_tools.shards.reader import MelShards
from audioset_tools.types import Candidate, Clip, VideoInfo
from audioset_tools.workspace import Workspace
from tests.audio.test_fingerprint import IDS, sound, through
from tests.factories import CLASSES, origin


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(-8_000, 8_000, 160_000).astype(np.int16)


def made(workspace: Workspace, ytid: str, start_ms: int, class_name: str, samples: np.ndarray) -> Clip:
    """A clip on disk, as fetch writes it."""
    key = f"{ytid}_{start_ms}"
    path = workspace.clip(class_name, key)
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, 16_000, subtype="PCM_16")
    return Clip(
        key, class_name, 0, str(path.relative_to(workspace.root)),
        hashlib.sha256(path.read_bytes()).hexdigest(), 10.0, 0.5, "test", fingerprint=fingerprint(samples),
    )  # fmt: skip


def recorded(workspace: Workspace, clips: Sequence[Clip], of_list: bool = False) -> Workspace:
    """The workspace with a ledger of these clips, as fetch leaves it."""
    ranks = dict.fromkeys(CLASSES, -1)
    pairs = []
    for clip in clips:
        ranks[clip.class_name] += 1
        ytid, start_ms, rank = clip.key[:11], int(clip.key[12:]), ranks[clip.class_name]
        segment = ytid, start_ms, start_ms + 10_000, clip.class_name, 0, rank, "list"
        candidate = Candidate(*segment, split=clip.split, group=clip.group)
        pairs.append((candidate, replace(clip, rank=rank)))
    with Ledger(workspace.ledger) as ledger:
        ledger.load(
            replace(origin(*CLASSES, splits=(4, 1, 1)), of_list=of_list),
            [candidate for candidate, _ in pairs],
        )
        for candidate, clip in pairs:
            ledger.accept(candidate, clip, at=1)
    return workspace


def splits_of(workspace: Workspace, *, by: int = 11) -> dict[str, set[str]]:
    """In which splits the clips of a video stand; by the whole key, each clip."""
    found = defaultdict[str, set[str]](set)
    for placement in read_dataset(workspace.dataset):
        found[placement.key[:by]].add(placement.split)
    return found


def counts(result: FeaturizeResult) -> list[tuple[int, ...]]:
    return [tuple(result.clips[split][name] for name in CLASSES) for split in SPLITS]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    return Workspace(tmp_path / "w")


def test_four_segments_of_each_video_stand_in_one_split(workspace: Workspace) -> None:
    clips = [
        made(workspace, f"{video:010}A", 10_000 * part, CLASSES[video % 2], noise(4 * video + part))
        for video in range(12)
        for part in range(4)
    ]
    result = featurize(recorded(workspace, clips), noise_copies=0)
    assert {len(splits) for splits in splits_of(workspace).values()} == {1}
    assert counts(result) == [(16, 16), (4, 4), (4, 4)] and not result.short
    assert (result.leak.groups, result.leak.divided) == (12, 0)
    groups = {split: set(MelShards(result.folder, split).group.tolist()) for split in SPLITS}
    assert sum(map(len, groups.values())) == len(set.union(*groups.values())) == 12
    shards = MelShards(result.folder, "train")
    names = {one.key: one.group for one in read_dataset(workspace.dataset)}
    assert [names[key.decode()] for key in shards.key] == [group.decode() for group in shards.group]


def test_the_videos_of_a_channel_stand_in_one_split(workspace: Workspace) -> None:
    clips = []
    for video in range(24):
        info = VideoInfo(f"UC{video // 4:022}", "Somebody", "Something")
        clip = made(workspace, f"{video:010}A", 0, CLASSES[video // 4 % 2], noise(video))
        clips.append(replace(clip, video=info))
    featurize(recorded(workspace, clips), noise_copies=0)
    found = splits_of(workspace)
    for channel in range(6):
        assert len(set.union(*(found[f"{4 * channel + n:010}A"] for n in range(4)))) == 1


def test_a_second_upload_stands_where_the_first_does(workspace: Workspace) -> None:
    clips = [made(workspace, f"{n:010}A", 0, CLASSES[n % 2], noise(n)) for n in range(16)]
    for n, codec in enumerate((("libopus", "-b:a", "48k"), ("aac", "-b:a", "96k"), ("libmp3lame",))):
        form = {"libopus": "ogg", "aac": "adts", "libmp3lame": "mp3"}[codec[0]]
        once, again = sound(IDS[n]), through(sound(IDS[n]), *codec, form=form)
        clips.append(made(workspace, f"{2 * n:010}Q", 0, CLASSES[0], once))
        clips.append(made(workspace, f"{2 * n + 1:010}Q", 0, CLASSES[1], again))
    featurize(recorded(workspace, clips), noise_copies=0)
    groups = {one.key: one.group for one in read_dataset(workspace.dataset)}
    for n in range(3):
        assert groups[f"{2 * n:010}Q_0"] == groups[f"{2 * n + 1:010}Q_0"]
    assert len(set(groups.values())) == 19
    found = splits_of(workspace)
    assert all(found[f"{2 * n:010}Q"] == found[f"{2 * n + 1:010}Q"] for n in range(3))


def test_what_was_frozen_before_there_were_groups_stays_and_is_told(workspace: Workspace) -> None:
    clips = [
        made(workspace, f"{video:010}A", 10_000 * part, CLASSES[video % 2], noise(2 * video + part))
        for video in range(12)
        for part in range(2)
    ]
    featurize(recorded(workspace, clips), noise_copies=0)
    frozen = read_dataset(workspace.dataset)
    # One clip of the first video in train moves to the test, as its own hash may once have wished.
    moved = next(one for one in frozen if one.split == "train")
    old = [replace(one, group="", split="test" if one == moved else one.split) for one in frozen]
    write_dataset(workspace.dataset, old)
    before = [line.removesuffix(",") for line in workspace.dataset.read_text().splitlines()]
    workspace.dataset.write_text("\n".join(before).replace(",group\n", "\n") + "\n")
    result = featurize(workspace, noise_copies=0)
    assert [(one.key, one.split) for one in read_dataset(workspace.dataset)] == [
        (one.key, one.split) for one in old
    ]
    assert (result.leak.groups, result.leak.divided, result.leak.tested) == (12, 1, 1)
    again = featurize(workspace, noise_copies=0)
    assert (again.built, again.leak) == (0, result.leak)


def test_a_list_that_puts_one_sound_into_two_splits_is_refused_and_told_whom_to_leave_out(
    workspace: Workspace,
) -> None:
    clips = [
        replace(
            made(workspace, f"{n:010}A", 0, CLASSES[n % 2], noise(n)), split=SPLITS[n % 3], group=f"g{n // 6}"
        )
        for n in range(18)
    ]
    split = {"train": 0, "test": 1}
    for name, n in split.items():
        samples = sound(IDS[0]) if n else through(sound(IDS[0]), "libopus", "-b:a", "48k", form="ogg")
        clips.append(replace(made(workspace, f"{n:010}Q", 0, CLASSES[0], samples), split=name))
    recorded(workspace, clips, of_list=True)
    with pytest.raises(DataMismatch, match="the list puts 1 sounds into several splits") as caught:
        featurize(workspace, noise_copies=0)
    assert f"--exclude {workspace.same_sound}" in caught.value.remedy
    assert not workspace.dataset.exists() and not workspace.shards.exists()
    (out,) = read_exclusions(workspace.same_sound)
    assert (out.key, out.detail) == ("0000000000Q_0", "same sound: in train, as 0000000001Q_0 in test")
    result = featurize(workspace, exclude=workspace.same_sound, noise_copies=0)
    # What only belongs together is told: the list's own splits stand.
    assert (result.leak.divided, result.of_list) == (3, True)
    named = {clip.key: clip.split for clip in clips if clip.key != out.key}
    assert {one.key: one.split for one in read_dataset(workspace.dataset)} == named

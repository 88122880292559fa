"""Clips that belong together are found by whatever joins them, over as many clips as it takes."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.audio.fingerprint import fingerprint
from audioset_tools.shards.dataset import GROUP
from audioset_tools.shards.groups import find_groups, group_name
from audioset_tools.shards.placements import Placement
from audioset_tools.types import Clip, VideoInfo
from tests.audio.test_fingerprint import IDS, sound, through
from tests.shards.test_splits import CHANNEL, clip

KEYS = [f"{n:010}A_{1000 * n}" for n in range(8)]
NAMES = [group_name(key[:11]) for key in KEYS]


def one(n: int, **more: object) -> Clip:
    return clip(KEYS[n], "Piano", n, **more)


def together(clips: list[Clip], frozen: list[Placement] | None = None) -> list[set[int]]:
    """The numbers of the clips of each group that has more than one."""
    names = find_groups(clips, frozen or []).names
    groups = {name: {KEYS.index(key) for key in names if names[key] == name} for name in names.values()}
    return sorted((group for group in groups.values() if len(group) > 1), key=min)


def placed(clip: Clip, group: str) -> Placement:
    return Placement(clip.key, "Piano", (), "train", clip.path, clip.sha256, (), group)


def test_a_video_a_channel_a_name_and_a_sound_join() -> None:
    same_video = replace(one(0), key=f"{KEYS[0][:11]}_99000", sha256="f" * 64)
    names = find_groups([one(0), same_video, one(1)]).names
    assert names == {KEYS[0]: NAMES[0], same_video.key: NAMES[0], KEYS[1]: NAMES[1]}
    told = VideoInfo(CHANNEL, "A channel", "A title")
    assert together([one(0, video=told), one(1), one(2, video=replace(told, title="other"))]) == [{0, 2}]
    assert together([one(0, group="session 1"), one(1, group="session 1"), one(2)]) == [{0, 1}]
    assert together([one(0), replace(one(1), sha256=one(0).sha256), one(2)]) == [{0, 1}]


def test_a_name_says_nothing_of_the_video_and_differs_from_others() -> None:
    names = {group_name(f"{n:010}A") for n in range(10_000)}
    assert len(names) == 10_000 and all(map(GROUP.fullmatch, names))


def test_what_is_no_channel_joins_nothing() -> None:
    for strange in ("", "None", "UC", CHANNEL + "x", CHANNEL[:-1] + "\n", "uc" + CHANNEL[2:]):
        info = VideoInfo(strange, "A channel", "A title")
        assert together([one(0, video=info), one(1, video=info)]) == []


def test_a_second_upload_in_another_codec_joins() -> None:
    first = fingerprint(sound(IDS[1]))
    second = fingerprint(through(sound(IDS[1]), "libopus", "-b:a", "48k", form="ogg"))
    other = fingerprint(sound(IDS[2]))
    clips = [one(0, fingerprint=first), one(1, fingerprint=other), one(2, fingerprint=second)]
    found = find_groups(clips)
    assert together(clips) == [{0, 2}] and found.twins == ((KEYS[0], KEYS[2]),)
    assert find_groups(clips, by_sound=False).twins == ()


def test_joining_goes_over_any_number_of_clips() -> None:
    info = VideoInfo(CHANNEL, "", "")
    chain = [
        one(4, group="a"),
        one(3, group="a", video=info),
        replace(one(2, video=info), sha256="e" * 64),
        replace(one(7), sha256="e" * 64),
        one(5),
    ]
    assert together(chain) == [{2, 3, 4, 7}]
    assert {*find_groups(chain).names.values()} == {NAMES[2], NAMES[5]}


def test_what_was_frozen_as_a_group_stays_one_and_keeps_its_name() -> None:
    gone = group_name("zzzzzzzzzzA")
    frozen = [placed(one(3), gone), placed(one(5), gone), placed(one(1), "")]
    clips = [one(n) for n in (1, 3, 5, 6)]
    names = find_groups(clips, frozen).names
    assert names == {KEYS[1]: NAMES[1], KEYS[3]: gone, KEYS[5]: gone, KEYS[6]: NAMES[6]}
    # What comes of that video later belongs there too; what joins two groups makes them one.
    later = clip("zzzzzzzzzzA_0", "Piano", 9, group="bridge")
    clips[0] = replace(clips[0], group="bridge")
    names = find_groups([*clips, later], frozen).names
    assert {names[later.key], names[KEYS[1]], names[KEYS[3]]} == {gone}


def test_what_was_frozen_is_compared_by_its_sound_with_new_clips_only() -> None:
    same = fingerprint(sound(IDS[1]))
    clips = [one(n, fingerprint=same) for n in range(3)]
    frozen = [placed(one(n), NAMES[n]) for n in range(2)]
    assert together(clips[:2], frozen) == []
    assert together(clips, frozen) == [{0, 1, 2}]
    # Unless it was fetched again since, or frozen before there were groups.
    assert together([replace(clips[0], sha256="d" * 64), clips[1]], frozen) == [{0, 1}]
    assert together(clips[:2], [replace(frozen[0], group=""), frozen[1]]) == [{0, 1}]


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=8), st.randoms())
def test_groups_are_what_is_connected_in_any_order(
    marks: list[tuple[int, int]], random: np.random.Generator
) -> None:
    clips = [
        one(n, group=f"g{group}", video=VideoInfo(f"UC{channel:022}", "", ""))
        for n, (group, channel) in enumerate(marks)
    ]
    groups = [{n} for n in range(len(marks))]
    for n, mark in enumerate(marks):
        for m, other in enumerate(marks[:n]):
            if mark[0] == other[0] or mark[1] == other[1]:
                joined = groups[n] | groups[m]
                groups = [joined if k in joined else group for k, group in enumerate(groups)]
    found = find_groups(clips).names
    assert found == {KEYS[n]: NAMES[min(group)] for n, group in enumerate(groups)}
    random.shuffle(clips)  # type: ignore[arg-type]
    assert find_groups(clips).names == found

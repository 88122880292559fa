"""The splits: proportions, balance, groups that are not divided, and clips that never move."""

from collections import Counter
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.shards.placements import Placement
from audioset_tools.shards.splits import Leak, assign, leak_of, quotas
from audioset_tools.types import Clip, Splits, VideoInfo

CLASSES = ("Piano", "Drums")


def clip(key: str, class_name: str, rank: int = 0, **more: object) -> Clip:
    digest = sha256(key.encode()).hexdigest()
    return Clip(key, class_name, rank, f"clips/{key}.wav", digest, 10.0, 0.5, "test", **more)  # type: ignore[arg-type]


def clips(**per_class: int) -> list[Clip]:
    """So many clips of each class, each a group of its own."""
    return [clip(f"{name}{n:05d}", name, n) for name, count in per_class.items() for n in range(count)]


def counts(placements: tuple[Placement, ...], class_name: str) -> tuple[int, ...]:
    found = Counter(placement.split for placement in placements if placement.class_name == class_name)
    return found["train"], found["validation"], found["test"]


def test_the_papers_numbers() -> None:
    found = assign([], clips(Piano=2400, Drums=2400), CLASSES, Splits(), 0)
    assert counts(found.placements, "Piano") == counts(found.placements, "Drums") == (2000, 200, 200)


@pytest.mark.parametrize(
    ("per_class", "expected"), [(3, (1, 1, 1)), (11, (9, 1, 1)), (25, (21, 2, 2)), (100, (84, 8, 8))]
)
def test_small_sets_fill_every_split(per_class: int, expected: tuple[int, ...]) -> None:
    found = assign([], clips(Piano=per_class, Drums=per_class), CLASSES, Splits(), 0)
    assert counts(found.placements, "Piano") == expected


@given(st.integers(3, 5000), st.integers(1, 9000), st.integers(1, 9000), st.integers(1, 9000))
def test_quotas_are_never_empty_and_use_every_clip(n: int, train: int, validation: int, test: int) -> None:
    found = quotas(Splits(train, validation, test), n)
    assert sum(found.values()) == n
    assert min(found.values()) >= 1


def test_the_smallest_class_bounds_all_and_the_best_ranked_are_taken() -> None:
    found = assign([], clips(Piano=30, Drums=12), CLASSES, Splits(), 0)
    assert counts(found.placements, "Piano") == counts(found.placements, "Drums") == (10, 1, 1)
    assert found.waiting == {"Piano": 18, "Drums": 0}
    assert {p.key for p in found.placements if p.class_name == "Piano"} == {
        f"Piano{n:05d}" for n in range(12)
    }


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(3, 60), st.integers(3, 60)), min_size=1, max_size=4), st.integers(0, 9))
def test_growing_never_moves_a_clip(sizes: list[tuple[int, int]], seed: int) -> None:
    before: tuple[Placement, ...] = ()
    piano = drums = 0
    for more_piano, more_drums in sizes:
        piano, drums = piano + more_piano, drums + more_drums
        after = assign(before, clips(Piano=piano, Drums=drums), CLASSES, Splits(), seed).placements
        assert after[: len(before)] == before
        smaller = min(piano, drums)
        quota = quotas(Splits(), smaller)
        assert counts(after, "Piano") == counts(after, "Drums") == tuple(quota.values())
        before = after


def test_the_order_of_the_clips_does_not_matter_but_the_seed_does() -> None:
    some = clips(Piano=40, Drums=40)
    first = assign([], some, CLASSES, Splits(), 0)
    assert assign([], some[::-1], CLASSES, Splits(), 0) == first
    assert assign([], some, CLASSES, Splits(), 1) != first


def test_a_clip_fetched_anew_keeps_its_split() -> None:
    some = clips(Piano=12, Drums=12)
    before = assign([], some, CLASSES, Splits(), 0).placements
    some[3] = replace(some[3], sha256="f" * 64)
    after = assign(before, some, CLASSES, Splits(), 0).placements
    assert [(p.key, p.split) for p in after] == [(p.key, p.split) for p in before]
    assert "f" * 64 in {p.sha256 for p in after}


def test_a_clip_that_carries_several_classes_counts_for_the_one_it_was_drawn_for() -> None:
    some = [replace(clip, also=("Drums",)) if clip.rank < 4 else clip for clip in clips(Piano=12)]
    found = assign([], [*some, *clips(Drums=12)], CLASSES, Splits(), 0)
    assert counts(found.placements, "Piano") == counts(found.placements, "Drums") == (10, 1, 1)
    assert {p.key: p.also for p in found.placements if p.also} == {c.key: c.also for c in some[:4]}


def test_a_frozen_clip_that_is_gone_is_named() -> None:
    some = clips(Piano=12, Drums=12)
    before = assign([], some, CLASSES, Splits(), 0).placements
    with pytest.raises(DataMismatch, match="Piano00005"):
        assign(before, [clip for clip in some if clip.key != "Piano00005"], CLASSES, Splits(), 0)
    for change, now in (({"class_name": "Drums"}, "Drums"), ({"also": ("Drums",)}, "Piano, Drums")):
        with pytest.raises(DataMismatch, match=f"Piano00000 .* now of class {now}"):
            assign(before, [replace(some[0], **change), *some[1:]], CLASSES, Splits(), 0)


@pytest.mark.parametrize("drums", [0, 2])
def test_a_class_with_too_few_clips_is_refused(drums: int) -> None:
    with pytest.raises(DataMismatch, match=f"'Drums' has {drums} clips"):
        assign([], clips(Piano=20, Drums=drums), CLASSES, Splits(), 0)


def test_a_class_that_the_recipe_lacks_is_refused() -> None:
    with pytest.raises(DataMismatch, match="'Cello'"):
        assign([], clips(Piano=5, Drums=5, Cello=5), CLASSES, Splits(), 0)


def listed(**splits: int) -> list[Clip]:
    """Clips of a list, so many of each split of each class: `Piano_train=3`; `Piano_=2` leaves it open."""
    return [
        clip(f"{n:03}{name}", name.split("_")[0], n, split=name.split("_")[1])
        for name, count in splits.items()
        for n in range(count)
    ]


def test_all_clips_of_a_list_are_taken_into_its_splits() -> None:
    some = listed(Piano_train=30, Piano_validation=5, Drums_test=2, Drums_train=1)
    found = assign([], some, ("Piano", "Drums", "Never"), Splits(), 0, of_list=True)
    assert {p.key: p.split for p in found.placements} == {clip.key: clip.split for clip in some}
    assert set(found.waiting.values()) == {0}


def test_a_list_without_splits_is_drawn_and_its_classes_are_not_cut() -> None:
    found = assign([], listed(Piano_=24, Drums_=12, Flute_=2), (*CLASSES, "Flute"), Splits(), 0, of_list=True)
    assert counts(found.placements, "Piano") == (20, 2, 2)
    assert counts(found.placements, "Drums") == (10, 1, 1)
    assert counts(found.placements, "Flute") == (2, 0, 0)


def test_where_a_list_has_no_validation_its_train_clips_give_some_and_its_test_none() -> None:
    some = listed(Piano_train=20, Piano_test=4, Drums_train=10, Drums_=2)
    found = assign([], some, CLASSES, Splits(), 0, of_list=True)
    assert counts(found.placements, "Piano") == (18, 2, 4)
    assert counts(found.placements, "Drums") == (10, 1, 1)
    kept = {p.key for p in found.placements if p.split == "test"}
    assert kept >= {clip.key for clip in some if clip.split == "test"}
    assert not kept & {clip.key for clip in some if clip.split == "train"}


@given(st.integers(1, 40), st.integers(0, 9))
def test_a_list_that_grows_moves_no_clip(n: int, seed: int) -> None:
    some = listed(Piano_train=30, Piano_test=6, Piano_=4, Drums_=5)
    first = assign([], some[:n], CLASSES, Splits(), seed, of_list=True).placements
    after = assign(first, some, CLASSES, Splits(), seed, of_list=True).placements
    assert after[: len(first)] == first and len(after) == len(some)


def test_an_empty_share_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="leave one empty"):
        Splits(8000, 800, 0)


CHANNEL = "UC0123456789012345678901"

some_groups = st.lists(
    st.tuples(st.sampled_from(CLASSES), st.integers(0, 12), st.integers(0, 2)), min_size=12, max_size=80
)
"""Clips as their class, their group, and a reason to be in it."""


def grouped(found: list[tuple[str, int, int]]) -> list[Clip]:
    """Clips that are joined by a name of a list, by a channel, or by their bytes."""
    made = []
    for n, (class_name, group, reason) in enumerate(found):
        one = clip(f"{n:011}_0", class_name, n)
        if reason == 0:
            one = replace(one, group=f"name {group}")
        elif reason == 1:
            one = replace(one, video=VideoInfo(f"UC{group:022}", "a channel", "a title"))
        else:
            one = replace(one, sha256=f"{group:064x}")
        made.append(one)
    return made


def split_of(placements: tuple[Placement, ...]) -> dict[str, str]:
    return {placement.key: placement.split for placement in placements}


@given(some_groups, st.booleans(), st.integers(0, 9), st.randoms(use_true_random=False))
def test_no_group_is_divided_quotas_are_met_to_within_a_group_and_no_order_matters(
    found: list[tuple[str, int, int]], apart: bool, seed: int, random: object
) -> None:
    if apart:
        # Each group is of one class.
        found = [(name, 2 * group + CLASSES.index(name), reason) for name, group, reason in found]
    some = grouped(found)
    per_class = Counter(one.class_name for one in some)
    if min(per_class[name] for name in CLASSES) < 3:
        return
    try:
        result = assign([], some, CLASSES, Splits(10, 2, 2), seed)
    except DataMismatch as error:
        assert "a group is not divided" in error.what
        return
    shuffled = list(some)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert assign([], shuffled, CLASSES, Splits(10, 2, 2), seed) == result
    splits = split_of(result.placements)
    whole = {}
    for n, (_, group, reason) in enumerate(found):
        if (key := f"{n:011}_0") in splits:
            assert whole.setdefault((group, reason), splits[key]) == splits[key]
    assert leak_of(result.placements).divided == 0 and not result.twins
    quota = quotas(Splits(10, 2, 2), min(per_class.values()))
    for name in CLASSES:
        train, validation, test = counts(result.placements, name)
        assert train + validation + test == sum(quota.values())
        for split, there in (("validation", validation), ("test", test)):
            assert result.short.get((name, split), 0) == max(0, quota[split] - there if train else 0)
            if apart:
                sizes = Counter(p.group for p in result.placements if p.class_name == name)
                assert abs(there - quota[split]) < max(sizes.values()) or len(sizes) < 3


@given(
    st.lists(st.lists(st.tuples(st.sampled_from(CLASSES), st.integers(0, 30)), max_size=25), max_size=4),
    st.integers(0, 9),
)
def test_however_clips_arrive_none_moves_and_no_group_is_divided(
    arrivals: list[list[tuple[str, int]]], seed: int
) -> None:
    some = [replace(one, group=f"own {one.key}") for one in clips(Piano=8, Drums=8)]
    before = assign([], some, CLASSES, Splits(10, 2, 2), seed).placements
    for arrived in arrivals:
        some = list(some)
        for class_name, group in arrived:
            rank = len(some)
            some.append(clip(f"{rank:011}_0", class_name, rank, group=f"group {group}"))
        after = assign(before, some, CLASSES, Splits(10, 2, 2), seed).placements
        assert [(p.key, p.split) for p in after[: len(before)]] == [(p.key, p.split) for p in before]
        assert leak_of(after).divided == 0
        before = after


def test_a_large_group_is_for_training_and_the_rest_fills_the_quotas_exactly() -> None:
    some = clips(Piano=2400, Drums=2400)
    some = [replace(one, group="300 of one channel") if one.rank % 8 == 0 else one for one in some]
    found = assign([], some, CLASSES, Splits(), 0)
    assert counts(found.placements, "Piano") == counts(found.placements, "Drums") == (2000, 200, 200)
    large = {p.split for p in found.placements if int(p.key[5:]) % 8 == 0}
    assert large == {"train"} and not found.short


def test_what_whole_groups_do_not_reach_is_told() -> None:
    some = [replace(one, group=f"{one.key[:5]} {one.rank // 3}") for one in clips(Piano=60, Drums=60)]
    found = assign([], some, CLASSES, Splits(), 0)
    # Three of five: a second group of three would be one too many.
    assert counts(found.placements, "Piano") == (54, 3, 3)
    assert found.short == {(name, split): 2 for name in CLASSES for split in ("validation", "test")}


def test_a_class_of_large_groups_has_one_in_every_split_though_there_be_too_many() -> None:
    some = [replace(one, group=f"{one.key[:5]} {one.rank // 4}") for one in clips(Piano=12, Drums=12)]
    found = assign([], some, CLASSES, Splits(), 0)
    assert counts(found.placements, "Piano") == counts(found.placements, "Drums") == (4, 4, 4)


def test_clips_that_all_belong_together_cannot_be_split() -> None:
    some = [replace(one, video=VideoInfo(CHANNEL, "", "")) for one in clips(Piano=20, Drums=20)]
    with pytest.raises(DataMismatch, match=r"40 clips of 1 groups .* leave none for validation and test"):
        assign([], some, CLASSES, Splits(), 0)


def test_what_was_divided_before_stays_and_what_joins_it_comes_into_train() -> None:
    some = clips(Piano=12, Drums=12)
    before = assign([], some, CLASSES, Splits(), 0).placements
    one = {split: next(p.key for p in before if p.split == split) for split in ("train", "test")}
    joined = [replace(c, group="later known") if c.key in one.values() else c for c in some]
    joined += [
        clip(f"new{n}_{name}", name, 12 + n, group="later known") for name in CLASSES for n in range(3)
    ]
    after = assign(before, joined, CLASSES, Splits(), 0).placements
    assert split_of(after[: len(before)]) == split_of(before)
    assert {p.split for p in after if p.key.startswith("new")} == {"train"}
    assert leak_of(before) == Leak(groups=24, divided=0, tested=0, clips=4)
    assert leak_of(after) == Leak(groups=23, divided=1, tested=1, clips=4)
    assert "1 of 23 groups" in str(leak_of(after)) and "of 4 clips" in str(leak_of(after))


def test_splits_of_before_there_were_groups_leak_what_their_videos_do() -> None:
    about = "Piano", (), "train", "clips/x", "0" * 64
    placements = [Placement(f"-abcdefghiA_{n}000", *about) for n in range(3)]
    placements[1] = replace(placements[1], split="test")
    assert leak_of(placements) == Leak(groups=1, divided=1, tested=1, clips=1)


LISTED = {"Piano_test": 6, "Piano_": 6, "Piano_train": 12, "Piano_validation": 1}


def test_the_splits_of_a_list_stand_and_what_is_open_goes_where_its_group_is() -> None:
    some = [replace(one, group=f"take {one.rank}") for one in listed(**LISTED)]
    found = assign([], some, CLASSES, Splits(), 0, of_list=True)
    splits = split_of(found.placements)
    assert all(splits[one.key] == one.split for one in some if one.split)
    # Of takes 0 to 5 some clips are named for the test, some for training: the list has said so.
    assert {splits[one.key] for one in some if not one.split} == {"train"}
    assert leak_of(found.placements).divided == 6


def test_train_clips_of_a_list_move_together_into_a_split_that_it_lacks() -> None:
    some = [replace(one, group=f"take {one.rank // 2}") for one in listed(Piano_train=40, Piano_test=6)]
    some = [replace(one, group="") if one.split == "test" else one for one in some]
    found = assign([], some, CLASSES, Splits(8, 1, 1), 0, of_list=True)
    assert counts(found.placements, "Piano") == (36, 4, 6)
    assert leak_of(found.placements).divided == 0


def test_the_same_sound_in_two_splits_of_a_list_is_told_once_when_it_is_placed() -> None:
    some = listed(Piano_train=20, Piano_test=6)
    some[3] = replace(some[3], sha256=some[22].sha256)
    found = assign([], some, CLASSES, Splits(), 0, of_list=True)
    assert {frozenset(pair) for pair in found.twins} == {frozenset((some[3].key, some[22].key))}
    assert not assign(found.placements, some, CLASSES, Splits(), 0, of_list=True).twins


def test_train_clips_of_a_list_never_move_into_a_split_that_it_names() -> None:
    found = assign(
        [], listed(Piano_train=20, Piano_test=4, Drums_train=12), CLASSES, Splits(), 0, of_list=True
    )
    assert counts(found.placements, "Drums") == (11, 1, 0) and not found.short


def test_the_same_sound_in_two_frozen_splits_is_no_reason_to_refuse_them() -> None:
    some = listed(Piano_train=20, Piano_test=6)
    some[3] = replace(some[3], sha256=some[22].sha256)
    frozen = assign([], some, CLASSES, Splits(), 0, of_list=True).placements
    of_before = [replace(placement, group="") for placement in frozen]
    after = assign(of_before, some, CLASSES, Splits(), 0, of_list=True)
    assert not after.twins and after.placements == frozen and leak_of(frozen).divided == 1

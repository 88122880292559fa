"""dataset.csv: what is written is read, what is damaged is refused with its line.

The frozen splits: proportions, balance, and clips that never move.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.exceptions import DataMismatch, UsageError
from audioset_tools.shards.dataset import Placement, assign, quotas, read_dataset, write_dataset
from audioset_tools.types import Clip, Splits

CLASSES = ("Piano", "Drums")


def clips(**per_class: int) -> list[Clip]:
    return [
        Clip(f"{name}{n:05d}", name, n, f"clips/{name}/{n}.wav", f"{n:064x}", 10.0, 0.5, "test")
        for name, count in per_class.items()
        for n in range(count)
    ]


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
    made = []
    for name, count in splits.items():
        class_name, split = name.split("_")
        made += [replace(clip, split=split) for clip in clips(**{f"{class_name}{split}": count})]
    return [replace(clip, class_name=clip.key.rstrip("0123456789").removesuffix(clip.split)) for clip in made]


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


PLACEMENTS = (
    Placement(
        *("-abcdefghiA_0", "Piano", ("Flute", "Voice"), "train", "clips/Piano/Y-abcdefghiA_0.wav", "0" * 64),
        labels=("/m/05r5c", "/m/0l14j_"),
    ),
    Placement("d_f_1000", 'Drums, "big"', (), "test", "clips/Drums/Yd_f_1000.wav", "1" * 64),
)


def test_round_trip(tmp_path: Path) -> None:
    write_dataset(tmp_path / "dataset.csv", PLACEMENTS)
    assert read_dataset(tmp_path / "dataset.csv") == list(PLACEMENTS)
    head, first, *_ = (tmp_path / "dataset.csv").read_text().splitlines()
    assert head == "key,class,also,split,path,sha256,labels"
    assert first.startswith("-abcdefghiA_0,Piano,Flute;Voice,train,") and first.endswith(
        ",/m/05r5c;/m/0l14j_"
    )


def test_names_that_would_act_come_back_and_are_not_there(tmp_path: Path) -> None:
    names = ("=cmd|' /C calc'!A0", ("-Voice", "\u202e\x1b[31m"))
    hostile = [Placement("e_f_1000", *names, "test", "=x\udcff\n.wav", "2" * 64)]
    write_dataset(tmp_path / "dataset.csv", hostile)
    assert read_dataset(tmp_path / "dataset.csv") == hostile
    written = (tmp_path / "dataset.csv").read_text()
    assert written.count("\n") == 2 and ",'=cmd" in written and "\x1b" not in written


def test_no_file_means_nothing_is_frozen(tmp_path: Path) -> None:
    assert read_dataset(tmp_path / "dataset.csv") == []


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[:-20], "cut off"),
        (lambda text: "", "cut off"),
        (lambda text: text.replace("class", "klass"), "line 1: the columns"),
        (lambda text: text.replace(",train,", ",tain,"), "line 2: no such split: 'tain'"),
        (lambda text: text.replace(",train,", ","), "line 2: 6 fields"),
        (lambda text: text.replace("1" * 64, "#NAME?"), "line 3: no sha256"),
        (lambda text: text.replace("d_f_1000,", ",", 1), "line 3: an empty field"),
        (lambda text: text + text.splitlines()[1] + "\n", "line 4: clip -abcdefghiA_0 stands there twice"),
        (lambda text: text.replace("Piano", '"' + "x" * 200_000), "this is no row of a CSV: field larger"),
    ],
)
def test_damage_is_refused(tmp_path: Path, damage: Callable[[str], str], message: str) -> None:
    path = tmp_path / "dataset.csv"
    write_dataset(path, PLACEMENTS)
    path.write_text(damage(path.read_text()))
    with pytest.raises(DataMismatch, match=message):
        read_dataset(path)


def test_what_is_not_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dataset.csv").write_bytes(b"\x89HDF\xff\xfe\n")
    with pytest.raises(DataMismatch, match="line 1: this is no UTF-8 text"):
        read_dataset(tmp_path / "dataset.csv")

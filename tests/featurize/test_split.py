"""The frozen splits: proportions, balance, and clips that never move."""

from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audioset_tools.errors import DataMismatch, UsageError
from audioset_tools.featurize.split import Placement, assign, quotas
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


def test_an_empty_share_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="leave one empty"):
        Splits(8000, 800, 0)

"""Folds: no group in two of them, each class in all, and the same by the same seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.audit.folds import draw_folds
from audioset_tools.exceptions import DataMismatch, UsageError


@given(
    clips=st.integers(20, 120), groups=st.integers(12, 60), folds=st.integers(2, 5), seed=st.integers(0, 99)
)
def test_groups_stay_whole_and_each_clip_is_left_out_once(
    clips: int, groups: int, folds: int, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    group = np.array([b"%011d" % one for one in rng.integers(groups, size=clips)])
    label = rng.integers(2, size=clips)
    try:
        found = draw_folds(label, group, folds, seed)
    except (DataMismatch, UsageError):
        return
    assert all(len(set(found[group == one])) == 1 for one in set(group))
    assert set(found) <= set(range(folds))
    # What is left out can be learned from the others.
    assert all(set(label[found != fold]) == set(label) for fold in set(found))


def test_each_fold_has_its_share_of_every_class_and_seeds_differ() -> None:
    label = np.repeat([0, 1, 2], [50, 25, 10])
    group = np.array([b"%011d" % one for one in range(len(label))])
    found = draw_folds(label, group, 5, seed=0)
    assert [np.bincount(label[found == fold]).tolist() for fold in range(5)] == [[10, 5, 2]] * 5
    assert (found == draw_folds(label, group, 5, seed=0)).all()
    assert (found != draw_folds(label, group, 5, seed=1)).any()


@pytest.mark.parametrize("folds", [0, 1, 5])
def test_an_impossible_number_of_folds(folds: int) -> None:
    with pytest.raises(UsageError, match="folds of 4 groups"):
        draw_folds(np.array([0, 1, 0, 1]), np.array([b"a", b"b", b"c", b"d"]), folds, seed=0)


def test_a_class_of_one_video_cannot_be_judged() -> None:
    group = np.array([b"a", b"a", b"c", b"d", b"e"])
    with pytest.raises(DataMismatch, match="too few clips of different videos"):
        draw_folds(np.array([0, 0, 1, 1, 1]), group, 2, seed=0)

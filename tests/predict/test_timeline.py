"""What follows from the answers: the class of each window, passages, and the whole.

Windows cover a recording of any length, however its samples come.
"""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.audio.recording import Block
from audioset_tools.predict.summary import answer_json, headline, recording_row
from audioset_tools.predict.timeline import (
    cut,
    find_recordings,
    intervals,
    passages,
    summary,
)
from tests.predict.conftest import heard

NAN = (np.nan, np.nan, np.nan)


def test_the_dominant_class_has_the_largest_mean_not_the_most_windows() -> None:
    found = summary(heard((0.5, 0.4, 0.1), (0.5, 0.4, 0.1), (0.0, 1.0, 0.0)))
    assert found.dominant == "Drums"
    assert found.mean == pytest.approx([1 / 3, 0.6, 0.2 / 3])
    assert found.share == pytest.approx([2 / 3, 1 / 3, 0])


def test_of_equals_the_first_class_wins_once() -> None:
    assert heard((0.4, 0.4, 0.2)).active.tolist() == [[True, False, False]]


def test_silence_counts_as_time_but_not_as_an_answer() -> None:
    answers = heard((0.8, 0.1, 0.1), NAN, NAN, (0.6, 0.3, 0.1))
    found = summary(answers)
    assert (found.dominant, found.silent) == ("Piano", 0.5)
    assert found.mean == pytest.approx([0.7, 0.2, 0.1])
    assert found.share == pytest.approx([0.5, 0, 0])
    assert [(p.start_s, p.end_s, p.active, p.silent) for p in passages(answers)] == [
        (0, 10, ("Piano",), False),
        (10, 30, (), True),
        (30, 40, ("Piano",), False),
    ]
    told = answer_json(answers)
    assert told["windows"][1]["probability"] is None and told["windows"][1]["predicted"] == []


def test_silence_throughout_has_no_dominant_class() -> None:
    answers = heard(NAN, NAN)
    assert summary(answers).dominant is None
    assert "silence" in headline(answers) and "silence 100 %" in recording_row(answers)[-1]
    assert answer_json(answers)["dominant"] is None


def test_what_is_not_probable_enough_has_no_class() -> None:
    answers = heard((0.9, 0.05, 0.05), (0.4, 0.3, 0.3), (0.3, 0.4, 0.3), NAN, unsure_below=0.5)
    assert answers.unsure.tolist() == [False, True, True, False]
    assert answers.active.any(axis=1).tolist() == [True, False, False, False]
    found = summary(answers)
    assert (found.dominant, found.silent, found.unsure) == ("Piano", 0.25, 0.5)
    assert found.share == pytest.approx([0.25, 0, 0])
    assert found.mean == pytest.approx([1.6 / 3, 0.25, 0.65 / 3])
    assert [(p.end_s, p.active, p.silent, p.unsure) for p in passages(answers)] == [
        (10, ("Piano",), False, False),
        (30, (), False, True),
        (40, (), True, False),
    ]
    told = answer_json(answers)
    assert [window["unsure"] for window in told["windows"]] == [False, True, True, False]
    assert told["windows"][1]["predicted"] == [] and told["unsure_share_of_time"] == 0.5
    assert recording_row(answers)[-1] == "Piano 25 %, unsure 50 %, silence 25 %"


def test_a_recording_of_which_nothing_is_probable_enough_is_unsure() -> None:
    answers = heard((0.6, 0.2, 0.2), (0.0, 0.6, 0.4), unsure_below=0.5)
    assert not answers.unsure.any() and summary(answers).dominant is None
    assert "unsure (at best 0.40)" in headline(answers)
    assert recording_row(answers)[2:4] == ("unsure", "0.40")
    assert answer_json(answers)["dominant"] is None
    assert summary(heard((0.5, 0.25, 0.25), unsure_below=0.5)).dominant == "Piano"


def test_several_classes_at_once_and_none() -> None:
    answers = heard((0.9, 0.8, 0.1), (0.9, 0.6, 0.5), (0.4, 0.3, 0.2), multi_label=True)
    assert [p.active for p in passages(answers)] == [("Piano", "Drums"), ()]
    assert passages(answers)[0].probability == pytest.approx(0.8)
    assert passages(answers)[1].probability is None
    assert summary(answers).share == pytest.approx([2 / 3, 2 / 3, 0])


def in_pieces(samples: np.ndarray, sizes: list[int], start: int = 0) -> list[Block]:
    pieces = np.split(samples, np.cumsum(sizes).clip(max=len(samples)))
    return [
        Block(start + n, piece) for n, piece in zip(np.cumsum([0, *map(len, pieces)]), pieces, strict=False)
    ]


@given(
    count=st.integers(1, 300),
    length=st.integers(1, 60),
    hop=st.integers(1, 60),
    sizes=st.lists(st.integers(0, 90), max_size=8),
)
def test_windows_are_where_they_should_be(count: int, length: int, hop: int, sizes: list[int]) -> None:
    hop = min(hop, length)
    samples = np.arange(count, dtype=np.int16)
    windows = list(cut(in_pieces(samples, sizes), length, hop))
    starts = list(range(0, count - length + 1, hop)) or [0]
    if starts[-1] + length < count:
        starts.append(count - length)
    assert [window.start for window in windows] == starts
    for window in windows:
        np.testing.assert_array_equal(window.samples, samples[window.start : window.end])
        assert len(window.samples) == min(length, count)
    assert windows[-1].end == count


@given(
    first=st.integers(1, 200),
    second=st.integers(1, 200),
    hole=st.integers(1, 10_000),
    hop=st.integers(1, 40),
    sizes=st.lists(st.integers(0, 90), max_size=4),
)
def test_no_window_lies_in_a_hole(first: int, second: int, hole: int, hop: int, sizes: list[int]) -> None:
    """On either side of one there are the windows of a recording of its own, at its own time."""
    before, behind = np.arange(first, dtype=np.int16), np.arange(second, dtype=np.int16)
    start = first + hole
    found = list(cut([*in_pieces(before, sizes), *in_pieces(behind, sizes, start)], 40, hop))
    alone = [*cut(in_pieces(before, []), 40, hop), *cut(in_pieces(behind, [], start), 40, hop)]
    assert [(w.start, w.end) for w in found] == [(w.start, w.end) for w in alone]
    for window, same in zip(found, alone, strict=True):
        np.testing.assert_array_equal(window.samples, same.samples)
    shares = intervals([(w.start, w.end) for w in found])
    assert (shares[0][0], shares[-1][1]) == (0, start + second)
    assert all(one[1] == other[0] for one, other in pairwise(shares))


def test_nothing_has_no_windows() -> None:
    assert list(cut([], 10, 5)) == list(cut(in_pieces(np.zeros(0, np.int16), []), 10, 5)) == []


def test_no_more_than_two_windows_are_kept() -> None:
    largest = 0
    for window in cut((Block(7 * n, np.zeros(7, np.int16)) for n in range(1_000)), 100, 50):
        base = window.samples.base
        largest = max(largest, 0 if base is None else len(base))
    assert 0 < largest <= 100 + 50 + 7


@given(
    length=st.integers(2, 50), hop=st.integers(1, 50), count=st.integers(1, 400)
)  # fmt: skip
def test_stretches_share_a_recording_out(length: int, hop: int, count: int) -> None:
    windows = [
        (w.start, w.end) for w in cut(in_pieces(np.zeros(count, np.int16), []), length, min(hop, length))
    ]
    shares = intervals(windows)
    assert shares[0][0] == 0 and shares[-1][1] == count
    assert all(before[1] == after[0] for before, after in pairwise(shares))
    assert all(start < end for start, end in shares)
    assert all(w[0] - 1 <= s[0] and s[1] <= w[1] for w, s in zip(windows, shares, strict=True))


def test_a_last_window_that_overlaps_more_speaks_for_less() -> None:
    assert intervals([(0, 100), (50, 150), (60, 160)]) == [(0, 75), (75, 105), (105, 160)]


@pytest.mark.parametrize("count", [1, 9, 10])
def test_a_short_recording_is_one_window(count: int) -> None:
    (window,) = cut(in_pieces(np.ones(count, np.int16), []), 10, 5)
    assert (window.start, window.end) == (0, count)


def test_recordings_are_found_once_and_in_order(tmp_path: Path) -> None:
    for name in ("b.wav", "a.MP3", "c/d.mkv", "c/d.txt", ".c/e.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "c" / "loop").symlink_to(tmp_path)
    found = find_recordings([tmp_path / "b.wav", tmp_path, tmp_path / "c" / "d.txt"])
    assert [recording.name.as_posix() for recording in found] == ["b.wav", "a.MP3", "c/d.mkv", "d.txt"]

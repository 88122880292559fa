"""Windows cover a recording of any length, however its samples come."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.predict.windows import cut, stretches


def in_pieces(samples: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    return np.split(samples, np.cumsum(sizes).clip(max=len(samples)))


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


def test_nothing_has_no_windows() -> None:
    assert list(cut([], 10, 5)) == list(cut([np.zeros(0, np.int16)], 10, 5)) == []


def test_no_more_than_two_windows_are_kept() -> None:
    largest = 0
    for window in cut((np.zeros(7, np.int16) for _ in range(1_000)), 100, 50):
        base = window.samples.base
        largest = max(largest, 0 if base is None else len(base))
    assert 0 < largest <= 100 + 50 + 7


@given(
    length=st.integers(2, 50), hop=st.integers(1, 50), count=st.integers(1, 400)
)  # fmt: skip
def test_stretches_share_a_recording_out(length: int, hop: int, count: int) -> None:
    windows = [(w.start, w.end) for w in cut([np.zeros(count, np.int16)], length, min(hop, length))]
    shares = stretches(windows)
    assert shares[0][0] == 0 and shares[-1][1] == count
    assert all(before[1] == after[0] for before, after in pairwise(shares))
    assert all(start < end for start, end in shares)
    assert all(w[0] - 1 <= s[0] and s[1] <= w[1] for w, s in zip(windows, shares, strict=True))


def test_a_last_window_that_overlaps_more_speaks_for_less() -> None:
    assert stretches([(0, 100), (50, 150), (60, 160)]) == [(0, 75), (75, 105), (105, 160)]


@pytest.mark.parametrize("count", [1, 9, 10])
def test_a_short_recording_is_one_window(count: int) -> None:
    (window,) = cut([np.ones(count, np.int16)], 10, 5)
    assert (window.start, window.end) == (0, count)

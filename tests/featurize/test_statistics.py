"""Statistics taken a row at a time are numpy's over all rows, also where a sum of squares would lose them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.featurize.statistics import Accumulator, Statistics, combined


def of(rows: np.ndarray) -> Statistics:
    accumulator = Accumulator(rows.shape[1:])
    for row in rows:
        accumulator.add(row)
    return accumulator.statistics()


@given(
    seed=st.integers(0, 2**32),
    cuts=st.lists(st.integers(1, 6), min_size=1, max_size=5),
    frames=st.sampled_from([1, 2, 63, 64, 65, 130]),
    offset=st.sampled_from([0.0, 1e-6, 1.0, -4e4, 1e7]),
    sharpness=st.sampled_from([0.5, 1.0, 8.0]),
)
def test_they_are_numpys(seed: int, cuts: list[int], frames: int, offset: float, sharpness: float) -> None:
    rng = np.random.default_rng(seed)
    # Values of all sizes, around an offset beside which they may be tiny; the last band is constant.
    spread = rng.standard_normal((sum(cuts), 5, frames)) * np.exp(
        sharpness * rng.standard_normal((sum(cuts), 5, 1))
    )
    spread[:, 4] = 0
    rows = (spread + offset).astype(np.float32)
    found = combined([of(part) for part in np.split(rows, np.cumsum(cuts)[:-1])])
    exact = rows.astype(np.longdouble)
    assert found.rows == len(rows)
    np.testing.assert_allclose(found.mean, exact.mean(axis=(0, 2)), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(found.std, exact.std(axis=(0, 2)), rtol=1e-6, atol=1e-12)
    assert found.std[4] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_rows_that_are_no_numbers_have_no_statistics_and_disturb_no_other_band(value: float) -> None:
    rows = np.ones((3, 2, 70), np.float32)
    rows[1, 0, 5] = value
    found = combined([of(rows[:2]), of(rows[2:])])
    assert not np.isfinite(found.std[0])
    assert (found.mean[1], found.std[1]) == (1, 0)

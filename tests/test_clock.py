"""The clock that no correction of the system's time moves."""

import time

import pytest

from audioset_tools.clock import steady


def test_it_begins_as_the_time_of_day_and_never_goes_back() -> None:
    moments = [steady() for _ in range(1_000)]
    assert moments == sorted(moments)
    assert abs(moments[-1] - time.time()) < 60


def test_setting_the_system_s_clock_does_not_move_it(monkeypatch: pytest.MonkeyPatch) -> None:
    before = steady()
    monkeypatch.setattr(time, "time", lambda: 0.0)
    assert 0 <= steady() - before < 60

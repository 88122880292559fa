"""Times in words, and long tables."""

import time
from datetime import datetime

import pytest

from audioset_tools.words import clock_time, counted, duration, ends_of


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4, "0 s"),
        (59.4, "59 s"),
        (59.6, "1:00 min"),
        (90, "1:30 min"),
        (3_599.6, "1:00 h"),
        (11_100, "3:05 h"),
        (86_400 + 11_100, "1 day, 3:05 h"),
        (2 * 86_400 + 60, "2 days, 0:01 h"),
    ],
)
def test_a_length_of_time(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_a_moment_of_today_has_seconds_and_any_other_its_day() -> None:
    noon = datetime.now().replace(hour=12, minute=5, second=9, microsecond=0)
    assert clock_time(noon.timestamp()) == "12:05:09"
    assert clock_time(0) == time.strftime("%a %d %b, %H:%M", time.localtime(0))


def test_a_table_of_too_many_rows_shows_its_ends() -> None:
    assert ends_of(range(20), len) == tuple(range(20))
    assert ends_of([*map(str, range(25))], str)[9:12] == ("9", "... 5 more", "15")
    assert len(ends_of(range(10_000), len)) == 21


def test_one_of_something_is_no_plural() -> None:
    assert [counted(n, "clip") for n in (0, 1, 2_400)] == ["0 clips", "1 clip", "2,400 clips"]

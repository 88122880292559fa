"""Times in words."""

import time
from datetime import datetime

import pytest

from audioset_tools.words import clock_time, duration


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

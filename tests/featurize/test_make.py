"""How fast shards are made, for who waits. That they are made is told by `test_run`."""

from audioset_tools.featurize.make import Speed


def test_speed_counts_neither_the_start_nor_what_stood_before() -> None:
    times = iter([0.0, 10.0, 10.0, 20.0, 20.0, 22.0, 24.0])
    speed = Speed(lambda: next(times))
    assert [speed(500), speed(500), speed(4_500), speed(9_500)] == ["", "", "2,000 clips/s", "2,250 clips/s"]

"""What was asked is counted: by kind, by second, by video, from any number of threads."""

from concurrent.futures import ThreadPoolExecutor

from audioset_tools.simulator.counts import KINDS, Counts

YTID = "aaaaaaaaaaA"


def test_requests_are_counted_by_kind_by_video_and_by_second() -> None:
    now = [100.0]
    counts = Counts(lambda: now[0])
    counts.asked("player", YTID)
    now[0] += 2.5
    counts.asked("player", YTID)
    counts.asked("page", YTID)
    counts.asked("visitor")
    counts.refused()
    counts.struck("stall")
    counts.sent(10)
    counts.sent(5, media_of=YTID)
    assert counts.summary() == {
        "requests": {**dict.fromkeys(KINDS, 0), "player": 2, "page": 1, "visitor": 1},
        "refused": 1,
        "faults": {"stall": 1},
        "bytes_sent": 15,
        "per_second": {0: 1, 2: 1},
        "ids": {YTID: {"page": 1, "player": 2, "media": 0, "media_bytes": 5}},
    }


def test_no_request_of_many_threads_is_lost() -> None:
    counts = Counts()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: counts.asked("media", f"{n % 3:010d}A"), range(3_000)))
    summary = counts.summary()
    assert summary["requests"]["media"] == 3_000
    assert [one["media"] for one in summary["ids"].values()] == [1_000] * 3

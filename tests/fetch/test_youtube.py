"""The source `youtube` against every fault of the simulator, through the real yt-dlp and the real ffmpeg."""

from collections.abc import Callable
from contextlib import suppress
from math import inf

import numpy as np
import pytest

from audioset_tools.fetch.pace import Pace, PacePolicy, parse_pace
from audioset_tools.fetch.source import FetchError
from audioset_tools.fetch.transcode import decode
from audioset_tools.fetch.youtube import YouTube
from audioset_tools.simulator import Limit, Plan, Refusal, Row, Simulator
from audioset_tools.simulator.sounds import offset_ms, wanted
from audioset_tools.types import CLIP_SAMPLES, Reason

from .conftest import candidate

Serve = Callable[[Plan], Simulator]
Connect = Callable[..., YouTube]

GOOD = "-_goodvid0A"


def fetch(source: YouTube, ytid: str = GOOD, start_ms: int = 30_000) -> np.ndarray:
    wished = candidate(ytid, start_ms)
    return decode(source.open(wished), wished.start_ms, wished.end_ms, timeout=20).samples


@pytest.mark.parametrize("fault", ["", "no-index"])
@pytest.mark.parametrize("start_ms", [0, 30_000, 297_000, 21_340])
def test_the_cut_sits_within_50_ms(serve: Serve, connect: Connect, start_ms: int, fault: str) -> None:
    row = Row("Flute", start_ms, start_ms + 10_000)
    plan = Plan(seed=1, table={GOOD: row}, faults={GOOD: fault})
    samples = fetch(connect(serve(plan)), start_ms=start_ms)
    assert samples.shape == (CLIP_SAMPLES,)
    assert samples.dtype == np.int16
    assert abs(offset_ms(wanted(plan, GOOD), samples / 32768)) < 50


def test_one_player_request_and_two_reads_of_few_bytes(serve: Serve, connect: Connect) -> None:
    simulator = serve(Plan(table={GOOD: Row("Piano", 60_000, 70_000)}))
    fetch(connect(simulator), start_ms=60_000)
    counts = simulator.counts()
    assert counts["requests"] == {"page": 0, "player": 1, "media": 2, "other": 0, "foreign": 0}
    assert counts["bytes_sent"] < 350_000


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("removed", Reason.REMOVED),
        ("private", Reason.PRIVATE),
        ("terminated", Reason.TERMINATED),
        ("copyright", Reason.COPYRIGHT),
        ("age-gated", Reason.AGE_GATED),
        ("geo-blocked", Reason.GEO_BLOCKED),
        ("members-only", Reason.MEMBERS_ONLY),
        ("live", Reason.LIVE),
        ("drm", Reason.DRM),
        ("beyond-end", Reason.BEYOND_END),
        ("silent", Reason.SILENT),
        ("media-403", Reason.MEDIA_REFUSED),
        ("media-404", Reason.MEDIA_REFUSED),
        ("media-503", Reason.SERVER_ERROR),
        ("player-503", Reason.SERVER_ERROR),
        ("reset", Reason.TRUNCATED),
        ("truncate", Reason.TRUNCATED),
        ("stall", Reason.TIMEOUT),
        ("wrong-video", Reason.WRONG_VIDEO),
    ],
)
def test_every_fault_has_its_reason(serve: Serve, connect: Connect, fault: str, reason: Reason) -> None:
    simulator = serve(Plan(faults={GOOD: fault}, passing_attempts=99, stall_s=3))
    with pytest.raises(FetchError) as caught:
        fetch(connect(simulator, timeout=0.5 if fault == "stall" else 10))
    assert caught.value.reason is reason, caught.value.detail
    # yt-dlp itself asks a second client about an age gate; a broken answer is asked for again without `LEAN`.
    if fault not in ("age-gated", "player-503", "wrong-video"):
        assert simulator.counts()["requests"]["player"] == 1


def test_a_connection_that_breaks_once_is_taken_up_where_it_broke(serve: Serve, connect: Connect) -> None:
    simulator = serve(Plan(faults={GOOD: "truncate"}, passing_attempts=1))
    assert fetch(connect(simulator)).any()
    assert simulator.counts()["requests"]["media"] == 3


@pytest.mark.parametrize("retry_after", [None, 7])
@pytest.mark.parametrize("kind", ["player", "media"])
def test_429_is_the_runs_and_says_for_how_long(
    serve: Serve, connect: Connect, kind: str, retry_after: float | None
) -> None:
    simulator = serve(Plan(refusals=(Refusal(at=1, seconds=60, retry_after=retry_after, kind=kind),)))
    with pytest.raises(FetchError) as caught:
        fetch(connect(simulator))
    assert caught.value.reason is Reason.TOO_MANY_REQUESTS
    assert caught.value.retry_after == retry_after


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("rate-limited", Reason.RATE_LIMITED),
        ("bot-check", Reason.BOT_CHECK),
        ("captcha", Reason.CAPTCHA),
        ("429", Reason.TOO_MANY_REQUESTS),
    ],
)
def test_a_spent_allowance_is_the_runs(serve: Serve, connect: Connect, answer: str, reason: Reason) -> None:
    source = connect(serve(Plan(limit=Limit(per_second=0.01, burst=1, answer=answer))))
    assert fetch(source).any()
    with pytest.raises(FetchError) as caught:
        fetch(source, "secondvid0A")
    assert caught.value.reason is reason


@pytest.mark.parametrize("answer", ["rate-limited", "bot-check", "captcha", "429"])
def test_refusals_in_a_row_make_the_pause_grow(serve: Serve, connect: Connect, answer: str) -> None:
    """YouTube words most of its refusals in an answer of HTTP 200, which must not count as a grant."""
    pace = Pace(PacePolicy(start=inf, most=inf, first_pause=0.001))
    source = connect(serve(Plan(refusals=(Refusal(at=1, seconds=60, answer=answer),))), pace=pace)
    for refusals in (1, 2, 3):
        with pytest.raises(FetchError) as caught:
            source.open(candidate(GOOD))
        assert caught.value.sent_at is not None
        pace.refused(caught.value.reason, caught.value.sent_at, None)
        assert pace.state.refusals == refusals


def test_an_answer_about_a_video_ends_the_row_of_refusals(serve: Serve, connect: Connect) -> None:
    pace = Pace(PacePolicy(start=inf, most=inf, first_pause=0.001))
    source = connect(serve(Plan(faults={"deadvideo0A": "removed"})), pace=pace)
    for ytid in (GOOD, "deadvideo0A"):
        pace.refused(Reason.BOT_CHECK, pace.spend(), None)
        assert pace.state.refusals == 1
        with suppress(FetchError):
            source.open(candidate(ytid))
        assert pace.state.refusals == 0


def test_a_proxy_that_is_gone_is_the_network_down() -> None:
    source = YouTube(Pace(parse_pace("unlimited")), proxy="http://127.0.0.1:9", timeout=2)
    try:
        with pytest.raises(FetchError) as caught:
            source.open(candidate(GOOD))
    finally:
        source.close()
    assert caught.value.reason is Reason.NETWORK_DOWN


def test_a_password_of_the_proxy_is_in_no_error(serve: Serve, connect: Connect) -> None:
    source = YouTube(Pace(parse_pace("unlimited")), proxy="http://me:s3cret@127.0.0.1:9", timeout=2)
    try:
        with pytest.raises(FetchError) as caught:
            source.open(candidate(GOOD))
    finally:
        source.close()
    assert "s3cret" not in caught.value.detail

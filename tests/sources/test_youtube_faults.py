"""Every fault and every refusal of the simulator has its reason, in the lean and in the default extraction.

The real yt-dlp asks, the real ffmpeg decodes. A new fault without a row here fails.
"""

import time
from collections.abc import Callable

import pytest

from audioset_tools.simulator import Plan, Refusal, Simulator, faults
from audioset_tools.simulator.faults import ANSWERS, FAULTS, ONE_CLIENT, PASSING
from audioset_tools.sources.connection.patience import Patience
from audioset_tools.sources.extractions import EXTRACTIONS
from audioset_tools.sources.source import LONGEST, FetchError
from audioset_tools.sources.youtube import YouTube
from audioset_tools.types import CLIP_SAMPLES, Reason, Scope
from tests.factories import candidate
from tests.sources.hearing import hear

Serve = Callable[[Plan], Simulator]
Connect = Callable[..., YouTube]

GOOD = "-_goodvid0A"
WAYS = {"lean": EXTRACTIONS[:1], "default": EXTRACTIONS[1:]}

REASONS = {
    "removed": Reason.REMOVED,
    "private": Reason.PRIVATE,
    "terminated": Reason.TERMINATED,
    "copyright": Reason.COPYRIGHT,
    "age-gated": Reason.AGE_GATED,
    "geo-blocked": Reason.GEO_BLOCKED,
    "members-only": Reason.MEMBERS_ONLY,
    "live": Reason.LIVE,
    "drm": Reason.DRM,
    "beyond-end": Reason.BEYOND_END,
    "silent": Reason.SILENT,
    "media-403": Reason.MEDIA_REFUSED,
    "media-404": Reason.MEDIA_REFUSED,
    "media-503": Reason.SERVER_ERROR,
    "reset": Reason.TRUNCATED,
    "truncate": Reason.TRUNCATED,
    "stall": Reason.TIMEOUT,
    "drip": Reason.TIMEOUT,
    "endless": Reason.DECODE,
    "player-503": Reason.SERVER_ERROR,
    "player-reset": Reason.CONNECTION,
    "player-stall": Reason.TIMEOUT,
    "player-drip": Reason.TIMEOUT,
    "player-endless": Reason.BAD_ANSWER,
    "premiere": Reason.LIVE,
    "live-now": Reason.LIVE,
    "unavailable": Reason.UNAVAILABLE,
    "paid": Reason.PAID,
    "trailer": Reason.PAID,
    "region": Reason.GEO_BLOCKED,
    "country-copyright": Reason.GEO_BLOCKED,
    "processing": Reason.CLIENT,
    "network-admin": Reason.RESTRICTED,
    "sign-in": Reason.CLIENT,
    "not-on-app": Reason.CLIENT,
    "unheard-of": Reason.UNKNOWN,
    "no-audio": Reason.NO_AUDIO,
    "no-formats": Reason.NO_FORMATS,
    "no-index": None,
    "no-json": Reason.BAD_ANSWER,
    "wrong-video": Reason.WRONG_VIDEO,
    "drm-families": Reason.DRM,
    "drm-some": None,
    "media-429": Reason.TOO_MANY_REQUESTS,
    "kids": Reason.UNAVAILABLE,
    "age-client": Reason.AGE_GATED,
    "sabr": Reason.NO_FORMATS,
    "itag18-only": None,
    "aac-only": None,
    "hls-only": Reason.NO_FORMATS,
    "n-challenge": Reason.NO_FORMATS,
    "cipher": Reason.NO_FORMATS,
    "always-bot": Reason.BOT_CHECK,
    "always-limited": Reason.RATE_LIMITED,
    "always-429": Reason.TOO_MANY_REQUESTS,
    "bot-18": Reason.BOT_CHECK,
}

REFUSALS = {
    "429": Reason.TOO_MANY_REQUESTS,
    "rate-limited": Reason.RATE_LIMITED,
    "bot-check": Reason.BOT_CHECK,
    "captcha": Reason.CAPTCHA,
    "unavailable": Reason.UNAVAILABLE,
    "private": Reason.PRIVATE,
    "removed": Reason.REMOVED,
    "no-formats": Reason.NO_FORMATS,
    "stall": Reason.TIMEOUT,
    "drop": Reason.CONNECTION,
}


def fetch(simulator: Simulator, connect: Connect, way: str, slow: bool) -> Reason | None:
    """The reason, or None for a clip."""
    # What must not take for ever is given little time; all else more than a busy machine needs.
    patience = Patience(silence=0.4, head=5, body=0.3, rate=10**6, size=3_000_000) if slow else Patience()
    source = connect(simulator, patience=patience, extractions=WAYS[way])
    wished = candidate(GOOD)
    try:
        sound, _ = hear(source, wished)
    except FetchError as error:
        return error.reason
    assert len(sound.samples) == CLIP_SAMPLES
    return None


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_has_its_reason(serve: Serve, connect: Connect, fault: str, way: str) -> None:
    simulator = serve(Plan(faults={GOOD: fault}, passing_attempts=99, stall_s=60, drip_s=0.02))
    slow = fault.endswith(("stall", "drip", "endless"))
    reason = fetch(simulator, connect, way, slow)
    assert reason is (None if way == "default" and fault in ONE_CLIENT else REASONS[fault])
    if fault in PASSING:
        assert reason is not None
        assert reason.scope is Scope.PASSING
    if way == "lean":
        assert simulator.counts()["requests"]["player"] == 1
        assert simulator.counts()["requests"]["page"] == 0


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("answer", ANSWERS)
def test_a_refusal_has_its_reason(serve: Serve, connect: Connect, answer: str, way: str) -> None:
    simulator = serve(Plan(refusals=(Refusal(at=1, seconds=600, answer=answer),), stall_s=60))
    assert fetch(simulator, connect, way, slow=answer == "stall") is REFUSALS[answer]
    # The default extraction asks two clients, and newer releases of yt-dlp ask both before they give up.
    assert sum(simulator.counts()["requests"].values()) <= (3 if way == "default" else 2)


def test_what_is_not_recognised_keeps_its_words(serve: Serve, connect: Connect) -> None:
    with pytest.raises(FetchError) as caught:
        connect(serve(Plan(faults={GOOD: "unheard-of"}))).open(candidate(GOOD))
    assert caught.value.reason is Reason.UNKNOWN
    assert "The aurora keeps this one to itself" in caught.value.detail


@pytest.mark.parametrize(
    "part", ["/", "?", "<", "\x1b[", "onnect to proxy", "account ", "cookie:", "//me:pw@x "]
)
@pytest.mark.parametrize("way", WAYS)
def test_words_made_to_freeze_a_worker_do_not(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch, way: str, part: str
) -> None:
    """200 kB of "/" took minutes, in which not even Ctrl-C was answered."""
    words = part * (200_000 // len(part))
    monkeypatch.setitem(
        faults._WORDS, "unheard-of", (faults.VerdictWords("UNPLAYABLE", words, words, words),)
    )
    source = connect(serve(Plan(faults={GOOD: "unheard-of"})), extractions=WAYS[way])
    began = time.thread_time()
    with pytest.raises(FetchError) as failed:
        hear(source, candidate(GOOD))
    assert time.thread_time() - began < 5
    assert failed.value.reason.scope is not Scope.FINAL and len(failed.value.detail) <= LONGEST + 20


def test_a_page_made_to_freeze_a_worker_is_done_without(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = b"<html>" + b"ytInitialPlayerResponse = {" * 200_000
    monkeypatch.setattr("audioset_tools.simulator.answers.page", lambda *_, **__: page)
    source = connect(serve(Plan()), extractions=WAYS["default"])
    began = time.thread_time()
    hear(source, candidate(GOOD))
    assert time.thread_time() - began < 10

"""What two clients' answers together come to: the unmodified yt-dlp on a network that a test scripts."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

import pytest
import yt_dlp
from yt_dlp.networking import Response
from yt_dlp.networking.exceptions import HTTPError

from audioset_tools.sources.pace import Pace, parse_pace
from audioset_tools.sources.source import FetchError
from audioset_tools.sources.youtube import YouTube
from audioset_tools.types import Reason, Scope
from tests.factories import candidate

GOOD = "-_goodvid0A"
VISITOR = "CgtTQ1JJUFRFRA%3D%3D"


def playable(*formats: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "playabilityStatus": {"status": "OK"},
        "videoDetails": {"videoId": GOOD, "title": "x", "lengthSeconds": "60"},
        "streamingData": {"adaptiveFormats": [*formats]},
        "storyboards": {
            "playerStoryboardSpecRenderer": {"spec": "https://i.ytimg.com/sb/$L/$N.jpg|48#27#9#3#3#0#M$M#x"}
        },
        **more,
    }


def sound(itag: int = 251, **more: Any) -> dict[str, Any]:
    address = f"https://rr1---sn-x.googlevideo.com/videoplayback?itag={itag}"
    return {"itag": itag, "mimeType": 'audio/webm; codecs="opus"', "url": address, "bitrate": 130_000, **more}


def refusal(reason: str, status: str = "UNPLAYABLE") -> dict[str, Any]:
    return {"playabilityStatus": {"status": status, "reason": reason}, "videoDetails": {"videoId": GOOD}}


STREAMS = playable(sound())
SABR = playable({"itag": 251, "mimeType": 'audio/webm; codecs="opus"'})
BOT = refusal("Sign in to confirm you’re not a bot", "LOGIN_REQUIRED")
LIMITED = refusal("This content isn't available, try again later.")
KIDS = refusal("This video is not available")
GONE = refusal("This video has been removed by the uploader", "ERROR")
PRIVATE = refusal("Private video", "LOGIN_REQUIRED")
NOT_ON_APP = refusal("The following content is not available on this app", "ERROR")
DRM = playable(sound(drmFamilies=["WIDEVINE"]))
PICTURE = playable({**sound(160), "mimeType": 'video/mp4; codecs="avc1"'})


class Network:
    """Answers by the client that asks; an int is a status."""

    def __init__(self, lean: Any, default: Any, page: Any = None, media: int = 403) -> None:
        self.lean, self.default, self.page, self.media = lean, default, page, media
        self.asked: list[str] = []

    def urlopen(self, _: object, request: Any) -> Response:
        kind, answer = self._answer(request)
        self.asked.append(kind)
        if isinstance(answer, int):
            raise HTTPError(Response(io.BytesIO(b""), request.url, {}, answer))
        return Response(io.BytesIO(answer.encode()), request.url, {"Content-Type": "application/json"})

    def _answer(self, request: Any) -> tuple[str, Any]:
        if "googlevideo" in request.url:
            return "media", self.media
        if "visitor_id" in request.url:
            return "visitor", json.dumps({"responseContext": {"visitorData": VISITOR}})
        if "/player" in request.url and "/s/player" not in request.url:
            asked = json.loads(request.data)
            client = asked["context"]["client"]["clientName"]
            answer = self.lean if client == "VISIONOS" else self.default
            text = json.dumps(answer).replace(GOOD, asked["videoId"])
            return client, answer if isinstance(answer, int) else text
        if "/watch" in request.url:
            config = '{"PLAYER_JS_URL": "/s/player/00000000/player_ias.vflset/en_US/base.js", "STS": 20500}'
            player = json.dumps(self.page or playable())
            data = 'var ytInitialData = {"contents": {"x": 1}};'
            text = f"<script>ytcfg.set({config});var ytInitialPlayerResponse = {player};{data}</script>"
            return "page", self.page if isinstance(self.page, int | str) else text
        return "other", 404


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., tuple[YouTube, Network]]]:
    with ExitStack() as stack:

        def make(*args: Any, **options: Any) -> tuple[YouTube, Network]:
            network = Network(*args, **options)
            monkeypatch.setattr(
                yt_dlp.YoutubeDL, "urlopen", lambda self, request: network.urlopen(self, request)
            )
            source = YouTube(Pace(parse_pace("unlimited")))
            stack.callback(source.close)
            return source, network

        yield make


def outcome(source: YouTube, ytid: str = GOOD) -> FetchError:
    with pytest.raises(FetchError) as caught:
        source.open(candidate(ytid))
    return caught.value


Scripted = Callable[..., tuple[YouTube, Network]]


@pytest.mark.parametrize(
    ("lean", "default", "reason"),
    [
        (SABR, STREAMS, None),
        (KIDS, STREAMS, None),
        (BOT, STREAMS, None),
        (LIMITED, STREAMS, None),
        (DRM, STREAMS, None),
        (PICTURE, STREAMS, None),
        (NOT_ON_APP, STREAMS, None),
        (400, STREAMS, None),
        (SABR, SABR, Reason.NO_FORMATS),
        (KIDS, KIDS, Reason.UNAVAILABLE),
        (KIDS, GONE, Reason.REMOVED),
        (KIDS, PRIVATE, Reason.PRIVATE),
        (BOT, GONE, Reason.REMOVED),
        (BOT, BOT, Reason.BOT_CHECK),
        (LIMITED, LIMITED, Reason.RATE_LIMITED),
        (BOT, 500, Reason.BOT_CHECK),
        (SABR, BOT, Reason.NO_FORMATS),
        (SABR, 429, Reason.TOO_MANY_REQUESTS),
        (KIDS, 429, Reason.TOO_MANY_REQUESTS),
        (KIDS, BOT, Reason.CLIENT),
        (KIDS, 500, Reason.CLIENT),
        (KIDS, SABR, Reason.CLIENT),
        (500, 500, Reason.SERVER_ERROR),
        (DRM, DRM, Reason.DRM),
        (PICTURE, PICTURE, Reason.NO_AUDIO),
        (NOT_ON_APP, GONE, Reason.REMOVED),
    ],
)
def test_what_two_answers_come_to(scripted: Scripted, lean: Any, default: Any, reason: Reason | None) -> None:
    """None: a stream is found and read, which here answers 403."""
    source, network = scripted(lean, default)
    found = outcome(source)
    assert ("media" in network.asked) == (reason is None)
    assert found.reason is reason or (reason is None and found.reason.scope is not Scope.FINAL)
    assert found.step in ("player", "stream")
    assert len([kind for kind in network.asked if kind not in ("visitor", "media", "other")]) <= 4


@pytest.mark.parametrize("lean", [GONE, PRIVATE, 429])
def test_what_is_plain_is_asked_for_once(scripted: Scripted, lean: Any) -> None:
    source, network = scripted(lean, STREAMS)
    outcome(source)
    assert network.asked == ["visitor", "VISIONOS"]


def test_a_visitor_id_is_asked_for_once_and_sent_along(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, network = scripted(PRIVATE, STREAMS)
    sent: list[str | None] = []
    answer = network._answer

    def listen(request: Any) -> tuple[str, Any]:
        if "/player" in request.url:
            sent.append(request.headers.get("X-Goog-Visitor-Id"))
        return answer(request)

    monkeypatch.setattr(network, "_answer", listen)
    for _ in range(3):
        outcome(source)
    assert network.asked == ["visitor", *["VISIONOS"] * 3]
    assert sent == [VISITOR] * 3


def test_a_video_that_nobody_gets_costs_two_requests_an_attempt(scripted: Scripted) -> None:
    source, network = scripted(SABR, SABR)
    for _ in range(5):
        assert outcome(source).reason is Reason.NO_FORMATS
    assert len([kind for kind in network.asked if kind not in ("visitor", "other")]) <= 10


def test_a_generic_verdict_that_cannot_be_confirmed_is_final_after_another_look(scripted: Scripted) -> None:
    source, _ = scripted(KIDS, 500)
    reasons = [outcome(source).reason for _ in range(4)]
    assert reasons[0] is Reason.CLIENT
    assert Reason.UNAVAILABLE in reasons


def test_a_block_costs_one_second_opinion(scripted: Scripted) -> None:
    source, network = scripted(BOT, BOT)
    for number in range(6):
        assert outcome(source, f"{number:09}_A").reason is Reason.BOT_CHECK
    assert network.asked.count("page") == 1


def test_the_pace_is_told_of_no_refusal_that_one_client_met_alone(scripted: Scripted) -> None:
    source, _ = scripted(BOT, STREAMS)
    outcome(source)
    assert source.pace.state.refusals == 0


def test_a_bot_check_that_hides_behind_a_pages_stream_is_the_runs(scripted: Scripted) -> None:
    """The page still offers itag 18, whose address answers 403."""
    muxed = {
        "itag": 18,
        "mimeType": 'video/mp4; codecs="avc1, mp4a"',
        "url": sound()["url"],
        "audioQuality": "LOW",
    }
    page = playable()
    page["streamingData"] = {"formats": [muxed]}
    source, _ = scripted(BOT, BOT, page=page)
    assert outcome(source).reason is Reason.BOT_CHECK


def test_a_captcha_in_place_of_a_page_is_the_runs_at_once(scripted: Scripted) -> None:
    source, network = scripted(SABR, STREAMS, page='<form id="captcha-form"></form>')
    assert outcome(source).reason is Reason.CAPTCHA
    assert network.asked == ["visitor", "VISIONOS", "page"]


@pytest.mark.parametrize("default", [500, SABR, BOT, {}, refusal("An error occurred")])
@pytest.mark.parametrize("lean", [500, SABR, {}, refusal("An error occurred"), 404])
def test_no_trouble_of_both_is_ever_a_verdict(scripted: Scripted, lean: Any, default: Any) -> None:
    source, _ = scripted(lean, default)
    for _ in range(5):
        assert outcome(source).reason.scope is not Scope.FINAL


def test_a_stored_visitor_id_is_not_in_any_error(scripted: Scripted) -> None:
    source, _ = scripted(NOT_ON_APP, 500)
    with suppress(FetchError):
        source.visitor_id()
    assert VISITOR not in str(outcome(source))

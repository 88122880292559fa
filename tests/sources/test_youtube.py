"""The source `youtube`: exact cuts, few requests, refusals; through the real yt-dlp and the real ffmpeg."""

import io
import json
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from math import inf
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import yt_dlp
from hypothesis import given
from hypothesis import strategies as st
from offset import offset_ms
from yt_dlp.networking import Response
from yt_dlp.networking.exceptions import HTTPError

from audioset_tools.audio.segment import decode_segment
from audioset_tools.exceptions import UsageError
from audioset_tools.simulator import Plan, Refusal, Simulator, TableRow, answers, decide
from audioset_tools.simulator.bank import Studio
from audioset_tools.simulator.media import VirtualFile
from audioset_tools.simulator.sounds import wanted
from audioset_tools.simulator.streams import Streams
from audioset_tools.sources import session as session_module
from audioset_tools.sources import youtube as youtube_module
from audioset_tools.sources.connection.connection import Connection, browser_of
from audioset_tools.sources.connection.patience import Patience
from audioset_tools.sources.extractions import EXTRACTIONS, extractions_for
from audioset_tools.sources.pace import Pace, parse_pace
from audioset_tools.sources.rate import PacePolicy
from audioset_tools.sources.session import Session
from audioset_tools.sources.source import FetchError
from audioset_tools.sources.youtube import KNOWN_ALIVE, Resolved, YouTube
from audioset_tools.types import CLIP_SAMPLES, YTID, Reason, Scope, VideoInfo
from tests.factories import candidate
from tests.sources.hearing import hear

Serve = Callable[[Plan], Simulator]
Connect = Callable[..., YouTube]

GOOD = "-_goodvid0A"


def fetch(source: YouTube, ytid: str = GOOD, start_ms: int = 30_000) -> np.ndarray:
    return hear(source, candidate(ytid, start_ms))[0].samples


@pytest.mark.parametrize("fault", ["", "no-index"])
@pytest.mark.parametrize("start_ms", [0, 30_000, 297_000, 21_340])
def test_the_cut_sits_within_50_ms(serve: Serve, connect: Connect, start_ms: int, fault: str) -> None:
    row = TableRow("Flute", start_ms, start_ms + 10_000)
    plan = Plan(seed=1, table={GOOD: row}, faults={GOOD: fault})
    samples = fetch(connect(serve(plan)), start_ms=start_ms)
    assert samples.shape == (CLIP_SAMPLES,)
    assert samples.dtype == np.int16
    assert abs(offset_ms(wanted(plan, GOOD), samples / 32768)) < 50


def test_a_playlist_is_read_piece_by_piece(serve: Serve, connect: Connect, cache: Path) -> None:
    plan = Plan(seed=1, table={GOOD: TableRow("Flute", 21_340, 31_340)})
    simulator, wished = serve(plan), candidate(GOOD, 21_340)
    source = connect(simulator)
    playlist = Streams(decide(plan, GOOD), Studio(cache), "VISIONOS").manifest(233)
    chosen = {"url": playlist, "protocol": "m3u8_native", "format_id": "233"}
    found = Resolved(chosen, None, VideoInfo("", "", ""))
    excerpt = source.excerpt(source.stream(0, chosen), found, wished, "default")
    samples = decode_segment(excerpt.media, *excerpt.span(wished)).samples
    assert abs(offset_ms(wanted(plan, GOOD), samples / 32768)) < 50
    assert simulator.counts()["requests"]["media"] == 1


def test_one_player_request_and_two_reads_of_few_bytes(serve: Serve, connect: Connect) -> None:
    simulator = serve(Plan(table={GOOD: TableRow("Piano", 60_000, 70_000)}))
    fetch(connect(simulator), start_ms=60_000)
    counts = simulator.counts()
    assert +Counter(counts["requests"]) == {"player": 1, "media": 2, "visitor": 1}
    assert counts["bytes_sent"] < 350_000


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


@pytest.mark.parametrize("answer", ["rate-limited", "bot-check", "captcha", "429"])
def test_refusals_in_a_row_make_the_pause_grow(serve: Serve, connect: Connect, answer: str) -> None:
    """YouTube words most of its refusals in an answer of HTTP 200, which must not count as a grant."""
    pace = Pace(PacePolicy(start=inf, most=inf, first_pause=0.001))
    source = connect(serve(Plan(refusals=(Refusal(at=1, seconds=60, answer=answer),))), pace=pace)
    for refusals in (1, 2, 3):
        with pytest.raises(FetchError) as caught:
            source.open(candidate(GOOD))
        assert caught.value.sent_at is not None
        pace.on_refusal(caught.value.reason, caught.value.sent_at, None)
        assert pace.state.refusals == refusals


def test_an_answer_about_a_video_ends_the_row_of_refusals(serve: Serve, connect: Connect) -> None:
    pace = Pace(PacePolicy(start=inf, most=inf, first_pause=0.001))
    source = connect(serve(Plan(faults={"deadvideo0A": "removed"})), pace=pace)
    for ytid in (GOOD, "deadvideo0A"):
        pace.on_refusal(Reason.BOT_CHECK, pace.spend(), None)
        assert pace.state.refusals == 1
        with suppress(FetchError):
            source.open(candidate(ytid))
        assert pace.state.refusals == 0


def test_a_proxy_that_is_gone_is_the_network_down() -> None:
    source = YouTube(
        Pace(parse_pace("unlimited")), Connection("http://127.0.0.1:9"), patience=Patience(silence=2)
    )
    try:
        with pytest.raises(FetchError) as caught:
            source.open(candidate(GOOD))
    finally:
        source.close()
    assert caught.value.reason is Reason.NETWORK_DOWN


def test_a_password_of_the_proxy_is_in_no_error(serve: Serve, connect: Connect) -> None:
    source = YouTube(
        Pace(parse_pace("unlimited")),
        Connection("http://me:s3cret@127.0.0.1:9"),
        patience=Patience(silence=2),
    )
    try:
        with pytest.raises(FetchError) as caught:
            source.open(candidate(GOOD))
    finally:
        source.close()
    assert "s3cret" not in caught.value.detail


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n", Reason.PROXY),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", Reason.PROXY),
        (b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n", Reason.NETWORK_DOWN),
        (b"HTTP/1.1 200 Connection established\r\n\r\nno TLS at all\r\n\r\n", Reason.CONNECTION),
        (b"", Reason.CONNECTION),
    ],
    ids=["407", "403", "502", "no-tls", "hangs-up"],
)
def test_a_proxy_in_the_way(answers: bytes, reason: Reason) -> None:
    with one_answer(answers) as proxy:
        source = YouTube(Pace(parse_pace("unlimited")), Connection(proxy), patience=Patience(silence=2))
        with closing(source), pytest.raises(FetchError) as caught:
            source.open(candidate(GOOD))
    assert caught.value.reason is reason, caught.value.detail


def test_an_answer_whose_head_drips_is_given_up(serve: Serve, connect: Connect) -> None:
    with one_answer(b"HTTP/1.1 200 Connection established\r\nX-Slow: " + b"x" * 100, every=0.02) as proxy:
        source = YouTube(
            Pace(parse_pace("unlimited")), Connection(proxy), patience=Patience(silence=2, head=0.3)
        )
        with closing(source), pytest.raises(FetchError) as caught:
            source.open(candidate(GOOD))
    assert caught.value.reason is Reason.TIMEOUT, caught.value.detail


def test_a_certificate_that_is_not_trusted_concerns_everyone(serve: Serve, connect: Connect) -> None:
    with pytest.raises(FetchError) as caught:
        connect(serve(Plan()), check_certificate=True).open(candidate(GOOD))
    assert caught.value.reason is Reason.CERTIFICATE
    assert caught.value.reason.scope is Scope.RUN


def test_a_video_known_to_be_alive_is_a_good_one() -> None:
    assert YTID.fullmatch(KNOWN_ALIVE.ytid)
    assert KNOWN_ALIVE.end_ms - KNOWN_ALIVE.start_ms == 10_000


@pytest.fixture
def retold(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Changes what is told of a video and of all its formats after it was resolved."""

    def retell(of_video: dict[str, Any], of_formats: dict[str, Any]) -> None:
        def extract(session: Session, ytid: str) -> dict[str, Any]:
            info = resolve(session, ytid)
            return {**info, "formats": [{**one, **of_formats} for one in info["formats"]], **of_video}

        resolve = youtube_module._extract
        monkeypatch.setattr(youtube_module, "_extract", extract)

    return retell


def test_media_are_not_asked_for_before_they_may_be(serve: Serve, retold: Callable[..., None]) -> None:
    waits: list[float] = []
    pace = Pace(parse_pace("unlimited"), wait=lambda seconds: bool(waits.append(seconds)))
    retold({}, {"available_at": 1_030})
    connection = Connection(serve(Plan()).proxy, check_certificate=False)
    with closing(YouTube(pace, connection, clock=lambda: 1_000.0)) as source:
        source.open(candidate(GOOD))
    assert waits == [30]


def test_a_stream_that_contradicts_its_video_is_no_proof(
    serve: Serve, connect: Connect, retold: Callable[..., None]
) -> None:
    retold({"duration": 300}, {})
    with pytest.raises(FetchError) as caught:
        connect(serve(Plan(faults={GOOD: "beyond-end"}))).open(candidate(GOOD))
    assert caught.value.reason is Reason.BAD_ANSWER


def test_no_answer_of_the_player_breaks_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any part of a good answer is taken for something else, or left out."""
    plan = Plan()
    nothing = VirtualFile([(2, lambda: b"12")])
    good = json.loads(
        answers.player(decide(plan, GOOD), SimpleNamespace(file=lambda *_: nothing), "VISIONOS")
    )
    told: list[Any] = [None]

    def answer(_: object, request: Any) -> Response:
        if "/player" not in request.url:
            raise HTTPError(Response(io.BytesIO(b""), request.url, {}, 403))
        return Response(io.BytesIO(json.dumps(told[0]).encode()), request.url, {})

    monkeypatch.setattr(yt_dlp.YoutubeDL, "urlopen", answer)
    source = YouTube(Pace(parse_pace("unlimited")), extractions=EXTRACTIONS[:1])

    @given(st.data())
    def check(data: st.DataObject) -> None:
        told[0] = damaged(data, good)
        with pytest.raises(FetchError) as caught:
            source.open(candidate(GOOD))
        assert caught.value.reason.scope is not Scope.FINAL or caught.value.reason is Reason.LIVE

    with closing(source):
        check()


def damaged(data: st.DataObject, value: Any) -> Any:
    """A JSON value of which one part is another one."""
    if isinstance(value, dict | list) and value and data.draw(st.integers(0, 9)):
        copy = value.copy()
        place = data.draw(st.sampled_from(sorted(copy) if isinstance(copy, dict) else range(len(copy))))
        copy[place] = damaged(data, copy[place])
        return copy
    odd = [
        None,
        True,
        0,
        -1,
        1e300,
        "",
        "x",
        "http://[",
        "file:///etc/passwd",
        [],
        {},
        [[]],
        [None],
        {"x": 1},
    ]
    return data.draw(st.sampled_from(odd))


@contextmanager
def one_answer(answer: bytes, every: float = 0.0) -> Iterator[str]:
    """A proxy that gives everyone the same answer, all at once or byte by byte, and hangs up."""
    ended = threading.Event()

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection, suppress(OSError):
                connection.recv(65_536)
                for piece in [answer[at : at + 1] for at in range(len(answer))] if every else [answer]:
                    connection.sendall(piece)
                    if ended.wait(every):
                        return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        ended.set()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


class Hand:
    """A clock that a test sets."""

    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_an_extraction_as_a_whole_has_one_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    clock, spent = Hand(), Pace(parse_pace("unlimited"))

    def urlopen(_: object, request: yt_dlp.networking.Request) -> Response:
        clock.now += 40
        return Response(io.BytesIO(b"{}"), request.url, {})

    monkeypatch.setattr(yt_dlp.YoutubeDL, "urlopen", urlopen)
    monkeypatch.setattr(spent, "spend", lambda: clock.__setattr__("now", clock.now + 500) or clock.now)
    with Session({"quiet": True}, spent, Patience(extraction=100), clock=clock) as session:
        session.begin({})
        for _ in range(3):
            session.urlopen("https://www.youtube.com/youtubei/v1/player")
        with pytest.raises(session_module.Broken):
            session.urlopen("https://www.youtube.com/youtubei/v1/player")
        assert session_module.reason_of(session.diagnose("Unable to download")) is Reason.TIMEOUT
        session.begin({})
        session.urlopen("https://www.youtube.com/youtubei/v1/player")


def test_a_manifest_is_a_request_of_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    pace = Pace(parse_pace("unlimited"))
    monkeypatch.setattr(
        yt_dlp.YoutubeDL, "urlopen", lambda _, request: Response(io.BytesIO(b""), request.url, {})
    )
    with Session({"quiet": True}, pace, Patience()) as session:
        session.urlopen("https://rr1---sn-x.googlevideo.com/videoplayback")
        assert pace.requests == 0
        session.urlopen("https://manifest.googlevideo.com/api/manifest/hls_variant/x/file/index.m3u8")
        assert pace.requests == 1


@pytest.mark.parametrize(
    "arguments", [[], {"youtube": []}, {"youtube": {"skip": "hls"}}, {"youtube": {"skip": [1]}}, "x", 5]
)
def test_extractor_args_in_another_form_are_refused(arguments: object) -> None:
    with pytest.raises(UsageError, match="extractor_args"):
        YouTube(Pace(parse_pace("unlimited")), Connection(options={"extractor_args": arguments}))


def test_only_a_client_or_cookies_take_the_choice_away() -> None:
    provider = {"youtubepot-bgutilhttp": {"base_url": ["http://127.0.0.1:4416"]}}
    lean, default = extractions_for(
        {**provider, "youtube": {"player_skip": ["configs"], "po_token": ["a"]}}, False
    )
    assert (lean.name, default.name) == ("lean", "default")
    assert lean.arguments["youtubepot-bgutilhttp"] == provider["youtubepot-bgutilhttp"]
    assert default.arguments["youtubepot-bgutilhttp"] == provider["youtubepot-bgutilhttp"]
    assert {"webpage", "configs", "js"} <= {*lean.arguments["youtube"]["player_skip"]}
    assert default.arguments["youtube"] == {"player_skip": ["configs"], "po_token": ["a"]}
    assert [one.name for one in extractions_for({}, True)] == ["default"]
    assert [one.name for one in extractions_for({"youtube": {"player_client": ["web"]}}, False)] == ["chosen"]
    assert "po_token" not in EXTRACTIONS[0].arguments["youtube"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("firefox", ("firefox", None, None, None)),
        ("Chrome:Profile 1", ("chrome", "Profile 1", None, None)),
        ("chromium+gnomekeyring:p::c", ("chromium", "p", "GNOMEKEYRING", "c")),
        ("firefox::none", ("firefox", None, None, "none")),
    ],
)
def test_a_browser_is_named_as_in_yt_dlp(text: str, expected: tuple[str | None, ...]) -> None:
    assert browser_of(text) == expected


@pytest.mark.parametrize("text", ["", "netscape", ":x", "-" * 10_000])
def test_a_browser_that_yt_dlp_does_not_know_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="cookies-from-browser"):
        browser_of(text)


def test_a_browser_without_a_profile_here_is_a_clear_error() -> None:
    with pytest.raises(UsageError):
        YouTube(Pace(parse_pace("unlimited")), Connection(browser="firefox:/nowhere/at/all"))


@pytest.mark.parametrize("told", [None, 0, -1, 10**4_000, float("nan"), float("inf"), 1e7])
def test_a_length_that_cannot_be_true_is_none(told: float | None) -> None:
    assert youtube_module._length_ms({"duration": told}) is None
    assert youtube_module._length_ms({"duration": 19}) == 19_000


@given(st.one_of(st.none(), st.integers(), st.text(max_size=30), st.lists(st.text(), max_size=2)))
def test_only_a_channels_id_is_one(told: object) -> None:
    found = youtube_module._video_info({"channel_id": told, "channel": told, "title": "x" * 1_000})
    assert (found.channel_id, len(found.title)) == ("", 300)
    assert found.channel == (told if isinstance(told, str) else "")
    right = "UC-_34567890123456789aBC"
    assert youtube_module._video_info({"channel_id": right}) == VideoInfo(right, "", "")
    assert youtube_module._video_info({"channel_id": f"{right}\n"}).channel_id == ""

"""Refusals of one video, of one client, of media alone; and a captcha in a page's place."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from yt_dlp import YoutubeDL
from yt_dlp.networking import Request
from yt_dlp.networking.exceptions import HTTPError
from yt_dlp.utils import DownloadError

from audioset_tools.simulator import Plan, Simulator
from audioset_tools.simulator.faults import ALWAYS
from tests.simulator.conftest import GOOD, LEAN, OTHER, SOME, extract, kind, sounds

Serve = Callable[[Plan], Simulator]
Client = Callable[..., YoutubeDL]


@pytest.mark.parametrize("fault", ALWAYS)
@pytest.mark.parametrize("arguments", [{"youtube": LEAN}, OTHER], ids=["lean", "other"])
def test_one_video_is_always_refused(
    serve: Serve, client: Client, fault: str, arguments: dict[str, Any]
) -> None:
    youtube = serve(Plan(faults={GOOD: fault}))
    words = {"bot-check": "not a bot", "rate-limited": "rate-limited", "429": "any player response"}
    for _ in range(2):
        with pytest.raises(DownloadError, match=words[ALWAYS[fault]]):
            extract(client(youtube, extractor_args=arguments))
    assert youtube.counts()["refused"] == 2
    assert sounds(extract(client(youtube, extractor_args=arguments), SOME[0]))


def test_media_that_are_always_too_many(serve: Serve, client: Client) -> None:
    ydl = client(serve(Plan(faults={GOOD: "media-429"})))
    for one in sounds(extract(ydl))[:2]:
        with pytest.raises(HTTPError, match="429") as raised:
            ydl.urlopen(Request(one["url"]))
        raised.value.close()


@pytest.mark.parametrize("state", ["slow", "refuse", "down"])
def test_the_manifests_host_in_trouble(serve: Serve, client: Client, state: str) -> None:
    youtube = serve(Plan(hls=state, stall_s=0.1))
    found = extract(client(youtube))
    assert {kind(one) for one in found["formats"]} == {"https", "mhtml"}
    assert youtube.counts()["requests"]["manifest"] >= 1


def test_a_bot_check_for_whoever_tells_no_visitor_id(serve: Serve, client: Client) -> None:
    youtube = serve(Plan(bot_without_visitor=True))
    with pytest.raises(DownloadError, match="not a bot"):
        extract(client(youtube))
    assert sounds(extract(client(youtube, extractor_args=OTHER)))
    ydl = client(youtube)
    request = Request("https://www.youtube.com/youtubei/v1/visitor_id", data=b"{}")
    with ydl.urlopen(request) as answer:
        visitor = json.loads(answer.read())["responseContext"]["visitorData"]
    assert visitor.startswith("Cgt")
    assert visitor.endswith("%3D%3D")
    known = {"youtube": {**LEAN, "visitor_data": [visitor]}}
    assert sounds(extract(client(youtube, extractor_args=known)))
    assert youtube.counts()["requests"]["visitor"] == 1


@pytest.mark.parametrize("status", [400, 404, 429, 500])
def test_no_visitor_id_is_available(serve: Serve, client: Client, status: int) -> None:
    ydl = client(serve(Plan(visitor_status=status)))
    with pytest.raises(HTTPError) as raised:
        ydl.urlopen(Request("https://www.youtube.com/youtubei/v1/visitor_id", data=b"{}"))
    assert raised.value.status == status
    raised.value.close()


def test_a_captcha_in_the_place_of_the_page(serve: Serve, client: Client) -> None:
    youtube = serve(Plan(page_captcha=True))
    with client(youtube).urlopen(Request(f"https://www.youtube.com/watch?v={GOOD}")) as answer:
        assert answer.status == 200
        assert b"captcha-form" in answer.read()
    assert youtube.counts()["refused"] == 1

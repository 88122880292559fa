"""The answers have the shape of recorded ones, and every way in which a client may get less."""

import json
import statistics
from collections.abc import Callable
from typing import Any

import pytest
from yt_dlp import YoutubeDL
from yt_dlp.networking import Request
from yt_dlp.networking.exceptions import HTTPError

from audioset_tools.simulator import Plan, Simulator, answers
from audioset_tools.simulator.bank import Studio
from tests.simulator.conftest import (
    GOOD,
    LEAN,
    OTHER,
    SOME,
    extract,
    kind,
    needs_recordings,
    one_that,
    player,
    recorded,
    sounds,
    streams,
)

Serve = Callable[[Plan], Simulator]
Client = Callable[..., YoutubeDL]


@needs_recordings
def test_an_answer_has_every_part_of_a_recorded_one(studio: Studio) -> None:
    ours = player(studio)
    for theirs in recorded("visionos-ok-*"):
        assert theirs.keys() == ours.keys()
        assert theirs["streamingData"].keys() - {"probeUrl"} == ours["streamingData"].keys()
        for part in ("responseContext", "playbackTracking", "storyboards", "attestation"):
            assert theirs[part].keys() <= ours[part].keys()
        assert theirs["videoDetails"].keys() - {"keywords"} <= ours["videoDetails"].keys()
    for theirs in recorded("visionos-unplayable-*"):
        assert theirs.keys() == player(studio, plan=Plan(faults={GOOD: "kids"})).keys()


@needs_recordings
def test_answers_are_as_large_as_recorded_ones(studio: Studio) -> None:
    sizes = [len(json.dumps(player(studio, ytid))) for ytid in SOME[:60]]
    theirs = [len(json.dumps(answer)) for answer in recorded("visionos-ok-*")]
    assert min(theirs) <= statistics.median(sizes) <= statistics.median(theirs)
    many = len(json.dumps(player(studio, one_that(lambda video: video.dubs > 15))))
    assert 0.5 * max(theirs) < many < 1.5 * max(theirs)


@needs_recordings
def test_yt_dlp_finds_the_same_kinds_of_formats_as_in_a_recorded_answer(
    serve: Serve, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    def kinds(found: dict[str, Any]) -> set[tuple[Any, ...]]:
        return {
            (kind(one), one["ext"], one["acodec"] != "none", one["vcodec"] != "none")
            for one in found["formats"]
            if kind(one) in ("https", "mhtml")
        }

    skipping = {"youtube": {**LEAN, "skip": ["hls"]}}
    ours = kinds(extract(client(serve(Plan()), extractor_args=skipping)))
    (answer,) = recorded("visionos-ok-e7daed82*")
    monkeypatch.setattr(answers, "player", lambda *_: json.dumps(answer).encode())
    ytid = answer["videoDetails"]["videoId"]
    assert kinds(extract(client(serve(Plan()), extractor_args=skipping), ytid)) == ours


LESS = {
    "sabr": set(),
    "hls-only": set(),
    "n-challenge": set(),
    "cipher": set(),
    "itag18-only": {"18"},
    "aac-only": {"139", "140"},
}


@pytest.mark.parametrize("fault", LESS)
def test_the_lean_client_is_told_less_and_another_is_not(serve: Serve, client: Client, fault: str) -> None:
    youtube = serve(Plan(faults={GOOD: fault}))
    assert {one["format_id"] for one in sounds(extract(client(youtube)))} == LESS[fault]
    found = sounds(extract(client(youtube, extractor_args=OTHER)))
    assert {one["format_id"] for one in found} == {"18", "139", "140", "249", "250", "251"}


@pytest.mark.parametrize("fault", ["sabr", "cipher", "n-challenge", "hls-only"])
def test_storyboards_are_there_where_no_stream_is(serve: Serve, client: Client, fault: str) -> None:
    found = extract(client(serve(Plan(faults={GOOD: fault}, hls="refuse"))))
    assert {kind(one) for one in found["formats"]} == {"mhtml"}


def test_the_default_extraction_gets_what_the_lean_client_does_not(serve: Serve, client: Client) -> None:
    for fault in (*LESS, "kids", "age-client"):
        youtube = serve(Plan(faults={GOOD: fault}))
        found = {one["format_id"] for one in sounds(extract(client(youtube, extractor_args={})))}
        assert {"140", "251"} <= found, fault


@pytest.mark.parametrize(("fault", "clean"), [("drm-families", set()), ("drm-some", {"140"})])
def test_streams_with_drm_are_marked(serve: Serve, client: Client, fault: str, clean: set[str]) -> None:
    youtube = serve(Plan(faults={GOOD: fault}))
    for arguments in ({"youtube": LEAN}, OTHER):
        found = sounds(extract(client(youtube, extractor_args=arguments)))
        assert {one["format_id"] for one in found if not one["has_drm"]} == clean


def test_an_age_gate_of_one_client(serve: Serve, client: Client, studio: Studio) -> None:
    plan = Plan(faults={GOOD: "age-client"})
    assert player(studio, plan=plan)["playabilityStatus"]["reason"] == "Sign in to confirm your age"
    assert sounds(extract(client(serve(plan), extractor_args=OTHER)))
    # yt-dlp asks in the name of an embedded player then, if it may.
    youtube = serve(plan)
    assert sounds(extract(client(youtube)))
    assert youtube.counts()["requests"]["player"] == 2


def test_a_page_may_offer_a_stream_that_is_good_for_nothing(serve: Serve, client: Client) -> None:
    ydl = client(serve(Plan(faults={GOOD: "bot-18"})), extractor_args={})
    (offered,) = streams(extract(ydl))
    assert offered["format_id"] == "18"
    with pytest.raises(HTTPError, match="403") as raised:
        ydl.urlopen(Request(offered["url"]))
    raised.value.close()


def test_the_manifest_leads_to_the_sound(serve: Serve, client: Client) -> None:
    ydl = client(serve(Plan(faults={GOOD: "hls-only"})))
    found = [one for one in extract(ydl)["formats"] if kind(one).startswith("m3u8")]
    assert {one["format_id"] for one in found} == {"233", "234", "269", "230"}
    with ydl.urlopen(Request(next(one["url"] for one in found if one["format_id"] == "234"))) as answer:
        (segment,) = [line for line in answer.read().decode().splitlines() if line.startswith("https:")]
    with ydl.urlopen(Request(segment)) as answer:
        assert answer.read()[4:8] == b"ftyp"


@pytest.mark.parametrize("big", [True, False])
def test_the_players_script_is_fetched_only_where_the_page_leaves_out_its_stamp(
    serve: Serve, client: Client, big: bool
) -> None:
    youtube = serve(Plan(big_player=big))
    assert sounds(extract(client(youtube, extractor_args={})))
    counts = youtube.counts()
    assert counts["requests"]["script"] == big
    assert (counts["bytes_sent"] > 900_000) == big

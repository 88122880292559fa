"""The answers have the shape of recorded ones, and every way in which a client may be told less."""

import gzip
import json
import math
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from yt_dlp import YoutubeDL
from yt_dlp.networking import Request
from yt_dlp.networking.exceptions import HTTPError
from yt_dlp.utils import DownloadError

from audioset_tools.simulator import Plan, Simulator, answers, decide
from audioset_tools.simulator.bank import Studio
from audioset_tools.simulator.faults import ALWAYS, FAULTS, playability, wordings

from .conftest import GOOD, LEAN, extract, kind, streams

Serve = Callable[[Plan], Simulator]
Client = Callable[..., YoutubeDL]

RECORDINGS = Path(__file__).parents[3] / "shared" / "recordings"
OTHER = {"youtube": {**LEAN, "player_client": ["tv_samsung"]}}
SOME = [f"{number:010d}A" for number in range(200)]


def recorded(pattern: str) -> list[dict[str, Any]]:
    return [json.loads(gzip.decompress(path.read_bytes()))["answer"] for path in RECORDINGS.glob(pattern)]


def told(cache: Path, ytid: str = GOOD, plan: Plan | None = None, client: str = "VISIONOS") -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(answers.player(decide(plan or Plan(), ytid), Studio(cache), client))
    return answer


def one_that(wished: Callable[[Any], bool]) -> str:
    return next(ytid for ytid in SOME if wished(decide(Plan(), ytid)))


def sounds(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [one for one in streams(found) if one["acodec"] not in (None, "none")]


needs_recordings = pytest.mark.skipif(not RECORDINGS.is_dir(), reason="the recordings are not here")


@needs_recordings
def test_an_answer_has_every_part_of_a_recorded_one(cache: Path) -> None:
    ours = told(cache)
    for theirs in recorded("visionos-ok-*"):
        assert theirs.keys() == ours.keys()
        assert theirs["streamingData"].keys() - {"probeUrl"} == ours["streamingData"].keys()
        for part in ("responseContext", "playbackTracking", "storyboards", "attestation"):
            assert theirs[part].keys() <= ours[part].keys()
        assert theirs["videoDetails"].keys() - {"keywords"} <= ours["videoDetails"].keys()
    for theirs in recorded("visionos-unplayable-*"):
        assert theirs.keys() == told(cache, plan=Plan(faults={GOOD: "kids"})).keys()


@needs_recordings
def test_a_stream_and_its_address_have_every_field_of_recorded_ones(cache: Path) -> None:
    def fields(formats: list[dict[str, Any]], mime: str) -> tuple[set[str], set[str]]:
        ours = [one for one in formats if one["mimeType"].startswith(mime)]
        names = set().union(*(one.keys() for one in ours))
        return names, set().union(*(parse_qs(urlsplit(one["url"]).query).keys() for one in ours))

    plays = [told(cache, one_that(lambda video: video.dubs > 1)), told(cache, one_that(lambda v: v.drc))]
    ours = [one for play in plays for one in play["streamingData"]["adaptiveFormats"]]
    theirs = [
        one for answer in recorded("visionos-ok-*") for one in answer["streamingData"]["adaptiveFormats"]
    ]
    for mime in ("audio/", "video/"):
        names, parameters = fields(theirs, mime)
        known, signed = fields(ours, mime)
        # How often a stream is kept, and what colours a picture has, no client here asks for.
        assert names - {"highReplication", "colorInfo"} <= known <= names
        assert signed - parameters == set()
        # The country and the uncompressed sound, in one of the recorded answers each.
        assert parameters - signed <= {"xtags", "gcr", "pcm2"}


@needs_recordings
def test_answers_are_as_large_as_recorded_ones(cache: Path) -> None:
    sizes = [len(json.dumps(told(cache, ytid))) for ytid in SOME[:60]]
    theirs = [len(json.dumps(answer)) for answer in recorded("visionos-ok-*")]
    assert min(theirs) <= statistics.median(sizes) <= statistics.median(theirs)
    many = len(json.dumps(told(cache, one_that(lambda video: video.dubs > 15))))
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


@needs_recordings
def test_the_words_of_recorded_refusals_are_among_ours() -> None:
    known = {(words.status, words.reason) for fault in FAULTS for words in wordings(fault)}
    for answer in recorded("*-unplayable-*") + recorded("*-error-*") + recorded("*-login_required-*"):
        status = answer["playabilityStatus"]
        screen = status.get("errorScreen", {}).get("playerErrorMessageRenderer", {})
        said = status.get("reason") or screen["reason"]["simpleText"]
        # A page of 2023 puts both of its sentences on members into one.
        assert (
            status["status"],
            said.split(". Join this channel to get")[0] + "." * said.endswith("perks."),
        ) in {
            *known,
            *((status, f"{reason.split('. Join')[0]}.") for status, reason in known),
        }, said


def test_shares_of_dubs_and_twins_are_small_and_fixed() -> None:
    videos = [decide(Plan(), ytid) for ytid in SOME]
    for share, held in ((0.05, "dubs"), (0.1, "drc"), (0.3, "many")):
        had = sum(bool(getattr(video, held)) for video in videos) / len(videos)
        assert math.isclose(had, share, abs_tol=3 * math.sqrt(share / len(videos)))


def test_a_dub_plays_something_else_and_the_original_is_marked(serve: Serve, client: Client) -> None:
    ytid = one_that(lambda video: video.dubs > 1)
    ydl = client(serve(Plan()))
    found = [one for one in streams(extract(ydl, ytid)) if one["format_id"].startswith("251")]
    assert len(found) == decide(Plan(), ytid).dubs + 1
    best = max(found, key=lambda one: one["language_preference"])
    assert (best["language"], best["language_preference"]) == ("en", 10)
    read = {}
    for one in (best, found[0]):
        with ydl.urlopen(Request(one["url"])) as answer:
            read[one["language"]] = answer.read()
            assert len(read[one["language"]]) == one["filesize"]
    assert read["en"] != read["ar"]


def test_a_compressed_twin_plays_the_same(serve: Serve, client: Client) -> None:
    ytid = one_that(lambda video: video.drc and not video.dubs)
    ydl = client(serve(Plan()))
    read = []
    for one in streams(extract(ydl, ytid)):
        if one["format_id"] in ("251", "251-drc"):
            with ydl.urlopen(Request(one["url"])) as answer:
                read.append(answer.read())
    assert len(read) == 2
    assert read[0] == read[1]


def test_the_index_lies_where_the_answer_says(serve: Serve, client: Client, cache: Path) -> None:
    ydl = client(serve(Plan()))
    for one in told(cache)["streamingData"]["adaptiveFormats"]:
        if one["itag"] in (140, 251):
            begin, end = int(one["indexRange"]["start"]), int(one["indexRange"]["end"])
            with ydl.urlopen(Request(one["url"], headers={"Range": f"bytes={begin}-{end + 8}"})) as answer:
                part = answer.read()
            mark, after = (part[4:8], part[-4:]) if one["itag"] == 140 else (part[:4], part[-8:-4])
            assert mark == (b"sidx" if one["itag"] == 140 else b"\x1c\x53\xbb\x6b")
            assert after == (b"moof" if one["itag"] == 140 else b"\x1f\x43\xb6\x75")


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


def test_an_age_gate_of_one_client(serve: Serve, client: Client, cache: Path) -> None:
    plan = Plan(faults={GOOD: "age-client"})
    assert told(cache, plan=plan)["playabilityStatus"]["reason"] == "Sign in to confirm your age"
    assert sounds(extract(client(serve(plan), extractor_args=OTHER)))
    # yt-dlp asks in the name of an embedded player then, if it may.
    youtube = serve(plan)
    assert sounds(extract(client(youtube)))
    assert youtube.counts()["requests"]["player"] == 2


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


def test_a_page_may_offer_a_stream_that_is_good_for_nothing(serve: Serve, client: Client) -> None:
    ydl = client(serve(Plan(faults={GOOD: "bot-18"})), extractor_args={})
    (offered,) = streams(extract(ydl))
    assert offered["format_id"] == "18"
    with pytest.raises(HTTPError, match="403") as raised:
        ydl.urlopen(Request(offered["url"]))
    raised.value.close()


def test_media_that_are_always_too_many(serve: Serve, client: Client) -> None:
    ydl = client(serve(Plan(faults={GOOD: "media-429"})))
    for one in sounds(extract(ydl))[:2]:
        with pytest.raises(HTTPError, match="429") as raised:
            ydl.urlopen(Request(one["url"]))
        raised.value.close()


def test_a_muxed_stream_has_sound(serve: Serve, client: Client) -> None:
    ydl = client(serve(Plan(faults={GOOD: "itag18-only"})))
    (muxed,) = sounds(extract(ydl))
    assert muxed["vcodec"] != "none"
    with ydl.urlopen(Request(muxed["url"], headers={"Range": "bytes=0-4095"})) as answer:
        assert b"moof" in answer.read()


def test_several_wordings_are_all_used() -> None:
    for fault in ("private", "members-only", "unavailable", "geo-blocked"):
        said = {playability(fault, ytid).get("reason") for ytid in SOME}
        assert said == {words.reason for words in wordings(fault)}
        assert playability(fault, GOOD) == playability(fault, GOOD)


def test_the_manifest_leads_to_the_sound(serve: Serve, client: Client) -> None:
    ydl = client(serve(Plan(faults={GOOD: "hls-only"})))
    found = [one for one in extract(ydl)["formats"] if kind(one).startswith("m3u8")]
    assert {one["format_id"] for one in found} == {"233", "234", "269", "230"}
    with ydl.urlopen(Request(next(one["url"] for one in found if one["format_id"] == "234"))) as answer:
        (segment,) = [line for line in answer.read().decode().splitlines() if line.startswith("https:")]
    with ydl.urlopen(Request(segment)) as answer:
        assert answer.read()[4:8] == b"ftyp"


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
def test_no_visitor_id_is_to_be_had(serve: Serve, client: Client, status: int) -> None:
    ydl = client(serve(Plan(visitor_status=status)))
    with pytest.raises(HTTPError) as raised:
        ydl.urlopen(Request("https://www.youtube.com/youtubei/v1/visitor_id", data=b"{}"))
    assert raised.value.status == status
    raised.value.close()


@pytest.mark.parametrize("big", [True, False])
def test_the_players_script_is_fetched_only_where_the_page_leaves_out_its_stamp(
    serve: Serve, client: Client, big: bool
) -> None:
    youtube = serve(Plan(big_player=big))
    assert sounds(extract(client(youtube, extractor_args={})))
    counts = youtube.counts()
    assert counts["requests"]["script"] == big
    assert (counts["bytes_sent"] > 900_000) == big


def test_a_captcha_in_the_place_of_the_page(serve: Serve, client: Client) -> None:
    youtube = serve(Plan(page_captcha=True))
    with client(youtube).urlopen(Request(f"https://www.youtube.com/watch?v={GOOD}")) as answer:
        assert answer.status == 200
        assert b"captcha-form" in answer.read()
    assert youtube.counts()["refused"] == 1

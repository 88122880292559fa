"""The streams of an answer: listed and addressed as recorded ones, and each address leads to its file."""

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

from yt_dlp import YoutubeDL
from yt_dlp.networking import Request

from audioset_tools.simulator import Plan, Simulator, decide
from audioset_tools.simulator.bank import Studio
from tests.simulator.conftest import (
    GOOD,
    extract,
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
def test_a_stream_and_its_address_have_every_field_of_recorded_ones(studio: Studio) -> None:
    def fields(formats: list[dict[str, Any]], mime: str) -> tuple[set[str], set[str]]:
        ours = [one for one in formats if one["mimeType"].startswith(mime)]
        names = set().union(*(one.keys() for one in ours))
        return names, set().union(*(parse_qs(urlsplit(one["url"]).query).keys() for one in ours))

    plays = [
        player(studio, one_that(lambda video: video.dubs > 1)),
        player(studio, one_that(lambda v: v.drc)),
    ]
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


def test_the_index_lies_where_the_answer_says(serve: Serve, client: Client, studio: Studio) -> None:
    ydl = client(serve(Plan()))
    for one in player(studio)["streamingData"]["adaptiveFormats"]:
        if one["itag"] in (140, 251):
            begin, end = int(one["indexRange"]["start"]), int(one["indexRange"]["end"])
            with ydl.urlopen(Request(one["url"], headers={"Range": f"bytes={begin}-{end + 8}"})) as answer:
                part = answer.read()
            mark, after = (part[4:8], part[-4:]) if one["itag"] == 140 else (part[:4], part[-8:-4])
            assert mark == (b"sidx" if one["itag"] == 140 else b"\x1c\x53\xbb\x6b")
            assert after == (b"moof" if one["itag"] == 140 else b"\x1f\x43\xb6\x75")


def test_a_muxed_stream_has_sound(serve: Serve, client: Client) -> None:
    ydl = client(serve(Plan(faults={GOOD: "itag18-only"})))
    (muxed,) = sounds(extract(ydl))
    assert muxed["vcodec"] != "none"
    with ydl.urlopen(Request(muxed["url"], headers={"Range": "bytes=0-4095"})) as answer:
        assert b"moof" in answer.read()

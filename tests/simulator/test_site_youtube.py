"""What the unmodified yt-dlp makes of the simulator: each trouble of an answer or of its media."""

import json
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from offset import offset_ms
from yt_dlp import YoutubeDL
from yt_dlp.networking import Request
from yt_dlp.networking.exceptions import HTTPError, IncompleteRead, TransportError
from yt_dlp.utils import DownloadError, ExtractorError, GeoRestrictedError

from audioset_tools.audio.binary import find_ffmpeg
from audioset_tools.simulator import Limit, Plan, Refusal, Simulator
from audioset_tools.simulator.faults import OFF
from audioset_tools.simulator.sounds import wanted
from tests.simulator.conftest import GOOD, LEAN, address, extract, kind, streams

Serve = Callable[[Plan], Simulator]
Client = Callable[..., YoutubeDL]


def asked(youtube: Simulator) -> dict[str, int]:
    return {kind: number for kind, number in youtube.counts()["requests"].items() if number}


def raw(youtube: Simulator, fault: str) -> ssl.SSLSocket:
    """A connection on which a player request, or one for media, has been sent."""
    line = socket.create_connection(("127.0.0.1", int(youtube.proxy.rpartition(":")[2])))
    host = "www.youtube.com" if fault.startswith("player-") else "r.googlevideo.com"
    line.sendall(f"CONNECT {host}:443 HTTP/1.1\r\n\r\n".encode())
    assert line.recv(100).startswith(b"HTTP/1.1 200")
    secured = ssl._create_unverified_context().wrap_socket(line, server_hostname=host)
    body = json.dumps({"videoId": GOOD})
    path = "/youtubei/v1/player" if fault.startswith("player-") else f"/videoplayback?id={GOOD}&itag=251"
    secured.sendall(f"POST {path} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
    return secured


def trouble(ydl: YoutubeDL) -> ExtractorError:
    with pytest.raises(DownloadError) as raised:
        extract(ydl)
    inner = raised.value.exc_info[1]
    assert isinstance(inner, ExtractorError)
    return inner


def test_lean_extraction_is_one_request_and_the_manifest(youtube: Simulator, client: Client) -> None:
    found = extract(client(youtube))
    assert asked(youtube) == {"player": 1, "manifest": 1}
    assert (found["id"], found["live_status"], found["duration"]) == (GOOD, "not_live", found["duration"])
    sounds = {one["format_id"]: one for one in streams(found) if one["vcodec"] == "none"}
    assert {name: (one["ext"], one["acodec"]) for name, one in sounds.items()} == {
        "139": ("m4a", "mp4a.40.5"),
        "140": ("m4a", "mp4a.40.2"),
        "249": ("webm", "opus"),
        "250": ("webm", "opus"),
        "251": ("webm", "opus"),
    }
    assert all(one["audio_channels"] == 2 and one["asr"] == 48_000 for one in sounds.values())
    assert {one["format_id"] for one in streams(found)} > {*sounds, "137", "136", "134", "243", "160"}
    skipping = {"youtube": {**LEAN, "skip": ["hls", "dash"]}}
    extract(client(youtube, extractor_args=skipping))
    assert asked(youtube) == {"player": 2, "manifest": 1}


@pytest.mark.parametrize("options", [{"js_runtimes": {}}, {}], ids=["no-js", "deno"])
def test_default_extraction(youtube: Simulator, client: Client, options: dict[str, Any]) -> None:
    found = extract(client(youtube, extractor_args={}, **options))
    assert {one["format_id"] for one in streams(found)} >= {"140", "249", "251"}
    # Newer releases ask for the player once more when they have a JavaScript runtime.
    most = {"page": 1, "player": 1 if options else 2, "manifest": 1}
    assert asked(youtube) in ({"page": 1, "player": 1, "manifest": 1}, most)


def test_yt_dlp_chooses_the_best_audio_by_itself(youtube: Simulator, client: Client) -> None:
    found = client(youtube, format="bestaudio").extract_info(f"https://youtu.be/{GOOD}", download=False)
    assert found["format_id"] == "251"


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("removed", "Video unavailable. This video has been removed by the uploader"),
        ("private", "Private video. Sign in if you've been granted access to this video"),
        ("terminated", "the YouTube account associated with this video has been terminated."),
        ("copyright", "no longer available due to a copyright claim by Loopback Records"),
        ("age-gated", "This video may be inappropriate for some users."),
        ("members-only", "members"),
        ("live", "This live event will begin in 3 hours."),
        ("premiere", "Premieres in 5 hours"),
        ("drm", "This video is DRM protected"),
        ("unavailable", "Video unavailable. This video is not available"),
        ("wrong-video", "All player responses are invalid. Your IP is likely being blocked by Youtube"),
    ],
)
@pytest.mark.parametrize("lean", [True, False], ids=["lean", "default"])
def test_what_youtube_words_itself(serve: Serve, client: Client, fault: str, words: str, lean: bool) -> None:
    options: dict[str, Any] = {} if lean else {"extractor_args": {}, "js_runtimes": {}}
    error = trouble(client(serve(Plan(faults={GOOD: fault})), **options))
    assert words in error.msg
    assert error.expected


def test_geo_blocked_has_its_own_error(serve: Serve, client: Client) -> None:
    error = trouble(client(serve(Plan(faults={GOOD: "geo-blocked"}))))
    assert isinstance(error, GeoRestrictedError)
    assert "The uploader has not made this video available in your country" in error.msg


def test_a_running_stream_says_so(serve: Serve, client: Client) -> None:
    assert extract(client(serve(Plan(faults={GOOD: "live-now"}))))["live_status"] == "is_live"


def test_a_video_without_audio_and_one_without_addresses(serve: Serve, client: Client) -> None:
    pictures = streams(extract(client(serve(Plan(faults={GOOD: "no-audio"})))))
    assert {one["acodec"] for one in pictures} == {"none"}
    found = extract(client(serve(Plan(faults={GOOD: "no-formats"}))))
    assert {kind(one) for one in found["formats"]} == {"mhtml"}


@pytest.mark.parametrize("fault", ["player-503", "player-reset"])
def test_a_player_in_trouble_recovers(serve: Serve, client: Client, fault: str) -> None:
    youtube = serve(Plan(faults={GOOD: fault}, passing_attempts=2))
    for _ in range(2):
        error = trouble(client(youtube))
        assert "Failed to extract any player response" in error.msg
        assert not error.expected
    assert extract(client(youtube))["formats"]
    assert youtube.counts()["faults"] == {fault: 2}


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (
            "rate-limited",
            "Video unavailable. This content isn't available, try again later. The current session",
        ),
        ("bot-check", "Sign in to confirm you’re not a bot"),
        ("captcha", "Video unavailable. YouTube is requiring a captcha challenge before playback"),
        ("unavailable", "Video unavailable. This video is not available"),
    ],
)
@pytest.mark.parametrize("lean", [True, False], ids=["lean", "default"])
def test_refusals_in_words(serve: Serve, client: Client, answer: str, words: str, lean: bool) -> None:
    youtube = serve(Plan(limit=Limit(per_second=0.01, burst=1, answer=answer)))
    assert extract(client(youtube))["formats"]
    options: dict[str, Any] = {} if lean else {"extractor_args": {}, "js_runtimes": {}}
    assert words in trouble(client(youtube, **options)).msg
    assert youtube.counts()["refused"] >= 1


@pytest.mark.parametrize("retry_after", [None, 7])
def test_429_on_the_player(serve: Serve, client: Client, retry_after: float | None) -> None:
    youtube = serve(Plan(refusals=(Refusal(at=1, seconds=60, retry_after=retry_after),)))
    seen: list[HTTPError] = []

    class Watching(YoutubeDL):
        def urlopen(self, request: Any) -> Any:
            try:
                return super().urlopen(request)
            except HTTPError as error:
                seen.append(error)
                raise

    ydl = client(youtube)
    ydl.__class__ = Watching
    trouble(ydl)
    assert [error.status for error in seen] == [429]
    assert seen[0].response.headers.get("Retry-After") == (None if retry_after is None else "7")
    seen[0].close()


@pytest.mark.parametrize("lean", [True, False], ids=["lean", "default"])
def test_a_refusal_that_looks_like_a_video_without_addresses(
    serve: Serve, client: Client, lean: bool
) -> None:
    options: dict[str, Any] = {} if lean else {"extractor_args": {}, "js_runtimes": {}}
    youtube = serve(Plan(refusals=(Refusal(at=1, seconds=60, answer="no-formats"),)))
    assert extract(client(youtube, **options))["formats"] == []
    assert youtube.counts()["refused"] >= 1


@pytest.mark.parametrize("answer", ["drop", "stall"])
def test_an_outage_gives_no_answer(serve: Serve, client: Client, answer: str) -> None:
    outage = tuple(Refusal(at=2, seconds=60, answer=answer, kind=kind) for kind in ("player", "media"))
    youtube = serve(Plan(refusals=outage, stall_s=0.2))
    ydl = client(youtube)
    request = Request(address(ydl), headers={"Range": "bytes=0-9"})
    ydl.urlopen(request).close()
    began = time.monotonic()
    with pytest.raises(TransportError):
        ydl.urlopen(request)
    assert (time.monotonic() - began >= 0.2) == (answer == "stall")
    assert "Failed to extract any player response" in trouble(ydl).msg
    assert youtube.counts()["refused"] == 2


@pytest.mark.parametrize("how", OFF)
def test_a_client_switched_off_is_off_and_the_others_are_not(serve: Serve, client: Client, how: str) -> None:
    youtube = serve(Plan(clients_off={"VISIONOS": how}))
    other = {"youtube": {**LEAN, "player_client": ["web_embedded"]}}
    address(client(youtube, extractor_args=other))
    ydl = client(youtube)
    if how == "media-403":
        with pytest.raises(HTTPError, match="403") as raised:
            ydl.urlopen(Request(address(ydl)))
        raised.value.close()
    elif how == "no-formats":
        assert streams(extract(ydl)) == []
    else:
        said = [trouble(ydl).msg, *ydl.params["logger"].warnings]
        words = "not available on this app" if how == "not-on-app" else f"HTTP Error {how[-3:]}"
        assert any(words in one for one in said)


def test_a_video_for_kids_is_not_for_every_client(serve: Serve, client: Client) -> None:
    youtube = serve(Plan(faults={GOOD: "kids"}))
    assert "This video is not available" in trouble(client(youtube)).msg
    assert trouble(client(youtube)).expected
    other = {"youtube": {**LEAN, "player_client": ["web_embedded"]}}
    assert extract(client(youtube, extractor_args=other))["formats"]


@pytest.mark.parametrize("fault", ["player-stall", "player-drip", "player-endless", "drip", "endless"])
def test_an_answer_that_does_not_end_ends_with_the_simulator(cache: Path, client: Client, fault: str) -> None:
    plan = Plan(faults={GOOD: fault}, stall_s=60, drip_s=60)
    with Simulator(plan, cache=cache) as youtube, closing(raw(youtube, fault)) as line:
        line.settimeout(5)
        assert line.recv(65_536).startswith(b"HTTP/1.1 20")
        began = time.monotonic()
    assert time.monotonic() - began < 5


def test_a_drip_has_all_the_bytes(serve: Serve, client: Client) -> None:
    youtube = serve(Plan(faults={GOOD: "drip"}, drip_s=0.001))
    request = Request(address(ydl := client(youtube)), headers={"Range": "bytes=0-99"})
    bodies = []
    for _ in range(2):
        with ydl.urlopen(request) as answer:
            bodies.append(answer.read())
    assert bodies[0] == bodies[1]
    assert youtube.counts()["faults"] == {"drip": 1}


def test_a_scripted_pause_ends(serve: Serve, client: Client) -> None:
    youtube = serve(Plan(refusals=(Refusal(at=1, seconds=0.2, answer="bot-check"),)))
    ydl = client(youtube)
    trouble(ydl)
    time.sleep(0.2)
    assert extract(ydl)["formats"]


def test_media_come_by_range_through_yt_dlp(youtube: Simulator, client: Client) -> None:
    ydl = client(youtube)
    url = address(ydl)
    with ydl.urlopen(Request(url)) as answer:
        whole = answer.read()
        assert answer.status == 200
    with ydl.urlopen(Request(url, headers={"Range": "bytes=1000-200999"})) as answer:
        assert answer.status == 206
        assert answer.headers["Content-Range"] == f"bytes 1000-200999/{len(whole)}"
        assert answer.read() == whole[1_000:201_000]
    with ydl.urlopen(Request(f"{url}&range=1000-1999")) as answer:
        assert (answer.status, answer.read()) == (200, whole[1_000:2_000])
    with pytest.raises(HTTPError, match="416") as raised:
        ydl.urlopen(Request(url, headers={"Range": "bytes=999999999-"}))
    raised.value.close()
    counts = youtube.counts()
    assert counts["ids"][GOOD] == {
        "page": 0,
        "player": 1,
        "media": 4,
        "media_bytes": len(whole) + 200_000 + 1_000,
    }
    assert counts["bytes_sent"] > counts["ids"][GOOD]["media_bytes"]


@pytest.mark.parametrize("status", [403, 404, 503])
def test_media_refused(serve: Serve, client: Client, status: int) -> None:
    youtube = serve(Plan(faults={GOOD: f"media-{status}"}))
    ydl = client(youtube)
    url = address(ydl)
    with pytest.raises(HTTPError) as raised:
        ydl.urlopen(Request(url))
    assert raised.value.status == status
    raised.value.close()
    with ydl.urlopen(Request(url, headers={"Range": "bytes=0-9"})) as answer:
        assert len(answer.read()) == 10


@pytest.mark.parametrize(
    ("fault", "error"),
    # Python's ssl (3.11) reports a reset below TLS as an end: hence no word of a reset.
    [("truncate", IncompleteRead), ("stall", IncompleteRead), ("reset", TransportError)],
)
def test_media_broken_off(serve: Serve, client: Client, fault: str, error: type[TransportError]) -> None:
    youtube = serve(Plan(faults={GOOD: fault}, stall_s=0.2))
    ydl = client(youtube)
    request = Request(address(ydl), headers={"Range": "bytes=0-99999"})
    began = time.monotonic()
    with ydl.urlopen(request) as answer, pytest.raises(error):
        answer.read()
    if fault == "stall":
        assert time.monotonic() - began >= 0.2
    with ydl.urlopen(request) as answer:
        assert len(answer.read()) == 100_000
    assert youtube.counts()["faults"] == {fault: 1}


def test_a_stall_outlasts_the_clients_patience(serve: Serve, client: Client) -> None:
    youtube = serve(Plan(faults={GOOD: "stall"}, stall_s=60))
    ydl = client(youtube, socket_timeout=0.3)
    with (
        ydl.urlopen(Request(address(ydl), headers={"Range": "bytes=0-99999"})) as answer,
        pytest.raises(TransportError, match="timed out"),
    ):
        answer.read()


def test_429_on_media(serve: Serve, client: Client) -> None:
    youtube = serve(Plan(refusals=(Refusal(at=1, seconds=60, kind="media", retry_after=3),)))
    ydl = client(youtube)
    with pytest.raises(HTTPError) as raised:
        ydl.urlopen(Request(address(ydl)))
    assert (raised.value.status, raised.value.response.headers["Retry-After"]) == (429, "3")
    raised.value.close()


@pytest.mark.parametrize("itag", [140, 251])
def test_ffmpeg_reads_an_address_without_index(serve: Serve, client: Client, itag: int) -> None:
    plan = Plan(faults={GOOD: "no-index"}, table={GOOD: ("Flute", 20_000, 30_000)})
    youtube = serve(plan)
    url = address(client(youtube), itag)
    command = [find_ffmpeg().binary, "-v", "error", "-http_proxy", youtube.proxy, "-tls_verify", "0"]
    # By time stamps: a seek of ffmpeg's own counts from the first packet, which some versions time before 0.
    seek, cut = ["-copyts", "-noaccurate_seek", "-ss", "19"], "atrim=start=20:end=30,asetpts=PTS-20/TB"
    command += [*seek, "-i", url, "-af", cut, "-ar", "16000", "-ac", "1", "-f", "f32le", "-"]
    done = subprocess.run(command, capture_output=True, check=True)
    assert abs(offset_ms(wanted(plan, GOOD), np.frombuffer(done.stdout, np.float32))) <= 1


def test_latency(serve: Serve, client: Client) -> None:
    ydl = client(serve(Plan(latency_s=0.15)))
    began = time.monotonic()
    extract(ydl)
    assert time.monotonic() - began >= 0.15

"""What `--record` writes: nothing personal, enough to see the same reasons again, and not without end."""

import gzip
import io
import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yt_dlp.networking import Request, Response

from audioset_tools.exceptions import EnvironmentProblem
from audioset_tools.sources.record import Recorder, cleaned, masked_address

GOOD = "-_goodvid0A"
SECRET = "s3cr3t-0f-th3-us3r"

ADDRESS = (
    f"https://rr4---sn-{SECRET}.googlevideo.com/videoplayback?expire=1780892114&ei={SECRET}&ip=192.0.2.9"
    f"&id={SECRET}&itag=251&source=youtube&mime=audio%2Fwebm&clen=99&dur=60.001&n={SECRET}&sig={SECRET}"
)

ANSWER = {
    "responseContext": {"visitorData": SECRET, "serviceTrackingParams": [{"params": [{"value": SECRET}]}]},
    "playabilityStatus": {"status": "OK", "contextParams": SECRET},
    "videoDetails": {
        "videoId": GOOD,
        "title": SECRET,
        "author": SECRET,
        "channelId": SECRET,
        "keywords": [SECRET],
    },
    "streamingData": {
        "adaptiveFormats": [
            {"itag": 251, "mimeType": 'audio/webm; codecs="opus"', "url": ADDRESS, "contentLength": "99"},
            {"itag": 140, "mimeType": "audio/mp4", "signatureCipher": f"s={SECRET}&sp=sig&url={ADDRESS}"},
        ],
        "hlsManifestUrl": f"https://manifest.googlevideo.com/api/manifest/hls/ip/192.0.2.9/sig/{SECRET}/x",
        "serverAbrStreamingUrl": ADDRESS,
    },
    "playbackTracking": {"videostatsPlaybackUrl": {"baseUrl": f"https://s.youtube.com/x?ei={SECRET}"}},
    "captions": {"baseUrl": f"https://www.youtube.com/api?signature={SECRET}"},
    "storyboards": {"playerStoryboardSpecRenderer": {"spec": f"https://i.ytimg.com/sb/x?sqp={SECRET}|48#27"}},
}


def player(answer: Any = ANSWER, status: int = 200) -> tuple[Request, Response]:
    asked = {"context": {"client": {"clientName": "VISIONOS", "visitorData": SECRET}}, "videoId": GOOD}
    url = f"https://www.youtube.com/youtubei/v1/player?key={SECRET}"
    request = Request(
        url, data=json.dumps(asked).encode(), headers={"Cookie": SECRET, "X-Goog-Visitor-Id": SECRET}
    )
    headers = {"Content-Type": "application/json", "Set-Cookie": SECRET, "Retry-After": "7", "X-Sent": SECRET}
    return request, Response(io.BytesIO(json.dumps(answer).encode()), url, headers, status)


def recorded(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(gzip.decompress(path.read_bytes())) for path in sorted(folder.glob("*.json.gz"))]


def test_a_players_answer_is_kept_as_far_as_it_decides(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    request, response = player()
    recorder.answered(request, response, GOOD)
    assert json.loads(response.read()) == ANSWER
    response.close()
    (found,) = recorded(tmp_path)
    assert (found["client"], found["videoId"], found["status"]) == ("VISIONOS", GOOD, 200)
    assert found["headers"] == {"Content-Type": "application/json", "Retry-After": "7"}
    opus, aac = found["answer"]["streamingData"]["adaptiveFormats"]
    assert opus["url"].startswith("https://rr1---sn-xxxxxxxx.googlevideo.com/videoplayback?")
    assert f"id={GOOD}" in opus["url"]
    assert "itag=251" in opus["url"]
    assert "n=xxx" in opus["url"], "that there is a challenge decides"
    assert "s=xxx" in aac["signatureCipher"]
    assert found["answer"]["storyboards"]
    assert found["answer"]["streamingData"]["hlsManifestUrl"].startswith("https://manifest.googlevideo.com/")


def test_nothing_personal_is_in_any_file(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    page = (
        f"<html><title>{SECRET}</title><script>var ytInitialPlayerResponse = {json.dumps(ANSWER)};</script>"
    )
    others = [
        ("https://www.youtube.com/watch?v=x&token=" + SECRET, page.encode()),
        ("https://www.youtube.com/youtubei/v1/visitor_id", json.dumps(ANSWER).encode()),
        ("https://www.youtube.com/youtubei/v1/player", b"<html>" + SECRET.encode()),
        ("https://www.youtube.com/other", SECRET.encode()),
    ]
    answers = [player(), player(status=403)]
    answers += [(Request(url), Response(io.BytesIO(body), url, {})) for url, body in others]
    for request, response in answers:
        recorder.answered(request, response, GOOD)
        response.read()
    found = recorded(tmp_path)
    assert len(found) == 6
    for one in found:
        assert SECRET not in json.dumps(one)
        assert SECRET.encode() not in b64decode(one.get("body", ""))
        assert "192.0.2.9" not in json.dumps(one)


def test_of_a_stream_the_head_is_kept_and_of_the_rest_what_came(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    for wanted, body in (("bytes=0-16383", b"head" * 4_096), ("bytes=99999-199999", b"sound" * 9_000)):
        headers = {"Content-Range": f"{wanted.replace('=', ' ')}/500000", "Content-Type": "audio/webm"}
        response = Response(io.BytesIO(body), ADDRESS, headers, 206)
        recorder.answered(Request(ADDRESS, headers={"Range": wanted}), response, GOOD)
        response.read()
    head, rest = recorded(tmp_path)
    assert (head["kind"], head["itag"], head["status"], head["range"]) == ("media", 251, 206, "bytes=0-16383")
    assert b64decode(head["body"]) == b"head" * 4_096
    assert b64decode(rest["body"]) == b""
    assert rest["headers"]["Content-Range"] == "bytes 99999-199999/500000"


def test_a_captcha_page_stays_one(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    url = "https://www.youtube.com/watch?v=x"
    response = Response(io.BytesIO(b'<form id="captcha-form">secret</form>'), url, {})
    recorder.answered(Request(url), response, GOOD)
    response.read()
    (found,) = recorded(tmp_path)
    assert b"captcha-form" in b64decode(found["body"])
    assert b"secret" not in b64decode(found["body"])


def test_what_nobody_reads_is_written_when_it_is_closed(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    request, response = player(status=500)
    recorder.answered(request, response, GOOD)
    response.close()
    (found,) = recorded(tmp_path)
    assert found["status"] == 500


def test_a_folder_does_not_grow_without_end(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path, most_bytes=3_000)
    for _ in range(20):
        request, response = player()
        recorder.answered(request, response, GOOD)
        response.read()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) <= 3_000
    assert recorder.left_out == 20 - len(recorded(tmp_path)) > 0


def test_a_disk_that_takes_nothing_is_counted_and_ends_nothing(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "answers")
    (tmp_path / "answers").rmdir()
    (tmp_path / "answers").write_text("")
    request, response = player()
    recorder.answered(request, response, GOOD)
    assert response.read()
    assert recorder.left_out == 1


def test_a_second_run_overwrites_nothing(tmp_path: Path) -> None:
    for _ in range(2):
        request, response = player()
        Recorder(tmp_path).answered(request, response, GOOD)
        response.read()
    assert len(recorded(tmp_path)) == 2


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EnvironmentProblem, match="--record"):
        Recorder(tmp_path / "file" / "in")


JSON = st.recursive(
    st.none() | st.integers() | st.just(SECRET) | st.just(ADDRESS),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["url", "title", "itag", "signatureCipher", "x"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["streamingData", "videoDetails", "captions", "storyboards"]), JSON))
def test_no_shape_of_an_answer_lets_anything_through(answer: dict[str, Any]) -> None:
    assert SECRET not in json.dumps(cleaned(answer, GOOD))


@given(st.text(max_size=300))
def test_no_address_breaks_it(text: str) -> None:
    assert isinstance(masked_address("https://" + text, GOOD), str)

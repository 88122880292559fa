"""Answers that the real YouTube gave, each through the unmodified yt-dlp: the right reason or stream.

They lie beside the repository where there are some (`../shared/recordings`) and are none of ours to ship.
"""

import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yt_dlp
from yt_dlp.networking import Response

from audioset_tools.sources.extractions import EXTRACTIONS
from audioset_tools.sources.extractor import reduce
from audioset_tools.sources.pace import Pace, parse_pace
from audioset_tools.sources.reasons import generic
from audioset_tools.sources.source import FetchError
from audioset_tools.sources.youtube import YouTube
from audioset_tools.types import Reason, Scope

FOLDER = Path(__file__).parents[3] / "shared" / "recordings"

EXPECTED = {
    "android-error-b540b61e": "unavailable, generic",
    "android-error-bbcf411f": "unavailable, generic",
    "android-login_required-2133a646": "age-gated, generic",
    "android-login_required-31c79466": "private",
    "android-login_required-a3602652": "private",
    "android-ok-43146d85": "251 en",
    "android-ok-baaa8a64": "251",
    "android-ok-dfe01da7": "251",
    "android-unplayable-0f63f02a": "client-refused",
    "android-unplayable-646db597": "geo-blocked",
    "android-unplayable-74b80520": "geo-blocked",
    "android-unplayable-a15be911": "paid",
    "android-unplayable-e1d8e687": "members-only",
    "android-unplayable-f2fbe1b1": "members-only",
    "ios-ok-93df6123": "140",
    "ios-ok-da034c95": "251 en",
    "ios-ok-e5412247": "140 en",
    # Their addresses hold a challenge for JavaScript, which the lean extraction leaves to the other one.
    "tvhtml5-ok-291a7969": "no-formats",
    "tvhtml5-ok-92eb693e": "no-formats",
    "tvhtml5-ok-dd8695e9": "live",
    "tvhtml5_simply_embedded_player-error-42f6c0b4": "unavailable, generic",
    "tvhtml5_simply_embedded_player-ok-7e05b392": "no-formats",
    "tvhtml5_simply_embedded_player-unplayable-16a29b07": "members-only",
    "tvhtml5_simply_embedded_player-unplayable-2ec050d1": "client-refused",
    "tvhtml5_simply_embedded_player-unplayable-348f459c": "paid",
    "tvhtml5_simply_embedded_player-unplayable-3e6ad45d": "unavailable, generic",
    "tvhtml5_simply_embedded_player-unplayable-d539df34": "geo-blocked",
    "visionos-ok-35674c4b": "251",
    "visionos-ok-4f93a1a5": "140",
    "visionos-ok-8f213d78": "251",
    "visionos-ok-e7daed82": "251",
    "visionos-ok-e818810a": "251",
    "visionos-ok-eecc56f4": "251",
    "visionos-ok-f1ebc17e": "251 en",
    "visionos-ok-f28b5111": "251 en",
    "visionos-unplayable-5313d37a": "unavailable, generic",
    "web-error-48ae693a": "unavailable, generic",
    "web-login_required-28be8b4d": "private",
    "web-login_required-899c5c82": "age-gated, generic",
    "web-ok-0a1930f8": "no-formats",
    "web-ok-4a0c72dc": "no-formats",
    "web-ok-73bc478b": "no-formats",
    "web-ok-ccac372b": "live",
    "web-ok-ecc03137": "no-formats",
    "web-unplayable-02cec6cb": "members-only",
    "web-unplayable-0f06f91a": "geo-blocked",
    "web-unplayable-2eb64295": "client-refused",
    "web-unplayable-8a8a9dc6": "paid",
    "web-unplayable-a7754939": "members-only",
}

RECORDINGS = sorted(FOLDER.glob("*.json.gz"))

pytestmark = pytest.mark.skipif(not RECORDINGS, reason="no recordings beside this checkout")


def read(path: Path) -> dict[str, Any]:
    with gzip.open(path) as handle:
        found: dict[str, Any] = json.load(handle)
    return found


def video_of(recording: dict[str, Any]) -> str:
    """The id to ask for: some refusals are of ids that are none, and name no video."""
    told = recording["answer"].get("videoDetails", {}).get("videoId")
    return str(told or "aaaaaaaaaaA")


@pytest.fixture
def answering(monkeypatch: pytest.MonkeyPatch) -> Callable[[dict[str, Any]], list[str]]:
    """Has yt-dlp's network answer every player request alike; gives the addresses asked."""

    def answer(recording: dict[str, Any]) -> list[str]:
        asked: list[str] = []

        def urlopen(_: object, request: Any) -> Response:
            asked.append(request.url)
            body = recording["answer"] if "/youtubei/v1/player" in request.url else {}
            return Response(
                io.BytesIO(json.dumps(body).encode()), request.url, {"Content-Type": "application/json"}
            )

        monkeypatch.setattr(yt_dlp.YoutubeDL, "urlopen", urlopen)
        return asked

    return answer


def lean() -> YouTube:
    return YouTube(Pace(parse_pace("unlimited")), extractions=EXTRACTIONS[:1])


def outcome(recording: dict[str, Any]) -> str:
    source = lean()
    try:
        source.visitor_id()
        chosen = source.resolve(0, video_of(recording)).chosen
        return " ".join(filter(None, [chosen["format_id"], chosen.get("language")]))
    except FetchError as error:
        return f"{error.reason}{', generic' if generic(error.reason, error.detail) else ''}"
    finally:
        source.close()


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_a_recorded_answer_is_understood(
    path: Path, answering: Callable[[dict[str, Any]], list[str]]
) -> None:
    recording = read(path)
    asked = answering(recording)
    found = outcome(recording)
    if expected := EXPECTED.get(path.name.removesuffix(".json.gz")):
        assert found == expected
    # Neither a manifest nor a second client is asked, whatever the answer says.
    assert [url.split("?")[0].rsplit("/", 1)[1] for url in asked] == ["visitor_id", "player"]
    # And an answer that lets the video be played is never taken for a verdict on it, unless it is live.
    if recording["answer"]["playabilityStatus"]["status"] == "OK" and found in set(Reason):
        reason = Reason(found)
        assert reason is Reason.LIVE or reason.scope is Scope.PASSING


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name.removesuffix(".json.gz"))
def test_what_is_left_out_of_an_answer_changes_no_choice(
    path: Path, answering: Callable[[dict[str, Any]], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = read(path)
    answering(recording)
    reduced = outcome(recording)
    monkeypatch.setattr("audioset_tools.sources.extractor.reduce", lambda *_, **__: None)
    # yt-dlp names the language of the one track there is by the captions' own, which chooses nothing.
    assert outcome(recording).split()[0] == reduced.split()[0]


def test_a_reduced_answer_is_small() -> None:
    for path in RECORDINGS:
        answer = read(path)["answer"]
        whole = len(json.dumps(answer))
        reduce(answer, keep_manifests=False)
        assert len(json.dumps(answer)) < max(0.7 * whole, 30_000), path.name

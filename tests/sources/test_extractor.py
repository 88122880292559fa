"""What yt-dlp starts is bounded, and what it is told is reduced to what decides."""

import json
import os
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import yt_dlp
from hypothesis import given
from hypothesis import strategies as st

from audioset_tools.sources import extractor
from audioset_tools.sources.extractor import bound_runtimes, is_captcha, reduce, words_of

SOUND = {"itag": 251, "mimeType": 'audio/webm; codecs="opus"', "url": "https://x"}
PICTURE = {"itag": 160, "mimeType": 'video/mp4; codecs="avc1"', "url": "https://x"}


def answer(*formats: dict[str, Any], **streaming: Any) -> dict[str, Any]:
    return {
        "playabilityStatus": {"status": "OK"},
        "captions": {"playerCaptionsTracklistRenderer": {}},
        "storyboards": {"playerStoryboardSpecRenderer": {"spec": "https://i.ytimg.com/sb|48#27"}},
        "streamingData": {"adaptiveFormats": [*formats], **streaming},
    }


def itags(response: dict[str, Any]) -> list[int]:
    return [one["itag"] for one in response["streamingData"]["adaptiveFormats"]]


def test_only_what_decides_is_let_through() -> None:
    response = answer(PICTURE, SOUND, hlsManifestUrl="https://m")
    reduce(response, keep_manifests=True)
    assert response.keys() == {"playabilityStatus", "streamingData"}
    assert itags(response) == [251]
    assert "hlsManifestUrl" not in response["streamingData"]


def test_a_manifest_is_kept_for_whom_it_is_of_use_where_no_stream_has_an_address() -> None:
    for keep in (True, False):
        response = answer({**SOUND, "url": None}, hlsManifestUrl="https://m")
        reduce(response, keep_manifests=keep)
        assert ("hlsManifestUrl" in response["streamingData"]) == keep


def test_a_picture_is_left_where_there_is_no_sound() -> None:
    response = answer(PICTURE, {**PICTURE, "itag": 133})
    reduce(response, keep_manifests=False)
    assert itags(response) == [160]


def test_of_a_dubbed_video_the_original_is_left() -> None:
    track = {"displayName": "English original", "id": "en.4"}
    dubs = [{**SOUND, "itag": n, "audioTrack": {"displayName": "German", "id": "de.3"}} for n in range(9)]
    response = answer(*dubs, {**SOUND, "audioTrack": track}, {**SOUND, "itag": 140, "audioTrack": track})
    reduce(response, keep_manifests=False)
    assert itags(response) == [251, 140]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=10,
)


@given(
    st.dictionaries(st.sampled_from([*extractor.NEEDED, "captions"]), JSON),
    st.lists(JSON, max_size=3),
    st.booleans(),
)
def test_no_answer_however_odd_breaks_it(response: dict[str, Any], listed: list[Any], keep: bool) -> None:
    for streaming in (response.get("streamingData"), {"adaptiveFormats": listed, "formats": listed}):
        odd = json.loads(json.dumps({**response, "streamingData": streaming}))
        reduce(odd, keep)
        assert isinstance(words_of(odd), str)
        assert len(words_of(odd)) <= 2_000


def test_words_of_an_answer_in_whatever_part_they_stand() -> None:
    told = {"status": "LOGIN_REQUIRED", "errorScreen": {"a": {"runs": [{"text": "not a bot"}]}}}
    assert "not a bot" in words_of({"playabilityStatus": told})
    assert words_of({"playabilityStatus": {**told, "status": "OK"}}) == ""


def test_a_captcha_page_is_told_from_a_videos() -> None:
    assert is_captcha('<form id="captcha-form" action="index">')
    assert not is_captcha("<script>var ytInitialPlayerResponse = {};</script> g-recaptcha")
    assert not is_captcha("<html>")


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    """What stands in for deno and never answers, or grows."""
    path = tmp_path / "deno"
    path.write_text(
        f"#!{sys.executable}\nimport os, time\n"
        "hold = bytearray(int(os.environ['GROW']))\nprint(len(hold), flush=True)\ntime.sleep(60)\n"
    )
    path.chmod(0o755)
    return path


def started(runtime: Path, grow: int) -> subprocess.Popen[str]:
    bound_runtimes()
    module: Any = import_module("yt_dlp.extractor.youtube.jsc._builtin.deno")
    process: subprocess.Popen[str] = module.Popen(
        [str(runtime)],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "GROW": str(grow)},
    )
    return process


def test_a_javascript_runtime_that_hangs_is_ended(runtime: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extractor, "SCRIPT_S", 0.5)
    began = time.monotonic()
    with started(runtime, grow=0) as process, pytest.raises(yt_dlp.utils.ExtractorError, match="JavaScript"):
        process.communicate_or_kill("")  # type: ignore[attr-defined]
    assert time.monotonic() - began < 10
    assert process.returncode


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux limits another process")
def test_a_javascript_runtime_that_grows_is_ended(runtime: Path) -> None:
    with started(runtime, grow=3 << 30) as process:
        said, error = process.communicate("", timeout=30)
    assert not said
    assert "MemoryError" in error


def test_deno_itself_runs_within_the_bounds(tmp_path: Path) -> None:
    """Half a gigabyte of JavaScript's memory is more than a challenge was seen to take."""
    bound_runtimes()
    module: Any = import_module("yt_dlp.extractor.youtube.jsc._builtin.deno")
    deno = Path(sys.executable).with_name("deno")
    if not deno.exists():
        pytest.skip("deno is not installed beside Python")
    with module.Popen(
        [str(deno), "run", "--ext=js", "--no-prompt", "-"],
        text=True,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=dict(os.environ),
    ) as process:
        said, error = process.communicate_or_kill(
            "const held = []; for (let i = 0; i < 60; i++) held.push(new Array(1e6).fill(i));"
            "console.log(held.length);"
        )
    assert said.strip() == "60", error


LONG = 200_000


@pytest.mark.parametrize(
    "content",
    [
        "ytInitialPlayerResponse = {" * LONG,
        "ytInitialData={" * LONG,
        "ytcfg.set({" * LONG,
        "<meta itemprop=title " * LONG,
        f"<meta name=title {'content=' * LONG}",
        "<script id=" * LONG,
        f"#EXTM3U\n#EXT-X-STREAM-INF:{'A' * LONG}",
    ],
)
def test_a_page_that_would_freeze_yt_dlp_is_refused_at_once(content: str) -> None:
    began = time.thread_time()
    assert not extractor.is_sane(content)
    assert time.thread_time() - began < 2


def test_real_pages_and_playlists_are_let_through() -> None:
    tags = "".join(f'<meta property="og:{n}" content="x"><script src="/{n}"></script>' for n in range(2_000))
    data = json.dumps({"text": "a sentence of a description. " * 50_000})
    for page in (
        f"<html>{tags}<script>var ytInitialPlayerResponse = {data};</script></html>",
        data,
        "#EXTM3U\n" + f"https://manifest.googlevideo.com/{'x' * 2_000}\n" * 500,
        "function(a){return a}" * 100_000,
    ):
        assert extractor.is_sane(page)


def test_what_is_kept_of_an_answer_is_cut() -> None:
    words = {"reason": "<" * LONG, "errorScreen": {"a": ["x" * LONG] * 5_000}, "deep": []}
    for _ in range(900):
        words["deep"] = [words["deep"]]
    response = answer({**SOUND, "url": "https://x/" + "y" * LONG})
    response |= {"playabilityStatus": words, "videoDetails": {"title": "t" * LONG, "lengthSeconds": "9"}}
    reduce(response, keep_manifests=False)
    assert len(json.dumps(response)) < 1_100_000
    assert response["videoDetails"]["lengthSeconds"] == "9"
    assert len(response["streamingData"]["adaptiveFormats"][0]["url"]) == 8_192

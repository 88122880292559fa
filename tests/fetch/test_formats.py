"""Which stream is read; and that only a video that certainly has no sound is said to have none."""

from typing import Any

import pytest

from audioset_tools.fetch.formats import choose_format
from audioset_tools.fetch.source import FetchError
from audioset_tools.types import Reason

BOARD = {
    "format_id": "sb0",
    "url": "https://i.ytimg.com/x",
    "protocol": "mhtml",
    "acodec": "none",
    "vcodec": "none",
}
PICTURE = {"format_id": "160", "url": "https://x", "protocol": "https", "acodec": "none", "vcodec": "avc1"}
OPUS = {
    "format_id": "251",
    "url": "https://x",
    "protocol": "https",
    "acodec": "opus",
    "vcodec": "none",
    "tbr": 130,
}
AAC = {
    "format_id": "140",
    "url": "https://x",
    "protocol": "https",
    "acodec": "mp4a.40.2",
    "vcodec": "none",
    "tbr": 129,
}
MUXED = {
    "format_id": "18",
    "url": "https://x",
    "protocol": "https",
    "acodec": "mp4a.40.2",
    "vcodec": "avc1",
    "tbr": 500,
}
UNTOLD = {"format_id": "234", "url": "https://x", "protocol": "m3u8_native", "acodec": None, "vcodec": "none"}


def chosen(*formats: dict[str, Any], lists_sound: bool = False) -> str | Reason:
    try:
        return str(choose_format({"formats": list(formats)}, lists_sound)["format_id"])
    except FetchError as error:
        return error.reason


@pytest.mark.parametrize(
    ("formats", "expected"),
    [
        ([BOARD, PICTURE, AAC, OPUS, MUXED], "251"),
        ([MUXED, AAC], "140"),
        ([BOARD, MUXED, PICTURE], "18"),
        ([{**OPUS, "has_drm": True}, AAC], "140"),
        ([{**OPUS, "has_drm": "maybe"}], "251"),
        ([UNTOLD, {**PICTURE, "protocol": "m3u8_native"}], "234"),
        ([UNTOLD, MUXED], "18"),
        ([{**OPUS, "format_id": "251-drc"}, OPUS], "251"),
        (
            [{**OPUS, "format_id": "251-1", "language_preference": 5}, {**AAC, "language_preference": 10}],
            "140",
        ),
        ([{**OPUS, "preference": -10}, AAC], "140"),
        ([{"format_id": "251", "url": "https://x"}], "251"),
    ],
)
def test_the_best_sound_is_read(formats: list[dict[str, Any]], expected: str) -> None:
    assert chosen(*formats) == chosen(*reversed(formats)) == expected


@pytest.mark.parametrize(
    ("formats", "lists_sound", "expected"),
    [
        ([], False, Reason.NO_FORMATS),
        ([BOARD], False, Reason.NO_FORMATS),
        ([{**OPUS, "url": None}], True, Reason.NO_FORMATS),
        ([{**OPUS, "protocol": "sabr"}], True, Reason.NO_FORMATS),
        ([{**OPUS, "protocol": "http_dash_segments"}], True, Reason.NO_FORMATS),
        ([BOARD, PICTURE], True, Reason.NO_FORMATS),
        ([BOARD, PICTURE], False, Reason.NO_AUDIO),
        ([{**OPUS, "has_drm": True}, {**AAC, "has_drm": True}], True, Reason.DRM),
    ],
)
def test_why_there_is_none(formats: list[dict[str, Any]], lists_sound: bool, expected: Reason) -> None:
    assert chosen(*formats, lists_sound=lists_sound) is expected

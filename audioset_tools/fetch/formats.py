"""Which of a video's streams to read."""

from collections.abc import Mapping
from typing import Any

from ..types import Reason
from .source import FetchError

READABLE = frozenset({"https", "http", "m3u8", "m3u8_native"})
"""Protocols that we, or ffmpeg, can read; not the pictures of a storyboard (`mhtml`), fragments, or SABR."""


def choose_format(info: Mapping[str, Any], lists_sound: bool = False) -> dict[str, Any]:
    """The best sound: the original language, audio alone, Opus before AAC, the highest bit rate.

    In yt-dlp the codec `None` means that nobody told it, and `"none"` that there is none.

    Args:
        info: what yt-dlp made of the answer.
        lists_sound: whether the answer itself lists sound, with an address or not.

    Raises:
        FetchError: there is no sound, none that can be read, or none without DRM.
    """
    formats = [entry for entry in info.get("formats") or () if _is_stream(entry)]
    readable = [entry for entry in formats if entry.get("has_drm") is not True]
    if formats and not readable:
        raise FetchError(Reason.DRM, "every stream is protected by DRM")
    sounding = [entry for entry in readable if entry.get("acodec") != "none"]
    if sounding:
        return max(sounding, key=_merit)
    if lists_sound or not readable:
        raise FetchError(Reason.NO_FORMATS, "the answer names no stream with sound that can be read")
    raise FetchError(Reason.NO_AUDIO, "the video has no sound")


def _is_stream(entry: Mapping[str, Any]) -> bool:
    return bool(entry.get("url")) and entry.get("protocol", "https") in READABLE


def _merit(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        entry.get("language_preference") or -1,
        # yt-dlp says so of a stream less than half as long as its video: damaged in encoding.
        (entry.get("preference") or 0) > -10,
        entry.get("acodec") is not None,
        entry.get("vcodec") == "none",
        # A "drc" stream is the same sound with its dynamics compressed.
        "drc" not in str(entry.get("format_id")),
        # One address is read by exact ranges; a playlist takes a request for each piece.
        str(entry.get("protocol", "https")).startswith("http"),
        str(entry.get("acodec")).startswith("opus"),
        entry.get("abr") or entry.get("tbr") or 0,
    )

"""Which of a video's streams to read."""

from collections.abc import Mapping
from typing import Any

from ..types import Reason
from .source import FetchError


def choose_format(info: Mapping[str, Any]) -> dict[str, Any]:
    """The best sound: the original language, audio alone, Opus before AAC, the highest bit rate.

    Raises:
        FetchError: there is no sound.
    """
    formats: list[dict[str, Any]] = [entry for entry in info.get("formats") or () if entry.get("url")]
    if not formats:
        raise FetchError(Reason.NO_FORMATS, "the answer names no stream")
    sounding = [entry for entry in formats if entry.get("acodec") not in (None, "none")]
    if not sounding:
        raise FetchError(Reason.NO_AUDIO, "the video has no sound")
    return max(sounding, key=_merit)


def _merit(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return (
        entry.get("language_preference") or -1,
        # yt-dlp says so of a stream less than half as long as its video: damaged in encoding.
        (entry.get("preference") or 0) > -10,
        entry.get("vcodec") in (None, "none"),
        # A "drc" stream is the same sound with its dynamics compressed.
        "drc" not in str(entry.get("format_id")),
        str(entry.get("acodec")).startswith("opus"),
        entry.get("abr") or entry.get("tbr") or 0,
    )

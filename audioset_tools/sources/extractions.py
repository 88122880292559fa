"""How a video is resolved: by which client of YouTube's, in which order, and which of its streams is read.

YouTube switches clients off, and on again; what works is learned, and shared by all threads. Neither the
clients nor their order are known anywhere but in `EXTRACTIONS`; a user's own `player_client` takes its place.
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from ..exceptions import UsageError
from ..types import Reason, Scope
from .source import FetchError

CLIENT_TROUBLE = frozenset(
    {Reason.NO_FORMATS, Reason.CLIENT, Reason.MEDIA_REFUSED, Reason.BAD_ANSWER, Reason.UNKNOWN}
)
"""What may be the client's fault and not the video's: another client may fare better."""

TOO_OFTEN = 0.8
"""The share of videos that the first extraction fails and the other gets, at which they change places."""

_WINDOW = 4
_BROKEN = 3

Arguments = Mapping[str, Mapping[str, list[str]]]
"""yt-dlp's `extractor_args`: extractor, or provider of tokens -> name -> values."""


@dataclass(frozen=True, slots=True)
class Extraction:
    """One way of resolving a video.

    Args:
        most_requests: page and player requests for one video, further ones are not sent; None for no limit.
        client: the one client that it asks, where it asks one; a visitor id is got in its name.
    """

    name: str
    arguments: Arguments = field(default_factory=dict)
    most_requests: int | None = None
    client: str | None = None

    @property
    def needs_javascript(self) -> bool:
        """Whether a runtime is of use to it; a lean extraction starts none."""
        return self.client is None

    def merged(self, others: Arguments) -> "Extraction":
        """With a user's arguments besides, which win; what is skipped by either is skipped."""
        merged: dict[str, dict[str, list[str]]] = deepcopy({k: dict(v) for k, v in self.arguments.items()})
        for extractor, arguments in others.items():
            ours = merged.setdefault(extractor, {})
            for name, values in arguments.items():
                ours[name] = sorted({*ours.get(name, []), *values}) if name in _SKIPPING else list(values)
        return replace(self, arguments=merged)


_SKIPPING = ("player_skip", "skip")

EXTRACTIONS = (
    Extraction(
        "lean",
        {
            "youtube": {
                "player_client": ["visionos"],
                "player_skip": ["webpage", "configs", "js", "initial_data"],
                "skip": ["hls", "dash", "translated_subs"],
            }
        },
        # A second one is yt-dlp's attempt at an age gate, with a client that is of no use without JavaScript.
        most_requests=1,
        client="visionos",
    ),
    Extraction("default"),
)
"""One request first, answered by 48 kB and more; else yt-dlp's own choice, which its
releases keep up."""

OTHERS: Arguments = {"youtube": {"player_client": ["default", "-visionos"]}}
"""yt-dlp's own choice without the lean client, where that one has just answered: a request less."""


def extractions_for(user: Any, cookies: bool) -> tuple[Extraction, ...]:
    """The extractions to choose from.

    Args:
        user: the user's `extractor_args`, as given to `YoutubeDL`.
        cookies: whether the requests are an account's, which the lean client knows nothing of.

    Raises:
        UsageError: they are not in the form that `YoutubeDL` takes.
    """
    arguments = _checked(user)
    if "player_client" in arguments.get("youtube", {}):
        return (Extraction("chosen", arguments),)
    if cookies:
        return (Extraction("default", arguments),)
    return tuple(one.merged(arguments) for one in EXTRACTIONS)


def _checked(user: Any) -> Arguments:
    well = isinstance(user, dict) and all(
        isinstance(named, dict)
        and all(isinstance(v, list) and all(isinstance(text, str) for text in v) for v in named.values())
        for named in user.values()
    )
    if not well:
        raise UsageError(
            "extractor_args is not in the form that YoutubeDL takes",
            """Write it as in --ytdlp-option 'extractor_args={"youtube": {"po_token": ["web+..."]}}'.""",
        )
    checked: Arguments = user
    return checked


class Preference:
    """The order in which two extractions are tried.

    The lean one first costs a request and, for the share of videos that it fails and the other gets, two or
    three more; the default one first costs three. So they change places when that share is `TOO_OFTEN`: a
    moving average that begins as Laplace's rule of succession: three in a row are enough at the start.

    Args:
        again: so many videos after a change the cheap one, number 0, is tried first once more.
    """

    def __init__(self, again: int = 50) -> None:
        self._again = again
        self._lock = Lock()
        self._first = 0
        self._beaten, self._seen = 0.5, 0
        self._broken = 0
        self._since = 0

    @property
    def first(self) -> int:
        """The number of the extraction that is tried first."""
        return self._first

    def order(self) -> tuple[int, int]:
        """The numbers of the extractions as they are to be tried for the next video."""
        with self._lock:
            self._since += 1
            first = 0 if self._since % self._again == 0 else self._first
            return first, 1 - first

    def worked(self, order: tuple[int, ...], number: int) -> None:
        """Tell that of those in `order`, `number` got the video, and those before it did not."""
        with self._lock:
            if order[0] == number != self._first:
                self._change(number)
                return
            beaten = number != self._first
            self._broken = self._broken if beaten else 0
            self._beaten += (beaten - self._beaten) / (min(self._seen, _WINDOW) + 3)
            self._seen += 1
            if self._beaten >= TOO_OFTEN:
                self._change(number)

    def leads_on(self, reason: Reason) -> bool:
        """Whether the other extraction is to be tried after one failed for a passing reason."""
        with self._lock:
            if reason.scope is not Scope.PASSING:
                self._broken = 0
                return False
            # A server in trouble is left alone, unless it is in trouble with this client every time.
            self._broken += reason is Reason.SERVER_ERROR
            return reason in CLIENT_TROUBLE or self._broken > _BROKEN

    def _change(self, number: int) -> None:
        self._first = number
        self._beaten, self._seen = 0.5, 0
        self._broken = self._since = 0


READABLE = frozenset({"https", "http", "m3u8", "m3u8_native"})
"""Protocols that we, or ffmpeg, can read; not the pictures of a storyboard (`mhtml`), fragments, or SABR."""


def choose_format(info: Mapping[str, Any], lists_sound: bool = False) -> dict[str, Any]:
    """The best sound: the original language, audio alone, Opus before AAC, the highest bit rate.

    In yt-dlp the codec `None` means that it is not known, and `"none"` that there is none.

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
